"""Pages, and the cursors between them: opaque positions in a list."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from app.candidates import Candidates, SearchedColumn
from app.dialects import Prepared, lost, unfinished
from app.errors import Fault, Problem, refuse
from app.schemas import SLUG, check_printable
from app.store import COPYING


@dataclass(frozen=True)
class Page:
    """Part of a list, as JSON texts in order. `cursor` leads to the next page; None at the end."""

    items: Sequence[bytes]
    total: int | None
    cursor: str | None


MAX_STORED_INTEGER = (1 << 63) - 1
POSITION = Prepared("SELECT epoch, position FROM store")
IDENTITY = Prepared("SELECT identity FROM store")
EVER_EXISTED = Prepared(
    "SELECT 1 FROM change WHERE kind = :kind AND record_id = :id AND cause_kind IS NULL LIMIT 1"
)


def gone(kind: str, record_id: str) -> Problem:
    """Return the Problem for a record that was deleted."""
    path = f"/{kind}s/{record_id}"
    detail = f"The {kind} '{record_id}' was deleted. Its revisions: {path}/revisions"
    # RFC 5829 section 3.3
    link = f'<{path}/revisions>; rel="version-history"'
    return Problem("gone", detail, headers={"Link": link})


def write_json(value: Any) -> bytes:
    """Return a value as JSON the way it is served: UTF-8, no white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Position:
    """The state of a database that an answer shows."""

    epoch: str
    position: int


def position(connection: Connection) -> Position:
    """Return the state of this snapshot. Raise a Problem if the store is lost or unfinished."""
    row = POSITION.row(connection)
    if row is None:
        raise lost()
    if row[0].startswith(COPYING):
        raise unfinished()
    return Position(*row)


def identity(connection: Connection) -> UUID:
    """Return the store's identity. Raise Problem `store-unavailable` if it has lost it."""
    row = IDENTITY.row(connection)
    try:
        return UUID(row[0])
    except (TypeError, ValueError):
        raise lost() from None


def write_cursor(now: Position, identity: Any, last: Sequence[Any]) -> str:
    """Return an opaque cursor: the position after `last` in the list that `identity` describes."""
    values = [now.epoch, now.position, _digest(identity), *last]
    return base64.urlsafe_b64encode(write_json(values)).decode().rstrip("=")


def read_cursor(
    now: Position, identity: Any, cursor: str, shape: Sequence[type], name: str = "cursor"
) -> list[Any]:
    """Return the values of a cursor, which must have the types in `shape`.

    Raise Problem `invalid-parameters`, naming the parameter `name`, if it is no cursor or belongs
    to another list. Raise `start-again` if it comes from another database.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        last: list[Any]
        epoch, _, digest, *last = json.loads(packed)
        if not isinstance(epoch, str) or not isinstance(digest, str):
            raise ValueError
        belongs = digest == _digest(identity)
        fitting = [type(part) for part in last] == list(shape) and all(map(_storable, last))
        if belongs and not fitting:
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error):
        message = "is not a cursor; take it from `next` as it stands"
        raise refuse(Fault("query", name, message)) from None
    if epoch != now.epoch:
        raise Problem("start-again", "The cursor comes from another state of the database.")
    if not belongs:
        message = "belongs to another list, filter or sort; begin this one without a cursor"
        raise refuse(Fault("query", name, message))
    return last


def _storable(part: Any) -> bool:
    """Return whether the engines accept a value, since a cursor may be made up."""
    if isinstance(part, int):
        return -MAX_STORED_INTEGER <= part <= MAX_STORED_INTEGER
    return bool(check_printable(part))


def _digest(identity: Any) -> str:
    text = json.dumps(identity, sort_keys=True).encode()
    return blake2b(text, digest_size=8).hexdigest()


def tag(body: bytes) -> str:
    """Return the opaque part of a document's strong entity tag."""
    return blake2b(body, digest_size=12).hexdigest()


def fetch_record(connection: Connection, table: str, query: Prepared, record_id: str) -> Any:
    """Return the row with this id from `table`, whose name is also the kind of the record.

    Raise Problem `gone` if it was deleted, else `not-found` with the nearest id.
    """
    if re.fullmatch(SLUG, record_id):
        row = query.row(connection, id=record_id)
        if row is not None:
            return row
        if EVER_EXISTED.row(connection, kind=table, id=record_id) is not None:
            raise gone(table, record_id)
    raise unknown_record(connection, table, record_id)


def unknown_record(connection: Connection, table: str, record_id: str) -> Problem:
    """Return the Problem for a record that never existed, with the nearest that does."""
    near = Candidates(connection).nearest(SearchedColumn(table), record_id)
    fault = Fault("path", "id", f"there is no {table} of this id", near)
    return Problem("not-found", f"There is no {table} '{record_id[:100]}'.", (fault,))
