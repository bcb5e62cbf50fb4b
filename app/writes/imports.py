"""Import files of events or sources: all or nothing, every fault with its line."""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlmodel import Session
from typing_extensions import TypeAliasType

from app import index, reads, schemas
from app.candidates import Candidates
from app.dialects import listed
from app.errors import Fault, Problem, refuse, wrong
from app.formats import ENCODINGS, Line
from app.json_types import Json
from app.plain import count
from app.rows import EventRows, stored
from app.words import fold, make_slug
from app.writes.events import (
    EVENT,
    build_rows,
    compare_events,
    find_missing,
    missing_target,
    save_events,
)
from app.writes.journal import By, fetch_signature, fetch_versions
from app.writes.lookups import Lookups
from app.writes.objections import FileRules
from app.writes.records import without_derived
from app.writes.roles import RoleReader
from app.writes.type_names import TypeNames

STORED_BY_THIS_IMPORT = text(
    "SELECT record_id FROM change WHERE kind = 'event' AND cause_kind IS NULL"
    " AND record_id IN :ids AND position > :began"
).bindparams(listed("ids"))
MAX_FILE_FAULTS = 100  # that are reported; the rest of the file is not read
EVENT_OPTIONS = ("type", "roles", "source_publisher", "source_title", "source_url")
LIST_MEMBERS = ("match",)  # that lists add to an event


Encoding = TypeAliasType(
    "Encoding",
    Annotated[
        str,
        schemas.OneOf(
            ENCODINGS,
            words="The encoding of a table: `utf-8` and `utf-16` are recognised by themselves; "
            "`windows-1252` is that of older programs in western Europe and has to be named.",
        ),
    ],
)
MAX_MAPPING_CHARACTERS = 60_000  # a URL has room for fewer; files of the command line have not


