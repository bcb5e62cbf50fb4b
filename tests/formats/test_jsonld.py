"""JSON-LD, as pyld expands it without asking anybody: what it claims in the terms of schema.org."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from formats.documents import ABOUT, EDTF_OF_EVENTS, EVENTS, Json, date, event, file_of, source
from formats.foreign import SCHEMA, graph, is_web
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to

EDTF_TYPE = "http://id.loc.gov/datatypes/edtf"
DCTERMS_DATE = "http://purl.org/dc/terms/date"


def only(**members: Any) -> Json:
    """The node of an event."""
    (found,) = graph(file_of("jsonld", [event(**members)]))
    return found


def value(node: Json, name: str) -> Any:
    """The one value of a property of schema.org; None where there is none."""
    (found,) = node.get(SCHEMA + name) or [{}]
    return found.get("@value", found.get("@id"))


def claimed(edtf: str) -> tuple[str | None, str | None]:
    """When an event with this date starts and ends, as the file has it."""
    node = only(date=date(edtf, None))
    return value(node, "startDate"), value(node, "endDate")


def addresses(node: Any) -> list[str]:
    """Every address and every type in a node, however deep; own fields are plain JSON."""
    if isinstance(node, list):
        return [found for part in node for found in addresses(part)]
    if not isinstance(node, dict):
        return []
    types = node.get("@type", [])
    if types == "@json":
        return []
    own = [types] if isinstance(types, str) else types
    return [*own, *([node["@id"]] if "@id" in node else []), *addresses(list(node.values()))]


def is_own(name: str) -> bool:
    """Whether it is a permanent name of this chronology."""
    return name.startswith("urn:uuid:") and UUID(name).version == 5


@given(st.lists(EVENTS, max_size=2))
def test_every_event_is_a_node(events: list[Json]) -> None:
    """In their order, each under its permanent name, with all its parts."""
    nodes = graph(file_of("jsonld", events))
    assert [node["@id"] for node in nodes] == [ABOUT.urn_of("events", e["id"]) for e in events]
    for node, known in zip(nodes, events, strict=True):
        assert node["@type"] == [f"{SCHEMA}Event"]
        assert value(node, "name") == known["title"]
        assert value(node, "description") == known["summary"]
        (exact,) = node[DCTERMS_DATE]
        assert exact == {"@type": EDTF_TYPE, "@value": known["date"]["edtf"]}
        images = [medium for medium in known["media"] if medium["kind"] == "image"]
        works = len(known["sources"]) + len(known["media"]) - len(images)
        for name, number in (
            ("about", len(known["actors"])),
            ("location", len(known["places"])),
            ("image", len(images)),
            ("subjectOf", works),
        ):
            assert len(node.get(SCHEMA + name, [])) == number
        assert [url for url in addresses(node) if not (is_web(url) or is_own(url))] == []


@given(EDTF_OF_EVENTS)
def test_no_date_claims_more_than_is_known(edtf: str) -> None:
    """All days that an end may fall on lie in the day, month or year that is claimed for it."""
    known = dates.parse(edtf)
    bounds = (
        (known.start_earliest, known.start_latest),
        (known.end_earliest, known.end_latest),
    )
    for said, (first, last) in zip(claimed(edtf), bounds, strict=True):
        if said is not None:
            day = dates.parse(said)
            assert day.start_earliest <= first <= last <= day.end_latest
            assert known.uncertain is known.approximate is False


@pytest.mark.parametrize(
    ("edtf", "start", "end"),
    [
        ("2023-11-15", "2023-11-15", None),
        ("2023-11", "2023-11", None),
        ("2023", "2023", None),
        ("2023-11/2024-12", "2023-11", "2024-12"),
        ("2023-11-15/2024", "2023-11-15", "2024"),
        ("2024/..", "2024", None),
        ("../2024-02", None, "2024-02"),
        ("[2022-11-21..2022-11-23]", "2022-11", None),
        ("2023-33", "2023", None),
        ("[..2024-02-06]", None, None),
        ("199X", None, None),
        ("2020-08~", None, None),
        ("2020?", None, None),
        ("-0043-03-15", None, None),
        ("2024-02-06T14:30", "2024-02-06T14:30", None),
        ("2024-02-06T14:30:05-04", "2024-02-06T14:30:05-04:00", None),
        ("2024-02-06T14:30Z/2024-02-06T16:00Z", "2024-02-06T14:30Z", "2024-02-06T16:00Z"),
        ("2024-02-06T14:30/2024-03", "2024-02-06T14:30", "2024-03"),
        ("-0043-03-15T12:00", None, None),
    ],
)
def test_a_date_is_as_fine_as_it_is_known(edtf: str, start: str | None, end: str | None) -> None:
    """An open end, a decade, and a date that may be wrong claim nothing."""
    assert claimed(edtf) == (start, end)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("planned", f"{SCHEMA}EventScheduled"),
        ("cancelled", f"{SCHEMA}EventCancelled"),
        ("ongoing", None),
        ("completed", None),
    ],
)
def test_a_status_is_said_where_schema_org_has_a_word(status: str, said: str | None) -> None:
    """It has none for what took place."""
    assert value(only(status=status), "eventStatus") == said


def test_a_part_is_played_inside_of_a_role() -> None:
    """That of an actor, and that of a source where it does not support the event."""
    actor = {"id": "serbia", "name": "Serbia", "kind": "country", "country": "RS", "role": "seller"}
    node = only(actors=[actor], sources=[source(title="A"), source(title="B", role="contradicts")])
    (about,) = node[f"{SCHEMA}about"]
    assert value(about, "roleName") == "seller"
    assert value(about[f"{SCHEMA}about"][0], "name") == "Serbia"
    supports, contradicts = node[f"{SCHEMA}subjectOf"]
    assert value(supports, "name") == "A"
    assert value(contradicts, "roleName") == "contradicts"
    assert value(contradicts[f"{SCHEMA}subjectOf"][0], "name") == "B"


def test_what_it_is_part_of_stands_above_it() -> None:
    """No other relation says so."""
    related = [{"event": "talks", "relation": "part-of"}, {"event": "visit", "relation": "follows"}]
    assert value(only(related=related), "superEvent") == ABOUT.urn_of("events", "talks")


def test_a_source_is_a_work_with_its_publisher() -> None:
    """Its date where it is plain ISO 8601, too."""
    known = source(publisher="Desk", kind="news", published="2023-11-15", url="https://example.org")
    (work,) = only(sources=[known])[f"{SCHEMA}subjectOf"]
    assert work["@type"] == [f"{SCHEMA}NewsArticle"]
    assert value(work[f"{SCHEMA}publisher"][0], "name") == "Desk"
    assert value(work, "datePublished") == "2023-11-15"
    assert value(work, "url") == "https://example.org"


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """To the letter, and it cannot end the <script> of a page that holds the file."""
    file = file_of("jsonld", [full_of(text)])
    assert b"<" not in file
    (node,) = graph(file)
    assert value(node, "name") == f"x{text}x"
    assert [url for url in addresses(node) if not (is_web(url) or is_own(url))] == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_told_that_is_none_of_the_web(address: str) -> None:
    """Neither that of a source nor that of its archived copy."""
    (node,) = graph(file_of("jsonld", [linked_to(address)]))
    (work,) = node[f"{SCHEMA}subjectOf"]
    assert (value(work, "url"), value(work, "archivedAt")) == (None, None)
