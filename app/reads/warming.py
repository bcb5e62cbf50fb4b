"""Reading ahead when a server starts, so that the first request finds a warm cache."""

from collections.abc import Callable

from sqlalchemy import Connection

from app.filters import FACETS, Choice, find_facet_kind
from app.index import ids_of_kind
from app.reads.amounts import block_amounts
from app.reads.bitmaps import Bitmap, cache_clause
from app.reads.blocks import columns, current_timeline
from app.reads.tallies import actor_roles, distinct_bounds, forward_index


def warm(connection: Connection, wanted: Callable[[], bool] = lambda: True) -> None:
    """Read the columns, quantities and facets of all blocks into the cache, while `wanted()`."""
    whole = current_timeline(connection)
    for block in whole.blocks:
        if wanted():
            columns(connection, block)
            block_amounts(connection, block)
    kinds = (find_facet_kind(connection, facet) for facet in FACETS)
    for kind, prefix in (*kinds, ("actor-role", None)):
        if wanted():
            index, first = forward_index(connection, whole, kind, prefix), ids_of_kind(kind)[0]
            for value, bits in zip(index.common.tolist(), index.bits, strict=True):
                clause = (Choice(first + value),)
                cache_clause(
                    connection, whole, clause, Bitmap(index.blocks, bits).without_empty_blocks()
                )
    for read in (actor_roles, distinct_bounds):
        if wanted():
            read(connection, whole)
