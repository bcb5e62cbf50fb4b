"""Calendars of others as events, and a calendar of Dateline's own as far as it says."""

import io
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.formats import READERS, Line
from app.formats.prose import replace_unfit
from formats.documents import EVENTS, Json, date, event, file_of
from formats.foreign import shows
from formats.hostile import TEXTS, full_of
from tables import check_each

PLAIN = {"DTSTART": "20240312", "SUMMARY": "Talks"}


def read(file: str | bytes) -> list[Line]:
    """Return the lines of a calendar."""
    return list(READERS["ics"](io.BytesIO(file if isinstance(file, bytes) else file.encode())))


def calendar(*entries: str, end: str = "\r\n") -> str:
    """Return a calendar of these entries, each its content lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN"]
    for entry in entries:
        lines += ["BEGIN:VEVENT", *entry.splitlines(), "END:VEVENT"]
    return end.join([*lines, "END:VCALENDAR", ""])


def entry(lines: str = "", **properties: str) -> Line:
    """Return the line of an entry with what every entry needs, and these content lines."""
    named = {**PLAIN, **properties}
    content = "".join(f"{name}:{value}\n" for name, value in named.items() if value)
    (line,) = read(calendar(content + lines))
    return line


def of(line: Line, name: str) -> Any:
    """Return a member of the event, or the first fault."""
    return line.document.get(name) if line.document else str(line.faults[0].message)


DAYS: Mapping[str, tuple[str, str | None]] = {
    "DTSTART;VALUE=DATE:20240401": ("2024-04-01", None),
    "DTSTART:20240401": ("2024-04-01", None),
    "DTSTART;VALUE=DATE:20240401\nDTEND;VALUE=DATE:20240402": ("2024-04-01", None),
    "DTSTART;VALUE=DATE:20240401\nDTEND;VALUE=DATE:20240501": ("2024-04-01/2024-04-30", None),
    "DTSTART:20240401\nDURATION:P2D": ("2024-04-01/2024-04-02", None),
    "DTSTART:20240401\nDURATION:P1W": ("2024-04-01/2024-04-07", None),
    "DTSTART:20240312T141500": ("2024-03-12T14:15", None),
    "DTSTART:20240312T141505": ("2024-03-12T14:15:05", None),
    "DTSTART:20240312T141500Z": ("2024-03-12T14:15Z", None),
    "DTSTART:20240312T141500Z\nDTEND:20240312T141500Z": ("2024-03-12T14:15Z", None),
    "DTSTART;TZID=Europe/Belgrade:20240312T141500\nDTEND;TZID=Europe/Belgrade:20240312T160000": (
        "2024-03-12T14:15+01:00/2024-03-12T16:00+01:00",
        "2024-03-12 14:15 to 16:00 Europe/Belgrade",
    ),
    "DTSTART;TZID=/example.org/x/America/St_Johns:20240112T141500": (
        "2024-01-12T14:15-03:30",
        "2024-01-12 14:15 /example.org/x/America/St_Johns",
    ),
    "DTSTART;TZID=W. Europe Standard Time:20240712T141500": (
        "2024-07-12T14:15+02:00",
        "2024-07-12 14:15 W. Europe Standard Time",
    ),
    # A time that the clocks skip, and one that they show twice (RFC 5545 section 3.3.5).
    "DTSTART;TZID=Europe/Paris:20240331T023000": (
        "2024-03-31T02:30+01:00",
        "2024-03-31 02:30 Europe/Paris",
    ),
    "DTSTART;TZID=Europe/Paris:20241027T023000": (
        "2024-10-27T02:30+02:00",
        "2024-10-27 02:30 Europe/Paris",
    ),
    # The mean time of Paris was 9 minutes and 21 seconds ahead.
    "DTSTART;TZID=Europe/Paris:18900101T120000": (
        "1890-01-01T12:00",
        "1890-01-01 12:00 Europe/Paris",
    ),
    'DTSTART;TZID="(UTC+01:00) Belgrade":20240312T141500': (
        "2024-03-12T14:15",
        "2024-03-12 14:15 (UTC+01:00) Belgrade",
    ),
    "DTSTART:20240312T220000\nDTEND:20240313T000000": (
        "2024-03-12T22:00/2024-03-12T23:59",
        "2024-03-12 22:00 to 2024-03-13 00:00",
    ),
    "DTSTART:20240312T220000Z\nDURATION:PT4H": ("2024-03-12T22:00Z/2024-03-13T02:00Z", None),
    "DTSTART;TZID=Asia/Baku:20240312T010000\nDTEND;TZID=Europe/Paris:20240311T230000": (
        "2024-03-12T01:00+04:00",
        "2024-03-12 01:00 Asia/Baku",
    ),
    "DTSTART;TZID=Asia/Tokyo:20240312T143000\nDTEND;TZID=America/New_York:20240312T100000": (
        "2024-03-12T14:30+09:00/2024-03-12T10:00-04:00",
        "2024-03-12 14:30 Asia/Tokyo",
    ),
    "DTSTART;TZID=nowhere:20240312T143000\nDTEND:20240312T100000Z": (
        "2024-03-12T14:30",
        "2024-03-12 14:30 nowhere",
    ),
}
FAULTS: Mapping[str, tuple[str, str]] = {
    "DTSTART:2024": ("DTSTART", "'2024' is not a date such as 20240312 or 20240312T141500"),
    "DTSTART:20230229": ("DTSTART", "'20230229' is not a date: day is out of range for month"),
    "DTSTART:20240402\nDTEND:20240401": ("DTEND", "'20240401' lies before DTSTART"),
    "DTSTART:20240402\nDTEND:20240402T100000": (
        "DTEND",
        "is a day and DTSTART a time of day, or the other way round",
    ),
    "DTSTART:20240402\nDURATION:2h": ("DURATION", "'2h' is not a time such as PT1H30M"),
    "DTSTART:20240402\nDTSTART:20240403": ("DTSTART", "stands 2 times; an event has one"),
    "LOCATION:x": ("DTSTART", "is missing: an event needs a date"),
    "DTSTART:20240402\nGEO:north": ("GEO", "'north' is not a position such as 44.8;20.5"),
    "DTSTART:20240402\nnothing": (
        "VEVENT",
        "'nothing' is not a content line, such as SUMMARY:Talks",
    ),
    "DTSTART:20240402\nBEGIN:VEVENT\nSUMMARY:Y": (
        "VEVENT",
        "has no END:VEVENT before the next entry begins",
    ),
}


def test_days_are_those_that_the_calendar_states() -> None:
    """DTEND is the day after the last, or a moment; the text keeps the name of a zone."""

    def check(written: str) -> None:
        line = entry(written, DTSTART="")
        edtf, words = DAYS[written]
        assert line.document["date"] == {"edtf": edtf, **({"text": words} if words else {})}
        assert line.notes == ()

    check_each(DAYS, check)


def test_an_entry_that_cannot_be_read_is_one_fault_with_its_line() -> None:
    """It names the property; the other entries are read."""

    def check(written: str) -> None:
        good = "DTSTART:20240312\nSUMMARY:Talks"
        lines = read(calendar(good, f"SUMMARY:X\n{written}", good))
        assert [bool(line.document) for line in lines if not line.faults][:2] == [True, True]
        (fault,) = [fault for line in lines for fault in line.faults][:1]
        assert (fault.name, fault.message, fault.line) == (*FAULTS[written], 8)

    check_each(FAULTS, check)


def test_what_a_foreign_entry_says() -> None:
    """Each property has its place in the event."""
    line = entry(
        "UID:7k@example.org\nDESCRIPTION:One\\, two\\;\\nthree \\\\N\nLOCATION:Town hall\\, Baku\n"
        "GEO:40.4;49.9\nCATEGORIES:gas\\, oil,energy\nURL:https://example.org/a\nSTATUS:CANCELLED\n"
    )
    assert line.document == {
        "id": "7k-example-org",
        "date": {"edtf": "2024-03-12"},
        "title": "Talks",
        "summary": "One, two;\nthree \\N",
        "places": [{"name": "Town hall, Baku", "latitude": 40.4, "longitude": 49.9}],
        "tags": ["gas, oil", "energy"],
        "sources": [{"url": "https://example.org/a"}],
        "status": "cancelled",
    }
    assert line.notes == ()


def test_nothing_is_left_out_without_a_word() -> None:
    """A repeated event is its first time; people, alarms and programs' own properties are named."""
    rows = {
        "RRULE:FREQ=YEARLY\nEXDATE:20250312": "a repeated event is its first time alone: RRULE and"
        " RDATE are left out",
        "ORGANIZER;CN=Ann:mailto:a@example.org": "ORGANIZER is left out: an event has no place for"
        " it",
        "BEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM": "VALARM is left out: an event has no place for"
        " it",
        "X-BUSY:1": "X-BUSY is left out: only its program knows the meaning",
        "STATUS:CONFIRMED": "STATUS:CONFIRMED is left out: it does not say that it took place",
        "URL:mailto:a@example.org": "URL is left out: it is not an address of the web",
        "GEO:1;2": "GEO is left out: it does not stand beside exactly one place",
        "DESCRIPTION:One<br>two": "HTML in DESCRIPTION was turned into plain text",
    }

    def check(written: str) -> None:
        line = entry(written)
        assert line.notes == (rows[written],)
        assert line.document["title"] == "Talks"

    check_each(rows, check)


