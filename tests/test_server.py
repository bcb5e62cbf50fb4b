"""The HTTP server between socket and application: deadlines, caps, refusals, start and end."""

import asyncio
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send
from uvicorn.config import LOGGING_CONFIG
from uvicorn.logging import AccessFormatter

from app import errors, keys, writes
from app.api import middleware, problems
from app.server import Server as HttpServer
from app.server import listen, protocol
from app.server.connection import Connection
from app.server.logs import AccessLine
from app.server.proxies import ProxyHeaders
from app.server.read_watch import ReadWatch
from app.settings import Settings
from commands import forked_server, run, started
from servers import SECONDS, Server, until
from stores import SqliteStores, migrated, opened, seeded
from test_http import with_slow_documents

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store."""
    files = SqliteStores(tmp_path_factory.mktemp("served"))
    return seeded(files, migrated(files))


@pytest.fixture(scope="module")
def server(sqlite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server, with the deadlines that users meet."""
    with forked_server(SqliteStores(tmp_path_factory.mktemp("server")).new(sqlite)) as running:
        yield running


# -- a server in a hurry, in a thread -------------------------------------------------------------


class Impatient(ReadWatch):
    """As served, but a client may take nothing for half a second."""

    max_seconds = 0.5
    interval_seconds = 0.1


class Hasty(Connection):
    """As served, but with half a second, and one more for every 2,000 bytes of a body."""

    read_watch = Impatient

    seconds = 0.5
    pace = 2000
    linger = 0.6


class Unforgiving(Hasty):
    """With nothing more for a body."""

    pace = 1_000_000_000


MUCH = 100_000
DESCRIPTORS = Path("/proc/self/fd")
READING = ("/", "/busy", "/late", "/soon-read")


@dataclass
class Toy:
    """An application that does as the path says, and keeps what became of its requests."""

    bodies: list[int] = field(default_factory=list)
    disconnects: int = 0
    running: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        try:
            await self.answer(scope, receive, send)
        finally:
            self.running -= 1

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The paths in READING read the body before they answer; the others read nothing."""
        start: MutableMapping[str, Any] = {"type": "http.response.start", "status": 200}
        path = scope["path"]
        if path == "/late":
            await asyncio.sleep(1.2)
        if path.startswith("/soon"):
            await asyncio.sleep(0.1)
        if path in READING and not await self.read(receive):
            return
        if path == "/busy":
            await asyncio.sleep(1.2)
        text = f"{scope['method']} {path} {self.bodies[-1:]}.".encode()
        if path in ("/stream", "/headers-first"):
            await send({**start, "headers": []})
            for _ in range(12):
                await send({"type": "http.response.body", "body": b"part ", "more_body": True})
                await asyncio.sleep(0.1)
            if path == "/headers-first" and not await self.read(receive):
                return
            await send({"type": "http.response.body", "body": b"end"})
            return
        if path == "/much":
            await send({**start, "headers": []})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b"x" * MUCH, "more_body": True})
            await send({"type": "http.response.body", "body": b"end"})
            return
        if path.startswith("/kib/"):
            size = int(path.rpartition("/")[2]) << 10
            await send({**start, "headers": [(b"content-length", b"%d" % size)]})
            await send({"type": "http.response.body", "body": b"x" * size})
            return
        if path in ("/until-the-end", "/until-you-leave"):
            await send({**start, "headers": [(b"content-type", b"text/event-stream")]})
            await send({"type": "http.response.body", "body": b"part ", "more_body": True})
            while path == "/until-you-leave" and await self.read(receive):
                pass
            if path == "/until-you-leave":
                return
            await self.stopping.wait()
            await send({"type": "http.response.body", "body": b"farewell"})
            return
        names = [name for name, _ in scope["headers"]]
        headers = [(b"content-length", b"%d" % len(text)), (b"names", b" ".join(names)[:100])]
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def read(self, receive: Receive) -> bool:
        """Whether the body came whole."""
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnects += 1
                return False
            length += len(message["body"])
            if not message["more_body"]:
                self.bodies.append(length)
                return True


@contextmanager
def hasty(
    app: Any, stopping: asyncio.Event, http: Any = Hasty, keep_alive: int = 5
) -> Iterator[int]:
    """An application served by a thread of this process; the port."""
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=10,
    )
    server = HttpServer(config, stopping.set)
    sockets = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        until(lambda: server.started)
        yield sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def toy(caplog: pytest.LogCaptureFixture) -> Iterator["Served"]:
    """The toy, served hastily; nothing that it meets may leave a traceback or a task behind."""
    caplog.set_level(logging.INFO)
    app = Toy()
    with hasty(app, app.stopping) as port:
        yield Served(app, port)
        until(lambda: app.running == 0)
    records = (*caplog.get_records("call"), *caplog.get_records("teardown"))
    assert [record.getMessage() for record in records if record.levelno > logging.INFO] == []


@dataclass(frozen=True)
class Served:
    """The toy and where it is."""

    app: Toy
    port: int

    @contextmanager
    def wire(self) -> Iterator["Wire"]:
        """A connection."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as opened:
            yield Wire(opened)

    def ask(self, sent: bytes) -> bytes:
        """All that comes back for this, up to the end of the connection."""
        with self.wire() as wire:
            wire.send(sent)
            return wire.rest()


