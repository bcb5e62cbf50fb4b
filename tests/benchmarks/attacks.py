"""What one client can do to the others: each attack beside a client with cheap requests.

`python -m benchmarks.attacks [--events N] [--postgresql] [--servers N]`, in the folder `tests`. The
attacker is a process of its own and comes from another address, as a stranger would; it sends to
127.0.0.1 only. Printed are, for each attack, how long `/healthz` and a small page take (and how
many times as long as with nobody else), how many of them were refused, and the server's memory and
descriptors at their peak and five seconds after the attack.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.generated import write
from servers import Server, descriptors, memory_mib, serving
from stores import (
    PostgresqlStores,
    SqliteStores,
    Stores,
    key_of,
    postgresql_cluster,
    postgresql_programs,
)

STRANGER, GOOD = "127.0.0.2", "127.0.0.1"
SECONDS = 10.0
CHEAP = ("/healthz", "/events?limit=10")
COSTLY = (
    *("/?q=rep*", "/", "/embed", "/audit?limit=200", "/changes?limit=200"),
    *("/events?q=reported*&sort=relevance", "/facets?by=source&limit=1000"),
    *("/histogram?interval=day&date=2010/2020", "/events?limit=200"),
)
BLANKS = {"Accept": "a/b" + " " * 60_000 + "b"}
UNKNOWN = "/events?" + "&".join(f"source={n:02}{'nobody-has-such-an-id' * 3}" for n in range(50))
EVENT = {"title": "An event", "type": "visit", "date": "2023"}
LINKS = {
    **EVENT,
    "related": [{"event": f"no-such-event-{n}", "kind": "see-also"} for n in range(200)],
}
LISTS = b"[" + b"[]," * 349_000 + b"[]]"

Head = dict[str, str]


async def ask(
    port: int, address: str, target: str, headers: Head | None = None, body: bytes = b""
) -> int:
    """Return the status of an answer that was read to its end; 0 if there was none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    except OSError:
        return 0
    try:
        method = "POST" if body else "GET"
        own = {"Host": "a", "Connection": "close", **(headers or {})}
        if body:
            own |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        writer.write(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        head = await reader.read(12)
        while await reader.read(1 << 20):
            pass
        return int(head[9:]) if len(head) == 12 else 0
    except OSError:
        return 0
    finally:
        writer.close()


Attack = Callable[[int, str, "Counter[int]"], Coroutine[Any, Any, None]]


def repeated(clients: int, *requests: tuple[str, Head, bytes]) -> Attack:
    """Return an attack of so many clients that ask for one thing after another."""

    async def attack(port: int, key: str, statuses: "Counter[int]") -> None:
        turns = cycle(requests)

        async def go_on() -> None:
            while True:
                target, headers, body = next(turns)
                own = {"Authorization": f"Bearer {key}", **headers} if body else headers
                statuses[await ask(port, STRANGER, target, own, body)] += 1

        await asyncio.gather(*(go_on() for _ in range(clients)))

    return attack


def slow_downloads(clients: int, addresses: int = 1) -> Attack:
    """Return an attack of clients that ask for the whole file and take 4 KiB a second of it."""

    async def take(port: int, number: int, statuses: "Counter[int]") -> None:
        address = f"127.0.0.{2 + number % addresses}"
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0), limit=4096
            )
            writer.write(b"GET /events.ndjson HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.read(12)
            statuses[int(head[9:]) if len(head) == 12 else 0] += 1
            while await reader.read(4096):
                await asyncio.sleep(1)
            statuses[-1] += 1  # it was ended
        except OSError:
            statuses[0] += 1

    async def attack(port: int, key: str, statuses: "Counter[int]") -> None:
        await asyncio.gather(*(take(port, number, statuses) for number in range(clients)))
        await asyncio.sleep(3600)

    return attack


async def idle_sockets(port: int, key: str, statuses: "Counter[int]") -> None:
    """Connect 1,300 times and say nothing."""
    wires = []
    for _ in range(1300):
        try:
            wires.append(await asyncio.open_connection("127.0.0.1", port, local_addr=(STRANGER, 0)))
            statuses[1] += 1
        except OSError:
            statuses[0] += 1
    await asyncio.sleep(3600)


ATTACKS: dict[str, Attack] = {
    "blanks in a header": repeated(60, ("/nope", BLANKS, b"")),
    "50 unknown sources": repeated(60, (UNKNOWN, {}, b"")),
    "200 unknown links": repeated(20, ("/events", {}, json.dumps(LINKS).encode())),
    "1 MiB of empty lists": repeated(20, ("/events", {}, LISTS)),
    "60 costly reads": repeated(60, *((target, {}, b"") for target in COSTLY)),
    "300 slow downloads": slow_downloads(300, 10),
    "800 slow downloads": slow_downloads(800, 20),
    "1,300 idle sockets": idle_sockets,
}


def run_attack(
    name: str, ports: Sequence[int], key: str, result: "multiprocessing.Queue[object]"
) -> None:
    """Attack until killed; the statuses are told every second."""
    os.nice(5)
    statuses: Counter[int] = Counter()

    async def go_on() -> None:
        attacks = [asyncio.create_task(ATTACKS[name](port, key, statuses)) for port in ports]
        while True:
            await asyncio.sleep(1)
            result.put(dict(statuses))
            for attack in attacks:
                if attack.done():
                    result.put(repr(attack.exception()))

    asyncio.run(go_on())


async def measure(port: int, target: str, until: float) -> list[float]:
    """Return how long each of many requests took, in seconds, the shortest first.

    One that was refused took for ever.
    """
    taken = []
    while time.monotonic() < until:
        started = time.perf_counter()
        status = await ask(port, GOOD, target)
        taken.append(time.perf_counter() - started if status == 200 else inf)
        await asyncio.sleep(0.02)
    return sorted(taken)


async def measured(port: int, seconds: float) -> list[list[float]]:
    """Return the times of each cheap request, both asked at once."""
    until = time.monotonic() + seconds
    return list(await asyncio.gather(*(measure(port, target, until) for target in CHEAP)))


def at(times: Sequence[float], share: float) -> float:
    """Return this quantile in milliseconds."""
    return 1000 * times[min(len(times) - 1, int(len(times) * share))]


def peak(server: Server) -> float:
    """Return the greatest memory since the last reset, in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@dataclass
class Row:
    """The figures of one attack."""

    name: str
    times: list[list[float]]
    statuses: object = ""
    peak_mib: float = 0.0
    descriptors: int = 0
    after: list[list[float]] | None = None
    left_mib: float = 0.0
    left_descriptors: int = 0

    def line(self, quiet: "Row") -> str:
        """Return a row of the table."""
        health, page = self.times
        own = at(quiet.times[1], 0.95)
        cells = [
            *(f"{self.name:24}", f"{at(health, 0.5):7.1f}", f"{at(health, 0.99):7.1f}"),
            *(f"{at(page, 0.5):7.1f}", f"{at(page, 0.95):7.1f}", f"{at(page, 0.95) / own:6.1f}"),
            f"{sum(times.count(inf) for times in (*self.times, *(self.after or ()))):7}",
            *(f"{self.peak_mib:6.0f}", f"{self.descriptors:6}"),
            f"{at(self.after[1], 0.95) / own if self.after else 1:6.1f}",
            *(f"{self.left_mib:6.0f}", f"{self.left_descriptors:6}", str(self.statuses)),
        ]
        return " | ".join(cells)


HEAD = (
    f"{'ms; MiB above quiet':24} | healthz |     p99 |    page |     p95 | x quiet | refused | peak"
    " |  files | after  x |  MiB |  files | statuses (0: no answer)"
)


def attacked(name: str, servers: Sequence[Server], key: str) -> Row:
    """Measure the first server while all are attacked, and five seconds after."""
    server = servers[0]
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak begins anew
    before = memory_mib(server)
    queue: multiprocessing.Queue[object] = multiprocessing.Queue()
    ports = [other.port for other in servers]
    attacker = multiprocessing.Process(target=run_attack, args=(name, ports, key, queue))
    attacker.start()
    try:
        time.sleep(2)
        row = Row(name, asyncio.run(measured(server.port, SECONDS)))
        row.peak_mib, row.descriptors = peak(server) - before, descriptors(server)
    finally:
        attacker.kill()
        attacker.join()
    while not queue.empty():
        row.statuses = queue.get()
    time.sleep(5)
    row.after = asyncio.run(measured(server.port, 2))
    row.left_mib, row.left_descriptors = memory_mib(server) - before, descriptors(server)
    return row


def main() -> None:
    """Run all attacks, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--servers", type=int, default=1, help="over one PostgreSQL")
    parser.add_argument("attacks", nargs="*", metavar="attack", help=", ".join(ATTACKS))
    options = parser.parse_args()
    with ExitStack() as stack:
        stores: Stores = SqliteStores(Path(stack.enter_context(TemporaryDirectory())))
        if options.postgresql:
            programs = postgresql_programs()
            assert programs, "there is no PostgreSQL here"
            stores = PostgresqlStores(stack.enter_context(postgresql_cluster(programs)).url)
        url = stores.new()
        write(url, options.events)
        key = key_of(url)
        servers = [
            stack.enter_context(serving(url, writes_per_minute="0")) for _ in range(options.servers)
        ]
        for target in (*COSTLY, *COSTLY):  # the caches are warm when it begins
            servers[0].ask(target)
        quiet = Row("nobody else", asyncio.run(measured(servers[0].port, SECONDS)))
        sys.stdout.write(f"{HEAD}\n{quiet.line(quiet)}\n")
        for name in options.attacks or ATTACKS:
            sys.stdout.write(f"{attacked(name, servers, key).line(quiet)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
