"""FullCalendar subscribes to `/events.ics` with its iCalendar plugin."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.calendars import Shown, leafed_through
from readers.recipes import Readers

# The plugin is not there for FullCalendar 7 yet.
LIBRARIES = (
    *(f"@fullcalendar/{part}@6.1.21" for part in ("core", "daygrid", "icalendar")),
    "ical.js@1.5.0",
)


@pytest.fixture(scope="module")
def calendar(readers: Readers) -> Iterator[Visit]:
    """The calendar, where the clock is behind UTC."""
    with readers.opened(
        "fullcalendar-ics.html", *LIBRARIES, timezone_id="America/Los_Angeles"
    ) as visit:
        yield visit


@pytest.fixture(scope="module")
def shown(readers: Readers, calendar: Visit) -> Shown:
    """What the years of the chronology show."""
    return leafed_through(readers, calendar, ".fc-event")


def test_every_event_covers_its_days(readers: Readers, shown: Shown) -> None:
    """From the first to the last; where one is open or unknown, the other alone."""
    dates = {event["title"]: event["date"] for event in readers.events()}
    ends = {
        title: [day for day in (d["earliest"], d["latest"]) if day] for title, d in dates.items()
    }
    expected = {t: (days[0], days[-1]) for t, days in ends.items() if days and days[0] >= "2020"}
    # Behind a title may stand, in parentheses, what is known of the date.
    found = {
        next(title for title in dates if text.startswith(title)): (min(days), max(days))
        for text, (_, days) in shown.items()
    }
    assert found == expected


def test_it_does_no_harm(readers: Readers, calendar: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(calendar) == []
