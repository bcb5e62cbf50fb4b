"""The example chronology: what the contract says of it, and what it must never lose."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import dates, schemas, seeding
from stores import opened

pytestmark = pytest.mark.both_engines

SEED = Path(__file__).parent.parent / "seed"
ANALYSIS = "eurasia-daily-monitor-azerbaijan-serbia"

EVENTS: list[dict[str, Any]] = seeding.read_seed("events")
BY_ID = {event["id"]: event for event in EVENTS}
SOURCES = {source["id"]: source for source in seeding.read_seed("sources")}


def served(client: TestClient, event_id: str) -> dict[str, Any]:
    """One event as the API gives it."""
    found: dict[str, Any] = client.get(f"/events/{event_id}").json()
    return found


@pytest.mark.parametrize(
    ("event_id", "edtf"),
    [
        ("serbia-azerbaijan-gas-contract", "2023-11"),
        ("serbia-azerbaijan-artillery-contract", "[..2024-02-06]"),
        ("military-technical-cooperation-agreement", "[..2021-10-11]"),
        ("azerbaijan-gas-deliveries-to-serbia", "2023-11/2024-12"),
        ("serbia-bulgaria-gas-interconnector-opening", "2023-12-10"),
        ("slepcevic-badovinci-highway-construction", "2023-11"),
        ("serbian-weapons-in-armenian-use", "2020-08"),
        ("strategic-partnership-council", "2022"),
        ("serbia-plans-to-join-southern-gas-corridor", "[2024-02-28..]"),
        ("aliyev-re-election-2024", "2024-02-07"),
        ("vucic-confirms-artillery-contract", "2024-02-06"),
    ],
)
def test_a_date_is_as_precise_as_the_document(event_id: str, edtf: str) -> None:
    """A month stays a month, and the date of a report is not the date of what it reports."""
    assert BY_ID[event_id]["date"]["edtf"] == edtf


def test_the_gas_contract_has_both_newspapers_that_reported_it(client: TestClient) -> None:
    """Two reports of one contract are one event with two supporting sources."""
    sources = served(client, "serbia-azerbaijan-gas-contract")["sources"]
    supporting = {source["publisher"] for source in sources if source["role"] == "supports"}
    assert supporting == {"Balkan Insight", "Balkan Green Energy News"}


def test_four_citations_have_no_publisher() -> None:
    """An unknown publisher is left out, never invented."""
    unknown = {s["published"] for s in SOURCES.values() if "publisher" not in s}
    assert unknown == {"2022-11-23", "2023-09-20", "2023-11-29", "2023-12-13"}


def test_one_citation_has_only_a_date_of_access() -> None:
    """The Ministry's page, accessed on 28 February; the year follows from the context."""
    accessed = [s for s in SOURCES.values() if "accessed" in s]
    assert [(s["accessed"], s.get("published")) for s in accessed] == [("2024-02-28", None)]


def test_the_analysis_bears_the_date_that_follows_from_what_it_cites() -> None:
    """It was written no earlier than the page that it cites as accessed."""
    assert SOURCES[ANALYSIS]["published"] == "[2024-02-28..]"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["id"])
def test_the_analysis_is_context_where_another_source_is_named(event: dict[str, Any]) -> None:
    """Where the document names another source that one supports; else the analysis does."""
    roles = {source["id"]: source.get("role", "supports") for source in event["sources"]}
    assert roles[ANALYSIS] == ("context" if len(roles) > 1 else "supports")
    assert "supports" in roles.values()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["id"])
def test_an_event_keeps_the_words_that_date_it(event: dict[str, Any]) -> None:
    """`date.text` is what the document said."""
    assert event["date"]["text"]


def test_a_delivery_says_which_contract_it_implements() -> None:
    """Relations are data, not prose."""
    related = BY_ID["azerbaijan-gas-deliveries-to-serbia"]["related"]
    assert {"event": "serbia-azerbaijan-gas-contract", "relation": "implements"} in related


@pytest.mark.parametrize("name", ["types", "actors", "places", "sources"])
def test_every_entry_is_borne_by_an_event(client: TestClient, name: str) -> None:
    """Nothing lies about unused."""
    items = client.get(f"/{name}", params={"limit": 200}).json()["items"]
    assert [item["id"] for item in items if item["events"] == 0] == []
    assert len(items) == len(seeding.read_seed(name))


def test_types_include_those_of_the_contract() -> None:
    """They are data: a user may add others."""
    ids = {entry["id"] for entry in seeding.read_seed("types")}
    assert ids >= {
        *("contract", "visit", "gas-delivery", "agreement"),
        *("infrastructure", "statement", "incident"),
    }


def test_what_is_served_is_what_the_files_say(client: TestClient) -> None:
    """Every field that a file gives is in the answer, unchanged."""
    for event in EVENTS:
        found = served(client, event["id"])
        for name in ("title", "summary", "status", "type"):
            assert found[name] == event[name]
        assert (found["date"]["edtf"], found["date"]["text"]) == (
            event["date"]["edtf"],
            event["date"]["text"],
        )
        assert found["tags"] == event.get("tags", [])
        assert found["related"] == event.get("related", [])
        for part in ("actors", "places", "quantities", "sources"):
            for given, answered in zip(event.get(part, []), found[part], strict=True):
                assert {name: answered[name] for name in given} == given


def test_seeding_again_leaves_corrections_alone(seeded_store: str) -> None:
    """What is stored may have been corrected since; a second seeding stores nothing."""
    with opened(seeded_store) as store:
        with store.write() as session:
            done = seeding.seed(session)
        assert all(new == 0 for new, _ in done.values())


def test_files_are_plain_toml_with_a_word_on_how_to_correct_them() -> None:
    """A person opens them first."""
    for path in SEED.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert tomllib.loads(text)


def test_every_entry_passes_the_schemas_of_any_input() -> None:
    """The seed has no way in of its own."""
    for event in EVENTS:
        written = schemas.EventWrite(**event)
        assert dates.parse(written.date.edtf)
