"""iCalendar (RFC 5545): a calendar to subscribe to, and calendars of others to read."""

from app.formats.ics.reading import read_ics
from app.formats.ics.writing import write_ics

__all__ = ["read_ics", "write_ics"]