@dataclass(frozen=True)
class Wire:
    """One connection of a client."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        """Send it all; as far as anybody takes it."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def drip(self, data: bytes, size: int = 1, every: float = 0.05) -> None:
        """Send it slowly, until nobody takes it."""
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            time.sleep(every)

    def until(self, end: bytes) -> bytes:
        """What comes back, up to this."""
        found = b""
        while end not in found:
            part = self.socket.recv(1)
            assert part, found
            found += part
        return found

    def rest(self) -> bytes:
        """What comes back, up to the end; a reset in it fails."""
        found = b""
        while part := self.socket.recv(65536):
            found += part
        return found


def assert_refused(answer: bytes, status: int, code: str) -> None:
    """One whole answer, a problem, after which the connection closes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert "date" in headers
    document = json.loads(body)
    assert set(document) == {"type", "title", "status", "detail", "request_id"}
    assert headers["x-request-id"] == document["request_id"]
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["title"] == errors.PROBLEM_TYPES[code].title


def assert_too_slow(answer: bytes) -> None:
    assert_refused(answer, 408, "request-timeout")


def test_a_refusal_names_the_prefix_of_the_public_address() -> None:
    """A client follows `type` as it stands."""
    settings = Settings(public_url="https://example.org/timeline")
    proxies: Any = ProxyHeaders(Toy(), "127.0.0.1")  # type: ignore[arg-type]
    maker = protocol(settings, proxies)
    with hasty(Toy(), asyncio.Event(), maker) as port:
        answer = Served(Toy(), port).ask(b"nonsense\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/timeline/problems/bad-request"


# -- deadlines ------------------------------------------------------------------------------------


def test_a_client_that_says_nothing_is_closed(toy: Served) -> None:
    """After the seconds for a head, and not before."""
    started = time.monotonic()
    assert_too_slow(toy.ask(b""))
    assert 0.45 <= time.monotonic() - started < 2


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "kept alive"])
@pytest.mark.parametrize("said", [b"G", b"\r\n", GET[:-2]], ids=["a byte", "a blank line", "most"])
def test_half_a_head_is_closed(toy: Served, before: bytes, said: bytes) -> None:
    """On a kept-alive connection the clock starts with the first byte."""
    with toy.wire() as wire:
        if before:
            wire.send(before)
            wire.until(b"GET / [0].")
            time.sleep(0.7)
        wire.send(said)
        started = time.monotonic()
        assert_too_slow(wire.rest())
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("line", [b"\r\n", b"X: y\r\n"])
def test_a_head_that_drips_is_closed(toy: Served, line: bytes) -> None:
    """No byte buys more time; blank lines before a request neither."""
    with toy.wire() as wire:
        started = time.monotonic()
        wire.send(b"" if line == b"\r\n" else GET[:-2])
        dripping = threading.Thread(target=wire.drip, args=(line * 10,))
        dripping.start()
        assert_too_slow(wire.rest())
        assert time.monotonic() - started < 2
        dripping.join()


@pytest.mark.parametrize("sent", [b"", b"a" * 100], ids=["nothing of it", "a part"])
def test_a_body_that_does_not_come_is_closed(toy: Served, sent: bytes) -> None:
    """And the application sees that the client is gone."""
    assert_too_slow(toy.ask(POST + sent))
    until(lambda: toy.app.disconnects == 1)
    assert toy.app.bodies == []


def test_a_body_that_drips_is_closed(toy: Served) -> None:
    """A few bytes a second earn next to nothing."""
    with toy.wire() as wire:
        wire.send(POST)
        dripping = threading.Thread(target=wire.drip, args=(b"a" * 30,))
        started = time.monotonic()
        dripping.start()
        assert_too_slow(wire.rest())
        assert time.monotonic() - started < 2
        dripping.join()
    assert toy.app.disconnects == 1


def test_chunks_that_hold_nothing_earn_nothing(toy: Served) -> None:
    """Only the body counts, not its wrapping."""
    with toy.wire() as wire:
        wire.send(POST.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked"))
        started = time.monotonic()
        extended = b"1;" + b"x" * 1000 + b"\r\na\r\n"
        dripping = threading.Thread(target=wire.drip, args=(extended * 40, len(extended)))
        dripping.start()
        assert_too_slow(wire.rest())
        assert time.monotonic() - started < 2
        dripping.join()


def test_a_slow_upload_that_keeps_its_pace_is_taken(toy: Served) -> None:
    """Four times the deadline, at twice the pace."""
    with toy.wire() as wire:
        wire.send(
            b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 8000\r\n\r\n"
        )
        wire.drip(b"a" * 8000, 200)
        assert wire.rest().endswith(b"POST / [8000].")


def test_a_deadline_of_a_large_body_is_none_for_what_follows(toy: Served) -> None:
    """A quick upload leaves no credit to the next request."""
    with toy.wire() as wire:
        wire.send(POST.replace(b"1000", b"1000000") + b"a" * 500_000)
        time.sleep(0.7)  # the deadline is put off
        wire.send(b"a" * 500_000)
        wire.until(b"[1000000].")
        wire.send(b"GET")
        started = time.monotonic()
        assert_too_slow(wire.rest())
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("path", [b"/busy", b"/stream"])
def test_no_deadline_runs_while_the_application_works(toy: Served, path: bytes) -> None:
    """It has the whole request, however long it takes; half of the next one waits with it."""
    with toy.wire() as wire:
        wire.send(GET.replace(b"/", path, 1) + LAST[:10])
        wire.until(b"." if path == b"/busy" else b"end\r\n0\r\n\r\n")
        wire.send(LAST[10:])
        assert b"HTTP/1.1 200" in wire.rest()


def test_no_deadline_runs_while_nobody_reads() -> None:
    """An application that lets a body wait does not have it taken for slow."""
    app = Toy()
    with hasty(app, app.stopping, Unforgiving) as port, Served(app, port).wire() as wire:
        wire.send(POST.replace(b"/", b"/late", 1).replace(b"1000", b"500000"))
        wire.send(b"a" * 500_000)
        wire.until(b"POST /late [500000].")


def test_a_client_that_takes_nothing_in_is_left(toy: Served) -> None:
    """After the deadline, though an answer has begun; who waits for it would wait for ever."""
    with toy.wire() as wire:
        wire.send(GET.replace(b"/", b"/much", 1))
        until(lambda: toy.app.running)
        until(lambda: not toy.app.running)
        assert not wire.rest().endswith(b"end\r\n0\r\n\r\n")


def test_a_client_that_takes_an_answer_in_slowly_gets_it_all(toy: Served) -> None:
    """Though it takes several deadlines."""
    with toy.wire() as wire:
        wire.send(GET.replace(b"/", b"/much", 1))
        taken, tail = 0, b""
        while not tail.endswith(b"end\r\n0\r\n\r\n"):
            part = wire.socket.recv(MUCH * 10)
            assert part, taken
            taken, tail = taken + len(part), (tail + part)[-20:]
            time.sleep(0.1)
        assert taken > 200 * MUCH


def test_an_answer_that_is_complete_is_not_kept_for_a_client_that_does_not_read() -> None:
    """Of whatever size: of some the rest is too small for a server to stop writing."""
    app = Toy()
    with hasty(app, app.stopping, keep_alive=1) as port, ExitStack() as stack:
        before = len(list(DESCRIPTORS.iterdir()))
        sizes = range(40, 400, 8)
        for size in sizes:
            wire = stack.enter_context(socket.socket())
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.connect(("127.0.0.1", port))
            wire.sendall(GET.replace(b"/", b"/kib/%d" % size, 1))
        until(lambda: len(list(DESCRIPTORS.iterdir())) > before + len(sizes))
        time.sleep(1)
        until(lambda: len(list(DESCRIPTORS.iterdir())) <= before + len(sizes))


def test_half_a_request_sent_ahead_is_waited_for() -> None:
    """It has the time of every other, not only that of an idle connection."""
    app = Toy()
    with hasty(app, app.stopping, keep_alive=0) as port, Served(app, port).wire() as wire:
        wire.send(GET + LAST[:10])
        wire.until(b"GET / [0].")
        time.sleep(0.2)
        wire.send(LAST[10:])
        assert wire.rest().endswith(b"GET / [0].")


def test_no_deadline_runs_before_the_client_is_told_to_continue(toy: Served) -> None:
    """It waits for the application, not the application for it."""
    head = POST.replace(b"/", b"/late", 1).replace(b"Host", b"Expect: 100-continue\r\nHost", 1)
    with toy.wire() as wire:
        wire.send(head)
        assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(b"a" * 1000)
        assert wire.until(b"].").endswith(b"POST /late [1000].")
        wire.send(head)
        wire.until(b"\r\n\r\n")
        assert_too_slow(wire.rest())


def test_what_is_answered_early_gets_no_second_answer(toy: Served) -> None:
    """The rest of its body has the same deadline, and then the connection just ends."""
    with toy.wire() as wire:
        wire.send(POST.replace(b"/", b"/early", 1))
        dripping = threading.Thread(target=wire.drip, args=(b"a" * 30,))
        started = time.monotonic()
        dripping.start()
        assert wire.rest().endswith(b"POST /early [].")
        assert time.monotonic() - started < 2
        dripping.join()


def test_no_error_is_written_into_an_answer(toy: Served) -> None:
    """One that began before the body was there is broken off, which the client can see."""
    answer = toy.ask(POST.replace(b"/", b"/headers-first", 1))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"part \r\n")
    until(lambda: toy.app.disconnects == 1)


def test_who_reads_nothing_is_closed_too(toy: Served) -> None:
    """Both ends: the server lets go of the socket, whatever the client does."""
    with toy.wire() as wire:

        def is_closed() -> bool:
            try:
                wire.socket.sendall(b"a")
            except (BrokenPipeError, ConnectionResetError):
                return True
            return False

        until(is_closed)


def test_a_route_that_reads_a_body_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    """In Dateline's own layers nobody logs that a client gave up, or was given up."""
    app = FastAPI()
    ended = []

    @app.post("/")
    async def take(request: Request) -> int:
        try:
            return len(await request.body())
        finally:
            ended.append(request)

    problems.install(app)
    middleware.install(app)
    with hasty(app, asyncio.Event()) as port:
        served = Served(Toy(), port)
        assert_too_slow(served.ask(POST))
        with served.wire() as wire:
            wire.send(POST + b"a")
        until(lambda: len(ended) == 2)
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []


