"""Create, replace, patch, delete and restore a record of any kind, each on a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlmodel import Session
from werkzeug.datastructures import ETags

from app import reads, schemas
from app.errors import Fault, Problem, refuse
from app.json_types import Json
from app.plain import count
from app.words import make_slug
from app.writes.events import EVENT, StoredKind
from app.writes.journal import By, fetch_versions, refuse_used_id
from app.writes.names import IdAllocator
from app.writes.retries import WriteAnswer
from app.writes.vocabulary import ACTOR, PLACE, SOURCE, TYPE

RECORD_KINDS: Mapping[str, StoredKind] = {
    kind.name: kind for kind in (EVENT, SOURCE, ACTOR, PLACE, TYPE)
}
MAX_LISTED_USERS = 20  # that keep a record from being deleted


@dataclass(frozen=True)
class Saved:
    """A record after a write; `body` is the answer of GET."""

    kind: str
    record_id: str
    body: bytes
    created: bool = False

    @property
    def answer(self) -> WriteAnswer:
        """Return the answer to the client."""
        if not self.created:
            return WriteAnswer(200, self.body)
        return WriteAnswer(201, self.body, f"/{self.kind}s/{self.record_id}")


@dataclass(frozen=True)
class Precondition:
    """The state in which the client expects the record (RFC 9110 section 13.1)."""

    match: ETags | None = None  # If-Match
    only_create: bool = False  # If-None-Match: *

    def require(self, current: bytes | None) -> None:
        """Raise Problem `precondition-failed` or `-required` if `current` is another state."""
        if current is None:
            if self.match is not None:
                raise Problem("precondition-failed", "If-Match is set, but there is no record.")
        elif self.only_create:
            raise Problem("precondition-failed", "If-None-Match: * creates only, and it exists.")
        elif self.match is None:
            raise Problem(
                "precondition-required",
                "Send the ETag of the state that you have read as If-Match, so that nobody's edit "
                "is overwritten unseen.",
            )
        elif not self.match.contains(reads.tag(current)):
            raise Problem(
                "precondition-failed",
                "It has changed since the state that If-Match names: read it again, then repeat.",
            )


def create_record(session: Session, by: By, kind: StoredKind, raw: Any) -> Saved:
    """Store a new record. Raise Problem `conflict` if its id is taken or was deleted."""
    body = _check_document(kind, raw)
    if body.id is not None and IdAllocator(session, kind.name).taken(body.id):
        refuse_used_id(session, kind.name, body.id, stored=kind.exists(session, body.id))
    return _describe_saved(session, kind, kind.save(session, by, body, "create"), created=True)


def put_record(
    session: Session, by: By, kind: StoredKind, record_id: str, raw: Any, condition: Precondition
) -> Saved:
    """Replace a record; create it if there is none."""
    if not schemas.is_slug(record_id):
        message = "is not an id: small letters and digits, joined by hyphens, 100 at most"
        raise refuse(Fault("path", "id", message, make_slug(record_id[:1000])), code="invalid-body")
    exists = kind.exists(session, record_id)
    if not exists:
        refuse_used_id(session, kind.name, record_id, stored=False)
    current = _current(session, kind, record_id) if exists else None
    condition.require(current)
    body = _check_document(kind, raw, record_id, schemas.read_json(current) if current else None)
    kind.save(session, by, body, "update" if exists else "create")
    return _describe_saved(session, kind, record_id, created=not exists)


def patch_record(
    session: Session, by: By, kind: StoredKind, record_id: str, raw: Any, condition: Precondition
) -> Saved:
    """Apply a JSON Merge Patch (RFC 7396). Raise Problem `not-found` or `gone` if it is missing."""
    stored = fetch_for_edit(session, kind, record_id, condition)
    wanted = _require_object(raw)
    _refuse_derived(kind, wanted)
    if kind is EVENT:
        _redate(stored["date"], wanted)
    return save_edit(session, by, kind, stored, _merge_patch(without_derived(kind, stored), wanted))


def fetch_for_edit(
    session: Session, kind: StoredKind, record_id: str, condition: Precondition
) -> Json:
    """Return a record's document. Raise a Problem if it is not there or not as `condition` says."""
    current = _current(session, kind, record_id)
    condition.require(current)
    document: Json = schemas.read_json(current)
    return document


