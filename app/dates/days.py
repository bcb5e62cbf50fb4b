"""Days as numbers in the proleptic Gregorian calendar."""

import calendar
from datetime import date
from typing import Final

BEGINNING: Final = -10_000_000
"""The day number that stands for "no beginning"; every real day is greater."""
END: Final = 10_000_000
"""The day number that stands for "no end"; every real day is smaller."""

MONTHS: Final = tuple(calendar.month_name)[1:]

# The calendar repeats every 400 years, so any year can borrow one that `datetime.date` knows.
_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_number(year: int, month: int, day: int) -> int:
    """Return the number of a day; 0001-01-01 is 1, as in `date.toordinal`.

    Years are astronomical (0 is 1 BC) and may be any integer. Raise ValueError for a day that does
    not exist.
    """
    cycles, rest = divmod(year - 1, _CYCLE_YEARS)
    return date(rest + 1, month, day).toordinal() + cycles * _CYCLE_DAYS


def from_day_number(number: int) -> tuple[int, int, int]:
    """Return year, month and day of a day number: the inverse of `day_number`."""
    cycles, rest = divmod(number - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    return day.year + cycles * _CYCLE_YEARS, day.month, day.day


def iso_day(number: int) -> str | None:
    """Return a day number as `2023-11-15` or `-0043-03-15`; None for BEGINNING and END."""
    if not BEGINNING < number < END:
        return None
    year, month, day = from_day_number(number)
    return f"{year:0{5 if year < 0 else 4}d}-{month:02d}-{day:02d}"


def month_length(year: int, month: int) -> int:
    """Return how many days a month (1..12) has in an astronomical year."""
    return 29 if month == 2 and calendar.isleap(year) else _LENGTHS[month - 1]


FIRST_DAY: Final = day_number(-9999, 1, 1)
"""The first day that a date can name."""
LAST_DAY: Final = day_number(9999, 12, 31)
"""The last day that a date can name."""
