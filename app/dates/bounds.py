"""The four bounds of a date, in days, from its structure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import product
from typing import Final, NamedTuple

from app.dates.days import (
    BEGINNING,
    END,
    LAST_DAY,
    MONTHS,
    day_number,
    from_day_number,
    iso_day,
    month_length,
)
from app.dates.grammar import (
    DAY_PATTERNS,
    GROUPINGS,
    MONTH_PATTERNS,
    PRECISIONS,
    Component,
    DateError,
    DateSet,
    End,
    Expression,
    Interval,
    SetRange,
)

_DAY_SECONDS: Final = 86_400
_LAST_SECOND: Final = 59  # of a minute


class Bounds(NamedTuple):
    """The first and last possible day of the start and of the end, as day numbers."""

    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int


def find_bounds(expression: Expression) -> Bounds:
    """Return the four bounds of any date. Raise DateError for a missing day or a reversed order.

    A single date is one act at an unknown moment: it starts and ends on the same day, the first or
    the last possible or one in between. A set is treated as its hull, the same way.
    """
    if isinstance(expression, Interval):
        return _interval(expression)
    hull = _set_hull(expression) if isinstance(expression, DateSet) else _hull(expression)
    return Bounds(*hull, *hull)


def _interval(interval: Interval) -> Bounds:
    """Return the bounds, tightened to start <= end, exact over the possible days of each end."""
    first = BEGINNING if isinstance(interval.start, str) else _hull(interval.start)[0]
    last = END if isinstance(interval.end, str) else _hull(interval.end)[1]
    if last < first:
        raise DateError(
            f"The interval is reversed: it cannot start before {iso_day(first)} and ends by"
            f" {iso_day(last)}. {_remedy(interval)}"
        )
    if _has_reversed_clocks(interval, first, last):
        raise DateError(
            f"The interval is reversed: by the clock it ends before it starts. {_remedy(interval)}"
        )
    return Bounds(first, _latest(interval.start, last), _earliest(interval.end, first), last)


def _remedy(interval: Interval) -> str:
    """Return how to mend a reversed interval: across the date line, days may be in any order."""
    zones = {date.clock.zone for date in interval.components if date.clock}
    if len(zones - {None}) > 1:
        return "Write both ends by the clock of one zone."
    return "Write the earlier date first."


def _has_reversed_clocks(interval: Interval, first: int, last: int) -> bool:
    """Return whether the end is before the start, if both have a time of day to compare."""
    clocks = [date.clock for date in interval.components if date.clock]
    if len(clocks) < 2 or len({clock.zone is None for clock in clocks}) > 1:
        return False
    start, end = clocks
    moments = [
        day * _DAY_SECONDS + clock.seconds - (clock.zone or 0) * 60
        for day, clock in ((first, start), (last, end))
    ]
    return moments[0] > moments[1] + (_LAST_SECOND if end.second is None else 0)


def _latest(start: End, limit: int) -> int:
    """Return the latest possible start that is no later than the limit; there must be one."""
    if isinstance(start, str):
        return BEGINNING if start == ".." else limit
    years = start.years
    upto = bisect_right(years, from_day_number(limit)[0])
    return next(
        min(last, limit)
        for year in reversed(years[:upto])
        for first, last in reversed(_runs(start, year))
        if first <= limit
    )


def _earliest(end: End, limit: int) -> int:
    """Return the earliest possible end that is no earlier than the limit; there must be one."""
    if isinstance(end, str):
        return END if end == ".." else limit
    years = end.years
    # From the year before the limit's own, because a winter runs into the next year.
    since = bisect_left(years, from_day_number(limit)[0] - 1)
    return next(
        max(first, limit)
        for year in years[since:]
        for first, last in _runs(end, year)
        if last >= limit
    )


def _hull(date: Component) -> tuple[int, int]:
    """Return the first and the last day that match."""
    years = date.years
    first = next((runs[0][0] for year in years if (runs := _runs(date, year))), None)
    if first is None:
        raise DateError(_no_such_day(date))
    last = next(runs[-1][1] for year in reversed(years) if (runs := _runs(date, year)))
    if last > LAST_DAY:
        raise DateError(f"{date.text} runs into the year 10000; the last day is 9999-12-31.")
    return first, last


def _runs(date: Component, year: int) -> list[tuple[int, int]]:
    """Return the matching days, ascending, as first and last day of unbroken runs.

    A run belongs to the year in which it starts: a winter ends in the next.
    """
    if date.day:
        matching = product(MONTH_PATTERNS[date.month], DAY_PATTERNS[date.day])
        existing = (
            day_number(year, month, day)
            for month, day in matching
            if day <= month_length(year, month)
        )
        return [(number, number) for number in existing]
    return [
        (day_number(year, first, 1), _month_end(year, first + months - 1))
        for first, months in _stretches(date.month)
    ]


def _stretches(month: str) -> Iterable[tuple[int, int]]:
    """Return first month and number of months of each stretch that the pattern names."""
    if not month:
        return [(1, 12)]
    if month in GROUPINGS:
        return [GROUPINGS[month][:2]]
    return [(number, 1) for number in MONTH_PATTERNS[month]]


def _month_end(year: int, month: int) -> int:
    """Return the last day of a month; 13 is January of the next year."""
    years, month = divmod(month - 1, 12)
    return day_number(year + years, month + 1, month_length(year + years, month + 1))


def _no_such_day(date: Component) -> str:
    # Only a short month can lack a day in every year, and then the pattern matches no other.
    (month,) = MONTH_PATTERNS[date.month]
    length = max(month_length(year, month) for year in date.years)
    fault, at_most = ("matches no day", "at most ") if "X" in date.text else ("does not exist", "")
    return (
        f"{date.text} {fault}: {MONTHS[month - 1]} {date.year} has {at_most}{length} days, to"
        f" {date.year}-{month:02d}-{length}."
    )


def _set_hull(dates: DateSet) -> tuple[int, int]:
    """Return the first and the last day of any member; the standard gives members no order."""
    hulls = [_member_hull(member) for member in dates.members]
    return min(first for first, _ in hulls), max(last for _, last in hulls)


def _member_hull(member: Component | SetRange) -> tuple[int, int]:
    if isinstance(member, Component):
        return _hull(member)
    first = _hull(member.first)[0] if member.first else BEGINNING
    last = _hull(member.last)[1] if member.last else END
    if last < first:
        raise DateError(
            f"The range in the set is reversed: it cannot start before {iso_day(first)} and ends"
            f" by {iso_day(last)}. Write the earlier date first."
        )
    if member.first and member.last and member.first.precision != member.last.precision:
        finer = max(member.first.precision, member.last.precision, key=PRECISIONS.index)
        written = "..".join(_to_precision(day, finer) for day in (first, last))
        raise DateError(
            f"The two ends of a range in a set have one precision (EDTF level 2). Write {written}"
            " in it."
        )
    return first, last


def _to_precision(day: int, precision: str) -> str:
    """Return the year or month of a day, or its date if the precision is any other."""
    text = iso_day(day) or ""
    return text[: {"year": -6, "month": -3}.get(precision)]
