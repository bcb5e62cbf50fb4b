"""FullCalendar shows events of `/events` through the function of the recipe."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.recipes import Json, Readers

FULLCALENDAR = "fullcalendar@7.1.0"
YEARS = (2023, 2024, 2023, 2022, 2021, 2020)  # as one leafs through them

# Every bar of the calendar: its title, whether it is said to be exact, and the days it lies over.
BARS = """() => {
    const cells = [...document.querySelectorAll("[data-date]")].map((cell) => {
        const box = cell.getBoundingClientRect();
        return { day: cell.dataset.date, ...box.toJSON(), x: box.left + box.width / 2 };
    });
    return [...document.querySelectorAll(".exact, .imprecise")].map((bar) => {
        const { left, right, y } = bar.getBoundingClientRect();
        const row = cells.filter(({ top, bottom }) => top < y && y < bottom);
        const days = row.filter(({ x }) => left < x && x < right).map(({ day }) => day);
        return [bar.innerText.trim(), bar.classList.contains("exact"), days];
    });
}"""


@pytest.fixture(scope="module")
def calendar(readers: Readers) -> Iterator[Visit]:
    """The calendar, where the clock is behind UTC."""
    with readers.opened(
        "fullcalendar.html", FULLCALENDAR, timezone_id="America/Los_Angeles"
    ) as visit:
        yield visit


@pytest.fixture(scope="module")
def bars(readers: Readers, calendar: Visit) -> dict[str, tuple[bool, set[str]]]:
    """What the years of the chronology show: for each title, whether exact, and its days."""
    found: dict[str, tuple[bool, set[str]]] = {}
    for before, year in zip((None, *YEARS), YEARS, strict=False):
        if before is not None:
            calendar.page.get_by_role("button", name="Next" if year > before else "Prev").click()
        calendar.page.get_by_text(landmark(readers, year)).first.wait_for()
        for title, exact, days in calendar.page.evaluate(BARS):
            found.setdefault(title, (exact, set()))[1].update(days)
    return found


def closed(readers: Readers) -> list[Json]:
    """The events with a first and a last day."""
    return [e for e in readers.events() if e["date"]["earliest"] and e["date"]["latest"]]


def landmark(readers: Readers, year: int) -> str:
    """The title of an event that no other year shows, so that this one is drawn once it is seen."""
    within = (e for e in closed(readers) if e["date"]["earliest"][:4] == e["date"]["latest"][:4])
    return next(str(e["title"]) for e in within if e["date"]["earliest"][:4] == str(year))


def test_every_event_with_both_days_covers_them(
    readers: Readers, bars: dict[str, tuple[bool, set[str]]]
) -> None:
    """From the first to the last, not a day more; what is open at a side is left out."""
    ends = {title: (min(days), max(days)) for title, (_, days) in bars.items()}
    dates = {event["title"]: event["date"] for event in closed(readers)}
    assert ends == {title: (date["earliest"], date["latest"]) for title, date in dates.items()}


def test_what_is_not_one_known_day_looks_different(
    readers: Readers, bars: dict[str, tuple[bool, set[str]]]
) -> None:
    """By its class."""
    dates = {event["title"]: event["date"] for event in closed(readers)}
    assert {title for title, (exact, _) in bars.items() if exact} == {
        title for title, date in dates.items() if date["precision"] == "day"
    }


def test_it_does_no_harm(readers: Readers, calendar: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(calendar) == []
