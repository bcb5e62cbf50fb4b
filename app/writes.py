"""Every change to the data, each within the transaction of the session it is given."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import Session, SQLModel, col, select

from app import index, models, schemas
from app.errors import Fault, Problem, from_validation, nearest, refuse
from app.words import fold, slug, wording

Spelt = TypeVar("Spelt", models.Publisher, models.Tag)


def now() -> str:
    """This moment in UTC, RFC 3339 with microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# -- vocabulary -----------------------------------------------------------------------------------


def create_type(session: Session, given: schemas.TypeWrite) -> str:
    """Store a new type of event; gives its id. Problem `conflict` where the id is taken."""
    words = wording([[given.label, given.description]])
    return _add(session, models.Type(words=words, **given.model_dump()))


def create_actor(session: Session, given: schemas.ActorWrite) -> str:
    """Store a new actor with its aliases; gives its id, made from the name where none is given."""
    fields = given.model_dump(exclude={"id", "aliases"})
    actor_id = given.id or _free_id(session, models.Actor, given.name)
    words = wording([[given.name, *given.aliases]])
    _add(session, models.Actor(id=actor_id, folded=fold(given.name), words=words, **fields))
    session.add_all(
        models.ActorAlias(actor_id=actor_id, position=position, alias=alias, folded=fold(alias))
        for position, alias in enumerate(given.aliases)
    )
    return actor_id


def create_place(session: Session, given: schemas.PlaceWrite) -> str:
    """Store a new place; gives its id, made from the name where none is given."""
    fields = given.model_dump(exclude={"id"})
    place_id = given.id or _free_id(session, models.Place, given.name)
    words = wording([[given.name]])
    return _add(session, models.Place(id=place_id, folded=fold(given.name), words=words, **fields))


def create_source(session: Session, given: schemas.SourceWrite) -> str:
    """Store a new source; gives its id, made from what is known of it where none is given."""
    said = (given.publisher, given.title, given.published or given.accessed)
    name = " ".join(part for part in said if part) or given.url or ""
    source_id = given.id or _free_id(session, models.Source, name)
    publisher_id = _spelt(session, models.Publisher, given.publisher) if given.publisher else None
    fields = given.model_dump(exclude={"id", "publisher"})
    words = wording([[given.publisher, given.title, given.author]])
    return _add(
        session, models.Source(id=source_id, publisher_id=publisher_id, words=words, **fields)
    )


def _add(session: Session, row: Any) -> str:
    """Add a row whose id must be free; gives the id."""
    table = type(row).__tablename__
    if session.get(type(row), row.id) is not None:
        raise refuse(Fault("body", "id", f"there is a {table} '{row.id}' already"), code="conflict")
    session.add(row)
    session.flush()
    # The position that the entity tags of collections carry.
    session.execute(text("UPDATE store SET position = position + 1"))
    return str(row.id)


