"""How long a page of events takes, against the least that FastAPI can do.

    PYTHONPATH=tests python -m benchmarks.page [EVENTS …] [--profile]

Two uvicorn processes, Dateline and `floor`, with the same event loop, parser and access log, take
turns, so that both see the same machine. One client, one connection each, no content coding.
The goal: Dateline's median is at most four times the floor's.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from app.main import create_app
from app.settings import Settings
from benchmarks import generated
from servers import Server, launched, serving

PAGE = "/events?limit=50"
OWN = ("date", "server", "content-length")  # headers that every uvicorn adds by itself
GOAL = 4


def seconds(connection: HTTPConnection, number: int) -> list[float]:
    """How long each of so many requests took, until the last byte."""
    taken = []
    for _ in range(number):
        started = time.perf_counter()
        connection.request("GET", PAGE, headers={"Accept-Encoding": "identity"})
        response = connection.getresponse()
        response.read()
        taken.append(time.perf_counter() - started)
        assert response.status == 200
    return taken


@contextmanager
def floor(dateline: Server, folder: Path) -> Iterator[Server]:
    """A server that gives the answer that Dateline gives now."""
    answer = dateline.ask(PAGE)
    headers = {k.lower(): v for k, v in answer.headers.items() if k.lower() not in OWN}
    stored = folder / "answer.json"
    stored.write_text(json.dumps({"headers": headers, "body": answer.body.decode()}))
    command = [sys.executable, "-m", "uvicorn", "benchmarks.floor:app", "--port", "0"]
    path = os.pathsep.join(part for part in sys.path if part)
    with launched(command, {**os.environ, "FLOOR_ANSWER": str(stored), "PYTHONPATH": path}) as made:
        assert made.ask(PAGE).body == answer.body
        yield made


def compare(url: str, folder: Path, rounds: int) -> dict[str, list[float]]:
    """The times of both servers, in turns of twenty requests."""
    with ExitStack() as stack:
        dateline = stack.enter_context(serving(url))
        servers = {"floor": stack.enter_context(floor(dateline, folder)), "dateline": dateline}
        connections = {
            name: stack.enter_context(closing(HTTPConnection("127.0.0.1", server.port)))
            for name, server in servers.items()
        }
        for connection in connections.values():
            seconds(connection, 200)
        times: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, connection in connections.items():
                times[name] += seconds(connection, 20)
        return times


def profile(url: str, requests: int = 2000) -> None:
    """Where the time goes inside the application, without server and network."""
    app = create_app(Settings(database_url=url))
    path, _, query = PAGE.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"accept-encoding", b"identity")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    async def ask(number: int) -> None:
        for _ in range(number):
            await app(dict(scope), receive, send)

    profiler = cProfile.Profile()
    asyncio.run(ask(100))
    profiler.runcall(asyncio.run, ask(requests))
    app.state.database.close()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def main() -> None:
    """Print, for each size: medians, quartiles, ratio."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("events", type=int, nargs="*", default=[1000, 10_000])
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--profile", action="store_true", help="and show where the time goes")
    asked = options.parse_args()
    for number in asked.events:
        with TemporaryDirectory(prefix="dateline-benchmark-") as name:
            folder = Path(name)
            url = f"sqlite:///{folder / 'events.db'}"
            generated.write(url, number)
            times = compare(url, folder, asked.rounds)
            lines = [f"{number} events, {PAGE}"]
            for server, taken in times.items():
                low, middle, high = (1000 * part for part in quantiles(taken, n=4))
                lines.append(f"  {server:<9} {middle:.2f} ms  ({low:.2f} to {high:.2f})")
            ratio = median(times["dateline"]) / median(times["floor"])
            lines.append(f"  ratio     {ratio:.2f}  (goal: at most {GOAL})")
            sys.stdout.write("\n".join(lines) + "\n")
            if asked.profile:
                profile(url)


if __name__ == "__main__":
    main()
