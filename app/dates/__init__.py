"""Imprecise dates: EDTF text to bounds in days, and back to words."""

from app.dates.date import Date, Window, format_date_label, parse, parse_window, write_window
from app.dates.days import BEGINNING, END, FIRST_DAY, LAST_DAY, day_number, from_day_number, iso_day
from app.dates.grammar import MAX_DATE_CHARACTERS, PRECISIONS, DateError

__all__ = [
    "BEGINNING",
    "END",
    "FIRST_DAY",
    "LAST_DAY",
    "MAX_DATE_CHARACTERS",
    "PRECISIONS",
    "Date",
    "DateError",
    "Window",
    "day_number",
    "format_date_label",
    "from_day_number",
    "iso_day",
    "parse",
    "parse_window",
    "write_window",
]
