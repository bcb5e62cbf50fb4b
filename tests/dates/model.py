"""What dates mean, found by counting days: written apart from the application, to judge it.

Strategies make random dates as text together with the days that they may start and end on; the
same can judge a filter over HTTP. Infinity is a day so far off that no real one reaches it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeGuard

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

UNHURRIED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
"""For properties of whole dates: counting the days of a century takes its time."""

FIRST, LAST = -5_000_000, 5_000_000
"""The days that stand for no beginning and no end."""

LENGTHS = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
SPRING, SUMMER, AUTUMN, WINTER = (3, 4, 5), (6, 7, 8), (9, 10, 11), (12, 13, 14)
QUARTERS = [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)]
THIRDS = [(1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)]
HALVES = [(1, 2, 3, 4, 5, 6), (7, 8, 9, 10, 11, 12)]
NORTH, SOUTH = [SPRING, SUMMER, AUTUMN, WINTER], [AUTUMN, WINTER, SPRING, SUMMER]
PARTS_OF_THE_YEAR: dict[int, tuple[int, ...]] = dict(
    enumerate([*NORTH, *NORTH, *SOUTH, *QUARTERS, *THIRDS, *HALVES], 21)
)
"""Their months; 13 and 14 are January and February of the next year."""


def month_length(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else LENGTHS[month]


def _new_months() -> dict[tuple[int, int], int]:
    """The number of the first day of each month, walking both ways from 0001-01-01, day 1."""
    numbers = {(1, 1): 1}
    day = 1
    for year in range(1, 10_002):
        for month in LENGTHS:
            numbers[year, month] = day
            day += month_length(year, month)
    day = 1
    for year in range(0, -10_001, -1):
        for month in reversed(LENGTHS):
            day -= month_length(year, month)
            numbers[year, month] = day
    return numbers


NEW_MONTHS = _new_months()


def number(year: int, month: int, day: int) -> int:
    return NEW_MONTHS[year, month] + day - 1


def year_text(year: int) -> str:
    return f"-{-year:04d}" if year < 0 else f"{year:04d}"


YEAR_TEXTS = {year_text(year): year for year in range(-9999, 10_000)}
LAST_DAY = number(9999, 12, 31)


# --- What a date means -------------------------------------------------------------------------


class Pairs(NamedTuple):
    """Starts and ends that go together in any combination, by the first and last of each."""

    first_start: int
    last_start: int
    first_end: int
    last_end: int


@dataclass(frozen=True)
class Model:
    """All (start, end) that a date allows; one act (`act`) starts and ends on the same day.

    `clock` orders it within its day: the minutes and seconds since midnight, -1 if none is stated.
    """

    pairs: tuple[Pairs, ...] = ()
    act: range = range(0)
    clock: int = -1
    uncertain: bool = False
    approximate: bool = False

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Earliest and latest start, earliest and latest end; FIRST and LAST are infinite."""
        if self.act:
            return (self.act[0], self.act[-1]) * 2
        return (
            min(pair.first_start for pair in self.pairs),
            max(pair.last_start for pair in self.pairs),
            min(pair.first_end for pair in self.pairs),
            max(pair.last_end for pair in self.pairs),
        )

    def possible(self, first: int, last: int) -> bool:
        """Some start and end overlap the window."""
        if self.act:
            next_day = bisect_left(self.act, first)
            return next_day < len(self.act) and self.act[next_day] <= last
        return any(pair.first_start <= last and pair.last_end >= first for pair in self.pairs)

    def certain(self, first: int, last: int) -> bool:
        """Every start and end overlap the window, and nothing is uncertain or approximate."""
        if self.uncertain or self.approximate:
            return False
        if self.act:
            return first <= self.act[0] and self.act[-1] <= last
        return all(pair.last_start <= last and pair.first_end >= first for pair in self.pairs)

    def every_pair(self) -> Iterator[tuple[int, int]]:
        """Each start with each end, one by one."""
        yield from ((day, day) for day in self.act)
        for pair in self.pairs:
            for start in range(pair.first_start, pair.last_start + 1):
                for end in range(pair.first_end, pair.last_end + 1):
                    yield start, end


