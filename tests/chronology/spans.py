"""Calendar spans, found by walking the calendar that `dates.model` counted out."""

from bisect import bisect_right
from collections.abc import Iterator

from dates.model import NEW_MONTHS

MONTHS = sorted(NEW_MONTHS)  # year and month
STARTS = [NEW_MONTHS[month] for month in MONTHS]
INTERVALS = {"year": 12, "quarter": 3, "month": 1, "week": 0, "day": 0}  # in months
MOST = 5000


def written(day: int) -> str:
    """A day as ISO 8601 has it."""
    month = bisect_right(STARTS, day) - 1
    year, number = MONTHS[month]
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{number:02d}-{day - STARTS[month] + 1:02d}"


def spans(interval: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """First and last day of every span from the one that holds `first` to that of `last`."""
    if size := INTERVALS[interval]:
        at = bisect_right(STARTS, first) - 1
        at -= (MONTHS[at][1] - 1) % size
        while STARTS[at] <= last:
            yield STARTS[at], STARTS[at + size] - 1
            at += size
    else:
        length = 7 if interval == "week" else 1
        start = first - (first - 1) % length  # day 1, 0001-01-01, was a Monday
        for day in range(start, last + 1, length):
            yield day, day + length - 1
