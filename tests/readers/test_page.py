"""A page of one's own: the module that every recipe stands on, and the smallest page."""

from collections.abc import Iterator

import pytest

from browser import Visit
from readers.recipes import Readers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(readers: Readers) -> Iterator[Visit]:
    """The list, complete, read where the clock is behind UTC."""
    with readers.opened("page.html", timezone_id="America/Los_Angeles") as visit:
        visit.page.locator("li").nth(len(readers.events()) - 1).wait_for()
        yield visit


def test_every_event_is_listed(readers: Readers, page: Visit) -> None:
    """In timeline order, with its label, as text."""
    expected = [f"{event['date']['label']}: {event['title']}" for event in readers.events()]
    assert page.page.locator("li").all_inner_texts() == expected


def test_pages_are_followed(readers: Readers, page: Visit) -> None:
    """`events` gives them all, however few come at once."""
    found = page.page.evaluate(
        """async (address) => {
            const { events } = await import("./dateline.js");
            return (await Array.fromAsync(events(address))).map((event) => event.id);
        }""",
        f"{readers.server.url}/events?limit=7&fields=id",
    )
    assert found == [event["id"] for event in readers.events()]


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("2023-12-31", 1, "2024-01-01T00:00:00.000Z"),
        ("2024-02-28", 0, "2024-02-28T00:00:00.000Z"),
        ("0000-12-31", 1, "0001-01-01T00:00:00.000Z"),
        ("-0044-03-15", 0, "-000044-03-15T00:00:00.000Z"),
    ],
)
def test_a_day_is_a_date_in_utc(page: Visit, text: str, after: int, expected: str) -> None:
    """Wherever the reader sits, and before Christ too."""
    found = page.page.evaluate(
        """async ([text, after]) => {
            const { day } = await import("./dateline.js");
            return day(text, after).toISOString();
        }""",
        [text, after],
    )
    assert found == expected


def test_an_error_says_what_is_wrong(readers: Readers, page: Visit) -> None:
    """A misspelt filter is not an empty list."""
    found = page.page.evaluate(
        """async (address) => {
            const { events } = await import("./dateline.js");
            return events(address).next().catch((error) => error.message);
        }""",
        f"{readers.server.url}/events?tpye=contract",
    )
    page.complaints.clear()  # the browser's note of that 422
    assert found == "Not accepted: tpye."


def test_it_does_no_harm(readers: Readers, page: Visit) -> None:
    """No hostile text runs, no third host is asked, the browser complains of nothing."""
    assert readers.complaints_of(page) == []
