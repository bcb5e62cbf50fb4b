"""The floor of writing: the same rows put into the same normalised tables, by hand.

    FLOOR_STORE=… uvicorn benchmarks.inserting:app

The tables hold no read model and no journal, and nothing is checked but what the database itself
refuses. Pragmas are those of Dateline's writer.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from app.dialects.sqlite import BULK_CACHE_KIB
from app.models import TABLES
from app.schemas import encode_own_value
from app.settings import Settings
from app.store import Database
from app.words import make_slug

NAMED = ("type", "actor", "actor_alias", "place", "publisher", "tag", "source")
PARTS = (
    *("citation", "citation_claim", "event_actor", "event_place", "event_tag"),
    *("quantity", "relation", "medium", "own_field"),
)
BATCH = 5000
Json = dict[str, Any]


def opened(path: Path) -> sqlite3.Connection:
    """The file as Dateline's writer opens it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def columns(table: str) -> list[str]:
    """The columns of a table."""
    return [column.name for column in TABLES[table].columns]


def insert(table: str) -> str:
    """The statement that stores a row of a table."""
    names = columns(table)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def copied(source: Path, target: Path) -> float:
    """The seconds that `executemany` takes to put all rows of a store into a new one.

    Rows come in the order in which events were imported, in one transaction; reading them does not
    count.
    """
    for old in target.parent.glob(f"{target.name}*"):
        old.unlink()
    with closing(Database(Settings(database_url=f"sqlite:///{target}"))) as store:
        store.schema.migrate()
    spent = 0.0
    with closing(sqlite3.connect(source)) as held, closing(opened(target)) as connection:
        connection.execute(
            f"PRAGMA cache_size=-{BULK_CACHE_KIB}"
        )  # as of a command that writes much
        connection.execute("BEGIN IMMEDIATE")
        for table, query in in_order():
            rows = held.execute(query)
            while batch := rows.fetchmany(BATCH):
                started = time.perf_counter()
                connection.executemany(insert(table), batch)
                spent += time.perf_counter() - started
        started = time.perf_counter()
        connection.execute("COMMIT")
        return spent + time.perf_counter() - started


def in_order() -> Iterator[tuple[str, str]]:
    """Each table with the query that gives its rows as they came."""
    for table in (*NAMED, "event"):
        yield table, f"SELECT {', '.join(columns(table))} FROM {table}"
    for table in PARTS:
        names = ", ".join(f"p.{name}" for name in columns(table))
        yield (
            table,
            f"SELECT {names} FROM event e CROSS JOIN {table} p ON p.event_id = e.id"
            " ORDER BY e.rowid",
        )


def rows_of(event: Json, moment: str) -> Iterator[tuple[str, Json]]:
    """The rows of an event all of whose actors, places, tags and sources are there."""
    roles = [source["role"] for source in event["sources"]]
    yield (
        "event",
        {
            **{name: event[name] for name in ("id", "title", "summary", "status")},
            "type_id": event["type"],
            "date_edtf": event["date"]["edtf"],
            "date_text": event["date"]["text"],
            "version": 1,
            "created_at": moment,
            "updated_at": moment,
            "support_position": roles.index("supports"),
            "support_role": "supports",
        },
    )
    for at, source in enumerate(event["sources"]):
        cited = {"source_id": source["id"], "note": source.get("note")}
        yield "citation", {"position": at, **cited, **picked(source, "role", "quote", "locator")}
        for number, claim in enumerate(source["claims"]):
            yield "citation_claim", {"citation_position": at, "position": number, "claim": claim}
    for at, actor in enumerate(event["actors"]):
        yield "event_actor", {"position": at, "actor_id": actor["id"], "role": actor["role"]}
    for at, place in enumerate(event["places"]):
        yield "event_place", {"position": at, "place_id": place["id"]}
    for at, tag in enumerate(event["tags"]):
        yield "event_tag", {"position": at, "tag_id": make_slug(tag)}
    for at, quantity in enumerate(event["quantities"]):
        yield "quantity", {"position": at, "max_value": None, "text": None, **quantity}
    for at, (name, value) in enumerate(sorted(event.get("extra", {}).items())):
        kind, written = encode_own_value(value)
        yield "own_field", {"position": at, "name": name, "kind": kind, "value": written}
    for at, link in enumerate(event["related"]):
        yield "relation", {"position": at, "relation": link["relation"], "target_id": link["event"]}


def picked(part: Json, *names: str) -> Json:
    """Some members."""
    return {name: part[name] for name in names}


def store(connection: sqlite3.Connection, event: Json, moment: str) -> None:
    """Put an event's rows in, durably."""
    held: dict[str, list[Sequence[Any]]] = {}
    for table, row in rows_of(event, moment):
        whole: Mapping[str, Any] = {"event_id": event["id"], **row}
        held.setdefault(table, []).append([whole[name] for name in columns(table)])
    connection.execute("BEGIN IMMEDIATE")
    for table, rows in held.items():
        connection.executemany(insert(table), rows)
    connection.execute("COMMIT")


def make_app(path: Path) -> FastAPI:
    """The application over a file."""
    app = FastAPI()
    connection = opened(path)

    @app.post("/events")
    async def create(request: Request) -> Response:
        body = await request.body()
        store(connection, json.loads(body), "2026-01-01T00:00:00.000000Z")
        return Response(body, 201, media_type="application/json")

    return app


if "FLOOR_STORE" in os.environ:
    app = make_app(Path(os.environ["FLOOR_STORE"]))
