"""Parse dates and query windows from their text."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from app.dates.bounds import find_bounds
from app.dates.days import BEGINNING, day_number, iso_day
from app.dates.grammar import (
    MAX_DATE_CHARACTERS,
    Clock,
    Component,
    DateError,
    Expression,
    Interval,
    read_expression,
)
from app.dates.labels import format_label
from app.dates.mistakes import drop_times, explain_mistake
from app.languages import ENGLISH, Language

NO_CLOCK: Final = -1
"""The clock of a date without a time of day, which comes before all others of its day."""
_QUALIFIED: Final = re.compile("[?~%]")
_GAPS: Final = re.compile("X-?[0-9]")
_PLAIN_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class Window(NamedTuple):
    """The days a query asks for, both ends included, as day numbers; BEGINNING or END if open."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Date:
    """An EDTF date with the bounds of its start and its end, in day numbers.

    The bounds are the earliest and latest possible start and the earliest and latest possible end,
    all inclusive; BEGINNING and END if there is none. `precision` is one of PRECISIONS. `uncertain`
    is set by any `?` or `%`, `approximate` by any `~` or `%`. The clocks are the stated times of
    day; a single date has the same at its start and its end.
    """

    edtf: str
    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int
    precision: str
    uncertain: bool
    approximate: bool
    start_clock: Clock | None = None
    end_clock: Clock | None = None

    @property
    def earliest(self) -> str | None:
        """Return the first possible day, ISO 8601; None if the start is open or unknown."""
        return iso_day(self.start_earliest)

    @property
    def latest(self) -> str | None:
        """Return the last possible day, ISO 8601; None if the end is open or unknown."""
        return iso_day(self.end_latest)

    @property
    def order_day(self) -> int:
        """Return the day number that orders the date on a timeline: its first, else its last."""
        return self.end_latest if self.start_earliest == BEGINNING else self.start_earliest

    @property
    def order_clock(self) -> int:
        """Return what orders it within its day: the seconds since midnight as stated, or NO_CLOCK.

        Zones do not count: the day, too, is as stated.
        """
        clock = self.end_clock if self.start_earliest == BEGINNING else self.start_clock
        return NO_CLOCK if clock is None else clock.seconds

    @property
    def label(self) -> str:
        """Return the date in words, British English: `November 2023`."""
        return format_date_label(self.edtf)

    def possible(self, window: Window) -> bool:
        """Return whether the date may overlap the window."""
        return self.start_earliest <= window.last and self.end_latest >= window.first

    def certain(self, window: Window) -> bool:
        """Return whether the date overlaps the window in any case; never with a `?`, `~` or `%`."""
        unqualified = not (self.uncertain or self.approximate)
        return (
            unqualified and self.start_latest <= window.last and self.end_earliest >= window.first
        )


def parse(text: str) -> Date:
    """Return the date of an EDTF text, ISO 8601-2 levels 0 to 2.

    Years run from -9999 to 9999, texts to 64 characters. Raise DateError, in words for people, for
    anything else, also for days that do not exist and for reversed intervals.
    """
    if not isinstance(text, str):
        raise DateError(f'A date is a text such as "2023-11-15", not {type(text).__name__}.')
    if len(text) > MAX_DATE_CHARACTERS:
        raise DateError(
            f"A date has at most {MAX_DATE_CHARACTERS} characters; this one has {len(text)}."
        )
    return _parse(text)


def parse_days(text: str) -> Date:
    """Return the date as `parse` does. Raise DateError also for times of day."""
    date = parse(text)
    if days := _without_times(text, lambda days: True):
        message = f"Only the date of an event has a time of day: write {days}."
        raise DateError(message, days)
    return date


