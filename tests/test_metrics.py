"""`/metrics`: what a server tells Prometheus, held against what it was asked."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.dialects import too_costly
from app.main import create_app
from app.reads.hits import Hits
from app.settings import Settings
from app.store import Cache
from stores import key_of
from writing import event

pytestmark = pytest.mark.both_engines


@pytest.fixture
def served(seeded_store: str) -> Iterator[TestClient]:
    """A client of an application of the test's own, with a key."""
    with TestClient(create_app(Settings(database_url=seeded_store))) as client:
        client.headers["Authorization"] = f"Bearer {key_of(seeded_store)}"
        yield client


def figures(client: TestClient) -> dict[tuple[str, ...], float]:
    """Each figure by its name and its labels, in the order of their names."""
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_method_and_status(served: TestClient) -> None:
    """By the template of the route: an id, or a misspelt address, makes no figure of its own."""
    for target in ("/events", "/events/nothing", "/nowhere", "/events?limit=0", "/events"):
        served.get(target)
    found = figures(served)
    count = "dateline_request_seconds_count"
    assert found[count, "GET", "/events", "200"] == 2
    assert found[count, "GET", "/events", "422"] == 1
    assert found[count, "GET", "/events/{id}", "404"] == 1
    assert found[count, "GET", "none", "404"] == 1
    assert found["dateline_request_seconds_sum", "GET", "/events", "200"] > 0


def test_methods_that_somebody_makes_up_are_one(served: TestClient) -> None:
    """They would be as many figures."""
    for method in ("BREW", "WHEN"):
        served.request(method, "/events")
    assert figures(served)["dateline_request_seconds_count", "other", "/events", "405"] == 2


def test_reads_and_writes_are_counted_and_none_waits(served: TestClient) -> None:
    """With what they took, and how many there may be at a time."""
    before = figures(served)
    made = event(sources=[{"url": "https://example.org/one"}])
    assert served.post("/events", json=made).status_code == 201
    after = figures(served)
    assert after["dateline_writes_total",] == before["dateline_writes_total",] + 1
    assert after["dateline_reads_total",] > before["dateline_reads_total",]
    assert after["dateline_writes_seconds_total",] > before["dateline_writes_seconds_total",]
    for what in ("reads", "slow_reads", "writes"):
        assert after[f"dateline_{what}_waiting",] == 0
    assert after["dateline_reads_limit",] + after["dateline_slow_reads_limit",] == 10
    assert after["dateline_slow_reads_limit",] in (1, 5)
    assert after["dateline_writes_limit",] == 1


def test_queries_that_were_given_up_are_counted(
    served: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are what `query-too-costly` answers are."""

    def refuse(_: Hits) -> None:
        raise too_costly()

    monkeypatch.setattr(Hits, "check_time", refuse)
    assert served.get("/events?q=gas").json()["type"].endswith("query-too-costly")
    assert figures(served)["dateline_queries_too_costly_total",] == 1


def test_memory_is_told_with_its_limit(served: TestClient) -> None:
    """In bytes."""
    served.get("/events?type=visit")
    found = figures(served)
    assert 0 < found["dateline_memory_bytes",] < found["dateline_memory_limit_bytes",]


def test_memory_knows_its_size() -> None:
    """What is taken out again is not counted."""
    memory = Cache(10_000)
    sizes = []
    for number in range(20):
        memory.put(number, True, 2000)
        sizes.append(memory.size)
    assert max(sizes) <= 10_000
    assert sizes[-1] == sizes[-2] > 0
