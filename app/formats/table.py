"""CSV (RFC 4180): one row per event, in the same columns out and in, and some that only go out."""

import csv
import io
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any, BinaryIO

from app.errors import Fault
from app.formats.cells import (
    LISTS,
    CellError,
    decode_list,
    encode_list,
    guard,
    is_json,
    mend_list,
    split_list,
    unguard,
)
from app.formats.lines import (
    MAX_EVENT_BYTES,
    About,
    Line,
    batch_documents,
    damaged_file,
    unreadable_line,
)
from app.suggestions import nearest
from app.words import fold

REQUIRED_COLUMNS = ("type", "title", "date")
SOURCE_PREFIX = "source_"
MAX_HEADER_FAULTS = 100  # are named
COLUMNS: Mapping[str, str] = {
    "id": "The event's id; without it, one is made from date and title",
    "version": "Which version of the stored event the row is; coming in, it guards later edits",
    "type": "Its type, by id or label",
    "title": "What happened, in a line",
    "summary": "What happened, in more words",
    "date": "When, as EDTF: `2023-11`, `2023-11-01/2023-12-15`, `[..2024-02-06]`",
    "date_text": "What the source said of the date, verbatim",
    "status": "`planned`, `ongoing`, `completed` or `cancelled`",
    "actors": "List: `Serbia (seller); Azerbaijan (buyer)`, the role in parentheses",
    "places": "List: `Belgrade; Baku`",
    "quantities": "List: `gas volume: at-least 400000000 m3 (over 400 mcm); length: 3 to 4.5 km`",
    "tags": "List: `energy; natural gas`",
    "related": "List: `implements serbia-azerbaijan-gas-contract`, a relation and an event's id",
    "source_id": "Of the first source that supports the event: its id",
    "source_publisher": "Who published it",
    "source_title": "Its title",
    "source_author": "Who wrote it",
    "source_url": "Its address",
    "source_archive_url": "The address of an archived copy",
    "source_published": "When it was published, as EDTF",
    "source_accessed": "When it was read, as EDTF",
    "source_language": "Its language: `en`, `sr-Latn`",
    "source_kind": "Its kind: `news`, `analysis`, `official` …",
    "source_role": "`supports` if it is left out; `contradicts` or `context`",
    "source_claims": "List: `date; actors`, the fields of the event that it backs",
    "source_quote": "What it said, verbatim",
    "source_locator": "Where in the source",
    "source_note": "What else there is to say of it",
    "more_sources": "The other sources, always as JSON",
}
# Written for people and notebooks, and passed over when the file is read.
DERIVED_COLUMNS: Mapping[str, str] = {
    "match": "`certain` or `possible`: how it matches `date`; empty without `date`",
    "earliest": "The first day of the date, ISO 8601; empty if that is open or unknown",
    "latest": "The last day, ISO 8601; empty if that is open or unknown",
    "label": "The date in words: `November 2023`",
}
WRITTEN_COLUMNS = (*COLUMNS, *DERIVED_COLUMNS)
TEMPLATE_COLUMNS = frozenset(COLUMNS) - {
    "version"
}  # who keeps all these columns follows the template
SOURCE_COLUMNS = tuple(name for name in COLUMNS if name.startswith(SOURCE_PREFIX))

# Text that is kept to the last space. Of any other cell, white space at its ends is no part.
VERBATIM_COLUMNS = frozenset(
    (
        *("title", "summary", "date_text", "source_publisher", "source_title", "source_author"),
        *("source_quote", "source_locator", "source_note"),
    )
)

# The gas contract of the example chronology, as people would write it down.
EXAMPLE_ROW: Mapping[str, str] = {
    "id": "serbia-azerbaijan-gas-contract",
    "type": "contract",
    "title": "Srbijagas and SOCAR signed gas supply contract",
    "summary": "The Serbian and Azerbaijani state companies agreed that Serbia would receive 400"
    " million cubic metres of Azerbaijani natural gas before the year 2024 was out.",
    "date": "2023-11",
    "date_text": "In November 2023",
    "status": "completed",
    "actors": "State Oil Company of the Republic of Azerbaijan (seller); Srbijagas (buyer);"
    " Azerbaijan (party); Serbia (party)",
    "quantities": "gas volume: 400000000 m3 (400 million cubic meters of natural gas)",
    "tags": "natural gas; energy; strategic partnership",
    "source_id": "balkan-insight-2023-11-15",
    "source_publisher": "Balkan Insight",
    "source_published": "2023-11-15",
    "source_kind": "news",
    "source_role": "supports",
    "source_claims": "type; date; actors",
    "more_sources": encode_list(
        [
            {
                "id": "balkan-green-energy-news-2023-11-15",
                "publisher": "Balkan Green Energy News",
                "published": "2023-11-15",
                "kind": "news",
                "claims": ["type", "title", "summary", "date", "actors", "quantities"],
            },
            {
                "id": "eurasia-daily-monitor-azerbaijan-serbia",
                "publisher": "Eurasia Daily Monitor",
                "title": "Azerbaijan and Serbia Expand Defense Partnership",
                "published": "[2024-02-28..]",
                "language": "en",
                "kind": "analysis",
                "role": "context",
                "quote": "in November 2023, both countries signed a new energy deal",
                "locator": "Volume 21, Issue 31, paragraphs 1 and 5",
                "note": "Both paragraphs are taken to speak of one contract.",
            },
        ]
    ),
}

