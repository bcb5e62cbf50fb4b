"""Atom, as feedparser and an XML parser read it: what a feed reader learns of the last edits."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.prose import replace_unfit
from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.foreign import ATOM, assert_harmless, feed, is_web
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to


def only(**members: Any) -> Any:
    """The entry of an event."""
    (found,) = feed(file_of("atom", [event(**members)])).entries
    return found


def links(entry: Any, relation: str) -> list[str]:
    """The addresses of an entry with a relation."""
    return [link.href for link in entry.links if link.rel == relation]


def test_a_feed_says_what_it_is() -> None:
    """Title, author, own address, the page for people, and when an event of it was last edited."""
    found = feed(file_of("atom", [event()])).feed
    assert (found.title, found.author) == (ABOUT.title, ABOUT.title)
    assert found.id == ABOUT.urn
    assert links(found, "self") == [ABOUT.address]
    assert links(found, "alternate") == [f"{ABOUT.base}/?type=contract&q=a+%22b%22"]
    assert found.updated == ABOUT.updated


def test_no_events_are_a_feed_too() -> None:
    """Which has to have been updated at some time (RFC 4287 section 4.1.1)."""
    found = feed(file_of("atom", [], replace(ABOUT, updated=None)))
    assert found.entries == []
    assert found.feed.updated_parsed


@given(st.lists(EVENTS, max_size=2, unique_by=lambda known: known["id"]))
def test_every_event_is_an_entry_of_its_own(events: list[Json]) -> None:
    """In the order they come, each under its permanent name; all that has to be there is."""
    file = file_of("atom", events)
    entries = ElementTree.fromstring(file).findall(f"{ATOM}entry")
    ids = [str(entry.findtext(f"{ATOM}id")) for entry in entries]
    assert ids == [ABOUT.urn_of("events", known["id"]) for known in events]
    for entry, known in zip(entries, events, strict=True):
        assert entry.findtext(f"{ATOM}title") == replace_unfit(known["title"])
        assert entry.findtext(f"{ATOM}updated") == known["updated_at"]
        assert entry.findtext(f"{ATOM}published") == known["created_at"]
    for found in feed(file).entries:
        assert_harmless(found.content[0].value)


def test_the_id_of_an_entry_stays() -> None:
    """Whatever is edited, and whatever the filter."""
    about = replace(ABOUT, address=f"{ABOUT.base}/events.atom")
    (again,) = feed(file_of("atom", [event(version=7, title="Another")], about)).entries
    assert again.id == only().id


def test_an_entry_says_when_it_happened_and_who_said_so() -> None:
    """In its text, for its own date is that of the edit."""
    sources = [
        source(publisher="Desk", published="2023-11-15", url="https://example.org/a?b=1&c=2"),
        source(title="Gas", role="context"),
        source(published="2023-12-13"),
    ]
    entry = only(
        summary="More, in\nshort.",
        date=date("2023-11", "in November"),
        status="planned",
        sources=sources,
        tags=["energy"],
    )
    assert entry.summary == "November 2023 (“in November”), planned: More, in\nshort."
    page = assert_harmless(entry.content[0].value)
    assert page.of("p") == ["November 2023 (“in November”), planned", "More, inshort."]
    assert page.of("li") == [
        "Desk, 15 November 2023",
        "unknown publisher, Gas (context)",
        "unknown publisher, 13 December 2023",
    ]
    assert links(entry, "via") == ["https://example.org/a?b=1&c=2"]
    assert links(entry, "alternate") == [
        f"{ABOUT.base}/?event=gas-contract",
        f"{ABOUT.base}/events/gas-contract",
    ]
    assert [tag.term for tag in entry.tags] == ["contract", "energy"]


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """Well-formed XML with the text to the letter, and HTML in it that does nothing."""
    file = file_of("atom", [full_of(text)], replace(ABOUT, title=f"x{text}x"))
    assert len(feed(file).entries) == 1
    root = ElementTree.fromstring(file)
    assert root.findtext(f"{ATOM}title") == f"x{replace_unfit(text)}x"
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == f"x{replace_unfit(text)}x"
    page = assert_harmless(str(root.findtext(f"{ATOM}entry/{ATOM}content")))
    assert page.of("p")[1] == f"x{replace_unfit(text)}x".replace("\n", "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_link_leads_anywhere_but_to_the_web(address: str) -> None:
    """Neither of the entry nor in its text."""
    (entry,) = feed(file_of("atom", [linked_to(address)])).entries
    assert [link.href for link in entry.links if not is_web(link.href)] == []
    assert links(entry, "via") == []
    assert assert_harmless(entry.content[0].value).of("li") == ["Desk"]