# --- Single dates ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A single date: its text and, ascending, all days that it may mean; none if impossible."""

    text: str
    days: Sequence[int]

    @property
    def marks(self) -> set[str]:
        return set(self.text) & set("?~%")


def _fitting(pattern: str, numbers: Iterable[int]) -> list[int]:
    """The two-digit numbers that fit digits and X; all where nothing is written."""
    expression = re.compile(pattern.replace("X", "[0-9]") or "..")
    return [n for n in numbers if expression.fullmatch(f"{n:02d}")]


@cache
def _years(pattern: str) -> list[int]:
    if "X" not in pattern:
        return [YEAR_TEXTS[pattern]]
    expression = re.compile(pattern.replace("X", "[0-9]"))
    return sorted(year for text, year in YEAR_TEXTS.items() if expression.fullmatch(text))


@cache
def days_of(year: str, month: str = "", day: str = "") -> Sequence[int]:
    """All days that fit digits and X, in any month or on any day where that is not written."""
    months, days = _fitting(month, LENGTHS), _fitting(day, range(1, 32))
    return [
        number(y, m, d)
        for y in _years(year)
        for m in months
        for d in days
        if d <= month_length(y, m)
    ]


def days_of_part(year: str, code: int) -> Sequence[int]:
    """All days of a season or other part of the year, in every year that fits."""
    months = [
        (y + (m > 12), m - 12 * (m > 12)) for y in _years(year) for m in PARTS_OF_THE_YEAR[code]
    ]
    days = [number(y, m, d) for y, m in months for d in range(1, month_length(y, m) + 1)]
    return days if days[-1] <= LAST_DAY else []


YEARS = st.one_of(
    st.integers(2019, 2025),
    st.integers(1896, 1904),
    st.sampled_from([-9999, -401, -101, -44, -1, 0, 1, 79, 999, 1000, 9998, 9999]),
)


@st.composite
def plain(draw: st.DrawFn, years: st.SearchStrategy[int] = YEARS) -> Part:
    """A year, a month or a day, which may not exist."""
    year = year_text(draw(years))
    month = draw(st.one_of(st.just(""), st.integers(1, 12).map("{:02d}".format)))
    day = draw(st.one_of(st.just(""), st.integers(1, 31).map("{:02d}".format))) if month else ""
    return Part("-".join(filter(None, (year, month, day))), days_of(year, month, day))


@st.composite
def pattern(draw: st.DrawFn) -> Part:
    """A date with X: in the last digits of the year, in the month, in the day."""
    year = year_text(draw(YEARS))
    month, day = f"{draw(st.integers(1, 12)):02d}", f"{draw(st.integers(1, 31)):02d}"
    masks = st.sampled_from(["..", ".X", ".X", "X.", "XX"])
    shape = draw(st.sampled_from(["year", "month", "day", "wide"]))
    # Thousands of years are cheap to count only for a single day in each.
    century = draw(st.sampled_from(["X.", ".X", "XX"])) if shape == "wide" else ".."
    year = year[:-4] + _masked(year[-4:-2], century) + _masked(year[-2:], draw(masks))
    if shape == "year":
        month = day = ""
    elif shape == "month":
        month, day = _masked(month, draw(masks)), ""
    elif shape == "day":
        month, day = _masked(month, draw(masks)), _masked(day, draw(masks))
    return Part("-".join(filter(None, (year, month, day))), days_of(year, month, day))


def _masked(digits: str, mask: str) -> str:
    return "".join("X" if m == "X" else d for d, m in zip(digits, mask, strict=True))


@st.composite
def part_of_the_year(draw: st.DrawFn) -> Part:
    """A season, quarter and so on, at times in an unknown year of a decade."""
    year, code = year_text(draw(YEARS)), draw(st.sampled_from(sorted(PARTS_OF_THE_YEAR)))
    if draw(st.integers(0, 4)) == 0:
        year = year[:-1] + "X"
    return Part(f"{year}-{code}", days_of_part(year, code))


