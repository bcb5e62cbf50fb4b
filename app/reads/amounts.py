"""The quantities of the events in a block, kept so that they are compared all at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Quantity
from app.index import Mask, none
from app.reads.blocks import Block, Column, kept

# A slot without a quantity has one row too: it may have had one before.
ROWS = Prepared(
    "SELECT t.slot, m.measure, m.kind, m.low, m.high"
    " FROM timeline t LEFT JOIN measurement m ON m.key = t.key"
    " WHERE t.block = :block AND t.stamp > :stamp"
)
TYPES = {"slot": "u2", "measure": "i4", "kind": "i4", "low": "S", "high": "S"}


@dataclass(frozen=True)
class Amounts:
    """A row a quantity; measures and kinds as numbers of their names."""

    stamp: int
    of: dict[str, Column]
    numbers: dict[str, int]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(column.nbytes for column in self.of.values())

    def fitting(self, wanted: Quantity) -> Mask:
        """Which slots have a quantity that may be all that is wanted."""
        of, fits = self.of, np.ones(len(self.of["slot"]), dtype=bool)
        if wanted.measure is not None:
            fits &= of["measure"] == self.numbers.get(wanted.measure, -1)
        if wanted.kind is not None:
            fits &= of["kind"] == self.numbers.get(wanted.kind, -1)
        if wanted.least is not None:
            fits &= of["high"] >= wanted.least.encode()
        if wanted.most is not None:
            fits &= of["low"] <= wanted.most.encode()
        mask = none()
        mask[of["slot"][fits]] = True
        return mask


def amounts(connection: Connection, block: Block) -> Amounts:
    """The quantities of a block."""

    def make(older: Amounts | None) -> Amounts:
        since = older.stamp if older else -1
        rows = ROWS.rows(connection, block=block.id, stamp=since)
        numbers = dict(older.numbers) if older else {}
        made = _columns([row for row in rows if row[1] is not None], numbers)
        if older:
            staying = ~np.isin(older.of["slot"], [row[0] for row in rows])
            made = {
                name: np.concatenate([older.of[name][staying], column])
                for name, column in made.items()
            }
        return Amounts(block.stamp, made, numbers)

    return kept(connection, block, "amounts", make)


def _columns(rows: list[Any], numbers: dict[str, int]) -> dict[str, Column]:
    """Rows as columns; names that are new get the next numbers."""
    told = [
        (
            slot,
            numbers.setdefault(measure, len(numbers)),
            numbers.setdefault(kind, len(numbers)),
            low.encode(),
            high.encode(),
        )
        for slot, measure, kind, low, high in rows
    ]
    columns = zip(*told, strict=True) if told else [()] * len(TYPES)
    return {
        name: np.array(column, dtype=kind)
        for (name, kind), column in zip(TYPES.items(), columns, strict=True)
    }