csv.field_size_limit(MAX_EVENT_BYTES)


# -- writing --------------------------------------------------------------------------------------


def write_table(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the file in chunks, always with a header.

    Unless it is lossless, it is for people and spreadsheets: lists in words, which say less than
    JSON, and no cell that a spreadsheet would take for a formula.
    """
    columns = WRITTEN_COLUMNS if about.fields is None else about.fields
    yield _rows([columns])
    for batch in batch_documents(documents):
        events = map(json.loads, batch)
        yield _rows(_row(event, columns, about) for event in events)


def write_template() -> bytes:
    """Return a file to begin with: the header and an example."""
    return _rows([COLUMNS, [EXAMPLE_ROW.get(column, "") for column in COLUMNS]])


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _row(event: dict[str, Any], columns: Sequence[str], about: About) -> list[str]:
    lossless = about.lossless
    sources = event["sources"]
    first = next((n for n, source in enumerate(sources) if source["role"] == "supports"), None)
    if first is None or (lossless and first > 0):  # else the order would be lost
        own, others = {}, sources
    else:
        own, others = sources[first], [*sources[:first], *sources[first + 1 :]]
    date = event["date"]
    members = {
        **event,
        "date": date["edtf"],
        "date_text": date["text"],
        **{name: date[name] for name in ("earliest", "latest", "label")},
        **{SOURCE_PREFIX + name: value for name, value in own.items()},
        "more_sources": encode_list(others) if others else None,
    }
    return [_cell(column, members.get(column), about) for column in columns]


def _cell(column: str, value: Any, about: About) -> str:
    lossless = about.lossless
    if column in LISTS:
        json_cell = lossless or _has_namesakes(column, value, about)
        value = LISTS[column].write(value or [], lossless=json_cell)
    return guard(str(value or ""), lossless=lossless)


def _has_namesakes(column: str, value: Any, about: About) -> bool:
    """Return whether a list has an actor or a place whose name another one has too."""
    if column not in ("actors", "places") or not value:
        return False
    names = about.shared_names.get(column, frozenset())
    return any(fold(entry["name"]) in names for entry in value)


# -- reading --------------------------------------------------------------------------------------


def read_table(file: BinaryIO) -> Iterator[Line]:
    """Yield the events of the file; `,`, `;` or a tab separates its cells, as in its header."""
    lines = _text(file)
    before, header = 0, ""
    for header in lines:
        if header.strip():
            break
        before += 1
    else:
        yield damaged_file(f"is empty; its first line names the columns: {', '.join(COLUMNS)}")
        return
    rows = _numbered(chain([header], lines), before, _delimiter(header))
    number, names = next(rows)
    if isinstance(names, csv.Error):
        yield unreadable_line(number, "file", f"is not CSV: {names}")
        return
    columns = [name.strip() for name in names]
    while columns and not columns[-1]:
        columns.pop()
    if faults := tuple(islice(_faults_of_header(columns, number), MAX_HEADER_FAULTS)):
        yield Line(number, {}, faults)
        return
    doubtful = "actors" in columns and not TEMPLATE_COLUMNS.issubset(columns)
    delimiter = _delimiter(header)
    roles = _roles_in_json(file, delimiter, columns.index("actors")) if doubtful else None
    for number, row in rows:
        if isinstance(row, csv.Error):
            yield unreadable_line(number, "file", f"is not CSV from here on: {row}")
        elif any(cell.strip() for cell in row):
            yield _line(number, columns, row, roles)


def _roles_in_json(file: BinaryIO, delimiter: str, column: int) -> frozenset[str]:
    """Return the roles in the file's JSON cells of actors, which can be nothing else."""
    roles: set[str] = set()
    if not file.seekable():
        return frozenset()
    position = file.tell()
    file.seek(0)
    for _, row in _numbered(_text(file), 0, delimiter):
        if isinstance(row, csv.Error) or len(row) <= column or not is_json(row[column]):
            continue
        with suppress(CellError):
            actors = (actor for actor in decode_list(row[column]) if isinstance(actor, dict))
            roles.update(role for a in actors if isinstance(role := a.get("role"), str))
    file.seek(position)
    return frozenset(roles)


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _text(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of the file, with their ends; bytes beyond UTF-8 become lone surrogates."""
    start = BOM_UTF8
    while raw := file.readline(MAX_EVENT_BYTES):
        # Also at a carriage return alone, which ends the lines of old spreadsheets.
        yield from io.StringIO(raw.removeprefix(start).decode("utf-8", "surrogateescape"), "")
        start = b""


def _numbered(
    lines: Iterable[str], before: int, delimiter: str
) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield each row with the number of its first line; an error ends the rows."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, error
            return
        yield number, row


def _faults_of_header(columns: list[str], number: int) -> Iterator[Fault]:
    if not _is_text(columns):
        yield Fault("body", "file", "is not UTF-8; save it as CSV UTF-8", line=number)
        return
    first = True  # of unknown columns: the known ones are listed once
    for position, column in enumerate(columns, 1):
        if not column:
            yield Fault("body", f"column {position}", "has no name", line=number)
        elif column not in WRITTEN_COLUMNS:
            hint = f"; known: {', '.join(COLUMNS)}"
            message = "is not a column" + (hint if first else "")
            first = False
            yield Fault("body", column[:200], message, nearest(column[:200], COLUMNS), number)
        elif column in columns[: position - 1]:
            yield Fault("body", column, "stands twice in the header", line=number)
    for column in REQUIRED_COLUMNS:
        if column not in columns:
            message = f"is missing; {', '.join(REQUIRED_COLUMNS)} must be there"
            yield Fault("body", column, message, line=number)


def _line(number: int, columns: list[str], row: list[str], roles: frozenset[str] | None) -> Line:
    """Return a row as an event. `roles` is None if all words in parentheses are roles."""
    if not _is_text(row):
        return unreadable_line(number, "file", "is not UTF-8 in this line; save it as CSV UTF-8")
    if any(cell.strip() for cell in row[len(columns) :]):
        return unreadable_line(
            number,
            "file",
            f"has {len(row)} cells in this line and {len(columns)} columns; a cell that holds the"
            ' delimiter stands in "quotes"',
        )
    members: dict[str, Any] = {}
    faults = []
    for column, cell in zip(columns, row, strict=False):
        try:
            if cell.strip() and column not in DERIVED_COLUMNS:
                members[column] = _value(column, unguard(cell))
        except CellError as error:
            faults.append(Fault("body", column, str(error), error.suggestion, number))
    if faults:
        return Line(number, {}, tuple(faults))
    cell = dict(zip(columns, row, strict=False)).get("actors", "")
    document = _document(members)
    cells = {column: unguard(text) for column, text in zip(columns, row, strict=False)}
    locate = partial(_locate, cells)
    if roles is None or is_json(unguard(cell)):
        return Line(number, document, locate=locate)
    actors = tuple(split_list(unguard(cell)))
    return Line(number, document, actors=actors, roles=roles, locate=locate)


def _locate(cells: Mapping[str, str], fault: Fault) -> Fault:
    """Return a fault by its column, and within JSON by the entry and its member."""
    part, *path = fault.name.split(".")
    if part == "date":
        return replace(fault, name="date_text" if path == ["text"] else "date")
    if part == "sources":
        own = any(cells.get(name, "").strip() for name in SOURCE_COLUMNS)
        if not path:
            return replace(fault, name="source_title")
        number = int(path.pop(0)) - own
        if number >= 0:
            return replace(fault, name=_in_json("more_sources", [str(number), *path]))
        part, path = SOURCE_PREFIX + (path[0] if path else "title"), path[1:]
    if part not in LISTS or not path:
        return replace(fault, name=part)
    if is_json(cells[part]):
        return replace(fault, name=_in_json(part, path))
    entries, number = split_list(cells[part]), int(path[0])
    message = f"entry {number + 1}: {fault.message}" if len(entries) > 1 else fault.message
    suggestion = fault.suggestion and mend_list(part, entries, path, fault.suggestion)
    return replace(fault, name=part, message=message, suggestion=suggestion)


def _in_json(column: str, path: Sequence[str]) -> str:
    steps = (f"entry {int(step) + 1}" if step.isdigit() else step for step in path)
    return ", ".join((column, *steps))


def _is_text(cells: list[str]) -> bool:
    return not any(re.search("[\ud800-\udfff]", cell) for cell in cells)


def _value(column: str, cell: str) -> Any:
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    if column == "more_sources":
        return decode_list(text.strip())
    if column == "version":
        return _version(text.strip())
    if column in LISTS:
        return LISTS[column].read(text)
    return text if column in VERBATIM_COLUMNS else text.strip()


def _version(cell: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", cell) or int(cell) == 0:
        raise CellError("is not a version: a whole number from 1, or an empty cell")
    return int(cell)


def _document(members: dict[str, Any]) -> dict[str, Any]:
    """Return the body of POST /events for these cells."""
    date = {"edtf": members.pop("date", None), "text": members.pop("date_text", None)}
    own = {
        name.removeprefix(SOURCE_PREFIX): members.pop(name)
        for name in SOURCE_COLUMNS
        if name in members
    }
    sources = [*([own] if own else []), *members.pop("more_sources", [])]
    if date := {name: value for name, value in date.items() if value is not None}:
        members["date"] = date
    if sources:
        members["sources"] = sources
    return members