def test_a_client_that_leaves_ends_all_its_requests(toy: Served) -> None:
    """Also the one that is being answered while another waits behind it."""
    with toy.wire() as wire:
        wire.send(GET.replace(b"/", b"/until-you-leave", 1) + GET)
        wire.until(b"part ")
    until(lambda: toy.app.disconnects == 1)


# -- heads ----------------------------------------------------------------------------------------


def head_of(length: int) -> bytes:
    """A request without a body, of so many bytes."""
    filled = LAST[:-2] + b"X: %s\r\n\r\n"
    return filled % (b"a" * (length - len(filled) + len(b"%s")))


@pytest.mark.parametrize("size", [1_000_000, 4096, 99])
def test_a_head_may_have_16_kib(toy: Served, size: int) -> None:
    """To the byte, however it comes."""
    for length, said in ((16384, b"HTTP/1.1 200 "), (16385, b"HTTP/1.1 431 ")):
        with toy.wire() as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.drip(head_of(length), size, 0)
            answer = wire.rest()
            assert answer.startswith(said)
    assert_refused(answer, 431, "headers-too-large")


HUGE = {
    "a request line": b"GET /" + b"a" * 1_000_000,
    "a header": GET[:-2] + b"X: " + b"a" * 1_000_000,
    "a header's name": GET[:-2] + b"a" * 1_000_000,
    "headers": GET[:-2] + b"X: y\r\n" * 100_000,
    "blank lines": b"\r\n" * 500_000,
}


