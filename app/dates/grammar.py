"""EDTF text to structure: the parts of a date, not yet its days."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Final, Literal, NamedTuple


class DateError(ValueError):
    """The fault of a date and its remedy, in a sentence or two for people.

    `suggestion` is the date that is likeliest meant, if there is one.
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


MAX_DATE_CHARACTERS: Final = 64
"""The longest text of a date, in characters."""


class Grouping(NamedTuple):
    """A part of the year: its first month, how many months, its precision."""

    first: int
    months: int
    precision: str


def _groupings(code: int, firsts: Sequence[int], precision: str) -> dict[str, Grouping]:
    months = 12 // len(firsts)
    return {str(code + i): Grouping(first, months, precision) for i, first in enumerate(firsts)}


GROUPINGS: Final[dict[str, Grouping]] = {
    **_groupings(21, (3, 6, 9, 12), "season"),
    **_groupings(25, (3, 6, 9, 12), "season"),
    **_groupings(29, (9, 12, 3, 6), "season"),
    **_groupings(33, (1, 4, 7, 10), "quarter"),
    **_groupings(37, (1, 5, 9), "quadrimester"),
    **_groupings(40, (1, 7), "semester"),
}
"""Sub-year groupings by code (EDTF levels 1 and 2), in meteorological seasons.

21-24 are spring to winter without a hemisphere and are read as northern, as 25-28 are: March to
May, June to August, September to November, December to the end of February of the next year.
29-32 are the southern spring (September to November), summer (December to the end of February
of the next year), autumn and winter. 33-36 are quarters, 37-39 quadrimesters (four months),
40-41 semesters (six months).
"""

PRECISIONS: Final[tuple[str, ...]] = (
    *("era", "millennium", "century", "decade", "year"),
    *("semester", "quadrimester", "quarter", "season", "month", "day", "minute", "second"),
    *("interval", "set"),
)
"""Every precision, coarse to fine, then the two that are not one date.

The leftmost unspecified digit decides: in `199X-12-25` it is the decade. `era` is a year whose
thousands are unspecified: some year AD (`XXXX`) or BC (`-XXXX`). The first four stand for the
four digits of a year.
"""


def _patterns(last: int) -> dict[str, tuple[int, ...]]:
    """Return all two-digit patterns, X for any digit, with the matching numbers up to `last`."""
    matches: dict[str, tuple[int, ...]] = {}
    for number in range(1, last + 1):
        tens, units = map(str, divmod(number, 10))
        for pattern in (tens + units, tens + "X", "X" + units, "XX"):
            matches[pattern] = (*matches.get(pattern, ()), number)
    return matches


MONTH_PATTERNS: Final = _patterns(12)
DAY_PATTERNS: Final = _patterns(31)


class Clock(NamedTuple):
    """A time of day as it is stated; `zone` in minutes east of UTC, None if none is stated."""

    hour: int
    minute: int
    second: int | None
    zone: int | None

    @property
    def seconds(self) -> int:
        """Return the seconds since midnight, by this clock."""
        return (self.hour * 60 + self.minute) * 60 + (self.second or 0)

    @property
    def text(self) -> str:
        """Return it without the zone: `14:30`, `14:30:05`."""
        numbers = (self.hour, self.minute, self.second)
        return ":".join(f"{number:02d}" for number in numbers if number is not None)

    @property
    def iso(self) -> str:
        """Return it as ISO 8601 and RFC 3339 have it behind a day: `T14:30Z`, `T14:30:05+01:00`."""
        if not self.zone:
            return f"T{self.text}{'' if self.zone is None else 'Z'}"
        hours, minutes = divmod(abs(self.zone), 60)
        return f"T{self.text}{'-' if self.zone < 0 else '+'}{hours:02d}:{minutes:02d}"


