"""What is written: one event durably, an import, and a name that very many events show."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from benchmarks.generated import Generator
from benchmarks.inserting import PARTS, columns
from benchmarks.kinds import listed as pages
from benchmarks.measured import Plan, compared, turns
from benchmarks.prepared import Prepared
from benchmarks.values import Values
from benchmarks.wire import Request, Wire
from servers import DATELINE, Server, environment, launched

Json = dict[str, Any]
SLOWER = 1.5  # that reads may be while a name is changed: their usual speed, on two cores


def key(url: str) -> str:
    """A key that may write, made while a server runs."""
    command = [str(DATELINE), "key", "create", f"benchmark {time.time_ns()}", "--scope", "write"]
    made = subprocess.run(command, env=environment(url), check=True, capture_output=True, text=True)
    return made.stdout.strip()


def single(store: Prepared, dateline: Server, token: str, plan: Plan) -> Json:
    """A write of one event, against the same rows inserted by a FastAPI endpoint by hand."""
    number = plan.rounds * plan.turn
    events = list(new_events(store.number, number))
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
    requests = [Request("/events", "POST", headers, dumped(event)) for event in events]
    with inserting(store.folder / "floor.db") as floor:
        servers = {"dateline": (dateline, requests), "floor": (floor, requests)}
        times = turns(servers, 1, replace(plan, seconds=10 * plan.seconds))
    done = {
        name: [events[taken.which]["id"] for turn in of_one.rounds for taken in turn]
        for name, of_one in times.items()
    }
    assert times["dateline"].failed == 0, "Dateline refuses a write"
    assert same_rows(store.folder, done["floor"]), "other rows were inserted"
    forget(store.folder, dateline, token, done["dateline"])
    return {"name": "single write", "group": "write", **compared(times["dateline"], times["floor"])}


@contextmanager
def inserting(path: Path) -> Iterator[Server]:
    """The endpoint that inserts by hand."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.inserting:app", "--port", "0"]
    places = os.pathsep.join(part for part in sys.path if part)
    environs = {**os.environ, "FLOOR_STORE": str(path), "PYTHONPATH": places}
    with launched(command, environs) as server:
        yield server


def new_events(number: int, times: int) -> Iterator[Json]:
    """Events like the stored ones, by ids that no run used before; all that they name is there."""
    run = time.time_ns()
    lines = cycle(islice(Generator(number).lines(), times))
    for serial, line in enumerate(islice(lines, times)):
        yield {**json.loads(line), "id": f"written-{run}-{serial}"}


def dumped(event: Json) -> bytes:
    """A body."""
    return json.dumps(event, ensure_ascii=False).encode()


def same_rows(folder: Path, ids: Sequence[str]) -> bool:
    """Whether both stores hold the same of these events, moments apart."""
    held = []
    for name in ("events.db", "floor.db"):
        with closing(sqlite3.connect(folder / name)) as connection:
            found: list[Any] = []
            for event_id in ids:
                for table in ("event", *PARTS):
                    names = [name for name in columns(table) if not name.endswith("_at")]
                    own = "id" if table == "event" else "event_id"
                    query = f"SELECT {', '.join(names)} FROM {table} WHERE {own} = ?"
                    found += sorted(connection.execute(query, [event_id]).fetchall(), key=str)
            held.append(found)
    return held[0] == held[1]


def forget(folder: Path, dateline: Server, token: str, ids: Sequence[str]) -> None:
    """Take out of both stores what was written, so that they can be used again."""
    for event_id in ids:
        tag = dateline.ask(f"/events/{event_id}").headers["ETag"]
        headers = {"Authorization": f"Bearer {token}", "If-Match": tag}
        assert dateline.ask(f"/events/{event_id}", headers, "DELETE").status == 204
    with closing(sqlite3.connect(folder / "floor.db")) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        marks = ", ".join("?" * len(ids))
        connection.execute(f"DELETE FROM event WHERE id IN ({marks})", ids)
        connection.commit()


def renamed(dateline: Server, token: str, values: Values, seconds: float) -> Json:
    """The commonest actor renamed while one client reads, and named as before again."""
    actor, borne = values.counts["actor"][0]
    name = dateline.ask(f"/actors/{actor}").json()["name"]
    kind = pages("reads", "page", lambda values: values.terms(1, "any"), sort="-date")
    lines = [request.written() for request in kind.requests(values)]
    before = during(dateline, lines, lambda: time.sleep(seconds))
    spent: list[float] = []
    while_renamed = during(
        dateline, lines, lambda: spent.append(rename(dateline, token, actor, f"{name} renamed"))
    )
    after = during(dateline, lines, lambda: time.sleep(seconds))
    rename(dateline, token, actor, name)
    usual = median(before + after)
    return {
        "actor": actor,
        "events": borne,
        "seconds": spent[0],
        "usual": 1000 * usual,
        "meanwhile": 1000 * median(while_renamed),
        "slowest": 1000 * max(while_renamed),
        "ratio": median(while_renamed) / usual,
        "reads": len(while_renamed),
    }


def during(server: Server, lines: Sequence[bytes], work: Any) -> list[float]:
    """The seconds of reads, one after the other, for as long as the work takes."""
    other = Thread(target=work)
    other.start()
    taken: list[float] = []
    with Wire(server.port) as wire:
        while other.is_alive() or not taken:
            answer = wire.ask(lines[len(taken) % len(lines)])
            assert answer.status == 200, "a read was refused"
            taken.append(answer.seconds)
    other.join()
    return taken


def rename(server: Server, token: str, actor: str, name: str) -> float:
    """The seconds that giving an actor another name takes."""
    tag = server.ask(f"/actors/{actor}").headers["ETag"]
    headers = (
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", tag),
    )
    patch = Request(f"/actors/{actor}", "PATCH", headers, dumped({"name": name}))
    with Wire(server.port, 3600) as wire:
        answer = wire.ask(patch.written())
    assert answer.status == 200, answer
    return answer.seconds
