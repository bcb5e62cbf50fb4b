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
from app.words import make_slug
from app.writes.comparing import (
    EMPTY_VALUES,
    Deviation,
    count_agreeing_marks,
    find_deviations,
    read_field_history,
)
from app.writes.journal import (
    By,
    JournalEntry,
    fetch_revisions,
    fetch_versions,
    record_changes,
    refuse_used_id,
)
from app.writes.names import NameTable
from app.writes.report import RecordEntry, RecordReport
from app.writes.shelves import RecordCache
from app.writes.vocabulary import (
    ACTOR,
    PLACE,
    SOURCE,
    TYPE,
    VocabularyKind,
    delete_unused,
    find_same_sources,
    rewrite_events,
)

MAX_CACHED_RECORDS = 20_000  # records of a kind
MAX_SHOWN_LETTERS = 80  # of a value in a fault
CITATION_FIELDS = frozenset(schemas.CitationFields.model_fields)
# Where an event names records, of which kind they are, and which fields there are the event's own.
REFERENCES = {
    "actors": (ACTOR, frozenset({"role"})),
    "places": (PLACE, frozenset[str]()),
    "sources": (SOURCE, CITATION_FIELDS),
}
VOCABULARY = {kind.name: kind for kind in (TYPE, ACTOR, PLACE, SOURCE)}
# The fields of a record that an event can give, but for its id.
FIELDS = {kind.name: tuple(n for n in kind.members if n != "id") for kind, _ in REFERENCES.values()}
VALUES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    name: attrgetter(*fields) for name, fields in FIELDS.items()
}
RecordKey = tuple[str, str]  # kind and id of a record


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
        self._pending: dict[
            RecordKey, str
        ] = {}  # op of each record that is still to be written down
        self._unstored: dict[RecordKey, str] = {}  # op of each whose rows are still to be written
        # Where a record was made, filled in, or mentioned by a file that may correct it: 64 bits
        # of kind, id and field, with the line, to take little memory.
        self._lines: dict[int, int] = {}
        self._candidates = Candidates(session.connection())
        self._settled: set[tuple[Any, ...]] = set()
        self._publisher_left = False
        self._same: dict[tuple[tuple[str, Any], ...], str] = {}
        self._tags = NameTable(session, "tag", self._announce)
        self._publishers = NameTable(session, "publisher", self._announce)
        self._shelves = {name: RecordCache(session, kind) for name, kind in VOCABULARY.items()}

    @property
    def records(self) -> rows.Records:
        """The records that the events name, by kind."""
        named = {name: shelf.records for name, shelf in self._shelves.items()}
        return {**named, "tag": self._tags.records}

    def prepare(self, events: Sequence[schemas.EventWrite]) -> None:
        """Ask for all that these events name; before any of them is looked at."""
        self.store()
        for names in (self._tags, self._publishers):
            names.forget(MAX_CACHED_RECORDS)
        for shelf in self._shelves.values():
            shelf.forget(MAX_CACHED_RECORDS)
        for cache in (self._same, self._settled):
            if len(cache) > MAX_CACHED_RECORDS:
                cache.clear()
        self._shelves["type"].ask({"id": event.type} for event in events)
        self._tags.ask(tag for event in events for tag in event.tags)
        for part, (kind, _) in REFERENCES.items():
            named = (reference for event in events for reference in getattr(event, part))
            self._shelves[kind.name].ask(map(vars, named))
        records = self._shelves["source"].records
        new = (source for event in events for source in event.sources if source.id not in records)
        self._publishers.ask(source.publisher for source in new if source.publisher)

    def type(self, type_id: str) -> str:
        """The id of a type, which must exist; Problem `invalid-body` names the nearest."""
        if type_id not in self._shelves["type"].records:
            if not self.rules.create_types:
                raise self._missing("type", type_id, "type")
            refuse_used_id(self.session, "type", type_id, stored=False)
            label = self.new_labels.get(type_id) or type_id.replace("-", " ").capitalize()
            self._add(TYPE, {"label": label}, type_id)
        return type_id

    def tag(self, name: str) -> str:
        """The id of the tag of this name."""
        return str(self._tags.find(name)["id"])

    def resolve(self, part: str, reference: Any, position: int) -> str:
        """Return the id of the record that an event names in one of its parts.

        Fill in what it lacks. Raise Problem `conflict` if it differs and may not be corrected, or
        if several records fit.
        """
        kind, link = REFERENCES[part]
        shelf, where = self._shelves[kind.name], f"{part}.{position}"
        if reference.id is None:
            record_id, namesakes = self._choose(kind, reference, where)
            if record_id is None:
                return self._make(part, reference, where, namesakes)
            self._agree(kind, reference, record_id, where)
            return record_id
        if reference.id in shelf.records:
            self._agree(kind, reference, reference.id, where)
            return str(reference.id)
        values = (value for name, value in vars(reference).items() if name not in {"id", *link})
        if all(value is None for value in values):
            raise self._missing(kind.name, reference.id, f"{where}.id")
        if shelf.ids.taken(reference.id):
            refuse_used_id(self.session, kind.name, reference.id, stored=False, where=f"{where}.id")
        return self._make(part, reference, where, [])

    def _choose(
        self, kind: VocabularyKind, reference: Any, where: str
    ) -> tuple[str | None, list[str]]:
        """Return the record that a name or URL means, if any, and all that go by it."""
        shelf = self._shelves[kind.name]
        fitting = named = shelf.find(vars(reference))
        if named and kind is not SOURCE:
            marks = {i: count_agreeing_marks(vars(reference), shelf.records[i]) for i in named}
            counts = [count for count in marks.values() if count is not None]
            best = max(counts, default=0)
            fitting = [i for i, count in marks.items() if count == best] if counts else []
        if len(fitting) > 1:
            message = f"several {kind.name}s fit: {', '.join(sorted(fitting))}"
            fault = Fault("body", where, f"{message}; give the `id` of one")
            raise refuse(fault, code="conflict")
        return (fitting[0] if fitting else None), list(named)

    # -- what is not there ------------------------------------------------------------------------

    def _make(self, part: str, reference: Any, where: str, namesakes: list[str]) -> str:
        kind, link = REFERENCES[part]
        fields = {name: value for name, value in vars(reference).items() if name not in link}
        # Of a source, what names it has been held to all that a source must be.
        if kind is not SOURCE or not reference.identified():
            check_record(kind, fields, where)
        if (alike := self._alike(fields) if kind is SOURCE else None) is not None:
            self._agree(kind, reference, alike, where)
            return alike
        name = kind.called(fields)
        if namesakes and fields["country"]:
            name += f" {fields['country']}"
        record_id = reference.id or self._shelves[kind.name].ids.make(name)
        return self._add(kind, fields, record_id, namesakes)

    def _alike(self, fields: Json) -> str | None:
        """A source that can be found by nothing but that it says just this."""
        if not self._is_file or fields["id"] is not None or any(SOURCE.handles(fields)):
            return None
        shelf, values = self._shelves["source"], tuple(fields.items())
        if values not in self._same and shelf.ids.taken(make_slug(SOURCE.called(fields))):
            self.store()
            for alike in find_same_sources(self.session, fields)[:1]:
                self._same[values] = alike
        shelf.load({self._same[values]} if values in self._same else set())
        return self._same.get(values)

    def _add(
        self, kind: VocabularyKind, fields: Json, record_id: str, namesakes: Sequence[str] = ()
    ) -> str:
        document = kind.record(record_id, fields, self._publishers)
        self._shelves[kind.name].add(document)
        self._pending[kind.name, record_id] = self._unstored[kind.name, record_id] = "create"
        self._lines[hash((kind.name, record_id))] = self.line
        name = kind.called(document)
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

    def _agree(self, kind: VocabularyKind, reference: Any, record_id: str, where: str) -> None:
        """Fill in or correct a record; Problem `conflict` names each field that may not change.

        In one event null says that there is none, as it does in what is served. In a file, which
        may be older than the record, it says nothing.
        """
        key: tuple[Any, ...] = ()
        if (
            self._is_file and getattr(reference, "aliases", None) is None
        ):  # a list is no part of a key
            key = (kind.name, record_id, VALUES[kind.name](reference))
            if key in self._settled:
                return
        stored = self._shelves[kind.name].records[record_id]
        nulls = () if self._is_file else reference.model_fields_set
        differing = list(find_deviations(FIELDS[kind.name], vars(reference), stored, nulls))
        faults = [
            Fault("body", f"{where}.{deviation.field}", objection)
            for deviation in differing
            if (objection := self._objection(kind, record_id, deviation)) is not None
        ]
        if faults:
            raise refuse(*faults, code="conflict")
        if differing:
            self._change(kind, record_id, differing, where)
        if self.rules.replace:
            for field in FIELDS[kind.name]:
                if getattr(reference, field) not in EMPTY_VALUES:
                    self._lines.setdefault(hash((kind.name, record_id, field)), self.line)
        if key:
            self._settled.add(key)

    def _objection(self, kind: VocabularyKind, record_id: str, deviation: Deviation) -> str | None:
        """Say why a field may not become what is given, if it may not."""
        stored, value = format_value(deviation.stored), format_value(deviation.value)
        there, spell = f"{kind.name} '{record_id}'", self.rules.spell
        if not deviation.lacking:
            of_record = self._lines.get(hash((kind.name, record_id)))
            line = self._lines.get(hash((kind.name, record_id, deviation.field)), of_record)
            if line is not None:
                place = "further up in this event"
                if line not in {0, self.line}:
                    place = f"in line {line}"
                return f"{value} is given here, and {stored} {place} for the same {there}"
            if not self.rules.replace or deviation.value in EMPTY_VALUES:
                remedy = (
                    f"; or import with {spell('replace')} to correct it" if self._is_file else ""
                )
                return (
                    f"differs from the stored {kind.name}: {value} is given, {stored} is stored;"
                    f" {advise_change(kind, record_id)}{remedy}"
                )
        return None if self.rules.force else self._edit_by_others(kind, record_id, deviation)

    def _edit_by_others(
        self, kind: VocabularyKind, record_id: str, deviation: Deviation
    ) -> str | None:
        """Say whose later edit of a field the given value would overwrite, if it would.

        A value that the record had before was given up by somebody. In a file, any other value
        gives way to what somebody else than its author made of the field since.
        """
        stored, value = format_value(deviation.stored), format_value(deviation.value)
        there, spell = f"{kind.name} '{record_id}'", self.rules.spell
        revisions = fetch_revisions(self.session, kind.name, record_id)
        history = read_field_history(deviation, revisions)
        remedy = ""
        if self._is_file:
            both = f"{spell('replace')} and {spell('force')}"
            remedy = f"; or import with {both} to overrule that"
        if gone := history.removal:
            done = f"removed {value}" if deviation.lacking else f"changed {value} to {stored}"
            return (
                f"is what it was before {gone.author} {done} in the {there} on {gone.at};"
                f" {advise_change(kind, record_id)}{remedy}"
            )
        last = history.last_edit if self._is_file else None
        if last is None or last.author == self.rules.author:
            return None
        done = "removed it" if deviation.lacking else f"set {stored}"
        return (
            f"{value} is given, but {last.author} {done} in the {there} on {last.at};"
            f" {advise_change(kind, record_id)}{remedy}"
        )

    def _change(
        self, kind: VocabularyKind, record_id: str, differing: Sequence[Deviation], where: str
    ) -> None:
        shelf, key = self._shelves[kind.name], (kind.name, record_id)
        stored = shelf.records[record_id]
        fields = {**stored, **{deviation.field: deviation.merged for deviation in differing}}
        check_record(kind, {n: fields[n] for n in kind.members}, where)
        document = kind.record(record_id, fields, self._publishers)
        shelf.change(document)
        self._pending.setdefault(key, "update")
        self._unstored.setdefault(key, "update")
        self._settled.clear()
        if kind is SOURCE:
            self._same.clear()
            self._publisher_left |= stored["publisher_id"] not in {None, document["publisher_id"]}
        if hash(key) not in self._lines:  # else this file has made it
            op = "fill" if all(deviation.lacking for deviation in differing) else "correct"
            changes = {d.field: {"from": d.stored, "to": document[d.field]} for d in differing}
            entry = RecordEntry(op, *key, kind.called(stored), self.line, changes)
            self.report.change(entry)
        for deviation in differing:
            self._lines[hash((*key, deviation.field))] = self.line

    # -- storing ----------------------------------------------------------------------------------

    def store(self) -> None:
        """Write the rows of what is new or changed."""
        for names in (self._tags, self._publishers):
            names.store()
        new: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for (name, record_id), op in self._unstored.items():
            document = self._shelves[name].records[record_id]
            if op == "update":
                VOCABULARY[name].put(self.session, document, op)
            else:
                for table, row in VOCABULARY[name].rows(document):
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
            for record_id, version in fetch_versions(self.session, name, batch).items()
        }
        changes: list[JournalEntry] = []
        for key, op in self._pending.items():
            name, record_id = key
            document = self._shelves[name].records[record_id]
            changes.append(VOCABULARY[name].change(document, op, last.get(key, 0) + 1))
        record_changes(self.session, by, changes, at)
        self._pending.clear()
        for name, record_ids in changed.items():
            rewrite_events(self.session, by, VOCABULARY[name], record_ids, blocks)
        if self._publisher_left:
            delete_unused(self.session, "publisher", "source", "publisher_id")
            self._publishers.forget(0)
            self._publisher_left = False


def format_value(value: Any) -> str:
    """Return a value as it stands in a fault."""
    text = "nothing" if value in EMPTY_VALUES else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_LETTERS else f"{text[:MAX_SHOWN_LETTERS]}…"


def advise_change(kind: VocabularyKind, record_id: str) -> str:
    return f"change it there (PATCH /{kind.name}s/{record_id}), or give the `id` alone"


def check_record(kind: VocabularyKind, fields: Json, where: str) -> None:
    """Problem `invalid-body` where a new record would lack what it must have."""
    try:
        kind.shape(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        details = ({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
        raise refuse(*from_validation(details), code="invalid-body") from error