@pytest.mark.parametrize("what", HUGE)
def test_a_huge_head_is_refused(server: Server, what: str) -> None:
    """And the client gets to read that, though it sends on."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as opened:
        wire = Wire(opened)
        wire.send(HUGE[what])
        assert_refused(wire.rest(), 431, "headers-too-large")


def test_a_head_that_follows_others_may_be_large(toy: Served) -> None:
    """What came before in the same segment counts next to nothing."""
    answer = toy.ask(GET * 20 + head_of(12_000))
    assert answer.count(b"HTTP/1.1 200 ") == 21
    answer = toy.ask(GET + head_of(25_000))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert_refused(answer.partition(b"GET / [0].")[2], 431, "headers-too-large")


CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("more", [b"5;" + b"a" * 100_000, b"0\r\nX: " + b"a" * 100_000])
def test_what_surrounds_chunks_is_capped_as_a_head(toy: Served, more: bytes) -> None:
    """Extensions and trailers."""
    assert_refused(toy.ask(CHUNKED + more), 431, "headers-too-large")
    until(lambda: toy.app.disconnects == 1)


def test_a_trailer_is_no_header(toy: Served) -> None:
    """Nobody slips one past a proxy that way (RFC 9110 section 6.5.1)."""
    with toy.wire() as wire:
        wire.send(CHUNKED)
        time.sleep(0.1)
        wire.send(b"0\r\nX-Trailer: y\r\n\r\n")
        assert b"trailer" not in wire.until(b"].")


# -- what is no HTTP ------------------------------------------------------------------------------

GARBAGE = {
    "words": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "two lengths": POST.replace(b"Host", b"Content-Length: 2\r\nHost"),
    "a length and chunks": POST.replace(b"Host: h", b"Transfer-Encoding: chunked"),
    "no target": b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_what_is_no_http_is_a_problem(server: Server, what: str) -> None:
    """As every other error is."""
    assert_refused(
        server.raw(GARBAGE[what].decode("latin-1").replace("\r\n", "\n")), 400, "bad-request"
    )


@pytest.mark.parametrize("path", [b"/", b"/busy", b"/stream"])
def test_garbage_after_a_request_leaves_its_answer_whole(toy: Served, path: bytes) -> None:
    """What came before is answered first."""
    plain = toy.ask(LAST.replace(b"/", path, 1)).replace(b"connection: close\r\n", b"")
    answer = toy.ask(GET.replace(b"/", path, 1) + GARBAGE["words"])
    *_, refusal = answer.partition(plain.partition(b"\r\n\r\n")[2])
    assert answer.count(b"HTTP/1.1 ") == 2
    assert_refused(refusal, 400, "bad-request")


def test_garbage_in_a_body_is_a_problem(toy: Served) -> None:
    """The application sees that the client is gone."""
    assert_refused(toy.ask(CHUNKED + b"no length\r\n"), 400, "bad-request")
    until(lambda: toy.app.disconnects == 1)


@pytest.mark.parametrize("path", [b"/soon", b"/soon-read"])
def test_an_answer_that_comes_after_a_refusal_is_dropped(toy: Served, path: bytes) -> None:
    """Nor is the client told to continue."""
    head = CHUNKED.replace(b"/", path, 1).replace(b"Host", b"Expect: 100-continue\r\nHost", 1)
    with toy.wire() as wire:
        wire.send(head + b"no length\r\n")
        assert_refused(wire.rest(), 400, "bad-request")
        time.sleep(0.2)


def test_a_refusal_reaches_a_client_that_was_not_read(toy: Served) -> None:
    """What it goes on sending is taken and thrown away, or a reset would overtake the answer."""
    large = CHUNKED.replace(b"/", b"/late", 1) + b"%x\r\n" % 70_000 + b"a" * 70_000
    with toy.wire() as wire:
        wire.socket.sendall(large + b"garbage" + b"a" * 10_000_000)
        assert_refused(wire.rest(), 400, "bad-request")


def test_garbage_in_a_body_that_waits_its_turn_is_a_problem(toy: Served) -> None:
    """After the answer to what came before; the application never sees it."""
    answer = toy.ask(GET.replace(b"/", b"/busy", 1) + CHUNKED + b"no length\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert_refused(answer.partition(b"GET /busy [0].")[2], 400, "bad-request")
    assert toy.app.bodies == [0]


# -- what keeps working ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1_000_000, 7, 1], ids=["at once", "in parts", "byte by byte"])
def test_requests_may_be_sent_ahead(toy: Served, size: int) -> None:
    """They are answered in their order, and bodies stay with their requests."""
    sent = b""
    for number in range(1, 6):
        sent += b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % number + b"a" * number
        sent += GET.replace(b"/", b"/%d" % number, 1)
    with toy.wire() as wire:
        wire.drip(sent + LAST, size, 0)
        answer = wire.rest()
    assert answer.count(b"HTTP/1.1 200 ") == 11
    told = [answer.index(b"POST / [%d].GET".replace(b".GET", b".") % n) for n in range(1, 6)]
    assert told == sorted(told)
    assert toy.app.bodies == [1, 2, 3, 4, 5, 0]


def test_a_connection_is_kept(server: Server) -> None:
    """For the next request, which need not come at once."""
    request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as opened:
        wire = Wire(opened)
        for _ in range(3):
            wire.send(request)
            assert wire.until(b'{"status":"ok"}').startswith(b"HTTP/1.1 200 ")
            time.sleep(0.2)


def test_an_upgrade_is_declined(toy: Served) -> None:
    """Served in HTTP/1.1, and so is what follows."""
    asking = GET.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost", 1)
    assert toy.ask(asking + asking + LAST).count(b"HTTP/1.1 200 ") == 3


# -- many slow clients ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("framed", ["by length", "in chunks"])
def test_a_body_that_comes_with_an_offer_to_upgrade_is_read(
    toy: Served, framed: str, size: int
) -> None:
    """Java's client makes the offer with every request; what follows the body is the next one."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\nHost"
    head = POST.replace(b"/", b"/late", 1).replace(b"Host", offer, 1)
    body = b"a" * 1000
    if framed == "in chunks":
        head = head.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")
        body = b"1f4\r\n" + b"a" * 500 + b"\r\n1f4\r\n" + b"a" * 500 + b"\r\n0\r\n\r\n"
    with toy.wire() as wire:
        sent = head + body + GET
        for start in range(0, len(sent), size):
            wire.send(sent[start : start + size])
        assert wire.until(b"].").endswith(b"POST /late [1000].")
        assert b"GET / " in wire.until(b"].")


