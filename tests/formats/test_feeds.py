"""Feeds: Atom (RFC 4287) and JSON Feed 1.1, for those who want to hear of corrections."""

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.documents import ABOUT, EVENTS, Json, event, file_of, source
from formats.read_back import Shown, entries

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "</content><script>alert(1)</script>]]>&\x00\x0b\x1b\ufffe"


def item(**members: Any) -> Json:
    """The item that JSON Feed makes of one event."""
    (found,) = json.loads(file_of("jsonfeed", [event(**members)]))["items"]
    return dict(found)


def test_atom_has_what_a_feed_needs() -> None:
    """Section 4.1.1: id, title, updated, author, and a link to itself."""
    root = ElementTree.fromstring(file_of("atom", [event()]))
    told = {child.tag.removeprefix(ATOM): child.text for child in root}
    assert told["id"] == ABOUT.address
    assert told["title"] == ABOUT.title
    assert told["updated"] == ABOUT.updated
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": ABOUT.address, "alternate": ABOUT.page}
    assert root.find(f"{ATOM}author/{ATOM}name") is not None


def test_an_empty_feed_is_a_feed() -> None:
    """It still says when it was updated, which it must."""
    root = ElementTree.fromstring(file_of("atom", [], replace(ABOUT, updated=None)))
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_an_entry_has_what_it_needs() -> None:
    """Section 4.1.2: id, title, updated; its sources as `via`, its type and tags as categories."""
    cited = [source(publisher="Example News", url="https://example.org/gas"), source(url=None)]
    told = event(sources=cited, tags=["natural gas"], updated_at="2026-02-03T04:05:06Z")
    (entry,) = entries(file_of("atom", [told]))
    assert entry.id == "https://chronology.example.org/gas/events/gas-contract"
    assert (entry.title, entry.updated) == ("Gas contract", "2026-02-03T04:05:06Z")
    assert [link.href for link in entry.links if link.rel == "via"] == ["https://example.org/gas"]
    assert [tag.term for tag in entry.tags] == ["contract", "natural gas"]
    assert "November 2023" in entry.summary
    assert "Example News" in entry.content[0].value


def test_json_feed_has_what_it_needs() -> None:
    """Version, title and addresses; an item's id, page, text and dates."""
    feed = json.loads(file_of("jsonfeed", [event()]))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["title"], feed["feed_url"]) == (ABOUT.title, ABOUT.address)
    found = item(sources=[source(publisher="Example News", url="https://example.org/gas")])
    assert found["url"] == "https://chronology.example.org/gas/?event=gas-contract"
    assert found["external_url"] == "https://example.org/gas"
    assert found["_dateline"]["date"]["edtf"] == "2023-11"
    assert "Example News" in found["content_html"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", " https://a", "ftp://a"]
)
def test_only_the_web_is_linked(url: str) -> None:
    """Nothing that runs, or that no reader follows."""
    told = event(sources=[source(publisher="Example News", url=url)])
    assert "external_url" not in item(sources=told["sources"])
    assert Shown(item(sources=told["sources"])["content_html"]).links == []
    (entry,) = entries(file_of("atom", [told]))
    assert [link for link in entry.links if link.rel == "via"] == []


def test_hostile_text_is_text() -> None:
    """Well-formed XML without the characters that it cannot hold; HTML in which nothing runs."""
    told = event(title=HOSTILE, summary=HOSTILE, sources=[source(publisher=HOSTILE)])
    root = ElementTree.fromstring(file_of("atom", [told]))
    content = str(root.findtext(f"{ATOM}entry/{ATOM}content"))
    for html in (content, item(**told)["content_html"]):
        assert Shown(html).running == []
        assert "alert(1)" in "".join(Shown(html).texts)


@given(st.lists(EVENTS, max_size=4))
def test_any_events_make_a_feed(events: list[Json]) -> None:
    """Well-formed, with as many entries."""
    root = ElementTree.fromstring(file_of("atom", events))
    titles = [entry.findtext(f"{ATOM}title") for entry in root.findall(f"{ATOM}entry")]
    assert len(titles) == len(events)
    items = json.loads(file_of("jsonfeed", events))["items"]
    assert [found["title"] for found in items] == [told["title"] for told in events]
