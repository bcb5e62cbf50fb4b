"""JSON Feed 1.1, member by member as https://www.jsonfeed.org/version/1.1/ has them."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.foreign import assert_harmless, is_web
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to

OF_FEED = {"version", "title", "home_page_url", "feed_url", "authors", "items"}
OF_ITEM = {
    *("id", "url", "external_url", "title", "content_html", "summary", "date_published"),
    *("date_modified", "tags", "image", "attachments", "_dateline"),
}


def read(*events: Json) -> Json:
    """The feed that these events make; it has no members but those of the specification."""
    found: Json = json.loads(file_of("jsonfeed", events))
    assert found.keys() == OF_FEED
    assert [item.keys() - OF_ITEM for item in found["items"]] == [set()] * len(events)
    return found


def only(**members: Any) -> Json:
    """The item of an event."""
    (found,) = read(event(**members))["items"]
    return dict(found)


def test_a_feed_says_what_it_is() -> None:
    """Its version, title and author, its own address and the page for people."""
    found = read()
    assert found["items"] == []
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert (found["title"], found["authors"][0]["name"]) == (ABOUT.title, ABOUT.title)
    assert found["feed_url"] == ABOUT.address
    assert found["home_page_url"] == f"{ABOUT.base}/?type=contract&q=a+%22b%22"


@given(st.lists(EVENTS, max_size=2))
def test_every_event_is_an_item(events: list[Json]) -> None:
    """In the order they come; texts are texts, times are times, addresses those of the web."""
    items = read(*events)["items"]
    assert [item["id"] for item in items] == [ABOUT.urn_of("events", e["id"]) for e in events]
    for item, known in zip(items, events, strict=True):
        assert item["title"] == known["title"]
        assert item["_dateline"]["date"] == known["date"]
        assert item["tags"] == list(
            dict.fromkeys([ABOUT.type_label(known["type"]), *known["tags"]])
        )
        assert datetime.fromisoformat(item["date_modified"]).tzinfo
        assert is_web(item["url"])
        assert is_web(item.get("external_url", ABOUT.base))
        assert_harmless(item["content_html"])


def test_an_item_says_when_it_happened_and_who_said_so() -> None:
    """In its text, for its own dates are those of the edits."""
    item = only(
        summary="More.",
        date=date("[..2024-02-06]", None),
        sources=[source(publisher="Desk"), source(title="Gas", url="https://example.org/a")],
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-02T00:00:00Z",
    )
    assert item["summary"] == "by 6 February 2024: More."
    page = assert_harmless(item["content_html"])
    assert page.of("p") == ["by 6 February 2024", "More."]
    assert page.of("li") == ["Desk", "unknown publisher, Gas"]
    assert (item["date_published"], item["date_modified"]) == (
        *("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    )
    assert item["external_url"] == "https://example.org/a"  # the first that can be read


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """To the letter, and its HTML does nothing."""
    (item,) = read(full_of(text))["items"]
    assert item["title"] == f"x{text}x"
    page = assert_harmless(item["content_html"])
    assert page.of("p")[1] == f"x{text}x".replace("\n", "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_link_leads_anywhere_but_to_the_web(address: str) -> None:
    """Neither of the item nor in its text."""
    (item,) = read(linked_to(address))["items"]
    assert "external_url" not in item
    assert assert_harmless(item["content_html"]).of("li") == ["Desk"]
