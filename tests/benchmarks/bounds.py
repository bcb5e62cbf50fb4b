"""What the dates of `generated` mean, in days, written apart from the application."""

from calendar import monthrange
from datetime import date
from typing import NamedTuple

BEGINNING, END = -5_000_000, 5_000_000  # of time, as in `dates.model`


class Bounds(NamedTuple):
    """The first and the last day of beginning and end, and whether the date bears no mark."""

    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int
    sure: bool

    @property
    def order_day(self) -> int:
        """The day that places it in the timeline."""
        return self.end_latest if self.start_earliest == BEGINNING else self.start_earliest


def days(text: str) -> tuple[int, int]:
    """First and last day of a year, a month or a day."""
    parts = [int(part) for part in text.split("-")]
    first, last = (*parts, 1, 1)[:3], (*parts, 12, 31)[:3]
    if len(parts) == 2:
        last = (*parts, monthrange(*parts)[1])
    return date(*first).toordinal(), date(*last).toordinal()


def bounds(edtf: str) -> Bounds:
    """The bounds of a date of `generated`, or of a window."""
    text = edtf.rstrip("?~")
    if text.startswith("[.."):
        last = days(text[3:-1])[1]
        return Bounds(BEGINNING, last, BEGINNING, last, True)
    if "/" not in text:
        first, last = days(text)
        return Bounds(first, last, first, last, text == edtf)
    start, end = text.split("/")
    first, start_latest = (BEGINNING, BEGINNING) if start == ".." else days(start)
    end_earliest, last = (END, END) if end == ".." else days(end)
    return Bounds(first, min(start_latest, last), max(end_earliest, first), last, True)
