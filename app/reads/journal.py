"""Reading the journal: the revisions of a record, and the feed of all events."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.dialects import Prepared
from app.errors import Fault, Problem
from app.filters import ChangesQuery, RevisionsQuery
from app.json_types import Json
from app.reads.cursors import (
    EVER_EXISTED,
    Page,
    Position,
    position,
    read_cursor,
    unknown_record,
    write_cursor,
    write_json,
)
from app.reads.room import MAX_PAGE_BYTES, share, within_room
from app.schemas import DERIVED_DATE_MEMBERS, EDIT_MEMBERS, SLUG

FEED = ["changes"]  # the identity of its cursors
# A body that fits into its share of a page is read with its row, a larger one on its own.
SMALL_BODY = "CASE WHEN length(body) <= :share THEN body END AS body"
REVISION = (
    f"SELECT position, version, op, at, author, note, {SMALL_BODY} FROM change"
    " WHERE kind = :kind AND record_id = :id AND cause_kind IS NULL"
)
FOLLOWING = (
    f"SELECT position, op, at, record_id, version, cause_kind, cause_id, {SMALL_BODY} FROM change"
    " WHERE kind = 'event' AND position > :after ORDER BY position LIMIT :limit"
)
BODY = Prepared("SELECT body FROM change WHERE position = :position")


# -- revisions ------------------------------------------------------------------------------------


def revisions(
    connection: Connection, now: Position, kind: str, record_id: str, query: RevisionsQuery
) -> Page:
    """Return a page of a record's revisions, latest first. Raise Problem `not-found`."""
    _require_id(connection, kind, record_id)
    parameters = {"kind": kind, "id": record_id, "share": share(query.limit)}
    count = f"SELECT count(*) FROM ({REVISION}) r"
    total = connection.execute(text(count), parameters).scalar_one()
    if total == 0:
        raise unknown_record(connection, kind, record_id)
    identity = ["revisions", kind, record_id]
    before = read_cursor(now, identity, query.cursor, (int,))[0] if query.cursor else total + 1
    statement = f"{REVISION} AND version < :before ORDER BY version DESC LIMIT :limit"
    # One row more shows if there is another page, and is what the last revision is compared with.
    limits = {"before": before, "limit": query.limit + 1}
    rows = connection.execute(text(statement), {**parameters, **limits}).all()
    items = _compare(connection, rows, query.limit)
    cursor = None
    if len(rows) > len(items):
        cursor = write_cursor(now, identity, [rows[len(items) - 1].version])
    return Page(items, total, cursor)


def _compare(connection: Connection, rows: Sequence[Row[Any]], limit: int) -> list[bytes]:
    """Return the first revisions that have room on a page, each with its changes."""
    items: list[bytes] = []
    room, earlier = MAX_PAGE_BYTES, _body(connection, rows[0]) if rows else None
    for row, was in zip(rows[:limit], [*rows[1:], None], strict=False):
        body, earlier = earlier, _body(connection, was) if was is not None else None
        room -= len(body or b"")
        if items and room < 0:
            break
        items.append(write_json(_members_of(row, _document(earlier), _document(body))))
    return items


def revision(connection: Connection, kind: str, record_id: str, version: int) -> bytes:
    """Return one revision with the whole record as it was. Raise Problem `not-found`."""
    _require_id(connection, kind, record_id)
    statement = f"{REVISION} AND version IN (:version, :version - 1) ORDER BY version DESC"
    parameters = {"kind": kind, "id": record_id, "version": version, "share": MAX_PAGE_BYTES}
    row, was, *_ = *connection.execute(text(statement), parameters).all(), None, None
    if row is None or row.version != version:
        if EVER_EXISTED.row(connection, kind=kind, id=record_id) is None:
            raise unknown_record(connection, kind, record_id)
        fault = Fault("path", "version", "there is no such version")
        raise Problem("not-found", f"The {kind} '{record_id}' has no version {version}.", (fault,))
    after = _document(_body(connection, row))
    before = None if was is None else _document(_body(connection, was))
    return write_json({**_members_of(row, before, after), "document": after})