def save_edit(session: Session, by: By, kind: StoredKind, stored: Json, document: Json) -> Saved:
    """Store `document` in place of the `stored` one. Raise a Problem if it is not valid."""
    record_id = stored["id"]
    kind.save(session, by, _check_document(kind, document, record_id, stored), "update")
    return _describe_saved(session, kind, record_id)


def delete_record(
    session: Session, by: By, kind: StoredKind, record_id: str, condition: Precondition
) -> None:
    """Delete a record, keeping its revisions. Raise Problem `conflict` if events use it."""
    condition.require(_current(session, kind, record_id))
    users = kind.used_by(session, record_id)
    if users:
        faults = [
            Fault("path", "id", f"event '{user}' uses it") for user in users[:MAX_LISTED_USERS]
        ]
        problem = refuse(*faults, code="conflict")
        problem.detail = f"The {kind.name} '{record_id}' is used by {count(len(users), 'event')}."
        raise problem
    kind.remove(session, by, record_id)


def restore_record(session: Session, by: By, kind: StoredKind, record_id: str) -> Saved:
    """Store a deleted record again in its last state; it names other records as they are now."""
    try:
        _current(session, kind, record_id)
    except Problem as problem:
        if problem.code != "gone":
            raise
    else:
        raise Problem("conflict", f"The {kind.name} '{record_id}' is not deleted.")
    query = (
        "SELECT body FROM change WHERE kind = :kind AND record_id = :id AND body IS NOT NULL"
        " AND cause_kind IS NULL ORDER BY version DESC LIMIT 1"
    )
    body = session.execute(text(query), {"kind": kind.name, "id": record_id}).scalar_one()
    document = without_derived(kind, schemas.read_json(bytes(body)))
    restored = schemas.validate(kind.shape, kind.revived(session, document))
    return _describe_saved(session, kind, kind.save(session, by, restored, "restore"))


def restore_revision(
    session: Session,
    by: By,
    kind: StoredKind,
    record_id: str,
    version: int,
    condition: Precondition,
) -> Saved:
    """Store an earlier version of a record as its next one; it names others as they are now.

    Raise Problem `not-found` if there is no such version, `conflict` if it is a deletion.
    """
    stored = fetch_for_edit(session, kind, record_id, condition)
    document = fetch_revision(session, kind.name, record_id, version)
    document = kind.revived(session, without_derived(kind, document))
    by = replace(by, note=by.note or describe_restoring(version))
    kind.save(session, by, schemas.validate(kind.shape, document), "update")
    return _describe_saved(session, kind, stored["id"])


def fetch_revision(session: Session, kind: str, record_id: str, version: int) -> Json:
    """Return a record as a revision has it.

    Raise Problem `not-found` if there is no such version, `conflict` if it is a deletion.
    """
    query = (
        "SELECT body FROM change WHERE kind = :kind AND record_id = :id AND version = :version"
        " AND cause_kind IS NULL"
    )
    of = {"kind": kind, "id": record_id, "version": version}
    row = session.execute(text(query), of).first()
    if row is None:
        last = fetch_versions(session, kind, [record_id]).get(record_id, 0)
        fault = Fault("path", "version", f"there is no such version; the last one is {last}")
        raise Problem("not-found", f"The {kind} '{record_id}' has no version {version}.", (fault,))
    if row.body is None:
        message = "is a deletion; DELETE the record to repeat it"
        raise refuse(Fault("path", "version", message), code="conflict")
    document: Json = schemas.read_json(bytes(row.body))
    return document


def describe_restoring(version: int) -> str:
    """Return the note of a revision that restores another, if its author gives none."""
    return f"Version {version} again"


