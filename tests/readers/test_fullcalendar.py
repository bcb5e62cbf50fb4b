"""FullCalendar shows events of `/events` through the function of the recipe."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.calendars import Shown, closed, leafed_through
from readers.recipes import Readers

pytestmark = pytest.mark.slow

FULLCALENDAR = "fullcalendar@7.1.0"


@pytest.fixture(scope="module")
def calendar(readers: Readers) -> Iterator[Visit]:
    """The calendar, where the clock is behind UTC."""
    with readers.opened(
        "fullcalendar.html", FULLCALENDAR, timezone_id="America/Los_Angeles"
    ) as visit:
        yield visit


@pytest.fixture(scope="module")
def shown(readers: Readers, calendar: Visit) -> Shown:
    """What the years of the chronology show."""
    return leafed_through(readers, calendar, ".exact, .imprecise")


def test_every_event_with_both_days_covers_them(readers: Readers, shown: Shown) -> None:
    """From the first to the last, not a day more; what is open at a side is left out."""
    assert {title: (min(days), max(days)) for title, (_, days) in shown.items()} == {
        event["title"]: (event["date"]["earliest"], event["date"]["latest"])
        for event in closed(readers)
    }


def test_what_is_not_one_known_day_looks_different(readers: Readers, shown: Shown) -> None:
    """By its class."""
    days = {e["title"] for e in closed(readers) if e["date"]["precision"] == "day"}
    assert {title for title, (exact, _) in shown.items() if exact} == days


def test_it_does_no_harm(readers: Readers, calendar: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(calendar) == []
