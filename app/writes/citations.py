"""Adding one source to an event, and removing one, as edits of the event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from app import schemas
from app.errors import Fault, Problem, refuse
from app.json_types import Json
from app.plain import count
from app.writes.events import EVENT
from app.writes.journal import By
from app.writes.records import Precondition, Saved, fetch_for_edit, save_edit, without_derived


def add_source(
    session: Session, by: By, event_id: str, entry: Any, condition: Precondition
) -> Saved:
    """Cite one more source. Raise Problem `conflict` if the event cites it in the same words."""
    stored = fetch_for_edit(session, EVENT, event_id, condition)
    if not isinstance(entry, dict):
        fault = Fault("body", "body", "give a JSON object: one entry of `sources`, not a list")
        raise refuse(fault, code="invalid-body")
    schemas.validate(schemas.SourceReference, entry)
    number = len(stored["sources"])
    if number == schemas.MAX_SOURCES:
        message = f"the event has {number} sources, and can have no more"
        raise refuse(Fault("body", "body", message), code="conflict")
    document = {**without_derived(EVENT, stored), "sources": [*stored["sources"], entry]}
    with _renaming(f"sources.{number}", "body", "body"):
        saved = save_edit(session, by, EVENT, stored, document)
    *others, added = map(_comparable, schemas.read_json(saved.body)["sources"])
    if added in others:
        message = f"the event cites it in these words already: as source {others.index(added)}"
        raise refuse(Fault("body", "body", message), code="conflict")
    return saved


def remove_source(
    session: Session, by: By, event_id: str, number: int, condition: Precondition
) -> Saved:
    """Remove a source by its place. Raise Problem `conflict` if no supporting one would be left."""
    stored = fetch_for_edit(session, EVENT, event_id, condition)
    sources = stored["sources"]
    if number >= len(sources):
        message = f"there is no source {number}: they count from 0 to {len(sources) - 1}"
        problem = refuse(Fault("path", "n", message), code="not-found")
        problem.detail = f"The event '{event_id}' has {count(len(sources), 'source')}."
        raise problem
    left = [*sources[:number], *sources[number + 1 :]]
    with _renaming("sources", "path", "n"):
        return save_edit(
            session, by, EVENT, stored, {**without_derived(EVENT, stored), "sources": left}
        )


def _comparable(source: Json) -> Json:
    """Return a source and its citation, with the claims in one order."""
    return {**source, "claims": sorted(source["claims"])}


@contextmanager
def _renaming(prefix: str, where: str, name: str) -> Iterator[None]:
    """Name faults in a part of the event as the client does, to whom that part is `name`."""
    try:
        yield
    except Problem as problem:
        if not problem.faults:
            raise
        faults = (_renamed(fault, prefix, where, name) for fault in problem.faults)
        raise refuse(*faults, code=problem.code) from None


def _renamed(fault: Fault, prefix: str, where: str, name: str) -> Fault:
    if fault.name != prefix and not fault.name.startswith(f"{prefix}."):
        return fault
    member = fault.name.removeprefix(prefix).removeprefix(".")
    return replace(fault, where=where, name=member or name)
