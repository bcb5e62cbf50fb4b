"""CSV (RFC 4180): one row per event, in the same columns out and in, and some that only go out."""

import csv
import io
import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

from app.errors import Fault
from app.formats.cells import (
    LISTS,
    SOURCE_PREFIX,
    CellError,
    decode_list,
    encode_list,
    guard,
    is_json,
    is_number,
    mend_list,
    read_media_cell,
    read_own_cell,
    split_list,
    unguard,
    write_own_value,
)
from app.formats.lines import (
    MAX_EVENT_BYTES,
    About,
    Line,
    batch_documents,
    unreadable_line,
)
from app.formats.mapped import read_mapped
from app.formats.mapping import MAX_COLUMNS, ColumnMapping, normalize, read_mapping
from app.formats.proposing import SAMPLE_ROWS, propose
from app.formats.sheets import Sheet, SheetError, open_sheet
from app.formats.written_dates import find_forms, find_orders, is_plain
from app.schemas import OWN_FIELD_PREFIX, mend_own_field, name_own_field
from app.suggestions import nearest
from app.words import fold

REQUIRED_COLUMNS = ("type", "title", "date")
MAX_HEADER_FAULTS = 100  # are named
COLUMNS: Mapping[str, str] = {
    "id": "The event's id; without it, one is made from date and title",
    "version": "Which version of the stored event the row is; coming in, it guards later edits",
    "type": "Its type, by id or label",
    "title": "What happened, in a line",
    "summary": "What happened, in more words",
    "date": "When, as EDTF: `2023-11`, `2023-11-01/2023-12-15`, `[..2024-02-06]`,"
    " `2024-02-06T14:30`",
    "date_text": "What the source said of the date, verbatim",
    "status": "`planned`, `ongoing`, `completed` or `cancelled`",
    "actors": "List: `Serbia (seller); Azerbaijan (buyer)`, the role in parentheses",
    "places": "List: `Belgrade; Baku`",
    "quantities": "List: `gas volume: at-least 400000000 m3 (over 400 mcm); length: 3 to 4.5 km`",
    "tags": "List: `energy; natural gas`",
    "related": "List: `implements serbia-azerbaijan-gas-contract`, a relation and an event's id",
    "media": "Addresses of pictures, films and pages, with spaces between, or JSON",
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

EXAMPLE_OWN_COLUMN = "extra.paragraph"
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
    EXAMPLE_OWN_COLUMN: "1",
}

csv.field_size_limit(MAX_EVENT_BYTES)


# -- writing --------------------------------------------------------------------------------------


