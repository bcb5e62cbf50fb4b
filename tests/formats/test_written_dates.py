"""Dates of spreadsheets: no form is read unless the mapping names it."""

import pytest

from app import dates
from app.formats.cells import CellError
from app.formats.written_dates import (
    DATE_FORMS,
    find_forms,
    find_orders,
    join_parts,
    read_date,
    widen,
)

# A cell, the forms in which it is a date, and the date.
CELLS = [
    ("2023/11/5", "year-first", "2023-11-05"),
    ("20231105", "compact", "2023-11-05"),
    ("14 March 2022", "month-name", "2022-03-14"),
    ("5. März 2019", "month-name", "2019-03-05"),
    ("5 de marzo de 2019", "month-name", "2019-03-05"),
    ("1er janvier 2020", "month-name", "2020-01-01"),
    ("14-Mar-2022", "month-name", "2022-03-14"),
    ("November 2023", "month-name", "2023-11"),
    ("November 5, 2023", "month-name-first", "2023-11-05"),
    ("1914-1918", "year-range", "1914/1918"),
    ("1914 – 1918", "year-range", "1914/1918"),
    ("1920s", "decade", "192X"),
    ("c. 1920", "circa", "1920~"),
    ("45234", "serial", "2023-11-04"),
    ("Nov-23", "month-year", "2023-11"),
    ("Nov-95", "month-year", "1995-11"),
    ("2020/21", "years", "2020/2021"),
    ("1999/00", "years", "1999/2000"),
    ("2011/12", "years", "2011/2012"),
    ("2011/12", "year-month", "2011-12"),
    ("2020-21", "years", "2020/2021"),
    ("2020-21", "season", "2020-21"),
    ("2020/25", "years", None),
    ("30 February 2022", "month-name", None),
    ("5 Foo 2022", "month-name", None),
]


@pytest.mark.parametrize(("cell", "form", "edtf"), CELLS)
def test_a_form_is_read_only_if_it_is_named(cell: str, form: str, edtf: str | None) -> None:
    """Else the fault names the forms that would do."""
    if edtf is None:
        assert form not in find_forms(cell)
        return
    assert form in find_forms(cell)
    assert read_date(cell, None, (form,)).edtf == edtf
    dates.parse(edtf)
    with pytest.raises(CellError, match=f'"{form}"'):
        read_date(cell, "dmy", ())


def test_every_form_has_an_example() -> None:
    """In this table, and in its own words."""
    assert {form for _, form, edtf in CELLS if edtf} == {*DATE_FORMS}


@pytest.mark.parametrize(
    ("cell", "orders"),
    [
        ("14/03/2022", {"dmy"}),
        ("03/14/2022", {"mdy"}),
        ("1.2.2023", {"dmy", "mdy"}),
        ("31-4-2022", set()),
        ("29/02/2023", set()),
        ("14/03/22", set()),
    ],
)
def test_the_order_of_numbers_is_said_and_never_guessed(cell: str, orders: set[str]) -> None:
    """A day that is none in the order given is a fault, not the other order."""
    assert find_orders(cell) == orders
    for order in ("dmy", "mdy"):
        if order in orders:
            assert read_date(cell, order, ()).edtf.startswith("202")
        else:
            with pytest.raises(CellError):
                read_date(cell, order, ())
    with pytest.raises(CellError):
        read_date(cell, None, tuple(DATE_FORMS)[:9])


@pytest.mark.parametrize(
    "cell", ["2023", "2023-11", "2023-11-05", "[..2024]", "1920~", "2023/2024"]
)
def test_edtf_is_read_in_any_case(cell: str) -> None:
    """It has one meaning."""
    assert read_date(cell, None, ()) == (cell, "")


def test_a_time_of_day_is_kept_beside_the_date() -> None:
    """Midnight is how spreadsheets write a day."""
    assert read_date("2023-11-05 14:30", None, ()) == ("2023-11-05", "14:30")
    assert read_date("2023-11-05T00:00:00", None, ()) == ("2023-11-05", "")
    assert read_date("5/11/2023 9:05", "dmy", ()) == ("2023-11-05", "9:05")


def test_a_precision_widens_a_day() -> None:
    """A week is one day of seven, from Monday on; what is coarser already stays."""
    assert widen("2011-03-02", "week") == "[2011-02-28..2011-03-06]"
    assert widen("2011-02-28", "week") == "[2011-02-28..2011-03-06]"
    assert widen("2011-03-02", "month") == "2011-03"
    assert widen("2011-03-02", "year") == "2011"
    assert widen("2011-03-02", "day") == "2011-03-02"
    assert widen("2011", "week") == "2011"


@pytest.mark.parametrize(
    ("parts", "edtf"),
    [
        (("1928", "", ""), "1928"),
        (("1928", "4", ""), "1928-04"),
        (("1928.0", "April", "07"), "1928-04-07"),
        (("", "4", ""), "year"),
        (("28", "4", ""), "year"),
        (("1928", "13", ""), "month"),
        (("1928", "", "3"), "month"),
        (("1928", "2", "30"), "day"),
    ],
)
def test_a_date_in_parts_is_joined(parts: tuple[str, str, str], edtf: str) -> None:
    """A fault begins with the part that it is about."""
    if edtf[0].isdigit():
        assert join_parts(*parts) == edtf
        return
    with pytest.raises(CellError) as told:
        join_parts(*parts)
    assert str(told.value).startswith(edtf)


@pytest.mark.parametrize(
    ("cell", "message", "suggestion"),
    [
        ("Frühjahr 2021", "a season, which EDTF writes as a number: 2021-21", "2021-21"),
        ("été 2021", "a season, which EDTF writes as a number: 2021-22", "2021-22"),
        ("Winter 2021", "a season, which EDTF writes as a number: 2021-24", "2021-24"),
        ("14–16 März 2022", "not a date. A date is plain ASCII", None),
        ("31.02.2022", "not a date. A day is written as year-month-day. Write for example", None),
        ("30 February 2022", "not a date. Months are written as numbers. Write for", None),
    ],
)
def test_a_cell_that_is_no_date_is_quoted(cell: str, message: str, suggestion: str | None) -> None:
    """With what would be right."""
    with pytest.raises(CellError) as refused:
        read_date(cell, None, ())
    assert str(refused.value).startswith(f"'{cell}' is {message}")
    assert refused.value.suggestion == suggestion
