"""Many events counted at once: by what they bear, and by where they lie in time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, text

from app import dates
from app.dialects import Prepared
from app.filters import Part
from app.index import batches, ids_of_kind, none, slots_of, unpacked
from app.reads.bitmaps import Bitmap, number_of
from app.reads.blocks import Block, Column, Older, Timeline, columns, kept, memory_of
from app.reads.hits import Hits
from app.reads.spans import CUTS, Cut, named_days

# -- by what they bear ----------------------------------------------------------------------------

# Values are counted by bits where there are few, or one event of so many bears them.
FEW, SHARE = 64, 64
LITTLE, MUCH = 16, 2  # of so many slots a filter finds less than one, or more
AT_ONCE = 4  # blocks are read together, and kept before the next
MANY = 2000  # values that are as common as one another are sought in the order of their names
OF_KIND = Prepared(
    "SELECT block, term, bits FROM posting WHERE block IN :blocks AND term BETWEEN :first AND :last"
)
COMMON = Prepared(
    "SELECT id FROM term WHERE kind = :kind AND (events * :share >"
    " (SELECT events FROM term WHERE kind = 'every') OR (SELECT count(*) FROM"
    " (SELECT 1 FROM term WHERE kind = :kind LIMIT :few + 1) AS known) <= :few) ORDER BY id"
)
COMMONEST = Prepared(
    "SELECT value, events FROM term WHERE kind = :kind AND events > 0"
    " ORDER BY events DESC, value LIMIT :limit"
)
VALUES = Prepared("SELECT id, value FROM term WHERE id IN :ids")
NUMBERS = Prepared("SELECT id, value FROM term WHERE kind = :kind AND value IN :values")
PAIRS = Prepared("SELECT id, value FROM term WHERE kind = 'actor-role' AND id > :last ORDER BY id")


@dataclass(frozen=True)
class Borne:
    """What the events of some blocks bear of one kind; values are numbers from its first id on.

    Of `common` values there are bits, a row each for every block. The others stand one event's
    after another's in `values`; `starts` says where a slot's begin, block by block.
    """

    blocks: Column  # ids, ascending
    stamps: Column
    common: Column
    bits: Column
    values: Column
    starts: Column

    @property
    def size(self) -> int:
        """In bytes, with what it is counted by."""
        columns = [self.blocks, self.stamps, self.common, self.bits, self.values]
        columns += [self.starts, self.slots] if len(self.values) else []
        return sum(column.nbytes for column in columns) + self.totals.nbytes

    @cached_property
    def slots(self) -> Column:
        """The slot of each of the values."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    @cached_property
    def totals(self) -> Column:
        """How many events bear each value that is not common, and zeros for those that are."""
        most = max(self.values.max(initial=0), self.common.max(initial=0))
        return np.bincount(self.values, minlength=int(most) + 1)

    def counts(self, found: Bitmap) -> Column:
        """How many of the events found bear each value."""
        counts = self._uncommon(found)
        rows = np.searchsorted(self.blocks, found.blocks)
        for value, bits in zip(self.common, self.bits, strict=True):
            of_blocks = bits if len(rows) == len(bits) else bits[rows]
            counts[value] = number_of(of_blocks & found.bits)
        return counts

    def _uncommon(self, found: Bitmap) -> Column:
        """Of values that are not common, by the way that is the shortest for so many events."""
        if not len(self.values):  # no slot need be looked for
            return self._numbers(self.values)
        if found.count * LITTLE < len(self.starts):
            return self._numbers(self.of(found)[1])
        if found.count * MUCH < len(self.starts):
            return self._numbers(self.values.compress(found.of(self.blocks).take(self.slots)))
        others = ~found.of(self.blocks)
        return self.totals - self._numbers(self.values.compress(others.take(self.slots)))

    def _numbers(self, values: Column) -> Column:
        return np.bincount(values, minlength=len(self.totals))

    def of(self, found: Bitmap) -> tuple[Column, Column]:
        """What the events found bear that is not common: how many values each, and these."""
        at = found.places(self.blocks)
        first = self.starts[at]
        numbers = self.starts[at + 1] - first
        behind = np.cumsum(numbers, dtype=np.int32)
        places = np.repeat(first - behind + numbers, numbers)
        places += np.arange(len(places), dtype=np.int32)
        return numbers, self.values[places]

    def only(self, rows: Column) -> "Borne":
        """What the events of some of its blocks bear, in an order of its rows."""
        ends = self.starts[:: len(none())]
        parts = [self.values[ends[row] : ends[row + 1]] for row in rows]
        numbers = np.diff(self.starts).reshape(len(self.blocks), -1)[rows]
        return Borne(
            self.blocks[rows],
            self.stamps[rows],
            self.common,
            self.bits[:, rows],
            np.concatenate([self.values[:0], *parts]),
            _starts(numbers),
        )

    def __or__(self, other: "Borne") -> "Borne":
        blocks = np.append(self.blocks, other.blocks)
        both = Borne(
            blocks,
            np.append(self.stamps, other.stamps),
            self.common,
            np.concatenate([self.bits, other.bits], axis=1),
            np.append(self.values, other.values),
            np.append(self.starts, other.starts[1:] + self.starts[-1]),
        )
        return both.only(np.argsort(blocks))


