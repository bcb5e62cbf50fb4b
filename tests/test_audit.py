"""What a desk should look at again: each finding where it is due and nowhere else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import schemas, writes
from app.filters.query import FINDINGS
from app.main import create_app
from app.settings import Settings
from chronology import items, walk
from stores import BY, Stores, opened, seeded

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("small_blocks")]

Json = dict[str, Any]

PAST, FUTURE = "2020-05-10", "9990-01-01"
NEWS = {"publisher": "The Daily", "title": "News", "published": "2023-11-20"}
OTHER = {"publisher": "The Weekly", "title": "More news", "published": "2023-11-21"}


def event(*sources: Json, date: str = "2023-11-15", status: str | None = None) -> Json:
    """An event with these sources."""
    return {"type": "visit", "title": "A visit", "date": date, "status": status, "sources": sources}


def source(**more: Any) -> Json:
    """A source by itself; what is None is not known."""
    told = {**NEWS, **more}
    return {name: value for name, value in told.items() if value is not None}


# What has a finding, and what is like it and has not.
DUE: dict[str, list[Json]] = {
    "act-after-sources": [
        event(NEWS, OTHER, date="2023-11-22"),
        event(NEWS, date="2023-11-22", status="completed"),
        event(source(published="2023"), date="2024-01"),
        event(source(published=None, accessed="2023-11-20"), date="2023-11-21/.."),
        event(NEWS, source(title="T", published="2024", role="context"), date="2023-11-22"),
    ],
    "published-after-accessed": [
        event(source(accessed="2023-11-19")),
        event(NEWS, source(title="T", role="context", published="2024", accessed="2023")),
    ],
    "published-in-future": [
        event(source(published=FUTURE)),
        event(NEWS, source(title="T", published=f"[{FUTURE}..]", role="contradicts")),
    ],
    "no-known-publisher": [
        event(source(publisher=None)),
        event(source(publisher=None), source(title="T", role="context")),
    ],
    "single-publisher": [
        event(NEWS),
        event(NEWS, source(title="Other news")),
        event(NEWS, source(publisher="THE DAILY", title="T")),
        event(NEWS, source(publisher=None, title="T"), {**OTHER, "role": "contradicts"}),
    ],
    "planned-overdue": [
        event(NEWS, date=PAST, status="planned"),
        event(NEWS, date="../2020", status="planned"),
        event(NEWS, date="[2019..2021]", status="planned"),
    ],
}
NOT_DUE: dict[str, list[Json]] = {
    "act-after-sources": [
        event(NEWS, date="2023-11-20"),
        event(NEWS, OTHER, date="2023-11-21"),
        event(NEWS, date="2023-11"),
        event(NEWS, date="../2030"),
        event(NEWS, date="2024", status="planned"),
        event(NEWS, date="2024", status="cancelled"),
        event(NEWS, source(published=None, title="T"), date="2024"),
        event(source(published="2023"), date="2023-12-31"),
        event(source(published="[2023..]"), date="2024"),
    ],
    "published-after-accessed": [
        event(source(accessed="2023-11-20")),
        event(source(accessed="2023")),
        event(source(published="2023", accessed="2023-01-05")),
        event(source(published=None, accessed="2001")),
        event(source(published="[..2024]", accessed="2001")),
    ],
    "published-in-future": [
        event(NEWS),
        event(source(published="2023/9990")),
        event(source(published=None, accessed=FUTURE)),
        event(source(published="[2023..]")),
    ],
    "no-known-publisher": [event(NEWS), event(source(publisher=None, title="T"), NEWS)],
    "single-publisher": [event(NEWS, OTHER), event(source(publisher=None))],
    "planned-overdue": [
        event(NEWS, date=PAST),
        event(NEWS, date=PAST, status="cancelled"),
        event(NEWS, date=FUTURE, status="planned"),
        event(NEWS, date="2020/..", status="planned"),
        event(NEWS, date="2020/9990", status="planned"),
        event(NEWS, date="[2020..]", status="planned"),
    ],
}
CASES = {
    f"{name}-{'due' if due else 'not'}-{n}": (name, due, case)
    for due, cases in ((True, DUE), (False, NOT_DUE))
    for name, found in cases.items()
    for n, case in enumerate(found)
}


@pytest.fixture(scope="module")
def audited(stores: Stores, seeded_template: str) -> Iterator[TestClient]:
    """A client of a store that holds every case under its own name, and the example chronology."""

    def fill(session: Any) -> None:
        for name, (_, _, case) in CASES.items():
            # Under a title of its own, so that no source is taken for that of another case.
            own = [{**told, "title": f"{told['title']} of {name}"} for told in case["sources"]]
            told = {**case, "id": name, "sources": own}
            given = schemas.EventWrite.model_validate(told)
            writes.create_events(session, BY, [given])

    url = seeded(stores, seeded_template, fill)
    with TestClient(create_app(Settings(database_url=url))) as client:
        yield client


def findings(client: TestClient, **asked: Any) -> list[Json]:
    """All that is found, page by page."""
    return items(walk(client, "/audit", **asked))


def test_every_finding_has_a_rule_and_cases() -> None:
    """In the order of the reference."""
    assert tuple(import_module("app.reads.audit").RULES) == FINDINGS
    assert tuple(DUE) == tuple(NOT_DUE) == FINDINGS


@pytest.mark.parametrize("case", CASES)
def test_a_finding_is_there_where_it_is_due(audited: TestClient, case: str) -> None:
    """Once, with the event's title and a message; and not where it is not."""
    name, due, told = CASES[case]
    year = audited.get(f"/events/{case}").json()["date"]["edtf"]
    assert year == told["date"]
    found = [f for f in findings(audited, finding=name) if f["event"] == case]
    assert len(found) == due
    for finding in found:
        assert finding["finding"] == name
        assert finding["title"] == "A visit"
        assert finding["message"].endswith((".", "?"))


