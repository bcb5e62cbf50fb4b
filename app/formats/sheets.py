"""The rows of a table: CSV, TSV and the like in any usual encoding, or a sheet of XLSX."""

import csv
import io
import re
import zipfile
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import Any, BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from app.formats.lines import MAX_EVENT_BYTES
from app.suggestions import nearest

DELIMITERS: Final = ",;\t|"
ENCODINGS: Final = ("utf-8", "utf-16", "windows-1252")
SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\s*', re.I)
OWN_SHEETS: Final = ("Events", "Sources", "Citations", "Quantities", "Actors")
ZIP_START: Final = b"PK\x03\x04"
OLD_EXCEL_START: Final = b"\xd0\xcf\x11\xe0"
MAX_XLSX_BYTES: Final = 256 * 1024 * 1024  # unpacked
MAX_XLSX_CELLS: Final = 4_000_000  # of the rectangle that a sheet spans, empty ones included
CELL_ADDRESS: Final = re.compile(
    rb"""<(?:\w+:)?(?:c|row)\s[^<>]*?\br=["']([A-Z]{0,3})([0-9]{1,9})["']"""
)
SheetRow = tuple[int, list[str] | str]  # with its line; a text is why no more rows can be read


class SheetError(ValueError):
    """Why a table cannot be read at all; `line` is that of the fault, None for the whole file."""

    def __init__(self, message: str, line: int | None = None, name: str = "file") -> None:
        super().__init__(message)
        self.line = line
        self.name = name


@dataclass(frozen=True)
class Sheet:
    """The header of a table, and its rows.

    `read_rows` begins anew at each call. `guarded` cells may have an apostrophe in front that keeps
    a spreadsheet from taking them for a formula. `encoding` is that of a text.
    """

    columns: list[str]
    line: int  # of the header
    read_rows: Callable[[], Iterator[SheetRow]]
    guarded: bool = True
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()


def open_sheet(file: BinaryIO, encoding: str | None = None, sheet: str | None = None) -> Sheet:
    """Return the table of a file. Raise SheetError if there is none.

    `encoding` is needed only for Windows-1252, `sheet` for another sheet of XLSX than the first.
    """
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start == ZIP_START:
        return _open_xlsx(file, sheet)
    if start == OLD_EXCEL_START:
        raise SheetError("is an old Excel file (.xls); save it as .xlsx or as CSV UTF-8")
    if sheet is not None:
        raise SheetError("has no sheets: only XLSX has; leave the option out", name="sheet")
    return _open_text(file, encoding or _detect_encoding(start))


# -- text -----------------------------------------------------------------------------------------


def _detect_encoding(start: bytes) -> str:
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if len(start) >= 4 and start[1] == start[3] == 0 and start[0]:
        return "utf-16-le"
    if len(start) >= 4 and start[0] == start[2] == 0 and start[1]:
        return "utf-16-be"
    return "utf-8"


def _open_text(file: BinaryIO, encoding: str) -> Sheet:
    def read() -> Iterator[str]:
        file.seek(0)
        return _read_utf8(file) if encoding == "utf-8" else _decode(file, encoding)

    lines, number, delimiter = read(), 0, ""
    header = ""
    for header in lines:
        number += 1
        if separator := SEPARATOR_LINE.fullmatch(header):
            if delimiter or separator[1] not in DELIMITERS:
                raise SheetError(
                    f"names the separator {separator[1]!r}; use , ; | or a tab", number
                )
            delimiter = separator[1]
        elif header.strip():
            break
    else:
        raise SheetError("is empty; its first line names the columns")
    before = number - 1
    delimiter = delimiter or _guess_delimiter(header)

    def number_rows(lines: Iterator[str]) -> Iterator[SheetRow]:
        return _number_rows(lines, before, delimiter)

    rows = number_rows(chain([header], lines))
    line, names = next(rows)
    if isinstance(names, str):
        raise SheetError(names, line)
    columns = _trim(names)

    def read_rows() -> Iterator[SheetRow]:
        again = read()
        for _ in range(before):
            next(again)
        rows = number_rows(again)
        next(rows)
        return rows

    return Sheet(columns, line, read_rows, encoding=encoding)


def _trim(names: list[str]) -> list[str]:
    columns = [name.strip() for name in names]
    while columns and not columns[-1]:
        columns.pop()
    return columns


def _guess_delimiter(header: str) -> str:
    """Return the delimiter that is most frequent outside of quotes."""
    return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", header).count)


