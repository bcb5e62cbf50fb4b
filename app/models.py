"""The tables: normalised rows are the truth, and the journal is their history.

The last six are derived from the rows by `index`. Only the migrations build the tables; a test
compares them with these models.
"""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from app.dialects import AS_THEY_ARE, CLUSTERED, Key, Ordered, only_where

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

# The closed lists. Types, actors, places, actors' roles, measures and tags are data instead.
STATUSES = ("planned", "ongoing", "completed", "cancelled")
CITATION_ROLES = ("supports", "contradicts", "context")
CLAIMS = (
    *("type", "title", "summary", "date", "status"),
    *("actors", "places", "quantities", "tags", "related", "extra"),
)
QUALIFIERS = ("exactly", "about", "at-least", "at-most", "between")
RELATIONS = (
    *("follows", "part-of", "implements", "responds-to", "causes"),
    *("amends", "supersedes", "contradicts", "confirms", "related"),
)
MEDIA_KINDS = ("image", "video", "audio", "document", "page")
OWN_VALUE_KINDS = ("text", "number", "boolean")
ACTOR_KINDS = ("country", "organisation", "person", "group")
SCOPES = ("read", "write")
KINDS = ("event", "source", "actor", "place", "type")
JOURNAL_KINDS = (*KINDS, "chronology")
OPERATIONS = ("create", "update", "delete", "restore")
SOURCE_KINDS = ("news", "analysis", "official", "report", "book", "dataset", "web-page", "other")


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """Return the CHECK of a closed list, named after its column; NULL passes."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def not_empty(column: str) -> CheckConstraint:
    """Return the CHECK that a text is not empty, named after its column; NULL passes."""
    return CheckConstraint(f"{column} <> ''", name=column)


def refers_to(table: str, column: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """Return the foreign key from `column` to the id of `table`, checked at COMMIT."""
    return ForeignKeyConstraint(
        [column], [f"{table}.id"], ondelete=on_delete, deferrable=True, initially="DEFERRED"
    )


def ordered(**more: Any) -> Any:
    """Return a text column that sorts byte by byte on both engines: ids and timestamps."""
    return Field(sa_type=Ordered, **more)


class Store(SQLModel, table=True):
    """One row: which store this is (`epoch`), and how many changes it has seen (`position`).

    `stamp` counts the writes to the read model. An epoch that begins with COPYING marks a store
    that is not whole yet. `identity` is a random UUID, made once. Unlike the epoch, it stays the
    same in a restored store and in a copy: subscribers know the events by it.
    """

    __tablename__ = "store"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("identity LIKE '________-____-____-____-____________'", name="identity"),
    )

    id: int = Field(primary_key=True)
    epoch: str
    position: int = Field(sa_type=Key)
    stamp: int = Field(sa_type=Key)
    identity: str


class ApiKey(SQLModel, table=True):
    """A key that may read or write: its hash, and the public `name` of its holder."""

    __tablename__ = "api_key"
    __table_args__ = (not_empty("id"), not_empty("name"), one_of("scope", SCOPES))

    id: str = ordered(primary_key=True)
    name: str = Field(unique=True)
    hash: str
    scope: str
    created_at: str = ordered()
    expires_at: str | None = ordered(default=None)
    revoked_at: str | None = ordered(default=None)


class Change(SQLModel, table=True):
    """The journal, one row per change in commit order: both revision and feed entry.

    `body` is the record after the change: an event as it is served, any other record as it is
    written; null if it was deleted. A row with a cause is no revision: the event itself was not
    edited, but a record that it shows.
    """

    __tablename__ = "change"
    __table_args__ = (
        one_of("op", OPERATIONS),
        one_of("kind", JOURNAL_KINDS),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("(op = 'delete') = (body IS NULL)", name="body"),
        CheckConstraint("(cause_kind IS NULL) = (cause_id IS NULL)", name="cause"),
        Index(
            "uq_change_revision",
            *("kind", "record_id", "version"),
            unique=True,
            **only_where("cause_kind IS NULL"),
        ),
    )

    position: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = ordered()
    op: str
    kind: str
    record_id: str = ordered()
    version: int
    cause_kind: str | None = None
    cause_id: str | None = None
    author: str
    note: str | None = None
    body: bytes | None = Field(default=None, sa_type=LargeBinary)


class Answered(SQLModel, table=True):
    """The answer to a request with an Idempotency-Key, for its retries."""

    __tablename__ = "answered"
    __table_args__ = (Index(None, "at"),)

    author: str = ordered(primary_key=True)
    key: str = ordered(primary_key=True)
    fingerprint: str
    at: str = ordered()
    status: int
    location: str | None = None
    tagged: bool
    body: bytes = Field(sa_type=LargeBinary)


class SavedMapping(SQLModel, table=True):
    """A mapping of a table's columns, as JSON, under its name."""

    __tablename__ = "saved_mapping"

    name: str = ordered(primary_key=True)
    at: str = ordered()
    author: str
    body: str