def _require_id(connection: Connection, kind: str, record_id: str) -> None:
    """Raise Problem `not-found` if the text cannot be an id: PostgreSQL accepts no NUL."""
    if not re.fullmatch(SLUG, record_id):
        raise unknown_record(connection, kind, record_id)


def _members_of(row: Row[Any], before: Json | None, after: Json | None) -> Json:
    members = {name: getattr(row, name) for name in ("version", "op", "at", "author", "note")}
    return {**members, "changes": list(_differences(before, after))}


def _body(connection: Connection, row: Row[Any]) -> bytes | None:
    """Return the record after a change, or None if it was deleted."""
    if row.op == "delete":
        return None
    if row.body is None:
        return bytes(BODY.row(connection, position=row.position)[0])
    return bytes(row.body)


def _document(body: bytes | None) -> Json | None:
    return None if body is None else json.loads(body)


def _differences(before: Json | None, after: Json | None) -> Iterator[Json]:
    """Yield each member in which two states of a record differ; nothing if one is None."""
    if before is not None and after is not None:
        for name in {**before, **after}:
            if name not in EDIT_MEMBERS:
                yield from _between(name, before.get(name), after.get(name))


def _between(path: str, before: Any, after: Any) -> Iterator[Json]:
    if before == after:
        return
    old, new = _members(path, before), _members(path, after)
    if old is None or new is None:
        yield {"field": path, "before": before, "after": after}
        return
    for name in {**old, **new}:
        yield from _between(f"{path}.{name}", old.get(name), new.get(name))
    if list(old) != list(new) and sorted(old) == sorted(new):  # the same in another order
        yield {"field": path, "before": list(old), "after": list(new)}


def _members(path: str, value: Any) -> Mapping[str, Any] | None:
    """Return the parts of a value by name, or None if it has no named parts."""
    if isinstance(value, dict):
        hidden = DERIVED_DATE_MEMBERS if path == "date" else ()
        return {name: part for name, part in value.items() if name not in hidden}
    if isinstance(value, list) and all(isinstance(part, dict) and "id" in part for part in value):
        by_id = {part["id"]: part for part in value}
        return by_id if len(by_id) == len(value) else None
    return None


# -- the feed -------------------------------------------------------------------------------------


def changes(connection: Connection, now: Position, query: ChangesQuery) -> Page:
    """Return changes of events in commit order, from the beginning or after a cursor."""
    after = read_cursor(now, FEED, query.after, (int,), "after")[0] if query.after else 0
    limits = {"after": after, "limit": query.limit + 1, "share": share(query.limit)}
    rows = connection.execute(text(FOLLOWING), limits).all()
    page_rows = rows[: query.limit]
    items = within_room(_change(now, row, _body(connection, row)) for row in page_rows)
    following = _place(now, rows[len(items) - 1]) if len(rows) > len(items) else None
    return Page(items, None, following)


def changes_after(connection: Connection, query: ChangesQuery) -> tuple[str, Sequence[bytes]]:
    """Return a cursor for a follower's next request, and the changes up to it.

    A follower has a cursor from its first request on, even if nothing has changed. Raise Problem
    `start-again` if the store has been replaced since.
    """
    now = position(connection)
    items = changes(connection, now, query).items
    if items:
        return json.loads(items[-1])["cursor"], items
    return query.after or write_cursor(Position(now.epoch, 0), FEED, [0]), ()


def _place(now: Position, row: Row[Any]) -> str:
    return write_cursor(Position(now.epoch, 0), FEED, [row.position])


def _change(now: Position, row: Row[Any], body: bytes | None) -> bytes:
    cause = None if row.cause_kind is None else {"kind": row.cause_kind, "id": row.cause_id}
    members = {
        "cursor": _place(now, row),
        "at": row.at,
        # To a follower, a restored event is new.
        "op": "create" if row.op == "restore" else row.op,
        "id": row.record_id,
        "version": row.version,
    }
    event = b"null" if body is None else body
    return b'%b,"event":%b,"cause":%b}' % (write_json(members)[:-1], event, write_json(cause))