@dataclass(frozen=True)
class Slow:
    """What a slow client sends at once, what a byte a second, and whether it is told 408."""

    first: bytes
    then: bytes
    told: bytes


TO_EVENTS = POST.replace(b"/", b"/events", 1)
WITH_KEY = TO_EVENTS.replace(
    b"\r\n", b"\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n", 1
)
SLOW = {
    "silent": Slow(b"", b"", b"HTTP/1.1 408 "),
    "dripping a head": Slow(b"GET / HTTP/1.1\r\nX: ", b"a", b"HTTP/1.1 408 "),
    "dripping a body": Slow(WITH_KEY, b"a", b"HTTP/1.1 408 "),
    "refused before the body": Slow(TO_EVENTS, b"", b"HTTP/1.1 401 "),
}


async def be_slow(port: int, how: Slow, key: str) -> tuple[bytes, float]:
    """What such a client is told, and when it finds itself closed."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(how.first.replace(b"KEY", key.encode()))

    async def drip() -> None:
        while True:
            await asyncio.sleep(1)
            writer.write(how.then)

    dripping = asyncio.create_task(drip())
    told = b""
    try:
        async with asyncio.timeout(40):
            while part := await reader.read(65536):
                told += part
    except ConnectionResetError:
        pass
    finally:
        dripping.cancel()
        writer.close()
    return told, time.monotonic() - started


@pytest.mark.slow
def test_slow_clients_cannot_hold_a_server(server: Server) -> None:
    """300 of all kinds are closed within 35 seconds; meanwhile others are served, and soon."""
    with opened(server.database_url) as store, store.write(shared=True) as session:
        key = keys.create(session, "slow", "write", writes.current_timestamp(), None)
    ended = threading.Event()
    waits: list[float] = []

    def be_good() -> None:
        while not ended.wait(0.2):
            started = time.monotonic()
            assert server.ask("/events?limit=1").status == 200
            waits.append(time.monotonic() - started)

    async def attack() -> list[tuple[bytes, float]]:
        return await asyncio.gather(
            *(be_slow(server.port, how, key) for how in SLOW.values() for _ in range(75))
        )

    good = threading.Thread(target=be_good)
    good.start()
    try:
        found = asyncio.run(attack())
    finally:
        ended.set()
        good.join(SECONDS)
    for number, (told, seconds) in enumerate(found):
        how = list(SLOW.values())[number // 75]
        assert told.startswith(how.told)
        assert told.count(b"HTTP/1.1 ") == 1
        assert 29 < seconds < 35
    assert len(waits) > 80
    assert max(waits) < 2
    assert "Traceback" not in server.log.read_text()


# -- the beginning --------------------------------------------------------------------------------


def test_a_port_in_use_is_told_in_one_line(server: Server, sqlite: str, tmp_path: Path) -> None:
    """Nothing of uvicorn's before or after."""
    url = SqliteStores(tmp_path).new(sqlite)
    port = str(server.port)
    ran = run("serve", "--port", port, folder=tmp_path, settings={"database_url": url})
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"dateline: port {port} on 127.0.0.1 is in use by another program; ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "a..b", "2001:db8::1"])
def test_a_foreign_address_is_told_in_one_line(sqlite: str, tmp_path: Path, host: str) -> None:
    """Also one that is no address at all."""
    url = SqliteStores(tmp_path).new(sqlite)
    asked = ("serve", "--port", "0", "--host", host)
    ran = run(*asked, folder=tmp_path, settings={"database_url": url})
    assert (ran.code, ran.out) == (1, "")
    assert (
        ran.err
        == f"dateline: {host} is not an address of this machine; choose another with --host\n"
    )


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("localhost", "http://localhost:"),
        pytest.param(
            "::1", "http://[::1]:", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
        ),
    ],
)
def test_the_log_says_where(sqlite: str, tmp_path: Path, host: str, told: str) -> None:
    """An address that works as it stands there, whatever the host is called."""
    settings = {"database_url": SqliteStores(tmp_path).new(sqlite)}
    asked = ("serve", "--port", "0", "--host", host)
    with started(*asked, folder=tmp_path, settings=settings) as server:
        log = server.said / "2"
        log.touch()  # it may not have begun
        until(lambda: f"running on {told}" in log.read_text())
        port = int(log.read_text().partition(f"running on {told}")[2].split()[0])
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if family == socket.AF_INET or has_ipv6():
                with socket.socket(family) as wire:
                    wire.connect(address)


