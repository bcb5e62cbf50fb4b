"""Many events counted at once: by what they bear, and by where they lie in time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, text

from app.dialects import Prepared
from app.index import batches, ids_of_kind, none, slots_of
from app.reads.blocks import Block, Column, Timeline, columns, kept, memory_of
from app.reads.hits import Hits

MANY = 2000  # values that are as common as one another are sought in the order of their names

# -- by what they bear ----------------------------------------------------------------------------

OF_KIND = Prepared(
    "SELECT term, bits FROM posting WHERE block = :block AND term BETWEEN :first AND :last"
)
COMMONEST = Prepared(
    "SELECT value, events FROM term WHERE kind = :kind AND events > 0"
    " ORDER BY events DESC, value LIMIT :limit"
)
VALUES = Prepared("SELECT id, value FROM term WHERE id IN :ids")


class Borne(NamedTuple):
    """What the events of a block bear of one kind: numbers of values, one event's after another's.

    They are counted from the first id of the kind; `starts` says where a slot's begin.
    """

    stamp: int
    values: Column
    starts: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.values.nbytes + self.starts.nbytes)

    def of(self, slots: Column) -> tuple[Column, Column]:
        """What some slots bear: how many values each, and these."""
        first = self.starts[slots]
        numbers = self.starts[slots + 1] - first
        behind = np.cumsum(numbers)
        places = np.repeat(first - behind + numbers, numbers) + np.arange(numbers.sum())
        return numbers, self.values[places]


def borne(connection: Connection, block: Block, kind: str) -> Borne:
    """What the events of a block bear of a kind."""

    def make(_: Borne | None) -> Borne:
        ids = ids_of_kind(kind)
        rows = OF_KIND.rows(connection, block=block.id, first=ids[0], last=ids[-1])
        parts = [slots_of(bits) for _, bits in rows]
        slots = np.concatenate([np.zeros(0, dtype=np.uint16), *parts])
        terms = np.array([term - ids[0] for term, _ in rows], dtype=np.int32)
        values = np.repeat(terms, [len(part) for part in parts])
        starts = np.searchsorted(np.sort(slots), np.arange(len(none()) + 1)).astype(np.int32)
        return Borne(block.stamp, values[np.argsort(slots, kind="stable")], starts)

    return kept(connection, block, ("borne", kind), make)


def commonest(connection: Connection, hits: Hits, kind: str, limit: int) -> list[tuple[str, int]]:
    """The values of a kind that most hits bear, with their numbers; of equals the first by name."""
    part = hits.found.plan.part
    if part and kind == "actor" and (part.roles or part.unwanted):
        return _first(chain.from_iterable(_taking_part(connection, hits)), limit)
    if part and kind == "role" and part.actors:
        roles = (set().union(*taking.values()) for taking in _taking_part(connection, hits))
        return _first(chain.from_iterable(roles), limit)
    if hits.found.everything:
        return _of_all(connection, hits.timeline, kind, limit)
    return _tallied(connection, hits, kind, limit)


def _of_all(
    connection: Connection, timeline: Timeline, kind: str, limit: int
) -> list[tuple[str, int]]:
    memory, key = memory_of(connection), ("commonest", kind, limit)
    held: tuple[int, list[tuple[str, int]]] | None = memory.get(key)
    if held and held[0] == timeline.stamp:
        return held[1]
    found = [(value, n) for value, n in COMMONEST.rows(connection, kind=kind, limit=limit)]
    memory.put(key, (timeline.stamp, found), 100 * len(found))
    return found


def _first(names: Iterable[str], limit: int) -> list[tuple[str, int]]:
    return sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def _tallied(connection: Connection, hits: Hits, kind: str, limit: int) -> list[tuple[str, int]]:
    found = [np.zeros(0, dtype=np.int32)]
    for block, mask in hits.masks(hits.blocks):
        found.append(borne(connection, block, kind).of(np.flatnonzero(mask))[1])
    counts = np.bincount(np.concatenate(found))
    values = np.flatnonzero(counts)
    least = 1
    if len(values) > limit:
        least = int(np.partition(counts[values], -limit)[-limit])
    above = values[counts[values] > least].tolist()
    level = values[counts[values] == least].tolist()
    named = _values(connection, kind, above)
    told = [(name, int(counts[value])) for value, name in named.items()]
    told.sort(key=lambda pair: (-pair[1], pair[0]))
    return told + [(name, least) for name in _names(connection, kind, level, limit - len(told))]


def _values(connection: Connection, kind: str, values: Iterable[int]) -> dict[int, str]:
    """The names of values that are counted from the first id of their kind."""
    first = ids_of_kind(kind)[0]
    found: dict[int, str] = {}
    for batch in batches(values):
        rows = VALUES.rows(connection, ids=[first + value for value in batch])
        found |= {term - first: value for term, value in rows}
    return found


def _names(connection: Connection, kind: str, values: list[int], limit: int) -> list[str]:
    """The first names of some values, in their order."""
    if len(values) <= MANY:
        return sorted(_values(connection, kind, values).values())[:limit]
    wanted, first = set(values), ids_of_kind(kind)[0]
    query = text("SELECT id, value FROM term WHERE kind = :kind ORDER BY value")
    names: list[str] = []
    with connection.execution_options(stream_results=True).execute(query, {"kind": kind}) as rows:
        for row in rows:
            if row.id - first in wanted:
                names.append(row.value)
            if len(names) == limit:
                break
    return names


def _taking_part(connection: Connection, hits: Hits) -> Iterator[Mapping[str, set[str]]]:
    """Of each hit the actors that the filter's actors and roles let pass, with all their roles."""
    part = hits.found.plan.part
    assert part is not None
    for block, mask in hits.masks(hits.blocks):
        found: dict[int, dict[str, set[str]]] = defaultdict(dict)
        for slot, actor in _named(connection, block, "actor", mask):
            found[slot][actor] = set()
        for slot, pair in _named(connection, block, "actor-role", mask):
            actor, _, role = pair.partition(":")
            found[slot][actor].add(role)
        for taking in found.values():
            yield {actor: roles for actor, roles in taking.items() if part.admits(actor, roles)}


