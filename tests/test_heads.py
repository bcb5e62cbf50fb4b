"""The head of a request and of its answer, as the RFCs say, over real sockets."""

import gzip
import json
import re
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import count

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.heads import MAX_HEADER_BYTES, prefers
from app.formats import FORMATS
from app.main import create_app
from app.masking import mask_target
from app.server.proxies import first_scheme
from app.settings import Settings
from commands import forked_server
from servers import Answer, Server
from stores import SqliteStores, key_of, migrated, seeded
from tables import check_each
from valid_writes import bearer

pytestmark = pytest.mark.slow

FILES = [f"/events.{name}" for name in FORMATS]
PAGES = ("/", "/embed", "/docs", "/events.html")
ANSWERS = (
    *("/events", "/events/serbia-azerbaijan-gas-contract", "/facets?by=type", "/types", "/changes"),
    *("/audit", "/openapi.json", "/healthz", "/metrics", "/embed.js", "/favicon.ico"),
    *("/oembed?url=/", "/import/template.csv", "/static-offline-docs/swagger-ui.css", "/problems"),
    *("/nope", "/events?tpye=a", "/events/nope", "/events?q=" + "a" * 9000),
    *(*FILES, *PAGES),
)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store."""
    files = SqliteStores(tmp_path_factory.mktemp("heads"))
    return seeded(files, migrated(files))


@pytest.fixture(scope="module")
def server(sqlite: str) -> Iterator[Server]:
    """A real server."""
    with forked_server(sqlite) as running:
        yield running


def exchange(server: Server, request: bytes, *, half_close: bool = False) -> bytes:
    """Return all that comes back up to the end of the connection."""
    with closing(server.connected()) as wire:
        wire.sendall(request)
        if half_close:
            wire.shutdown(socket.SHUT_WR)
        parts = []
        while part := wire.recv(65536):
            parts.append(part)
        return b"".join(parts)


def status_of(raw: bytes) -> int:
    """Return the status of the first answer."""
    return int(raw[9:12])


def request(target: str, *headers: str, version: str = "1.1") -> bytes:
    """Return a GET whose connection ends with its answer."""
    lines = [f"GET {target} HTTP/{version}", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


# -- what is asked --------------------------------------------------------------------------------

HOSTS = {  # the Host lines of a request: its status in HTTP/1.1, and in HTTP/1.0
    (): (400, 200),
    ("Host: news.example",): (200, 200),
    ("Host: news.example:8080",): (200, 200),
    ("Host: [::1]:80",): (200, 200),
    ("Host: 127.0.0.1",): (200, 200),
    ("Host: xn--bcher-kva.example",): (200, 200),
    ("Host:",): (200, 200),
    ("Host: a", "Host: a"): (400, 400),
    ("Host: a", "hOST: b"): (400, 400),
    ("Host: a b",): (400, 400),
    ("Host: a/b",): (400, 400),
    ("Host: a, b",): (400, 400),
    ("Host: user@a",): (400, 400),
    ("Host: [::1",): (400, 400),
    ("Host: [::1::]",): (400, 400),
    ("Host: [::g]",): (400, 400),
    ("Host: a:b",): (400, 400),
    ("Host: a:8:8",): (400, 400),
    ("Host: http://a",): (400, 400),
    ("Host: é",): (400, 400),
    ("Host: %zz",): (400, 400),
}


REPEATED = {  # two lines of one header, for a PATCH of an event whose tag is {tag}: the status
    ('If-Match: "x"', "If-Match: {tag}"): 200,
    ("If-Match: {tag}", 'If-Match: "x"'): 200,
    ('If-Match: "x"', 'If-Match: "y"'): 412,
    ("If-Match: {tag}", "Content-Encoding: identity", "Content-Encoding: gzip"): 415,
    ("If-Match: {tag}", "Content-Type: application/json", "Content-Type: text/csv"): 415,
    ("If-Match: {tag}", "Authorization: {key}", "authorization: Bearer x"): 400,
    ("If-Match: {tag}", "Authorization: Bearer x", "Authorization: {key}"): 400,
    ("If-Match: {tag}", "Idempotency-Key: a", "Idempotency-Key: b"): 400,
    ("If-Match: {tag}", "Last-Event-ID: a", "Last-Event-ID: b"): 400,
    ("If-Match: {tag}", "X-Anything: a", "X-Anything: b"): 200,
}


def test_no_line_of_a_repeated_header_is_dropped(sqlite: str, server: Server) -> None:
    """Lines of a list are one list (RFC 9110 section 5.3); a header with one value is refused."""
    key = f"Bearer {key_of(sqlite)}"
    path, titles = "/events/serbia-azerbaijan-gas-contract", count()

    def check(case: tuple[tuple[str, ...], int]) -> None:
        lines, status = case
        tag = server.ask(path).headers["ETag"]
        given = [line.format(tag=tag, key=key) for line in lines]
        names = {line.partition(":")[0].lower() for line in given}
        for name, value in (("Authorization", key), ("Content-Type", "application/json")):
            given += [] if name.lower() in names else [f"{name}: {value}"]
        body = json.dumps({"title": f"Title {next(titles)}"})
        head = [f"PATCH {path} HTTP/1.1", "Host: a", "Connection: close", *given]
        sent = "\r\n".join([*head, f"Content-Length: {len(body)}", "", body])
        raw = exchange(server, sent.encode())
        assert status_of(raw) == status, raw[:300]
        assert status < 400 or b"application/problem+json" in raw
        assert (status == 400) == (b"is sent twice; send it once" in raw)

    check_each(REPEATED.items(), check)


def test_a_host_is_there_once_and_well_formed(server: Server) -> None:
    """RFC 9112 section 3.2; also on what is not there, and a problem says what is wrong."""
    wrong = []
    for lines, expected in HOSTS.items():
        for version, status in zip(("1.1", "1.0"), expected, strict=True):
            raw = exchange(server, request("/healthz", *lines, version=version))
            named = b"application/problem+json" in raw and b"Host is " in raw
            if status_of(raw) != status or named != (status == 400):
                wrong.append((version, lines, raw[:300]))
    assert wrong == []


VERSIONS = {"0.9": 400, "1.0": 200, "1.1": 200, "1.2": 400, "2.0": 400, "3.0": 400}


def test_another_version_of_http_is_refused(server: Server) -> None:
    """The answer would be one of HTTP/1.1, whatever the client reads."""
    wrong = []
    for version, status in VERSIONS.items():
        raw = exchange(server, request("/healthz", "Host: a", version=version))
        if status_of(raw) != status or (status == 400 and b"HTTP/1.1" not in raw):
            wrong.append((version, raw[:300]))
    assert wrong == []


HEADS = {  # a header: its status on /healthz
    f"X: {'a' * (MAX_HEADER_BYTES - 1)}": 200,
    f"X: {'a' * MAX_HEADER_BYTES}": 431,
    f"Accept: a/b{' ' * 60_000}b": 431,
    f"Accept: a/b{' ' * 9000}b": 431,
    f"Cookie: {'a=b; ' * 1500}": 200,
    f"If-None-Match: {'a,' * 5000}": 431,
    f"{'a' * 9000}: b": 431,
}


def test_a_header_is_bounded_before_it_is_parsed(server: Server) -> None:
    """Each to 8 KiB, the whole head to 16; the problem names the one that is too long."""
    wrong = []
    for line, status in HEADS.items():
        raw = exchange(server, request("/healthz", "Host: a", line))
        if status_of(raw) != status:
            wrong.append((line[:40], raw[:200]))
    assert wrong == []
    raw = exchange(server, request("/nope", "Host: a", f"Accept: {'a' * 9000}"))
    assert b"accept is longer" in raw
    assert b"x-content-type-options: nosniff" in raw


PREFERENCES = {  # an Accept header: whether it prefers HTML to problem+json
    "": False,
    "*/*": False,
    "text/html": True,
    "TEXT/HTML": True,
    "text/*": True,
    "text/html, */*": True,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": True,
    "application/json, text/html;q=0.9": True,
    "application/problem+json, text/html;q=0.9": False,
    "text/html;q=0, */*": False,
    "text/html;level=1;q=0.5, application/*;q=0.6": False,
    "text/html;q=x": False,
    "a/b" + " " * 8000 + "b": False,
    ";;;,,,q=1": False,
}


def test_an_accept_header_is_weighed() -> None:
    """Quality first, then the closer name (RFC 9110 section 12.5.1)."""
    wrong = {
        accept[:80]: html
        for accept, html in PREFERENCES.items()
        if prefers(accept, "text/html", "application/problem+json") != html
    }
    assert wrong == {}


SCHEMES = {  # values of X-Forwarded-Proto: how a link begins
    ("https",): "https:",
    ("HTTPS",): "https:",
    ("https,http",): "https:",
    (" https , http",): "https:",
    ("http,https",): "http:",
    ("https", "http"): "https:",
    ("",): "http:",
    (",https",): "http:",
    ("javascript",): "http:",
    ("httpsx",): "http:",
}


def test_the_first_scheme_of_a_trusted_proxy_counts(server: Server) -> None:
    """In any case; what is no scheme is left aside, and so is Forwarded."""
    wrong = []
    for values, begins in SCHEMES.items():
        lines = [f"X-Forwarded-Proto: {value}" for value in values]
        raw = exchange(server, request("/events?limit=1", "Host: news.example", *lines))
        if f'"next":"{begins}//news.example/' not in raw.decode():
            wrong.append((values, raw[:300]))
    raw = exchange(server, request("/events?limit=1", "Host: a", "Forwarded: proto=https"))
    assert b'"next":"http://a/' in raw
    assert wrong == []
    assert first_scheme([b"HTTPS, http", b"http"]) == b"https"


def test_schemes_of_others_do_not_count(
    sqlite: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever is not a trusted proxy is a client, and a server that needs keys says `private`."""
    store = SqliteStores(tmp_path_factory.mktemp("private")).new(sqlite)
    key = bearer(key_of(store, "a reader", "read"))
    with forked_server(store, trusted_proxies="10.0.0.0/8", public_reads="false") as server:
        answer = server.ask("/events?limit=1", {**key, "X-Forwarded-Proto": "https,http"})
        assert answer.json()["next"].startswith("http://")
        wrong = []
        for target in ("/", "/events", "/events/serbia-azerbaijan-gas-contract", "/types", *FILES):
            answer = server.ask(target, key)
            again = server.ask(target, {**key, "If-None-Match": answer.headers["ETag"]})
            for found, status in ((answer, 200), (again, 304)):
                kept = found.headers["Cache-Control"]
                if found.status != status or not kept.startswith("private, no-cache"):
                    wrong.append((target, found.status, kept))
        assert wrong == []
        assert server.ask("/events").headers["Cache-Control"] == "no-store"
        assert server.ask("/favicon.ico").headers["Cache-Control"].startswith("public")
        secret = key["Authorization"].removeprefix("Bearer ")
        for target in (f"/events?key={secret}", f"/events?q={secret}", f"/events/{secret}"):
            assert secret not in server.ask(target, key).body.decode()
        assert secret not in server.log.read_text()
        assert "/events?key=***" in server.log.read_text()


