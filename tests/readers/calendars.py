"""What a calendar of FullCalendar's shows when one leafs through the years of the chronology."""

from browser import Visit
from readers.recipes import Json, Readers

YEARS = (2023, 2024, 2023, 2022, 2021, 2020)  # as one leafs through them

# Every bar of the calendar: its text, whether it is said to be exact, and the days it lies over.
BARS = """(bars) => {
    const cells = [...document.querySelectorAll("[data-date]")].map((cell) => {
        const box = cell.getBoundingClientRect();
        return { day: cell.dataset.date, ...box.toJSON(), x: box.left + box.width / 2 };
    });
    return [...document.querySelectorAll(bars)].map((bar) => {
        const { left, right, y } = bar.getBoundingClientRect();
        const row = cells.filter(({ top, bottom }) => top < y && y < bottom);
        const days = row.filter(({ x }) => left < x && x < right).map(({ day }) => day);
        return [bar.innerText.trim(), bar.classList.contains("exact"), days];
    });
}"""

Shown = dict[str, tuple[bool, set[str]]]


def closed(readers: Readers) -> list[Json]:
    """The events with a first and a last day."""
    return [e for e in readers.events() if e["date"]["earliest"] and e["date"]["latest"]]


def leafed_through(readers: Readers, calendar: Visit, bars: str) -> Shown:
    """For each text on a bar (a selector): whether it is said to be exact, and its days."""
    found: Shown = {}
    for before, year in zip((YEARS[0], *YEARS), YEARS, strict=False):
        if year != before:
            calendar.page.get_by_role("button", name="Next" if year > before else "Prev").click()
        calendar.page.get_by_text(_landmark(readers, year)).first.wait_for()
        for text, exact, days in calendar.page.evaluate(BARS, bars):
            found.setdefault(text, (exact, set()))[1].update(days)
    return found


def _landmark(readers: Readers, year: int) -> str:
    """The title of an event that no other year shows: once it is seen, the year is drawn."""
    return next(
        str(event["title"])
        for event in closed(readers)
        if {event["date"]["earliest"][:4], event["date"]["latest"][:4]} == {str(year)}
    )