def _read_utf8(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file, with their ends; bytes beyond UTF-8 become lone surrogates."""
    start = BOM_UTF8
    while raw := file.readline(MAX_EVENT_BYTES):
        # Also at a carriage return alone, which ends the lines of old spreadsheets.
        yield from io.StringIO(raw.removeprefix(start).decode("utf-8", "surrogateescape"), "")
        start = b""


def _decode(file: BinaryIO, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        while line := text.readline(MAX_EVENT_BYTES):
            yield line
    except UnicodeError:
        raise SheetError(f"is not {encoding.upper()}; save it as CSV UTF-8") from None
    finally:
        text.detach()


def _number_rows(lines: Iterable[str], before: int, delimiter: str) -> Iterator[SheetRow]:
    """Yield each row with the number of its first line; an error ends the rows."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"is not CSV from here on: {error}"
            return
        except SheetError as error:
            yield number, str(error)
            return
        yield number, row


# -- XLSX -----------------------------------------------------------------------------------------


def _open_xlsx(file: BinaryIO, name: str | None) -> Sheet:
    _check_size(file)
    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as book:
            names = book.sheet_names
            tables = {each: book.get_sheet_by_name(each) for each in names}
            chosen = _choose_sheet(name, {each: table.height for each, table in tables.items()})
            values = tables[chosen].to_python(skip_empty_area=False)
            others = [n for n in names if n != chosen and tables[n].height]
            if set(OWN_SHEETS) <= set(names):
                others = [n for n in others if n not in OWN_SHEETS]
    except PasswordError:
        raise SheetError("is protected by a password; save it without") from None
    except CalamineError as error:
        raise SheetError(f"is not XLSX that can be read: {str(error)[:200]}") from None
    rows = [(number, [_write_value(v) for v in row]) for number, row in enumerate(values, 1)]
    first = next((n for n, (_, row) in enumerate(rows) if any(c.strip() for c in row)), None)
    if first is None:
        raise SheetError(f"has nothing in the sheet '{chosen[:100]}'; its first row names columns")
    line, header = rows[first]
    columns = _trim(header)
    width = len(columns)

    def read_rows() -> Iterator[SheetRow]:
        for number, row in rows[first + 1 :]:
            spare = [cell for cell in row[width:] if cell.strip()]
            yield number, row if spare else row[:width]

    notes = [f"the sheet '{other[:100]}' was not read; name it with `sheet`" for other in others]
    return Sheet(columns, line, read_rows, guarded=False, notes=tuple(notes))


def _choose_sheet(name: str | None, heights: dict[str, int]) -> str:
    if name is not None and name not in heights:
        near = nearest(name[:100], list(heights))
        hint = f"; did you mean '{near}'?" if near else f"; it has {', '.join(heights)[:300]}"
        raise SheetError(f"has no sheet '{name[:100]}'{hint}", name="sheet")
    if name is not None:
        return name
    chosen = next((each for each, height in heights.items() if height), None)
    if chosen is None:
        raise SheetError("has no sheet with anything in it")
    return chosen


def _check_size(file: BinaryIO) -> None:
    """Raise SheetError if a workbook would take too much memory.

    calamine keeps the whole rectangle from the first to the last cell, so that two cells far apart
    would exhaust the memory.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_XLSX_BYTES:
                raise SheetError("is too large when unpacked; save it as CSV UTF-8")
            for info in archive.infolist():
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", info.filename, re.I):
                    with archive.open(info) as part:
                        _check_extent(part.read(MAX_XLSX_BYTES))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error):
        raise SheetError("is not a whole XLSX file; save it again, or as CSV UTF-8") from None


def _check_extent(xml: bytes) -> None:
    width = height = 1
    for letters, digits in CELL_ADDRESS.findall(xml):
        height = max(height, int(digits))
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        width = max(width, column)
    if width * height > MAX_XLSX_CELLS:
        raise SheetError(
            f"spans {height} rows and {width} columns; delete the cells far from the table, or save"
            " it as CSV UTF-8"
        )


def _write_value(value: Any) -> str:
    """Return the text of a typed cell; a date is ISO 8601, whatever the sheet shows."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else _write_time(value)
    if isinstance(value, time):
        return _write_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _write_time(value: datetime | time) -> str:
    """Return a time of day, or a day and a time, without seconds if there are none."""
    whole = value.second == value.microsecond == 0
    return value.isoformat(timespec="minutes" if whole else "auto").replace("T", " ")