def parse_window(text: str) -> Window:
    """Return the window of a query's date: from its first possible day to its last.

    The grammar is that of `parse_days`. Raise DateError also for sets, for `?`, `~` and `%`, and
    for digits behind an X, which leave gaps: no window can express them. It suggests none of these.
    """
    if days := _without_times(text, lambda days: _no_window(days) is None):
        message = f"Queries are in days and have no time of day: write {days}."
        raise DateError(message, days)
    if fault := _no_window(text):
        raise DateError(fault)
    try:
        date = parse(text)
    except DateError:
        if len(text) <= MAX_DATE_CHARACTERS and read_expression(text) is None:
            raise explain_mistake(text, lambda meant: _no_window(meant) is None) from None
        raise
    return Window(date.start_earliest, date.end_latest)


def write_window(window: Window) -> str:
    """Return the shortest expression for exactly these days; `parse_window` reads it back.

    Whole years and whole months are named as such: `2023`, `2023-01/2023-03`.
    """
    # A window from the first day of a year to the day before another is made of whole years.
    edges = iso_day(window.first), iso_day(window.last + 1)
    sizes = ((len("-01-01"), "-01-01"), (len("-01"), "-01"), (0, ""))
    cut = next(n for n, end in sizes if all(day is None or day.endswith(end) for day in edges))
    days = (iso_day(day) for day in window)
    return "/".join(dict.fromkeys(day[: len(day) - cut] if day else ".." for day in days))


def _without_times(text: str, allowed: Callable[[str], bool]) -> str | None:
    """Return what a text with times of day is without them, if that is an `allowed` date."""
    if len(text) > MAX_DATE_CHARACTERS or drop_times(text) == text:
        return None
    meant = text if read_expression(text) else explain_mistake(text).suggestion or text
    days = "/".join(dict.fromkeys(drop_times(meant).split("/")))
    if not allowed(days):
        return None
    with suppress(DateError):
        return parse(days).edtf
    return None


def _no_window(text: str) -> str | None:
    """Return why no window can express the text, whether it is a date or not; None if one can."""
    if text[:1] in ("[", "{"):
        return (
            "A query cannot ask for a set. Use an interval such as 2020/2021, or ask once for each"
            " member."
        )
    if _QUALIFIED.search(text):
        return (
            "A query's date cannot be uncertain or approximate. Leave out ?, ~ and %, or ask for an"
            " interval such as 2020/2021."
        )
    if drop_times(text) != text:
        return "Queries are in days and have no time of day. Write for example 2023-11-15."
    if _GAPS.search(text):
        return (
            "A query's date cannot have gaps: in it X stands for the last digits only, as in 202X,"
            " 2023-XX or 2023-11-XX. Ask once for each span that is meant."
        )
    return None


@lru_cache(maxsize=8192)
def _parse(text: str) -> Date:
    return _plain_day(text) or _any_date(text)


def _plain_day(text: str) -> Date | None:
    """Return the date of the commonest form, in a quarter of the time."""
    match = _PLAIN_DAY.fullmatch(text)
    if match is None:
        return None
    try:
        day = day_number(*map(int, match.groups()))
    except ValueError:
        return None
    return Date(text, day, day, day, day, "day", False, False)


def _any_date(text: str) -> Date:
    expression = _read(text)
    ends: tuple[object, object] = (expression, expression)
    if isinstance(expression, Interval):
        ends = (expression.start, expression.end)
    start_clock, end_clock = (end.clock if isinstance(end, Component) else None for end in ends)
    return Date(
        text,
        *find_bounds(expression),
        expression.precision,
        uncertain=any(date.uncertain for date in expression.components),
        approximate=any(date.approximate for date in expression.components),
        start_clock=start_clock,
        end_clock=end_clock,
    )


def _read(text: str) -> Expression:
    expression = read_expression(text)
    if expression is None:
        raise explain_mistake(text)
    return expression


@lru_cache(maxsize=8192)
def format_date_label(text: str, language: Language = ENGLISH) -> str:
    """Return the label of an EDTF text in a language. Raise DateError as `parse` does."""
    return format_label(_read(text), language)
