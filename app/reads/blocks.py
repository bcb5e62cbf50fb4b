"""The timeline's blocks as a reader sees them; columns are cached while they are unchanged."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.dialects import Prepared, lost
from app.index import Mask, empty_mask
from app.store import Cache

Array = npt.NDArray[Any]

COLUMN_TYPES: dict[str, str] = {
    "key": "<i8",
    "start_earliest": "<i4",
    "start_latest": "<i4",
    "end_earliest": "<i4",
    "end_latest": "<i4",
    "sure": "?",
    "known": "<i4",
    "publishers": "<i4",
    "updated_at": "<M8[us]",
}
BLOCK_ROWS = Prepared(
    f"SELECT slot, {', '.join(COLUMN_TYPES)} FROM timeline WHERE block = :block AND stamp > :stamp"
)
STAMP = Prepared("SELECT stamp FROM store")
ALL_BLOCKS = Prepared("SELECT id, first_key, stamp FROM block ORDER BY first_key")


class BlockState(NamedTuple):
    """A block of the timeline as one snapshot sees it."""

    id: int
    first_key: int
    stamp: int


@dataclass(frozen=True)
class TimelineState:
    """All blocks in one state of the store, in timeline order, and their stamps by block id."""

    stamp: int
    blocks: Sequence[BlockState]
    ids: Array
    stamps: Array

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return 100 * len(self.blocks)


def current_timeline(connection: Connection) -> TimelineState:
    """Return the timeline of this snapshot. Raise a Problem if the store has lost its row."""
    row = STAMP.row(connection)
    if row is None:
        raise lost()
    stamp: int = row[0]

    def make(_: Older[TimelineState]) -> TimelineState:
        blocks = [BlockState(*row) for row in ALL_BLOCKS.rows(connection)]
        stamps = np.array([(block.id, block.stamp) for block in sorted(blocks)], dtype=np.int64)
        return TimelineState(stamp, blocks, *stamps.reshape(-1, 2).T)

    return cached(connection, "timeline", stamp, make)


@dataclass(frozen=True)
class Columns:
    """The timeline's columns for one block, by slot. The values of an empty slot mean nothing."""

    of: dict[str, Array]
    ordered: Array  # slots that have, or had, an event, in the order of their keys
    keys: Array  # of `ordered`
    ranges: dict[str, tuple[Any, Any]]  # smallest and greatest value of each column

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return sum(column.nbytes for column in (self.ordered, self.keys, *self.of.values()))

    def match_bound(self, column: str, at_least: bool, value: Any) -> Mask | bool:
        """Return the slots that keep to a bound; True if all do, False if none does."""
        values, (smallest, greatest) = self.of[column], self.ranges[column]
        if at_least:
            return values >= value if smallest < value <= greatest else bool(smallest >= value)
        return values <= value if smallest <= value < greatest else bool(greatest <= value)


V = TypeVar("V")
Older = tuple[int, V] | None  # the stamp of an older state, and its value


def cached(
    connection: Connection,
    key: Hashable,
    stamp: int,
    compute: Callable[[Older[V]], V],
    size: Callable[[V], int] = attrgetter("size"),
    *,
    per_filter: bool = False,
) -> V:
    """Return the cached value for `key` in the state `stamp`, or compute and store it.

    `compute` gets the value of an older state if it is still cached. `per_filter` marks values that
    only one filter uses; they leave the cache first.
    """
    cache = cache_of(connection)
    entry: Older[V] = cache.get(key)
    if entry and entry[0] == stamp:
        return entry[1]
    older = entry if entry and entry[0] < stamp else None
    value = compute(older)
    if entry is None or older:
        cache.put(key, (stamp, value), size(value), per_filter=per_filter)
    return value


def columns(connection: Connection, block: BlockState) -> Columns:
    """Return the columns of a block, read again only where they have changed."""

    def make(older: Older[Columns]) -> Columns:
        since, previous = older or (-1, None)
        rows = BLOCK_ROWS.rows(connection, block=block.id, stamp=since)
        return _columns(rows, previous.of if previous else None)

    return cached(connection, ("columns", block.id), block.stamp, make)


def _columns(rows: Sequence[Any], previous: Mapping[str, Array] | None) -> Columns:
    """Return the previous columns with the changed rows written over them."""
    if previous:
        of = {name: column.copy() for name, column in previous.items()}
    else:
        of = {name: np.zeros(len(empty_mask()), dtype=kind) for name, kind in COLUMN_TYPES.items()}
    if rows:
        # Not with `zip`: its iterator per row would make Python collect garbage.
        *names, _ = COLUMN_TYPES
        flat = chain.from_iterable(map(itemgetter(slice(0, -1)), rows))
        slots, *values_of_names = np.fromiter(flat, np.int64).reshape(len(rows), -1).T
        edits = [row[-1].removesuffix("Z") for row in rows]
        for name, values in zip(names, values_of_names, strict=True):
            of[name][slots] = values
        of["updated_at"][slots] = np.array(edits, COLUMN_TYPES["updated_at"])
    used = np.flatnonzero(of["key"])
    ordered = used[np.argsort(of["key"][used], kind="stable")].astype(np.uint16)
    ranges = {name: (column.min(), column.max()) for name, column in of.items()}
    return Columns(of, ordered, of["key"][ordered], ranges)


def cache_of(connection: Connection) -> Cache:
    """Return the readers' cache. Within a write it is empty, since nothing is committed yet."""
    cache: Cache = connection.get_execution_options().get("cache") or Cache(0)
    return cache
