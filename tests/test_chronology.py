"""The chronology itself: what it says of itself is a record with versions, shown everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import seeding
from app.dialects import StoreError
from app.main import create_app
from app.models import TABLES
from app.settings import Settings
from app.store import Database
from stores import Stores, opened
from test_identities import first_version, without_chronology
from writing import PATCHING, desk_over, key_of, unsound

pytestmark = pytest.mark.both_engines
Json = dict[str, Any]
SELF: Json = {
    "title": "Gas <and> arms",
    "subtitle": "What two countries agreed",
    "about": "Each statement with its sources.\nNothing else.",
    "language": "de",
    "licence": "CC BY 4.0",
    "contact": "desk@example.org",
}


class Newsroom:
    """A client with a key, over a store of its own."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = {"Authorization": f"Bearer {key}"}

    def put(self, body: Any, **headers: str) -> Any:
        """The answer to a PUT."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put("/chronology", json=body, headers={**self.key, **named})

    def get(self) -> Any:
        """The answer to a GET."""
        return self.client.get("/chronology")


@pytest.fixture
def newsroom(stores: Stores, empty_template: str) -> Iterator[Newsroom]:
    """A newsroom that has not said anything yet."""
    url = stores.new(empty_template)
    with desk_over(url) as desk:
        yield Newsroom(desk.client, key_of(url, "newsroom"))
    with opened(url) as store:
        assert unsound(store) == []


def test_until_something_is_stored_it_has_the_title_of_the_setting(newsroom: Newsroom) -> None:
    """Every key is there; it is version 0."""
    told = newsroom.get().json()
    assert told == {**dict.fromkeys(SELF), "title": "Chronology", "version": 0}
    assert newsroom.client.get("/chronology/revisions").json()["items"] == []
    assert newsroom.client.get("/chronology/revisions/1").status_code == 404


def test_what_is_put_is_served(newsroom: Newsroom) -> None:
    """The first time without If-Match; it has a strong tag."""
    stored = newsroom.put(SELF)
    assert (stored.status_code, stored.json()) == (200, {**SELF, "version": 1})
    served = newsroom.get()
    assert served.content == stored.content
    assert served.headers["ETag"] == stored.headers["ETag"]
    again = newsroom.client.get("/chronology", headers={"If-None-Match": served.headers["ETag"]})
    assert again.status_code == 304


def test_nobodys_edit_is_overwritten_unseen(newsroom: Newsroom) -> None:
    """Without the tag 428, with an old one 412; a document may be read and put back."""
    tag = newsroom.put(SELF).headers["ETag"]
    assert newsroom.put({"title": "Other"}).status_code == 428
    other = newsroom.put({**newsroom.get().json(), "title": "Other"}, If_Match=tag)
    assert (other.status_code, other.json()["version"]) == (200, 2)
    assert newsroom.put(SELF, If_Match=tag).status_code == 412
    same = newsroom.put(other.json(), If_Match=other.headers["ETag"])
    assert same.json()["version"] == 2  # nothing changed, so no revision
    assert newsroom.put({"title": "A", "version": 7}, If_Match=same.headers["ETag"]).is_error


def test_a_patch_changes_what_it_names(newsroom: Newsroom) -> None:
    """And null removes."""
    tag = newsroom.put(SELF).headers["ETag"]
    headers = {**newsroom.key, "If-Match": tag, "Content-Type": PATCHING}
    body = json.dumps({"contact": None, "title": "Gas"})
    told = newsroom.client.patch("/chronology", content=body, headers=headers).json()
    assert told == {**SELF, "contact": None, "title": "Gas", "version": 2}


def test_its_versions_are_kept(newsroom: Newsroom) -> None:
    """With who changed what."""
    tag = newsroom.put(SELF).headers["ETag"]
    newsroom.put({**SELF, "title": "Gas"}, If_Match=tag)
    last, first = newsroom.client.get("/chronology/revisions").json()["items"]
    assert (first["op"], last["op"]) == ("create", "update")
    assert last["author"] == "newsroom"
    assert [change["field"] for change in last["changes"]] == ["title"]
    assert newsroom.client.get("/chronology/revisions/1").json()["document"] == SELF
    assert newsroom.client.get("/changes").json()["items"] == []  # the feed is of events


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "a", "language": "German"},
        {"title": "a", "tilte": "b"},
        {"title": "a\u0000"},
        {"title": "x" * 101},
        [],
        "title",
    ],
)
def test_what_is_wrong_is_refused(newsroom: Newsroom, body: Any) -> None:
    """As in any other record."""
    answer = newsroom.put(body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert newsroom.get().json()["version"] == 0


def test_it_is_shown_everywhere(newsroom: Newsroom) -> None:
    """On pages, in feeds and calendars, in linked data and in frames; a known page is sent anew."""
    client = newsroom.client
    before = client.get("/", headers={"Accept": "text/html"}).headers["ETag"]
    newsroom.put(SELF)
    page = client.get("/", headers={"Accept": "text/html", "If-None-Match": before})
    assert page.status_code == 200
    for words in ("<title>Gas &lt;and&gt; arms</title>", 'lang="de"', SELF["subtitle"], "CC BY"):
        assert words in page.text
    assert 'name="description" content="Each statement' in page.text
    assert "Gas &lt;and&gt; arms" in client.get("/embed").text
    atom = client.get("/events.atom").text
    assert "<title>Gas &lt;and&gt; arms</title><subtitle>" in atom
    assert 'xml:lang="de"' in atom
    assert "<rights>CC BY 4.0</rights>" in atom
    calendar = client.get("/events.ics").text
    assert "X-WR-CALNAME:Gas <and> arms" in calendar
    assert "X-WR-CALDESC:What two" in calendar
    feed = client.get("/events.jsonfeed").json()
    assert (feed["title"], feed["language"]) == (SELF["title"], "de")
    (dataset,) = client.get("/events.jsonld").json()["@graph"]
    assert (dataset["@type"], dataset["license"]) == ("Dataset", "CC BY 4.0")
    assert client.get("/oembed?url=/").json()["title"] == SELF["title"]
    assert '<html lang="de">' in client.get("/events.html").text


def test_the_seed_brings_its_own(stores: Stores, empty_template: str) -> None:
    """Once: what was said since stays."""
    url = stores.new(empty_template)
    with opened(url) as store, store.write() as session:
        assert seeding.seed(session)["chronology"] == (1, 1)
        assert seeding.seed(session)["chronology"] == (0, 1)
    with TestClient(create_app(Settings(database_url=url))) as client:
        assert client.get("/chronology").json()["title"] == "Azerbaijan and Serbia"


def test_a_store_of_the_version_before_is_upgraded(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Populated: nothing of its journal is lost, and its tables are those of a new store."""
    monkeypatch.chdir(tmp_path)  # a copy is made here before
    full = without_chronology(stores, monkeypatch)
    with opened(full) as origin:
        before = journal(origin)
    url = first_version(stores, full, "0002")
    with opened(url) as store:
        with pytest.raises(StoreError, match="has an older form"):
            store.schema.require_current()
        store.schema.migrate()
        store.schema.require_current()
        assert journal(store) == before
        with store.write() as session:
            assert seeding.seed(session)["chronology"] == (1, 1)
        assert unsound(store) == []
    with pytest.raises(IntegrityError), opened(url) as store, store.write() as session:
        session.execute(text("UPDATE change SET kind = 'other' WHERE position = 1"))


def journal(store: Database) -> list[Any]:
    """Every row of the journal."""
    with store.read() as connection:
        return list(connection.execute(select(TABLES["change"]).order_by("position")))