@dataclass(frozen=True, slots=True)
class Component:
    """A single date: a year, a part of a year, a month, a day or a time of a day.

    `year` is four digits or X, with a minus for BC; `month` is a month pattern, a grouping code
    or empty; `day` is a day pattern or empty. `estimate` is the year that was written before S.
    `uncertain` and `approximate` name the parts so qualified, coarse to fine.
    """

    year: str
    month: str = ""
    day: str = ""
    estimate: int | None = None
    uncertain: tuple[str, ...] = ()
    approximate: tuple[str, ...] = ()
    clock: Clock | None = None

    @property
    def text(self) -> str:
        """Return the date without its qualifiers and its time of day."""
        return "-".join(filter(None, (self.year, self.month, self.day)))

    @property
    def components(self) -> tuple["Component", ...]:
        """Return its single dates: itself."""
        return (self,)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts that are written, coarse to fine."""
        grouping = GROUPINGS.get(self.month)
        names = ("year", grouping.precision if grouping else "month", "day")
        return names[: 1 + bool(self.month) + bool(self.day)]

    @property
    def years(self) -> Sequence[int]:
        """Return the matching years, ascending. There is no year -0, so `-000X` ends at -1."""
        digits = self.year.lstrip("-")
        leading = digits.rstrip("X")
        candidates: Sequence[int]
        if "X" in leading:
            choices = ("0123456789" if digit == "X" else digit for digit in digits)
            candidates = [int("".join(chosen)) for chosen in product(*choices)]
        else:
            size = 10 ** (4 - len(leading))
            first = int(leading or "0") * size
            candidates = range(first, first + size)
        if not self.year.startswith("-"):
            return candidates
        return [-year for year in reversed(candidates) if year]

    @property
    def precision(self) -> str:
        """Return one of PRECISIONS."""
        unspecified = self.year.lstrip("-").find("X")
        if unspecified >= 0:
            return PRECISIONS[unspecified]
        if self.month in GROUPINGS:
            return GROUPINGS[self.month].precision
        if "X" in self.month or not self.month:
            return "year"
        if "X" in self.day or not self.day:
            return "month"
        if self.clock is None:
            return "day"
        return "minute" if self.clock.second is None else "second"


End = Component | Literal["..", ""]


@dataclass(frozen=True, slots=True)
class Interval:
    """Something that lasts (EDTF levels 0 to 2); an end is a date, `..` open or empty unknown."""

    start: End
    end: End
    precision: ClassVar[str] = "interval"

    @property
    def components(self) -> tuple[Component, ...]:
        """Return its ends, as far as they are dates."""
        return tuple(end for end in (self.start, self.end) if isinstance(end, Component))


@dataclass(frozen=True, slots=True)
class SetRange:
    """A stretch of a set, both ends included; None is an open end."""

    first: Component | None
    last: Component | None

    @property
    def components(self) -> tuple[Component, ...]:
        """Return its ends, as far as they are dates."""
        return tuple(end for end in (self.first, self.last) if end)


@dataclass(frozen=True, slots=True)
class DateSet:
    """One of its members (`[…]`) or all of them (`{…}`) (EDTF level 2)."""

    all_members: bool
    members: tuple[Component | SetRange, ...]
    precision: ClassVar[str] = "set"

    @property
    def components(self) -> tuple[Component, ...]:
        """Return all dates that are written in it."""
        return tuple(date for member in self.members for date in member.components)


Expression = Component | Interval | DateSet

_Q: Final = "([?~%]?)"
_DATE: Final = re.compile(
    rf"{_Q}((?!-0000)-?[0-9X]{{4}}){_Q}(?:-{_Q}([0-9X]{{2}}){_Q}(?:-{_Q}([0-9X]{{2}}){_Q})?)?"
)
_DATE_TIME: Final = re.compile(
    "((?!-0000)-?[0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?"
    # No clock has been further from Greenwich than Manila's until 1844, almost 16 hours.
    "(Z|(?!-00(?::00)?$)([+-])(0[0-9]|1[0-5])(?::([0-5][0-9]))?)?"
)
_YEAR: Final = re.compile(
    rf"{_Q}(?:((?!-0000)-?[0-9]{{4}})|Y(-?[1-9][0-9]*)E([1-9][0-9]*))(?:S([1-9]))?{_Q}"
)


def read_expression(text: str) -> Expression | None:
    """Return the structure of an EDTF text, levels 0 to 2; None if it is not EDTF.

    Beyond the standard, times of day may lack seconds and may be ends of intervals.
    """
    if text[:1] in ("[", "{"):
        return _read_set(text)
    return _read_interval(text) if "/" in text else read_component(text)


def read_component(text: str) -> Component | None:
    """Return a single date; None if the text is anything else.

    A qualifier right of a part holds for it and all parts to its left, one on the left of a part
    for that part alone (EDTF level 2, "Qualification").
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return _read_date_time(text) if "T" in text else _read_year(text)
    year, month, day = match.group(2, 5, 8)
    month, day = month or "", day or ""
    if month and month not in MONTH_PATTERNS and (month not in GROUPINGS or day):
        return None
    if day and day not in DAY_PATTERNS:
        return None
    date = Component(year, month, day)
    return _qualified(date, match.group(1, 4, 7), match.group(3, 6, 9))


