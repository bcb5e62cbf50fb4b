"""The rows of a table, whatever its separator, its encoding and its kind of file."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from xlsxwriter import Workbook

from app.formats.sheets import SheetError, open_sheet

HEADER = ["type", "title", "date"]
ROW = ["visit", 'A "visit", to Niš; again', "2023"]


def text_of(separator: str, newline: str = "\r\n") -> str:
    """A table with one row, and every cell in quotes."""
    rows = [[f'"{cell}"'.replace('"visit"', '""visit""') for cell in ROW[1:2]]]
    row = [ROW[0], rows[0][0], ROW[2]]
    return newline.join((separator.join(HEADER), separator.join(row), ""))


def read(file: bytes, **options: Any) -> tuple[list[str], list[Any]]:
    """The header and the rows of a file."""
    sheet = open_sheet(io.BytesIO(file), **options)
    rows = list(sheet.read_rows())
    assert list(sheet.read_rows()) == rows  # as often as it is asked
    return sheet.columns, rows


def workbook(**sheets: list[list[Any]]) -> bytes:
    """A workbook with these sheets."""
    file = io.BytesIO()
    book = Workbook(file, {"default_date_format": "dd/mm/yyyy", "strings_to_formulas": False})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return file.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_separators_line_ends_and_encodings_are_recognised(
    separator: str, newline: str, encoding: str
) -> None:
    """Also UTF-16 without a byte order mark, as some programs write it."""
    file = text_of(separator, newline).encode(encoding)
    assert read(file) == (HEADER, [(2, ROW)])


def test_windows_1252_is_read_if_it_is_declared() -> None:
    """Otherwise its letters are no UTF-8, and stay recognisable as such."""
    file = "type,title,date\nvisit,Überfall,2023\n".encode("windows-1252")
    assert read(file, encoding="windows-1252")[1] == [(2, ["visit", "Überfall", "2023"])]
    assert read(file)[1] == [(2, ["visit", "\udcdcberfall", "2023"])]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_separator_of_the_first_line_counts(first: str) -> None:
    """Excel writes it; lines count from it."""
    columns, rows = read(f"{first}\r\na,b;c\r\n1;2,5\r\n".encode())
    assert (columns, rows) == (["a,b", "c"], [(3, ["1", "2,5"])])


def test_a_separator_in_quotes_separates_nothing() -> None:
    """A header may hold commas."""
    assert read(b'"a, b, c";d\n1;2\n')[0] == ["a, b, c", "d"]


@pytest.mark.parametrize(
    ("file", "message", "line"),
    [
        (b"", "is empty", None),
        (b" \n\n", "is empty", None),
        (b"sep=x\na,b\n", "names the separator 'x'", 1),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx", None),
        (b"PK\x03\x04nothing", "not a whole XLSX file", None),
        (b"\xff\xfet", "is not UTF-16", None),
    ],
)
def test_a_file_that_is_no_table_says_why(file: bytes, message: str, line: int | None) -> None:
    """In words of its owner."""
    with pytest.raises(SheetError, match=message) as told:
        open_sheet(io.BytesIO(file))
    assert told.value.line == line


def test_a_row_after_a_broken_quote_is_the_last() -> None:
    """What follows may be anything."""
    rows = read(b'a,b\n1,2\n"x" y,3\n4,5\n')[1]
    assert rows[0] == (2, ["1", "2"])
    assert rows[1][0] == 3
    assert "is not CSV from here on" in rows[1][1]
    assert len(rows) == 2


def test_cells_of_a_workbook_are_texts_by_their_type() -> None:
    """A day is ISO 8601, however the sheet shows it; whole numbers have no point."""
    row = ["=1+1", datetime(2023, 11, 5), 45234, 0.1, True, date(2024, 2, 29), "'x"]
    file = workbook(A=[[], [], [f"c{n}" for n in range(len(row))], row])
    columns, rows = read(file)
    assert columns == ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]
    assert rows == [(4, ["=1+1", "2023-11-05", "45234", "0.1", "true", "2024-02-29", "'x"])]


def test_the_first_sheet_is_read_and_the_others_named() -> None:
    """Another one by its name; a name that is none is told with the nearest."""
    file = workbook(Events=[["a"], ["1"]], More=[["b"], ["2"]])
    assert read(file) == (["a"], [(2, ["1"])])
    assert read(file, sheet="More") == (["b"], [(2, ["2"])])
    sheet = open_sheet(io.BytesIO(file))
    assert sheet.notes == ("the sheet 'More' was not read; name it with `sheet`",)
    with pytest.raises(SheetError, match="did you mean 'More'"):
        open_sheet(io.BytesIO(file), sheet="Mor")
    with pytest.raises(SheetError, match="only XLSX has"):
        open_sheet(io.BytesIO(b"a,b\n"), sheet="More")


def test_cells_far_apart_do_not_take_the_memory_between_them() -> None:
    """Two cells would span 17 billion."""
    file = io.BytesIO()
    book = Workbook(file)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "b")
    book.close()
    with pytest.raises(SheetError, match="spans 1048576 rows and 16384 columns"):
        open_sheet(file)


def test_a_workbook_that_grows_when_it_is_unpacked_is_refused() -> None:
    """Before it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", b" " * (60 << 20))
    file.seek(0)
    with pytest.raises(SheetError, match="too large when unpacked"):
        open_sheet(file)
