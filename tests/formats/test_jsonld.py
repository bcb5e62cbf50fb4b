"""Linked data: events in the terms of schema.org, never dated more finely than is known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from formats.documents import EDTF, EVENTS, Json, date, event, file_of, source
from formats.read_back import nodes

SCHEMA = "https://schema.org/"


def node(**members: Any) -> Json:
    """What the graph says of one event."""
    (found,) = nodes(file_of("jsonld", [event(**members)]))
    return dict(found)


def value(found: Json, name: str) -> Any:
    """The one value of a property of schema.org; None where it is not said."""
    said = found.get(f"{SCHEMA}{name}", [{}])
    return said[0].get("@value", said[0].get("@id"))


@pytest.mark.parametrize(
    ("edtf", "start", "end"),
    [
        ("2023-11-15", "2023-11-15", None),
        ("2023-11", "2023-11", None),
        ("2023", "2023", None),
        ("2023-11/2024-12", "2023-11", "2024-12"),
        ("2023-11/..", "2023-11", None),
        ("[..2024-02-06]", None, None),
        ("[2022-11-21..2022-11-23]", "2022-11", None),
        ("2020-08~", None, None),
        ("2020?", None, None),
        ("-0043-03-15", None, None),
    ],
)
def test_a_date_is_as_fine_as_it_is_known(edtf: str, start: str | None, end: str | None) -> None:
    """schema.org has no words for what is uncertain or open: that is left to the EDTF."""
    found = node(date=date(edtf, None))
    assert (value(found, "startDate"), value(found, "endDate")) == (start, end)


@given(EDTF)
def test_a_date_claims_no_more_than_is_known(edtf: str) -> None:
    """Whatever day it begins on lies in what is said of the beginning, and so with the end."""
    found, known = node(date=date(edtf, None)), dates.parse(edtf)
    ends = {
        "startDate": (known.start_earliest, known.start_latest),
        "endDate": (known.end_earliest, known.end_latest),
    }
    for name, (first, last) in ends.items():
        if (said := value(found, name)) is not None:
            window = dates.parse_window(said)
            assert window.first <= first <= last <= window.last


def test_the_exact_date_is_typed_as_edtf() -> None:
    """As the Library of Congress names the type."""
    (said,) = node()["http://purl.org/dc/terms/date"]
    assert said == {"@type": "http://id.loc.gov/datatypes/edtf", "@value": "2023-11"}


def test_sources_are_works_about_the_event() -> None:
    """With publisher, title, the day where it is plain, and where to read it."""
    cited = source(
        publisher="Example News",
        title="Gas",
        published="2023-11-15",
        url="https://example.org/gas",
        kind="news",
    )
    (work,) = node(sources=[cited])[f"{SCHEMA}subjectOf"]
    assert work["@type"] == [f"{SCHEMA}NewsArticle"]
    assert (value(work, "name"), value(work, "datePublished")) == ("Gas", "2023-11-15")
    assert value(work, "url") == "https://example.org/gas"
    assert value(work[f"{SCHEMA}publisher"][0], "name") == "Example News"


@pytest.mark.parametrize(("role", "is_role"), [("buyer", True), (None, False)])
def test_an_actor_keeps_its_part(role: str | None, is_role: bool) -> None:
    """As schema.org's Role, which repeats the property."""
    actor = {"id": "socar", "name": "SOCAR", "kind": "organisation", "country": "AZ", "role": role}
    (said,) = node(actors=[actor])[f"{SCHEMA}about"]
    assert (said["@type"] == [f"{SCHEMA}Role"]) == is_role
    named = said[f"{SCHEMA}about"][0] if is_role else said
    assert (named["@type"], value(named, "name")) == ([f"{SCHEMA}Organization"], "SOCAR")


def test_it_can_stand_in_a_page() -> None:
    """No text of it ends the <script> that holds it."""
    assert b"<" not in file_of("jsonld", [event(title="</script><script>alert(1)</script>")])


@given(st.lists(EVENTS, max_size=4, unique_by=lambda told: told["id"]))
def test_any_events_make_a_graph(events: list[Json]) -> None:
    """Each with its name, and nothing fetched to understand it."""
    found = nodes(file_of("jsonld", events))
    assert [value(n, "identifier") for n in found] == [told["id"] for told in events]
    assert [value(n, "name") for n in found] == [told["title"] for told in events]
