"""A calendar says no more than is known: whole days, and in words what they do not tell."""

from datetime import date as day
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.read_back import calendar


def entry(**members: Any) -> Any:
    """The entry of one event."""
    (found,) = calendar(file_of("ics", [event(**members)]))
    return found


def dated(edtf: str) -> Any:
    """The entry of an event of that date; None where it is left out."""
    found = calendar(file_of("ics", [event(date=date(edtf, None))]))
    return found[0] if found else None


@pytest.mark.parametrize(
    ("edtf", "first", "after", "said"),
    [
        ("2023-11-15", (2023, 11, 15), (2023, 11, 16), "Gas contract"),
        ("2023-11", (2023, 11, 1), (2023, 12, 1), "Gas contract (some time in November 2023)"),
        ("2023", (2023, 1, 1), (2024, 1, 1), "Gas contract (some time in 2023)"),
        ("2023-11-01/2023-11-15", (2023, 11, 1), (2023, 11, 16), "Gas contract"),
        ("[..2024-02-06]", (2024, 2, 6), (2024, 2, 7), "Gas contract (by 6 February 2024)"),
        ("2024-02-28/..", (2024, 2, 28), (2024, 2, 29), None),
        ("2020-08-01~", (2020, 8, 1), (2020, 8, 2), "Gas contract (about 1 August 2020)"),
    ],
)
def test_days_are_whole_and_the_end_is_the_day_after(
    edtf: str, first: tuple[int, ...], after: tuple[int, ...], said: str | None
) -> None:
    """RFC 5545 section 3.6.1; what is not known to the day is said in the title."""
    found = dated(edtf)
    assert (found.dtstart.value, found.dtend.value) == (day(*first), day(*after))
    if said is not None:
        assert found.summary.value == said
    else:
        assert found.summary.value != "Gas contract"


@pytest.mark.parametrize("edtf", ["-0043-03-15", "0000", "9999-12-31", "[..1983,1985..]"])
def test_what_a_calendar_has_no_day_for_is_left_out(edtf: str) -> None:
    """Rather than put on a wrong one."""
    assert dated(edtf) is None


def test_an_entry_stays_the_same_entry() -> None:
    """Its UID outlives edits; its SEQUENCE counts them (RFC 5545 section 3.8.7.4)."""
    one, other = entry(version=1), entry(version=3, title="Corrected")
    assert one.uid.value == other.uid.value == "gas-contract@chronology.example.org/gas"
    assert (one.sequence.value, other.sequence.value) == ("0", "2")


@pytest.mark.parametrize(
    ("status", "told"),
    [("planned", "TENTATIVE"), ("completed", "CONFIRMED"), ("cancelled", "CANCELLED")],
)
def test_a_plan_is_tentative(status: str, told: str) -> None:
    """RFC 5545 section 3.8.1.11."""
    assert entry(status=status).status.value == told


def test_nobody_is_busy_because_of_it() -> None:
    """RFC 5545 section 3.8.2.7."""
    assert entry().transp.value == "TRANSPARENT"


def test_sources_stand_in_the_description() -> None:
    """Who reported it, when, and where to read it."""
    cited = source(publisher="Example News", published="2023-11-15", url="https://example.org/gas")
    said = entry(sources=[cited]).description.value
    assert "Example News, 15 November 2023: https://example.org/gas" in said


def test_the_exact_date_goes_along() -> None:
    """For whoever knows EDTF."""
    assert entry().contents["x-dateline-edtf"][0].value == "2023-11"


def test_lines_end_and_fold_as_they_must() -> None:
    """RFC 5545 section 3.1: CRLF, and 75 octets at most."""
    lines = file_of("ics", [event(title="Vučić " * 60)]).split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@given(st.lists(EVENTS, min_size=1, max_size=4, unique_by=lambda told: told["id"]))
def test_any_text_comes_through(events: list[Json]) -> None:
    """Titles and places with whatever separates things in a calendar."""
    shown = {told["id"]: told for told in events}
    for found in calendar(file_of("ics", events)):
        told = shown[found.uid.value.removesuffix("@" + ABOUT.base.partition("://")[2])]
        assert found.summary.value.startswith(told["title"].replace("\r\n", "\n"))
