"""The timeline on other pages: the component and the plain frame of the recipes."""

import pytest

from readers.recipes import Readers

pytestmark = pytest.mark.slow


@pytest.fixture
def contracts(readers: Readers) -> list[str]:
    """The titles that the embedded timeline is to show."""
    found = readers.server.ask("/events?type=contract&fields=title").json()["items"]
    return [event["title"] for event in found]


@pytest.mark.parametrize("page", ["embed.html", "iframe.html"])
def test_an_embedded_timeline_shows_what_its_filter_finds(
    readers: Readers, contracts: list[str], page: str
) -> None:
    """Every event and no other, and nothing is asked of a third host."""
    with readers.opened(page) as visit:
        frame = visit.page.locator("iframe").content_frame
        for title in contracts:
            frame.get_by_text(title).filter(visible=True).first.wait_for()
        assert frame.get_by_text("Aliyev returned to Belgrade").count() == 0
        assert readers.complaints_of(visit) == []


def test_the_component_is_as_high_as_its_events(readers: Readers) -> None:
    """No bar to scroll inside the page, up to the height that is the most."""
    with readers.opened("embed.html") as visit:
        frame = visit.page.locator("date-line iframe")
        frame.content_frame.locator("body").wait_for()
        visit.page.wait_for_function(
            "document.querySelector('date-line').shadowRoot.querySelector('iframe').style.blockSize"
        )
        inside = frame.content_frame.locator("html").evaluate("(html) => html.scrollHeight")
        box = frame.bounding_box()
        assert box
        assert box["height"] >= min(inside, 640)


def test_the_page_lends_the_component_its_colour(readers: Readers) -> None:
    """By a variable of its style sheet."""
    with readers.opened("embed.html") as visit:
        frame = visit.page.locator("date-line iframe").content_frame
        frame.locator("html[style*='--dateline-accent: #b5451b']").wait_for(state="attached")


def test_a_plain_frame_grows_where_the_script_is_loaded(readers: Readers) -> None:
    """With its timeline, which is longer than the height that the page gives it."""
    with readers.opened("iframe.html") as visit:
        frame = visit.page.locator("iframe")
        visit.page.add_script_tag(url=f"{readers.server.url}/embed.js", type="module")
        visit.page.wait_for_function("!!customElements.get('date-line')")
        frame.evaluate("(frame) => { frame.src = frame.src; }")  # as if it had come second
        visit.page.wait_for_function("document.querySelector('iframe').style.blockSize")
        box = frame.bounding_box()
        assert box
        assert box["height"] > 480
