"""The chronology itself: its title, and what else it says of itself."""

import json
from typing import Any

from sqlalchemy import Connection

from app.dialects import Prepared
from app.errors import Problem
from app.filters import RevisionsQuery
from app.languages import mark
from app.reads.cursors import Page, Position, write_json
from app.reads.journal import revision, revisions
from app.schemas import ChronologyWrite

KIND = RECORD_ID = "chronology"
CURRENT = Prepared(
    "SELECT version, body FROM change WHERE kind = 'chronology' AND record_id = 'chronology'"
    " AND cause_kind IS NULL ORDER BY version DESC LIMIT 1"
)
UNTITLED = mark("Chronology")
MEMBERS = tuple(ChronologyWrite.model_fields)


def fetch_chronology(connection: Connection) -> dict[str, Any]:
    """Return the chronology; its title is UNTITLED until somebody stores one."""
    row = CURRENT.row(connection)
    stored = json.loads(bytes(row[1])) if row else {"title": UNTITLED}
    members = {name: stored.get(name) for name in MEMBERS}
    return {**members, "version": row[0] if row else 0}


def chronology(connection: Connection) -> bytes:
    """Return the chronology as JSON."""
    return write_json(fetch_chronology(connection))


def chronology_revisions(connection: Connection, now: Position, query: RevisionsQuery) -> Page:
    """Return a page of the chronology's revisions, latest first; empty before the first."""
    if CURRENT.row(connection) is None:
        return Page([], 0, None)
    return revisions(connection, now, KIND, RECORD_ID, query)


def chronology_revision(connection: Connection, version: int) -> bytes:
    """Return one revision of the chronology. Raise Problem `not-found`."""
    if CURRENT.row(connection) is None:
        raise Problem("not-found", f"The chronology has no version {version}.")
    return revision(connection, KIND, RECORD_ID, version)
