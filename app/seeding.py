"""The example chronology: `seed/` read, validated as any input is, and stored through `writes`."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from app import schemas, writes

FOLDER = Path(__file__).parent.parent / "seed"

# What a file holds, in the order of loading; what an event names comes before events.
FILES: dict[str, tuple[type[schemas.Shape], Callable[[Session, Any], object]]] = {
    "types": (schemas.TypeWrite, writes.create_type),
    "actors": (schemas.ActorWrite, writes.create_actor),
    "places": (schemas.PlaceWrite, writes.create_place),
    "sources": (schemas.SourceWrite, writes.create_source),
}


def read(name: str) -> list[dict[str, Any]]:
    """The entries of `seed/NAME.toml`."""
    document = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    entries: list[dict[str, Any]] = document[name]
    return entries


def seed(session: Session) -> dict[str, tuple[int, int]]:
    """Store what is not there yet; gives for each file how many were stored and how many exist.

    What has an id that exists is left as it is: it may have been corrected since.
    """
    done = {}
    for name, (shape, create) in FILES.items():
        new = _new(session, name, read(name))
        for entry in new:
            create(session, shape(**entry))
        done[name] = len(new), len(read(name))
    events = read("events")
    new = _new(session, "events", events)
    writes.create_events(session, [schemas.EventWrite(**entry) for entry in new])
    done["events"] = len(new), len(events)
    return done


def _new(session: Session, name: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    stored = set(session.execute(text(f"SELECT id FROM {name.removesuffix('s')}")).scalars())
    return [entry for entry in entries if entry["id"] not in stored]
