"""The example chronology: `seed/` read, validated as any input is, and stored through `writes`."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import Session

from app import schemas, writes
from app.errors import Problem, from_validation, refuse

FOLDER = Path(__file__).parent.parent / "seed"

# What a file holds, in the order of loading; what an event names comes before events.
KINDS = {
    "types": writes.TYPE,
    "actors": writes.ACTOR,
    "places": writes.PLACE,
    "sources": writes.SOURCE,
}
BY = writes.By("dateline seed")


class SeedError(Exception):
    """A file of `seed/` that cannot be stored; the message names file, entry and field."""


def seed(session: Session) -> dict[str, tuple[int, int]]:
    """Store what is not there yet; gives for each file how many were stored and how many exist.

    What has an id that exists is left as it is: it may have been corrected since. SeedError where
    a file is not right.
    """
    done = {}
    for name in (*KINDS, "events"):
        entries = read(name)
        stored = set(session.execute(text(f"SELECT id FROM {name.removesuffix('s')}")).scalars())
        new = [entry for entry in entries if entry.get("id") not in stored]
        _store(session, name, new)
        done[name] = len(new), len(entries)
    return done


def read(name: str) -> list[dict[str, Any]]:
    """The entries of `seed/NAME.toml`."""
    try:
        document = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
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
            with _named(name, entry):
                events.append(schemas.EventWrite(**entry))
        with _named(name, {}):
            writes.create_events(session, BY, events)
        return
    kind = KINDS[name]
    for entry in entries:
        with _named(name, entry):
            kind.save(session, BY, kind.shape(**entry), "create")


@contextmanager
def _named(name: str, entry: dict[str, Any]) -> Iterator[None]:
    """Say of what goes wrong which file and entry it is in."""
    where = ", ".join(filter(None, (f"seed/{name}.toml", entry.get("id"))))
    try:
        yield
    except ValidationError as error:
        raise SeedError(f"{where}: {refuse(*from_validation(error.errors()))}") from error
    except Problem as problem:
        raise SeedError(f"{where}: {problem.detail}") from problem
