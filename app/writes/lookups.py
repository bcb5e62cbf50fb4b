"""What events name: looked up, made if it is not there, filled in and corrected."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlmodel import Session

from app import index, rows, schemas
from app.candidates import Candidates, SearchedColumn
from app.errors import Fault, from_validation, refuse
from app.rows import Json
from app.words import slug
from app.writes.comparing import (
    NOTHING,
    Deviation,
    agreement,
    deviations,
    last_editor,
    taken_away,
)
from app.writes.journal import By, Change, record, refuse_known, revisions, versions
from app.writes.names import Names
from app.writes.report import RecordEntry, RecordReport
from app.writes.shelves import Shelf
from app.writes.vocabulary import (
    ACTOR,
    PLACE,
    SOURCE,
    TYPE,
    Vocabulary,
    forget_unused,
    show_again,
    sources_alike,
)

REMEMBERED = 20_000  # records of a kind
MAX_SHOWN_LETTERS = 80  # of a value in a fault
OF_CITATION = frozenset(schemas.CitationFields.model_fields)
# Where an event names records, of which kind they are, and which fields there are the event's own.
NAMED = {
    "actors": (ACTOR, frozenset({"role"})),
    "places": (PLACE, frozenset[str]()),
    "sources": (SOURCE, OF_CITATION),
}
KINDS = {kind.name: kind for kind in (TYPE, ACTOR, PLACE, SOURCE)}
# The fields of a record that an event can give, but for its id.
FIELDS = {kind.name: tuple(n for n in kind.members if n != "id") for kind, _ in NAMED.values()}
VALUES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    name: attrgetter(*fields) for name, fields in FIELDS.items()
}
Key = tuple[str, str]  # kind and id of a record


class FileRules(NamedTuple):
    """What a file may do beyond what one event may."""

    create_types: bool = False
    replace: bool = False  # correct records that differ
    force: bool = False  # also against what others changed since
    spell: Callable[[str], str] = "{}=true".format  # an option, as whoever imports sets it
    author: str = ""  # whose file it is


class Lookups:
    """Finds what events name, asking once for all of a batch; makes what is not there.

    Good for one transaction. A record that lacks what an event says of it is filled in. With
    `rules` the events are those of a file, which may correct records, and in which a source of
    which nothing is stored but what is said is that source, as the same file comes twice.
    """

    def __init__(self, session: Session, rules: FileRules | None = None) -> None:
        self.session = session
        self.rules = rules or FileRules()
        self.new_labels: dict[str, str] = {}  # of types that are not there yet
        self.report = RecordReport()
        self.line = 0  # of the file, from 1
        self._is_file = rules is not None
        self._pending: dict[Key, str] = {}  # op of each record that is still to be written down
        self._unstored: dict[Key, str] = {}  # op of each whose rows are still to be written
        # Where a record was made, filled in, or mentioned by a file that may correct it: 64 bits
        # of kind, id and field, with the line, to take little memory.
        self._lines: dict[int, int] = {}
        self._candidates = Candidates(session.connection())
        self._settled: set[tuple[Any, ...]] = set()
        self._publisher_left = False
        self._same: dict[tuple[tuple[str, Any], ...], str] = {}
        self._tags = Names(session, "tag", self._announce)
        self._publishers = Names(session, "publisher", self._announce)
        self._shelves = {name: Shelf(session, kind) for name, kind in KINDS.items()}

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
        for cache in (self._same, self._settled):
            if len(cache) > REMEMBERED:
                cache.clear()
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
            if not self.rules.create_types:
                raise self._missing("type", type_id, "type")
            refuse_known(self.session, "type", type_id, stored=False)
            label = self.new_labels.get(type_id) or type_id.replace("-", " ").capitalize()
            self._add(TYPE, {"label": label}, type_id)
        return type_id

    def tag(self, name: str) -> str:
        """The id of the tag of this name."""
        return str(self._tags.find(name)["id"])

    def resolve(self, part: str, given: Any, position: int) -> str:
        """Return the id of the record that an event names in one of its parts.

        Fill in what it lacks. Raise Problem `conflict` if it differs and may not be corrected, or
        if several records fit.
        """
        kind, link = NAMED[part]
        shelf, where = self._shelves[kind.name], f"{part}.{position}"
        if given.id is None:
            record_id, namesakes = self._choose(kind, given, where)
            if record_id is None:
                return self._make(part, given, where, namesakes)
            self._agree(kind, given, record_id, where)
            return record_id
        if given.id in shelf.records:
            self._agree(kind, given, given.id, where)
            return str(given.id)
        said = (value for name, value in vars(given).items() if name not in {"id", *link})
        if all(value is None for value in said):
            raise self._missing(kind.name, given.id, f"{where}.id")
        if shelf.ids.taken(given.id):
            refuse_known(self.session, kind.name, given.id, stored=False, where=f"{where}.id")
        return self._make(part, given, where, [])

    def _choose(self, kind: Vocabulary, given: Any, where: str) -> tuple[str | None, list[str]]:
        """Return the record that a name or URL means, if any, and all that go by it."""
        shelf = self._shelves[kind.name]
        fitting = named = shelf.find(vars(given))
        if named and kind is not SOURCE:
            marks = {i: agreement(vars(given), shelf.records[i]) for i in named}
            counts = [count for count in marks.values() if count is not None]
            best = max(counts, default=0)
            fitting = [i for i, count in marks.items() if count == best] if counts else []
        if len(fitting) > 1:
            message = f"several {kind.name}s fit: {', '.join(sorted(fitting))}"
            fault = Fault("body", where, f"{message}; give the `id` of one")
            raise refuse(fault, code="conflict")
        return (fitting[0] if fitting else None), list(named)

    # -- what is not there ------------------------------------------------------------------------

    def _make(self, part: str, given: Any, where: str, namesakes: list[str]) -> str:
        kind, link = NAMED[part]
        known = {name: value for name, value in vars(given).items() if name not in link}
        # Of a source, what names it has been held to all that a source must be.
        if kind is not SOURCE or not given.identified():
            _check(kind, known, where)
        if (alike := self._alike(known) if kind is SOURCE else None) is not None:
            self._agree(kind, given, alike, where)
            return alike
        name = kind.called(known)
        if namesakes and known["country"]:
            name += f" {known['country']}"
        record_id = given.id or self._shelves[kind.name].ids.make(name)
        return self._add(kind, known, record_id, namesakes)

    def _alike(self, known: Json) -> str | None:
        """A source that can be found by nothing but that it says just this."""
        if not self._is_file or known["id"] is not None or any(SOURCE.handles(known)):
            return None
        shelf, said = self._shelves["source"], tuple(known.items())
        if said not in self._same and shelf.ids.taken(slug(SOURCE.called(known))):
            self.store()
            for alike in sources_alike(self.session, known)[:1]:
                self._same[said] = alike
        shelf.load({self._same[said]} if said in self._same else set())
        return self._same.get(said)

    def _add(
        self, kind: Vocabulary, known: Json, record_id: str, namesakes: Sequence[str] = ()
    ) -> str:
        made = kind.record(record_id, known, self._publishers)
        self._shelves[kind.name].add(made)
        self._pending[kind.name, record_id] = self._unstored[kind.name, record_id] = "create"
        self._lines[hash((kind.name, record_id))] = self.line
        name = kind.called(made)
        entry = RecordEntry("create", kind.name, record_id, name, self.line)
        entry.namesake_of = sorted(namesakes)
        self.report.add(entry)
        return record_id

    def _announce(self, table: str, record_id: str, name: str) -> None:
        """Report a new tag or publisher."""
        self.report.add(RecordEntry("create", table, record_id, name, self.line))

    def _missing(self, table: str, record_id: str, where: str) -> Exception:
        self.store()
        near = self._candidates.nearest(SearchedColumn(table), record_id)
        message = f"there is no {table} '{record_id}'"
        if table == "type" and self._is_file:
            message += f"; import with {self.rules.spell('create_types')} to make it"
        fault = Fault("body", where, message, near)
        return refuse(fault, code="invalid-body")

    # -- what is there, and lacks something or differs --------------------------------------------

    def _agree(self, kind: Vocabulary, given: Any, record_id: str, where: str) -> None:
        """Fill in or correct a record; Problem `conflict` names each field that may not change.

        In one event null says that there is none, as it does in what is served. In a file, which
        may be older than the record, it says nothing.
        """
        said: tuple[Any, ...] = ()
        if self._is_file and getattr(given, "aliases", None) is None:  # a list is no part of a key
            said = (kind.name, record_id, VALUES[kind.name](given))
            if said in self._settled:
                return
        stored = self._shelves[kind.name].records[record_id]
        nulls = () if self._is_file else given.model_fields_set
        found = list(deviations(FIELDS[kind.name], vars(given), stored, nulls))
        faults = [
            Fault("body", f"{where}.{deviation.field}", objection)
            for deviation in found
            if (objection := self._objection(kind, record_id, deviation)) is not None
        ]
        if faults:
            raise refuse(*faults, code="conflict")
        if found:
            self._change(kind, record_id, found, where)
        if self.rules.replace:
            for field in FIELDS[kind.name]:
                if getattr(given, field) not in NOTHING:
                    self._lines.setdefault(hash((kind.name, record_id, field)), self.line)
        if said:
            self._settled.add(said)

    def _objection(self, kind: Vocabulary, record_id: str, deviation: Deviation) -> str | None:
        """Say why a field may not become what is given, if it may not."""
        stored, value = _shown(deviation.stored), _shown(deviation.given)
        there, spell = f"{kind.name} '{record_id}'", self.rules.spell
        if not deviation.lacking:
            of_record = self._lines.get(hash((kind.name, record_id)))
            line = self._lines.get(hash((kind.name, record_id, deviation.field)), of_record)
            if line is not None:
                place = "further up in this event"
                if line not in {0, self.line}:
                    place = f"in line {line}"
                return f"{value} is given here, and {stored} {place} for the same {there}"
            if not self.rules.replace or deviation.given in NOTHING:
                remedy = (
                    f"; or import with {spell('replace')} to correct it" if self._is_file else ""
                )
                return (
                    f"differs from the stored {kind.name}: {value} is given, {stored} is stored;"
                    f" {_advice(kind, record_id)}{remedy}"
                )
        return None if self.rules.force else self._edit_by_others(kind, record_id, deviation)

    def _edit_by_others(self, kind: Vocabulary, record_id: str, deviation: Deviation) -> str | None:
        """Say whose later edit of a field the given value would overwrite, if it would.

        A value that the record had before was given up by somebody. In a file, any other value
        gives way to what somebody else than its author made of the field since.
        """
        stored, value = _shown(deviation.stored), _shown(deviation.given)
        there, spell = f"{kind.name} '{record_id}'", self.rules.spell
        edits = revisions(self.session, kind.name, record_id)
        remedy = ""
        if self._is_file:
            both = f"{spell('replace')} and {spell('force')}"
            remedy = f"; or import with {both} to overrule that"
        if gone := taken_away(deviation, edits):
            done = f"removed {value}" if deviation.lacking else f"changed {value} to {stored}"
            return (
                f"is what it was before {gone.author} {done} in the {there} on {gone.at};"
                f" {_advice(kind, record_id)}{remedy}"
            )
        last = last_editor(deviation.field, edits) if self._is_file else None
        if last is None or last.author == self.rules.author:
            return None
        done = "removed it" if deviation.lacking else f"set {stored}"
        return (
            f"{value} is given, but {last.author} {done} in the {there} on {last.at};"
            f" {_advice(kind, record_id)}{remedy}"
        )

    def _change(
        self, kind: Vocabulary, record_id: str, found: Sequence[Deviation], where: str
    ) -> None:
        shelf, key = self._shelves[kind.name], (kind.name, record_id)
        stored = shelf.records[record_id]
        known = {**stored, **{deviation.field: deviation.merged for deviation in found}}
        _check(kind, {n: known[n] for n in kind.members}, where)
        made = kind.record(record_id, known, self._publishers)
        shelf.change(made)
        self._pending.setdefault(key, "update")
        self._unstored.setdefault(key, "update")
        self._settled.clear()
        if kind is SOURCE:
            self._same.clear()
            self._publisher_left |= stored["publisher_id"] not in {None, made["publisher_id"]}
        if hash(key) not in self._lines:  # else this file has made it
            op = "fill" if all(deviation.lacking for deviation in found) else "correct"
            changes = {d.field: {"from": d.stored, "to": made[d.field]} for d in found}
            entry = RecordEntry(op, *key, kind.called(stored), self.line, changes)
            self.report.change(entry)
        for deviation in found:
            self._lines[hash((*key, deviation.field))] = self.line

    # -- storing ----------------------------------------------------------------------------------

    def store(self) -> None:
        """Write the rows of what is new or changed."""
        for names in (self._tags, self._publishers):
            names.store()
        new: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for (name, record_id), op in self._unstored.items():
            made = self._shelves[name].records[record_id]
            if op == "update":
                KINDS[name].put(self.session, made, op)
            else:
                for table, row in KINDS[name].rows(made):
                    new[table].append(row)
        for table, of_table in new.items():
            rows.insert(self.session.connection(), table, of_table)
        self._unstored.clear()

    def save(self, by: By, at: str | None = None, blocks: index.BlockWriter | None = None) -> None:
        """Store what is new or changed with its revisions; the events that show it follow."""
        self.store()
        changed: dict[str, list[str]] = defaultdict(list)
        for (name, record_id), op in self._pending.items():
            if op == "update":
                changed[name].append(record_id)
        last = {
            (name, record_id): version
            for name, record_ids in changed.items()
            for batch in rows.batches(record_ids)
            for record_id, version in versions(self.session, name, batch).items()
        }
        changes: list[Change] = []
        for key, op in self._pending.items():
            name, record_id = key
            made = self._shelves[name].records[record_id]
            changes.append(KINDS[name].change(made, op, last.get(key, 0) + 1))
        record(self.session, by, changes, at)
        self._pending.clear()
        for name, record_ids in changed.items():
            show_again(self.session, by, KINDS[name], record_ids, blocks)
        if self._publisher_left:
            forget_unused(self.session, "publisher", "source", "publisher_id")
            self._publishers.forget(0)
            self._publisher_left = False


def _shown(value: Any) -> str:
    """Return a value as it stands in a fault."""
    text = "nothing" if value in NOTHING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_LETTERS else f"{text[:MAX_SHOWN_LETTERS]}…"


def _advice(kind: Vocabulary, record_id: str) -> str:
    return f"change it there (PATCH /{kind.name}s/{record_id}), or give the `id` alone"


def _check(kind: Vocabulary, known: Json, where: str) -> None:
    """Problem `invalid-body` where a new record would lack what it must have."""
    try:
        kind.shape(**{name: value for name, value in known.items() if value is not None})
    except ValidationError as error:
        told = ({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
        raise refuse(*from_validation(told), code="invalid-body") from error
