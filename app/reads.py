"""Every query over the stored documents and the vocabulary."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, text

from app import dates
from app.dialects import listed
from app.errors import Fault, Problem, nearest, refuse
from app.filters import NEAREST_AMONG, EventQuery, Plan, resolve, where
from app.schemas import SLUG, printable

MAX_KEY = (1 << 63) - 1


@dataclass(frozen=True)
class Page:
    """Some of a list, as JSON texts in order; `cursor` leads to what follows, None at the end."""

    items: Sequence[bytes]
    total: int | None
    cursor: str | None


@dataclass(frozen=True)
class Position:
    """Which state of which database an answer shows."""

    epoch: str
    position: int


def position(connection: Connection) -> Position:
    """The state that this snapshot shows."""
    row = connection.execute(text("SELECT epoch, position FROM store")).one()
    return Position(row.epoch, row.position)


# -- cursors --------------------------------------------------------------------------------------


def write_cursor(now: Position, identity: Any, last: Sequence[Any]) -> str:
    """An opaque place in a list: after `last`, in the list that `identity` describes."""
    told = [now.epoch, now.position, _digest(identity), *last]
    packed = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(now: Position, identity: Any, cursor: str, shape: Sequence[type]) -> list[Any]:
    """The place that a cursor names, its parts of the types in `shape`.

    Problem `invalid-parameters` where it is none or belongs to another list, `start-again` where
    it comes from another database.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        last: list[Any]
        epoch, _, digest, *last = json.loads(packed)
        if not isinstance(epoch, str) or [type(part) for part in last] != list(shape):
            raise ValueError
        if not all(_storable(part) for part in last):
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error):
        message = "is not a cursor of this list; take it from `next` as it stands"
        raise refuse(Fault("query", "cursor", message)) from None
    if epoch != now.epoch:
        raise Problem("start-again", "The cursor comes from another state of the database.")
    if digest != _digest(identity):
        message = "belongs to another filter or sort; begin this list without a cursor"
        raise refuse(Fault("query", "cursor", message))
    return last


def _storable(part: Any) -> bool:
    """Whether the engines take the value of a cursor that somebody may have made up."""
    if isinstance(part, int):
        return dates.BEGINNING <= part <= dates.END
    return bool(printable(part))


def _digest(identity: Any) -> str:
    told = json.dumps(identity, sort_keys=True).encode()
    return blake2b(told, digest_size=8).hexdigest()


# -- events ---------------------------------------------------------------------------------------


def event(connection: Connection, event_id: str) -> bytes:
    """The document of one event; Problem `not-found` names the nearest id."""
    query = "SELECT d.body FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id = :id"
    return bytes(_one(connection, "event", query, event_id).body)


def _one(connection: Connection, table: str, query: str, record_id: str) -> Row[Any]:
    """The row with this id; Problem `not-found` names the nearest."""
    if re.fullmatch(SLUG, record_id):
        row = connection.execute(text(query), {"id": record_id}).first()
        if row is not None:
            return row
    known = connection.execute(text(f"SELECT id FROM {table} ORDER BY id LIMIT {NEAREST_AMONG}"))
    fault = Fault(
        "path", "id", f"there is no {table} of this id", nearest(record_id, known.scalars())
    )
    raise Problem("not-found", f"There is no {table} '{record_id[:100]}'.", (fault,))


