"""Calendars, from Dateline and from others: each VEVENT is an event.

Content lines are parsed here: the icalendar library takes the letters `\\N` for a line break, and
a millisecond for an entry.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app import dates
from app.errors import Fault
from app.formats.citations import safe_web_link
from app.formats.ics.writing import A_DAY, describe_doubt, find_span
from app.formats.lines import Line, damaged_file, unreadable_line
from app.formats.markup import find_title, read_html
from app.formats.prose import DOUBTFUL_MATCH
from app.json_types import Json
from app.schemas import ADDRESS, MAX_ID_CHARACTERS, is_slug, read_json
from app.words import make_slug

MAX_LINE_CHARACTERS: Final = 1_000_000  # of an unfolded content line
CONTENT_LINE: Final = re.compile(
    r'([A-Za-z0-9-]++)((?:;[^=:;",]++=(?:"[^"]*+"|[^":;])*+)*+):(.*)', re.DOTALL
)
CONTENT_PARAMETER: Final = re.compile(r';([^=:;",]++)=((?:"[^"]*+"|[^":;])*+)')
ESCAPE: Final = re.compile(r"\\([\\;,nN])")
LISTED_TEXT: Final = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
MOMENT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
DURATION: Final = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
GEO: Final = re.compile(r"\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*;\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*")
HTML_TAG: Final = re.compile(r"<(?:br|p|b|i|u|a|ul|ol|li|div|span|html-blob)\b[^<>]*>", re.I)
EDTF_PROPERTY: Final = "X-DATELINE-EDTF"  # that marks an entry of Dateline's own
OWN_FIELDS_PROPERTY: Final = "X-DATELINE-EXTRA"
# Properties that say nothing of the event: of the entry, or of how a calendar shows it.
TECHNICAL: Final = frozenset(
    (
        *("BEGIN", "END", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "TRANSP", "PRIORITY"),
        "COLOR",
    )
)
READ: Final = frozenset(
    (
        *("UID", "RECURRENCE-ID", "SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "DURATION"),
        *("LOCATION", "GEO", "URL", "CATEGORIES", "STATUS", EDTF_PROPERTY),
        *(OWN_FIELDS_PROPERTY, "ATTACH"),
    )
)
REPETITION: Final = ("RRULE", "RDATE", "EXDATE", "EXRULE")
REPEATED: Final = "a repeated event is its first time alone: RRULE and RDATE are left out"
STATUS_OF_ENTRY: Final = {"CANCELLED": "cancelled", "TENTATIVE": "planned"}
OWN_PROPERTIES: Final = ("NAME", "DESCRIPTION", "X-WR-CALNAME", "X-WR-CALDESC")
OWN_TEXTS: Final = "name and description of the calendar are left out: no event stands behind them"
OTHER_COMPONENTS: Final = ("VTODO", "VJOURNAL", "VFREEBUSY")
# The members of an event, by the name of the property that a fault is about.
ORIGINS: Final[Mapping[str, str]] = {
    "id": "UID",
    "title": "SUMMARY",
    "summary": "DESCRIPTION",
    "date": "DTSTART",
    "places": "LOCATION",
    "tags": "CATEGORIES",
    "extra": OWN_FIELDS_PROPERTY,
    "media": "ATTACH",
}


class EntryError(ValueError):
    """Why an entry cannot be read; `name` is the property at fault."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Property:
    """A content line: its value as it is written, and its parameters by name."""

    value: str
    parameters: Mapping[str, str]

    @property
    def text(self) -> str:
        """Return the value of a TEXT (RFC 5545 section 3.3.11)."""
        return ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], self.value)

    @property
    def texts(self) -> list[str]:
        """Return the values of a list of TEXT."""
        parts = (replace(self, value=part).text for part in LISTED_TEXT.findall(self.value))
        return [text for part in parts if (text := " ".join(part.split()))]