def borne(connection: Connection, timeline: Timeline, kind: str) -> Borne:
    """What all events bear of a kind; only blocks that have changed are read again."""
    memory, key = memory_of(connection), ("borne", kind)
    held: Borne | None = memory.get(key)
    ahead = held is not None and held.stamps.max(initial=0) > timeline.stamp
    made = None if held is None or ahead else _staying(held, timeline)
    if made is None:
        some = np.zeros(0, dtype=np.int64)
        made = _read(connection, kind, _common(connection, kind), some, some)
    missing = np.flatnonzero(~np.isin(timeline.ids, made.blocks))
    for rows in batches(missing.tolist(), AT_ONCE):
        made |= _read(connection, kind, made.common, timeline.ids[rows], timeline.stamps[rows])
        if not ahead:
            memory.put(key, made, made.size)
    return made


def _staying(held: Borne, timeline: Timeline) -> Borne | None:
    """What has not changed of it; None where that is little, so that `common` is looked at anew."""
    if np.array_equal(held.stamps, timeline.stamps) and np.array_equal(held.blocks, timeline.ids):
        return held
    now = dict(zip(timeline.ids.tolist(), timeline.stamps.tolist(), strict=True))
    was = zip(held.blocks.tolist(), held.stamps.tolist(), strict=True)
    same = [now.get(block) == stamp for block, stamp in was]
    return held.only(np.flatnonzero(same)) if 2 * sum(same) >= len(same) else None


def _common(connection: Connection, kind: str) -> Column:
    """The values of a kind that many events bear."""
    if kind == "actor-role":  # is looked at event by event
        return np.zeros(0, dtype=np.int32)
    first = ids_of_kind(kind)[0]
    rows = COMMON.rows(connection, kind=kind, share=SHARE, few=FEW)
    return np.array([term - first for (term,) in rows], dtype=np.int32)