def test_an_entry_without_a_summary_takes_its_title_from_the_description() -> None:
    """The first sentence; without any text it is a fault."""
    text = "The delegations met in Baku. They talked until late."
    line = entry(f"DESCRIPTION:{text}", SUMMARY="")
    assert (line.document["title"], line.document["summary"]) == (
        "The delegations met in Baku.",
        text,
    )
    assert of(entry(SUMMARY=""), "title") == "is missing: an event needs a title"


def test_one_time_of_a_repeated_event_is_an_event_of_its_own() -> None:
    """RECURRENCE-ID tells it from the others of its UID."""
    of_series = entry("UID:a@b", SUMMARY="x").document["id"]
    moved = entry("UID:a@b\nRECURRENCE-ID:20240319").document["id"]
    assert (of_series, moved) == ("a-b", "a-b-20240319")


def test_lines_are_folded_and_end_as_they_like() -> None:
    """CRLF or LF, a byte order mark, names in any case."""
    content = "dtstart:20240312\nSummary:Talks on the pip\n eline\nDESCRIPTION:a\n\tb"
    for end in ("\r\n", "\n"):
        (line,) = read("\ufeff" + calendar(content, end=end))
        assert (line.document["title"], line.document["summary"]) == ("Talks on the pipeline", "ab")
        assert line.number == 4