def _free_id(session: Session, model: type[SQLModel], name: str) -> str:
    """A slug of `name` that no row of `model` has: the plain one, else with a number behind it."""
    base = slug(name)
    held = session.execute(
        text(f"SELECT id FROM {model.__tablename__} WHERE id = :id OR id LIKE :like"),
        {"id": base, "like": f"{base}-%"},
    )
    taken = set(held.scalars())
    candidates = (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _spelt(session: Session, model: type[Spelt], name: str) -> str:
    """The id of the publisher or tag of this name, two spellings of one being one; made if new."""
    folded = fold(name)
    found = session.exec(select(model).where(col(model.folded) == folded)).first()
    if found is None:
        spelt_id = _free_id(session, model, name)
        found = model(id=spelt_id, name=name, folded=folded, words=wording([[name]]))
        session.add(found)
        session.flush()
    return found.id


# -- looking up what an event names ---------------------------------------------------------------

Shape = schemas.Shape


@dataclass(frozen=True)
class Kind:
    """How a kind of thing that events name is found, and made where it is not."""

    table: str
    find: Callable[[Session, Mapping[str, Any]], list[str]]  # by what is known of it but its id
    stored: Callable[[Session, str], Mapping[str, Any] | None]
    shape: type[Any]
    create: Callable[[Session, Any], str]


def _row(session: Session, query: str, record_id: str) -> dict[str, Any] | None:
    found = session.execute(text(query), {"id": record_id}).mappings().first()
    return None if found is None else dict(found)


def _ids(session: Session, query: str, **parameters: Any) -> list[str]:
    return list(session.execute(text(query), parameters).scalars())


def _stored_actor(session: Session, actor_id: str) -> dict[str, Any] | None:
    found = _row(session, "SELECT name, kind, country, url FROM actor WHERE id = :id", actor_id)
    aliases = "SELECT alias FROM actor_alias WHERE actor_id = :id ORDER BY position"
    return found and {**found, "aliases": _ids(session, aliases, id=actor_id)}


def _stored_place(session: Session, place_id: str) -> dict[str, Any] | None:
    query = "SELECT name, country, latitude, longitude FROM place WHERE id = :id"
    return _row(session, query, place_id)


def _stored_source(session: Session, source_id: str) -> dict[str, Any] | None:
    query = (
        "SELECT s.*, p.name AS publisher FROM source s"
        " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.id = :id"
    )
    return _row(session, query, source_id)


def _find_actor(session: Session, known: Mapping[str, Any]) -> list[str]:
    query = (
        "SELECT id FROM actor WHERE folded = :name UNION"
        " SELECT actor_id FROM actor_alias WHERE folded = :name ORDER BY 1"
    )
    return _ids(session, query, name=fold(known["name"])) if "name" in known else []


def _find_place(session: Session, known: Mapping[str, Any]) -> list[str]:
    query = "SELECT id FROM place WHERE folded = :name ORDER BY id"
    return _ids(session, query, name=fold(known["name"])) if "name" in known else []


def _find_source(session: Session, known: Mapping[str, Any]) -> list[str]:
    """By exact URL, or by publisher, title and date of publication where all three are given."""
    if "url" in known:
        return _ids(session, "SELECT id FROM source WHERE url = :url ORDER BY id", url=known["url"])
    if not {"publisher", "title", "published"} <= known.keys():
        return []
    query = (
        "SELECT s.id FROM source s JOIN publisher p ON p.id = s.publisher_id"
        " WHERE p.folded = :folded AND s.title = :title AND s.published = :published ORDER BY s.id"
    )
    return _ids(
        session,
        query,
        folded=fold(known["publisher"]),
        title=known["title"],
        published=known["published"],
    )


ACTOR = Kind("actor", _find_actor, _stored_actor, schemas.ActorWrite, create_actor)
PLACE = Kind("place", _find_place, _stored_place, schemas.PlaceWrite, create_place)
SOURCE = Kind("source", _find_source, _stored_source, schemas.SourceWrite, create_source)
OF_CITATION = set(schemas.CitationFields.model_fields)


def _resolve(session: Session, kind: Kind, given: Shape, link: set[str], where: str) -> str:
    """The id of the record that an event names; `link` are the fields that are the event's own."""
    known = given.model_dump(exclude=link, exclude_none=True)
    record_id = known.get("id")
    if record_id is not None:
        stored = kind.stored(session, record_id)
        if stored is not None:
            _agree(kind, known, stored, where)
            return str(record_id)
    found = [] if record_id is not None else kind.find(session, known)
    if len(found) > 1:
        message = f"several {kind.table}s fit: {', '.join(found)}; give the `id` of one"
        raise refuse(Fault("body", where, message), code="conflict")
    if found:
        return found[0]
    if record_id is not None and len(known) == 1:
        near = nearest(record_id, _ids(session, f"SELECT id FROM {kind.table}"))
        message = f"there is no {kind.table} '{record_id}'"
        raise refuse(Fault("body", f"{where}.id", message, near), code="invalid-body")
    try:
        return kind.create(session, kind.shape(**known))
    except ValidationError as error:
        faults = from_validation({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
        raise refuse(*faults, code="invalid-body") from error


def _agree(kind: Kind, known: Mapping[str, Any], stored: Mapping[str, Any], where: str) -> None:
    """Problem `conflict` where a field that came with an id differs from the stored one."""
    differing = [n for n, value in known.items() if n != "id" and stored[n] != value]
    if differing:
        message = f"differs from the stored {kind.table}; change it there, or give the `id` alone"
        faults = (Fault("body", f"{where}.{name}", message) for name in differing)
        raise refuse(*faults, code="conflict")


# -- events ---------------------------------------------------------------------------------------


def create_event(session: Session, given: schemas.EventWrite) -> str:
    """Store a new event with all it names, and its place in the read model; gives its id.

    Problem `conflict` where the id is taken, `invalid-body` where it names what does not exist.
    """
    return create_events(session, [given])[0]


def create_events(session: Session, given: Iterable[schemas.EventWrite]) -> list[str]:
    """Store events that may name each other in any order; gives their ids in the order given."""
    events = list(given)
    ids = []
    for event in events:
        with _said_of(event):
            ids.append(_add_event(session, event))
    for event_id, event in zip(ids, events, strict=True):
        with _said_of(event):
            _add_relations(session, event_id, event.related)
    session.flush()
    touched = {link.event for event in events for link in event.related}
    index.write(session.connection(), [*ids, *sorted(touched.difference(ids))])
    return ids


@contextmanager
def _said_of(event: schemas.EventWrite) -> Iterator[None]:
    """Name the event in the detail of a problem: it may be one of many."""
    try:
        yield
    except Problem as problem:
        problem.detail = f"Event '{event.id or event.title}': {problem.said}"
        raise


def _add_event(session: Session, given: schemas.EventWrite) -> str:
    if session.get(models.Type, given.type) is None:
        near = nearest(given.type, _ids(session, "SELECT id FROM type"))
        fault = Fault("body", "type", f"there is no type '{given.type}'", near)
        raise refuse(fault, code="invalid-body")
    event_id = given.id or _free_id(session, models.Event, f"{given.date.edtf} {given.title}")
    moment = now()
    roles = [source.role for source in given.sources]
    _add(
        session,
        models.Event(
            id=event_id,
            type_id=given.type,
            title=given.title,
            summary=given.summary,
            date_edtf=given.date.edtf,
            date_text=given.date.text,
            status=given.status,
            version=1,
            created_at=moment,
            updated_at=moment,
            support_position=roles.index("supports"),
        ),
    )
    _add_parts(session, event_id, given)
    return event_id


def _add_parts(session: Session, event_id: str, given: schemas.EventWrite) -> None:
    for position, actor in enumerate(given.actors):
        actor_id = _resolve(session, ACTOR, actor, {"role"}, f"actors.{position}")
        session.add(
            models.EventActor(
                event_id=event_id, position=position, actor_id=actor_id, role=actor.role
            )
        )
    for position, place_id in enumerate(
        dict.fromkeys(
            _resolve(session, PLACE, place, set(), f"places.{number}")
            for number, place in enumerate(given.places)
        )
    ):
        session.add(models.EventPlace(event_id=event_id, position=position, place_id=place_id))
    for position, quantity in enumerate(given.quantities):
        session.add(models.Quantity(event_id=event_id, position=position, **quantity.model_dump()))
    tags = dict.fromkeys(_spelt(session, models.Tag, tag) for tag in given.tags)
    for position, tag_id in enumerate(tags):
        session.add(models.EventTag(event_id=event_id, position=position, tag_id=tag_id))
    for position, source in enumerate(given.sources):
        _add_citation(session, event_id, position, source)


def _add_citation(
    session: Session, event_id: str, position: int, given: schemas.SourceReference
) -> None:
    source_id = _resolve(session, SOURCE, given, OF_CITATION, f"sources.{position}")
    fields = given.model_dump(include=OF_CITATION - {"claims"})
    session.add(
        models.Citation(event_id=event_id, position=position, source_id=source_id, **fields)
    )
    session.add_all(
        models.CitationClaim(
            event_id=event_id, citation_position=position, position=number, claim=claim
        )
        for number, claim in enumerate(dict.fromkeys(given.claims))
    )


def _add_relations(session: Session, event_id: str, related: Iterable[schemas.Related]) -> None:
    for position, link in enumerate(dict.fromkeys(related)):
        where = f"related.{position}.event"
        if link.event == event_id:
            fault = Fault("body", where, "an event cannot relate to itself")
            raise refuse(fault, code="invalid-body")
        if session.get(models.Event, link.event) is None:
            near = nearest(link.event, _ids(session, "SELECT id FROM event"))
            fault = Fault("body", where, f"there is no event '{link.event}'", near)
            raise refuse(fault, code="invalid-body")
        session.add(
            models.Relation(
                event_id=event_id, position=position, relation=link.relation, target_id=link.event
            )
        )
