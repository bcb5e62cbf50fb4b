"""TimelineJS 3: the JSON that Knight Lab's timeline shows, one slide per event.

Its documentation: https://timeline.knightlab.com/docs/json-format.html. A slide that is written
here has one more member, `edtf`: the exact date, and the sign that its `group` is the event's type.
Under a `date` filter it also has `match`, and if the event has them `extra`, its own fields, and
`all_media`: a slide shows the first medium only.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from html import escape
from typing import Any, TypeGuard

from app import dates
from app.dates.grammar import GROUPINGS, Component, End, Expression, Interval
from app.dates.grammar import read_expression as read_edtf
from app.errors import Fault
from app.formats import citations
from app.formats.citations import safe_web_link
from app.formats.lines import (
    About,
    Line,
    batch_items,
    damaged_file,
    pick_members,
    write_json_list,
)
from app.formats.markup import SOURCES_CLASS, find_title, preserve_text, read_html
from app.formats.media import find_kind, list_linked
from app.json_types import Json
from app.schemas import ADDRESS, is_slug
from app.words import fold

CALENDAR_MEMBERS = ("year", "month", "day")
JSONP = re.compile(rb"(?:\xef\xbb\xbf)?\s*[A-Za-z_$][\w$.]*\s*([=(])\s*(?=[\[{])")
CLOCK_MEMBERS = ("hour", "minute", "second", "millisecond")


# -- writing --------------------------------------------------------------------------------------


def write_timelinejs(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the file in chunks, without the events that have no day at all."""
    return write_json_list(batch_items(documents, partial(_slide, _groups(about))), "events")


def _groups(about: About) -> Mapping[str, str]:
    """Return the group of each type: its label, unless another type has the same."""
    times = Counter(map(fold, (*about.types.values(), *about.types)))
    own = {type_id: 1 + (fold(label) == fold(type_id)) for type_id, label in about.types.items()}
    return {
        type_id: label if times[fold(label)] == own[type_id] else type_id
        for type_id, label in about.types.items()
    }


def _slide(groups: Mapping[str, str], event: Json) -> Json | None:
    date, summary = event["date"], event["summary"]
    date_members = _shown_dates(date["edtf"])
    if not date_members:
        return None
    sources = citations.format_html_list(event["sources"], class_=SOURCES_CLASS)
    return {
        "unique_id": event["id"],
        **date_members,
        "display_date": date["label"],
        "edtf": date["edtf"],
        **pick_members(event, ("match",)),
        "text": {
            "headline": escape(event["title"]),
            "text": (preserve_text(summary) if summary else "") + sources,
        },
        **_media_members(event),
        **({"extra": event["extra"]} if event["extra"] else {}),
        "group": escape(groups.get(event["type"], event["type"])),
        "autolink": False,  # the links are made already
    }


def _media_members(event: Json) -> Json:
    """Return `media`, the first one whose address a browser may follow, and `all_media`."""
    if not event["media"]:
        return {}
    members: Json = {}
    for medium in list_linked(event)[:1]:
        texts = {name: escape(medium[name] or "") for name in ("caption", "credit", "alt")}
        links = {"url": medium["url"], "thumbnail": safe_web_link(medium["thumbnail"])}
        named = {name: value for name, value in {**links, **texts}.items() if value}
        members = {"media": named}
    return {**members, "all_media": event["media"]}


def _shown_dates(edtf: str) -> Json:
    """Return the members `start_date` and `end_date` of a date, as precise as it is."""
    expression, date = read_edtf(edtf), dates.parse(edtf)
    if isinstance(expression, Interval):
        ends = [
            _numbers(end) if _is_plain(end) else _of_day(day)
            for end, day in (
                (expression.start, date.earliest),
                (expression.end, date.latest),
            )
        ]
    elif _is_plain(expression):
        ends = [_numbers(expression)]
    else:
        ends = [_of_day(date.earliest), _of_day(date.latest)]
    days = [end for end in ends if end]
    return dict(zip(("start_date", "end_date"), days, strict=False))


def _is_plain(part: Expression | End | None) -> TypeGuard[Component]:
    """Return whether it is a year, a month or a day without unknown digits."""
    return isinstance(part, Component) and "X" not in part.text and part.month not in GROUPINGS


def _numbers(date: Component) -> Json:
    members = _date_object(*(int(part) for part in (date.year, date.month, date.day) if part))
    if date.clock is None:
        return members
    *numbers, _ = date.clock  # TimelineJS has no zones
    clock = zip(CLOCK_MEMBERS, numbers, strict=False)
    return members | {name: number for name, number in clock if number is not None}


