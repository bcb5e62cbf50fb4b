"""Counting many events at once: by facet value, and by date bounds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, text

from app import dates
from app.dialects import Prepared, prefix_range
from app.filters import Participation
from app.index import batches, decode_posting, empty_mask, ids_of_kind, slots_of
from app.reads.bitmaps import Bitmap, count_bits
from app.reads.blocks import Array, BlockState, Older, TimelineState, cache_of, cached, columns
from app.reads.hits import Hits
from app.reads.spans import MAX_CACHED_CUTS, Cut, named_days

# -- by facet value -------------------------------------------------------------------------------

# A value is common, and has a bitmap, if its facet has few values or one event in 64 has it.
MAX_BITMAP_VALUES, COMMON_SHARE = 64, 64
SPARSE_HITS, DENSE_HITS = 16, 2  # hits are few below one slot in 16, many above one in 2
MAX_BLOCKS_PER_READ = 4  # cached before the next are read
MAX_SORTED_VALUES = 2000  # of equally common values; more are read in the order of their names
POSTINGS_OF_KIND = Prepared(
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
VALUE_NAMES = Prepared("SELECT id, value FROM term WHERE id IN :ids")
VALUE_IDS = Prepared("SELECT id, value FROM term WHERE kind = :kind AND value IN :values")
# Of the terms of a kind, those whose values begin with a text.
TERMS_WITH_PREFIX = Prepared(
    "SELECT id FROM term WHERE kind = :kind AND value >= :prefix AND value < :beyond ORDER BY id"
)
COMMONEST_WITH_PREFIX = Prepared(
    "SELECT value, events FROM term WHERE kind = :kind AND events > 0 AND value >= :prefix"
    " AND value < :beyond ORDER BY events DESC, value LIMIT :limit"
)
ACTOR_ROLES = Prepared(
    "SELECT id, value FROM term WHERE kind = 'actor-role' AND id > :last ORDER BY id"
)


@dataclass(frozen=True)
class ForwardIndex:
    """For one facet, the values of every event, as numbers from the facet's first term id.

    Common values have a bitmap per block. The others are stored in `values`, event by event;
    `starts` is where the values of each slot begin, block by block.
    """

    blocks: Array  # ids, ascending
    stamps: Array
    common: Array
    bits: Array
    values: Array
    starts: Array

    @property
    def size(self) -> int:
        """Return the size in bytes, with the arrays that counting needs."""
        columns = [self.blocks, self.stamps, self.common, self.bits, self.values]
        columns += [self.starts, self.slots] if len(self.values) else []
        return sum(column.nbytes for column in columns) + self.totals.nbytes

    @cached_property
    def slots(self) -> Array:
        """Return the slot of each of the values."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    @cached_property
    def totals(self) -> Array:
        """Return how many events have each rare value, and 0 for common ones."""
        most = max(self.values.max(initial=0), self.common.max(initial=0))
        return np.bincount(self.values, minlength=int(most) + 1)

    def counts(self, hits: Bitmap) -> Array:
        """Return how many of the hits have each value."""
        counts = self._rare_counts(hits)
        rows = np.searchsorted(self.blocks, hits.blocks)
        for value, bits in zip(self.common, self.bits, strict=True):
            of_blocks = bits if len(rows) == len(bits) else bits[rows]
            counts[value] = count_bits(of_blocks & hits.bits)
        return counts

    def _rare_counts(self, hits: Bitmap) -> Array:
        """Return the counts of rare values, in the way that is fastest for so many hits."""
        if not len(self.values):  # no slot need be looked for
            return self._count(self.values)
        if hits.count * SPARSE_HITS < len(self.starts):
            return self._count(self.of(hits)[1])
        if hits.count * DENSE_HITS < len(self.starts):
            return self._count(self.values.compress(hits.mask_over(self.blocks).take(self.slots)))
        others = ~hits.mask_over(self.blocks)
        return self.totals - self._count(self.values.compress(others.take(self.slots)))

    def _count(self, values: Array) -> Array:
        return np.bincount(values, minlength=len(self.totals))

    def of(self, hits: Bitmap) -> tuple[Array, Array]:
        """Return the rare values of the hits: how many each hit has, and all of them in order."""
        positions = hits.positions(self.blocks)
        first = self.starts[positions]
        numbers = self.starts[positions + 1] - first
        ends = np.cumsum(numbers, dtype=np.int32)
        value_positions = np.repeat(first - ends + numbers, numbers)
        value_positions += np.arange(len(value_positions), dtype=np.int32)
        return numbers, self.values[value_positions]

    def select_blocks(self, rows: Array) -> "ForwardIndex":
        """Return the index of the blocks in these rows, in the order of `rows`."""
        ends = self.starts[:: len(empty_mask())]
        parts = [self.values[ends[row] : ends[row + 1]] for row in rows]
        numbers = np.diff(self.starts).reshape(len(self.blocks), -1)[rows]
        return ForwardIndex(
            self.blocks[rows],
            self.stamps[rows],
            self.common,
            self.bits[:, rows],
            np.concatenate([self.values[:0], *parts]),
            _value_starts(numbers),
        )

    def __or__(self, other: "ForwardIndex") -> "ForwardIndex":
        blocks = np.append(self.blocks, other.blocks)
        both = ForwardIndex(
            blocks,
            np.append(self.stamps, other.stamps),
            self.common,
            np.concatenate([self.bits, other.bits], axis=1),
            np.append(self.values, other.values),
            np.append(self.starts, other.starts[1:] + self.starts[-1]),
        )
        return both.select_blocks(np.argsort(blocks))


