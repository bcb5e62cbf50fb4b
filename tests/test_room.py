"""How much a page holds: some MiB, whatever its items; `next` leads through all of them."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.main import create_app
from app.reads.room import MAX_PAGE_BYTES, within_room
from app.settings import Settings
from stores import key_of
from writing import event

EVENTS = 7  # of about 900 KB each: more than a page holds
SOURCES = 45
LISTS = (
    *("/events?limit=200", "/events?limit=200&sort=-date", "/events?limit=200&sort=-updated"),
    *("/events?limit=200&date=2020", "/events?limit=200&q=weighty&sort=relevance"),
    *("/events?limit=200&total=none", "/events?limit=200&fields=id,title", "/events?limit=3"),
    *("/changes?limit=200", "/events/weighty-1/revisions?limit=200"),
    *("/audit?limit=200", "/sources?limit=200"),
)


@pytest.fixture
def weighty(empty: str) -> Iterator[TestClient]:
    """A client of a store of large events, one of which was edited often."""
    quotes = [
        {"url": f"https://example.org/{n}", "quote": "a" * 10_000, "note": "b" * 10_000}
        for n in range(SOURCES)
    ]
    with TestClient(create_app(Settings(database_url=empty))) as client:
        client.headers["Authorization"] = f"Bearer {key_of(empty)}"
        assert client.post("/types", json={"id": "visit", "label": "Visit"}).status_code == 201
        for n in range(EVENTS):
            made = event(id=f"weighty-{n}", title="Weighty", date="2020-01", sources=quotes)
            answer = client.post("/events", json=made)
            assert answer.status_code == 201, answer.text[:500]
        tag = client.get("/events/weighty-1").headers["ETag"]
        for n in range(EVENTS):
            changed = {"title": f"Weighty {n}"}
            answer = client.patch("/events/weighty-1", json=changed, headers={"If-Match": tag})
            tag = answer.headers["ETag"]
        yield client


def test_a_page_ends_when_it_is_full(weighty: TestClient) -> None:
    """None is empty, none too large, and together they are what pages of one item are."""
    wrong = []
    for target in LISTS:
        full = list(pages(weighty, target))
        sizes = [len(page.content) for page in full]
        if max(sizes) > MAX_PAGE_BYTES + 100_000 or not all(page.json()["items"] for page in full):
            wrong.append((target, sizes))
        if items(full) != items(pages(weighty, alone(target))):
            wrong.append((target, sizes))
    assert wrong == []
    assert len(list(pages(weighty, "/events?limit=200"))) == 2
    assert len(list(pages(weighty, "/changes?limit=200"))) >= 3


def items(found: Iterable[Response]) -> list[Any]:
    """Return what is on some pages."""
    return [item for page in found for item in page.json()["items"]]


def alone(target: str) -> str:
    """Return the address of the same list, an item a page; of sources, some more."""
    path, _, query = target.partition("?")
    limit = "limit=20" if path == "/sources" else "limit=1"
    return f"{path}?{'&'.join([limit, *query.split('&')[1:]])}"


def pages(client: TestClient, target: str | None) -> Iterator[Response]:
    """Follow `next` to the end."""
    while target is not None:
        answer = client.get(target)
        assert answer.status_code == 200, answer.text[:500]
        yield answer
        target = answer.json()["next"]


ROOM = (  # sizes of items, the room: how many of them fit
    ((), 10, 0),
    ((11,), 10, 1),
    ((5, 5), 10, 2),
    ((5, 6), 10, 1),
    ((11, 1), 10, 1),
    ((1, 11, 1), 10, 1),
)


def test_the_first_item_always_has_room() -> None:
    """However large it is; and nothing behind one that has none."""
    found = [len(within_room((b"a" * size for size in sizes), room)) for sizes, room, _ in ROOM]
    assert found == [number for *_, number in ROOM]
