"""The timeline's blocks as a reader sees them; their columns are kept while they do not change."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.db import Memory
from app.dialects import Prepared, lost
from app.index import Mask, none

Column = npt.NDArray[Any]
Rows = Sequence[Any]

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


@dataclass(frozen=True)
class Timeline:
    """All blocks in one state of the store: in timeline order, and by id with the stamp of each."""

    stamp: int
    blocks: Sequence[Block]
    ids: Column
    stamps: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return 100 * len(self.blocks)


def timeline(connection: Connection) -> Timeline:
    """The whole timeline."""
    row = STAMP.row(connection)
    if row is None:
        raise lost()
    stamp: int = row[0]

    def make(_: Older[Timeline]) -> Timeline:
        blocks = [Block(*row) for row in ALL.rows(connection)]
        told = np.array([(block.id, block.stamp) for block in sorted(blocks)], dtype=np.int64)
        return Timeline(stamp, blocks, *told.reshape(-1, 2).T)

    return kept(connection, "timeline", stamp, make)


@dataclass(frozen=True)
class Columns:
    """What the timeline says of the events in a block, by slot; of a slot without one, anything."""

    of: dict[str, Column]
    ordered: Column  # the slots that were ever held, in the order of their keys
    keys: Column  # these
    ends: dict[str, tuple[Any, Any]]  # the least and the greatest of each column

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(column.nbytes for column in (self.ordered, self.keys, *self.of.values()))

    def keeping(self, column: str, at_least: bool, value: Any) -> Mask | bool:
        """The slots that keep to a bound; True where all do, False where none."""
        held, (least, greatest) = self.of[column], self.ends[column]
        if at_least:
            return held >= value if least < value <= greatest else bool(least >= value)
        return held <= value if least <= value < greatest else bool(greatest <= value)


Made = TypeVar("Made")
Older = tuple[int, Made] | None  # what was made of an older state, and which


def kept(
    connection: Connection,
    key: Hashable,
    stamp: int,
    make: Callable[[Older[Made]], Made],
    size: Callable[[Made], int] = attrgetter("size"),
    *,
    found: bool = False,
) -> Made:
    """What `make` makes of a state of the store or a block, of so many bytes, kept under a key.

    It is given what it made of an older state, if that is kept still. `found`: by one filter.
    """
    memory = memory_of(connection)
    held: Older[Made] = memory.get(key)
    if held and held[0] == stamp:
        return held[1]
    older = held if held and held[0] < stamp else None
    made = make(older)
    if held is None or older:
        memory.put(key, (stamp, made), size(made), found=found)
    return made


def columns(connection: Connection, block: Block) -> Columns:
    """The columns of a block."""

    def make(older: Older[Columns]) -> Columns:
        since, known = older or (-1, None)
        rows = ROWS.rows(connection, block=block.id, stamp=since)
        return _columns(rows, known.of if known else None)

    return kept(connection, ("columns", block.id), block.stamp, make)


def _columns(rows: Rows, known: Mapping[str, Column] | None) -> Columns:
    """Columns of what is `known` already, and of the rows that have changed since."""
    if known:
        of = {name: column.copy() for name, column in known.items()}
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
    ordered = used[np.argsort(of["key"][used], kind="stable")].astype(np.uint16)
    ends = {name: (held.min(), held.max()) for name, held in of.items()}
    return Columns(of, ordered, of["key"][ordered], ends)


def memory_of(connection: Connection) -> Memory:
    """Where readers of the store keep things; nothing stays of what a writer has not committed."""
    memory: Memory = connection.get_execution_options().get("memory") or Memory(0)
    return memory
