"""Import a file of any format; the columns of a table are read by a mapping."""

import json
from collections.abc import Callable, Collection
from typing import Any, BinaryIO

from sqlalchemy import insert, text
from sqlmodel import Session

from app import reads
from app.errors import Fault, Problem, refuse
from app.formats import READERS, TABLE_READERS, MappingError, open_table
from app.formats.mapping import ColumnMapping
from app.models import TABLES
from app.schemas import read_json
from app.suggestions import nearest
from app.writes.imports import ImportOptions, ImportOutcome, import_lines
from app.writes.journal import By, current_timestamp

MAX_LISTED_QUESTIONS = 100
TABLE_OPTIONS = ("mapping", "save_mapping", "encoding", "sheet")


def import_file(
    session: Session,
    by: By,
    file: BinaryIO,
    format_name: str,
    options: ImportOptions,
    progress: Callable[[int], None] = lambda done: None,
) -> ImportOutcome:
    """Store the events of a file and return the outcome, as `import_lines` does.

    If a mapping is proposed for a table and has questions, a dry run returns it, and any other
    import raises Problem `invalid-body` with the questions as faults. If a dry run finds faults,
    the problem has the proposed mapping. Raise Problem `invalid-parameters` if the mapping does
    not fit the file.
    """
    if format_name not in TABLE_READERS:
        _refuse_table_options(format_name, options)
        return import_lines(session, by, READERS[format_name](file), options, progress)
    document = None if options.mapping is None else _find_mapping(session, options)
    defaults = {f"source_{name}" for name in options.source} | ({"type"} if options.type else set())
    try:
        table = open_table(
            file, document, defaults=defaults, encoding=options.encoding, sheet=options.sheet
        )
    except MappingError as error:
        raise refuse(*error.faults) from None
    if document is not None and table.mapping is not None:
        _refuse_empty_constants(table.mapping, defaults, options)
    mapping = None if table.mapping is None else table.mapping.as_json()
    if options.save_mapping and mapping is None:
        message = "has nothing to store: the columns of this file are Dateline's own"
        raise refuse(Fault("query", "save_mapping", message))
    if table.questions and options.dry_run:
        questions = [fault.as_json() for fault in table.questions[:MAX_LISTED_QUESTIONS]]
        outcome = ImportOutcome(questions=questions)
        session.rollback()
    else:
        try:
            outcome = import_lines(session, by, table.read(), options, progress)
        except Problem as problem:
            if table.proposed and options.dry_run:
                problem.mapping = mapping
                problem.detail += " `mapping` was proposed for the table: correct it or the table."
            elif table.proposed:
                problem.detail += (
                    f" {options.spell('dry_run')} proposes a mapping, to correct and send back"
                    f" with {options.spell('mapping', '…')}."
                )
            raise
    outcome.mapping, outcome.mapping_proposed = mapping, table.proposed
    outcome.ignored = [] if table.mapping is None else table.mapping.ignored
    if options.save_mapping and not options.dry_run:
        _save_mapping(session, by, options.save_mapping, mapping)
    return outcome


def _refuse_table_options(format_name: str, options: ImportOptions) -> None:
    """Raise Problem `invalid-parameters` for an option that only tables take."""
    names = [name for name in TABLE_OPTIONS if getattr(options, name) is not None]
    if names:
        message = f"works only for tables ({', '.join(TABLE_READERS)}), not for {format_name}"
        raise refuse(*(Fault("query", name, message) for name in names))


def _refuse_empty_constants(
    mapping: ColumnMapping, defaults: Collection[str], options: ImportOptions
) -> None:
    """Raise Problem `invalid-parameters` for each empty constant that every row would miss."""
    filled = {name for name, value in mapping.constants.items() if value}
    fields = mapping.fields | filled | set(defaults)
    has_source = any(name.startswith("source_") or name == "more_sources" for name in fields)
    faults = []
    for name in ("title", "type", "source_title"):
        has_value = has_source if name == "source_title" else name in fields
        if name in mapping.constants and not has_value:
            option = "map a column to it" if name == "title" else f"give {options.spell(name, '…')}"
            message = f"is missing; fill in constants.{name} in the mapping, or {option}"
            faults.append(Fault("query", f"mapping.constants.{name}", message))
    if faults:
        raise refuse(*faults)


def _find_mapping(session: Session, options: ImportOptions) -> Any:
    """Return a mapping from its JSON or its name. Raise Problem `invalid-parameters` if none."""
    mapping = options.mapping or ""
    if mapping.lstrip().startswith("{"):
        try:
            return read_json(mapping.encode("utf-8", "surrogatepass"))
        except ValueError as error:
            raise refuse(Fault("query", "mapping", str(error))) from None
    query = text("SELECT body FROM saved_mapping WHERE name = :name")
    body = session.execute(query, {"name": mapping}).scalar()
    if body is None:
        names = session.execute(text("SELECT name FROM saved_mapping ORDER BY name")).scalars()
        near = nearest(mapping[:100], list(names))
        raise refuse(Fault("query", "mapping", options.explain_unknown_mapping(), near))
    return json.loads(body)


def delete_mapping(session: Session, name: str) -> None:
    """Delete a stored mapping. Raise Problem `not-found` with the nearest name if there is none."""
    query = text("DELETE FROM saved_mapping WHERE name = :name RETURNING name")
    if not name.isprintable() or session.execute(query, {"name": name}).first() is None:
        raise reads.unknown_mapping(session.connection(), name)


def _save_mapping(session: Session, by: By, name: str, mapping: Any) -> None:
    session.execute(text("DELETE FROM saved_mapping WHERE name = :name"), {"name": name})
    row = {"name": name, "at": current_timestamp(), "author": by.author}
    body = json.dumps(mapping, ensure_ascii=False)
    session.execute(insert(TABLES["saved_mapping"]), {**row, "body": body})
