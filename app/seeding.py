"""The example chronology: read `seed/`, validate it as any input, store it through `writes`."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import Session

from app import reads, schemas, writes
from app.errors import OperatorError, Problem, from_validation, refuse

SEED_FOLDER = Path(__file__).parent.parent / "seed"

# Records by file, in the order of loading: events come last, since they refer to the others.
SEED_KINDS = {
    "types": writes.TYPE,
    "actors": writes.ACTOR,
    "places": writes.PLACE,
    "sources": writes.SOURCE,
}
BY = writes.By("dateline seed")


class SeedError(OperatorError):
    """A file of `seed/` that cannot be stored; the message names file, entry and field."""


def seed(session: Session) -> dict[str, tuple[int, int]]:
    """Store the missing entries; return for each file how many were stored, and how many it has.

    An entry whose id is taken stays as it is: somebody may have corrected it. Raise SeedError if a
    file is not valid.
    """
    counts = {}
    for name in (*SEED_KINDS, "events"):
        entries = read_seed(name)
        stored = set(session.execute(text(f"SELECT id FROM {name.removesuffix('s')}")).scalars())
        new = [entry for entry in entries if entry.get("id") not in stored]
        _store(session, name, new)
        counts[name] = len(new), len(entries)
    counts["chronology"] = _store_chronology(session), 1
    return counts


def read_seed(name: str) -> list[dict[str, Any]]:
    """Return the entries of `seed/NAME.toml`. Raise SeedError if it is not TOML."""
    try:
        document = tomllib.loads((SEED_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        entries: list[dict[str, Any]] = document[name]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedError(f"seed/{name}.toml is not TOML: {error}") from error
    except KeyError:
        raise SeedError(f"seed/{name}.toml has no [[{name}]]") from None
    return entries


def _store(session: Session, name: str, entries: list[dict[str, Any]]) -> None:
    if name == "events":  # they may name each other in any order
        events = []
        for entry in entries:
            with _name_entry(name, entry):
                events.append(schemas.EventWrite(**entry))
        with _name_entry(name, {}):
            writes.create_events(session, BY, events)
        return
    kind = SEED_KINDS[name]
    for entry in entries:
        with _name_entry(name, entry):
            kind.save(session, BY, kind.shape(**entry), "create")


def _store_chronology(session: Session) -> int:
    """Store the title and the like unless some are stored; return how many records it stored."""
    if reads.fetch_chronology(session.connection())["version"]:
        return 0
    (entry,) = read_seed("chronology")
    with _name_entry("chronology", {}):
        writes.put_chronology(session, BY, entry, writes.Precondition())
    return 1


@contextmanager
def _name_entry(name: str, entry: dict[str, Any]) -> Iterator[None]:
    """Name the file and the entry in any error."""
    where = ", ".join(filter(None, (f"seed/{name}.toml", entry.get("id"))))
    try:
        yield
    except ValidationError as error:
        raise SeedError(f"{where}: {refuse(*from_validation(error.errors()))}") from error
    except Problem as problem:
        raise SeedError(f"{where}: {problem.detail}") from problem
