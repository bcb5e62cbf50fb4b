"""Quantities: ranges of amounts, units of one kind, and decimals that sort as text."""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from functools import cache
from typing import NamedTuple

import pycountry

INFINITY = Decimal("Infinity")
ABOUT_SHARE = Decimal("0.1")  # `about` v is v ± 10 %
EXACT_DIGITS = (
    200  # more than any accepted value times any factor needs: no product is ever rounded
)

# Symbols of each kind with their size in its base unit, exact by definition. Case counts.
UNIT_SIZES: Mapping[str, Mapping[str, str]] = {
    "length": {  # metre
        "mm": "0.001",
        "cm": "0.01",
        "m": "1",
        "km": "1000",
        "nmi": "1852",
        "in": "0.0254",
        "ft": "0.3048",
        "yd": "0.9144",
        "mi": "1609.344",
    },
    "area": {  # square metre
        "m2": "1",
        "m²": "1",
        "ha": "1E4",
        "km2": "1E6",
        "km²": "1E6",
        "ft2": "0.09290304",
        "acre": "4046.8564224",
        "mi2": "2589988.110336",
    },
    "volume": {  # cubic metre; bcm, mcm and the like as the gas trade writes them
        "m3": "1",
        "m³": "1",
        "km3": "1E9",
        "ml": "1E-6",
        "l": "0.001",
        "L": "0.001",
        "hl": "0.1",
        "mcm": "1E6",
        "bcm": "1E9",
        "tcm": "1E12",
        "cf": "0.028316846592",
        "ft3": "0.028316846592",
        "Mcf": "28.316846592",
        "MMcf": "28316.846592",
        "Bcf": "28316846.592",
        "Tcf": "28316846592",
        "bbl": "0.158987294928",
        "gal": "0.003785411784",
    },
    "mass": {  # kilogram
        "mg": "1E-6",
        "g": "0.001",
        "kg": "1",
        "t": "1E3",
        "kt": "1E6",
        "Mt": "1E9",
        "lb": "0.45359237",
        "oz": "0.028349523125",
    },
    "energy": {  # joule; BTU as in the International Table
        "J": "1",
        "kJ": "1E3",
        "MJ": "1E6",
        "GJ": "1E9",
        "TJ": "1E12",
        "PJ": "1E15",
        "Wh": "3600",
        "kWh": "3.6E6",
        "MWh": "3.6E9",
        "GWh": "3.6E12",
        "TWh": "3.6E15",
        "BTU": "1055.05585262",
        "MMBtu": "1055055852.62",
        "cal": "4.184",
        "kcal": "4184",
        "toe": "4.1868E10",
        "ktoe": "4.1868E13",
        "Mtoe": "4.1868E16",
    },
    "power": {  # watt
        "W": "1",
        "kW": "1E3",
        "MW": "1E6",
        "GW": "1E9",
        "TW": "1E12",
    },
    "time": {  # second
        "s": "1",
        "min": "60",
        "h": "3600",
        "d": "86400",
        "wk": "604800",
    },
}


# How people write units that have a symbol, in the singular; `spoken` takes plurals too.
UNIT_NAMES: Mapping[str, str] = {
    "$": "USD",
    "us$": "USD",
    "dollar": "USD",
    "us dollar": "USD",
    "€": "EUR",
    "euro": "EUR",
    "£": "GBP",
    "pound sterling": "GBP",
    **dict.fromkeys(("metre", "meter"), "m"),
    **dict.fromkeys(("kilometre", "kilometer"), "km"),
    "mile": "mi",
    "foot": "ft",
    "feet": "ft",
    "inch": "in",
    "inches": "in",
    **dict.fromkeys(("sqm", "m^2", "square metre", "square meter"), "m2"),
    **dict.fromkeys(("sqkm", "km^2", "square kilometre", "square kilometer"), "km2"),
    **dict.fromkeys(("m^3", "cubic metre", "cubic meter"), "m3"),
    "litre": "l",
    "liter": "l",
    "barrel": "bbl",
    "hectare": "ha",
    **dict.fromkeys(("ton", "tonne", "metric ton"), "t"),
    "gram": "g",
    "kilogram": "kg",
    "kilo": "kg",
    "kilogramme": "kg",
    "watt": "W",
    "kilowatt": "kW",
    "megawatt": "MW",
    "gigawatt": "GW",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "day": "d",
    "week": "wk",
}


class AmountRange(NamedTuple):
    """The possible amounts of a quantity, both ends included, in the base unit of its kind."""

    low: Decimal
    high: Decimal


@cache
def load_units() -> Mapping[str, tuple[str, Decimal]]:
    """Return every known symbol with its kind and its size; a currency is a kind of its own."""
    sizes_of = {c.alpha_3: (c.alpha_3, Decimal(1)) for c in pycountry.currencies}
    for kind, sizes in UNIT_SIZES.items():
        sizes_of |= {symbol: (kind, Decimal(size)) for symbol, size in sizes.items()}
    return sizes_of


def find_unit_kind(unit: str | None) -> str:
    """Return the kind of a unit; an unknown one (`howitzers`) compares with itself alone."""
    entry = load_units().get(unit or "")
    return entry[0] if entry else f"={unit or ''}"


def find_unit_symbol(name: str) -> str | None:
    """Return the symbol of a unit by a common name, singular or plural, or by a currency's."""
    folded = " ".join(name.lower().split())
    if symbol := UNIT_NAMES.get(folded) or UNIT_NAMES.get(folded.removesuffix("s")):
        return symbol
    currency = next((c for c in pycountry.currencies if c.name.lower() == folded), None)
    return currency and str(currency.alpha_3)


def convert_to_base(value: Decimal, unit: str | None) -> Decimal:
    """Return `value` of `unit` in the base unit of its kind, exactly."""
    entry = load_units().get(unit or "")
    with localcontext(prec=EXACT_DIGITS):
        return value * entry[1] if entry else value


def find_amount_range(
    value: str, max_value: str | None, qualifier: str, unit: str | None
) -> AmountRange:
    """Return the range of a quantity: `at-least` v is [v, ∞), `about` v is v ± 10 %."""
    with localcontext(prec=EXACT_DIGITS):
        stated = convert_to_base(Decimal(value), unit)
        spread = abs(stated) * ABOUT_SHARE
        return {
            "exactly": AmountRange(stated, stated),
            "about": AmountRange(stated - spread, stated + spread),
            "at-least": AmountRange(stated, INFINITY),
            "at-most": AmountRange(-INFINITY, stated),
            "between": AmountRange(stated, convert_to_base(Decimal(max_value or value), unit)),
        }[qualifier]


_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def encode_sortable(value: Decimal) -> str:
    """Return a text that sorts, byte by byte, as the decimal does; equal for equal values."""
    if value.is_infinite():
        return "~" if value > 0 else "!"
    if not value:
        return "1"
    _, digits, _ = value.as_tuple()
    written = "".join(map(str, digits)).rstrip("0")
    magnitude = f"{value.adjusted() + 5000:04d}{written}"
    # Of two negative numbers the longer one is the lesser if one begins the other.
    return f"2{magnitude}" if value > 0 else f"0{magnitude.translate(_COMPLEMENT)}~"
