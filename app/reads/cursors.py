"""Pages and the cursors between them: opaque places in a list."""

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

from app.candidates import Candidates, Column
from app.dialects import Prepared, lost, unfinished
from app.errors import Fault, Problem, refuse
from app.models import COPYING
from app.schemas import SLUG, printable


@dataclass(frozen=True)
class Page:
    """Some of a list, as JSON texts in order; `cursor` leads to what follows, None at the end."""

    items: Sequence[bytes]
    total: int | None
    cursor: str | None


MAX_INTEGER = (1 << 63) - 1
POSITION = Prepared("SELECT epoch, position FROM store")
IDENTITY = Prepared("SELECT identity FROM store")
EVER = Prepared(
    "SELECT 1 FROM change WHERE kind = :kind AND record_id = :id AND cause_kind IS NULL LIMIT 1"
)


def gone(kind: str, record_id: str) -> Problem:
    """The answer where a record was deleted."""
    path = f"/{kind}s/{record_id}"
    detail = f"The {kind} '{record_id}' was deleted. Its revisions: {path}/revisions"
    # RFC 5829 section 3.3
    link = f'<{path}/revisions>; rel="version-history"'
    return Problem("gone", detail, headers={"Link": link})


def write_json(value: Any) -> bytes:
    """JSON as it is served: UTF-8, no white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Position:
    """Which state of which database an answer shows."""

    epoch: str
    position: int


def position(connection: Connection) -> Position:
    """The state that this snapshot shows."""
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
    """An opaque place in a list: after `last`, in the list that `identity` describes."""
    told = [now.epoch, now.position, _digest(identity), *last]
    return base64.urlsafe_b64encode(write_json(told)).decode().rstrip("=")


def read_cursor(
    now: Position, identity: Any, cursor: str, shape: Sequence[type], name: str = "cursor"
) -> list[Any]:
    """The place that a cursor names, its parts of the types in `shape`; `name` is the parameter's.

    Problem `invalid-parameters` where it is none or belongs to another list, `start-again` where
    it comes from another database.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        last: list[Any]
        epoch, _, digest, *last = json.loads(packed)
        if not isinstance(epoch, str) or not isinstance(digest, str):
            raise ValueError
        own = digest == _digest(identity)
        fitting = [type(part) for part in last] == list(shape) and all(map(_storable, last))
        if own and not fitting:
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error):
        message = "is not a cursor; take it from `next` as it stands"
        raise refuse(Fault("query", name, message)) from None
    if epoch != now.epoch:
        raise Problem("start-again", "The cursor comes from another state of the database.")
    if not own:
        message = "belongs to another list, filter or sort; begin this one without a cursor"
        raise refuse(Fault("query", name, message))
    return last


def _storable(part: Any) -> bool:
    """Whether the engines take the value of a cursor that somebody may have made up."""
    if isinstance(part, int):
        return -MAX_INTEGER <= part <= MAX_INTEGER
    return bool(printable(part))


def _digest(identity: Any) -> str:
    told = json.dumps(identity, sort_keys=True).encode()
    return blake2b(told, digest_size=8).hexdigest()


def tag(body: bytes) -> str:
    """The opaque part of the strong entity tag of a document."""
    return blake2b(body, digest_size=12).hexdigest()


def one(connection: Connection, table: str, query: Prepared, record_id: str) -> Any:
    """The row with this id; Problem `gone` where it was deleted, else `not-found` with the nearest.

    `table` is the kind of the record too.
    """
    if re.fullmatch(SLUG, record_id):
        row = query.row(connection, id=record_id)
        if row is not None:
            return row
        if EVER.row(connection, kind=table, id=record_id) is not None:
            raise gone(table, record_id)
    raise unknown(connection, table, record_id)


def unknown(connection: Connection, table: str, record_id: str) -> Problem:
    """The answer where a record never was, with the nearest that is."""
    near = Candidates(connection).nearest(Column(table), record_id)
    fault = Fault("path", "id", f"there is no {table} of this id", near)
    return Problem("not-found", f"There is no {table} '{record_id[:100]}'.", (fault,))
