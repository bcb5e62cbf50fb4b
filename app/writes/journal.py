"""The journal: one row per change, which is both a revision and an entry of the change feed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlmodel import Session

from app import keys, rows
from app.dialects import listed, unfinished
from app.errors import Fault, refuse
from app.schemas import format_timestamp
from app.store import COPYING

LAST_VERSIONS = text(
    "SELECT record_id, max(version) AS version FROM change"
    " WHERE kind = :kind AND record_id IN :ids AND cause_kind IS NULL GROUP BY record_id"
).bindparams(listed("ids"))


@dataclass(frozen=True)
class By:
    """Who makes a change, and why; `key_id` is the key of a request."""

    author: str
    note: str | None = None
    key_id: str | None = None


class JournalEntry(NamedTuple):
    """A change to a record; `body` is its new document, None if it was deleted."""

    op: str
    kind: str
    record_id: str
    version: int
    body: bytes | None
    cause_kind: str | None = None
    cause_id: str | None = None


class Revision(NamedTuple):
    """Who wrote a state of a record, and when; `body` is None if it was deleted."""

    author: str
    at: str
    body: bytes | None


def current_timestamp() -> str:
    """Return the timestamp of this moment."""
    return format_timestamp(datetime.now(UTC))


def record_changes(
    session: Session, by: By, changes: Sequence[JournalEntry], at: str | None = None
) -> None:
    """Append changes to the journal, in this order, as of `at` or now.

    Writers take turns, so that positions follow commits on both engines. Raise Problem
    `unauthorized` if the key has ended: while its body arrived, or while it waited for its turn.
    """
    if not changes:
        return
    move = text("UPDATE store SET position = position + :by RETURNING position, epoch")
    last, epoch = session.execute(move, {"by": len(changes)}).one()
    if epoch.startswith(COPYING):
        raise unfinished()
    if by.key_id is not None:
        keys.require_valid(session.connection(), by.key_id, current_timestamp())
    at, signature = at or current_timestamp(), (by.author, by.note)
    rows.insert(
        session.connection(),
        "change",
        [
            (
                position,
                at,
                c.op,
                c.kind,
                c.record_id,
                c.version,
                c.cause_kind,
                c.cause_id,
                *signature,
                c.body,
            )
            for position, c in enumerate(changes, last - len(changes) + 1)
        ],
    )


def fetch_versions(session: Session, kind: str, ids: Iterable[str]) -> dict[str, int]:
    """Return the last version of each record that ever existed, deleted or not."""
    rows = session.execute(LAST_VERSIONS, {"kind": kind, "ids": list(ids)})
    return {row.record_id: row.version for row in rows}


def fetch_signature(session: Session, kind: str, record_id: str, version: int) -> tuple[str, str]:
    """Return who made a version of a record, and when."""
    query = (
        "SELECT author, at FROM change"
        " WHERE kind = :kind AND record_id = :id AND version = :version AND cause_kind IS NULL"
    )
    of = {"kind": kind, "id": record_id, "version": version}
    author, at = session.execute(text(query), of).one()
    return str(author), str(at)


def fetch_revisions(session: Session, kind: str, record_id: str) -> list[Revision]:
    """Return all revisions of a record, the first one first."""
    query = (
        "SELECT author, at, body FROM change WHERE kind = :kind AND record_id = :id"
        " AND cause_kind IS NULL ORDER BY version"
    )
    rows = session.execute(text(query), {"kind": kind, "id": record_id})
    return [Revision(author, at, body and bytes(body)) for author, at, body in rows]


def fetch_creation_time(session: Session, kind: str, record_id: str) -> str:
    """Return when a record was first created."""
    query = "SELECT min(at) FROM change WHERE kind = :kind AND record_id = :id"
    of = {"kind": kind, "id": record_id}
    return str(session.execute(text(f"{query} AND cause_kind IS NULL"), of).scalar_one())


CONTRADICTIONS = {
    "the feed's last position is not that of the store": "SELECT id FROM store"
    " WHERE position <> (SELECT coalesce(max(position), 0) FROM change)",
    "event {}'s version is not its last revision": "SELECT e.id FROM event e WHERE NOT EXISTS"
    " (SELECT 1 FROM change c WHERE c.kind = 'event' AND c.record_id = e.id"
    " AND c.version = e.version AND c.cause_kind IS NULL AND c.op <> 'delete') ORDER BY 1",
    "event {} differs from its last entry in the feed": "SELECT l.record_id FROM"
    " (SELECT record_id, max(position) AS position FROM change WHERE kind = 'event'"
    " GROUP BY record_id) l JOIN change c ON c.position = l.position"
    " LEFT JOIN timeline t ON t.event_id = l.record_id LEFT JOIN document d ON d.key = t.key"
    " WHERE (d.body IS NULL) <> (c.body IS NULL) OR d.body <> c.body ORDER BY 1",
    **{
        f"{table} {{}} has no revision": f"SELECT id FROM {table} r WHERE NOT EXISTS"
        f" (SELECT 1 FROM change c WHERE c.kind = '{table}' AND c.record_id = r.id"
        " AND c.cause_kind IS NULL) ORDER BY 1"
        for table in ("source", "actor", "place", "type")
    },
}


def find_contradictions(connection: Connection) -> Iterator[str]:
    """Yield a line for each contradiction between journal and rows."""
    for finding, query in CONTRADICTIONS.items():
        for (name,) in connection.execute(text(query)):
            yield f"{finding.format(name)}; restore a backup"


def refuse_used_id(
    session: Session, kind: str, record_id: str, *, stored: bool, where: str = "id"
) -> None:
    """Raise Problem `conflict` if a new record cannot have this id: it is taken, or was deleted."""
    if stored:
        message = f"there is a {kind} '{record_id}' already"
    elif fetch_versions(session, kind, [record_id]):
        message = describe_deleted(kind, record_id)
    else:
        return
    raise refuse(Fault("body", where, message), code="conflict")


def describe_deleted(kind: str, record_id: str) -> str:
    """Return the message for a record that was deleted and could be restored."""
    return f"the {kind} '{record_id}' was deleted; restore it: POST /{kind}s/{record_id}/restore"
