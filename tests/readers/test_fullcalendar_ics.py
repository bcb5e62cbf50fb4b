"""FullCalendar subscribes to `/events.ics` with its iCalendar plugin."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.calendars import Shown, leafed_through
from readers.recipes import Readers

pytestmark = pytest.mark.slow

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
    """All those between both of its days; where one is open, the other alone."""
    found = {}
    for event in readers.events():
        days = [
            day for text, (_, d) in shown.items() if text.startswith(event["title"]) for day in d
        ]
        if days:
            found[event["title"]] = (min(days), max(days))
    expected = {}
    for event in readers.events():
        ends = [day for day in (event["date"]["earliest"], event["date"]["latest"]) if day]
        if ends and ends[0][:4] >= "2020":  # the years leafed through
            expected[event["title"]] = (ends[0], ends[-1])
    assert found == expected


def test_it_does_no_harm(readers: Readers, calendar: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(calendar) == []