def write_table(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the file in chunks, always with a header.

    Unless it is lossless, it is for people and spreadsheets: lists in words, which say less than
    JSON, and no cell that a spreadsheet would take for a formula.
    """
    columns = list_columns(about)
    yield (BOM_UTF8 if about.bom else b"") + _rows([columns])
    for batch in batch_documents(documents):
        events = map(json.loads, batch)
        yield _rows(_row(event, columns, about) for event in events)


def list_columns(about: About) -> list[str]:
    """Return the columns of a file: all, those of own fields before the derived ones, or some."""
    fields = (*COLUMNS, "extra", *DERIVED_COLUMNS) if about.fields is None else about.fields
    own = [OWN_FIELD_PREFIX + name for name in about.own_fields] if "extra" in fields else []
    columns = (name for f in fields for name in (own if f == "extra" else [f]))
    return list(dict.fromkeys(columns))


def write_template() -> bytes:
    """Return a file to begin with: the header and an example."""
    columns = (*COLUMNS, EXAMPLE_OWN_COLUMN)
    return _rows([columns, [EXAMPLE_ROW.get(column, "") for column in columns]])


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _row(event: dict[str, Any], columns: Sequence[str], about: About) -> list[str]:
    cells = write_cells(event, columns, about)
    return [
        # A number is no formula, also if it is negative.
        cell if name_own_field(column) and is_number(cell) else guard(cell, lossless=about.lossless)
        for column, cell in zip(columns, cells, strict=True)
    ]


def write_cells(event: dict[str, Any], columns: Sequence[str], about: About) -> list[str]:
    """Return the cells of an event, without a guard against formulas."""
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
        "media": encode_list(event["media"]) if event["media"] else None,
        **{OWN_FIELD_PREFIX + name: write_own_value(v) for name, v in event["extra"].items()},
    }
    return [_cell(column, members.get(column), about) for column in columns]


def _cell(column: str, value: Any, about: About) -> str:
    if column in LISTS:
        json_cell = about.lossless or _has_namesakes(column, value, about)
        value = LISTS[column].write(value or [], lossless=json_cell)
    return str(value or "")


def _has_namesakes(column: str, value: Any, about: About) -> bool:
    """Return whether a list has an actor or a place whose name another one has too."""
    if column not in ("actors", "places") or not value:
        return False
    names = about.shared_names.get(column, frozenset())
    return any(fold(entry["name"]) in names for entry in value)


# -- reading --------------------------------------------------------------------------------------


@dataclass
class Table:
    """A table, ready to be imported.

    `mapping` is that of its columns, None if they are Dateline's own. `proposed` marks one that was
    made from the file; it is used only if there are no `questions`. `read` yields the events.
    """

    read: Callable[[], Iterator[Line]]
    mapping: ColumnMapping | None = None
    proposed: bool = False
    questions: list[Fault] = field(default_factory=list)


def open_table(
    file: BinaryIO,
    document: Any = None,
    *,
    defaults: Collection[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
) -> Table:
    """Return the table of a file; its lines carry the faults of the file.

    `document` is a mapping as JSON; without one, the columns are Dateline's own or a mapping is
    proposed. `defaults` are the fields for which the import gives a value. Raise MappingError if
    the mapping does not fit the file.
    """
    try:
        source = open_sheet(file, encoding, sheet)
    except SheetError as error:
        return _refuse(Fault("body", error.name, str(error), line=error.line))
    if not _is_text(source.columns):
        return _refuse(_explain_encoding(source))
    if document is not None:
        source = _name_empty_columns(source)
        if faults := list(_find_slips(source.columns, source.line)):
            return _refuse(*faults)
        mapping = read_mapping(document, source.columns, [*COLUMNS])
        return Table(lambda: read_mapped(source, mapping), mapping)
    own = _own_columns(source.columns)
    faults = list(islice(_faults_of_header(own, source.line, defaults), MAX_HEADER_FAULTS))
    if not faults:
        return _read_dates_by_mapping(Table(lambda: _read_own(source, own)), source, defaults)
    source = _name_empty_columns(source)
    if list(_find_slips(source.columns, source.line)):
        return _refuse(*faults)
    proposed = _propose(source, defaults)
    mapping = proposed.mapping or ColumnMapping({})
    foreign = any(
        targets and column not in COLUMNS
        for column, targets in zip(own, mapping.columns.values(), strict=False)
    )
    if proposed.questions and not foreign:  # say what is wrong with Dateline's own columns
        return replace(proposed, read=lambda: iter([Line(source.line, {}, tuple(faults))]))
    return proposed


def _read_dates_by_mapping(table: Table, source: Sheet, defaults: Collection[str]) -> Table:
    """Add a proposal to a table with Dateline's own columns whose dates are not EDTF."""
    position = _own_columns(source.columns).index("date")
    for line, row in islice(source.read_rows(), SAMPLE_ROWS):
        cell = row[position].strip() if isinstance(row, list) and len(row) > position else ""
        if cell and not is_plain(cell) and (find_orders(cell) or find_forms(cell)):
            proposed = _propose(source, defaults)
            message = f"'{cell[:60]}' is not EDTF; it is read only if a mapping says so"
            question = Fault("body", source.columns[position][:200], message, line=line)
            questions = proposed.questions or [question]
            return replace(table, mapping=proposed.mapping, proposed=True, questions=questions)
    return table


def _propose(source: Sheet, defaults: Collection[str]) -> Table:
    """Return a table with the mapping that its headers and values suggest."""
    sample = [(n, row) for n, row in islice(source.read_rows(), SAMPLE_ROWS) if type(row) is list]
    proposal = propose(source.columns, sample, source.line, defaults)
    mapping, questions = proposal.mapping, proposal.questions
    if not questions:
        return Table(lambda: read_mapped(source, mapping), mapping, proposed=True)
    refusal = Line(source.line, {}, tuple(questions))
    return Table(lambda: iter([refusal]), mapping, proposed=True, questions=questions)


def _refuse(*faults: Fault) -> Table:
    return Table(lambda: iter([Line(faults[0].line or 1, {}, faults)]))


def _own_columns(columns: Sequence[str]) -> list[str]:
    """Return the header with Dateline's names for columns that differ in case and spacing."""
    return [_own_column(column) for column in columns]


def _own_column(column: str) -> str:
    if (name := normalize(column)) in WRITTEN_COLUMNS:
        return name
    bare = column.casefold()
    return column if name_own_field(bare) is None else bare


def _name_empty_columns(source: Sheet) -> Sheet:
    names = [c or f"column {n}" for n, c in enumerate(source.columns, 1)]
    return replace(source, columns=names)


def _find_slips(columns: Sequence[str], line: int) -> Iterator[Fault]:
    """Yield the faults that keep a header from being mapped."""
    if len(columns) > MAX_COLUMNS:
        yield Fault("body", "file", f"has more than {MAX_COLUMNS} columns", line=line)
        return
    for column in [name for name, times in Counter(columns).items() if times > 1]:
        message = "stands twice in the header; give one of the two another name"
        yield Fault("body", column[:200], message, line=line)


def _explain_encoding(source: Sheet) -> Fault:
    message = "is not UTF-8; save it as CSV UTF-8, or import with encoding=windows-1252 if it is"
    return Fault("body", "file", message, line=source.line)


def read_table(file: BinaryIO) -> Iterator[Line]:
    """Yield the events of the file; `,`, `;` or a tab separates its cells, as in its header."""
    return open_table(file).read()


def _read_own(source: Sheet, columns: list[str]) -> Iterator[Line]:
    """Yield the events of a table with Dateline's own columns."""
    doubtful = "actors" in columns and not TEMPLATE_COLUMNS.issubset(columns)
    roles = _roles_in_json(source, columns.index("actors")) if doubtful else None
    for note in source.notes:
        yield Line(source.line, {}, notes=(note,), skipped=True)
    for number, row in source.read_rows():
        if isinstance(row, str):
            yield unreadable_line(number, "file", row)
        elif any(cell.strip() for cell in row):
            yield _line(number, columns, row, roles, guarded=source.guarded)


def _roles_in_json(source: Sheet, column: int) -> frozenset[str]:
    """Return the roles in the JSON cells of actors, which can be nothing else."""
    roles: set[str] = set()
    for _, row in source.read_rows():
        if isinstance(row, str) or len(row) <= column or not is_json(row[column]):
            continue
        with suppress(CellError):
            actors = (actor for actor in decode_list(row[column]) if isinstance(actor, dict))
            roles.update(role for a in actors if isinstance(role := a.get("role"), str))
    return frozenset(roles)


def _faults_of_header(
    columns: Sequence[str], number: int, defaults: Collection[str]
) -> Iterator[Fault]:
    first = True  # of unknown columns: the known ones are listed once
    for position, column in enumerate(columns, 1):
        if not column:
            yield Fault("body", f"column {position}", "has no name", line=number)
        elif (near := mend_own_field(column)) and name_own_field(column) is None:
            message = "is no own field: write `extra.` and a name of a-z, 0-9 and hyphens"
            yield Fault("body", column[:200], message, near, number)
        elif column not in WRITTEN_COLUMNS and name_own_field(column) is None:
            hint = f"; known: {', '.join(COLUMNS)}, extra.NAME"
            message = "is not a column" + (hint if first else "")
            first = False
            yield Fault("body", column[:200], message, nearest(column[:200], COLUMNS), number)
        elif column in columns[: position - 1]:
            yield Fault("body", column, "stands twice in the header", line=number)
    for column in REQUIRED_COLUMNS:
        if column not in columns and column not in defaults:
            message = f"is missing; {', '.join(REQUIRED_COLUMNS)} must be there"
            yield Fault("body", column, message, line=number)


def _line(
    number: int,
    columns: list[str],
    row: list[str],
    roles: frozenset[str] | None,
    *,
    guarded: bool = True,
) -> Line:
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
    if guarded:
        row = list(map(unguard, row))
    members: dict[str, Any] = {}
    faults = []
    for column, cell in zip(columns, row, strict=False):
        try:
            if cell.strip() and column not in DERIVED_COLUMNS:
                members[column] = _value(column, cell)
        except CellError as error:
            faults.append(Fault("body", column, str(error), error.suggestion, number))
    if faults:
        return Line(number, {}, tuple(faults))
    cells = dict(zip(columns, row, strict=False))
    cell = cells.get("actors", "")
    document = _document(members)
    locate = partial(_locate, cells)
    if roles is None or is_json(cell):
        return Line(number, document, locate=locate)
    actors = tuple(split_list(cell))
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
    if part == "extra" and path:
        return replace(fault, name=OWN_FIELD_PREFIX + path[0])
    if part == "media" and path:
        return replace(fault, name=_in_json("media", path))
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
    if column == "media":
        return read_media_cell(text.strip())
    if column == "version":
        return _version(text.strip())
    if name_own_field(column) is not None:
        return read_own_cell(text)
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
    own_columns = {column: name for column in members if (name := name_own_field(column))}
    if extra := {name: members.pop(column) for column, name in own_columns.items()}:
        members["extra"] = extra
    if date := {name: value for name, value in date.items() if value is not None}:
        members["date"] = date
    if sources:
        members["sources"] = sources
    return members
