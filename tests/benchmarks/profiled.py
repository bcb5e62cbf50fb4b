"""Where the time of requests goes inside the application, without server and network."""

import asyncio
import cProfile
import pstats
from typing import Any

from app.main import create_app
from app.settings import Settings


def profile(url: str, targets: list[str], requests: int = 2000) -> None:
    """Print the functions that take most of so many requests."""
    app = create_app(Settings(database_url=url))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    async def ask(number: int) -> None:
        for serial in range(number):
            await app(scope(targets[serial % len(targets)]), receive, send)

    profiler = cProfile.Profile()
    asyncio.run(ask(100))
    profiler.runcall(asyncio.run, ask(requests))
    app.state.database.close()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def scope(target: str) -> dict[str, Any]:
    """What a server tells the application of a request."""
    path, _, query = target.partition("?")
    return {
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
