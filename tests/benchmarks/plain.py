"""What one would write first: SQLModel classes with relationships, and the page that they make.

It is served with its relationships loaded a query each (`selectinload`), with indexes on what is
sorted and filtered by, and tells the total, as Dateline does.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlalchemy import create_engine
from sqlalchemy.orm import registry, selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, func, select

from app.words import make_slug
from benchmarks.bounds import bounds

REGISTRY = registry()
BATCH = 5000


class Base(SQLModel, registry=REGISTRY):
    """Apart from Dateline's own tables."""


class Taking(Base, table=True):
    __tablename__ = "taking"

    event_id: str = Field(foreign_key="event.id", primary_key=True)
    actor_id: str = Field(foreign_key="actor.id", primary_key=True, index=True)
    role: str
    actor: "Actor" = Relationship()


class At(Base, table=True):
    __tablename__ = "at"

    event_id: str = Field(foreign_key="event.id", primary_key=True)
    place_id: str = Field(foreign_key="place.id", primary_key=True, index=True)


class Tagged(Base, table=True):
    __tablename__ = "tagged"

    event_id: str = Field(foreign_key="event.id", primary_key=True)
    tag: str = Field(primary_key=True, index=True)


class Citation(Base, table=True):
    __tablename__ = "citation"

    event_id: str = Field(foreign_key="event.id", primary_key=True)
    source_id: str = Field(foreign_key="source.id", primary_key=True, index=True)
    role: str
    quote: str
    locator: str
    source: "Source" = Relationship()


class Actor(Base, table=True):
    __tablename__ = "actor"

    id: str = Field(primary_key=True)
    name: str
    kind: str
    country: str


class Place(Base, table=True):
    __tablename__ = "place"

    id: str = Field(primary_key=True)
    name: str
    country: str
    latitude: float
    longitude: float


class Source(Base, table=True):
    __tablename__ = "source"

    id: str = Field(primary_key=True)
    publisher: str | None
    title: str
    url: str | None
    published: str | None
    accessed: str | None
    language: str
    kind: str


class Event(Base, table=True):
    __tablename__ = "event"

    id: str = Field(primary_key=True)
    type: str = Field(index=True)
    title: str
    summary: str
    date: str
    place: str = Field(index=True)  # in the timeline: the day, then the id
    status: str = Field(index=True)
    takings: list[Taking] = Relationship()
    places: list[Place] = Relationship(link_model=At)
    tags: list[Tagged] = Relationship()
    citations: list[Citation] = Relationship()


class ActorRead(SQLModel):
    role: str
    actor: Actor


class CitationRead(SQLModel):
    role: str
    quote: str
    locator: str
    source: Source


class EventRead(SQLModel):
    id: str
    type: str
    title: str
    summary: str
    date: str
    status: str
    takings: list[ActorRead]
    places: list[Place]
    tags: list[Tagged]
    citations: list[CitationRead]


class PageRead(SQLModel):
    items: list[EventRead]
    total: int


LOADED = (
    selectinload(Event.takings).selectinload(Taking.actor),  # type: ignore[arg-type]
    selectinload(Event.places),  # type: ignore[arg-type]
    selectinload(Event.tags),  # type: ignore[arg-type]
    selectinload(Event.citations).selectinload(Citation.source),  # type: ignore[arg-type]
)


def make_app(path: str) -> FastAPI:
    """The application over a file."""
    app = FastAPI()
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    def opened() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/events", response_model=PageRead)
    def events(
        session: Annotated[Session, Depends(opened)],
        type: Annotated[str | None, Query()] = None,
        status: Annotated[str | None, Query()] = None,
        actor: Annotated[str | None, Query()] = None,
        tag: Annotated[str | None, Query()] = None,
        newest: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> Any:
        query: Any = select(Event)
        if type:
            query = query.where(Event.type == type)
        if status:
            query = query.where(Event.status == status)
        if actor:
            query = query.join(Taking).where(Taking.actor_id == actor)
        if tag:
            query = query.join(Tagged).where(Tagged.tag == tag)
        total = session.exec(select(func.count()).select_from(query.subquery())).one()
        place: Any = Event.place
        page = (
            query.order_by(place.desc() if newest else place)
            .offset(offset)
            .limit(limit)
            .options(*LOADED)
        )
        return {"items": session.exec(page).all(), "total": total}

    @app.get("/events/{id}", response_model=EventRead)
    def event(session: Annotated[Session, Depends(opened)], id: str) -> Any:
        found = session.get(Event, id, options=list(LOADED))
        if found is None:
            raise HTTPException(404)
        return found

    return app


if "PLAIN_DATABASE" in os.environ:
    app = make_app(os.environ["PLAIN_DATABASE"])


# -- filling it -----------------------------------------------------------------------------------

Row = tuple[Any, ...]


def rows(event: dict[str, Any]) -> Iterator[tuple[str, Row]]:
    """The rows of an event, each with its table."""
    names = ("id", "type", "title", "summary")
    edtf = event["date"]["edtf"]
    place = f"{bounds(edtf).order_day:07} {event['id']}"
    yield "event", (*(event[name] for name in names), edtf, place, event["status"])
    for actor in event["actors"]:
        yield "actor", tuple(actor[n] for n in ("id", "name", "kind", "country"))
        yield "taking", (event["id"], actor["id"], actor["role"])
    for place in event["places"]:
        yield "place", tuple(place[n] for n in Place.model_fields)
        yield "at", (event["id"], place["id"])
    for tag in event["tags"]:
        yield "tagged", (event["id"], make_slug(tag))
    for source in event["sources"]:
        yield "source", tuple(source[n] for n in Source.model_fields)
        yield "citation", (event["id"], *(source[n] for n in ("id", "role", "quote", "locator")))


def fill(path: Path, lines: Iterable[str]) -> None:
    """Make the file, from the events as NDJSON."""
    engine = create_engine(f"sqlite:///{path}")
    REGISTRY.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        held: dict[str, list[Row]] = {}
        for number, line in enumerate(lines, 1):
            for table, row in rows(json.loads(line)):
                held.setdefault(table, []).append(row)
            if number % BATCH == 0:
                store(connection, held)
        store(connection, held)
        connection.execute("ANALYZE")
        connection.commit()


def store(connection: sqlite3.Connection, held: dict[str, list[Row]]) -> None:
    """Write what is held, and let go of it."""
    for table, some in held.items():
        marks = ", ".join("?" * len(some[0]))
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", some)
    held.clear()