def test_a_finding_names_the_sources_that_it_is_about(audited: TestClient) -> None:
    """By their ids, which lead to them."""
    for name in ("act-after-sources", "published-after-accessed", "published-in-future"):
        (found,) = (f for f in findings(audited, finding=name) if f["event"] == f"{name}-due-0")
        own = audited.get(f"/events/{name}-due-0").json()["sources"]
        assert found["sources"] == [source["id"] for source in own]
    for name in ("no-known-publisher", "single-publisher", "planned-overdue"):
        assert all(f["sources"] == [] for f in findings(audited, finding=name))


def test_findings_come_in_timeline_order(audited: TestClient) -> None:
    """And of one event in the order of the reference."""
    order = {e["id"]: n for n, e in enumerate(items(walk(audited, "/events")))}
    found = [(order[f["event"]], FINDINGS.index(f["finding"])) for f in findings(audited)]
    assert found == sorted(found)
    assert {FINDINGS[kind] for _, kind in found} == set(FINDINGS)


@pytest.mark.parametrize("limit", [1, 2, 7, 200])
def test_every_page_but_the_last_is_full(audited: TestClient, limit: int) -> None:
    """However many sound events lie between findings, also if a page ends within an event."""
    expected = findings(audited)
    pages = walk(audited, "/audit", limit=limit)
    assert items(pages) == expected
    assert [len(page["items"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-len(expected) // limit)


def test_a_kind_without_findings_is_one_empty_page(audited: TestClient) -> None:
    """Without a `next`."""
    answer = audited.get("/audit", params={"finding": "planned-overdue", "type": "contract"})
    assert answer.json()["items"] == []
    assert answer.json()["next"] is None


def test_every_event_that_a_rule_reports_is_found(audited: TestClient) -> None:
    """The index leads to the same findings as applying each rule to every event."""
    events = [json.loads(line) for line in audited.get("/events.ndjson").text.splitlines()]
    rules = import_module("app.reads.audit").RULES
    today = datetime.now(UTC).toordinal()
    for name, rule in rules.items():
        expected = [event["id"] for event in events for _ in rule(event, today)]
        assert [f["event"] for f in findings(audited, finding=name)] == expected


def test_several_kinds_may_be_asked_for(audited: TestClient) -> None:
    """As any repeated parameter: either."""
    both = findings(audited, finding=["planned-overdue", "single-publisher"])
    wanted = ("planned-overdue", "single-publisher")
    assert both == [f for f in findings(audited) if f["finding"] in wanted]


@pytest.mark.parametrize(
    "asked", [{"type": "contract"}, {"date": "2023-11"}, {"q": "gas"}, {"actor": "!serbia"}]
)
def test_the_filter_says_which_events_are_audited(
    audited: TestClient, asked: dict[str, str]
) -> None:
    """The same filter as of the events."""
    events = {e["id"] for e in items(walk(audited, "/events", **asked))}
    assert findings(audited, **asked) == [f for f in findings(audited) if f["event"] in events]


def test_a_finding_that_there_is_not_is_refused(audited: TestClient) -> None:
    """With the nearest."""
    answer = audited.get("/audit", params={"finding": "single-publishr"})
    assert answer.status_code == 422
    assert "single-publisher" in answer.text


def test_a_cursor_belongs_to_its_question(audited: TestClient) -> None:
    """Another filter or another kind of finding does not take it."""
    following = audited.get("/audit?limit=1").json()["next"]
    assert audited.get(following).status_code == 200
    for more in ("&type=visit", "&finding=single-publisher"):
        assert audited.get(following + more).status_code == 422


def test_a_walk_goes_on_where_its_event_has_gone(stores: Stores, seeded_template: str) -> None:
    """It is changed or deleted between two pages; what is later is found all the same."""
    url = stores.new(seeded_template)
    with TestClient(create_app(Settings(database_url=url))) as client:
        expected = findings(client, finding="single-publisher")
        first = client.get("/audit?limit=3&finding=single-publisher").json()
        gone = expected[3]["event"]
        with opened(url) as store, store.write() as session:
            if not writes.EVENT.used_by(session, gone):
                writes.EVENT.remove(session, BY, gone)
        rest: list[Json] = []
        while first["next"]:
            first = client.get(first["next"]).json()
            rest += first["items"]
        assert [f["event"] for f in rest if f["event"] != gone] == [
            f["event"] for f in expected[3:] if f["event"] != gone
        ]
