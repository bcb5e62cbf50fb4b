"""The records that events name: looked up, created if missing, filled in and corrected."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from app import index, rows, schemas
from app.candidates import Candidates, SearchedColumn
from app.errors import Fault, from_validation, refuse
from app.json_types import Json
from app.words import make_slug
from app.writes.comparing import (
    EMPTY_VALUES,
    Deviation,
    count_agreeing_marks,
    find_deviations,
)
from app.writes.journal import (
    By,
    JournalEntry,
    fetch_versions,
    record_changes,
    refuse_used_id,
)
from app.writes.names import NameTable
from app.writes.objections import FileRules, Mentions, Objections
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
CITATION_FIELDS = frozenset(schemas.CitationFields.model_fields)
# By part of an event: the kind of record that it names, and the fields that are the event's own.
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


class Lookups:
    """Find the records that events name, with one query per batch; create missing ones.

    Good for one transaction. If an event gives a field that the record lacks, it is filled in. With
    `rules` the events come from a file, which may correct records; a source without URL or date is
    then the stored source with the same fields, so that the same file can come twice.
    """

    def __init__(self, session: Session, rules: FileRules | None = None) -> None:
        self.session = session
        self.rules = rules or FileRules()
        self.mentions = Mentions()
        self._objections = Objections(session, rules, self.mentions)
        self.new_labels: dict[str, str] = {}  # of types that are not there yet
        self.report = RecordReport()
        self._is_file = rules is not None
        self._pending: dict[
            RecordKey, str
        ] = {}  # op of each record that is still to be written down
        self._unstored: dict[RecordKey, str] = {}  # op of each whose rows are still to be written
        self._candidates = Candidates(session.connection())
        self._settled: set[tuple[Any, ...]] = set()
        self._publisher_left = False
        self._same: dict[tuple[tuple[str, Any], ...], str] = {}
        self._tags = NameTable(session, "tag", self._announce)
        self._publishers = NameTable(session, "publisher", self._announce)
        self._shelves = {name: RecordCache(session, kind) for name, kind in VOCABULARY.items()}

    @property
    def records(self) -> rows.Records:
        """Return the records that the events name, by kind."""
        named = {name: shelf.records for name, shelf in self._shelves.items()}
        return {**named, "tag": self._tags.records}

    def prepare(self, events: Sequence[schemas.EventWrite]) -> None:
        """Query every record that these events name; call it before looking at any of them."""
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

    def prepare_sources(self, sources: Sequence[schemas.SourceWrite]) -> None:
        """Query these sources of a file; call it before resolving any of them."""
        self.prepare([])
        shelf = self._shelves["source"]
        shelf.ask(map(vars, sources))
        shelf.ask({**vars(source), "id": None} for source in sources)
        self._publishers.ask(source.publisher for source in sources if source.publisher)

    def resolve_source(self, source: schemas.SourceWrite) -> str:
        """Return the id of the record that a source of a bibliography is, as `resolve` does.

        Its id is a key of some library: if no record has it, the address finds one, too.
        """
        shelf = self._shelves["source"]
        if source.id not in shelf.records and shelf.find({**vars(source), "id": None}):
            source = source.model_copy(update={"id": None})
        return self.resolve("sources", source, 0)

    def type(self, type_id: str) -> str:
        """Return the id of a type. Raise Problem `invalid-body` with the nearest if none has it."""
        if type_id not in self._shelves["type"].records:
            if not self.rules.create_types:
                raise self._missing("type", type_id, "type")
            refuse_used_id(self.session, "type", type_id, stored=False)
            label = self.new_labels.get(type_id) or type_id.replace("-", " ").capitalize()
            self._add(TYPE, {"label": label}, type_id)
        return type_id

    def tag(self, name: str) -> str:
        """Return the id of the tag of this name."""
        return str(self._tags.find(name)["id"])

    def resolve(self, part: str, reference: Any, position: int) -> str:
        """Return the id of the record that an event names in one of its parts.

        Fill in fields that it lacks. Raise Problem `conflict` if it differs and may not be
        corrected, or if several records fit.
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

    # -- missing records --------------------------------------------------------------------------

    def _make(self, part: str, reference: Any, where: str, namesakes: list[str]) -> str:
        kind, link = REFERENCES[part]
        fields = {name: value for name, value in vars(reference).items() if name not in link}
        # A source that is named by its own fields was validated as a source.
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
        """Return the stored source that has exactly these fields, if nothing else identifies it."""
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
        self.mentions.note(kind.name, record_id)
        name = kind.called(document)
        entry = RecordEntry("create", kind.name, record_id, name, self.mentions.line)
        entry.namesake_of = sorted(namesakes)
        self.report.add(entry)
        return record_id

    def _announce(self, table: str, record_id: str, name: str) -> None:
        """Report a new tag or publisher."""
        self.report.add(RecordEntry("create", table, record_id, name, self.mentions.line))

    def _missing(self, table: str, record_id: str, where: str) -> Exception:
        self.store()
        near = self._candidates.nearest(SearchedColumn(table), record_id)
        message = f"there is no {table} '{record_id}'"
        if table == "type" and self._is_file:
            message += f"; import with {self.rules.spell('create_types')} to make it"
        fault = Fault("body", where, message, near)
        return refuse(fault, code="invalid-body")

    # -- stored records that lack something or differ ---------------------------------------------

    def _agree(self, kind: VocabularyKind, reference: Any, record_id: str, where: str) -> None:
        """Fill in or correct a record. Raise Problem `conflict` for each field that may not change.

        In one event null means that there is none, as in served documents. In a file, which may be
        older than the record, null means nothing.
        """
        key: tuple[Any, ...] = ()
        has_aliases = getattr(reference, "aliases", None) is not None
        if self._is_file and not has_aliases:  # a list is no part of a key
            key = (kind.name, record_id, VALUES[kind.name](reference))
            if key in self._settled:
                return
        stored = self._shelves[kind.name].records[record_id]
        nulls = () if self._is_file else reference.model_fields_set
        differing = list(find_deviations(FIELDS[kind.name], vars(reference), stored, nulls))
        faults = [
            Fault("body", f"{where}.{deviation.field}", objection)
            for deviation in differing
            if (objection := self._objections.find(kind.name, record_id, deviation)) is not None
        ]
        if faults:
            raise refuse(*faults, code="conflict")
        if differing:
            self._change(kind, record_id, differing, where)
        if self.rules.replace:
            for field in FIELDS[kind.name]:
                if getattr(reference, field) not in EMPTY_VALUES:
                    self.mentions.note_first(kind.name, record_id, field)
        if key:
            self._settled.add(key)

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
        if self.mentions.find(*key) is None:  # else this file has made it
            op = "fill" if all(deviation.lacking for deviation in differing) else "correct"
            changes = {d.field: {"from": d.stored, "to": document[d.field]} for d in differing}
            entry = RecordEntry(op, *key, kind.called(stored), self.mentions.line, changes)
            self.report.change(entry)
        for deviation in differing:
            self.mentions.note(*key, deviation.field)

    # -- storing ----------------------------------------------------------------------------------

    def store(self) -> None:
        """Write the rows of new and changed records."""
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
        """Store new and changed records with their revisions; rewrite the events that show them."""
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


def check_record(kind: VocabularyKind, fields: Json, where: str) -> None:
    """Raise Problem `invalid-body` if a new record would lack a required field."""
    try:
        kind.shape(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        details = ({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
        raise refuse(*from_validation(details), code="invalid-body") from error