@pytest.mark.parametrize("status", [200, 304, 404, 503])
def test_a_request_is_logged_as_uvicorn_logs_it(status: int) -> None:
    """Programs read these lines."""
    told = ("127.0.0.1:5000", "GET", "/events?q=gas%20price", "1.1", status)
    said = '%s - "%s %s HTTP/%s" %d'
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, said, told, None)
    own = AccessFormatter(LOGGING_CONFIG["formatters"]["access"]["fmt"], use_colors=False)
    assert AccessLine().format(record) == own.format(record)


# -- the end --------------------------------------------------------------------------------------


def test_a_request_in_flight_is_answered_at_the_end(sqlite: str, tmp_path: Path) -> None:
    """A signal to end lets a query run as long as it may."""
    with forked_server(SqliteStores(tmp_path).new(sqlite), query_seconds="2") as server:
        asking = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        asking.request("GET", "/healthz")
        assert asking.getresponse().read()
        with with_slow_documents(server), closing(asking):
            asking.request("GET", "/events")
            # It came later, over a newer connection: the server has read both.
            assert server.ask("/healthz").status == 200
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(SECONDS)
            assert asking.getresponse().status == 422
        assert "Traceback" not in server.log.read_text()


def test_the_application_is_told_that_the_end_begins() -> None:
    """Before connections are waited for: a stream that would never end says farewell."""
    app = Toy()
    with ExitStack() as wires:
        with hasty(app, app.stopping) as port:
            wire = wires.enter_context(Served(app, port).wire())
            wire.send(GET.replace(b"/", b"/until-the-end", 1))
            wire.until(b"part ")
            started = time.monotonic()
        assert time.monotonic() - started < 5
        assert b"farewell" in wire.rest()
