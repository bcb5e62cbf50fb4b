"""Other servers of the same events: on PostgreSQL, Datasette, and what one would write first."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import create_engine, text

from app import copying
from app.dialects import StoreError
from benchmarks import plain, processes
from benchmarks.measured import Asked
from benchmarks.prepared import Prepared, dateline
from benchmarks.wire import SENT, Request
from servers import Server, launched, serving
from stores import Cluster, opened, postgresql_cluster, postgresql_programs

Query = Mapping[str, str]


def ids_of_items(body: bytes) -> list[str]:
    """Of a page, or of one event."""
    answer = json.loads(body)
    return [event["id"] for event in answer.get("items", [answer])]


@dataclass(frozen=True)
class Other:
    """A server with the requests that it understands, and what of its answers is compared."""

    name: str
    running: Callable[[Prepared], AbstractContextManager[Server]]
    told: Callable[[bytes], object]
    mine: Callable[[bytes], object] = ids_of_items  # of Dateline's answer to the same
    translated: Callable[[str, Query], str | None] | None = None  # None takes it as it is


def sqlmodel(path: str, query: Query) -> str | None:
    """A request of Dateline as the SQLModel version takes it."""
    if path.startswith("/events/"):
        return path
    if path != "/events" or not query.keys() <= {"type", "status", "actor", "tag", "sort"}:
        return None
    if query.get("sort") in ("updated", "-updated") or excluded(query):
        return None
    kept = {name: value for name, value in query.items() if name != "sort"}
    newest = {"newest": "true"} if query.get("sort") == "-date" else {}
    return f"/events?{urlencode({**kept, **newest})}"


FLAT = {"_size": "50", "_shape": "objects"}


def datasette(path: str, query: Query) -> str | None:
    """A request of Dateline as Datasette takes it: a page of the flat table."""
    if path.startswith("/events/"):
        return f"/plain/event/{path.removeprefix('/events/')}.json?_shape=objects"
    if path != "/events" or not query.keys() <= {"type", "status", "sort"} or excluded(query):
        return None
    way = {"": "_sort", "date": "_sort", "-date": "_sort_desc"}.get(query.get("sort", ""))
    kept = {name: value for name, value in query.items() if name != "sort"}
    return way and f"/plain/event.json?{urlencode({**kept, way: 'place', **FLAT})}"


def bare_datasette(path: str, query: Query) -> str | None:
    """The same page, without the facets that Datasette suggests of itself beside it."""
    target = None if path.startswith("/events/") else datasette(path, query)
    return target and f"{target}&_nosuggest=1"


def plain_serve(_: Path) -> list[str]:
    """The command of the SQLModel version."""
    return [sys.executable, "-m", "uvicorn", "benchmarks.plain:app", "--port", "0"]


def datasette_serve(file: Path) -> list[str]:
    """The command, which gives slow queries time."""
    command = [sys.executable, "-m", "datasette", "serve", str(file), "--port", "0"]
    return [*command, "--setting", "sql_time_limit_ms", "60000"]


def excluded(query: Query) -> bool:
    """Whether a value is excluded."""
    return any(value.startswith("!") for value in query.values())


def ids_of_rows(body: bytes) -> list[str]:
    """Of what Datasette answers."""
    return [row["id"] for row in json.loads(body)["rows"]]


@contextmanager
def plain_server(command: Callable[[Path], list[str]], store: Prepared) -> Iterator[Server]:
    """A server over the plain tables of the same events."""
    file = store.folder / "plain.db"
    if not file.exists():
        unfinished = store.folder / "plain.part"
        unfinished.unlink(missing_ok=True)
        with store.lines.open(encoding="utf-8") as lines:
            plain.fill(unfinished, lines)
        unfinished.rename(file)
    path = os.pathsep.join(part for part in sys.path if part)
    environs = {**os.environ, "PLAIN_DATABASE": str(file), "PYTHONPATH": path}
    with launched(command(file), environs) as server:
        yield server


def cluster(store: Prepared) -> AbstractContextManager[Cluster]:
    """The PostgreSQL for copies of a store, whose settings are those it comes with."""
    programs = postgresql_programs()
    assert programs is not None, "PostgreSQL is not installed; --alone leaves it out"
    return postgresql_cluster(programs, store.folder / "postgresql")


def copy_to_postgresql(store: Prepared) -> None:
    """Have a copy of the store; while a server writes its file, none can be made."""
    with cluster(store) as there:
        copied(store, there)


@contextmanager
def postgresql_server(store: Prepared) -> Iterator[Server]:
    """Dateline over the copy in PostgreSQL."""
    with (
        cluster(store) as there,
        serving(copied(store, there), writes_per_minute="0") as server,
    ):
        processes.wait_until_idle(server)
        yield server


def copied(store: Prepared, there: Cluster) -> str:
    """The URL of a copy of the store as it is now: the one that is there, or a new one."""
    with opened(store.url) as origin, origin.read(patient=True) as connection:
        name = "_".join(("copy", *map(str, connection.execute(copying.STATE_SQL).one())))
    engine = create_engine(f"{there.url}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        held = text("SELECT datname FROM pg_database WHERE datname LIKE 'copy%'")
        found = {*connection.execute(held).scalars()}
        for other in found - {name}:
            connection.exec_driver_sql(f"DROP DATABASE {other}")
        if name not in found:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    url = f"{there.url}/{name}"
    with opened(url) as target:
        try:
            target.schema.require_current()
        except StoreError:
            dateline(url, "copy", store.url, url)
    return url


OTHERS = (
    Other("postgresql", postgresql_server, bytes, bytes),
    Other("sqlmodel", partial(plain_server, plain_serve), ids_of_items, translated=sqlmodel),
    Other("datasette", partial(plain_server, datasette_serve), ids_of_rows, translated=datasette),
    Other(
        "bare datasette",
        partial(plain_server, datasette_serve),
        ids_of_rows,
        translated=bare_datasette,
    ),
)


def understood(other: Other, target: str) -> str | None:
    """A request as another takes it, None where it has none of the kind."""
    if other.translated is None:
        return target
    parts = urlsplit(target)
    pairs = parse_qsl(parts.query)
    return None if len(dict(pairs)) < len(pairs) else other.translated(parts.path, dict(pairs))


def matched(other: Other, server: Server, made: Asked) -> tuple[list[Request], str]:
    """The same requests as it understands them, or none and why: each must find the same ids."""
    found = []
    for request in made.requests:
        asked = understood(other, request.target)
        if asked is None:
            return [], "has no such request"
        its, mine = server.ask(asked, SENT), made.answers[request.target]
        if its.status != 200:
            return [], f"answers {its.status}"
        if other.told(its.body) != other.mine(mine.body):
            return [], "answers with other events"
        found.append(Request(asked))
    return found, ""