def forward_index(
    connection: Connection, timeline: TimelineState, kind: str, prefix: str | None = None
) -> ForwardIndex:
    """Return the forward index of a facet; only changed blocks are read again.

    `prefix` picks the values of the kind that begin with it.
    """
    cache, key = cache_of(connection), ("borne", kind, prefix)
    previous: ForwardIndex | None = cache.get(key)
    ahead = previous is not None and previous.stamps.max(initial=0) > timeline.stamp
    index = None if previous is None or ahead else _unchanged(previous, timeline)
    if index is None:
        no_blocks = np.zeros(0, dtype=np.int64)
        common = _common_values(connection, kind)
        index = _read_blocks(connection, kind, prefix, common, no_blocks, no_blocks)
    missing = np.flatnonzero(~np.isin(timeline.ids, index.blocks))
    for rows in batches(missing.tolist(), MAX_BLOCKS_PER_READ):
        index |= _read_blocks(
            connection, kind, prefix, index.common, timeline.ids[rows], timeline.stamps[rows]
        )
        if not ahead:
            cache.put(key, index, index.size)
    return index


def _unchanged(previous: ForwardIndex, timeline: TimelineState) -> ForwardIndex | None:
    """Return the unchanged blocks, or None if they are so few that all should be read again.

    Reading all again also determines anew which values are common.
    """
    if np.array_equal(previous.stamps, timeline.stamps) and np.array_equal(
        previous.blocks, timeline.ids
    ):
        return previous
    now = dict(zip(timeline.ids.tolist(), timeline.stamps.tolist(), strict=True))
    was = zip(previous.blocks.tolist(), previous.stamps.tolist(), strict=True)
    unchanged = [now.get(block) == stamp for block, stamp in was]
    return (
        previous.select_blocks(np.flatnonzero(unchanged))
        if 2 * sum(unchanged) >= len(unchanged)
        else None
    )


def _common_values(connection: Connection, kind: str) -> Array:
    """Return the values of a facet that many events have."""
    if kind in ("actor-role", "extra"):  # are counted event by event
        return np.zeros(0, dtype=np.int32)
    first = ids_of_kind(kind)[0]
    rows = COMMON.rows(connection, kind=kind, share=COMMON_SHARE, few=MAX_BITMAP_VALUES)
    return np.array([term - first for (term,) in rows], dtype=np.int32)


