"""What a file says beside its events."""

from functools import partial

from sqlalchemy import Connection

from app.filters import ExportQuery, require_own_field
from app.formats import About, Format
from app.reads import counts
from app.reads.chronology import fetch_chronology
from app.reads.cursors import identity
from app.reads.events import last_update


def describe_file(
    connection: Connection,
    query: ExportQuery,
    file_format: Format,
    *,
    base: str,
    address: str,
) -> About:
    """Return the context of a file: of the chronology, the store, and what `query` asks for.

    `base` and `address` are those of `About`. Labels and shared names are read when first needed.
    """
    for column in query.own_fields:
        require_own_field(connection, "fields", column)
    chronology = fetch_chronology(connection)
    return About(
        title=chronology["title"],
        subtitle=chronology["subtitle"],
        language=chronology["language"],
        licence=chronology["licence"],
        base=base,
        address=address,
        identity=identity(connection),
        updated=last_update(connection, query) if file_format.dated else None,
        fields=query.picked,
        lossless=query.lossless,
        bom=query.bom,
        read_types=partial(counts.type_labels, connection),
        read_shared_names=partial(counts.shared_names, connection),
        read_own_fields=partial(counts.own_field_names, connection, query),
    )