def _named(
    connection: Connection, block: Block, kind: str, mask: Column
) -> Iterator[tuple[int, str]]:
    slots = np.flatnonzero(mask)
    numbers, values = borne(connection, block, kind).of(slots)
    names = _values(connection, kind, np.unique(values).tolist())
    for slot, value in zip(np.repeat(slots, numbers).tolist(), values.tolist(), strict=True):
        yield slot, names[value]


# -- by where they lie in time --------------------------------------------------------------------


@dataclass(frozen=True)
class Spans:
    """Bounds as the timeline has them, each with how many events share them."""

    bounds: Column  # a row each of start_earliest, start_latest, end_earliest, end_latest, sure
    events: Column

    def possible(self, days: Column) -> list[int]:
        """How many may lie in each span of time between some days, the last one left out."""
        return self._overlapping(self.bounds[0], self.bounds[3], days)

    def certain(self, days: Column) -> list[int]:
        """How many lie in each span of time between some days for certain."""
        return self._overlapping(self.bounds[1], self.bounds[2], days, self.bounds[4] > 0)

    def _overlapping(
        self, starts: Column, ends: Column, days: Column, sure: Column | bool = True
    ) -> list[int]:
        size, before, behind = len(days) - 1, days[0] - 1, days[-1]
        # The span of each day, with one day before all and one behind; to search takes longer.
        spans = np.repeat(np.arange(-1, size + 1, dtype=np.int32), [1, *np.diff(days), 1])
        first = np.maximum(spans[np.clip(starts, before, behind) - before], 0)
        last = np.minimum(spans[np.clip(ends, before, behind) - before], size - 1)
        events = self.events * ((first <= last) & sure)
        steps = np.bincount(first, weights=events, minlength=size + 1)
        steps[: size + 1] -= np.bincount(last + 1, weights=events, minlength=size + 1)
        counts: list[int] = np.cumsum(steps)[:size].astype(np.int64).tolist()
        return counts

    def extent(self, first: int, last: int) -> tuple[int, int] | None:
        """The least and the greatest day from `first` to `last` that is a bound of any."""
        days = self.bounds[:4]
        inside = (days >= first) & (days <= last)
        if not inside.any():
            return None
        least = int(np.where(inside, days, last).min())
        return least, int(np.where(inside, days, first).max())


class Grouped(NamedTuple):
    """Which bounds there are in a block, and by slot which of them an event has."""

    stamp: int
    bounds: Column
    group: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.bounds.nbytes + self.group.nbytes)


def _grouped(connection: Connection, block: Block) -> Grouped:
    def make(_: Grouped | None) -> Grouped:
        of = columns(connection, block).of
        names = ("start_earliest", "start_latest", "end_earliest", "end_latest", "sure")
        rows = np.stack([of[name].astype(np.int32) for name in names], axis=1)
        whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * len(names)}").ravel()
        at, group = np.unique(whole, return_index=True, return_inverse=True)[1:]
        return Grouped(block.stamp, rows[at].T, group.astype(np.uint16))

    return kept(connection, block, "grouped", make)


def spans_of(hits: Hits) -> Spans:
    """How the hits lie in time."""
    memory = memory_of(hits.connection)
    held: tuple[object, Spans] | None = memory.get("spans") if hits.found.everything else None
    if held and held[0] == hits.blocks:
        return held[1]
    bounds, events = [np.zeros((5, 0), dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
    for block, mask in hits.masks(hits.blocks):
        grouped = _grouped(hits.connection, block)
        counted = np.bincount(grouped.group[np.flatnonzero(mask)])
        some = np.flatnonzero(counted)
        bounds.append(grouped.bounds[:, some])
        events.append(counted[some])
    made = Spans(np.concatenate(bounds, axis=1), np.concatenate(events))
    if hits.found.everything:
        memory.put("spans", (hits.blocks, made), made.bounds.nbytes + made.events.nbytes)
    return made