def _read(
    connection: Connection, kind: str, common: Column, blocks: Column, stamps: Column
) -> Borne:
    """What the events of some blocks bear of a kind."""
    ids = ids_of_kind(kind)
    rows = OF_KIND.rows(connection, blocks=blocks.tolist(), first=ids[0], last=ids[-1])
    at = np.searchsorted(blocks, np.fromiter(map(itemgetter(0), rows), np.int64))
    terms = np.fromiter(map(itemgetter(1), rows), np.int64) - ids[0]
    postings = list(map(itemgetter(2), rows))
    bits = np.zeros((len(common), len(blocks), len(none()) // 8), dtype=np.uint8)
    for row in np.flatnonzero(np.isin(terms, common)).tolist():
        place = np.searchsorted(common, terms[row]), at[row]
        bits[place] = np.packbits(unpacked(postings[row]), bitorder="little")
        postings[row] = b""
    slots = list(map(slots_of, postings))
    numbers = np.fromiter(map(len, slots), np.int64)
    slot = np.repeat(at * len(none()), numbers) + np.concatenate([*slots, none()[:0]])
    narrow = np.uint16 if terms.max(initial=0) < 1 << 16 else np.int32
    values = np.repeat(terms.astype(narrow), numbers)[np.argsort(slot, kind="stable")]
    of_slots = np.bincount(slot, minlength=len(blocks) * len(none()))
    return Borne(blocks, stamps, common, bits, values, _starts(of_slots))


def _starts(numbers: Column) -> Column:
    """Where the values of each slot begin, by how many it has; without any, one zero for all."""
    if not numbers.any():
        return np.broadcast_to(np.int32(0), numbers.size + 1)
    return np.append(0, np.cumsum(numbers)).astype(np.int32)


def commonest(connection: Connection, hits: Hits, kind: str, limit: int) -> list[tuple[str, int]]:
    """The values of a kind that most hits bear, with their numbers; of equals the first by name."""
    part = hits.found.plan.part
    drilled = part and {"actor": part.roles or part.unwanted, "role": part.actors}.get(kind)
    if part and drilled:
        return _first(connection, kind, _taking_part(connection, hits, part, kind), limit)
    if hits.found.everything:
        return _of_all(connection, hits.timeline, kind, limit)
    counts = borne(connection, hits.timeline, kind).counts(hits.every())
    return _first(connection, kind, counts, limit)


def _of_all(
    connection: Connection, timeline: Timeline, kind: str, limit: int
) -> list[tuple[str, int]]:
    def make(_: Older[list[tuple[str, int]]]) -> list[tuple[str, int]]:
        rows = COMMONEST.rows(connection, kind=kind, limit=limit)
        return [(value, events) for value, events in rows]

    key = "commonest", kind, limit
    return kept(connection, key, timeline.stamp, make, lambda made: 100 * len(made))


def _first(connection: Connection, kind: str, counts: Column, limit: int) -> list[tuple[str, int]]:
    """The values with the greatest counts, by name."""
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


class Pairs(NamedTuple):
    """The number of the actor and that of the role, by those of actors in roles."""

    blocks: Column  # ids of those there were
    actors: Column
    roles: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return self.actors.nbytes + self.roles.nbytes


def pairs(connection: Connection, timeline: Timeline) -> Pairs:
    """Which actor and which role those are that events bear together."""

    def make(older: Older[Pairs]) -> Pairs:
        nobody = np.zeros(0, dtype=np.int64)
        known = older[1] if older else None
        if known is None or not np.isin(known.blocks, timeline.ids).any():
            known = Pairs(nobody, nobody, nobody)  # all may be numbered anew, as blocks are
        first = ids_of_kind("actor-role")[0] + len(known.actors)
        rows = PAIRS.rows(connection, last=first - 1)
        named = [value.partition(":") for _, value in rows]
        places = np.array([term - first for term, _ in rows], dtype=np.int64)
        made = []
        for kind, held, names in (
            ("actor", known.actors, [actor for actor, _, _ in named]),
            ("role", known.roles, [role for _, _, role in named]),
        ):
            numbers = _numbers(connection, kind, set(names))
            more = np.full(int(places.max(initial=-1)) + 1, -1)
            more[places] = [numbers[name] for name in names]
            made.append(np.append(held, more))
        return Pairs(timeline.ids, *made)

    return kept(connection, "pairs", timeline.stamp, make)


def _numbers(connection: Connection, kind: str, names: Iterable[str]) -> dict[str, int]:
    """The numbers of values by their names, of those that any event ever bore."""
    first = ids_of_kind(kind)[0]
    found: dict[str, int] = {}
    for batch in batches(names):
        rows = NUMBERS.rows(connection, kind=kind, values=list(batch))
        found |= {value: term - first for term, value in rows}
    return found


def _taking_part(connection: Connection, hits: Hits, part: Part, kind: str) -> Column:
    """How many hits each actor takes part in, or role is borne in, as the filter wants it."""
    _, actors, roles = pairs(connection, hits.timeline)
    numbers, borne_of = borne(connection, hits.timeline, "actor-role").of(hits.every())
    event = np.repeat(np.arange(len(numbers)), numbers)
    actor, role = actors[borne_of], roles[borne_of]
    taking = event * (int(actors.max(initial=0)) + 1) + actor  # one number for both

    def among(numbers: Column, kind: str, names: Iterable[str]) -> Column:
        return np.isin(numbers, list(_numbers(connection, kind, names).values()))

    fits = among(actor, "actor", part.actors) if part.actors else np.ones(len(actor), dtype=bool)
    unwanted = fits & among(role, "role", part.unwanted)
    if kind == "actor" and not part.roles:  # those who bear no role take part, too
        counts = borne(connection, hits.timeline, kind).counts(hits.every())
        if part.actors:
            counts[~among(np.arange(len(counts)), kind, part.actors)] = 0
        return counts - np.bincount(actor[_firsts(taking, unwanted)], minlength=len(counts))
    if part.roles:
        wanted = fits & among(role, "role", part.roles)
        fits = wanted if kind == "actor" else np.isin(taking, taking[wanted])
    if part.unwanted:
        fits &= ~np.isin(taking, taking[unwanted])
    if kind == "actor":
        return np.bincount(actor[_firsts(taking, fits)])
    return np.bincount(role[_firsts(event * (int(roles.max(initial=0)) + 1) + role, fits)])


def _firsts(numbers: Column, mask: Column) -> Column:
    """Where each of the different numbers under a mask stands first."""
    places = np.flatnonzero(mask)
    return places[np.unique(numbers[places], return_index=True)[1]]


# -- by where they lie in time --------------------------------------------------------------------


ANSWER = 80_000  # bytes at most


@dataclass(frozen=True)
class Spans:
    """Bounds as the timeline has them, each with how many events share them.

    Events that name no day and lie nowhere for certain are only counted: `undated`.
    """

    bounds: Column  # a row each of start_earliest, start_latest, end_earliest, end_latest, sure
    named: Column  # the first and the last day that they name
    events: Column
    undated: int = 0
    _counts: dict[Cut, tuple[Column, Column]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """In bytes, with what it was counted by."""
        return int(self.bounds.nbytes + self.named.nbytes + self.events.nbytes) + CUTS * ANSWER

    def counts(self, cut: Cut) -> tuple[Column, Column]:
        """How many lie in each span for certain, and how many may; the last answers are kept."""
        counts = self._counts.get(cut)
        if counts is None:
            counts = self.certain(cut.days), self.possible(cut.days)
            if len(self._counts) >= CUTS:
                self._counts.clear()
            self._counts[cut] = counts
        return counts

    def possible(self, days: Column) -> Column:
        """How many may lie in each span of time between some days, the last one left out."""
        return self._overlapping(self.bounds[0], self.bounds[3], days)

    def certain(self, days: Column) -> Column:
        """How many lie in each span of time between some days for certain."""
        return self._overlapping(self.bounds[1], self.bounds[2], days, self.bounds[4] > 0)

    def _overlapping(
        self, starts: Column, ends: Column, days: Column, sure: Column | bool = True
    ) -> Column:
        size, before, behind = len(days) - 1, days[0] - 1, days[-1]
        # The span of each day, with one day before all and one behind; to search takes longer.
        spans = np.repeat(np.arange(-1, size + 1, dtype=np.int32), [1, *np.diff(days), 1])
        first = np.maximum(spans[np.clip(starts, before, behind) - before], 0)
        last = np.minimum(spans[np.clip(ends, before, behind) - before], size - 1)
        events = self.events * ((first <= last) & sure)
        steps = np.bincount(first, weights=events, minlength=size + 1)
        steps[: size + 1] -= np.bincount(last + 1, weights=events, minlength=size + 1)
        return np.cumsum(steps)[:size].astype(np.int64)

    @cached_property
    def extent(self) -> tuple[int, int] | None:
        """The first and the last day that any of them names."""
        if not len(self.events):
            return None
        first, last = int(self.named[0].min()), int(self.named[1].max())
        return (first, last) if first < dates.END else None


class Grouped(NamedTuple):
    """Which bounds there are in a block, or in all, and by slot which of them an event has."""

    bounds: Column
    named: Column  # the first and the last day that they name
    group: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.bounds.nbytes + self.named.nbytes + self.group.nbytes)


def _of_block(connection: Connection, block: Block) -> Grouped:
    def make(_: Older[Grouped]) -> Grouped:
        of = columns(connection, block).of
        names = ("start_earliest", "start_latest", "end_earliest", "end_latest", "sure")
        rows = np.stack([of[name].astype(np.int32) for name in names], axis=1)
        whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * len(names)}").ravel()
        at, group = np.unique(whole, return_index=True, return_inverse=True)[1:]
        bounds = rows[at].T
        return Grouped(bounds, named_days(bounds), group.astype(np.uint16))

    return kept(connection, ("grouped", block.id), block.stamp, make)


def grouped(connection: Connection, timeline: Timeline) -> Grouped:
    """Which bounds there are at all; the slots are those of all blocks by their ids."""

    def make(_: Older[Grouped]) -> Grouped:
        parts = [_of_block(connection, block) for block in sorted(timeline.blocks)]
        numbers = [part.bounds.shape[1] for part in parts]
        offsets = np.cumsum([0, *numbers], dtype=np.int32)[:-1]
        groups = [part.group + offset for part, offset in zip(parts, offsets, strict=True)]
        bounds = [np.zeros((5, 0), dtype=np.int32), *(part.bounds for part in parts)]
        named = [np.zeros((2, 0), dtype=np.int32), *(part.named for part in parts)]
        return Grouped(
            np.concatenate(bounds, axis=1),
            np.concatenate(named, axis=1),
            np.concatenate([offsets[:0], *groups]),
        )

    return kept(connection, "grouped", timeline.stamp, make)


def spans_of(hits: Hits) -> Spans:
    """How the hits lie in time."""

    def make(_: Older[Spans]) -> Spans:
        bounds, named, group = grouped(hits.connection, hits.timeline)
        counted = np.bincount(group[hits.every().places(hits.timeline.ids)])
        start_latest, end_earliest = bounds[1:3, : len(counted)]
        dated = (named[0, : len(counted)] < dates.END) | (start_latest <= end_earliest)
        some = np.flatnonzero(dated & (counted > 0))
        undated = int(counted[~dated].sum())
        return Spans(bounds.take(some, axis=1), named.take(some, axis=1), counted[some], undated)

    if not hits.found.everything:
        return make(None)
    return kept(hits.connection, "spans", hits.timeline.stamp, make)
