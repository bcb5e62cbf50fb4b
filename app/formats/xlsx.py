"""XLSX: a workbook with one sheet each for events, sources, citations, quantities and actors.

Every cell is a text, so that a spreadsheet neither runs it nor turns it into another value.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from app.errors import Problem
from app.formats.lines import About
from app.formats.table import list_columns, write_cells
from app.json_types import Json

MAX_CELL_CHARACTERS: Final = 32_767
MAX_ROWS: Final = 1_048_576
SHEET_CHUNK_BYTES: Final = 1 << 16
TOO_LONG: Final = "too long for a cell: see the sheets Sources and Citations"
SHEET_SOURCES: Final = (
    *("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed"),
    *("language", "kind"),
)
SHEET_CITATIONS: Final = ("role", "claims", "quote", "locator", "note")
SHEET_QUANTITIES: Final = ("measure", "value", "max_value", "qualifier", "unit", "text")
SHEET_ACTORS: Final = ("id", "name", "kind", "country", "role")
WORKBOOK_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


class _Sheet:
    """A sheet that is written row by row."""

    def __init__(self, book: Workbook, name: str, columns: Sequence[str]) -> None:
        self._sheet: Worksheet = book.add_worksheet(name)
        self._number = 0
        self._sheet.freeze_panes(1, 0)
        self.write(columns)

    def write(self, cells: Iterable[Any]) -> None:
        if self._number == MAX_ROWS:
            message = f"XLSX has {MAX_ROWS:,} rows at most: ask for csv, or for fewer events."
            raise Problem("invalid-parameters", message)
        for column, value in enumerate(cells):
            if value not in (None, ""):
                text = str(value)
                fits = len(text) <= MAX_CELL_CHARACTERS
                self._sheet.write_string(self._number, column, text if fits else TOO_LONG)
        self._number += 1


def write_xlsx(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the file in chunks, once all of it is written to a temporary file."""
    with TemporaryFile() as file:
        book = Workbook(file, WORKBOOK_OPTIONS)
        updated = about.updated and datetime.fromisoformat(about.updated).astimezone(UTC)
        created = updated.replace(tzinfo=None) if updated else datetime(2000, 1, 1)
        book.set_properties({"title": about.title, "created": created})
        _write_sheets(book, map(json.loads, documents), about)
        book.close()
        file.seek(0)
        while chunk := file.read(SHEET_CHUNK_BYTES):
            yield chunk


def _write_sheets(book: Workbook, events: Iterable[Json], about: About) -> None:
    columns = list_columns(about)
    own = _Sheet(book, "Events", columns)
    sources = _Sheet(book, "Sources", SHEET_SOURCES)
    citations = _Sheet(book, "Citations", ("event", "number", "source", *SHEET_CITATIONS))
    quantities = _Sheet(book, "Quantities", ("event", *SHEET_QUANTITIES))
    actors = _Sheet(book, "Actors", ("event", *SHEET_ACTORS))
    seen: set[str] = set()
    for event in events:
        own.write(write_cells(event, columns, about))
        for number, source in enumerate(event["sources"]):
            if source["id"] not in seen:
                seen.add(source["id"])
                sources.write(source[name] for name in SHEET_SOURCES)
            values = {**source, "claims": "; ".join(source["claims"])}
            citations.write(
                (event["id"], number, source["id"], *(values[n] for n in SHEET_CITATIONS))
            )
        for quantity in event["quantities"]:
            quantities.write((event["id"], *(quantity[name] for name in SHEET_QUANTITIES)))
        for actor in event["actors"]:
            actors.write((event["id"], *(actor[name] for name in SHEET_ACTORS)))