@st.composite
def counted_year(draw: st.DrawFn) -> Part:
    """A year with two to four significant digits, or with an exponent."""
    if draw(st.booleans()):
        year = year_text(draw(YEARS))
        digits = draw(st.integers(2, 4))
        return Part(f"{year}S{digits}", days_of(year[:-4] + year[-4:][:digits].ljust(4, "X")))
    base = draw(st.integers(-120, 120).filter(bool))
    exponent = draw(st.integers(1, 3))
    year = year_text(base * 10**exponent)
    return Part(f"Y{base}E{exponent}", days_of(year) if year in YEAR_TEXTS else [])


def qualified(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    """With qualifiers left and right of its year, month and day."""
    marks = st.sampled_from(["", "", "?", "~", "%"])

    def mark(part: Part, chosen: list[str]) -> Part:
        # What is divided: every hyphen but the minus sign of the year.
        sign, rest = ("-", part.text[1:]) if part.text[0] == "-" else ("", part.text)
        pieces = (sign + rest).rsplit("-", rest.count("-"))
        edges = zip(chosen[::2], pieces, chosen[1::2], strict=False)
        return Part("-".join(left + piece + right for left, piece, right in edges), part.days)

    return st.builds(mark, parts, st.lists(marks, min_size=6, max_size=6))


UNQUALIFIED = st.one_of(plain(), plain(), pattern(), part_of_the_year(), counted_year())
SINGLE = st.one_of(UNQUALIFIED, UNQUALIFIED, qualified(st.one_of(plain(), pattern())))
"""Any single date, also impossible ones."""


class Stated(NamedTuple):
    """A time of day: its first and last second, and how many minutes its zone is ahead of UTC."""

    first: int
    last: int
    zone: int | None


ZONES = st.one_of(
    st.just(("", None)),
    st.just(("Z", 0)),
    st.builds(
        lambda sign, hours, minutes: (
            f"{sign}{hours:02d}" + ("" if minutes is None else f":{minutes:02d}"),
            int(f"{sign}1") * (60 * hours + (minutes or 0)),
        ),
        st.sampled_from("+-"),
        st.integers(1, 15),
        st.sampled_from([None, 0, 30, 45]),
    ),
)


@st.composite
def timed(draw: st.DrawFn, days: st.SearchStrategy[Part]) -> tuple[Part, Stated | None]:
    """A day with a time of it, to the minute or to the second."""
    day, (zone_text, zone) = draw(days), draw(ZONES)
    hour = draw(st.one_of(st.integers(0, 23), st.sampled_from([0, 23])))
    minute, second = draw(st.integers(0, 59)), draw(st.one_of(st.none(), st.integers(0, 59)))
    first = 3600 * hour + 60 * minute + (second or 0)
    written = f"T{hour:02d}:{minute:02d}" + ("" if second is None else f":{second:02d}")
    stated = Stated(first, first if second is not None else first + 59, zone)
    return Part(f"{day.text}{written}{zone_text}", day.days), stated


def untimed(days: st.SearchStrategy[Part]) -> st.SearchStrategy[tuple[Part, Stated | None]]:
    """Days, or other dates, without a time."""
    return days.map(lambda part: (part, None))


WHOLE_DAYS = plain().filter(lambda part: part.text.removeprefix("-").count("-") == 2)


# --- Whole dates: text with its model, None where it must be refused ---------------------------

Attempt = tuple[str, Model | None]


def _flagged(text: str, pairs: Sequence[Pairs] = (), act: range = range(0)) -> Attempt:
    uncertain, approximate = bool({"?", "%"} & set(text)), bool({"~", "%"} & set(text))
    if not pairs and not act:
        return text, None
    return text, Model(tuple(pairs), act, clock_of(text), uncertain, approximate)


def clock_of(text: str) -> int:
    """Return the seconds since midnight of the start, or of the end of what has no start; or -1."""
    start, _, end = text.partition("/")
    stated = re.search("T([0-9:]{5,8})", end if start in ("", "..") else start)
    if stated is None:
        return -1
    hours, minutes, *seconds = map(int, stated[1].split(":"))
    return 3600 * hours + 60 * minutes + sum(seconds)


def _hull(days: Sequence[int]) -> range:
    return range(days[0], days[-1] + 1) if days else range(0)


def acts(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Attempt]:
    """One act at an unknown moment."""
    return parts.map(lambda part: _flagged(part.text, act=_hull(part.days)))


@st.composite
def intervals(draw: st.DrawFn) -> Attempt:
    """Between two dates: every start with every end that is no earlier."""
    start, end = draw(SINGLE), draw(SINGLE)
    if start.days and end.days and start.days[0] > end.days[-1] and draw(st.integers(0, 3)):
        start, end = end, start
    pairs = []
    for day in start.days:
        later = bisect_left(end.days, day)
        if later < len(end.days):
            pairs.append(Pairs(day, day, end.days[later], end.days[-1]))
    return _flagged(f"{start.text}/{end.text}", pairs)


@st.composite
def open_intervals(draw: st.DrawFn) -> Attempt:
    """Without beginning or without end."""
    part = draw(SINGLE)
    if draw(st.booleans()):
        return _flagged(f"{part.text}/..", [Pairs(day, day, LAST, LAST) for day in part.days])
    return _flagged(f"../{part.text}", [Pairs(FIRST, FIRST, day, day) for day in part.days])


@st.composite
def unknown_intervals(draw: st.DrawFn) -> Attempt:
    """With an end, or a start, of which only the order is known."""
    part = draw(SINGLE)
    if draw(st.booleans()):
        return _flagged(f"{part.text}/", [Pairs(day, day, day, LAST) for day in part.days])
    return _flagged(f"/{part.text}", [Pairs(FIRST, day, day, day) for day in part.days])


def times_of_day() -> st.SearchStrategy[Attempt]:
    """One act on a day, at a time of it."""
    return timed(WHOLE_DAYS).map(lambda drawn: _flagged(drawn[0].text, act=_hull(drawn[0].days)))


@st.composite
def timed_intervals(draw: st.DrawFn) -> Attempt:
    """Between two days, often the same or the next, of which one or both have a time."""
    day = draw(WHOLE_DAYS)
    start, stated = draw(timed(st.just(day)))
    near = draw(st.sampled_from([st.just(day), st.just(day), WHOLE_DAYS]))
    end, other = draw(st.one_of(timed(near), timed(near), untimed(near), untimed(SINGLE)))
    if draw(st.booleans()):
        start, stated, end, other = end, other, start, stated
    pairs = []
    for first in start.days:
        later = bisect_left(end.days, first)
        if later < len(end.days):
            pairs.append(Pairs(first, first, end.days[later], end.days[-1]))
    if stated and other and (stated.zone is None) == (other.zone is None):
        pairs = [
            pair
            for pair in pairs
            if 86_400 * pair.first_start + stated.first - 60 * (stated.zone or 0)
            <= 86_400 * pair.last_end + other.last - 60 * (other.zone or 0)
        ]
    return _flagged(f"{start.text}/{end.text}", pairs)


@st.composite
def open_timed_intervals(draw: st.DrawFn) -> Attempt:
    """From or to a time of a day."""
    part, _ = draw(timed(WHOLE_DAYS))
    if draw(st.booleans()):
        return _flagged(f"{part.text}/..", [Pairs(day, day, LAST, LAST) for day in part.days])
    return _flagged(f"../{part.text}", [Pairs(FIRST, FIRST, day, day) for day in part.days])


def precision(text: str) -> str | int:
    """How exact a single date is; the number of known digits of its year if not all are known."""
    plain = re.sub("[?~%]", "", text).replace("Y-", "Y").removeprefix("-")
    year, month, day, *_ = *plain.split("-"), "", ""
    digits, _, significant = year.partition("S")
    if digits.startswith("Y"):
        base, exponent = digits[1:].split("E")
        digits = base + "0" * int(exponent)
    known = 4 - len(digits) + int(significant or len(digits))
    known = min(known, f"{digits:0>4}".find("X") % 5)
    if known < 4:
        return known
    if not month or "X" in month:
        return "year"
    if month > "20":
        return "season" if month < "33" else "quarter" if month < "37" else f"part {month > '39'}"
    return "day" if day and "X" not in day else "month"


@st.composite
def sets(draw: st.DrawFn, brackets: str) -> Attempt:
    """Some or all of several dates and ranges, of which only the hull counts."""
    dates = draw(st.lists(SINGLE, min_size=2, max_size=4))
    if draw(st.integers(0, 3)):
        dates.sort(key=lambda part: part.days[0] if part.days else 0)
    members = [(part.text, list(part.days)) for part in dates]
    if draw(st.booleans()):
        (start, starts), (end, ends), *members = members
        in_order = starts and ends and starts[0] <= ends[-1]
        fitting = in_order and precision(start) == precision(end)
        members.insert(0, (f"{start}..{end}", [starts[0], ends[-1]] if fitting else []))
    open_start, open_end = draw(st.tuples(st.booleans(), st.booleans()))
    if open_start and ".." not in members[0][0]:
        text, days = members[0]
        members[0] = (f"..{text}", [FIRST, *days[-1:]] if days else [])
    if open_end and ".." not in members[-1][0]:
        text, days = members[-1]
        members[-1] = (f"{text}..", [*days[:1], LAST] if days else [])
    text = brackets[0] + ",".join(text for text, _ in members) + brackets[1]
    all_days = [days for _, days in members]
    if not all(all_days):
        return text, None
    first, last = min(days[0] for days in all_days), max(days[-1] for days in all_days)
    return _flagged(text, act=range(first, last + 1))


KINDS: dict[str, st.SearchStrategy[Attempt]] = {
    "year, month or day": acts(plain()),
    "before Christ": acts(plain(st.integers(-9999, 0))),
    "unspecified digits": acts(pattern()),
    "season or part of the year": acts(part_of_the_year()),
    "significant digits or exponent": acts(counted_year()),
    "uncertain or approximate": acts(qualified(st.one_of(plain(), pattern(), part_of_the_year()))),
    "interval": intervals(),
    "open interval": open_intervals(),
    "unknown start or end": unknown_intervals(),
    "time of day": times_of_day(),
    "interval with a time of day": st.one_of(timed_intervals(), open_timed_intervals()),
    "one of a set": sets("[]"),
    "all of a set": sets("{}"),
}


def attempts(*kinds: str) -> st.SearchStrategy[Attempt]:
    """Texts with their models, None where the text must be refused; of all kinds by default."""
    chosen = st.one_of([KINDS[kind] for kind in kinds or KINDS])
    return chosen.filter(lambda attempt: len(attempt[0]) <= 64)


def _valid(attempt: Attempt) -> TypeGuard[tuple[str, Model]]:
    return attempt[1] is not None


def dates(*kinds: str) -> st.SearchStrategy[tuple[str, Model]]:
    """Valid dates with their models; of all kinds by default."""
    return attempts(*kinds).filter(_valid)


def windows() -> st.SearchStrategy[tuple[str, int, int]]:
    """What a query may ask for: text, first and last day."""
    others = {"set", "uncertain", "time"}
    kinds = (kind for kind in KINDS if not others & {*kind.split()})
    usable = dates(*kinds).filter(lambda date: not (date[1].uncertain or date[1].approximate))
    whole = usable.filter(lambda date: not re.search("X-?[0-9]", date[0]))  # X at the end: no gaps
    return whole.map(lambda date: (date[0], date[1].bounds[0], date[1].bounds[3]))