@dataclass(frozen=True)
class Order:
    """A way to list events: the columns that order them, and those that a cursor holds."""

    by: tuple[str, ...]
    descending: bool
    told: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The ORDER BY over `t`."""
        direction = " DESC" if self.descending else ""
        return ", ".join(f"t.{column}{direction}" for column in self.by)


ORDERS = {
    "date": Order(("key",), False, ("day", "event_id")),
    "-date": Order(("key",), True, ("day", "event_id")),
    "updated": Order(("updated_at", "event_id"), False, ("updated_at", "event_id")),
    "-updated": Order(("updated_at", "event_id"), True, ("updated_at", "event_id")),
}


def page(connection: Connection, asked: EventQuery) -> Page:
    """One page of the events that a query finds."""
    now = position(connection)
    plan = resolve(connection, asked)
    order = ORDERS[asked.sort]
    rows = _rows(connection, asked, plan, now)
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    cursor = None
    if more:
        last = [getattr(rows[-1], column) for column in order.told]
        cursor = write_cursor(now, asked.identity, last)
    items = [bytes(row.body) for row in rows]
    if plan.window is not None:
        items = [_with_match(row.body, row.certain) for row in rows]
    if asked.fields is not None:
        items = [_only(item, asked.fields.split(",")) for item in items]
    return Page(items, total(connection, plan) if asked.total == "exact" else None, cursor)


def total(connection: Connection, plan: Plan) -> int:
    """How many events a plan finds."""
    if plan.only_term is not None:
        return plan.only_term
    found = where(plan, by_date=True)
    return int(
        connection.execute(text(f"SELECT count(*) {found.sql}"), found.parameters).scalar_one()
    )


def _rows(
    connection: Connection, asked: EventQuery, plan: Plan, now: Position
) -> Sequence[Row[Any]]:
    """The rows of a page and, where there is more, one row too many."""
    order = ORDERS[asked.sort]
    found = where(plan, by_date=order.by == ("key",))
    parameters = {**found.parameters, "limit": asked.limit + 1}
    if asked.cursor is not None:
        shape = (int, str) if order.by == ("key",) else (str, str)
        last = read_cursor(now, asked.identity, asked.cursor, shape)
        side = "<" if order.descending else ">"
        if order.by == ("key",):
            found.conditions.append(f"t.key {side} :after")
            parameters["after"] = _key_at(connection, *last, descending=order.descending)
        else:
            found.conditions.append(f"(t.updated_at, t.event_id) {side} (:moment, :after)")
            parameters |= {"moment": last[0], "after": last[1]}
    certain = "NULL"
    if plan.window is not None:
        certain = "t.sure AND t.start_latest <= :last AND t.end_earliest >= :first"
        parameters |= plan.window._asdict()
    query = (
        f"SELECT t.day, t.event_id, t.updated_at, d.body, {certain} AS certain"
        f" FROM (SELECT t.key {found.sql} ORDER BY {order.sql} LIMIT :limit) k"
        f" JOIN timeline t ON t.key = k.key JOIN document d ON d.key = k.key ORDER BY {order.sql}"
    )
    return connection.execute(text(query), parameters).all()


def _key_at(connection: Connection, day: int, event_id: str, *, descending: bool) -> int:
    """A key that parts what came up to an event from what follows, also where the event is gone."""
    side, way, end = (">=", "ASC", MAX_KEY) if descending else ("<=", "DESC", -1)
    query = text(
        f"SELECT key FROM timeline WHERE (day, event_id) {side} (:day, :id)"
        f" ORDER BY day {way}, event_id {way} LIMIT 1"
    )
    key = connection.execute(query, {"day": day, "id": event_id}).scalar()
    return end if key is None else int(key)


def _with_match(body: bytes, certain: bool) -> bytes:
    word = b"certain" if certain else b"possible"
    return bytes(body)[:-1] + b',"match":"' + word + b'"}'


def _only(item: bytes, fields: Sequence[str]) -> bytes:
    document = json.loads(item)
    kept = {name: document[name] for name in (*fields, "match") if name in document}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


# -- vocabulary -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vocabulary:
    """A kind of record that events share: the table, its members, and the kind of its terms."""

    table: str
    members: str  # SQL over `v`

    @property
    def query(self) -> str:
        """Each record with the number of events that bear it."""
        return (
            f"SELECT {self.members}, coalesce(t.events, 0) AS events FROM {self.table} v"
            f" LEFT JOIN term t ON t.kind = '{self.table}' AND t.value = v.id"
        )


VOCABULARIES: Mapping[str, Vocabulary] = {
    "types": Vocabulary("type", "v.id, v.label, v.description"),
    "actors": Vocabulary("actor", "v.id, v.name, v.kind, v.country, NULL AS aliases, v.url"),
    "places": Vocabulary("place", "v.id, v.name, v.country, v.latitude, v.longitude"),
    "tags": Vocabulary("tag", "v.id, v.name"),
    "publishers": Vocabulary("publisher", "v.id, v.name"),
    "sources": Vocabulary(
        "source",
        "v.id, (SELECT name FROM publisher p WHERE p.id = v.publisher_id) AS publisher, v.title,"
        " v.author, v.url, v.archive_url, v.published, v.accessed, v.language, v.kind",
    ),
}


def vocabulary(
    connection: Connection, name: str, *, limit: int, cursor: str | None, total: str
) -> Page:
    """A page of a vocabulary (a key of VOCABULARIES), ordered by id, with event counts."""
    kind = VOCABULARIES[name]
    now = position(connection)
    after = read_cursor(now, name, cursor, (str,))[0] if cursor is not None else ""
    query = text(f"{kind.query} WHERE v.id > :after ORDER BY v.id LIMIT :limit")
    rows = connection.execute(query, {"after": after, "limit": limit + 1}).all()
    more = len(rows) > limit
    rows = rows[:limit]
    following = write_cursor(now, name, [rows[-1].id]) if more else None
    counted = None
    if total == "exact":
        counted = connection.execute(text(f"SELECT count(*) FROM {kind.table}")).scalar_one()
    return Page(_records(connection, name, rows), counted, following)


def record(connection: Connection, name: str, record_id: str) -> bytes:
    """One record of a vocabulary with its event count; Problem `not-found` names the nearest id."""
    kind = VOCABULARIES[name]
    row = _one(connection, kind.table, f"{kind.query} WHERE v.id = :id", record_id)
    return _records(connection, name, [row])[0]


def _records(connection: Connection, name: str, rows: Sequence[Row[Any]]) -> list[bytes]:
    records = [dict(row._mapping) for row in rows]
    if name == "actors":
        aliases = _aliases(connection, [record["id"] for record in records])
        for record in records:
            record["aliases"] = aliases[record["id"]]
    return [
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() for record in records
    ]


def _aliases(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    query = text(
        "SELECT actor_id, alias FROM actor_alias WHERE actor_id IN :ids ORDER BY actor_id, position"
    ).bindparams(listed("ids"))
    found: dict[str, list[str]] = {actor_id: [] for actor_id in ids}
    for actor_id, alias in connection.execute(query, {"ids": list(ids)}):
        found[actor_id].append(alias)
    return found