# -- how an answer comes --------------------------------------------------------------------------


def without_chunks(raw: bytes) -> bytes:
    """Return the body of an answer that may have come in chunks."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


SAME = ("Host: a", "X-Request-ID: same")  # errors repeat it


def test_http_1_0_gets_no_chunks(server: Server) -> None:
    """Every answer ends with its length or its connection, and holds the same as in chunks."""
    wrong = []
    for target in (*FILES, *PAGES, "/events", "/nope", "/metrics"):
        for coding in ((), ("Accept-Encoding: gzip",)):
            old = exchange(server, request(target, *SAME, *coding, version="1.0"))
            new = exchange(server, request(target, *SAME, *coding))
            bodies = [without_chunks(raw) for raw in (old, new)]
            if coding and b"content-encoding: gzip" in old.lower():
                bodies = list(map(gzip.decompress, bodies))
            same = re.sub(rb"[\d.:TZ-]{6,}", b"", bodies[0]) == re.sub(
                rb"[\d.:TZ-]{6,}", b"", bodies[1]
            )
            head = old.partition(b"\r\n\r\n")[0].lower()
            same = same or target == "/metrics"
            if b"transfer-encoding" in head or not same or b"connection: close" not in head:
                wrong.append((target, coding, head))
    assert wrong == []


def test_a_client_that_half_closes_gets_its_answer(server: Server) -> None:
    """As `nc -N` does: whole, also in chunks, also of several requests sent ahead."""
    wrong = []
    keep = "\r\n".join((*SAME, "", ""))
    for target in ("/healthz", "/events?limit=200", "/events.csv", "/events.ndjson", "/", "/nope"):
        expected = without_chunks(exchange(server, request(target, *SAME)))
        for version in ("1.0", "1.1"):
            sent = f"GET {target} HTTP/{version}\r\n{keep}".encode()
            for _ in range(3):
                raw = exchange(server, sent, half_close=True)
                if without_chunks(raw) != expected:
                    wrong.append((target, version, raw[:200]))
    ahead = f"GET /healthz HTTP/1.1\r\n{keep}".encode() * 3
    assert exchange(server, ahead, half_close=True).count(b"HTTP/1.1 200 OK") == 3
    assert wrong == []


def test_half_a_request_that_ends_is_told_so(server: Server) -> None:
    """A 400 rather than silence; of nothing at all, nothing."""
    body = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"
    for sent, part in ((b"GET / HTTP/1.1\r\nHo", b"head"), (body, b"body")):
        raw = exchange(server, sent, half_close=True)
        assert status_of(raw) in (400, 401)
        assert part in raw or status_of(raw) == 401
    assert exchange(server, b"", half_close=True) == b""


def test_a_stream_ends_when_its_client_half_closes(server: Server) -> None:
    """Nothing else tells that the client has left."""
    with closing(server.connected()) as wire:
        wire.sendall(b"GET /changes HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        assert wire.recv(65536)
        wire.shutdown(socket.SHUT_WR)
        ended = time.monotonic()
        while wire.recv(65536):
            pass
        assert time.monotonic() - ended < 5


# -- what every answer says -----------------------------------------------------------------------


def test_no_answer_is_sniffed(server: Server) -> None:
    """Whatever it is, and whether it is an error; and none has a date that would mislead."""
    wrong = []
    for target in ANSWERS:
        answer = server.ask(target)
        if answer.headers.get_all("X-Content-Type-Options") != ["nosniff"]:
            wrong.append((target, answer.headers.items()))
        if "static-offline" not in target and "Last-Modified" in answer.headers:
            wrong.append((target, answer.headers.items()))
    assert wrong == []
    later = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert server.ask("/events", later).status == 200


def test_every_file_is_compressed_when_it_is_asked_for(server: Server) -> None:
    """And is the same then."""
    wrong = []
    for target in (*FILES, "/events", "/", "/docs"):
        packed = server.ask(target, {"Accept-Encoding": "gzip"})
        plain = server.ask(target)
        if packed.headers["Content-Encoding"] != "gzip" or not same(
            Answer(200, packed.headers, gzip.decompress(packed.body)), plain
        ):
            wrong.append((target, packed.headers.items()))
    assert wrong == []


def same(one: Answer, other: Answer) -> bool:
    """Return whether two bodies are equal, but for the time at which they were made."""
    made = re.compile(rb"\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT[\d:.]+Z")
    return made.sub(b"", one.body) == made.sub(b"", other.body)


def test_the_reference_runs_nothing_but_its_own(server: Server) -> None:
    """No host but this one, no evaluation, and no inline script but the one that is there."""
    answer = server.ask("/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    (script,) = re.findall(rb"<script>(.*?)</script>", answer.body, re.DOTALL)
    digest = b64encode(sha256(script).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert not re.search(rb"<[^>]+\son\w+=", answer.body)
    assert b"//cdn" not in answer.body


# -- keys in addresses ----------------------------------------------------------------------------

KEY = "dln_" + "a1B2" * 12
TARGETS = {
    "/events?q=gas&limit=2": "/events?q=gas&limit=2",
    "/events": "/events",
    f"/events?key={KEY}": "/events?key=***",
    f"/events?q={KEY}&limit=1": "/events?q=***&limit=1",
    f"/events?q=x{KEY}": "/events?q=***",
    f"/events?q=dln%5F{KEY[4:]}": "/events?q=***",
    f"/events?{KEY}": "/events?***",
    f"/events?{KEY}=1": "/events?***",
    f"/events/{KEY}": "/events/dln_***",
    "/events?access_token=abc": "/events?access_token=***",
    "/events?api_key=abc&API-KEY=abc&apikey=abc": "/events?api_key=***&API-KEY=***&apikey=***",
    "/events?monkey=abc": "/events?monkey=abc",
}


def test_a_key_in_an_address_is_masked() -> None:
    """Whatever the parameter is called, however it is written."""
    assert {target: mask_target(target) for target in TARGETS} == TARGETS


def test_a_key_in_an_address_is_in_no_error(sqlite: str) -> None:
    """Errors echo what was wrong, and end in tickets and logs."""
    app: FastAPI = create_app(Settings(database_url=sqlite))
    wrong = []
    with TestClient(app) as client:
        for target in (*TARGETS, f"/problems/{KEY}", f"/events.{KEY}", f"/{KEY}", f"/?actor={KEY}"):
            for accept in ("application/json", "text/html"):
                answer = client.get(target, headers={"Accept": accept}, follow_redirects=False)
                if KEY in answer.text and "q=" not in target:
                    wrong.append((target, accept, answer.text[:300]))
    assert wrong == []
