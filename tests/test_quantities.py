"""Quantities: what a qualifier means, what converts into what, and how decimals sort."""

from decimal import Decimal
from functools import cache

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.quantities import (
    INFINITY,
    UNIT_SIZES,
    convert_to_base,
    encode_sortable,
    find_amount_range,
    find_unit_kind,
)

DECIMALS = st.decimals(allow_nan=False, places=None).filter(
    lambda value: value.is_infinite() or not value or abs(value.adjusted()) < 4000
)
SMALL = st.builds(lambda n, e: Decimal(n).scaleb(e), st.integers(-999, 999), st.integers(-3, 3))

# How the oracle writes what the trade writes otherwise.
PINT = {
    "m2": "m**2",
    "m²": "m**2",
    "km2": "km**2",
    "km²": "km**2",
    "ft2": "ft**2",
    "mi2": "mi**2",
    "m3": "m**3",
    "m³": "m**3",
    "km3": "km**3",
    "ml": "mL",
    "gal": "US_liquid_gallon",
    "mcm": "1e6 m**3",
    "bcm": "1e9 m**3",
    "tcm": "1e12 m**3",
    "bbl": "oil_barrel",
    "cf": "ft**3",
    "ft3": "ft**3",
    "Mcf": "1e3 ft**3",
    "MMcf": "1e6 ft**3",
    "Bcf": "1e9 ft**3",
    "Tcf": "1e12 ft**3",
    "acre": "43560 ft**2",
    "kt": "kilotonne",
    "BTU": "Btu_it",
    "MMBtu": "1e6 Btu_it",
    "wk": "week",
    "d": "day",
}


ROWS = [(kind, symbol, size) for kind, row in UNIT_SIZES.items() for symbol, size in row.items()]


@cache
def registry() -> pint.UnitRegistry[float]:
    """The oracle, which takes seconds to make."""
    return pint.UnitRegistry()


@pytest.mark.parametrize(("kind", "symbol", "size"), ROWS)
def test_a_unit_is_as_large_as_a_maintained_library_says(kind: str, symbol: str, size: str) -> None:
    """Every row of the table against pint, which rounds in the last places."""
    base = {
        "length": "m",
        "area": "m**2",
        "volume": "m**3",
        "mass": "kg",
        "energy": "J",
        "power": "W",
        "time": "s",
    }[kind]
    theirs: float = registry().Quantity(PINT.get(symbol, symbol)).to(base).magnitude
    assert float(size) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "same", "as_unit"),
    [
        ("400", "mcm", "0.4", "bcm"),
        ("400000000", "m3", "0.4", "bcm"),
        ("15.4", "km", "15400", "m"),
        ("1", "TWh", "3600", "TJ"),
        ("0.3", "bcm", "300.000", "mcm"),
    ],
)
def test_units_of_one_kind_convert_exactly(value: str, unit: str, same: str, as_unit: str) -> None:
    """400 million m3 are 0.4 bcm, to the last digit."""
    assert find_unit_kind(unit) == find_unit_kind(as_unit)
    assert convert_to_base(Decimal(value), unit) == convert_to_base(Decimal(same), as_unit)


@pytest.mark.parametrize(
    ("one", "other"), [("USD", "EUR"), ("m", "m2"), ("Mt", "MT"), ("howitzers", "tanks")]
)
def test_other_units_never_compare(one: str, other: str) -> None:
    """Currencies least of all; case counts; what is not known compares with itself alone."""
    assert find_unit_kind(one) != find_unit_kind(other)
    assert find_unit_kind(one) == find_unit_kind(one)


@pytest.mark.parametrize(
    ("qualifier", "max_value", "low", "high"),
    [
        ("exactly", None, "300", "300"),
        ("about", None, "270", "330"),
        ("at-least", None, "300", "Infinity"),
        ("at-most", None, "-Infinity", "300"),
        ("between", "350", "300", "350"),
    ],
)
def test_a_qualifier_is_a_range(qualifier: str, max_value: str | None, low: str, high: str) -> None:
    """`about` is ± 10 %, `at-least` has no upper end."""
    assert find_amount_range("300", max_value, qualifier, "USD") == (Decimal(low), Decimal(high))


def test_about_a_negative_number_spreads_the_right_way() -> None:
    """-300 ± 10 % begins at -330."""
    assert find_amount_range("-300", None, "about", None) == (Decimal(-330), Decimal(-270))


@given(st.one_of(DECIMALS, SMALL), st.one_of(DECIMALS, SMALL))
def test_texts_sort_as_their_decimals(one: Decimal, other: Decimal) -> None:
    """Byte by byte, equal ones included, infinity on either side."""
    assert (encode_sortable(one) < encode_sortable(other)) == (one < other)
    assert (encode_sortable(one) == encode_sortable(other)) == (one == other)


@given(SMALL)
def test_everything_lies_between_the_infinities(value: Decimal) -> None:
    """Open ends are beyond every number."""
    assert encode_sortable(-INFINITY) < encode_sortable(value) < encode_sortable(INFINITY)
