"""`q`: whatever is typed is answered, what was written is found, and the best comes first."""

import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from app import schemas, seeding, writes
from app.main import create_app
from app.settings import Settings
from chronology import drawn, items, walk
from stores import BY, Stores, seeded
from tables import check_each
from tiers import examples

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("small_blocks")]

LONGEST = 500

# What an engine's own search would trip over, and what is no word or many.
ODD = (
    *('"', "(", ")", "*", "NEAR(", " AND ", " OR ", " NOT ", "-", "^", ":", "{", "+", "%", "_"),
    *(
        "\\",
        "\0",
        "'",
        ";--",
        "$$",
        "\t",
        "\n",
        " ",
        "💥",
        "👩‍👩‍👧",
        "\u202e",
        "\u200d",
        "\ufeff",
        "שלום",
    ),
    *("مرحبا", "新华社", "\ufdfa", "㌔", "ﬁ", "½", "ﾞ", "\u0301", "gas", "Vučić", "serb*", "x" * 70),
)
TYPED = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(ODD), max_size=14).map("".join),
    st.lists(st.sampled_from(ODD), min_size=30).map(lambda parts: "".join(parts * 20)[:700]),
).map(str.encode)

PATHS = (
    *("/events?", "/events?sort=relevance&", "/facets?by=type&", "/histogram?interval=year&"),
    *("/types?", "/actors?", "/places?", "/tags?", "/publishers?", "/sources?"),
)
STRINGS = 160  # for each path and engine: 3,200 in all

TITLES = [
    title
    for title in drawn(st.text(min_size=1, max_size=40), 300, 1)
    if not any(unicodedata.category(c) in ("Cc", "Cs") for c in title) and title.strip()
]


def write_titles(session: Session) -> None:
    """The example chronology, and an event for each of many random titles."""
    seeding.seed(session)
    source = writes.SOURCE.save(session, BY, schemas.SourceWrite(title="A source"), "create")
    writes.create_events(
        session, BY, [event(f"random-{n}", source, title) for n, title in enumerate(TITLES)]
    )


def event(
    event_id: str, source: str, title: str, date: str = "2023", **more: Any
) -> schemas.EventWrite:
    """An event that bears little but a title."""
    return schemas.EventWrite.model_validate(
        {
            "id": event_id,
            "type": "visit",
            "title": title,
            "date": date,
            "sources": [{"id": source}],
            **more,
        }
    )


@pytest.fixture(scope="module")
def reader(stores: Stores, empty_template: str) -> Iterator[TestClient]:
    """A client of the example chronology among random titles."""
    url = seeded(stores, empty_template, write_titles)
    with TestClient(create_app(Settings(database_url=url, query_seconds=60))) as client:
        yield client


def ids(client: TestClient, q: str, **parameters: str) -> list[str]:
    """The ids that a `q` finds, in order."""
    found = items(walk(client, "/events", q=q, fields="id", limit=200, **parameters))
    return [item["id"] for item in found]


# -- anything may be typed ------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=examples(STRINGS), suppress_health_check=list(HealthCheck))
@given(typed=st.one_of(TYPED, st.binary(min_size=1, max_size=40)))
@example(b"gas\0contract")
@example(b"\xed\xa0\x80")
@example(b'"gas')
@example(b"%")
def test_whatever_is_typed_is_answered(reader: TestClient, path: str, typed: bytes) -> None:
    """Only no text at all, too long a text, or what is not UTF-8 is an error; and it names `q`."""
    answer = reader.get(f"{path}q={quote(typed)}")
    text = typed.decode(errors="replace")
    if 1 <= len(text) <= LONGEST and text.encode() == typed:
        assert answer.status_code == 200, answer.text
    else:
        assert answer.status_code == 422, answer.text
        assert [fault["name"] for fault in answer.json()["errors"]] == ["q"]


@pytest.mark.parametrize("path", PATHS)
def test_a_text_without_a_word_finds_nothing(reader: TestClient, path: str) -> None:
    """Neither everything nor an error."""

    def check(q: str) -> None:
        answer = reader.get(f"{path}q={q}").json()
        assert answer.get("total", 0) == 0
        assert not answer.get("items")
        assert not answer.get("buckets")

    check_each(["%20", "%22%22", "*", "%00", "%25", "_", "(", "%ed%a0%80", "🚀"], check)


@pytest.mark.parametrize(
    "between", ["\0", "\x1f", "\ufffd", "-", "_", "|", "💥", "\u2028", "'", ".", "’"]
)
def test_what_is_no_letter_or_digit_parts_words(reader: TestClient, between: str) -> None:
    """No engine sees it; what no space parts is a phrase."""
    phrase = ids(reader, '"nora b 52"')
    assert phrase == ids(reader, f"nora{between}b{between}52")
    assert phrase
    assert ids(reader, "b nora")
    assert ids(reader, f"b{between}nora") == (phrase if between.isspace() else [])


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u200d", "\ufeff", "\u202e", "\ufe0f"])
def test_what_is_not_seen_parts_nothing(reader: TestClient, unseen: str) -> None:
    """Neither in what is asked for nor, as it was folded alike, in what is stored."""
    assert ids(reader, f"how{unseen}itzers") == ids(reader, "howitzers") != []


