"""vis-timeline shows events of `/events` through the function of the recipe."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.recipes import Readers

pytestmark = pytest.mark.slow

VIS = ("vis-timeline@8.5.4", "vis-data@8.0.6")

# Every item: its text, whether it is a point, and whether it reaches the window's edges.
ITEMS = """() => {
    const edge = document.querySelector(".vis-panel.vis-center").getBoundingClientRect();
    return [...document.querySelectorAll(".vis-item:not(.vis-dot)")].map((item) => {
        const { left, right } = item.getBoundingClientRect();
        const point = item.classList.contains("vis-point");
        return [item.innerText, point, left <= edge.left + 1, !point && right >= edge.right - 1];
    });
}"""


@pytest.fixture(scope="module")
def timeline(readers: Readers) -> Iterator[Visit]:
    """The timeline, drawn."""
    with readers.opened("vis-timeline.html", *VIS) as visit:
        visit.page.locator(".vis-item").first.wait_for()
        yield visit


def test_every_event_is_drawn_as_long_as_it_is_known(readers: Readers, timeline: Visit) -> None:
    """A point for a day, a range for more, and to the window's edge where it is open."""
    dates = [(event["title"], event["date"]) for event in readers.events()]
    assert sorted(timeline.page.evaluate(ITEMS)) == sorted(
        [
            title,
            date["precision"] == "day",
            date["earliest"] is None,
            date["latest"] is None,
        ]
        for title, date in dates
    )


def test_what_is_not_one_known_day_looks_different(readers: Readers, timeline: Visit) -> None:
    """By its class."""
    shown = timeline.page.locator(".vis-item.exact:not(.vis-dot)").all_inner_texts()
    days = [e["title"] for e in readers.events() if e["date"]["precision"] == "day"]
    assert sorted(shown) == sorted(days)


def test_it_does_no_harm(readers: Readers, timeline: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(timeline) == []