class ImportOptions(BaseModel):
    """The options of an import."""

    model_config = ConfigDict(frozen=True)

    create_types: bool = Field(
        False, description="Make types that are not there yet.", examples=[True]
    )
    replace: bool = Field(
        False,
        description="Replace stored events that differ; without, they are an error.",
        examples=[True],
    )
    force: bool = Field(
        False,
        description="With `replace`: also overwrite events, and records that they name, that"
        " somebody changed since the version of the file.",
        examples=[True],
    )
    dry_run: bool = Field(
        False, description="Report the outcome and store nothing.", examples=[True]
    )
    type: schemas.Slug | None = Field(
        None, description="Type of the events that the file gives none.", examples=["statement"]
    )
    roles: list[schemas.Slug] = Field(
        [],
        description="Words that are roles if they stand in parentheses behind an actor of a table.",
        examples=[["freelance"]],
        max_length=schemas.MAX_ENTRIES,
    )
    source_publisher: schemas.LineText | None = Field(
        None,
        description="Publisher of the source for events that bring none.",
        examples=["Example News"],
    )
    source_title: schemas.LineText | None = Field(
        None, description="Its title.", examples=["A chronology"]
    )
    source_url: schemas.Url | None = Field(
        None, description="Its address.", examples=["https://example.org/chronology"]
    )

    mapping: Annotated[str, Field(max_length=MAX_MAPPING_CHARACTERS)] | None = Field(
        None,
        description="Which column of a table is which field: a mapping as JSON, or the name of a"
        " stored one. Without it, one is proposed; `dry_run` returns it.",
        examples=['{"Headline": "title", "date.order": "dmy"}'],
    )
    save_mapping: schemas.Slug | None = Field(
        None,
        description="Store the mapping of this import under a name, for `mapping`.",
        examples=["incidents"],
    )
    encoding: Encoding | None = Field(
        None,
        description="Encoding of a table. UTF-8 and UTF-16 are recognised.",
        examples=["windows-1252"],
    )
    sheet: schemas.LineText | None = Field(
        None, description="Sheet of an XLSX file; the first one without.", examples=["Events"]
    )

    @model_validator(mode="after")
    def _force_needs_replace(self) -> Self:
        if self.force and not self.replace:
            replace, force = self.spell("replace"), self.spell("force")
            message = f"{force} does nothing without {replace}: give both, or leave it out"
            raise wrong(message, name="force")
        return self

    def spell(self, name: str, value: str = "true") -> str:
        """Return an option as the user writes it: here as a parameter of the query."""
        return f"{name}={value}"

    def explain_unknown_mapping(self) -> str:
        """Return why `mapping` is none, if it is not stored."""
        return "is neither JSON nor the name of a stored mapping"

    @property
    def source(self) -> dict[str, str]:
        """Return the default source, as far as the options name it."""
        named = {
            "publisher": self.source_publisher,
            "title": self.source_title,
            "url": self.source_url,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass
class ImportOutcome:
    """The result of an import, in events; `notes` count the parts of the file left out.

    `records` are the first of the records that it created, filled in or corrected, `totals` their
    numbers by kind and op. `mapping` is that of a table's columns, unless they are Dateline's own;
    `ignored` are the columns left out. A mapping with `questions` was only proposed.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    records: list[Json] = field(default_factory=list)
    mapping: Json | None = None
    mapping_proposed: bool = False
    ignored: list[str] = field(default_factory=list)
    questions: list[Json] = field(default_factory=list)


class ParsedEvent(NamedTuple):
    """A line that is valid in itself."""

    line: Line
    event_id: str
    body: schemas.EventWrite
    version: int | None = None  # of the stored event that the line is an edit of


def import_lines(
    session: Session,
    by: By,
    lines: Iterable[Line],
    options: ImportOptions,
    progress: Callable[[int], None] = lambda done: None,
) -> ImportOutcome:
    """Store the events of a file, which may name each other in any order; return the outcome.

    Unchanged events are skipped. `progress` gets the number of lines from time to time. Raise
    Problem `invalid-body` with every fault, up to MAX_FILE_FAULTS; the caller must then roll back.
    Memory stays the same however long the file is, except for links to later events and some 100
    bytes for each new record.
    """
    run = _Run(session, by, options)
    with _collect_garbage_less():
        for done in run.take(lines):
            progress(done)
    run.require_targets()
    if run.faults:
        first_faults = sorted(run.faults[:MAX_FILE_FAULTS], key=lambda fault: fault.line or 0)
        problem = refuse(*first_faults, code="invalid-body")
        most = len(run.faults) >= MAX_FILE_FAULTS
        number = f"{len(run.faults)} or more faults" if most else count(len(run.faults), "fault")
        problem.detail = f"Nothing was imported: {number}."
        raise problem
    run.report_records()
    if options.dry_run:
        session.rollback()
    return run.report


@contextmanager
def _collect_garbage_less() -> Iterator[None]:
    """Let Python look for garbage cycles less often: an import allocates much, and no cycles."""
    usual = gc.get_threshold()
    gc.set_threshold(100 * usual[0], *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class _Run:
    def __init__(self, session: Session, by: By, options: ImportOptions) -> None:
        self.session = session
        self.by = by
        self.options = options
        rules = FileRules(
            options.create_types, options.replace, options.force, options.spell, by.author
        )
        self.lookups = Lookups(session, rules)
        self.types = TypeNames(session, create=options.create_types)
        self.roles = RoleReader(session, options.roles, options.spell)
        self.lookups.new_labels = self.types.new_labels
        self.blocks = index.BlockWriter(session.connection())
        self.report = ImportOutcome()
        self.faults: list[Fault] = []
        self.began = reads.position(session.connection()).position
        self.awaited: dict[str, tuple[Line, int]] = {}  # targets to be found further down
        self.blamed: set[str] = set()  # ids of events that have a fault of their own

    def take(self, lines: Iterable[Line]) -> Iterator[int]:
        """Go through the file; gives the number of lines read from time to time."""
        batch: dict[str, ParsedEvent] = {}
        sources: list[tuple[Line, schemas.SourceWrite]] = []
        for done, line in enumerate(lines, 1):
            if line.kind == "source":
                sources += self._read_source(line)
                if len(sources) == index.BATCH:
                    self._store_sources(sources)
                    sources = []
                    yield done
            elif (read := self._read(line)) is not None:
                if read.event_id in batch:  # is to be compared with the one before
                    self._store(list(batch.values()))
                    batch = {}
                batch[read.event_id] = read
            if len(batch) == index.BATCH:
                self._store(list(batch.values()))
                batch = {}
                yield done
            if len(self.faults) >= MAX_FILE_FAULTS:
                return
        self._store(list(batch.values()))
        self._store_sources(sources)
        self.blocks.flush()

    def require_targets(self) -> None:
        """Note a fault for each link to an event that never came, up to MOST_FAULTS."""
        candidates = Candidates(self.session.connection())
        for batch in index.batches(self.awaited):
            for target in sorted(find_missing(self.session, batch)):
                if target in self.blamed:
                    continue
                line, number = self.awaited[target]
                fault = missing_target(candidates, number, target)
                self.faults.append(line.blame(fault))
            if len(self.faults) >= MAX_FILE_FAULTS:
                return

    def report_records(self) -> None:
        """Add to the report the changes of actors, places, sources, types, tags, publishers."""
        records = self.lookups.report
        records.find_similar(self.session)
        self.report.totals, self.report.records = records.totals, records.records

    def _read(self, line: Line) -> ParsedEvent | None:
        self._take_notes(line.notes)
        if line.faults or line.skipped:
            self.faults += line.faults
            return None
        members = {n: value for n, value in line.document.items() if n not in LIST_MEMBERS}
        document = without_derived(EVENT, members)
        try:
            version = _read_version(line.document.get("version"))
            if isinstance(document.get("type"), str):
                document["type"] = self.types.find(document["type"])
            if line.actors:
                document["actors"], notes = self.roles.read(line)
                self._take_notes(notes)
        except Problem as problem:
            self._blame(line, problem, document.get("id"))
            return None
        if self.options.type is not None:
            document.setdefault("type", self.options.type)
        if self.options.source:
            document.setdefault("sources", [self.options.source])
        if faults := list(self._missing(document)):
            self._blame(line, refuse(*faults, code="invalid-body"), document.get("id"))
            return None
        try:
            body = schemas.validate(schemas.EventWrite, document)
        except Problem as problem:
            self._blame(line, problem, document.get("id"))
            return None
        event_id = body.id or make_slug(f"{body.date.edtf} {body.title}")
        return ParsedEvent(line, event_id, body, version)

    def _read_source(self, line: Line) -> Iterator[tuple[Line, schemas.SourceWrite]]:
        """Yield the source of a line, if it is valid."""
        self._take_notes(line.notes)
        self.faults += line.faults
        if line.faults:
            return
        self._refuse_event_options()
        try:
            yield line, schemas.validate(schemas.SourceWrite, line.document)
        except Problem as problem:
            self._blame(line, problem, None)

    def _refuse_event_options(self) -> None:
        """Raise Problem `invalid-parameters` for options that mean nothing to sources."""
        names = [name for name in EVENT_OPTIONS if getattr(self.options, name)]
        if names:
            message = "works only for events; this file has sources"
            raise refuse(*(Fault("query", name, message) for name in names))

    def _store_sources(self, batch: Sequence[tuple[Line, schemas.SourceWrite]]) -> None:
        """Create, fill in and, if the file may, correct sources; no event is touched."""
        if not batch:
            return
        self.lookups.prepare_sources([source for _, source in batch])
        for line, source in batch:
            self.lookups.mentions.line = line.number
            known = self.lookups.report.number_of("source")
            try:
                self.lookups.resolve_source(source)
            except Problem as problem:
                self._blame(line, problem, None)
            else:
                if self.lookups.report.number_of("source") == known:
                    self._take_notes(["a source is stored already, as the file has it"])
        self.lookups.save(self.by, blocks=self.blocks)

    def _store(self, batch: list[ParsedEvent]) -> None:
        """Store what is new or to be replaced."""
        last = fetch_versions(self.session, "event", [read.event_id for read in batch])
        stored_rows = stored(self.session.connection(), last)
        gone, own = last.keys() - stored_rows, self._written(stored_rows)
        self.lookups.prepare([read.body for read in batch])
        new: list[EventRows] = []
        for read in batch:
            try:
                rows = self._rows(read, stored_rows, gone, own)
            except Problem as problem:
                self._blame(read.line, problem, read.event_id)
                continue
            if rows is not None:
                new.append(rows)
                self.report.updated += rows.event_id in stored_rows
                self.report.created += rows.event_id not in stored_rows
        save_events(self.session, self.by, self.lookups, new, stored_rows, last, blocks=self.blocks)
        lines = {read.event_id: read.line for read in batch}
        self._await(new, lines)

    def _rows(
        self, read: ParsedEvent, stored_rows: dict[str, EventRows], gone: set[str], own: set[str]
    ) -> EventRows | None:
        """Return the rows to store; None if they are stored already."""
        if read.event_id in gone:
            message = f"the event '{read.event_id}' was deleted; restore it first"
            raise refuse(Fault("body", "id", message), code="conflict")
        self.lookups.mentions.line = read.line.number
        rows = build_rows(self.lookups, read.event_id, read.body)
        was = stored_rows.get(read.event_id)
        if was is None:
            return rows
        difference = compare_events(rows, was)
        differing = ", ".join(difference.differing)
        if not differing:
            self.report.unchanged += 1
            return None
        if read.body.id is None and fold(read.body.title) != fold(was.event["title"]):
            message = (
                f"the id made from date and title, '{read.event_id}', is that of the event"
                f' "{was.event["title"][:100]}". It is probably the same event, corrected since:'
                " leave the line out, or give it that id. If it is another event, give this line an"
                " `id` of its own"
            )
        elif read.event_id in own:
            message = f"'{read.event_id}' stands in this file before, and differs in {differing}"
        elif not self.options.force and read.version not in (None, was.event["version"]):
            message = self._changed_since(read, was.event["version"], differing)
        elif not self.options.replace:
            author, at = fetch_signature(self.session, "event", read.event_id, was.event["version"])
            message = (
                f"'{read.event_id}' is stored already and differs in {differing} from what {author}"
                f" wrote at {at}; import with {self.options.spell('replace')} to replace it"
            )
        else:
            self._take_notes(
                f"{name} was removed from an event: the file gives none"
                for name in difference.removed
            )
            if number := difference.removed_sources:
                verb, it = ("was", "it") if number == 1 else ("were", "them")
                self._take_notes(
                    [
                        f"{count(number, 'source')} {verb} removed from an event: the file does not"
                        f" have {it}"
                    ]
                )
            return rows
        raise refuse(Fault("body", "id", message), code="conflict")

    def _changed_since(self, read: ParsedEvent, current: int, differing: str) -> str:
        """Say whose version a line would overwrite unseen."""
        author, at = fetch_signature(self.session, "event", read.event_id, current)
        return (
            f"'{read.event_id}' differs in {differing} from version {current}, which {author} made"
            f" at {at}; the file has version {read.version}. Export again and repeat the edit on"
            f" {author}'s version, or leave the line out to keep it;"
            f" {self.options.spell('replace')} with {self.options.spell('force')} overwrites it"
        )

    def _written(self, ids: Collection[str]) -> set[str]:
        """Return the ids, of these, that this import has stored."""
        rows = (
            self.session.execute(STORED_BY_THIS_IMPORT, {"ids": list(ids), "began": self.began})
            if ids
            else ()
        )
        return {event_id for (event_id,) in rows}

    def _await(self, new: Iterable[EventRows], lines: dict[str, Line]) -> None:
        """Remember the links whose target is not there yet."""
        links = {
            target: (lines[rows.event_id], position)
            for rows in new
            for position, _, target in rows.links
        }
        for event_id in lines:
            self.awaited.pop(event_id, None)
        for target in find_missing(self.session, links) if links else ():
            self.awaited[target] = links[target]

    def _missing(self, document: Mapping[str, Any]) -> Iterator[Fault]:
        """Yield a fault for each member that an option of the import could give."""
        for member, option in (("type", "type"), ("sources", "source_title")):
            if member not in document:
                spelt = self.options.spell(option, "…")
                message = f"is missing; give one, or name one for the whole import: {spelt}"
                yield Fault("body", member, message)

    def _take_notes(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.report.notes[note] = self.report.notes.get(note, 0) + 1

    def _blame(self, line: Line, problem: Problem, event_id: object) -> None:
        if isinstance(event_id, str):
            self.blamed.add(event_id)
        self.faults += map(line.blame, problem.faults)


def _read_version(value: Any) -> int | None:
    """Return the version that a line names. Raise Problem `invalid-body` if it can be none."""
    if value is None or (type(value) is int and value > 0):
        return value
    message = "is not a version: a whole number from 1, or nothing"
    raise refuse(Fault("body", "version", message), code="invalid-body")
