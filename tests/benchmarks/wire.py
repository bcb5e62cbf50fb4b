"""HTTP as lean as it gets, so that little of what is timed is the client's own."""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

SENT = {"Host": "127.0.0.1", "Accept-Encoding": "identity"}  # an answer as it is, uncompressed
SECONDS = 300
SIZE = 1 << 18


class Taken(NamedTuple):
    """One answer: which of the requests it was to, its seconds to the last byte, its status."""

    which: int
    seconds: float
    status: int


@dataclass(frozen=True)
class Request:
    """What is sent."""

    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def key(self) -> str:
        """What tells it from every other request."""
        return f"{self.method} {self.target} {dict(self.headers).get('If-None-Match', '')}"

    def written(self) -> bytes:
        """Its bytes."""
        headers = [*SENT.items(), *self.headers]
        if self.body:
            headers += [("Content-Length", str(len(self.body)))]
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers)]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Wire:
    """A connection that is kept."""

    def __init__(self, port: int, seconds: float = SECONDS) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(SIZE)
        self.begin()

    def begin(self) -> None:
        """Forget the last answer."""
        self.head, self.seen, self.missing, self.tail = b"", 0, -1, b""

    def receive(self) -> bool:
        """Take in what has come; whether the answer is complete."""
        got = self.socket.recv_into(self.buffer)
        if not got:
            raise ConnectionError("the server closed the connection")
        piece = memoryview(self.buffer)[:got]
        if self.missing == -1:
            self.head += piece
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            piece = memoryview(self.head)[end + 4 :]
            self._framed(self.head[:end].lower())
        self.seen += len(piece)
        if self.missing == -2:  # chunked
            self.tail = (self.tail + bytes(piece[-8:]))[-8:]
            return self.tail.endswith(b"\r\n0\r\n\r\n") or bytes(piece) == b"0\r\n\r\n"
        return self.seen >= self.missing

    def _framed(self, head: bytes) -> None:
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self.missing = int(head[at + 17 :].partition(b"\r\n")[0])
        else:
            self.missing = -2 if b"\r\ntransfer-encoding: chunked" in head else 0
        if self.status in (204, 304):
            self.missing = 0

    @property
    def status(self) -> int:
        """Of the answer that has come."""
        return int(self.head[9:12])

    def ask(self, sent: bytes, which: int = 0) -> Taken:
        """One request, and how long its answer took."""
        self.begin()
        started = time.perf_counter()
        self.socket.sendall(sent)
        while not self.receive():
            pass
        return Taken(which, time.perf_counter() - started, self.status)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.socket.close()


def one_by_one(wire: Wire, sent: Sequence[tuple[int, bytes]], seconds: float) -> list[Taken]:
    """The answers to requests sent one after the other, until the time is over."""
    until = time.perf_counter() + seconds
    taken = []
    for which, request in sent:
        taken.append(wire.ask(request, which))
        if time.perf_counter() > until:
            break
    return taken


def at_once(
    wires: Sequence[Wire], sent: Sequence[tuple[int, bytes]], seconds: float
) -> list[Taken]:
    """The same over several connections, each of which sends its next when its last is answered."""
    until = time.perf_counter() + seconds
    left, taken = iter(sent), []
    begun: dict[Wire, tuple[int, float]] = {}

    def send(wire: Wire) -> None:
        which, request = next(left, (-1, b""))
        if request and time.perf_counter() < until:
            wire.begin()
            begun[wire] = which, time.perf_counter()
            wire.socket.sendall(request)

    with selectors.DefaultSelector() as selector:
        for wire in wires:
            selector.register(wire.socket, selectors.EVENT_READ, wire)
            send(wire)
        while begun:
            for key, _ in selector.select(SECONDS):
                wire = key.data
                if wire.receive():
                    which, started = begun.pop(wire)
                    taken.append(Taken(which, time.perf_counter() - started, wire.status))
                    send(wire)
    return taken