class Counter(SQLModel, table=True):
    """Requests of somebody in a minute; it `expires` at that many seconds since 1970.

    Only several servers of one store use it: a single one counts in its memory.
    """

    __tablename__ = "counter"
    __table_args__ = (Index(None, "expires"),)

    name: str = ordered(primary_key=True)
    number: int
    expires: float


# -- vocabulary; `words` are for searches -----------------------------------------------------


class Type(SQLModel, table=True):
    __tablename__ = "type"
    __table_args__ = (not_empty("id"), not_empty("label"))

    id: str = ordered(primary_key=True)
    label: str
    description: str | None = None
    words: str


class Actor(SQLModel, table=True):
    __tablename__ = "actor"
    __table_args__ = (
        not_empty("id"),
        not_empty("name"),
        one_of("kind", ACTOR_KINDS),
        Index(None, "folded"),
    )

    id: str = ordered(primary_key=True)
    name: str
    folded: str
    kind: str | None = None
    country: str | None = None
    url: str | None = None
    words: str


class ActorAlias(SQLModel, table=True):
    __tablename__ = "actor_alias"
    __table_args__ = (
        refers_to("actor", "actor_id", on_delete="CASCADE"),
        not_empty("alias"),
        Index(None, "folded"),
        CLUSTERED,
    )

    actor_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    alias: str
    folded: str


class Place(SQLModel, table=True):
    __tablename__ = "place"
    __table_args__ = (
        not_empty("id"),
        not_empty("name"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="both_coordinates"),
        Index(None, "folded"),
    )

    id: str = ordered(primary_key=True)
    name: str
    folded: str
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    words: str


class Publisher(SQLModel, table=True):
    __tablename__ = "publisher"
    __table_args__ = (not_empty("id"), not_empty("name"), UniqueConstraint("folded"))

    id: str = ordered(primary_key=True)
    name: str
    folded: str
    words: str


class Tag(SQLModel, table=True):
    __tablename__ = "tag"
    __table_args__ = (not_empty("id"), not_empty("name"), UniqueConstraint("folded"))

    id: str = ordered(primary_key=True)
    name: str
    folded: str
    words: str


class Source(SQLModel, table=True):
    __tablename__ = "source"
    __table_args__ = (
        not_empty("id"),
        refers_to("publisher", "publisher_id"),
        one_of("kind", SOURCE_KINDS),
        CheckConstraint(
            "coalesce(publisher_id, nullif(title, ''), nullif(url, ''), nullif(published, ''),"
            " nullif(accessed, '')) IS NOT NULL",
            name="identified",
        ),
        Index(None, "publisher_id"),
        Index(None, "url"),
    )

    id: str = ordered(primary_key=True)
    publisher_id: str | None = ordered(default=None)
    title: str | None = None
    author: str | None = None
    url: str | None = None
    archive_url: str | None = None
    published: str | None = None
    accessed: str | None = None
    language: str | None = None
    kind: str | None = None
    words: str


# -- events -----------------------------------------------------------------------------------


