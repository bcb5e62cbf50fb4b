"""Every answer is good HTTP: httplint finds nothing bad in its headers and nothing to warn of."""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from httplint import HttpRequestLinter, HttpResponseLinter, Note, levels

from commands import forked_server
from reference import WRITES, Operation
from servers import Server
from stores import SqliteStores, key_of, migrated, seeded
from tables import check_each
from test_http import LISTS, OTHERS, RECORDS, REFUSED, WRONG, run
from valid_writes import Request, Writer, bearer, over_wire, refused, unconditional

PAGES = (
    "/events?limit=1",
    "/changes",
    "/changes?limit=1",
    f"{RECORDS[0]}/revisions",
    f"{RECORDS[0]}/revisions/1",
    "/actors?limit=1",
    "/facets?by=type",
    "/histogram?interval=year",
)
TARGETS = (*LISTS, *RECORDS, *OTHERS, *PAGES, *REFUSED)
CODINGS = ("identity", "gzip", "br", "zstd")
ANYWHERE = {"Origin": "https://anywhere.example"}

# Notes that do not hold here, under the method or status of the answers that they are about.
UNFOUNDED = {
    ("414", "STATUS_URI_TOO_LONG"): "says in words what 414 says (RFC 9110 section 15.5.15); bad "
    "was the request",
    ("400", "STATUS_BAD_REQUEST"): "says in words what 400 says (RFC 9110 section 15.5.1); bad was "
    "the request",
    ("OPTIONS", "VARY_COMPLEX"): "a preflight is answered by each header it names, and no answer "
    "to OPTIONS is cacheable (RFC 9110 section 9.3.7): nothing is stored in many ways",
}


def notes(
    server: Server,
    target: str,
    headers: Mapping[str, str] = ANYWHERE,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, list[str]]:
    """The status of the answer to a request, and what is bad in it or worth a warning."""
    answer = server.ask(target, headers, method, body)
    request = HttpRequestLinter()
    request.process_request_topline(method.encode(), target.encode(), b"1.1")
    request.process_headers(fields({"Host": f"127.0.0.1:{server.port}", **headers}.items()))
    request.feed_content(body or b"")
    request.finish_content(True)
    response = HttpResponseLinter(start_time=time.time())
    response.request = request
    response.is_head_response = method == "HEAD"
    response.process_response_topline(b"1.1", str(answer.status).encode())
    response.process_headers(fields(answer.headers.items()))
    response.feed_content(answer.body)
    response.finish_content(True)
    about = {method, str(answer.status)}
    return answer.status, [said(note) for note in response.notes if matters(note, about)]


