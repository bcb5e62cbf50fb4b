"""Turns: every server answers the same requests shortly one after the other, in one run."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.kinds import Kind
from benchmarks.values import Values
from benchmarks.wire import SENT, Request, Taken, Wire, at_once, one_by_one
from servers import Answer, Server

# Every uvicorn adds the first four itself; the others describe one request.
OWN = (
    *("date", "server", "content-length", "transfer-encoding"),
    *("x-request-id", "server-timing"),
)


@dataclass
class Asked:
    """A kind with its requests, as far as Dateline answers them, and the size of an answer."""

    kind: Kind
    requests: list[Request]
    refused: dict[str, int]  # targets that were not answered, with the status
    answers: dict[str, Answer] = field(default_factory=dict, repr=False)  # by target

    @property
    def size(self) -> int:
        """Of the middle answer, in bytes."""
        return int(median(len(answer.body) for answer in self.answers.values()))


def asked(server: Server, kinds: Sequence[Kind], values: Values, most: int) -> Iterator[Asked]:
    """Every kind's requests, so many at most, each asked once."""
    for kind in kinds:
        made = Asked(kind, [], {})
        all_of_them = kind.requests(values)
        for request in all_of_them[:: -(-len(all_of_them) // most)]:
            answer = server.ask(request.target, SENT)
            if answer.status != 200:
                made.refused[request.target] = answer.status
                continue
            made.answers[request.target] = answer
            known = (("If-None-Match", answer.headers["ETag"]),) if kind.poll else ()
            made.requests.append(Request(request.target, headers=known))
        yield made


def write_answers(server: Server, kinds: Sequence[Asked], path: Path) -> None:
    """What the floor answers: each answer under its request, and of polls the 304."""
    stored: dict[str, tuple[int, dict[str, str], bytes]] = {}
    for made in kinds:
        for request in made.requests:
            answer = made.answers[request.target]
            stored[f"GET {request.target} "] = (200, kept(answer), answer.body)
            if request.headers:
                unchanged = server.ask(request.target, SENT | dict(request.headers))
                assert unchanged.status == 304, request
                stored[f"GET {request.target} 304"] = (304, kept(unchanged), b"")
    path.write_bytes(pickle.dumps(stored))


def kept(answer: Answer) -> dict[str, str]:
    """The headers that are not the server's own."""
    return {n.lower(): v for n, v in answer.headers.items() if n.lower() not in OWN}


@dataclass(frozen=True)
class Plan:
    """How much is asked."""

    rounds: int = 10
    turn: int = 20  # requests
    seconds: float = 0.4  # that a turn takes at most


@dataclass
class Times:
    """What one server took: a list of answers a round."""

    rounds: list[list[Taken]] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        """Every answer's seconds."""
        return [taken.seconds for turn in self.rounds for taken in turn]

    @property
    def statuses(self) -> set[int]:
        """What the answers were."""
        return {taken.status for turn in self.rounds for taken in turn}

    @property
    def failed(self) -> int:
        """Answers that were errors."""
        return sum(taken.status >= 400 for turn in self.rounds for taken in turn)

    def by_request(self) -> dict[int, float]:
        """The median of each request."""
        found: dict[int, list[float]] = {}
        for turn in self.rounds:
            for taken in turn:
                found.setdefault(taken.which, []).append(taken.seconds)
        return {which: median(seconds) for which, seconds in found.items()}


def warm(servers: Mapping[str, tuple[Server, Sequence[Request]]], seconds: float = 2.0) -> None:
    """Ask each server everything once, so long at most: the disk's time is not to be measured."""
    for server, requests in servers.values():
        lines = list(enumerate(request.written() for request in requests))
        with Wire(server.port) as wire:
            one_by_one(wire, lines, seconds)


def turns(
    servers: Mapping[str, tuple[Server, Sequence[Request]]], connections: int, plan: Plan
) -> dict[str, Times]:
    """The times of every server, the first of which decides how many requests fit in a turn."""
    times = {name: Times() for name in servers}
    first = next(iter(servers))
    with ExitStack() as stack:
        wires = {
            name: [stack.enter_context(Wire(server.port)) for _ in range(connections)]
            for name, (server, _) in servers.items()
        }
        sent = {name: [r.written() for r in requests] for name, (_, requests) in servers.items()}
        at = 0
        for _ in range(plan.rounds):
            size = plan.turn * (4 if connections > 1 else 1)
            for name, lines in sent.items():
                some = [((at + n) % len(lines), lines[(at + n) % len(lines)]) for n in range(size)]
                if connections == 1:
                    taken = one_by_one(wires[name][0], some, plan.seconds)
                else:
                    taken = at_once(wires[name], some, plan.seconds)
                times[name].rounds.append(taken)
                assert name == first or not times[name].failed, f"{name} fails at {lines[0]!r}"
                size = min(size, len(taken)) if name == first else size
            at += size  # the next turn goes on where this one ended
    return times


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile."""
    if len(values) < 2:
        return (values[0],) * 3
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high


def by_request(times: Times, other: Times) -> dict[int, float]:
    """The ratio of the medians of each request."""
    mine, its = times.by_request(), other.by_request()
    return {which: mine[which] / its[which] for which in sorted(mine.keys() & its.keys())}


def worst(times: Mapping[str, Times]) -> int:
    """The request that takes Dateline longest against the floor."""
    ratios = by_request(times["dateline"], times["floor"])
    return max(ratios, key=lambda which: ratios[which])


def compared(times: Times, other: Times) -> dict[str, Any]:
    """Quartiles of both in milliseconds, their ratio with its quartiles over rounds, the worst."""
    ratios = [
        median(t.seconds for t in mine) / median(t.seconds for t in its)
        for mine, its in zip(times.rounds, other.rounds, strict=True)
    ]
    low, _, high = quartiles(ratios)
    return {
        "milliseconds": [1000 * part for part in quartiles(times.all)],
        "floor": [1000 * part for part in quartiles(other.all)],
        "ratio": median(times.all) / median(other.all),
        "quartiles": [low, high],
        "worst": max(by_request(times, other).values()),
        "answers": len(times.all),
        "failed": times.failed,
    }