class Event(SQLModel, table=True):
    """An event. `support_…` names a citation that supports it; the database requires one."""

    __tablename__ = "event"
    __table_args__ = (
        not_empty("id"),
        not_empty("title"),
        not_empty("date_edtf"),
        one_of("status", STATUSES),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("support_role = 'supports'", name="support_role"),
        refers_to("type", "type_id"),
        ForeignKeyConstraint(
            ["id", "support_position", "support_role"],
            ["citation.event_id", "citation.position", "citation.role"],
            name="fk_event_has_a_source",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        Index(None, "type_id"),
    )

    id: str = ordered(primary_key=True)
    type_id: str = ordered()
    title: str
    summary: str | None = None
    date_edtf: str
    date_text: str | None = None
    status: str | None = None
    version: int
    created_at: str = ordered()
    updated_at: str = ordered()
    support_position: int
    support_role: str = "supports"


class Citation(SQLModel, table=True):
    __tablename__ = "citation"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        refers_to("source", "source_id"),
        one_of("role", CITATION_ROLES),
        UniqueConstraint("event_id", "position", "role"),
        Index(None, "source_id"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    source_id: str = ordered()
    role: str
    quote: str | None = None
    locator: str | None = None
    note: str | None = None


class CitationClaim(SQLModel, table=True):
    __tablename__ = "citation_claim"
    __table_args__ = (
        ForeignKeyConstraint(
            ["event_id", "citation_position"],
            ["citation.event_id", "citation.position"],
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        one_of("claim", CLAIMS),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    citation_position: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    claim: str


class EventActor(SQLModel, table=True):
    __tablename__ = "event_actor"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        refers_to("actor", "actor_id"),
        not_empty("role"),
        Index(None, "actor_id"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    actor_id: str = ordered()
    role: str | None = None


class EventPlace(SQLModel, table=True):
    __tablename__ = "event_place"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        refers_to("place", "place_id"),
        UniqueConstraint("event_id", "place_id"),
        Index(None, "place_id"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    place_id: str = ordered()


class EventTag(SQLModel, table=True):
    __tablename__ = "event_tag"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        refers_to("tag", "tag_id"),
        UniqueConstraint("event_id", "tag_id"),
        Index(None, "tag_id"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    tag_id: str = ordered()


class Quantity(SQLModel, table=True):
    """Decimals are text, as they were written, never rounded."""

    __tablename__ = "quantity"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        not_empty("measure"),
        not_empty("value"),
        one_of("qualifier", QUALIFIERS),
        CheckConstraint("(qualifier = 'between') = (max_value IS NOT NULL)", name="between"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    measure: str
    value: str
    max_value: str | None = None
    qualifier: str
    unit: str | None = None
    text: str | None = None


class Medium(SQLModel, table=True):
    """A picture, film, recording or page about an event: only its address, never the file."""

    __tablename__ = "medium"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        not_empty("url"),
        one_of("kind", MEDIA_KINDS),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    url: str
    kind: str | None = None
    caption: str | None = None
    credit: str | None = None
    alt: str | None = None
    licence: str | None = None
    thumbnail: str | None = None


class OwnField(SQLModel, table=True):
    """A field of the user's own: its name, and its value as JSON writes it, a text without quotes.

    They are in the order of their names.
    """

    __tablename__ = "own_field"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        not_empty("name"),
        not_empty("value"),
        one_of("kind", OWN_VALUE_KINDS),
        UniqueConstraint("event_id", "name"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    name: str = ordered()
    kind: str
    value: str


class Relation(SQLModel, table=True):
    __tablename__ = "relation"
    __table_args__ = (
        refers_to("event", "event_id", on_delete="CASCADE"),
        refers_to("event", "target_id"),
        one_of("relation", RELATIONS),
        CheckConstraint("target_id <> event_id", name="other_event"),
        UniqueConstraint("event_id", "relation", "target_id"),
        Index(None, "target_id"),
        CLUSTERED,
    )

    event_id: str = ordered(primary_key=True)
    position: int = Field(primary_key=True)
    relation: str
    target_id: str = ordered()


# -- the derived read model: written by `index` alone -------------------------------------------


class Block(SQLModel, table=True):
    """A stretch of the timeline: the events with keys from `first_key` to the next block's.

    Each of its events has its own slot, a bit in the block's postings; `used` is the first slot
    that was never taken. `stamp` is that of the last write that changed the block.
    """

    __tablename__ = "block"
    __table_args__ = (Index(None, "first_key"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    first_key: int = Field(sa_type=Key)
    used: int
    stamp: int = Field(sa_type=Key)


class Timeline(SQLModel, table=True):
    """An event's place in the timeline and its four bounds, in days as `dates` counts them.

    `key` sorts as the timeline does: by `day`, then by `clock` (the seconds since midnight, or
    dates.NO_CLOCK), then by event id. `sure` means a date without ?, ~
    or %. `known` is the first day by which a source had reported it; `publishers` counts those that
    support it. `stamp` is that of the last write that changed the row.
    """

    __tablename__ = "timeline"
    __table_args__ = (
        UniqueConstraint("event_id"),
        UniqueConstraint("day", "clock", "event_id"),
        Index(None, "updated_at", "event_id"),
        Index(None, "block", "stamp"),
    )

    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    event_id: str = ordered()
    day: int
    clock: int
    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int
    sure: bool
    known: int
    publishers: int
    updated_at: str = ordered()
    block: int
    slot: int
    stamp: int = Field(sa_type=Key)


class Document(SQLModel, table=True):
    """The event as it is served, byte for byte, and the ids of its terms."""

    __tablename__ = "document"
    __table_args__ = AS_THEY_ARE

    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    body: bytes = Field(sa_type=LargeBinary)
    terms: bytes = Field(sa_type=LargeBinary)


class Wording(SQLModel, table=True):
    """The folded words for searches, one line per field."""

    __tablename__ = "wording"

    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    words: str


class Measurement(SQLModel, table=True):
    """The range of a quantity in base units, as decimals that sort as text."""

    __tablename__ = "measurement"
    __table_args__ = CLUSTERED

    key: int = Field(sa_type=Key, primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(primary_key=True)
    measure: str
    kind: str
    low: str = ordered()
    high: str = ordered()


class Term(SQLModel, table=True):
    """A value that events can be filtered by, and how many events have it; 0 for words."""

    __tablename__ = "term"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = ordered()
    value: str = ordered()
    events: int


class Posting(SQLModel, table=True):
    """The slots of a block whose events have a term, as `index.blocks` encodes them."""

    __tablename__ = "posting"
    __table_args__ = {**CLUSTERED, **AS_THEY_ARE}

    block: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    term: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    bits: bytes = Field(sa_type=LargeBinary)


TABLES = SQLModel.metadata.tables  # by name