def _read_blocks(
    connection: Connection,
    kind: str,
    prefix: str | None,
    common: Array,
    blocks: Array,
    stamps: Array,
) -> ForwardIndex:
    """Return the forward index of a facet for some blocks."""
    ids = ids_of_kind(kind)
    rows = _read_postings(connection, kind, prefix, blocks)
    at = np.searchsorted(blocks, np.fromiter(map(itemgetter(0), rows), np.int64))
    terms = np.fromiter(map(itemgetter(1), rows), np.int64) - ids[0]
    postings = list(map(itemgetter(2), rows))
    bits = np.zeros((len(common), len(blocks), len(empty_mask()) // 8), dtype=np.uint8)
    for row in np.flatnonzero(np.isin(terms, common)).tolist():
        place = np.searchsorted(common, terms[row]), at[row]
        bits[place] = np.packbits(decode_posting(postings[row]), bitorder="little")
        postings[row] = b""
    slots = list(map(slots_of, postings))
    numbers = np.fromiter(map(len, slots), np.int64)
    slot = np.repeat(at * len(empty_mask()), numbers) + np.concatenate([*slots, empty_mask()[:0]])
    narrow = np.uint16 if terms.max(initial=0) < 1 << 16 else np.int32
    values = np.repeat(terms.astype(narrow), numbers)[np.argsort(slot, kind="stable")]
    of_slots = np.bincount(slot, minlength=len(blocks) * len(empty_mask()))
    return ForwardIndex(blocks, stamps, common, bits, values, _value_starts(of_slots))


def _read_postings(
    connection: Connection, kind: str, prefix: str | None, blocks: Array
) -> list[tuple[int, int, bytes]]:
    """Return block, term and bits of each posting of a kind, or of its values with a prefix."""
    ids: Sequence[int] = ids_of_kind(kind)
    wanted: set[int] = set()
    if prefix is not None:
        terms = TERMS_WITH_PREFIX.rows(connection, kind=kind, **prefix_range(prefix))
        ids = [term for (term,) in terms]
        wanted.update(ids)
    if not ids or not len(blocks):
        return []
    rows = POSTINGS_OF_KIND.rows(connection, blocks=blocks.tolist(), first=ids[0], last=ids[-1])
    return [row for row in rows if row[1] in wanted] if prefix is not None else list(rows)


def _value_starts(numbers: Array) -> Array:
    """Return where the values of each slot begin. Without any values, one 0 stands for all."""
    if not numbers.any():
        return np.broadcast_to(np.int32(0), numbers.size + 1)
    return np.append(0, np.cumsum(numbers)).astype(np.int32)


def count_commonest(
    connection: Connection, hits: Hits, kind: str, limit: int, prefix: str | None = None
) -> list[tuple[str, int]]:
    """Return the commonest values of a facet among the hits, with counts; equal ones by name.

    `prefix` picks the values that begin with it.
    """
    part = hits.filter.plan.part
    drilled = part and {"actor": part.roles or part.unwanted, "role": part.actors}.get(kind)
    if part and drilled:
        return _top_values(
            connection, kind, _count_participation(connection, hits, part, kind), limit
        )
    if hits.filter.everything:
        return _commonest_of_all(connection, hits.timeline, kind, limit, prefix)
    counts = forward_index(connection, hits.timeline, kind, prefix).counts(hits.bitmap())
    return _top_values(connection, kind, counts, limit)


def _commonest_of_all(
    connection: Connection, timeline: TimelineState, kind: str, limit: int, prefix: str | None
) -> list[tuple[str, int]]:
    def make(_: Older[list[tuple[str, int]]]) -> list[tuple[str, int]]:
        if prefix is None:
            rows = COMMONEST.rows(connection, kind=kind, limit=limit)
        else:
            ends = prefix_range(prefix)
            rows = COMMONEST_WITH_PREFIX.rows(connection, kind=kind, limit=limit, **ends)
        return [(value, events) for value, events in rows]

    key = "commonest", kind, limit, prefix
    return cached(connection, key, timeline.stamp, make, lambda made: 100 * len(made))


def _top_values(
    connection: Connection, kind: str, counts: Array, limit: int
) -> list[tuple[str, int]]:
    """Return the names and counts of the greatest counts; equal ones by name."""
    values = np.flatnonzero(counts)
    smallest = 1
    if len(values) > limit:
        smallest = int(np.partition(counts[values], -limit)[-limit])
    above = values[counts[values] > smallest].tolist()
    level = values[counts[values] == smallest].tolist()
    names = _value_names(connection, kind, above)
    pairs = [(name, int(counts[value])) for value, name in names.items()]
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    return pairs + [
        (name, smallest) for name in _first_names(connection, kind, level, limit - len(pairs))
    ]


def _value_names(connection: Connection, kind: str, values: Iterable[int]) -> dict[int, str]:
    """Return the names of values by number."""
    first = ids_of_kind(kind)[0]
    names: dict[int, str] = {}
    for batch in batches(values):
        rows = VALUE_NAMES.rows(connection, ids=[first + value for value in batch])
        names |= {term - first: value for term, value in rows}
    return names


def _first_names(connection: Connection, kind: str, values: list[int], limit: int) -> list[str]:
    """Return the first names of some values, in order."""
    if len(values) <= MAX_SORTED_VALUES:
        return sorted(_value_names(connection, kind, values).values())[:limit]
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


class ActorRoles(NamedTuple):
    """For each term that pairs an actor with a role, the number of the actor and of the role."""

    blocks: Array  # ids of the blocks at that time
    actors: Array
    roles: Array

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.actors.nbytes + self.roles.nbytes


def actor_roles(connection: Connection, timeline: TimelineState) -> ActorRoles:
    """Return the actor and the role of every `actor-role` term."""

    def make(older: Older[ActorRoles]) -> ActorRoles:
        nobody = np.zeros(0, dtype=np.int64)
        previous = older[1] if older else None
        if previous is None or not np.isin(previous.blocks, timeline.ids).any():
            previous = ActorRoles(nobody, nobody, nobody)  # a rebuild numbers terms and blocks anew
        first = ids_of_kind("actor-role")[0] + len(previous.actors)
        rows = ACTOR_ROLES.rows(connection, last=first - 1)
        named = [value.partition(":") for _, value in rows]
        places = np.array([term - first for term, _ in rows], dtype=np.int64)
        numbered = []
        for kind, numbers_before, names in (
            ("actor", previous.actors, [actor for actor, _, _ in named]),
            ("role", previous.roles, [role for _, _, role in named]),
        ):
            numbers = _value_ids(connection, kind, set(names))
            more = np.full(int(places.max(initial=-1)) + 1, -1)
            more[places] = [numbers[name] for name in names]
            numbered.append(np.append(numbers_before, more))
        return ActorRoles(timeline.ids, *numbered)

    return cached(connection, "pairs", timeline.stamp, make)


def _value_ids(connection: Connection, kind: str, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of values by name; a value that no event ever had is left out."""
    first = ids_of_kind(kind)[0]
    ids: dict[str, int] = {}
    for batch in batches(names):
        rows = VALUE_IDS.rows(connection, kind=kind, values=list(batch))
        ids |= {value: term - first for term, value in rows}
    return ids


def _count_participation(
    connection: Connection, hits: Hits, part: Participation, kind: str
) -> Array:
    """Return how many hits each actor takes part in, or each role occurs in, within the filter."""
    _, actors, roles = actor_roles(connection, hits.timeline)
    numbers, pairs = forward_index(connection, hits.timeline, "actor-role").of(hits.bitmap())
    event = np.repeat(np.arange(len(numbers)), numbers)
    actor, role = actors[pairs], roles[pairs]
    taking = event * (int(actors.max(initial=0)) + 1) + actor  # one number for the pair

    def among(numbers: Array, kind: str, names: Iterable[str]) -> Array:
        return np.isin(numbers, list(_value_ids(connection, kind, names).values()))

    fits = among(actor, "actor", part.actors) if part.actors else np.ones(len(actor), dtype=bool)
    unwanted = fits & among(role, "role", part.unwanted)
    if kind == "actor" and not part.roles:  # actors without a role take part, too
        counts = forward_index(connection, hits.timeline, kind).counts(hits.bitmap())
        if part.actors:
            counts[~among(np.arange(len(counts)), kind, part.actors)] = 0
        return counts - np.bincount(
            actor[_first_positions(taking, unwanted)], minlength=len(counts)
        )
    if part.roles:
        wanted = fits & among(role, "role", part.roles)
        fits = wanted if kind == "actor" else np.isin(taking, taking[wanted])
    if part.unwanted:
        fits &= ~np.isin(taking, taking[unwanted])
    if kind == "actor":
        return np.bincount(actor[_first_positions(taking, fits)])
    return np.bincount(role[_first_positions(event * (int(roles.max(initial=0)) + 1) + role, fits)])


def _first_positions(numbers: Array, mask: Array) -> Array:
    """Return the first position of each distinct number under a mask."""
    places = np.flatnonzero(mask)
    return places[np.unique(numbers[places], return_index=True)[1]]


# -- by date bounds -------------------------------------------------------------------------------


MAX_ANSWER_BYTES = 80_000


@dataclass(frozen=True)
class Spans:
    """Distinct date bounds, each with the number of events that have them.

    Events that name no day and lie nowhere for certain are only counted, in `undated`.
    """

    bounds: Array  # rows: start_earliest, start_latest, end_earliest, end_latest, sure
    named: Array  # rows: first and last day that the dates name
    events: Array
    undated: int = 0
    _counts: dict[Cut, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the size in bytes, with the cached counts."""
        return (
            int(self.bounds.nbytes + self.named.nbytes + self.events.nbytes)
            + MAX_CACHED_CUTS * MAX_ANSWER_BYTES
        )

    def counts(self, cut: Cut) -> tuple[Array, Array]:
        """Return how many events lie in each span for certain, and how many possibly; cached."""
        counts = self._counts.get(cut)
        if counts is None:
            counts = self.certain(cut.days), self.possible(cut.days)
            if len(self._counts) >= MAX_CACHED_CUTS:
                self._counts.clear()
            self._counts[cut] = counts
        return counts

    def possible(self, days: Array) -> Array:
        """Return how many events possibly lie in each span between two days of `days`."""
        return self._overlapping(self.bounds[0], self.bounds[3], days)

    def certain(self, days: Array) -> Array:
        """Return how many events lie for certain in each span between two days of `days`."""
        return self._overlapping(self.bounds[1], self.bounds[2], days, self.bounds[4] > 0)

    def _overlapping(
        self, starts: Array, ends: Array, days: Array, sure: Array | bool = True
    ) -> Array:
        size, before, behind = len(days) - 1, days[0] - 1, days[-1]
        # The span of each day, with one day before and one after all; a search takes longer.
        spans = np.repeat(np.arange(-1, size + 1, dtype=np.int32), [1, *np.diff(days), 1])
        first = np.maximum(spans[np.clip(starts, before, behind) - before], 0)
        last = np.minimum(spans[np.clip(ends, before, behind) - before], size - 1)
        events = self.events * ((first <= last) & sure)
        steps = np.bincount(first, weights=events, minlength=size + 1)
        steps[: size + 1] -= np.bincount(last + 1, weights=events, minlength=size + 1)
        return np.cumsum(steps)[:size].astype(np.int64)

    @cached_property
    def extent(self) -> tuple[int, int] | None:
        """Return the first and the last day that any date names; None if no date does."""
        if not len(self.events):
            return None
        first, last = int(self.named[0].min()), int(self.named[1].max())
        return (first, last) if first < dates.END else None


class DistinctBounds(NamedTuple):
    """The distinct date bounds of a block, or of all, and by slot which of them its event has."""

    bounds: Array
    named: Array  # rows: first and last day that the dates name
    group: Array

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return int(self.bounds.nbytes + self.named.nbytes + self.group.nbytes)


def _distinct_in_block(connection: Connection, block: BlockState) -> DistinctBounds:
    def make(_: Older[DistinctBounds]) -> DistinctBounds:
        of = columns(connection, block).of
        names = ("start_earliest", "start_latest", "end_earliest", "end_latest", "sure")
        rows = np.stack([of[name].astype(np.int32) for name in names], axis=1)
        whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * len(names)}").ravel()
        first_rows, group = np.unique(whole, return_index=True, return_inverse=True)[1:]
        bounds = rows[first_rows].T
        return DistinctBounds(bounds, named_days(bounds), group.astype(np.uint16))

    return cached(connection, ("grouped", block.id), block.stamp, make)


def distinct_bounds(connection: Connection, timeline: TimelineState) -> DistinctBounds:
    """Return the distinct bounds of all blocks; slots are in the order of block ids."""

    def make(_: Older[DistinctBounds]) -> DistinctBounds:
        parts = [_distinct_in_block(connection, block) for block in sorted(timeline.blocks)]
        numbers = [part.bounds.shape[1] for part in parts]
        offsets = np.cumsum([0, *numbers], dtype=np.int32)[:-1]
        groups = [part.group + offset for part, offset in zip(parts, offsets, strict=True)]
        bounds = [np.zeros((5, 0), dtype=np.int32), *(part.bounds for part in parts)]
        named = [np.zeros((2, 0), dtype=np.int32), *(part.named for part in parts)]
        return DistinctBounds(
            np.concatenate(bounds, axis=1),
            np.concatenate(named, axis=1),
            np.concatenate([offsets[:0], *groups]),
        )

    return cached(connection, "grouped", timeline.stamp, make)


def spans_of(hits: Hits) -> Spans:
    """Return how the hits lie in time."""

    def make(_: Older[Spans]) -> Spans:
        bounds, named, group = distinct_bounds(hits.connection, hits.timeline)
        counted = np.bincount(group[hits.bitmap().positions(hits.timeline.ids)])
        start_latest, end_earliest = bounds[1:3, : len(counted)]
        dated = (named[0, : len(counted)] < dates.END) | (start_latest <= end_earliest)
        nonzero = np.flatnonzero(dated & (counted > 0))
        undated = int(counted[~dated].sum())
        return Spans(
            bounds.take(nonzero, axis=1), named.take(nonzero, axis=1), counted[nonzero], undated
        )

    if not hits.filter.everything:
        return make(None)
    return cached(hits.connection, "spans", hits.timeline.stamp, make)
