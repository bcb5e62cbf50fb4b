"""What a quantity may amount to, in exact fractions, and which units convert."""

from collections.abc import Mapping
from fractions import Fraction

from app import schemas

# Kind and size; what is not here compares with itself alone.
UNITS: Mapping[str, tuple[str, Fraction]] = {
    "m3": ("volume", Fraction(1)),
    "mcm": ("volume", Fraction(10**6)),
    "bcm": ("volume", Fraction(10**9)),
    "cf": ("volume", Fraction("0.028316846592")),
    "m": ("length", Fraction(1)),
    "km": ("length", Fraction(1000)),
    "mi": ("length", Fraction("1609.344")),
    "kg": ("mass", Fraction(1)),
    "Mt": ("mass", Fraction(10**9)),
    "MWh": ("energy", Fraction(36 * 10**8)),
    "TJ": ("energy", Fraction(10**12)),
}
UNCONVERTIBLE = ("USD", "EUR", "RSD", "howitzers", "MT", "usd")
Range = tuple[Fraction | None, Fraction | None]  # None is infinite


def kind_and_size(unit: str) -> tuple[str, Fraction]:
    """What a unit measures, and its size among the units of that kind."""
    return UNITS.get(unit, (f"only {unit}", Fraction(1)))


def amount(value: str, unit: str) -> Fraction:
    """A number of a unit in what its kind is counted in."""
    return Fraction(value) * kind_and_size(unit)[1]


def range_of(quantity: schemas.Quantity) -> Range:
    """The least and the most that a quantity may be."""
    stated = amount(quantity.value, quantity.unit or "")
    if quantity.qualifier == "between":
        return stated, amount(str(quantity.max_value), quantity.unit or "")
    if quantity.qualifier == "about":
        low, high = stated * Fraction(9, 10), stated * Fraction(11, 10)
        return min(low, high), max(low, high)
    return {
        "exactly": (stated, stated),
        "at-least": (stated, None),
        "at-most": (None, stated),
    }[quantity.qualifier]


def written(number: Fraction) -> str | None:
    """A fraction as a decimal of 20 places at most; None where it takes more."""
    scaled = number * 10**20
    if scaled.denominator != 1:
        return None
    whole, places = divmod(abs(scaled.numerator), 10**20)
    decimal = f"{whole}.{places:020d}".rstrip("0").rstrip(".")
    return f"-{decimal}" if number < 0 else decimal
