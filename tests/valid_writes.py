"""Valid writes of every operation: from documented examples, and from what the server answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from typing import Any

from fastapi.testclient import TestClient

from app.api.bodies import MIB
from app.api.files import MAX_IMPORT_BYTES
from app.api.heads import MAX_HEADER_BYTES, MAX_URL_BYTES
from reference import WRITES, Operation
from servers import Answer, Server

PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def given(self, **headers: str) -> "Request":
        """With more headers, written with `_` for `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(self.method, self.target, {**self.headers, **more}, self.body)


Send = Callable[[Request], Answer]


def over_wire(server: Server) -> Send:
    """Sends to a running server, over a socket of its own each time."""
    return lambda asked: server.ask(asked.target, asked.headers, asked.method, asked.body)


def through(client: TestClient) -> Send:
    """Sends to the application in this process."""

    def send(asked: Request) -> Answer:
        answer = client.request(
            asked.method, asked.target, headers=dict(asked.headers), content=asked.body
        )
        told = HTTPMessage()
        for name, value in answer.headers.multi_items():
            told[name] = value
        return Answer(answer.status_code, told, answer.content)

    return send


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


def sending(document: Any, media_type: str = "application/json") -> dict[str, Any]:
    """The body of a request and the header that says what it is."""
    said = document if isinstance(document, str) else json.dumps(document)
    return {"headers": {"Content-Type": media_type}, "body": said.encode()}


def example(operation: Operation) -> Request:
    """An operation as the reference shows it: the documented example, sent as its first type."""
    if not operation.bodies:
        return Request(operation.method, operation.url())
    (media_type, content), *_ = operation.bodies.items()
    return Request(operation.method, operation.url(), **sending(content["example"], media_type))


def creation(noun: str) -> Request:
    """A new record, as the reference shows it."""
    return example(next(o for o in WRITES if (o.method, o.path) == ("POST", f"/{noun}s")))


@dataclass(frozen=True)
class Writer:
    """Sends as the holder of a key; what it makes must succeed."""

    send: Send
    key: str

    def ask(self, asked: Request) -> Answer:
        """The answer to a request with the key."""
        return self.send(asked.given(**bearer(self.key)))

    def made(self, noun: str) -> str:
        """The path of a record that is there and that nothing uses."""
        if noun == "mapping":
            query = "mapping=%7B%22Headline%22:%22title%22%7D&save_mapping=spare&type=statement"
            target = f"/import?{query}&source_title=A+desk"
            answer = self.ask(Request("POST", target, **sending("Headline\n", "text/csv")))
            assert answer.status == 200, answer.body
            return "/mappings/spare"
        answer = self.ask(creation(noun))
        assert answer.status == 201, answer.body
        return f"/{noun}s/{answer.json()['id']}"

    def changed(self, noun: str) -> str:
        """The path of a record that was changed once."""
        path = self.made(noun)
        label = {"event": "title", "type": "label", "source": "title"}.get(noun, "name")
        change = Request("PATCH", path, **sending({label: "Changed"}, PATCH))
        answer = self.ask(change.given(If_Match=self.tag(path)))
        assert answer.status == 200, answer.body
        return path

    def deleted(self, noun: str) -> str:
        """The path of a record that was deleted."""
        path = self.made(noun)
        answer = self.ask(Request("DELETE", path).given(If_Match=self.tag(path)))
        assert answer.status == 204, answer.body
        return path

    def used(self, noun: str) -> str:
        """The path of a record that an event uses."""
        other = self.made("event")
        related = [{"event": other.removeprefix("/events/"), "relation": "follows"}]
        document = json.loads(creation("event").body or b"")
        document |= {"places": [{"id": "belgrade"}], "related": related}
        event = self.ask(Request("POST", "/events", **sending(document))).json()
        used = {"event": related[0]["event"], "type": event["type"]}
        for shared in ("actor", "place", "source"):
            used[shared] = event[f"{shared}s"][0]["id"]
        return f"/{noun}s/{used[noun]}"

    def tag(self, path: str) -> str:
        """The tag of a record as it is now."""
        answer = self.ask(Request("GET", path))
        assert answer.status == 200, answer.body
        return str(answer.headers["ETag"])

    def valid(self, operation: Operation) -> Request:
        """A request of an operation that changes something and must succeed."""
        asked = example(operation)
        if operation.method == "DELETE":
            path = self.made(operation.noun)
            whole = Request("DELETE", f"{path}{operation.part}")
            return whole.given(If_Match=self.tag(path))
        if operation.path.startswith("/chronology"):
            for title in ("Named", "Renamed") if operation.part else ("Named",):
                put = Request("PUT", "/chronology", **sending({"title": title}))
                tag = json.loads(self.ask(Request("GET", "/chronology")).body)["version"] or None
                held = put.given(If_Match=self.tag("/chronology")) if tag else put
                self.ask(held)
            return asked.given(If_Match=self.tag("/chronology"))
        if operation.path.endswith("/{version}/restore"):
            path = self.changed(operation.noun)
            whole = Request("POST", f"{path}{operation.part}")
            return whole.given(If_Match=self.tag(path))
        if operation.path.endswith("/restore"):
            return Request("POST", f"{self.deleted(operation.noun)}/restore")
        if "{id}" in operation.path:
            path = self.made(operation.noun)
            whole = replace(asked, target=f"{path}{operation.part}")
            return whole.given(If_Match=self.tag(path))
        return asked


# -- what is refused ------------------------------------------------------------------------------


def refused(writer: Writer, operation: Operation, valid: Request) -> Iterator[Request]:
    """Requests like a valid one that its server must refuse to its writer, each for its reason."""
    yield replace(valid, target=f"{valid.target}?no_such_thing=1")
    yield replace(valid, target=f"{valid.target}?{'1' * MAX_URL_BYTES}")
    yield valid.given(X_Long="1" * MAX_HEADER_BYTES)
    if operation.bodies:
        yield replace(valid, body=b"no JSON")
        most = MAX_IMPORT_BYTES if operation.noun == "import" else MIB
        yield replace(valid, body=b" " * (most + 1))
        yield valid.given(Content_Type="text/plain")
    yield from conditional(writer, operation, valid)
    yield from conflicting(writer, operation, valid)


def conditional(writer: Writer, operation: Operation, valid: Request) -> Iterator[Request]:
    """What is asked of another state than the stored one, of nothing, or of what was deleted."""
    if "If-Match" in operation.of("header"):
        yield valid.given(If_Match='"stale"')
        yield unconditional(valid)
    if "404" in operation.spec["responses"]:
        record_id = valid.target.split("/")[2]
        yield replace(valid, target=valid.target.replace(record_id, "nothing-of-this-name"))
    if "410" in operation.spec["responses"]:
        yield replace(valid, target=f"{writer.deleted(operation.noun)}{operation.part}")


def unconditional(asked: Request) -> Request:
    """A request without If-Match."""
    headers = {name: value for name, value in asked.headers.items() if name != "If-Match"}
    return replace(asked, headers=headers)


def conflicting(writer: Writer, operation: Operation, valid: Request) -> Iterator[Request]:
    """What contradicts what is stored: an id that is taken, a deletion of what is used."""
    if "/revisions/" in operation.part:
        if "{id}" in operation.path:  # its second version is a deletion
            path = writer.deleted(operation.noun)
            writer.ask(Request("POST", f"{path}/restore"))
            target = f"{path}{operation.part.replace('/1/', '/2/')}"
            yield replace(valid, target=target).given(If_Match=writer.tag(path))
    elif operation.part:
        supporting = json.loads(creation("event").body or b"")["sources"][0]
        target = writer.made("event")
        twice = replace(valid, target=f"{target}/sources", body=json.dumps(supporting).encode())
        last = replace(valid, target=f"{target}/sources/0")
        asked = twice if operation.bodies else last
        yield asked.given(If_Match=writer.tag(target))
    elif operation.path.endswith("/restore"):
        yield replace(valid, target=f"{writer.made(operation.noun)}/restore")
    elif operation.method == "POST" and operation.noun != "import":
        taken = writer.made(operation.noun).rpartition("/")[2]
        ((_, content), *_) = operation.bodies.items()
        yield replace(valid, body=json.dumps({**content["example"], "id": taken}).encode())
    elif operation.method == "PUT" and operation.of("path"):
        yield replace(valid, target=writer.deleted(operation.noun))
    elif operation.method == "DELETE" and "409" in operation.spec["responses"]:
        used = writer.used(operation.noun)
        yield replace(valid, target=used).given(If_Match=writer.tag(used))
    elif operation.noun == "event":
        unsupported = [{"publisher": "Example News", "role": "context"}]
        yield replace(valid, body=json.dumps({"sources": unsupported}).encode())
