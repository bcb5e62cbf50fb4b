"""One file per way of writing events down: each writes what is served, some read it back.

Pure functions from bytes to bytes and to documents, with no database and no HTTP.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from app import schemas
from app.formats import atom, geojson, html, ics, jsonfeed, jsonld, ndjson, table, timelinejs
from app.formats.cells import TEMPLATE_ROLES, may_be_role, read_parenthesis, two_roles
from app.formats.lines import About, Line, pick
from app.formats.table import COLUMNS, DERIVED, template
from app.suggestions import nearest

Read = Callable[[BinaryIO], Iterator[Line]]


@dataclass(frozen=True)
class Format:
    """A way of writing events down.

    `name` is the suffix of /events.{format}, and that of a downloaded file where `suffix` names no
    other. `write` makes chunks of the file from documents as they are served. `read` never raises
    for what stands in the file: a Line bears its faults; None where a format is only written. A
    feed holds the `latest` so many events, the last updated first; any other format all of them,
    in timeline order. `dated` is whether it says when it was last edited. `options` are the
    parameters that it takes beside the filter, and `fields` the names that the one so called takes.
    """

    name: str
    media_type: str
    write: Callable[[Iterable[bytes], About], Iterator[bytes]]
    read: Read | None = None
    latest: int | None = None
    dated: bool = False
    suffix: str | None = None
    options: Collection[str] = ()
    fields: Collection[str] = ()

    @property
    def filename(self) -> str:
        """What a download is called."""
        return f"events.{self.suffix or self.name}"


FEED = 100  # events in a feed
CHOICES = ("sort", "limit", "fields")
MEMBERS = tuple(schemas.Event.model_fields)
FORMATS: Mapping[str, Format] = {
    made.name: made
    for made in (
        Format(
            "ndjson",
            "application/x-ndjson",
            ndjson.write,
            ndjson.read,
            options=CHOICES,
            fields=MEMBERS,
        ),
        Format(
            "csv",
            "text/csv; charset=utf-8",
            table.write,
            table.read,
            options=(*CHOICES, "lossless"),
            fields=table.WRITTEN,
        ),
        Format(
            "timelinejs",
            "application/json",
            timelinejs.write,
            timelinejs.read,
            suffix="timelinejs.json",
        ),
        Format("ics", "text/calendar; charset=utf-8", ics.write, dated=True),
        Format(
            "geojson",
            "application/geo+json",
            geojson.write,
            options=CHOICES,
            fields=(*MEMBERS, *geojson.ADDED),
        ),
        Format("atom", "application/atom+xml", atom.write, latest=FEED, dated=True),
        Format(
            "jsonfeed",
            "application/feed+json",
            jsonfeed.write,
            latest=FEED,
            suffix="feed.json",
        ),
        Format("jsonld", "application/ld+json", jsonld.write),
        Format("html", "text/html; charset=utf-8", html.write),
    )
}
SUBSCRIPTIONS = frozenset(("ics", "atom", "jsonfeed"))  # addresses that are passed on in mailings
READERS: Mapping[str, Read] = {made.name: made.read for made in FORMATS.values() if made.read}

# What else a format, or something like it, is called.
SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("json", "jsonl", "jsonlines"), "ndjson"),
    **dict.fromkeys(("xls", "xlsx", "ods", "tsv", "excel"), "csv"),
    **dict.fromkeys(("ical", "icalendar", "ifb", "calendar"), "ics"),
    **dict.fromkeys(("kml", "gpx", "map"), "geojson"),
    **dict.fromkeys(("rss", "xml", "feed"), "atom"),
    **dict.fromkeys(("feed.json", "json-feed"), "jsonfeed"),
    **dict.fromkeys(("rdf", "ttl", "json-ld", "schema"), "jsonld"),
    **dict.fromkeys(("htm", "xhtml", "pdf", "doc", "docx"), "html"),
    "timelinejs.json": "timelinejs",
}


def nearest_format(name: str) -> str | None:
    """The format that is likeliest meant; None where nothing is close."""
    return SYNONYMS.get(name.casefold()) or nearest(name, FORMATS)


__all__ = [
    "CHOICES",
    "COLUMNS",
    "DERIVED",
    "FORMATS",
    "READERS",
    "SUBSCRIPTIONS",
    "TEMPLATE_ROLES",
    "About",
    "Format",
    "Line",
    "Read",
    "may_be_role",
    "nearest_format",
    "pick",
    "read_parenthesis",
    "template",
    "two_roles",
]
