"""Calendar spans, found by walking the calendar that `dates.model` counted out."""

from bisect import bisect_right
from collections.abc import Iterator

from dates.model import LAST_DAY, NEW_MONTHS

MONTHS = sorted(NEW_MONTHS)  # year and month
STARTS = [NEW_MONTHS[month] for month in MONTHS]
INTERVALS = {  # in months, the coarsest first
    "millennium": 12_000,
    "century": 1200,
    "decade": 120,
    "year": 12,
    "quarter": 3,
    "month": 1,
    "week": 0,
    "day": 0,
}
MOST = 5000


def written(day: int) -> str:
    """A day as ISO 8601 has it."""
    month = bisect_right(STARTS, day) - 1
    year, number = MONTHS[month]
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{number:02d}-{day - STARTS[month] + 1:02d}"


def _month(number: int) -> int:
    """The first day of a month, by how many it is behind January of the year 0."""
    year, month = divmod(number, 12)
    if year < -9999:
        return NEW_MONTHS[-9999, 1]
    return NEW_MONTHS[year, month + 1] if year <= 9999 else LAST_DAY + 1


def spans(interval: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """First and last day of every span from the one that holds `first` to that of `last`.

    Of a span at the edge of the calendar as much as there is.
    """
    if size := INTERVALS[interval]:
        year, month = MONTHS[bisect_right(STARTS, first) - 1]
        begin = (12 * year + month - 1) // size * size  # months since January of the year 0
        while (start := _month(begin)) <= last:
            yield start, _month(begin + size) - 1
            begin += size
    else:
        length = 7 if interval == "week" else 1
        start = first - (first - 1) % length  # day 1, 0001-01-01, was a Monday
        for day in range(start, last + 1, length):
            yield day, day + length - 1
