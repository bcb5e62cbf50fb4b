"""The mappings of tables that are stored under a name."""

import json
from typing import Any

from sqlalchemy import Connection, text

from app.dialects import Prepared
from app.errors import Fault, Problem
from app.reads.cursors import write_json
from app.suggestions import nearest

NAMES = text("SELECT name FROM saved_mapping ORDER BY name")
MAPPINGS = text("SELECT name, at, author FROM saved_mapping ORDER BY name")
MAPPING = Prepared("SELECT name, at, author, body FROM saved_mapping WHERE name = :name")


def list_mappings(connection: Connection) -> list[dict[str, Any]]:
    """Return name, time and author of each stored mapping, by name."""
    return [dict(row) for row in connection.execute(MAPPINGS).mappings()]


def mappings(connection: Connection) -> bytes:
    """Return all stored mappings as a list in JSON, without their columns."""
    items = list_mappings(connection)
    return write_json({"items": items, "total": len(items), "next": None})


def mapping(connection: Connection, name: str) -> bytes:
    """Return one stored mapping as JSON. Raise Problem `not-found` with the nearest name."""
    row = MAPPING.row(connection, name=name) if name.isprintable() else None
    if row is None:
        raise unknown_mapping(connection, name)
    members = {"name": row[0], "at": row[1], "author": row[2]}
    return write_json({**members, "mapping": json.loads(row[3])})


def unknown_mapping(connection: Connection, name: str) -> Problem:
    """Return the Problem for a name that no mapping has."""
    near = nearest(name[:100], list(connection.execute(NAMES).scalars()))
    fault = Fault("path", "name", "there is no mapping of this name", near)
    return Problem("not-found", f"There is no mapping '{name[:100]}'.", (fault,))