def fields(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as bytes, as they came."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def matters(note: Note, about: Iterable[str]) -> bool:
    """Whether a note on such an answer neither praises nor only informs, and is not unfounded."""
    unfounded = any((answer, type(note).__name__) in UNFOUNDED for answer in about)
    return note.level in (levels.BAD, levels.WARN) and not unfounded


def said(note: Note) -> str:
    """A note in a line."""
    return f"{type(note).__name__} ({note.subject}): {note.summary}"


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The example chronology."""
    files = SqliteStores(tmp_path_factory.mktemp("served"))
    return seeded(files, migrated(files))


@pytest.fixture(scope="module")
def server(sqlite: str) -> Iterator[Server]:
    """A server over the example chronology, which no test changes."""
    with forked_server(sqlite) as running:
        yield running


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_is_good_http(server: Server, coding: str, method: str) -> None:
    """Of every route and every refusal, in every coding, with its body and without."""

    def check(target: str) -> None:
        _, found = notes(server, target, {"Accept-Encoding": coding, **ANYWHERE}, method)
        assert found == []

    check_each(TARGETS, check)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_304_is_good_http(server: Server, coding: str, method: str) -> None:
    """Of every route that has a tag."""

    def check(target: str) -> None:
        tag = server.ask(target).headers["ETag"]
        headers = {"Accept-Encoding": coding, "If-None-Match": tag, **ANYWHERE}
        assert notes(server, target, headers, method) == (304, [])

    check_each([*LISTS, *RECORDS, *PAGES], check)


def test_a_405_is_good_http(server: Server) -> None:
    """Of every method that there is not."""

    def check(case: tuple[str, str]) -> None:
        target, method = case
        assert notes(server, target, method=method) == (405, [])

    check_each(WRONG, check)


PREFLIGHTS = {"GET": 200, "HEAD": 200, "PATCH": 200, "DELETE": 200, "TRACE": 400}


@pytest.mark.parametrize(("method", "status"), PREFLIGHTS.items())
def test_a_preflight_is_good_http(server: Server, method: str, status: int) -> None:
    """Also one that is refused."""
    headers = {**ANYWHERE, "Access-Control-Request-Method": method}
    assert notes(server, "/events", headers, "OPTIONS") == (status, [])


@dataclass(frozen=True)
class Wire:
    """A running server whose store is written, and two who have its keys."""

    server: Server
    writer: Writer
    reader: str


@pytest.fixture(scope="module")
def wire(sqlite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """Who writes a store of these tests' own, over the wire."""
    url = SqliteStores(tmp_path_factory.mktemp("written")).new(sqlite)
    with forked_server(url, writes_per_minute="0") as running:
        writer = Writer(over_wire(running), key_of(url))
        yield Wire(running, writer, key_of(url, "a reader", "read"))


def heard(wire: Wire, asked: Request) -> tuple[int, list[str]]:
    """The status of the answer to a request with the key, and what is bad in it."""
    headers = {**ANYWHERE, **asked.headers, **bearer(wire.writer.key)}
    return notes(wire.server, asked.target, headers, asked.method, asked.body)


@pytest.mark.parametrize("operation", WRITES, ids=str)
def test_what_a_write_answers_is_good_http(wire: Wire, operation: Operation) -> None:
    """A success, and every way to be refused but by the store: each status is among them."""
    valid = wire.writer.valid(operation)
    found = [heard(wire, asked) for asked in refused(wire.writer, operation, valid)]
    found += [notes(wire.server, valid.target, {**ANYWHERE, **valid.headers}, valid.method)]
    reader = {**ANYWHERE, **valid.headers, **bearer(wire.reader)}
    found += [notes(wire.server, valid.target, reader, valid.method, valid.body)]
    found += [heard(wire, valid)]
    if operation.method == "PUT" and "{id}" in operation.path:
        fresh = replace(unconditional(valid), target=f"{valid.target}-of-this-test")
        found += [heard(wire, fresh)]
    assert [what for _, what in found if what] == []
    assert {str(s) for s, _ in found} == set(operation.spec["responses"]) - {"429", "503"}


@pytest.mark.parametrize("target", ["/events", "/types/visit"])
def test_a_401_is_good_http(server: Server, target: str) -> None:
    """Also of a read."""
    assert notes(server, target, {**ANYWHERE, **bearer("no key")}) == (401, [])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_429_is_good_http(sqlite: str, tmp_path: Path, method: str) -> None:
    """Of a read and a write."""
    url = SqliteStores(tmp_path).new(sqlite)
    headers = {**ANYWHERE, **bearer(key_of(url)), "If-Match": '"stale"'}
    with forked_server(url, reads_per_minute="1", writes_per_minute="1") as running:
        first, second = (notes(running, "/types/visit", headers, method) for _ in range(2))
    assert (first[1], second) == ([], (429, []))


@pytest.mark.parametrize("target", ["/events", "/types"])
def test_a_410_is_good_http_is_good_http(server: Server, target: str) -> None:
    """The answer to a cursor of another database."""
    following = server.ask(f"{target}?limit=1").json()["next"].removeprefix(server.url)
    address, cursor = following.split("cursor=")
    _, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    foreign = base64.urlsafe_b64encode(json.dumps(["another", *rest]).encode()).decode()
    assert notes(server, f"{address}cursor={foreign.rstrip('=')}") == (410, [])


@pytest.mark.parametrize("target", ["/events", "/types/visit", "/facets?by=type", "/readyz"])
def test_a_503_is_good_http(sqlite: str, tmp_path: Path, target: str) -> None:
    """The answer while the store's file is away."""
    url = SqliteStores(tmp_path).new(sqlite)
    with forked_server(url) as running:
        Path(url.removeprefix("sqlite:///")).rename(tmp_path / "away")
        assert notes(running, target) == (503, [])


@pytest.mark.parametrize("target", ["/events", "/events/aliyev-visit-belgrade-2022"])
def test_a_500_is_good_http(sqlite: str, tmp_path: Path, target: str) -> None:
    """The answer to what nobody foresaw: a table without most of its columns."""
    url = SqliteStores(tmp_path).new(sqlite)
    with forked_server(url) as running:
        run(url, "ALTER TABLE document RENAME TO document_away")
        run(url, "CREATE VIEW document AS SELECT key FROM document_away")
        assert notes(running, target) == (500, [])
