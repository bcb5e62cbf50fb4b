"""Calendar spans of a histogram: years, quarters, months, ISO weeks and days, as day numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from app import dates
from app.reads.blocks import Column
from app.reads.cursors import write_json

REMEMBERED = 1 << 14  # spans, three times as many as an answer may hold
CUTS = 16  # ways in which time was last cut


@dataclass(frozen=True, eq=False)
class Interval:
    """A way to cut time: numbers that count its spans, the first day of each, and its name."""

    number_at: Callable[[int], int]  # of the span that holds a day
    first_day: Callable[[int], int]  # of a span
    label: Callable[[int], str]  # of a span


class Span(NamedTuple):
    """A stretch of the calendar, both ends included; `told` is its JSON, left open at the end."""

    first: int
    last: int
    label: str
    told: bytes


@lru_cache(REMEMBERED)
def span(interval: Interval, number: int) -> Span:
    """One of the spans of an interval; at the edges of the calendar as much as there is of it."""
    first = max(interval.first_day(number), dates.FIRST_DAY)
    last = min(interval.first_day(number + 1) - 1, dates.LAST_DAY)
    label = interval.label(number)
    told = {"start": dates.iso_day(first), "end": dates.iso_day(last), "label": label}
    return Span(first, last, label, write_json(told)[:-1])


@dataclass(frozen=True, eq=False)
class Cut:
    """Spans one behind the other, none left out.

    `days` are the first of each and the one behind all; `template` their JSON, to be filled with
    the certain and the possible events of each in turn.
    """

    spans: Sequence[Span]
    days: Column
    template: bytes


@lru_cache(CUTS)
def cut(interval: Interval, lowest: int, highest: int) -> Cut:
    """The spans of an interval from one number to another, both included."""
    spans = [span(interval, number) for number in range(lowest, highest + 1)]
    told = [one.told.replace(b"%", b"%%") + b',"certain":%d,"possible":%d}' for one in spans]
    days = np.array([*(one.first for one in spans), spans[-1].last + 1])
    return Cut(spans, days, b",".join(told))


def _years(size: int) -> Interval:
    """Spans of `size` years."""

    def label(number: int) -> str:
        # At the edges of the calendar as much of a span as there is.
        first, last = max(number * size, -9999), min(number * size + size - 1, 9999)
        return "–".join(_edtf_label(year) for year in dict.fromkeys((first, last)))

    return Interval(
        lambda day: dates.from_day_number(day)[0] // size,
        lambda number: dates.day_number(number * size, 1, 1),
        label,
    )


def _months(size: int, label: Callable[[int, int], str]) -> Interval:
    """Spans of `size` months from January on."""
    per_year = 12 // size

    def number_at(day: int) -> int:
        year, month, _ = dates.from_day_number(day)
        return year * per_year + (month - 1) // size

    def first_day(number: int) -> int:
        year, part = divmod(number, per_year)
        return dates.day_number(year, part * size + 1, 1)

    return Interval(number_at, first_day, lambda number: label(*divmod(number, per_year)))


def _edtf_label(year: int, rest: str = "") -> str:
    return dates.parse(f"{year:0{5 if year < 0 else 4}d}{rest}").label


def _week_label(number: int) -> str:
    """ISO 8601 week: that of the year which its Thursday falls into."""
    thursday = number * 7 + 4
    year, _, _ = dates.from_day_number(thursday)
    week = (thursday - dates.day_number(year, 1, 1)) // 7 + 1
    return f"week {week} of {_edtf_label(year)}"


# All digits of a year may be unknown: `XXXX`, `XXXX-12`, and `-XXXX`.
YEAR_0_ENDS, YEAR_9999_BEGINS = dates.day_number(0, 12, 31), dates.day_number(9999, 1, 1)
BEFORE_YEAR_0 = dates.day_number(-1, 12, 31)


def named_days(bounds: Column) -> Column:
    """Return the first and the last day that dates with these bounds name, a column each.

    A start or an end that may lie in any year names none, as one that is open. If neither names a
    day, the first is END and the last BEGINNING.
    """
    starts, ends = bounds[:2], bounds[2:4]
    # A start may be bounded by the end alone, and an end by the start: that says nothing new.
    loose_starts = np.stack([starts[0], np.where(starts[1] == ends[1], dates.END, starts[1])])
    loose_ends = np.stack([np.where(ends[0] == starts[0], dates.BEGINNING, ends[0]), ends[1]])
    any_start = _any_year(loose_starts) | _any_year_bc(starts)
    any_end = _any_year(loose_ends) | _any_year_bc(ends)
    nameless = np.stack([any_start, any_start, any_end, any_end])
    days = bounds[:4]
    nameless |= (days <= dates.BEGINNING) | (days >= dates.END)
    first = np.where(nameless, dates.END, days).min(axis=0)
    last = np.where(nameless, dates.BEGINNING, days).max(axis=0)
    return np.stack([first, last])


def _any_year(moment: Column) -> Column:
    """Return whether a moment between two days may lie in any year from 0 to 9999."""
    within: Column = (moment[0] <= YEAR_0_ENDS) & (moment[1] >= YEAR_9999_BEGINS)
    return within


def _any_year_bc(moment: Column) -> Column:
    """Return whether a moment between two days may lie in any year before 0, and in no other."""
    exactly: Column = (moment[0] == dates.FIRST_DAY) & (moment[1] == BEFORE_YEAR_0)
    return exactly


# What a histogram may be asked for, the coarsest first. Day 1, 0001-01-01, is a Monday.
INTERVALS: Mapping[str, Interval] = {
    "millennium": _years(1000),
    "century": _years(100),
    "decade": _years(10),
    "year": _years(1),
    "quarter": _months(3, lambda year, part: _edtf_label(year, f"-{33 + part}")),
    "month": _months(1, lambda year, part: _edtf_label(year, f"-{part + 1:02d}")),
    "week": Interval(lambda day: (day - 1) // 7, lambda number: number * 7 + 1, _week_label),
    "day": Interval(
        lambda day: day,
        lambda number: number,
        lambda day: dates.parse(str(dates.iso_day(day))).label,
    ),
}

# What a picture may be cut into.
OF_PICTURES: Mapping[str, Interval] = {
    name: INTERVALS[name] for name in ("century", "decade", "year", "month", "week", "day")
}