def _read_date_time(text: str) -> Component | None:
    """Return a day with a time of day (EDTF level 0)."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone, sign, hours, minutes = match.groups()
    east = int(hours or 0) * 60 + int(minutes or 0)
    offset = None if zone is None else -east if sign == "-" else east
    clock = Clock(int(hour), int(minute), int(second) if second else None, offset)
    return Component(year, month, day, clock=clock)


def _read_year(text: str) -> Component | None:
    """Return a year with significant digits (`1950S2`) or an exponent (`Y17E2`), EDTF level 2.

    Digits count from the left of the four, or of the value of an exponential year: `1950S2` is a
    year from 1900 to 1999.
    """
    match = _YEAR.fullmatch(text)
    if match is None:
        return None
    left, digits, base, exponent, significant, right = match.groups()
    if base:
        if len(exponent) > 1 or len(base) > 5:
            return None
        digits = str(int(base) * 10 ** int(exponent))
    sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
    count = int(significant or len(digits))
    if len(digits) > 4 or count > len(digits):
        return None
    pattern = (digits[:count] + "X" * (len(digits) - count)).rjust(4, "0")
    estimate = int(sign + digits) if "X" in pattern else None
    return _qualified(Component(sign + pattern, estimate=estimate), (left,), (right,))


def _qualified(
    date: Component, left: Sequence[str | None], right: Sequence[str | None]
) -> Component:
    if not any(left) and not any(right):
        return date

    def bearing(symbols: str) -> tuple[str, ...]:
        return tuple(
            name
            for i, name in enumerate(date.parts)
            if any(mark and mark in symbols for mark in (left[i], *right[i:]))
        )

    uncertain, approximate = bearing("?%"), bearing("~%")
    return Component(date.year, date.month, date.day, date.estimate, uncertain, approximate)


def _read_interval(text: str) -> Interval | None:
    left, _, right = text.partition("/")
    start, end = _read_end(left), _read_end(right)
    dated = isinstance(start, Component) or isinstance(end, Component)
    if start is None or end is None or not dated:
        return None
    return Interval(start, end)


def _read_end(text: str) -> End | None:
    if text == "..":
        return ".."
    return read_component(text) if text else ""


def _read_set(text: str) -> DateSet | None:
    if text[-1] != {"[": "]", "{": "}"}[text[0]]:
        return None
    members = [member for written in text[1:-1].split(",") if (member := _read_member(written))]
    if len(members) != text.count(",") + 1:
        return None
    lonely = len(members) == 1 and isinstance(members[0], Component)
    open_late = any(isinstance(member, SetRange) and not member.first for member in members[1:])
    open_early = any(isinstance(member, SetRange) and not member.last for member in members[:-1])
    if lonely or open_late or open_early:
        return None
    return DateSet(text[0] == "{", tuple(members))


def _read_member(text: str) -> Component | SetRange | None:
    left, dots, right = text.partition("..")
    first, last = read_component(left), read_component(right)
    if any(date and date.clock for date in (first, last)):
        return None
    if not dots:
        return first
    complete = bool(first or not left) and bool(last or not right)
    return SetRange(first, last) if complete and (first or last) else None