def read_ics(file: BinaryIO) -> Iterator[Line]:
    """Yield the events of a calendar; types and, without URL, sources are left to the import."""
    notes: list[str] = []
    others: dict[str, None] = {}
    entries = 0
    open_component, entry, begins, is_calendar = "", [""], 0, False
    for number, line in _unfold(file):
        if line is None:
            yield damaged_file(f"is not UTF-8 in line {number}; save it as UTF-8")
            return
        name = line.strip().upper()
        if not is_calendar:
            if name != "BEGIN:VCALENDAR":
                yield damaged_file("is not iCalendar: its first line is BEGIN:VCALENDAR")
                return
            is_calendar = True
        elif not open_component and name in ("BEGIN:VCALENDAR", "END:VCALENDAR"):
            continue
        elif not open_component and name.startswith("BEGIN:"):
            open_component, entry, begins = name.removeprefix("BEGIN:"), [], number
        elif open_component and name == f"END:{open_component}":
            if open_component == "VEVENT":
                yield _read_entry(begins, entry, notes)
                notes = []
                entries += 1
            elif open_component in OTHER_COMPONENTS:
                others[open_component] = None
                notes.append(f"{open_component} is left out: only a VEVENT is an event")
            open_component = ""
        elif open_component == "VEVENT":
            entry.append(line)
        elif not open_component and name.partition(":")[0].partition(";")[0] in OWN_PROPERTIES:
            notes = [OWN_TEXTS]
    if not is_calendar:
        yield damaged_file("is empty; a calendar begins with BEGIN:VCALENDAR")
    elif open_component:
        message = f"has no END:{open_component}; the file is not whole"
        yield unreadable_line(begins, open_component[:100], message)
    elif others and not entries:
        yield damaged_file(f"has no VEVENT, only {', '.join(others)}; only a VEVENT is an event")


