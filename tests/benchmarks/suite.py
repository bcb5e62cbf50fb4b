"""A whole run: for each size the store, the answers held against the oracle, then the turns."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import against, inprocess, measured, oracle, processes, values, writes
from benchmarks.kinds import KINDS, Kind
from benchmarks.measured import Asked, Plan
from benchmarks.prepared import Prepared, prepared
from servers import Server, launched, serving

Json = dict[str, Any]
JUDGED = 10_000  # events, of which the oracle judges every answer


@dataclass(frozen=True)
class Options:
    """What is run, and how long."""

    events: Sequence[int] = (10_000,)
    only: Sequence[str] = ("",)
    keep: Path | None = None
    plan: Plan = field(default_factory=Plan)
    connections: Sequence[int] = (1, 16)
    others: Sequence[str] = ("postgresql", "sqlmodel", "datasette", "bare datasette")
    most: int = 80  # values a kind
    queries: int = 300  # of each part in process
    seconds: float = 60.0  # that each part in process takes at most
    reading: float = 2.0  # seconds of reads before and after a rename
    say: Callable[[str], object] = lambda line: None

    @property
    def kinds(self) -> list[Kind]:
        """The kinds asked for."""
        return [kind for kind in KINDS if self.wants(kind.name) or kind.group in self.only]

    def wants(self, name: str) -> bool:
        """Whether a part is asked for."""
        return any(part in name for part in self.only)


class WrongAnswerError(Exception):
    """Answers that are not what they must be; nothing is timed then."""


def run(options: Options) -> Json:
    """The figures of all sizes."""
    judged = min(JUDGED, *options.events)
    told: Json = {"judged": {}, "sizes": {}}
    for number in sorted({judged, *options.events}):
        with prepared(number, options.keep) as store:
            options.say(f"{number} events are imported")
            if number in options.events and "postgresql" in options.others:
                against.copy_to_postgresql(store)
            store.read_through()
            with serving(store.url, writes_per_minute="0") as dateline:
                processes.wait_until_idle(dateline)
                found = values.read(dateline, number)
                asked = list(measured.asked(dateline, options.kinds, found, options.most))
                if number == judged:
                    told["judged"] = judge(store, dateline, found, asked)
                    options.say(f"{told['judged']['answers']} answers are right")
                if number in options.events:
                    told["sizes"][str(number)] = figures(options, store, dateline, found, asked)
    return told


def judge(store: Prepared, dateline: Server, found: values.Values, asked: Sequence[Asked]) -> Json:
    """How many answers the oracle has found right; WrongAnswerError where one is not."""
    exported = dateline.ask("/events.ndjson").body.splitlines()
    updated = {event["id"]: event["updated_at"] for event in map(json.loads, exported)}
    with store.lines.open(encoding="utf-8") as lines:
        model = oracle.Oracle(lines, updated, found)
    wrong = list(model.wrong(asked))
    if wrong:
        raise WrongAnswerError("\n".join(wrong[:20]))
    return {"events": store.number, "answers": sum(len(made.answers) for made in asked)}


def figures(
    options: Options,
    store: Prepared,
    dateline: Server,
    found: values.Values,
    asked: Sequence[Asked],
) -> Json:
    """All that is measured of one size."""
    told: Json = {"kinds": list(kinds(options, store, dateline, asked))}
    parts = [part for part in inprocess.PARTS if options.wants(part.name)]
    told["in process"] = inprocess.measured(
        store.url, found, parts, options.queries, options.seconds
    )
    told["import"] = {name: store.known[name] for name in ("import", "executemany")}
    token = writes.key(store.url)
    if options.wants("single write"):
        told["single write"] = writes.single(store, dateline, token, options.plan)
        options.say(line_of("single write", 1, told["single write"]))
    if options.wants("rename"):
        told["rename"] = writes.renamed(dateline, token, found, options.reading)
    told["memory"] = processes.megabytes(dateline)
    return told


def kinds(
    options: Options, store: Prepared, dateline: Server, asked: Sequence[Asked]
) -> Iterator[Json]:
    """Each kind's figures, at each number of connections."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="dateline-floor-")))
        measured.write_answers(dateline, asked, folder / "answers")
        least = stack.enter_context(floor(folder / "answers", dateline))
        others = {
            other: stack.enter_context(other.running(store))
            for other in against.OTHERS
            if other.name in options.others
        }
        for made in asked:
            row: Json = {
                "name": made.kind.name,
                "group": made.kind.group,
                "refused": made.refused,
                "values": len(made.requests),
                "not compared": {},
            }
            if made.requests:
                row["bytes"] = made.size
                row["at"] = timed(options, dateline, least, others, made, row["not compared"])
                for connections, told in row["at"].items():
                    options.say(line_of(made.kind.name, connections, told))
            yield row


def timed(
    options: Options,
    dateline: Server,
    least: Server,
    others: Mapping[against.Other, Server],
    made: Asked,
    not_compared: dict[str, str],
) -> Json:
    """The figures of one kind by number of connections; others take part over one connection."""
    told: Json = {}
    for connections in options.connections:
        servers = {"dateline": (dateline, made.requests), "floor": (least, made.requests)}
        if connections == 1 and not made.kind.poll:
            for other, server in others.items():
                same, why = against.matched(other, server, made)
                if same:
                    servers[other.name] = (server, same)
                else:
                    not_compared[other.name] = why
        measured.warm(servers)
        times = measured.turns(servers, connections, options.plan)
        assert not made.kind.poll or times["dateline"].statuses == {304}, "a poll is no poll"
        told[str(connections)] = measured.compared(times["dateline"], times["floor"]) | {
            "worst_request": made.requests[measured.worst(times)].target,
            "others": {
                name: measured.compared(times[name], times["dateline"])
                for name in servers
                if name not in ("dateline", "floor")
            },
        }
    return told


def line_of(name: str, connections: object, told: Json) -> str:
    """A line of progress."""
    low, high = told["quartiles"]
    return (
        f"{name:44} {connections:>3} {told['milliseconds'][1]:9.2f} ms {told['floor'][1]:8.2f} ms"
        f" {told['ratio']:7.2f} ({low:.2f} to {high:.2f})"
    )


@contextmanager
def floor(answers: Path, dateline: Server) -> Iterator[Server]:
    """The floor, which logs its requests only where Dateline does."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.floor:app", "--port", "0"]
    if "GET /events" not in dateline.log.read_text():
        command.append("--no-access-log")
    path = os.pathsep.join(part for part in sys.path if part)
    environs = {**os.environ, "FLOOR_ANSWERS": str(answers), "PYTHONPATH": path}
    with launched(command, environs) as server:
        yield server
