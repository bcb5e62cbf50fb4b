"""One file per format: each writes served documents, some read them back.

Pure functions from bytes to bytes and to documents, with no database and no HTTP.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from app import schemas
from app.formats import (
    atom,
    bibtex,
    csl,
    geojson,
    html,
    ics,
    json_files,
    jsonfeed,
    jsonld,
    ndjson,
    ris,
    table,
    timelinejs,
    xlsx,
)
from app.formats.cells import TEMPLATE_ROLES, explain_two_roles, may_be_role, read_parenthesis
from app.formats.csl import build_csl_item
from app.formats.lines import About, Line, pick_members
from app.formats.mapping import MappingError
from app.formats.sheets import ENCODINGS
from app.formats.sniffing import SNIFFED_BYTES, sniff_format
from app.formats.table import COLUMNS, DERIVED_COLUMNS, open_table, write_template
from app.languages import mark
from app.suggestions import nearest

FileReader = Callable[[BinaryIO], Iterator[Line]]


@dataclass(frozen=True)
class Format:
    """A file format for events, or for the sources that they cite.

    `name` is the suffix of /events.{format}, and of a downloaded file unless `suffix` names
    another. `label` is what the page calls it, in parentheses its name in the docs. `write` yields
    chunks of the file from served documents. `read` never raises for the content of a file: each
    Line carries its faults; None if the format is only written. A feed holds the `latest` events by
    update, any other format all of them in timeline order. `dated` marks formats that say when they
    were last edited. `options` are the parameters that it takes beside the filter, and `fields` the
    names that the parameter of that name takes. A table that `has_own_columns` also takes
    `extra.NAME`.
    """

    name: str
    label: str
    media_type: str
    write: Callable[[Iterable[bytes], About], Iterator[bytes]]
    read: FileReader | None = None
    latest: int | None = None
    dated: bool = False
    suffix: str | None = None
    options: Collection[str] = ()
    fields: Collection[str] = ()
    has_own_columns: bool = False

    @property
    def filename(self) -> str:
        """Return the name of a download."""
        of = "sources" if self.name in BIBLIOGRAPHIES else "events"
        return f"{of}.{self.suffix or self.name}"


MAX_FEED_EVENTS = 100  # events in a feed
LIST_OPTIONS = ("sort", "limit", "fields")
EVENT_MEMBERS = tuple(schemas.Event.model_fields)
FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(
            "ndjson",
            mark("Everything (NDJSON)"),
            "application/x-ndjson",
            ndjson.write_ndjson,
            ndjson.read_ndjson,
            options=LIST_OPTIONS,
            fields=EVENT_MEMBERS,
        ),
        Format(
            "csv",
            mark("Spreadsheet (CSV)"),
            "text/csv; charset=utf-8",
            table.write_table,
            table.read_table,
            options=(*LIST_OPTIONS, "lossless", "bom"),
            fields=(*table.WRITTEN_COLUMNS, "extra"),
            has_own_columns=True,
        ),
        Format(
            "xlsx",
            mark("Spreadsheet (XLSX)"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            xlsx.write_xlsx,
            table.read_table,
            options=(*LIST_OPTIONS, "lossless"),
            fields=(*table.WRITTEN_COLUMNS, "extra"),
            has_own_columns=True,
        ),
        Format(
            "timelinejs",
            mark("Slides (TimelineJS 3)"),
            "application/json",
            timelinejs.write_timelinejs,
            json_files.read_json_file,
            suffix="timelinejs.json",
        ),
        Format(
            "ics",
            mark("Calendar (iCalendar)"),
            "text/calendar; charset=utf-8",
            ics.write_ics,
            ics.read_ics,
            dated=True,
        ),
        Format(
            "geojson",
            mark("Map (GeoJSON)"),
            "application/geo+json",
            geojson.write_geojson,
            options=LIST_OPTIONS,
            fields=(*EVENT_MEMBERS, *geojson.ADDED_PROPERTIES),
        ),
        Format(
            "atom",
            mark("Feed (Atom)"),
            "application/atom+xml",
            atom.write_atom,
            latest=MAX_FEED_EVENTS,
            dated=True,
        ),
        Format(
            "jsonfeed",
            mark("Feed (JSON Feed)"),
            "application/feed+json",
            jsonfeed.write_jsonfeed,
            latest=MAX_FEED_EVENTS,
            suffix="feed.json",
        ),
        Format("jsonld", mark("Linked data (JSON-LD)"), "application/ld+json", jsonld.write_jsonld),
        Format("html", mark("Document (HTML)"), "text/html; charset=utf-8", html.write_html),
    )
}
# Of the sources that events cite: /sources.{format}.
BIBLIOGRAPHIES: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(
            "csl",
            mark("Bibliography (CSL-JSON)"),
            "application/vnd.citationstyles.csl+json",
            csl.write_csl,
            csl.read_csl,
            suffix="csl.json",
        ),
        Format(
            "bib",
            mark("Bibliography (BibTeX)"),
            "application/x-bibtex; charset=utf-8",
            bibtex.write_bibtex,
            bibtex.read_bibtex,
        ),
        Format(
            "ris",
            mark("Bibliography (RIS)"),
            "application/x-research-info-systems; charset=utf-8",
            ris.write_ris,
            ris.read_ris,
        ),
    )
}
SUBSCRIPTIONS = frozenset(("ics", "atom", "jsonfeed"))  # addresses that are passed on in mailings
READERS: Mapping[str, FileReader] = {
    **{each.name: each.read for each in FORMATS.values() if each.read},
    "tsv": table.read_table,
    "json": json_files.read_json_file,
    **{each.name: each.read for each in BIBLIOGRAPHIES.values() if each.read},
}
TABLE_READERS = ("csv", "tsv", "xlsx")  # whose columns a mapping can name

# Other names of a format, or of something like it.
SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("json", "jsonl", "jsonlines"), "ndjson"),
    **dict.fromkeys(("xls", "ods", "excel"), "xlsx"),
    "tsv": "csv",
    **dict.fromkeys(("ical", "icalendar", "ifb", "calendar"), "ics"),
    **dict.fromkeys(("kml", "gpx", "map"), "geojson"),
    **dict.fromkeys(("rss", "xml", "feed"), "atom"),
    **dict.fromkeys(("feed.json", "json-feed"), "jsonfeed"),
    **dict.fromkeys(("rdf", "ttl", "json-ld", "schema"), "jsonld"),
    **dict.fromkeys(("htm", "xhtml", "pdf", "doc", "docx"), "html"),
    "timelinejs.json": "timelinejs",
    **dict.fromkeys(("csl.json", "csl-json", "zotero"), "csl"),
    **dict.fromkeys(("bibtex", "biblatex", "latex"), "bib"),
    **dict.fromkeys(("endnote", "refman"), "ris"),
}


def nearest_format(name: str) -> str | None:
    """Return the format that is likeliest meant; None if nothing is close."""
    return SYNONYMS.get(name.casefold()) or nearest(name, (*FORMATS, *BIBLIOGRAPHIES))


__all__ = [
    "BIBLIOGRAPHIES",
    "COLUMNS",
    "DERIVED_COLUMNS",
    "ENCODINGS",
    "FORMATS",
    "LIST_OPTIONS",
    "READERS",
    "SNIFFED_BYTES",
    "SUBSCRIPTIONS",
    "TABLE_READERS",
    "TEMPLATE_ROLES",
    "About",
    "FileReader",
    "Format",
    "Line",
    "MappingError",
    "build_csl_item",
    "explain_two_roles",
    "may_be_role",
    "nearest_format",
    "open_table",
    "pick_members",
    "read_parenthesis",
    "sniff_format",
    "write_template",
]
