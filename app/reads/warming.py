"""What is read at the start, so that the first to ask has it."""

from collections.abc import Callable

from sqlalchemy import Connection

from app.filters import FACETS, Choice
from app.index import ids_of_kind
from app.reads.amounts import amounts
from app.reads.bitmaps import Bitmap, keep
from app.reads.blocks import columns, timeline
from app.reads.tallies import borne, grouped, pairs


def warm(connection: Connection, wanted: Callable[[], bool] = lambda: True) -> None:
    """Read what is looked at in all blocks, while it is wanted."""
    whole = timeline(connection)
    for block in whole.blocks:
        if wanted():
            columns(connection, block)
            amounts(connection, block)
    for kind in (*FACETS, "actor-role"):
        if wanted():
            held, first = borne(connection, whole, kind), ids_of_kind(kind)[0]
            for value, bits in zip(held.common.tolist(), held.bits, strict=True):
                clause = (Choice(first + value),)
                keep(connection, whole, clause, Bitmap(held.blocks, bits).trimmed())
    for read in (pairs, grouped):
        if wanted():
            read(connection, whole)
