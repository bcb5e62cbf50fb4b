"""A calendar to subscribe to (RFC 5545, 5546, 7986): one entry per event, all-day or timed."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar
from icalendar import Event as Entry
from icalendar.prop import vInline

from app import __version__, dates
from app.formats.lines import About, batch_documents
from app.formats.media import list_linked
from app.formats.prose import format_text, list_keywords, replace_unfit
from app.json_types import Json

A_DAY = timedelta(days=1)
REFRESH = timedelta(hours=1)
VEVENT_STATUS = {
    "planned": "TENTATIVE",
    "ongoing": "CONFIRMED",
    "completed": "CONFIRMED",
    "cancelled": "CANCELLED",
}
# The library would take the letters \N in a text for a line break.
ESCAPES = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n"})
ONE_SPAN = re.compile("-?[0-9]{4}(-[0-9]{2})?")


def write_ics(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the calendar in chunks, without events whose days no calendar can show.

    There is no ORGANIZER, which RFC 5546 (section 3.2.1) asks for: calendars show it as the person
    who called the event.
    """
    begin, end = _calendar(about).to_ical(sorted=False).split(b"END:VCALENDAR")
    yield begin
    for batch in batch_documents(documents):
        entries = (_entry(json.loads(document), about) for document in batch)
        if chunk := b"".join(entry.to_ical(sorted=False) for entry in entries if entry):
            yield chunk
    yield b"END:VCALENDAR" + end


def _calendar(about: About) -> Calendar:
    """Return the calendar itself: RFC 5545 section 3.7, RFC 7986 section 5, and older names."""
    calendar = Calendar()
    calendar.add("prodid", f"-//Dateline//Dateline {__version__}//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar["NAME"] = calendar["X-WR-CALNAME"] = _text(about.title)
    if about.subtitle:
        calendar["DESCRIPTION"] = calendar["X-WR-CALDESC"] = _text(about.subtitle)
    calendar.add("url", about.page)
    calendar.add("source", about.address, parameters={"VALUE": "URI"})
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    if about.updated:
        calendar.add("last-modified", datetime.fromisoformat(about.updated))
    return calendar


def _entry(event: Json, about: About) -> Entry | None:
    """Return the VEVENT of an event (RFC 5545 section 3.6.1); None if no calendar can show it."""
    span = find_span(dates.parse(event["date"]["edtf"]))
    if span is None:
        return None
    first, last = span
    entry, updated = Entry(), datetime.fromisoformat(event["updated_at"])
    # RFC 7986 section 5.3 wants no name of a host: it may change, or be one of several.
    entry.add("uid", f"{event['id']}@{about.identity}")
    entry.add("dtstamp", updated)
    entry.add("dtstart", first)
    if not isinstance(last, datetime):
        entry.add("dtend", last + A_DAY)
    elif last != first:
        entry.add("dtend", last)
    entry.add("created", datetime.fromisoformat(event["created_at"]))
    entry.add("last-modified", updated)
    entry.add("sequence", event["version"] - 1)
    entry["SUMMARY"] = _text(event["title"] + describe_doubt(event["date"]["edtf"]))
    entry["DESCRIPTION"] = _text(format_text(event))
    entry.add("url", about.page_of(event["id"]))
    entry["CATEGORIES"] = vInline(",".join(map(_text, list_keywords(event, about))))
    _add_place(entry, event["places"])
    if event["status"]:
        entry.add("status", VEVENT_STATUS[event["status"]])
    entry.add("transp", "TRANSPARENT")  # nobody is busy because of it
    entry["X-DATELINE-EDTF"] = _text(event["date"]["edtf"])
    for medium in list_linked(event):
        entry.add("attach", medium["url"])
    if event["extra"]:
        entry["X-DATELINE-EXTRA"] = _text(json.dumps(event["extra"], ensure_ascii=False))
    return entry


def _add_place(entry: Entry, places: list[Json]) -> None:
    """Add LOCATION with the names of all places, and GEO of the first with coordinates."""
    if places:
        entry["LOCATION"] = _text("; ".join(place["name"] for place in places))
    for place in places:
        if place["latitude"] is not None and place["longitude"] is not None:
            # As RFC 5545 section 3.8.1.6 has it; the library writes small ones with an exponent.
            entry["GEO"] = vInline(f"{place['latitude']:.6f};{place['longitude']:.6f}")
            return


def find_span(event_date: dates.Date) -> tuple[date, date] | None:
    """Return the first and the last day of an entry, or two times; None if a calendar has none.

    Two times if both ends have one, with a zone or without; those with a zone are in UTC. Else all
    days on which it may have happened. If one end is open or unknown, the entry covers the day of
    the other alone. A calendar has no days before the year 1 or after 9999-12-30, since an entry
    ends on the day after its last.
    """
    bounds = [day for day in (event_date.earliest, event_date.latest) if day]
    try:
        days = [date.fromisoformat(day) for day in bounds]
    except ValueError:  # a year before 1
        return None
    if not days or days[-1] == date.max:
        return None
    clocks = [clock for clock in (event_date.start_clock, event_date.end_clock) if clock]
    if len(days) == len(clocks) == 2 and len({clock.zone is None for clock in clocks}) == 1:
        with suppress(OverflowError):  # in UTC it is another day
            start, end = map(_moment, days, clocks)
            return start, max(start, end)
    return days[0], days[-1]


def _moment(day: date, clock: dates.Clock) -> datetime:
    """Return a time as iCalendar has it (RFC 5545 section 3.3.5): floating, or in UTC."""
    moment = datetime.combine(day, time(clock.hour, clock.minute, clock.second or 0))
    if clock.zone is None:
        return moment
    return (moment - timedelta(minutes=clock.zone)).replace(tzinfo=UTC)


def describe_doubt(edtf: str) -> str:
    """Return the date in words, to stand behind a title; "" if the entry's span says it exactly.

    ` (some time in November 2023)`
    """
    event_date = dates.parse(edtf)
    one_start = event_date.start_earliest == event_date.start_latest != dates.BEGINNING
    one_end = event_date.end_earliest == event_date.end_latest != dates.END
    if one_start and one_end and not (event_date.uncertain or event_date.approximate):
        if not (event_date.start_clock or event_date.end_clock):
            return ""
        span = find_span(event_date)
        if span and isinstance(span[0], datetime):
            return ""
    some_time = "some time in " if ONE_SPAN.fullmatch(event_date.edtf) else ""
    return f" ({some_time}{event_date.label})"


def _text(value: str) -> vInline:
    """Return a TEXT (RFC 5545 section 3.3.11)."""
    return vInline(replace_unfit(value).translate(ESCAPES))