def _current(session: Session, kind: StoredKind, record_id: str) -> bytes:
    return reads.served(session.connection(), kind.name, record_id)


def _describe_saved(
    session: Session, kind: StoredKind, record_id: str, *, created: bool = False
) -> Saved:
    return Saved(kind.name, record_id, _current(session, kind, record_id), created)


# -- from a body to a valid document --------------------------------------------------------------


def _check_document(
    kind: StoredKind, raw: Any, record_id: str | None = None, stored: Json | None = None
) -> Any:
    """Return the valid document with the id of the path.

    Derived members may repeat the `stored` ones. Raise Problem `invalid-body` with each fault.
    """
    wanted = _require_object(raw)
    _refuse_derived(kind, wanted, stored)
    wanted = without_derived(kind, wanted)
    if record_id is not None:
        if wanted.get("id") not in (None, record_id):
            message = "differs from the id in the path; ids do not change, so leave it out"
            raise refuse(Fault("body", "id", message, record_id), code="invalid-body")
        wanted["id"] = record_id
    if stored is not None and kind is EVENT:
        _keep_a_source(wanted)
    return schemas.validate(kind.shape, wanted)


def _require_object(raw: Any) -> Json:
    if not isinstance(raw, dict):
        raise refuse(Fault("body", "body", "give a JSON object"), code="invalid-body")
    return dict(raw)


def _list_derived(kind: StoredKind, document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the members that no one writes."""
    yield from ((name,) for name in document if name in kind.derived)
    date = document.get("date") if kind is EVENT else None
    if isinstance(date, dict):
        yield from (("date", name) for name in date if name in schemas.DERIVED_DATE_MEMBERS)


def without_derived(kind: StoredKind, document: Mapping[str, Any]) -> Json:
    """Return the document without the members that no one writes."""
    left_out = set(_list_derived(kind, document))
    members = {name: value for name, value in document.items() if (name,) not in left_out}
    if isinstance(members.get("date"), dict):
        members["date"] = {n: v for n, v in members["date"].items() if ("date", n) not in left_out}
    return members


def _refuse_derived(kind: StoredKind, wanted: Json, stored: Json | None = None) -> None:
    """Raise Problem `invalid-body` if a derived member does not repeat the stored one."""
    faults = []
    for path in _list_derived(kind, wanted):
        if stored is None or _at(wanted, path) != _at(stored, path):
            faults.append(Fault("body", ".".join(path), "follows from the rest; leave it out"))
    if faults:
        raise refuse(*faults, code="invalid-body")


def _at(document: Json, path: tuple[str, ...]) -> Any:
    value: Any = document
    for name in path:
        value = value[name]
    return value


def _keep_a_source(wanted: Json) -> None:
    """Raise Problem `conflict` if an event would lose its last supporting source."""
    sources = wanted.get("sources")
    if isinstance(sources, list) and all(isinstance(source, dict) for source in sources):
        roles = [source.get("role", "supports") for source in sources]
        if all(role in ("contradicts", "context") for role in roles):
            message = (
                "no source would be left that supports the event; add another one first "
                "(POST to its path + /sources), or delete the event"
            )
            raise refuse(Fault("body", "sources", message), code="conflict")


def _merge_patch(target: Any, wanted: Any) -> Any:
    """Return the merge of RFC 7396 section 2; a null for a missing member stays, to be refused.

    `target` holds every member that a record can have.
    """
    if not isinstance(wanted, dict):
        return wanted
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in wanted.items():
        if value is None and name in merged:
            del merged[name]
        else:
            merged[name] = _merge_patch(merged.get(name), value)
    return merged


def _redate(stored: Json, wanted: Json) -> None:
    """Remove the source's words on the date if a patch changes the date and gives no others."""
    date = wanted.get("date")
    date = {"edtf": date} if isinstance(date, str) else date
    if isinstance(date, dict):
        moved = date.get("edtf", stored["edtf"]) != stored["edtf"]
        wanted["date"] = {**({"text": None} if moved else {}), **date}
