"""TimelineJS 3 itself reads `/events.timelinejs`."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.recipes import Json, Readers

pytestmark = pytest.mark.slow

TIMELINEJS = "@knight-lab/timelinejs@3.9.11"


@pytest.fixture(scope="module")
def timeline(readers: Readers) -> Iterator[Visit]:
    """The timeline, drawn."""
    with readers.opened("timelinejs.html", TIMELINEJS) as visit:
        visit.page.wait_for_function("timeline.ready")
        yield visit


def dated(readers: Readers) -> list[Json]:
    """The events with a first or a last day."""
    return [e for e in readers.events() if e["date"]["earliest"] or e["date"]["latest"]]


def test_every_event_with_a_day_is_read(readers: Readers, timeline: Visit) -> None:
    """Under its own id, in timeline order."""
    found = timeline.page.evaluate("timeline.config.events.map((event) => event.unique_id)")
    assert found == [event["id"] for event in dated(readers)]


def test_every_slide_shows_its_title_and_its_date(readers: Readers, timeline: Visit) -> None:
    """Titles as text, and dates in the event's own words: "by 11 October 2021"."""
    slides = timeline.page.locator(".tl-slide")
    found = zip(
        slides.locator(".tl-headline").all_inner_texts(),
        slides.locator(".tl-headline-date").all_inner_texts(),
        strict=True,
    )
    shown = sorted((title.strip(), label.strip()) for title, label in found)
    assert shown == sorted((event["title"], event["date"]["label"]) for event in dated(readers))


def test_every_event_has_a_marker(readers: Readers, timeline: Visit) -> None:
    """On the time line below the slides."""
    markers = timeline.page.locator(".tl-timemarker .tl-headline").all_text_contents()
    assert sorted(map(str.strip, markers)) == sorted(event["title"] for event in dated(readers))


def test_it_does_no_harm(readers: Readers, timeline: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(timeline) == []
