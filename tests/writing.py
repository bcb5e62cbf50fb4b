"""Writing over HTTP in tests: a client with a key, and records of which nothing else depends."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

from fastapi.testclient import TestClient
from httpx2 import Response

from app import index, keys, writes
from app.main import create_app
from app.settings import Settings
from app.store import Database
from chronology import items, walk
from stores import BY, opened

Json = dict[str, Any]
AUTHOR = "desk"
PATCHING = "application/merge-patch+json"


def key_of(url: str, name: str = AUTHOR, scope: str = "write") -> str:
    """A new key of the store at a URL."""
    with opened(url) as store, store.write() as session:
        return keys.create(session, name, scope, writes.current_timestamp(), None)


def furnish(url: str) -> None:
    """Store what the events of tests name: two types and a source, `wire`."""
    with opened(url) as store, store.write() as session:
        for kind, given in (
            (writes.TYPE, {"id": "visit", "label": "Visit"}),
            (writes.TYPE, {"id": "contract", "label": "Contract"}),
            (writes.SOURCE, {"id": "wire", "publisher": "The Wire", "published": "2023-11-07"}),
        ):
            writes.create_record(session, BY, kind, given)


def event(**members: Any) -> Json:
    """An event that says little but what is given."""
    least = {"type": "visit", "title": "A visit", "date": "2023-11-06", "sources": [{"id": "wire"}]}
    return {**least, **members}


class Record(NamedTuple):
    """A record as it was answered."""

    path: str
    body: Json
    tag: str


class Desk:
    """A newsroom's client: it has a key, and thinks up ids that nothing bears."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = key
        self._numbers = count()

    def name(self, word: str = "record") -> str:
        """An id that nothing bears."""
        return f"{word}-n{next(self._numbers)}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Any request with the key; `If_Match` is written for If-Match."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told.setdefault("Authorization", f"Bearer {self.key}")
        return self.client.request(method, path, json=body, headers=told)

    def get(self, path: str) -> Json:
        """What a GET answers, without the key."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def read(self, path: str) -> Record:
        """A record as it is now."""
        return _record(path, self.client.get(path), 200)

    def add(self, path: str, body: Json) -> Record:
        """POST a record to a list."""
        answer = self.send("POST", path, body)
        assert answer.status_code == 201, answer.text
        return _record(f"{path}/{answer.json()['id']}", answer, 201)

    def event(self, **members: Any) -> Record:
        """A new event."""
        return self.add("/events", event(**{"id": self.name("event"), **members}))

    def put(self, record: Record, **members: Any) -> Record:
        """The record as it was read, edited and put back."""
        body = {**record.body, **members}
        return _record(record.path, self.send("PUT", record.path, body, If_Match=record.tag), 200)

    def patch(self, record: Record, note: str | None = None, **members: Any) -> Record:
        """Change some members."""
        path = record.path if note is None else f"{record.path}?note={note}"
        return _record(record.path, self.send("PATCH", path, members, If_Match=record.tag), 200)

    def delete(self, record: Record) -> None:
        """Delete it, as it is now."""
        tag = self.read(record.path).tag
        answer = self.send("DELETE", record.path, If_Match=tag)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    def restore(self, record: Record) -> Record:
        """Store it again."""
        return _record(record.path, self.send("POST", f"{record.path}/restore"), 200)

    def revisions(self, record: Record) -> list[Json]:
        """All of them, the last first."""
        return items(walk(self.client, f"{record.path}/revisions", limit=200))

    def feed(self, after: str | None = None) -> list[Json]:
        """All changes, or those after a cursor."""
        asked = {} if after is None else {"after": after}
        return items(walk(self.client, "/changes", limit=200, **asked))

    @contextmanager
    def watched(self) -> Iterator[list[Json]]:
        """What the feed says of the block, once it has ended."""
        before = self.feed()
        seen: list[Json] = []
        yield seen
        seen += self.feed(before[-1]["cursor"] if before else None)

    @property
    def state(self) -> str:
        """The tag of a list: every write of the journal moves it."""
        return str(self.client.get("/events?limit=1").headers["etag"])


def _record(path: str, answer: Response, status: int) -> Record:
    assert answer.status_code == status, answer.text
    return Record(path, answer.json(), answer.headers["etag"])


@contextmanager
def writing(url: str) -> Iterator[TestClient]:
    """A client of the application over a store, with a key that may write."""
    application = create_app(Settings(database_url=url, writes_per_minute=0))
    with TestClient(application, headers={"Authorization": f"Bearer {key_of(url)}"}) as client:
        yield client


@contextmanager
def desk_over(url: str) -> Iterator[Desk]:
    """A desk over the store at a URL."""
    settings = Settings(database_url=url, writes_per_minute=0)
    key = key_of(url)
    with TestClient(create_app(settings)) as client:
        yield Desk(client, key)


def faults(answer: Response, status: int, code: str) -> dict[str, str]:
    """What a refusal says of each field: message and suggestion."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["type"].endswith(f"/problems/{code}"), told
    return {
        fault["name"]: fault["message"]
        + (f" {fault['suggestion']}?" if "suggestion" in fault else "")
        for fault in told.get("errors", ())
    }


def unsound(store: Database) -> list[str]:
    """What `dateline check` finds in a store."""
    with store.read(patient=True) as connection:
        return [*store.dialect.broken(connection), *index.find_faults(connection)]