def _of_day(day: str | None) -> Json:
    if day is None:
        return {}
    year, month, number = day.rsplit("-", 2)
    return _date_object(int(year), int(month), int(number))


def _date_object(year: int, *finer: int) -> Json:
    # TimelineJS has no year 0: its -1 is 1 BC, which is 0 in EDTF.
    return dict(zip(CALENDAR_MEMBERS, (year if year > 0 else year - 1, *finer), strict=False))


# -- reading --------------------------------------------------------------------------------------


class SlideError(ValueError):
    """Why a slide cannot be read; `name` is the member at fault."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def strip_jsonp(raw: bytes) -> bytes:
    """Return the JSON of a JSONP file: `callback({…});`, or `storyjs_jsonp_data = {…}`."""
    match = JSONP.match(raw)
    if match is None:
        return raw
    rest = raw[match.end() :].rstrip(b"; \t\r\n")
    return rest.removesuffix(b")") if match[1] == b"(" else rest


def read_slides(timeline: Any) -> Iterator[Line]:
    """Yield the events of a document; types and sources are left to the import."""
    if isinstance(timeline, dict) and isinstance(timeline.get("timeline"), dict):
        yield from _read_older(timeline["timeline"])
        return
    if not isinstance(timeline, dict) or not isinstance(timeline.get("events"), list):
        yield damaged_file("is missing: TimelineJS keeps its slides in the list `events`", "events")
        return
    if timeline.get("scale") == "cosmological":
        message = "cosmological years lie beyond what a date can be here: -9999 to 9999"
        yield damaged_file(message, "scale")
        return
    notes = tuple(
        f"{name} is left out: no event stands behind it"
        for name in ("title", "eras")
        if timeline.get(name)
    )
    yield from _read_each(timeline["events"], notes, _event)


def _read_older(timeline: Json) -> Iterator[Line]:
    """Yield the events of the JSON of TimelineJS 1 and 2, whose slides stand in `timeline.date`."""
    if not isinstance(timeline.get("date"), list):
        message = "is missing: TimelineJS 2 keeps its slides in the list `timeline.date`"
        yield damaged_file(message, "timeline.date")
        return
    named = {"headline": "title", "text": "title", "asset": "title", "era": "eras"}
    left_out = dict.fromkeys(name for member, name in named.items() if timeline.get(member))
    notes = tuple(f"{name} is left out: no event stands behind it" for name in left_out)
    yield from _read_each(timeline["date"], notes, lambda slide: _event(_modernize(slide)))


def _modernize(slide: Any) -> Json:
    """Return a slide of TimelineJS 2 as TimelineJS 3 has it."""
    if not isinstance(slide, dict):
        raise SlideError("body", "is not a slide: write a JSON object")
    ends = {"start_date": "startDate", "end_date": "endDate"}
    return {
        **{new: _read_older_date(slide, old) for new, old in ends.items()},
        "text": {"headline": slide.get("headline"), "text": slide.get("text")},
        "group": slide.get("tag"),
        "media": _modernize_media(slide),
    }


def _modernize_media(slide: Json) -> Json:
    asset = _object(slide, "asset")
    return {"url": asset.pop("media", None), **asset}


def _read_older_date(slide: Json, name: str) -> Json:
    """Return the date object of `2012,1,26` or `2012,1,26,14,30`; an empty one if there is none."""
    parts = [part.strip() for part in _string(slide, name).split(",")]
    if parts == [""]:
        if name == "startDate":
            raise SlideError(name, "is missing")
        return {}
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    members = (*CALENDAR_MEMBERS, *CLOCK_MEMBERS)
    if len(parts) > len(members) or not all(re.fullmatch("-?[0-9]{1,18}", p) for p in parts):
        message = f"'{slide[name]}'"[:80] + " is not a date such as 2012,1,26: year, month, day"
        raise SlideError(name, message)
    return dict(zip(members, parts, strict=False))


def _read_each(
    slides: Iterable[Any],
    notes: tuple[str, ...],
    read: Callable[[Any], tuple[Json, tuple[str, ...]]],
) -> Iterator[Line]:
    for number, slide in enumerate(slides, 1):
        try:
            document, own_notes = read(slide)
        except SlideError as error:
            faults = (Fault("body", error.name, str(error), line=number),)
            yield Line(number, {}, faults, notes)
        else:
            yield Line(number, document, notes=(*notes, *own_notes))
        notes = ()


def _event(slide: Any) -> tuple[Json, tuple[str, ...]]:
    """Return the document of a slide, and notes on the parts left out."""
    if not isinstance(slide, dict):
        raise SlideError("body", "is not a slide: write a JSON object")
    text = _object(slide, "text")
    headline, summary = read_html(_string(text, "headline")), read_html(_string(text, "text"))
    date, notes = _date(slide)
    title = " ".join(headline.text.split("\n")) or _find_title(slide, summary.text, notes)
    document: Json = {"title": title, "date": date}
    if summary.text and (headline.text or summary.text != title):
        document["summary"] = summary.text
    if headline.links or summary.links:
        notes.append("links in the text are left out: their words stay")
    if unique_id := _string(slide, "unique_id"):
        if is_slug(unique_id):
            document["id"] = unique_id
        else:
            notes.append("unique_id is left out: an id is made of a-z, 0-9 and hyphens")
    if group := read_html(_string(slide, "group")).text:
        if _is_ours(slide):
            document["type"] = group
        else:
            document["tags"] = [group]
    if _is_ours(slide) and slide.get("extra"):
        document["extra"] = slide["extra"]
    document |= _read_media(slide, notes)
    for name in ("background", "autolink", *(() if _is_ours(slide) else ("extra",))):
        if _holds_something(slide.get(name)):
            notes.append(f"{name} is left out: an event has no place for it")
    return document, tuple(notes)


def _read_media(slide: Json, notes: list[str]) -> Json:
    """Return the member `media`; a medium that is no address of the web is noted."""
    if _is_ours(slide) and isinstance(slide.get("all_media"), list):
        return {"media": slide["all_media"]}
    medium = slide.get("media")
    medium = {"url": medium} if isinstance(medium, str) else _object(slide, "media")
    url = _string(medium, "url").strip()
    if not url:
        if _holds_something(medium):
            notes.append("media is left out: it has no url")
        return {}
    if url.startswith("//"):
        url = f"https:{url}"
    if not ADDRESS.fullmatch(url):
        notes.append("media is left out: its url is not an address of the web")
        return {}
    result: Json = {"url": url, "kind": find_kind(url)}
    for name in ("caption", "credit", "alt"):
        plain = read_html(_string(medium, name))
        if plain.links:
            notes.append(f"links in media.{name} are left out: their words stay")
        if plain.text:
            result[name] = plain.text if name == "caption" else plain.text.replace("\n", " ")
    thumbnail = _string(medium, "thumbnail").strip()
    if ADDRESS.fullmatch(thumbnail):
        result["thumbnail"] = thumbnail
    elif thumbnail:
        notes.append("media.thumbnail is left out: it is not an address of the web")
    if others := [name for name in ("link", "link_target", "title") if medium.get(name)]:
        notes.append(f"media.{others[0]} is left out: an event has no place for it")
    return {"media": [result]}


def _find_title(slide: Json, summary: str, notes: list[str]) -> str:
    """Return a title for a slide without a headline, from its text or the caption of its media."""
    media = {} if isinstance(slide.get("media"), str) else _object(slide, "media")
    caption = read_html(_string(media, "caption")).text
    for name, text in (("text", summary), ("caption", caption)):
        if title := find_title(text):
            notes.append(f"a slide without a headline takes its title from its {name}")
            return title
    message = "is missing, and there is no text or caption to take a title from"
    raise SlideError("text.headline", message)


def _is_ours(slide: Json) -> bool:
    """Return whether `write_timelinejs` made the slide."""
    return isinstance(slide.get("edtf"), str)


def _holds_something(member: Any) -> bool:
    return any(member.values()) if isinstance(member, dict) else bool(member)


# -- dates ----------------------------------------------------------------------------------------


def _date(slide: Json) -> tuple[Json, list[str]]:
    """Return the date of a slide in the form of a body, and notes on it."""
    date_objects = {
        name: part for name in ("start_date", "end_date") if (part := _object(slide, name))
    }
    numbers = {name: _read_numbers(part, name) for name, part in date_objects.items()}
    own, notes = _own_date(slide), []
    if own and numbers in ({}, _shown_dates(own.edtf)):
        edtf = own.edtf
    else:
        edtf = _written_date(numbers)
        if slide.get("edtf"):
            notes.append("edtf is left out: it is not the date of start_date and end_date")
    words = _display_date(slide) or _describe_ends(date_objects)
    text = {"text": words} if words and not (own and words == own.label) else {}
    return {"edtf": edtf, **text}, notes


def _own_date(slide: Json) -> dates.Date | None:
    try:
        return dates.parse(slide["edtf"]) if _is_ours(slide) else None
    except dates.DateError:
        return None


def _read_numbers(date: Json, where: str) -> dict[str, int]:
    """Return year, month, day, hour, minute and second of a date object, as far as they are there.

    Only a day has a time.
    """
    members = {name: _number(date, name, where) for name in CALENDAR_MEMBERS}
    if members["year"] is None:
        raise SlideError(f"{where}.year", "is missing")
    if members["month"] is None and members["day"] is not None:
        raise SlideError(f"{where}.month", "is missing: there is a day")
    if members["day"] is not None:
        members |= {name: _number(date, name, where) for name in CLOCK_MEMBERS[:-1]}
    return {name: number for name, number in members.items() if number is not None}


def _written_date(numbers: Mapping[str, dict[str, int]]) -> str:
    """Return the EDTF of the start and the end of a slide. Raise SlideError if it is no date."""
    if "start_date" not in numbers:
        raise SlideError("start_date", "is missing")
    ends = [_edtf(end, name) for name, end in numbers.items()]
    # The same twice is one, as it is to TimelineJS; so is a time and its day.
    edtf = ends[0] if ends[0].startswith(f"{ends[-1]}T") else "/".join(dict.fromkeys(ends))
    try:
        dates.parse(edtf)
    except dates.DateError as error:
        raise SlideError("start_date", str(error)) from None
    return edtf


def _edtf(date: Mapping[str, int], where: str) -> str:
    year, *finer = (date[name] for name in CALENDAR_MEMBERS if name in date)
    astronomical = year + 1 if year < 0 else year
    if not -9999 <= astronomical <= 9999:
        raise SlideError(f"{where}.year", f"is {year}; years go from -9999 to 9999")
    sign = "-" if astronomical < 0 else ""
    days = "-".join((f"{sign}{abs(astronomical):04d}", *(f"{part:02d}" for part in finer)))
    if "hour" not in date:
        return days
    clock = [date["hour"], date.get("minute", 0), *(date[n] for n in ("second",) if n in date)]
    return f"{days}T{':'.join(f'{number:02d}' for number in clock)}"


def _display_date(holder: Json) -> str:
    return read_html(_string(holder, "display_date")).text.replace("\n", " ")


def _describe_ends(date_objects: Mapping[str, Json]) -> str:
    """Return the words of the ends, or their times of day if no date can hold them; "" if none."""
    numbers = {name: _read_numbers(end, name) for name, end in date_objects.items()}
    if not any(
        _display_date(end) or (_clock(end, name) and not _holds_clock(end, numbers[name]))
        for name, end in date_objects.items()
    ):
        return ""
    ends = (
        _display_date(end)
        or f"{_edtf(numbers[name], name).partition('T')[0]} {_clock(end, name)}".rstrip()
        for name, end in date_objects.items()
    )
    return " to ".join(dict.fromkeys(ends))


def _holds_clock(date: Json, numbers: Mapping[str, int]) -> bool:
    """Return whether EDTF has all of the time of day of a date object."""
    return "hour" in numbers and str(date.get("millisecond", 0)).strip("0 ") == ""


def _clock(date: Json, where: str) -> str:
    """Return the time of day of a date object: `14:30`, `14:30:05.250`."""
    hour, minute, second, thousandth = (_number(date, name, where) for name in CLOCK_MEMBERS)
    if hour is None:
        return ""
    clock = f"{hour:02d}:{minute or 0:02d}"
    if second is not None or thousandth is not None:
        clock += f":{second or 0:02d}"
    return clock if thousandth is None else f"{clock}.{thousandth:03d}"


# -- members, as loosely typed as they are --------------------------------------------------------


def _object(holder: Json, name: str) -> Json:
    """Return a member that is an object; an empty one if it, or all of it, is absent."""
    member = holder.get(name) or {}
    if not isinstance(member, dict):
        raise SlideError(name, "is not a JSON object")
    return {key: value for key, value in member.items() if value not in (None, "")}


def _string(holder: Json, name: str) -> str:
    """Return a member that is a text or a number; "" if it is absent."""
    member = holder.get(name)
    if member is None:
        return ""
    if isinstance(member, bool) or not isinstance(member, str | int | Decimal):
        raise SlideError(name, "is not a text")
    return str(member)


def _number(holder: Json, name: str, where: str) -> int | None:
    """Return a whole number, or its digits in a text; None if it is absent or empty."""
    written = str(holder.get(name, "")).strip()
    if not written:
        return None
    if not re.fullmatch("-?[0-9]{1,18}", written):
        raise SlideError(f"{where}.{name}", "is not a whole number")
    return int(written)