def _unfold(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Yield the content lines (RFC 5545 section 3.1), each with the number of its first line.

    None stands for a line that is not UTF-8.
    """
    content, begins, size = bytearray(), 1, 0
    for number, raw in enumerate(file, 1):
        raw = raw.removeprefix(BOM_UTF8) if number == 1 else raw
        raw = raw.rstrip(b"\r\n")
        if raw[:1] in (b" ", b"\t") and content:
            size += len(raw)
            if size <= MAX_LINE_CHARACTERS:
                content += raw[1:]
            continue
        if content:
            yield begins, _decode(content)
        content, begins, size = bytearray(raw[: 4 * MAX_LINE_CHARACTERS]), number, len(raw)
    if content:
        yield begins, _decode(content)


def _decode(content: bytearray) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _read_entry(number: int, lines: Iterable[str], notes: Iterable[str]) -> Line:
    notes = list(notes)
    try:
        properties = _read_properties(lines, notes)
        document = _read_event(properties, notes)
    except EntryError as error:
        faults = (Fault("body", error.name[:200], str(error), line=number),)
        return Line(number, {}, faults, tuple(notes))
    return Line(number, document, notes=tuple(notes), locate=_locate)


def _locate(fault: Fault) -> Fault:
    """Return a fault of the document under the name of the property."""
    first, _, rest = fault.name.partition(".")
    if first == "sources" and rest:
        return replace(fault, name="URL")
    return replace(fault, name=ORIGINS.get(first, fault.name))


def _read_properties(lines: Iterable[str], notes: list[str]) -> dict[str, list[Property]]:
    """Return the properties of an entry by name; note those that no event has a place for."""
    properties: dict[str, list[Property]] = {}
    inner = ""
    for line in lines:
        name = line.strip().upper()
        if inner:
            inner = "" if name == f"END:{inner}" else inner
            continue
        if name == "BEGIN:VEVENT":
            raise EntryError("VEVENT", "has no END:VEVENT before the next entry begins")
        if name.startswith("BEGIN:"):
            inner = name.removeprefix("BEGIN:")
            notes.append(f"{inner[:60]} is left out: an event has no place for it")
            continue
        if not line.strip():
            continue
        match = CONTENT_LINE.fullmatch(line)
        if match is None:
            message = f"'{line[:60]}' is not a content line, such as SUMMARY:Talks"
            raise EntryError("VEVENT", message)
        parameters = {
            key.upper(): value.strip('"')
            for key, value in CONTENT_PARAMETER.findall(match[2] or "")
        }
        properties.setdefault(match[1].upper(), []).append(Property(match[3], parameters))
    for name in properties:
        if name in REPETITION:
            notes += [REPEATED] if REPEATED not in notes else []
        elif name.startswith("X-") and name != EDTF_PROPERTY:
            notes.append(f"{name[:60]} is left out: only its program knows the meaning")
        elif name not in READ | TECHNICAL:
            notes.append(f"{name[:60]} is left out: an event has no place for it")
    return properties


class _Entry:
    """The properties of a VEVENT, each at most once."""

    def __init__(self, properties: Mapping[str, list[Property]]) -> None:
        for name, values in properties.items():
            if len(values) > 1 and name in READ and name not in ("CATEGORIES", "ATTACH"):
                raise EntryError(name, f"stands {len(values)} times; an event has one")
        self.properties = properties

    def find(self, name: str) -> Property | None:
        return self.properties[name][0] if name in self.properties else None

    def text(self, name: str) -> str:
        written = self.find(name)
        return "" if written is None else written.text

    def line(self, name: str) -> str:
        return " ".join(self.text(name).split())


class _Span(NamedTuple):
    """The first and the last day of an entry, or two times, and those in words."""

    start: date
    end: date
    words: str = ""
    in_named_zone: bool = False


def _read_event(properties: Mapping[str, list[Property]], notes: list[str]) -> Json:
    entry = _Entry(properties)
    span = _read_span(entry)
    document: Json = {"date": _write_date(span)}
    if event_id := _read_id(entry, notes):
        document["id"] = event_id
    is_own = EDTF_PROPERTY in properties
    if is_own and OWN_TEXTS in notes:
        notes.remove(OWN_TEXTS)
    (_read_own if is_own else _read_foreign)(entry, document, span, notes)
    _read_places(entry, document, notes, separator="; " if is_own else None)
    _read_attachments(entry, document, notes)
    if not document["title"].strip():
        raise EntryError("SUMMARY", "is missing: an event needs a title")
    return document


# -- what is the same in all calendars ------------------------------------------------------------


def _read_id(entry: _Entry, notes: list[str]) -> str:
    """Return the id that a UID means, so that the same calendar can come twice."""
    uid, recurrence = entry.line("UID"), entry.line("RECURRENCE-ID")
    own, _, store = uid.rpartition("@")
    if EDTF_PROPERTY in entry.properties and _is_uuid(store):
        if is_slug(own):
            return own
        notes.append("UID is left out: it is not made of an event's id")
    return make_slug(f"{uid} {recurrence}", MAX_ID_CHARACTERS) if uid else ""


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _read_span(entry: _Entry) -> _Span:
    """Return the first and the last day as they are written, or the times."""
    first = entry.find("DTSTART")
    if first is None:
        raise EntryError("DTSTART", "is missing: an event needs a date")
    start, zone = _read_moment("DTSTART", first)
    last = entry.find("DTEND")
    if last is not None:
        if isinstance(start, datetime) != ("T" in last.value):
            raise EntryError("DTEND", "is a day and DTSTART a time of day, or the other way round")
        end, end_zone = _read_moment("DTEND", last)
    else:
        end, end_zone = _add_duration(start, entry.find("DURATION")), zone
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        _require_order(start, end, last)
        return _Span(start, max(start, end - A_DAY))
    words = _describe_times(start, zone, end, end_zone)
    start, end = start.replace(tzinfo=find_zone(zone)), end.replace(tzinfo=find_zone(end_zone))
    if (start.tzinfo is None) == (end.tzinfo is None):
        _require_order(start, end, last)
    elif end.replace(tzinfo=start.tzinfo) < start:
        end = start  # one is in a zone that nobody knows
    return _Span(start, end, words, not {zone, end_zone} <= {"", "UTC"})


def _require_order(start: date, end: date, last: Property | None) -> None:
    if end < start:
        raise EntryError("DTEND", f"'{last.value[:60] if last else ''}' lies before DTSTART")


def _write_date(span: _Span) -> Json:
    """Return the date of an event, with words if EDTF cannot hold all that they say."""
    start, end, words, in_named_zone = span
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return {"edtf": "/".join(dict.fromkeys((start.isoformat(), end.isoformat())))}
    is_midnight = end.time() == time() and end.date() > start.date()
    last = end - timedelta(minutes=1) if is_midnight else end  # else another day begins
    edtf = "/".join(dict.fromkeys((_write_moment(start), _write_moment(max(start, last)))))
    try:
        dates.parse(edtf)
    except dates.DateError:  # by the clocks as written, it ends on an earlier day
        edtf, is_midnight = _write_moment(start), True
    return {"edtf": edtf, **({"text": words} if is_midnight or in_named_zone else {})}


def _write_moment(moment: datetime) -> str:
    """Return EDTF, to the minute if the seconds are zero: iCalendar always writes them."""
    offset = moment.utcoffset()
    if offset is not None and offset % timedelta(minutes=1):  # the mean time of a place
        moment = moment.replace(tzinfo=None)
    text = moment.isoformat(timespec="seconds" if moment.second else "minutes")
    return text.removesuffix("+00:00") + "Z" if offset == timedelta() else text


def find_zone(name: str) -> tzinfo | None:
    """Return a time zone by its IANA name, perhaps behind a prefix, or by that of Windows."""
    if name == "UTC":
        return UTC
    parts = WINDOWS_TO_OLSON.get(name, name).strip("/").split("/")
    for begin in range(len(parts)):
        with suppress(ValueError, LookupError, OSError):
            return ZoneInfo("/".join(parts[begin:]))
    return None


def _describe_times(start: datetime, zone: str, end: datetime, end_zone: str) -> str:
    words = start.isoformat(" ", "minutes") + _name_zone(zone, end_zone if end > start else None)
    if end > start:
        until = end.time() if end.date() == start.date() else end
        words += f" to {until.isoformat(timespec='minutes')}".replace("T", " ") + _name_zone(
            end_zone
        )
    return words


def _name_zone(zone: str, later: str | None = None) -> str:
    """Return a zone behind a time, unless the `later` one is the same."""
    return f" {zone}" if zone and zone != later else ""


def _read_moment(name: str, written: Property) -> tuple[date | datetime, str]:
    """Return a day or a moment and its time zone, "" if it has none."""
    match = MOMENT.fullmatch(written.value.strip())
    if match is None:
        message = f"'{written.value[:60]}' is not a date such as 20240312 or 20240312T141500"
        raise EntryError(name, message)
    *numbers, utc = match.groups()
    parts = [int(number) for number in numbers if number is not None]
    if len(parts) == 6:
        parts[5] = min(parts[5], 59)  # a leap second
    try:
        moment = date(*parts) if len(parts) == 3 else datetime(*parts)  # type: ignore[arg-type]
    except ValueError as error:
        raise EntryError(name, f"'{written.value[:60]}' is not a date: {error}") from None
    return moment, "UTC" if utc else written.parameters.get("TZID", "")[:60]


def _add_duration(start: date | datetime, duration: Property | None) -> date | datetime:
    """Return the end of an entry without DTEND (RFC 5545 section 3.6.1)."""
    if duration is None:
        return start
    match = DURATION.fullmatch(duration.value.strip())
    numbers = {} if match is None else {n: int(v) for n, v in match.groupdict().items() if v}
    if not numbers:
        raise EntryError("DURATION", f"'{duration.value[:60]}' is not a time such as PT1H30M")
    try:
        return start + timedelta(**numbers)
    except OverflowError:
        message = f"'{duration.value[:60]}' ends after the year 9999"
        raise EntryError("DURATION", message) from None


def _read_places(entry: _Entry, document: Json, notes: list[str], *, separator: str | None) -> None:
    """Add the places of LOCATION; GEO is the position of the only one."""
    location = entry.line("LOCATION")
    names = location.split(separator) if separator else [location]
    places: list[Json] = [{"name": name} for name in dict.fromkeys(names) if name]
    geo = entry.find("GEO")
    if geo is not None:
        match = GEO.fullmatch(geo.value)
        if match is None:
            raise EntryError("GEO", f"'{geo.value[:60]}' is not a position such as 44.8;20.5")
        if len(places) == 1:
            places[0] |= {"latitude": float(match[1]), "longitude": float(match[2])}
        else:
            notes.append("GEO is left out: it does not stand beside exactly one place")
    if places:
        document["places"] = places


def _read_attachments(entry: _Entry, document: Json, notes: list[str]) -> None:
    """Add the addresses of ATTACH as media; a file within the calendar is noted."""
    urls = [each.value.strip() for each in entry.properties.get("ATTACH", [])]
    if media := [{"url": url} for url in dict.fromkeys(urls) if ADDRESS.fullmatch(url)]:
        document["media"] = media
    if not all(map(ADDRESS.fullmatch, urls)):
        notes.append("ATTACH is left out: it is not an address of the web")


# -- entries of other calendars -------------------------------------------------------------------


def _read_foreign(entry: _Entry, document: Json, span: _Span, notes: list[str]) -> None:
    """Read what an entry says of its event; the rest is noted."""
    title, summary = entry.line("SUMMARY"), entry.text("DESCRIPTION").strip()
    if HTML_TAG.search(summary):
        summary = read_html(summary).text
        notes.append("HTML in DESCRIPTION was turned into plain text")
    if not title and (title := find_title(summary)):
        notes.append("an entry without SUMMARY takes its title from DESCRIPTION")
    document["title"] = title
    if summary and summary != title:
        document["summary"] = summary
    if tags := _read_categories(entry):
        document["tags"] = tags
    if url := entry.line("URL"):
        if safe_web_link(url):
            document["sources"] = [{"url": url}]
        else:
            notes.append("URL is left out: it is not an address of the web")
    status = entry.line("STATUS").upper()
    if status in STATUS_OF_ENTRY:
        document["status"] = STATUS_OF_ENTRY[status]
    elif status:
        notes.append(f"STATUS:{status[:60]} is left out: it does not say that it took place")


def _read_categories(entry: _Entry) -> list[str]:
    categories = entry.properties.get("CATEGORIES", [])
    return list(dict.fromkeys(text for each in categories for text in each.texts))


# -- entries of Dateline --------------------------------------------------------------------------


def _read_own(entry: _Entry, document: Json, span: _Span, notes: list[str]) -> None:
    """Read what `write_ics` wrote, as far as it says."""
    written = entry.line(EDTF_PROPERTY)
    try:
        own = dates.parse(written)
    except dates.DateError as error:
        raise EntryError(EDTF_PROPERTY, str(error)) from None
    if find_span(own) == (span.start, span.end):
        document["date"] = {"edtf": own.edtf}
    else:
        notes.append(f"{EDTF_PROPERTY} is left out: it is not the date of DTSTART and DTEND")
    document["title"] = entry.text("SUMMARY").removesuffix(describe_doubt(own.edtf))
    caption, _, rest = entry.text("DESCRIPTION").partition("\n\n")
    summary, is_there, _ = rest.rpartition("\n\nSources:\n")
    if summary:
        document["summary"] = summary
    if is_there or rest.startswith("Sources:\n"):
        notes.append("sources in DESCRIPTION are left out: a calendar has them only in words")
    if written_fields := entry.text(OWN_FIELDS_PROPERTY):
        try:
            document["extra"] = read_json(written_fields.encode())
        except ValueError as error:
            raise EntryError(OWN_FIELDS_PROPERTY, str(error)) from None
    label, *tags = _read_categories(entry) or [""]
    document |= {name: value for name, value in (("type", label), ("tags", tags)) if value}
    status = entry.line("STATUS").upper()
    if status == "CONFIRMED":
        is_ongoing = caption.removesuffix(DOUBTFUL_MATCH).endswith(", ongoing")
        document["status"] = "ongoing" if is_ongoing else "completed"
    elif status in STATUS_OF_ENTRY:
        document["status"] = STATUS_OF_ENTRY[status]
