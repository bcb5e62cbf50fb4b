"""iCalendar, as vobject reads it: which days an entry covers, and what it says of them."""

import datetime as gregorian
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats import READERS
from app.formats.prose import replace_unfit
from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.foreign import calendar, entries, ids_in, is_web, shows
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to

Day = gregorian.date
A_DAY = gregorian.timedelta(days=1)


def only(**members: Any) -> Any:
    """The entry of an event."""
    (found,) = entries(file_of("ics", [event(**members)]))
    return found


def dated(edtf: str) -> Any:
    """The entry of an event with this date."""
    return only(date=date(edtf, None))


def test_a_calendar_says_what_it_is() -> None:
    """Its name, where it comes from, and how often to look again."""
    found = calendar(file_of("ics", [event()]))
    assert found.version.value == "2.0"
    assert found.method.value == "PUBLISH"
    assert found.contents["x-wr-calname"][0].value == ABOUT.title
    assert found.contents["source"][0].value == ABOUT.address
    assert found.contents["refresh-interval"][0].value == "PT1H"


def test_no_events_are_a_calendar_too() -> None:
    """An empty one."""
    assert entries(file_of("ics", [])) == []


@given(st.lists(EVENTS, max_size=2))
def test_an_entry_covers_all_days_on_which_it_may_have_happened(events: list[Json]) -> None:
    """To the last, which DTEND does not include; where one end is open, the day of the other."""
    events = [e for e in events if "T" not in e["date"]["edtf"]]
    shown = [e for e in events if shows("ics", e)]
    file = file_of("ics", events)
    assert ids_in("ics", file) == [e["id"] for e in shown]
    for entry, known in zip(entries(file), shown, strict=True):
        ends = [day for day in (known["date"]["earliest"], known["date"]["latest"]) if day]
        assert entry.dtstart.value == Day.fromisoformat(ends[0])
        assert entry.dtend.value - A_DAY == Day.fromisoformat(ends[-1])
        assert type(entry.dtstart.value) is type(entry.dtend.value) is Day  # of no hour


def moment(day: int, hour: int, minute: int, second: int = 0) -> gregorian.datetime:
    """A time in November 2023, of no zone."""
    return gregorian.datetime(2023, 11, day, hour, minute, second)


@pytest.mark.parametrize(
    ("edtf", "first", "end", "said"),
    [
        ("2023-11-15T14:30", moment(15, 14, 30), None, ""),
        ("2023-11-15T14:30:05Z", moment(15, 14, 30, 5).replace(tzinfo=gregorian.UTC), None, ""),
        ("2023-11-15T00:30+01:00", moment(14, 23, 30).replace(tzinfo=gregorian.UTC), None, ""),
        ("2023-11-15T14:30/2023-11-15T16:00", moment(15, 14, 30), moment(15, 16, 0), ""),
        ("2023-11-15T14:30:30/2023-11-15T14:30", moment(15, 14, 30, 30), None, ""),
        (
            "2023-11-15T14:30+09:00/2023-11-15T10:00-05:00",
            moment(15, 5, 30).replace(tzinfo=gregorian.UTC),
            moment(15, 15, 0).replace(tzinfo=gregorian.UTC),
            "",
        ),
        # What a calendar cannot say at its time covers its days, with the words behind the title.
        (
            "2023-11-15T14:30Z/2023-11-16T10:00",
            Day(2023, 11, 15),
            Day(2023, 11, 17),
            " (15 November 2023, 14:30 (UTC) to 16 November 2023, 10:00)",
        ),
        (
            "2023-11-15T14:30/2023-11-16",
            Day(2023, 11, 15),
            Day(2023, 11, 17),
            " (15 November 2023, 14:30 to 16 November 2023)",
        ),
        (
            "2023-11-15T14:30/..",
            Day(2023, 11, 15),
            Day(2023, 11, 16),
            " (15 November 2023, 14:30 onwards)",
        ),
        ("0001-01-01T00:30+01:00", Day(1, 1, 1), Day(1, 1, 2), " (1 January AD 1, 00:30 (UTC+1))"),
    ],
)
def test_an_entry_is_at_its_time(edtf: str, first: Day, end: Day | None, said: str) -> None:
    """As stated, or in UTC if a zone is; and its own reader finds the date again."""
    entry = dated(edtf)
    assert (entry.dtstart.value, "dtend" in entry.contents) == (first, end is not None)
    assert end is None or entry.dtend.value == end
    assert entry.summary.value == f"Gas contract{said}"
    (line,) = READERS["ics"](io.BytesIO(file_of("ics", [event(date=date(edtf, None))])))
    assert line.document["date"] == {"edtf": edtf}
    assert line.document["title"] == "Gas contract"


@pytest.mark.parametrize(
    ("edtf", "first", "end"),
    [
        ("2023-11-15", Day(2023, 11, 15), Day(2023, 11, 16)),
        ("2023-11", Day(2023, 11, 1), Day(2023, 12, 1)),
        ("2023-12-31", Day(2023, 12, 31), Day(2024, 1, 1)),
        ("2024-02", Day(2024, 2, 1), Day(2024, 3, 1)),
        ("2024/..", Day(2024, 1, 1), Day(2024, 1, 2)),
        ("[..2024-02-06]", Day(2024, 2, 6), Day(2024, 2, 7)),
        ("0001-01-01", Day(1, 1, 1), Day(1, 1, 2)),
        ("9999-12-30", Day(9999, 12, 30), Day(9999, 12, 31)),
    ],
)
def test_an_entry_ends_on_the_day_after_its_last(edtf: str, first: Day, end: Day) -> None:
    """As RFC 5545 has it; an open end is one day."""
    entry = dated(edtf)
    assert (entry.dtstart.value, entry.dtend.value) == (first, end)


