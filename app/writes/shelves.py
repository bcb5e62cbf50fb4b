"""The records of a kind that a transaction looks at: stored ones, and new ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from app import rows
from app.json_types import Json
from app.rows import batches
from app.words import make_slug
from app.writes.names import IdAllocator
from app.writes.vocabulary import Handle, VocabularyKind


class RecordCache:
    """The records of a kind that were looked up or created."""

    def __init__(self, session: Session, kind: VocabularyKind) -> None:
        self.ids = IdAllocator(session, kind.name)
        self.records: dict[str, Json] = {}
        self._session = session
        self._kind = kind
        self._found: dict[Handle, list[str]] = {}  # empty if there is none

    def ask(self, wanted: Iterable[Mapping[str, Any]]) -> None:
        """Look up all stored records of these at once, and ids for the others."""
        by_id, others = set(), []
        for fields in wanted:
            if fields["id"] is None:
                others.append(fields)
            else:
                by_id.add(fields["id"])
        by_id |= self._find({next(self._kind.handles(fields), None) for fields in others})
        self.load(by_id)
        called = (self._kind.called(fields) for fields in others if not self.find(fields))
        self.ids.ask({*(by_id - self.records.keys()), *map(make_slug, called)})

    def load(self, wanted: set[str]) -> None:
        """Load the records with these ids."""
        new = wanted - self.records.keys()
        self.records |= rows.records(self._session.connection(), self._kind.name, new)

    def _find(self, handles: set[Handle | None]) -> set[str]:
        """Return the ids that new handles find."""
        new = [handle for handle in handles if handle and handle not in self._found]
        self._found |= {handle: [] for handle in new}
        for batch in batches(new):
            for handle, record_id in self._kind.find(self._session, batch):
                self._found[handle].append(record_id)
        return {record_id for handle in new for record_id in self._found[handle]}

    def find(self, fields: Mapping[str, Any]) -> list[str]:
        """Return the ids of the records that fit."""
        handle = next(self._kind.handles(fields), None)
        return [] if handle is None else self._found[handle]

    def add(self, record: Json) -> None:
        """Add a new record."""
        self.ids.take(record["id"])
        self._hold(record)

    def change(self, record: Json) -> None:
        """Replace a record."""
        for handle in self._kind.handles(self.records[record["id"]]):
            if record["id"] in self._found.get(handle, ()):
                self._found[handle].remove(record["id"])
        self._hold(record)

    def _hold(self, record: Json) -> None:
        self.records[record["id"]] = record
        for handle in dict.fromkeys(self._kind.handles(record)):
            if handle in self._found:  # else it is asked for when this one is stored
                self._found[handle].append(record["id"])

    def forget(self, most: int) -> None:
        """Clear the cache if it holds more than `most` records; new ones must be stored."""
        if len(self.records) > most:
            self.records.clear()
            self._found.clear()
            self.ids.forget()
