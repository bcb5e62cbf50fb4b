"""Imprecise dates: EDTF text to bounds in days, and back to words."""

from app.dates.date import (
    NO_CLOCK,
    Date,
    Window,
    format_date_label,
    parse,
    parse_days,
    parse_window,
    write_window,
)
from app.dates.days import BEGINNING, END, FIRST_DAY, LAST_DAY, day_number, from_day_number, iso_day
from app.dates.grammar import MAX_DATE_CHARACTERS, PRECISIONS, Clock, DateError

__all__ = [
    "BEGINNING",
    "END",
    "FIRST_DAY",
    "LAST_DAY",
    "MAX_DATE_CHARACTERS",
    "NO_CLOCK",
    "PRECISIONS",
    "Clock",
    "Date",
    "DateError",
    "Window",
    "day_number",
    "format_date_label",
    "from_day_number",
    "iso_day",
    "parse",
    "parse_days",
    "parse_window",
    "write_window",
]
