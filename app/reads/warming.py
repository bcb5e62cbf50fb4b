"""What is read at the start, so that the first to ask has it."""

from collections.abc import Callable

from sqlalchemy import Connection

from app.filters import FACETS
from app.reads.amounts import amounts
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
            borne(connection, whole, kind)
    for read in (pairs, grouped):
        if wanted():
            read(connection, whole)
