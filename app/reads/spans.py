"""Calendar spans of a histogram: years, quarters, months, ISO weeks and days, as day numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from app import dates
from app.languages import ENGLISH, Language
from app.reads.blocks import Array
from app.reads.cursors import write_json

MAX_CACHED_SPANS = 1 << 14  # three times as many as an answer may hold
MAX_CACHED_CUTS = 16


@dataclass(frozen=True, eq=False)
class CalendarInterval:
    """A way to cut time: how its spans are numbered, where each begins, and its label."""

    number_at: Callable[[int], int]  # of the span with this day
    first_day: Callable[[int], int]  # of a span
    label: Callable[[int, Language], str]  # of a span


class Span(NamedTuple):
    """A stretch of the calendar, both ends included; `json` is its JSON object without the `}`."""

    first: int
    last: int
    label: str
    json: bytes


@lru_cache(MAX_CACHED_SPANS)
def span(interval: CalendarInterval, number: int) -> Span:
    """Return a span of an interval, cut off at the ends of the calendar."""
    first = max(interval.first_day(number), dates.FIRST_DAY)
    last = min(interval.first_day(number + 1) - 1, dates.LAST_DAY)
    label = interval.label(number, ENGLISH)
    members = {"start": dates.iso_day(first), "end": dates.iso_day(last), "label": label}
    return Span(first, last, label, write_json(members)[:-1])


@dataclass(frozen=True, eq=False)
class Cut:
    """Adjoining spans in order.

    `days` are the first day of each span and the day after the last. `template` is their JSON, to
    be filled with the certain and the possible events of each.
    """

    spans: Sequence[Span]
    days: Array
    template: bytes


@lru_cache(MAX_CACHED_CUTS)
def cut_calendar(interval: CalendarInterval, lowest: int, highest: int) -> Cut:
    """Return the spans of an interval from one number to another, both included."""
    spans = [span(interval, number) for number in range(lowest, highest + 1)]
    templates = [part.json.replace(b"%", b"%%") + b',"certain":%d,"possible":%d}' for part in spans]
    days = np.array([*(part.first for part in spans), spans[-1].last + 1])
    return Cut(spans, days, b",".join(templates))


def _years(size: int) -> CalendarInterval:
    """Return the interval of `size` years."""

    def label(number: int, language: Language) -> str:
        # Cut off at the ends of the calendar.
        first, last = max(number * size, -9999), min(number * size + size - 1, 9999)
        return "–".join(_edtf_label(year, language) for year in dict.fromkeys((first, last)))

    return CalendarInterval(
        lambda day: dates.from_day_number(day)[0] // size,
        lambda number: dates.day_number(number * size, 1, 1),
        label,
    )


def _months(size: int, edtf_month: Callable[[int], str]) -> CalendarInterval:
    """Return the interval of `size` months, counted from January."""
    per_year = 12 // size

    def number_at(day: int) -> int:
        year, month, _ = dates.from_day_number(day)
        return year * per_year + (month - 1) // size

    def first_day(number: int) -> int:
        year, part = divmod(number, per_year)
        return dates.day_number(year, part * size + 1, 1)

    def label(number: int, language: Language) -> str:
        year, part = divmod(number, per_year)
        return _edtf_label(year, language, edtf_month(part))

    return CalendarInterval(number_at, first_day, label)


def _edtf_label(year: int, language: Language, rest: str = "") -> str:
    return dates.format_date_label(f"{year:0{5 if year < 0 else 4}d}{rest}", language)


def _week_label(number: int, language: Language) -> str:
    """Return the label of an ISO 8601 week; its year is that of its Thursday."""
    thursday = number * 7 + 4
    year, _, _ = dates.from_day_number(thursday)
    week = (thursday - dates.day_number(year, 1, 1)) // 7 + 1
    year_label = _edtf_label(year, language)
    return language.gettext("week {week} of {year}", week=week, year=year_label)


# All digits of a year may be unknown: `XXXX`, `XXXX-12`, and `-XXXX`.
YEAR_0_ENDS, YEAR_9999_BEGINS = dates.day_number(0, 12, 31), dates.day_number(9999, 1, 1)
BEFORE_YEAR_0 = dates.day_number(-1, 12, 31)


def named_days(bounds: Array) -> Array:
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


def _any_year(moment: Array) -> Array:
    """Return whether a moment between two days may lie in any year from 0 to 9999."""
    within: Array = (moment[0] <= YEAR_0_ENDS) & (moment[1] >= YEAR_9999_BEGINS)
    return within


def _any_year_bc(moment: Array) -> Array:
    """Return whether a moment between two days may lie in any year before 0, and in no other."""
    exactly: Array = (moment[0] == dates.FIRST_DAY) & (moment[1] == BEFORE_YEAR_0)
    return exactly


# The intervals of a histogram, coarsest first. Day 1, 0001-01-01, is a Monday.
CALENDAR_INTERVALS: Mapping[str, CalendarInterval] = {
    "millennium": _years(1000),
    "century": _years(100),
    "decade": _years(10),
    "year": _years(1),
    "quarter": _months(3, lambda part: f"-{33 + part}"),
    "month": _months(1, lambda part: f"-{part + 1:02d}"),
    "week": CalendarInterval(
        lambda day: (day - 1) // 7, lambda number: number * 7 + 1, _week_label
    ),
    "day": CalendarInterval(
        lambda day: day,
        lambda number: number,
        lambda day, language: dates.format_date_label(str(dates.iso_day(day)), language),
    ),
}

# The intervals of a picture.
PICTURE_INTERVALS: Mapping[str, CalendarInterval] = {
    name: CALENDAR_INTERVALS[name] for name in ("century", "decade", "year", "month", "week", "day")
}
