"""Connections: so many an address, idle ones go first, and some are left for others."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.server.admission import Admission
from commands import forked_server
from servers import DATELINE, SECONDS, Server, environment, launched, read_up_to, until
from stores import SqliteStores, migrated

pytestmark = pytest.mark.slow

STREAM = b"GET /changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
PER_ADDRESS = 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an empty store."""
    return migrated(SqliteStores(tmp_path_factory.mktemp("admission")))


@contextmanager
def connections(server: Server, number: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections at once, on each of which `request` was sent."""
    wires = [server.connected() for _ in range(number)]
    try:
        for wire in wires:
            wire.sendall(request)
        yield wires
    finally:
        for wire in wires:
            wire.close()


def is_open(wire: socket.socket) -> bool:
    """Whether the server has not closed a connection."""
    wire.settimeout(0.001)
    try:
        return wire.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        wire.settimeout(SECONDS)


def test_an_address_has_so_many_connections(store: str) -> None:
    """Its oldest idle one makes room for a new one; if none is idle it is told 503."""
    proxy = "192.0.2.1"
    with forked_server(
        store, trusted_proxies=proxy, connections_per_address=str(PER_ADDRESS)
    ) as server:
        with connections(server, 3 * PER_ADDRESS) as idle:
            until(lambda: sum(map(is_open, idle)) <= PER_ADDRESS)
            assert not is_open(idle[0])
            assert server.ask("/healthz").status == 200
        with connections(server, PER_ADDRESS, STREAM) as streams:
            for stream in streams:
                read_up_to(stream, b"retry: 2000\n\n")
            refused = server.ask("/healthz")
            assert (refused.status, refused.headers["Connection"]) == (503, "close")
            assert refused.json()["type"].endswith("too-many-connections")
            assert f"{PER_ADDRESS} connections" in refused.json()["detail"]
            assert int(refused.headers["Retry-After"]) > 0
            streams[0].close()
            until(lambda: server.ask("/healthz").status == 200)


def test_descriptors_are_left_for_others(store: str) -> None:
    """A crowd behind a trusted proxy leaves some, and its idle connections go first.

    The soft limit is raised as far as the system lets it.
    """
    command = ["prlimit", "--nofile=64:400", str(DATELINE), "serve", "--port", "0"]
    with launched(command, environment(store, connections_per_address="5"), store) as server:
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        assert limits == (400, 400)
        with connections(server, 10, STREAM) as streams, connections(server, 600):
            for stream in streams:
                read_up_to(stream, b"retry: 2000\n\n")
            answers = [server.ask(target).status for target in ("/healthz", "/events") * 10]
            assert answers == [200] * 20
            assert [is_open(stream) for stream in streams] == [True] * 10
        assert "Traceback" not in server.log.read_text()


class Visitor:
    """A connection that remembers whether it was closed."""

    def __init__(self, address: str, *, is_idle: bool = False) -> None:
        self.address = address
        self.is_idle = is_idle
        self.is_closed = False

    def close_idle(self) -> None:
        """Note it."""
        self.is_closed = True


def test_who_is_taken_in() -> None:
    """A table: who is there, who comes, whether there is room, and who had to leave."""
    a, b, proxy = "192.0.2.1", "192.0.2.2", "192.0.2.9"
    wrong = []
    for there, comes, taken, left in (
        ((), a, True, ""),
        ((a, a), a, False, ""),
        ((a, a), b, True, ""),
        ((a, f"{a} idle"), a, True, f"{a} idle"),
        ((f"{a} idle", f"{a} idle"), a, True, f"{a} idle"),
        ((a, a, f"{b} idle"), a, False, ""),
        ((proxy, proxy, proxy), proxy, True, ""),
        ((proxy, proxy, proxy, proxy), b, False, ""),
        ((proxy, proxy, proxy, f"{proxy} idle"), b, True, f"{proxy} idle"),
        ((a, a, b, f"{b} idle"), proxy, True, f"{b} idle"),
    ):
        admission = Admission(2, {proxy}, max_connections=4)
        guests = {Visitor(name.split()[0], is_idle="idle" in name): name for name in there}
        for guest in guests:
            admission.admit(guest)
        answer = admission.admit(Visitor(comes))
        gone = "".join(name for guest, name in guests.items() if guest.is_closed)
        if (answer is None, gone) != (taken, left):
            wrong.append((there, comes, answer, gone))
    assert wrong == []
