"""Writing the chronology itself: a record of which there is one, and which is never deleted."""

from dataclasses import replace
from typing import Any

from sqlmodel import Session

from app import reads, schemas
from app.errors import Fault, refuse
from app.json_types import Json
from app.writes.journal import By, JournalEntry, record_changes
from app.writes.records import Precondition, describe_restoring, fetch_revision
from app.writes.retries import WriteAnswer


def put_chronology(session: Session, by: By, raw: Any, condition: Precondition) -> WriteAnswer:
    """Store the chronology. Raise Problem `invalid-body`, or one of `condition`.

    The first time no `If-Match` is needed. An edit that changes nothing makes no revision.
    """
    connection = session.connection()
    stored = reads.fetch_chronology(connection)
    condition.require(reads.write_json(stored) if stored["version"] else None)
    body = schemas.validate(schemas.ChronologyWrite, _without_version(raw, stored))
    document = body.model_dump()
    if not stored["version"] or document != {name: stored[name] for name in document}:
        op, version = ("update" if stored["version"] else "create"), stored["version"] + 1
        text = schemas.ChronologyWrite.model_dump_json(body).encode()
        record_changes(session, by, [JournalEntry(op, "chronology", "chronology", version, text)])
    return WriteAnswer(200, reads.chronology(connection))


def patch_chronology(session: Session, by: By, raw: Any, condition: Precondition) -> WriteAnswer:
    """Change the members that a JSON Merge Patch names. Raise a Problem as `put_chronology`."""
    stored = reads.fetch_chronology(session.connection())
    patch = _without_version(raw, {})
    members = {name: value for name, value in {**stored, **patch}.items() if value is not None}
    members.pop("version")
    return put_chronology(session, by, members, condition)


def restore_chronology(
    session: Session, by: By, version: int, condition: Precondition
) -> WriteAnswer:
    """Store an earlier description as the next version. Raise a Problem as `put_chronology`."""
    earlier = fetch_revision(session, "chronology", "chronology", version)
    by = replace(by, note=by.note or describe_restoring(version))
    return put_chronology(session, by, earlier, condition)


def _without_version(raw: Any, stored: Json) -> Json:
    """Return the members that are written. Raise Problem `invalid-body` if the version differs."""
    if not isinstance(raw, dict):
        raise refuse(Fault("body", "body", "give a JSON object"), code="invalid-body")
    if "version" in raw and raw["version"] != stored.get("version"):
        message = "follows from the rest; leave it out"
        raise refuse(Fault("body", "version", message), code="invalid-body")
    return {name: value for name, value in raw.items() if name != "version"}