@pytest.mark.parametrize(
    "edtf",
    [
        *("-0043-03-15", "0000", "-0500/2023", "9999-12-31", "9999"),
        "[..2020-01,2021-01..]",
    ],
)
def test_what_a_calendar_has_no_day_for_is_left_out(edtf: str) -> None:
    """Years before 1, the last day of all, and a date without any day; the others stay."""
    file = file_of("ics", [event(date=date(edtf, None)), event(id="stays")])
    assert ids_in("ics", file) == ["stays"]


@pytest.mark.parametrize(
    ("edtf", "said"),
    [
        ("2023-11-15", ""),
        ("2023-11-15/2023-11-20", ""),
        ("2023-11", " (some time in November 2023)"),
        ("2023", " (some time in 2023)"),
        ("2023-22", " (some time in summer 2023)"),
        ("2023-11/2024-12", " (November 2023 to December 2024)"),
        ("[..2024-02-06]", " (by 6 February 2024)"),
        ("2024-03-01/..", " (1 March 2024 onwards)"),
        ("2020-08-01~", " (about 1 August 2020)"),
    ],
)
def test_a_title_says_where_the_days_claim_too_much(edtf: str, said: str) -> None:
    """A bar over a month looks as if it lasted the month."""
    entry = dated(edtf)
    assert entry.summary.value == f"Gas contract{said}"
    assert entry.contents["x-dateline-edtf"][0].value == edtf


def test_an_entry_stays_the_same_wherever_it_is_asked_for() -> None:
    """Its UID depends neither on the filter, nor on the version, nor on the address."""
    known = event()
    uids = {
        entries(file_of("ics", [made], about))[0].uid.value
        for made in (known, {**known, "version": 7, "title": "Another"})
        for about in (
            *(ABOUT, replace(ABOUT, address=f"{ABOUT.base}/events.ics")),
            replace(ABOUT, base="http://192.0.2.1:8080"),
        )
    }
    assert uids == {f"gas-contract@{ABOUT.identity}"}


def test_an_edit_is_told_by_its_number_and_its_time() -> None:
    """SEQUENCE counts from 0; calendars take what is higher for newer."""
    entry = only(version=3, updated_at="2026-03-04T05:06:07.891234Z")
    assert entry.sequence.value == "2"
    moment = gregorian.datetime(2026, 3, 4, 5, 6, 7, tzinfo=gregorian.UTC)
    assert entry.dtstamp.value == entry.last_modified.value == moment
    assert entry.created.value == gregorian.datetime(2026, 1, 1, tzinfo=gregorian.UTC)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("planned", "TENTATIVE"),
        ("ongoing", "CONFIRMED"),
        ("completed", "CONFIRMED"),
        ("cancelled", "CANCELLED"),
    ],
)
def test_a_status_is_one_of_calendars(status: str, said: str) -> None:
    """As near as those come; the exact one stands in the description."""
    entry = only(status=status)
    assert entry.status.value == said
    assert (status in entry.description.value) == (status != "completed")


def test_nobody_is_busy_because_of_it() -> None:
    """And an event without a status claims none."""
    assert only().transp.value == "TRANSPARENT"
    assert "status" not in only().contents


def test_a_place_is_a_location_and_a_point() -> None:
    """All names; latitude first, of the first place that has one."""
    places = [
        {"id": name.lower(), "name": name, "country": None, "latitude": at, "longitude": there}
        for name, at, there in (("Nowhere", None, None), ("Baku", 40.37, 0.0000001))
    ]
    entry = only(places=places)
    assert entry.location.value == "Nowhere; Baku"
    assert entry.geo.value == "40.370000;0.000000"


def test_a_description_holds_date_summary_and_sources() -> None:
    """With their addresses, for a calendar shows nothing else."""
    sources = [
        source(publisher="Desk", title="Gas", published="2023-11-15", url="https://example.org/a"),
        source(publisher="Other", role="contradicts"),
        source(published="2023-12-13"),
        source(url="https://example.org/b?c", accessed="2024-04-02"),
    ]
    entry = only(summary="More, in short.", date=date("2023-11", "in November"), sources=sources)
    assert entry.description.value == (
        "November 2023 (“in November”)\n\nMore, in short.\n\nSources:\n"
        "- Desk, Gas, 15 November 2023: https://example.org/a\n- Other (contradicts)\n"
        "- unknown publisher, 13 December 2023\n"
        "- unknown publisher, example.org, accessed 2 April 2024: https://example.org/b?c"
    )
    assert entry.url.value == "https://chronology.example.org/gas/?event=gas-contract"


@given(st.lists(EVENTS, max_size=2))
def test_no_line_is_longer_than_calendars_read(events: list[Json]) -> None:
    """75 octets and CRLF (RFC 5545 section 3.1), and no letter is cut in two."""
    *lines, last = file_of("ics", events).split(b"\r\n")
    assert last == b""
    assert [line for line in lines if len(line) > 75 or b"\n" in line or b"\r" in line] == []
    for line in lines:
        line.decode()


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """One entry with no other properties than any has, and the text to the letter."""
    known = full_of(text)
    (entry,) = entries(file_of("ics", [known]))
    (harmless,) = entries(file_of("ics", [full_of("plain")]))
    assert entry.contents.keys() == harmless.contents.keys()
    assert entry.summary.value == f"x{replace_unfit(text)}x (some time in November 2023)"
    assert f"\n\nx{replace_unfit(text)}x\n\n" in entry.description.value


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_shown_that_is_none_of_the_web(address: str) -> None:
    """A calendar makes a link of whatever looks like one."""
    (entry,) = entries(file_of("ics", [linked_to(address)]))
    assert entry.description.value.endswith("- Desk")
    assert is_web(entry.url.value)
