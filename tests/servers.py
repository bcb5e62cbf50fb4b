"""A real `dateline serve` for tests: a process, a free port, bounded waits, ended by its id."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

DATELINE = Path(sys.executable).with_name("dateline")
SECONDS = 60  # on a machine that does much else; nothing waits so long otherwise


@dataclass(frozen=True)
class Answer:
    """What came back over the wire, nothing decoded."""

    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def told(self) -> list[tuple[str, str]]:
        """The headers but for those of each request, in a comparable order."""
        own = ("date", "server-timing", "x-request-id")
        return sorted((k.lower(), v) for k, v in self.headers.items() if k.lower() not in own)


class Process(Protocol):
    """What tests do with the process of a server, as with a `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Its id."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """Send it SIGTERM."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: Process
    database_url: str
    log: Path
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        target: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """One request over a socket of its own, nothing added but what HTTP/1.1 requires."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            own = "host" in {name.lower() for name in headers or ()}
            connection.putrequest(method, target, skip_host=own, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def connected(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def raw(
        self, request: str, body: bytes = b"", *, ended: bool = False, seconds: float = 60
    ) -> bytes:
        """Everything that comes back for these lines and bytes, up to the end of the connection.

        `ended`: nothing more will be sent, and the server is told so a moment later. AssertionError
        if the connection has no end in so many `seconds`: heartbeats keep a stream from a timeout.
        """
        with self.connected() as wire:
            wire.sendall(request.replace("\n", "\r\n").encode("latin-1") + body)
            if ended:
                time.sleep(0.1)
                wire.shutdown(socket.SHUT_WR)
            return read_up_to(wire, b"", seconds)


def memory_mib(server: Server) -> int:
    """Return the memory that a server's process takes."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() >> 20


def descriptors(server: Server) -> int:
    """Return how many files and sockets a server has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def read_up_to(wire: socket.socket, end: bytes, seconds: float = SECONDS) -> bytes:
    """Return what comes up to `end`, or up to the end of the connection if `end` is empty.

    AssertionError after so many `seconds`: heartbeats keep a stream from a socket's timeout.
    """
    deadline, answer, searched = time.monotonic() + seconds, bytearray(), 0
    while not end or answer.find(end, searched) < 0:
        searched = max(0, len(answer) - len(end))  # not all of it each time
        piece = wire.recv(65536)
        assert piece or not end, f"the end came before {end!r}: {answer[-200:]!r}"
        if not piece:
            break
        answer += piece
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {answer[-200:]!r}"
    return bytes(answer)


def environment(database_url: str | None = None, **settings: str) -> dict[str, str]:
    """The environment of a command: this one's, with no setting of Dateline but those given."""
    kept = {name: v for name, v in os.environ.items() if not name.upper().startswith("DATELINE_")}
    if database_url is not None:
        settings["database_url"] = database_url
    return kept | {f"DATELINE_{name.upper()}": value for name, value in settings.items()}


@contextmanager
def serving(database_url: str, **settings: str) -> Iterator[Server]:
    """A server over a store, once it answers; killed at the end where it still runs."""
    command = [str(DATELINE), "serve", "--port", "0"]
    with launched(command, environment(database_url, **settings), database_url) as server:
        yield server


@contextmanager
def launched(
    command: Sequence[str], environs: Mapping[str, str], database_url: str = ""
) -> Iterator[Server]:
    """Any server that logs its address as uvicorn does."""
    with TemporaryDirectory(prefix="dateline-server-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environs,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        try:
            yield Server(
                process, database_url, log, port_in(log, lambda: process.poll() is not None)
            )
        finally:
            process.kill()
            process.wait(SECONDS)


def port_in(log: Path, ended: Callable[[], object]) -> int:
    """The port in a server's log, as soon as it stands there."""
    address = re.compile(r"running on http://127\.0\.0\.1:(\d+)")

    def said() -> str:
        return log.read_text() if log.exists() else ""

    until(lambda: address.search(said()) or ended())
    found = address.search(said())
    assert found, f"the server did not start:\n{said()}"
    return int(found[1])


def until(condition: Callable[[], object]) -> None:
    """Wait until this holds; AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
