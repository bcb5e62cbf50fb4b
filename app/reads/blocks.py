"""The timeline's blocks as a reader sees them; their columns are kept while they do not change."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.db import Memory
from app.dialects import Prepared, lost
from app.index import Mask, none

Column = npt.NDArray[Any]

TYPES: dict[str, str] = {
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
ROWS = Prepared(
    f"SELECT slot, {', '.join(TYPES)} FROM timeline WHERE block = :block AND stamp > :stamp"
)
STAMP = Prepared("SELECT stamp FROM store")
ALL = Prepared("SELECT id, first_key, stamp FROM block ORDER BY first_key")


class Block(NamedTuple):
    """A stretch of the timeline in the state of a snapshot."""

    id: int
    first_key: int
    stamp: int


class Timeline(NamedTuple):
    """All blocks in timeline order, in one state of the store."""

    stamp: int
    blocks: Sequence[Block]


def timeline(connection: Connection) -> Timeline:
    """The whole timeline."""
    memory = memory_of(connection)
    row = STAMP.row(connection)
    if row is None:
        raise lost()
    stamp: int = row[0]
    held: Timeline | None = memory.get("timeline")
    if held and held.stamp == stamp:
        return held
    made = Timeline(stamp, [Block(*row) for row in ALL.rows(connection)])
    memory.put("timeline", made, 100 * len(made.blocks))
    return made


@dataclass(frozen=True)
class Columns:
    """What the timeline says of the events in a block, by slot; of a slot without one, anything."""

    stamp: int
    of: dict[str, Column]
    ordered: Column  # the slots that were ever held, in the order of their keys
    keys: Column  # these
    ends: dict[str, tuple[Any, Any]]  # the least and the greatest of each column

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(column.nbytes for column in (self.ordered, self.keys, *self.of.values()))

    def may(self, column: str, at_least: bool, value: Any) -> bool:
        """Whether any slot keeps to a bound."""
        least, greatest = self.ends[column]
        return bool(greatest >= value if at_least else least <= value)

    def keep(self, mask: Mask, column: str, at_least: bool, value: Any) -> None:
        """Take the slots out of a mask that do not keep to a bound."""
        least, greatest = self.ends[column]
        if (least < value) if at_least else (greatest > value):
            held = self.of[column]
            mask &= held >= value if at_least else held <= value


class OfBlock(Protocol):
    """What readers make of a block in one state of it."""

    @property
    def stamp(self) -> int:
        """The state."""

    @property
    def size(self) -> int:
        """In bytes."""


Made = TypeVar("Made", bound=OfBlock)


def kept(
    connection: Connection, block: Block, kind: Hashable, make: Callable[[Made | None], Made]
) -> Made:
    """What `make` makes of a block, of what it made of an older state if that is kept still."""
    memory = memory_of(connection)
    held: Made | None = memory.get((kind, block.id))
    if held and held.stamp == block.stamp:
        return held
    older = held if held and held.stamp < block.stamp else None
    made = make(older)
    if held is None or older:
        memory.put((kind, block.id), made, made.size)
    return made


def columns(connection: Connection, block: Block) -> Columns:
    """The columns of a block."""

    def make(older: Columns | None) -> Columns:
        return _columns(connection, block, older)

    return kept(connection, block, "columns", make)


def _columns(connection: Connection, block: Block, older: Columns | None) -> Columns:
    since = older.stamp if older else -1
    rows = ROWS.rows(connection, block=block.id, stamp=since)
    if older:
        of = {name: column.copy() for name, column in older.of.items()}
    else:
        of = {name: np.zeros(len(none()), dtype=kind) for name, kind in TYPES.items()}
    if rows:
        # Texts apart, and no iterator a row, as `zip` makes: Python would look for garbage in them.
        *names, _ = TYPES
        flat = chain.from_iterable(map(itemgetter(slice(0, -1)), rows))
        slots, *given = np.fromiter(flat, np.int64).reshape(len(rows), -1).T
        edits = [row[-1].removesuffix("Z") for row in rows]
        for name, values in zip(names, given, strict=True):
            of[name][slots] = values
        of["updated_at"][slots] = np.array(edits, TYPES["updated_at"])
    used = np.flatnonzero(of["key"])
    ordered = used[np.argsort(of["key"][used], kind="stable")]
    ends = {name: (held.min(), held.max()) for name, held in of.items()}
    return Columns(block.stamp, of, ordered, of["key"][ordered], ends)


def memory_of(connection: Connection) -> Memory:
    """Where readers of the store keep things; nothing stays of what a writer has not committed."""
    memory: Memory = connection.get_execution_options().get("memory") or Memory(0)
    return memory