def test_what_like_and_globs_understand_is_no_wildcard(reader: TestClient) -> None:
    """`%` and `_` part words as any sign does."""
    assert ids(reader, "ser_ia") == ids(reader, "serb%") == []
    assert ids(reader, '"ser_ia"') == []
    assert ids(reader, "serb*")


@pytest.mark.parametrize("name", ["han", "latin"])
def test_as_many_words_as_fit_into_a_text_are_answered(
    stores: Stores, empty_template: str, name: str
) -> None:
    """All of them stand in an event, or one of them does not."""
    words = [chr(0x4E00 + n) for n in range(LONGEST - 1)]
    if name == "latin":
        letters = "abcdefghijklmno"
        words = [f"{one}{other}z" for one in letters for other in letters][: LONGEST // 5]
    joint = "" if name == "han" else " "

    def fill(session: Session) -> None:
        seeding.seed(session)
        source = writes.SOURCE.save(session, BY, schemas.SourceWrite(title="A source"), "create")
        writes.create_events(session, BY, [event("all", source, "All", summary=joint.join(words))])

    url = seeded(stores, empty_template, fill)
    with TestClient(create_app(Settings(database_url=url))) as client:
        assert ids(client, joint.join(words)) == ["all"]
        assert ids(client, f'"{joint.join(words[1:])}"') == ["all"]
        assert ids(client, joint.join([*words[1:], "q"])) == []
        if name == "latin":
            assert ids(client, "* ".join(words)) == ["all"]
            assert ids(client, "* ".join([*words[2:], "nobody*"])) == []


# -- what was written is found --------------------------------------------------------------------


def test_any_word_of_a_title_finds_the_event(reader: TestClient) -> None:
    """As it stands there between white space, signs and all."""
    listed = items(walk(reader, "/events", fields="id,title", limit=200))
    asked = 0
    for item in listed:
        for word in item["title"].split():
            if any(unicodedata.category(c)[0] in "LN" for c in word):
                assert item["id"] in ids(reader, word), word
                asked += 1
    assert asked > 300


def test_a_title_as_a_phrase_finds_the_event(reader: TestClient) -> None:
    """All of it in quotes, without those that it holds itself."""
    for n, title in enumerate(TITLES):
        if any(c.isalnum() for c in title):
            assert f"random-{n}" in ids(reader, '"' + title.replace('"', " ") + '"'), title


# -- the best comes first -------------------------------------------------------------------------

# Where "zephyr" is said; the better the place, the older the event.
SAID: dict[str, dict[str, Any]] = {
    "title": {"title": "Zephyr"},
    "actor": {"actors": [{"name": "Zephyr Ltd"}]},
    "alias": {"actors": [{"name": "West Wind", "aliases": ["Zéphyr"]}]},
    "place": {"places": [{"name": "Port Zephyr"}]},
    "tag": {"tags": ["zephyr"]},
    "summary": {"summary": "The zephyr blew."},
    "quote": {"sources": [{"title": "A book", "quote": "zephyr"}]},
}


@pytest.fixture(scope="module")
def windy(stores: Stores, empty_template: str) -> Iterator[TestClient]:
    """A client of events that say one word in different places."""

    def fill(session: Session) -> None:
        writes.TYPE.save(session, BY, schemas.TypeWrite(id="visit", label="Visit"), "create")
        source = writes.SOURCE.save(session, BY, schemas.SourceWrite(title="A source"), "create")
        said = [
            event(name, source, **{"title": "Calm", "date": f"{2001 + n}"} | more)
            for n, (name, more) in enumerate(SAID.items())
        ]
        often = event("often", source, "Zephyr", "1999", summary="A zephyr, a zephyr")
        writes.create_events(session, BY, [*said, often, event("calm", source, "Calm")])

    url = seeded(stores, empty_template, fill)
    with TestClient(create_app(Settings(database_url=url))) as client:
        yield client


def test_relevance_goes_by_where_and_how_often_a_word_is_said(windy: TestClient) -> None:
    """Title, then actors, places and tags, then the summary, then sources; the newer first."""
    assert ids(windy, "ZEPHYR", sort="relevance") == [
        *("often", "title", "tag", "place", "alias", "actor", "summary", "quote"),
    ]


@pytest.mark.parametrize("q", ['"zephyr"', "zeph*"])
def test_phrases_and_prefixes_are_ranked_as_words_are(windy: TestClient, q: str) -> None:
    """A word in quotes is a word; what a prefix finds counts as the word would."""
    assert ids(windy, q, sort="relevance") == ids(windy, "zephyr", sort="relevance")
