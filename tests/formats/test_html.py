"""HTML, as an HTML parser reads it: a document that holds every event and needs nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.html import format_amount, mark_shape
from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.foreign import Page, assert_harmless, ids_in
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to


def page(*events: Json) -> Page:
    """The document that these events make; it is harmless."""
    return assert_harmless(file_of("html", events).decode())


def only(**members: Any) -> Page:
    """The document of an event."""
    return page(event(**members))


def test_a_document_says_what_it_is() -> None:
    """Its title, its language and its encoding, and the page that it was taken from."""
    found = page()
    assert file_of("html", []).lstrip().startswith(b"<!doctype html>\n")
    assert (found.of("title"), found.of("h1")) == ([ABOUT.title], [ABOUT.title])
    assert (found.values("lang"), found.values("charset")) == (["en"], ["utf-8"])
    assert found.values("href") == [f"{ABOUT.base}/?type=contract&q=a+%22b%22"]


@given(st.lists(EVENTS, max_size=2))
def test_every_event_stands_there(events: list[Json]) -> None:
    """In the order they come, with its date in words, its title, and what else it says."""
    found = page(*events)
    assert ids_in("html", file_of("html", events)) == [known["id"] for known in events]
    assert found.of("p", "when") == [known["date"]["label"] for known in events]
    assert found.of("h2") == [known["title"] for known in events]
    assert found.of("p", "summary") == [e["summary"] for e in events if e["summary"]]
    named = (
        [*(q["measure"] for q in e["quantities"]), *(n.replace("-", " ") for n in e["extra"])]
        for e in events
    )
    assert found.of("dt") == [name for names in named for name in names]
    places = [place["name"] for known in events for place in known["places"]]
    assert found.of("a", "place") == places


ROLES = {"context": "for context", "contradicts": "contradicts"}  # "supports" goes without saying


@given(st.lists(EVENTS, max_size=2))
def test_every_source_stands_with_its_event(events: list[Json]) -> None:
    """Who published it, what it is called, and where it can be read."""
    found = page(*events)
    sources = [known for e in events for known in e["sources"]]
    assert found.of("bdi", "publisher") == [s["publisher"] for s in sources if s["publisher"]]
    assert found.of("bdi", "title") == [s["title"] for s in sources if s["title"]]
    assert found.of("span", "part") == [ROLES[s["role"]] for s in sources if s["role"] in ROLES]
    out = [
        url
        for known in events
        for url in (
            *(medium["url"] for medium in known["media"]),
            *(s[name] for s in known["sources"] for name in ("url", "archive_url")),
        )
        if url
    ]
    assert [url for url in found.values("href") if url.startswith("https://example.org/")] == out


@given(st.lists(EVENTS, max_size=2))
def test_every_citation_says_what_it_backs(events: list[Json]) -> None:
    """The source's own words, where they stand, and what there is to say of it."""
    found = page(*events)
    sources = [known for e in events for known in e["sources"]]
    assert found.of("blockquote") == [s["quote"] for s in sources if s["quote"]]
    assert found.of("span", "locator") == [s["locator"] for s in sources if s["locator"]]
    assert found.of("span", "note") == [s["note"] for s in sources if s["note"]]


def test_the_title_of_a_source_leads_to_it() -> None:
    """What a reader clicks to read; without a title its publisher does."""
    address = "https://example.org/gas"
    assert only(sources=[source(title="Gas", url=address)]).of("a", "out") == ["Gas"]
    untitled = only(sources=[source(publisher="Desk", url=address, title=None)])
    assert untitled.of("a", "out") == ["Desk"]


def test_each_part_of_a_citation_has_its_own_direction() -> None:
    """An Arabic title beside an English publisher turned the date around."""
    known = source(
        publisher="Desk", author="Anna", title="\u063a\u0627\u0632", published="2023-11-15"
    )
    found = only(sources=[known])
    assert found.of("bdi") == ["Desk", "Anna", "\u063a\u0627\u0632", "15 November 2023"]


