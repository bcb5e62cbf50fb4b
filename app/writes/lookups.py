"""What events name: looked up, and made where it is not there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from app import rows, schemas
from app.candidates import Candidates, Column
from app.errors import Fault, from_validation, refuse
from app.rows import Json, batches
from app.words import slug
from app.writes.journal import Change, refuse_known
from app.writes.names import Ids, Names
from app.writes.vocabulary import (
    ACTOR,
    PLACE,
    SOURCE,
    TYPE,
    Handle,
    Vocabulary,
    sources_alike,
)

REMEMBERED = 20_000  # records of a kind
OF_CITATION = frozenset(schemas.CitationFields.model_fields)
# Where an event names records, of which kind they are, and which fields there are the event's own.
NAMED = {
    "actors": (ACTOR, frozenset({"role"})),
    "places": (PLACE, frozenset[str]()),
    "sources": (SOURCE, OF_CITATION),
}


class Lookups:
    """Finds what events name, asking once for all of a batch; makes what is not there.

    `made` are the changes that are still to be written down. Good for one transaction. `again`: a
    source of which nothing is stored but what is said is that source, as the same file comes twice.
    """

    def __init__(
        self, session: Session, *, create_types: bool = False, again: bool = False
    ) -> None:
        self.session = session
        self.create_types = create_types
        self.again = again
        self.new_labels: dict[str, str] = {}  # of types that are not there yet
        self.made: list[Change] = []
        self._candidates = Candidates(session.connection())
        self._same: dict[tuple[tuple[str, Any], ...], str] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._tags = Names(session, "tag")
        self._publishers = Names(session, "publisher")
        self._shelves = {kind.name: Shelf(session, kind) for kind in (TYPE, ACTOR, PLACE, SOURCE)}

    @property
    def records(self) -> rows.Records:
        """The records that the events name, by kind."""
        named = {name: shelf.records for name, shelf in self._shelves.items()}
        return {**named, "tag": self._tags.records}

    def prepare(self, events: Sequence[schemas.EventWrite]) -> None:
        """Ask for all that these events name; before any of them is looked at."""
        self.store()
        for names in (self._tags, self._publishers):
            names.forget(REMEMBERED)
        for shelf in self._shelves.values():
            shelf.forget(REMEMBERED)
        if len(self._same) > REMEMBERED:
            self._same.clear()
        self._shelves["type"].ask({"id": event.type} for event in events)
        self._tags.ask(tag for event in events for tag in event.tags)
        for part, (kind, _) in NAMED.items():
            named = (given for event in events for given in getattr(event, part))
            self._shelves[kind.name].ask(map(vars, named))
        held = self._shelves["source"].records
        new = (source for event in events for source in event.sources if source.id not in held)
        self._publishers.ask(source.publisher for source in new if source.publisher)

    def type(self, type_id: str) -> str:
        """The id of a type, which must exist; Problem `invalid-body` names the nearest."""
        if type_id not in self._shelves["type"].records:
            if not self.create_types:
                raise self._missing("type", type_id, "type")
            refuse_known(self.session, "type", type_id, stored=False)
            label = self.new_labels.get(type_id) or type_id.replace("-", " ").capitalize()
            self._add(TYPE, {"label": label}, type_id)
        return type_id

    def tag(self, name: str) -> str:
        """The id of the tag of this name."""
        return str(self._tags.find(name)["id"])

    def resolve(self, part: str, given: Any, position: int) -> str:
        """The id of the record that an event names in one of its parts."""
        kind, link = NAMED[part]
        shelf, where = self._shelves[kind.name], f"{part}.{position}"
        if given.id is None:
            found = shelf.find(vars(given))
            if len(found) > 1:
                fitting = ", ".join(sorted(found))
                message = f"several {kind.name}s fit: {fitting}; give the `id` of one"
                raise refuse(Fault("body", where, message), code="conflict")
            return found[0] if found else self._make(part, given, where)
        if given.id in shelf.records:
            _agree(kind, given, shelf.records[given.id], where)
            return str(given.id)
        said = (value for name, value in vars(given).items() if name not in {"id", *link})
        if all(value is None for value in said):
            raise self._missing(kind.name, given.id, f"{where}.id")
        if shelf.ids.taken(given.id):
            refuse_known(self.session, kind.name, given.id, stored=False, where=f"{where}.id")
        return self._make(part, given, where)

    def _make(self, part: str, given: Any, where: str) -> str:
        kind, link = NAMED[part]
        known = {name: value for name, value in vars(given).items() if name not in link}
        # Of a source, what names it has been held to all that a source must be.
        if kind is not SOURCE or not given.identified():
            _check(kind, known, where)
        if (alike := self._alike(known) if kind is SOURCE else None) is not None:
            return alike
        made_of = self._shelves[kind.name].ids.make
        return self._add(kind, known, given.id or made_of(kind.called(known)))

    def _alike(self, known: Json) -> str | None:
        """A source that can be found by nothing but that it says just this."""
        if not self.again or known["id"] is not None or any(SOURCE.handles(known)):
            return None
        shelf, said = self._shelves["source"], tuple(known.items())
        if said not in self._same and shelf.ids.taken(slug(SOURCE.called(known))):
            self.store()
            for alike in sources_alike(self.session, known)[:1]:
                self._same[said] = alike
        shelf.load({self._same[said]} if said in self._same else set())
        return self._same.get(said)

    def _add(self, kind: Vocabulary, said: Json, record_id: str) -> str:
        made = kind.record(record_id, said, self._publishers)
        self._shelves[kind.name].add(made)
        for table, row in kind.rows(made):
            self._rows[table].append(row)
        self.made.append(kind.change(made, "create", 1))
        return record_id

    def store(self) -> None:
        """Insert what was made."""
        for names in (self._tags, self._publishers):
            names.store()
        for table, made in self._rows.items():
            rows.insert(self.session.connection(), table, made)
        self._rows.clear()

    def _missing(self, table: str, record_id: str, where: str) -> Exception:
        self.store()
        near = self._candidates.nearest(Column(table), record_id)
        fault = Fault("body", where, f"there is no {table} '{record_id}'", near)
        return refuse(fault, code="invalid-body")


class Shelf:
    """The records of a kind that were asked for, and those that were made."""

    def __init__(self, session: Session, kind: Vocabulary) -> None:
        self.ids = Ids(session, kind.name)
        self.records: dict[str, Json] = {}
        self._session = session
        self._kind = kind
        self._found: dict[Handle, list[str]] = {}  # nothing where none is there

    def ask(self, wanted: Iterable[Mapping[str, Any]]) -> None:
        """Find all that is stored of these at once, and ids for those that are not."""
        by_id, others = set(), []
        for known in wanted:
            if known["id"] is None:
                others.append(known)
            else:
                by_id.add(known["id"])
        by_id |= self._find({next(self._kind.handles(known), None) for known in others})
        self.load(by_id)
        called = (self._kind.called(known) for known in others if not self.find(known))
        self.ids.ask({*(by_id - self.records.keys()), *map(slug, called)})

    def load(self, wanted: set[str]) -> None:
        """Take in those that are stored."""
        new = wanted - self.records.keys()
        self.records |= rows.records(self._session.connection(), self._kind.name, new)

    def _find(self, handles: set[Handle | None]) -> set[str]:
        """The ids of all that the handles find, those that are not yet known."""
        new = [handle for handle in handles if handle and handle not in self._found]
        self._found |= {handle: [] for handle in new}
        for batch in batches(new):
            for handle, record_id in self._kind.find(self._session, batch):
                self._found[handle].append(record_id)
        return {record_id for handle in new for record_id in self._found[handle]}

    def find(self, known: Mapping[str, Any]) -> list[str]:
        """The ids of those that fit."""
        handle = next(self._kind.handles(known), None)
        return [] if handle is None else self._found[handle]

    def add(self, made: Json) -> None:
        """Take in a record that is made."""
        self.records[made["id"]] = made
        self.ids.take(made["id"])
        for handle in self._kind.handles(made):
            if handle in self._found:  # else it is asked for when this one is stored
                self._found[handle].append(made["id"])

    def forget(self, most: int) -> None:
        """Let go of what is known where it is more than so many; what is new must be stored."""
        if len(self.records) > most:
            self.records.clear()
            self._found.clear()
            self.ids.forget()


def _check(kind: Vocabulary, known: Json, where: str) -> None:
    """Problem `invalid-body` where a new record would lack what it must have."""
    try:
        kind.shape(**{name: value for name, value in known.items() if value is not None})
    except ValidationError as error:
        told = ({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
        raise refuse(*from_validation(told), code="invalid-body") from error


def _agree(kind: Vocabulary, given: schemas.Shape, stored: Json, where: str) -> None:
    """Problem `conflict` where a field that came with an id differs from the stored one.

    Null says that there is none, as it does in what is served.
    """
    none: tuple[Any, ...] = (None, [])
    said = vars(given)
    differing = [
        name
        for name in kind.members
        if said[name] != stored[name]
        and name in given.model_fields_set
        and not (stored[name] in none and said[name] in none)
    ]
    if differing:
        change = f"change it there (PATCH /{kind.name}s/{stored['id']}), or give the `id` alone"
        message = f"differs from the stored {kind.name}; {change}"
        faults = (Fault("body", f"{where}.{name}", message) for name in differing)
        raise refuse(*faults, code="conflict")