def test_a_file_that_is_no_calendar_says_why() -> None:
    """In one fault."""
    rows = {
        "": "is empty; a calendar begins with BEGIN:VCALENDAR",
        "type,title,date\n": "is not iCalendar: its first line is BEGIN:VCALENDAR",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n": "has no END:VEVENT; the file is not whole",
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nEND:VCALENDAR": "has no VEVENT, only VTODO; only"
        " a VEVENT is an event",
    }

    def check(file: str) -> None:
        (line,) = read(file)
        assert [fault.message for fault in line.faults] == [rows[file]]

    check_each(rows, check)
    (line,) = read(b"BEGIN:VCALENDAR\nNAME:\xe4\n")
    assert line.faults[0].message == "is not UTF-8 in line 2; save it as UTF-8"


@given(st.lists(EVENTS, max_size=3))
def test_a_calendar_of_our_own_comes_back_as_far_as_it_says(events: list[Json]) -> None:
    """Id, type, exact date, title, summary, status, of every event that a calendar shows."""
    shown = [e for e in events if shows("ics", e)]
    lines = read(file_of("ics", events))
    assert [line.faults for line in lines] == [()] * len(shown)
    for line, known in zip(lines, shown, strict=True):
        document = line.document
        assert (document["id"], document["date"]) == (known["id"], {"edtf": known["date"]["edtf"]})
        for name in ("title", "summary"):  # the writer's library drops a byte order mark
            written = replace_unfit(known[name] or "").replace("\ufeff", "")
            assert document.get(name, "").replace("\ufeff", "") == written
        expected = known["status"] or None
        assert document.get("status") == expected
        assert document["type"] == known["type"].replace("-", " ")


def test_hostile_text_comes_back_as_text() -> None:
    """None of it becomes another property or another entry."""

    def check(text: str) -> None:
        (line,) = read(file_of("ics", [full_of(text)]))
        assert line.faults == ()
        assert line.document["title"] == f"x{replace_unfit(text)}x"
        assert line.document["summary"] == f"x{replace_unfit(text)}x"

    check_each(TEXTS, check)


def test_a_moved_entry_of_our_own_has_the_days_that_it_shows() -> None:
    """Its exact date was that of other days."""
    file = file_of("ics", [event(date=date("2023-11", None))]).decode()
    moved = file.replace("DTSTART;VALUE=DATE:20231101", "DTSTART;VALUE=DATE:20231102")
    (line,) = read(moved)
    assert line.document["date"] == {"edtf": "2023-11-02/2023-11-30"}
    assert line.notes[0].startswith("X-DATELINE-EDTF is left out")