def test_what_is_not_known_of_a_source_is_said() -> None:
    """An unknown publisher is never an invented name."""
    (cited,) = only(sources=[source(title="Gas")]).of("cite")
    assert cited == "unknown publisher, Gas, undated"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/gas?page=2#top", "example.org"),
        ("HTTP://example.org:8080", "example.org:8080"),
        ("https://user:word@example.org/", "example.org"),
        ("urn:isbn:0451450523", "urn:isbn:0451450523"),
    ],
)
def test_a_source_without_a_name_goes_by_its_host(url: str, host: str) -> None:
    """Rather than by an id that was made for it."""
    shown = only(sources=[source(id="2024-04-02", url=url, accessed="2024-04-02")])
    assert shown.of("cite") == [f"unknown publisher, {host}, accessed 2 April 2024"]
    assert "2024-04-02" not in "".join(shown.of("a"))


def test_a_source_is_dated_in_words() -> None:
    """When it came out, and when it was read."""
    known = source(publisher="Desk", author="Anna", published="2023-11", accessed="2024-02-28")
    (cited,) = only(sources=[known]).of("cite")
    assert cited == "Desk, Anna, November 2023, accessed 28 February 2024"


@pytest.mark.parametrize(
    ("edtf", "machine"),
    [
        ("2023-11-15", ["2023-11-15"]),
        ("2023-11", ["2023-11"]),
        ("2023", ["2023"]),
        ("0000", []),
        ("-0043-03-15", []),
        ("2023-22", []),
        ("2020-08~", []),
        ("2023-11/2024-12", []),
    ],
)
def test_a_machine_is_told_the_date_where_html_can_say_it(edtf: str, machine: list[str]) -> None:
    """No other date is made to look like one."""
    assert only(date=date(edtf, None)).values("datetime") == machine


def test_a_link_leads_to_the_server_from_anywhere() -> None:
    """A document is read where no server is."""
    assert [url for url in only().values("href") if not url.startswith(ABOUT.base)] == []


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """To the letter, and it does nothing; also as the title of the chronology."""
    about = replace(ABOUT, title=f"x{text}x")
    found = assert_harmless(file_of("html", [full_of(text)], about).decode())
    assert found.of("h1") == found.of("h2") == [f"x{text}x"]
    assert found.of("bdi", "title") == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_changes_nothing_around_it(text: str) -> None:
    """The same elements with the same attributes as around any other text."""
    names, plain = (
        [(tag, sorted(attributes)) for tag, attributes in page(full_of(held)).elements]
        for held in (text, "plain")
    )
    assert names == plain


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_link_leads_anywhere_but_to_the_web(address: str) -> None:
    """What is no address of the web is not shown as a link at all."""
    assert page(linked_to(address)).of("a", "out") == []


@pytest.mark.parametrize(
    ("edtf", "marks"),
    [
        ("2023-11-15", "point"),
        ("2023-11", "within"),
        ("[..2024-02-06]", "within open-start"),
        ("[2024-02-28..]", "within open-end"),
        ("2023-11/2024-12", "lasting"),
        ("2023/..", "lasting open-end"),
        ("2020-08~", "within vague"),
        ("2020-08-01?", "point vague"),
    ],
)
def test_a_date_has_the_shape_of_what_is_known(edtf: str, marks: str) -> None:
    """A month is no point, and what is open has no end."""
    assert mark_shape(edtf) == marks


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (("-0.50", None, "exactly", "km", None), "-0.50 km"),
        (("1500000", "2000000", "between", "USD", None), "1,500,000 to 2,000,000 USD"),
        (("7", None, "about", None, None), "about 7"),
        (("7", None, "at-most", "t", "no more than seven tonnes"), "no more than seven tonnes"),
    ],
)
def test_an_amount_is_said_as_it_was_written(quantity: tuple[Any, ...], said: str) -> None:
    """No digit more or less."""
    names = ("value", "max_value", "qualifier", "unit", "text")
    assert format_amount(dict(zip(names, quantity, strict=True))) == said
