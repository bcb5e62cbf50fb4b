"""Names and ids: free ids, and the tags and publishers that exist as long as they are used."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from app import rows
from app.dialects import listed
from app.json_types import Json
from app.rows import batches
from app.words import fold, make_search_text, make_slug

# Ids made of one name: the plain one, and those with a number, as a range that an index finds.
NUMBERED = "({0} = :base OR ({0} >= :low AND {0} < :high))"


def fetch_ids(session: Session, query: str, **parameters: Any) -> list[str]:
    """Return the ids that a query selects."""
    return list(session.execute(text(query), parameters).scalars())


def numbered_parameters(base: str) -> dict[str, str]:
    """Return the parameters of NUMBERED; `.` is the character after `-`."""
    return {"base": base, "low": f"{base}-", "high": f"{base}."}


class IdAllocator:
    """Allocate ids for new records of a table: ids that no row has or had."""

    def __init__(self, session: Session, table: str) -> None:
        self._session = session
        self._held = (
            f"SELECT id FROM {table} WHERE {{}}"
            f" UNION SELECT record_id FROM change WHERE kind = '{table}' AND cause_kind IS NULL"
            " AND {}"
        )
        self._asked: set[str] = set()
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}  # number for a name whose plain id is taken

    def __len__(self) -> int:
        return len(self._taken) + len(self._asked)

    def ask(self, wanted: Iterable[str]) -> None:
        """Look up which of the ids are taken, in one query."""
        new = set(wanted) - self._asked
        query = text(self._held.format("id IN :ids", "record_id IN :ids")).bindparams(listed("ids"))
        for batch in batches(new):
            self._taken |= set(self._session.execute(query, {"ids": batch}).scalars())
        self._asked |= new

    def taken(self, record_id: str) -> bool:
        """Return whether a record has or had this id."""
        if record_id not in self._asked:
            self.ask([record_id])
        return record_id in self._taken

    def make(self, name: str) -> str:
        """Return a free id: the slug of the name, with a number if that is taken."""
        base = chosen = make_slug(name)
        if self.taken(base):
            chosen = next(name for name in self._numbered(base) if name not in self._taken)
        self.take(chosen)
        return chosen

    def _numbered(self, base: str) -> Iterator[str]:
        """Yield the ids made of it and a number, from the least that may be free."""
        if base not in self._next:
            query = self._held.format(NUMBERED.format("id"), NUMBERED.format("record_id"))
            self._taken.update(fetch_ids(self._session, query, **numbered_parameters(base)))
        for number in count(self._next.get(base, 2)):
            self._next[base] = number
            yield f"{base}-{number}"

    def take(self, record_id: str) -> None:
        """Mark the id as taken."""
        self._asked.add(record_id)
        self._taken.add(record_id)

    def forget(self) -> None:
        """Clear the caches; every new record must be stored."""
        for cache in (self._asked, self._taken, self._next):
            cache.clear()


class NameTable:
    """Tags or publishers: two spellings of a name are one, and a new name creates a record."""

    def __init__(
        self,
        session: Session,
        table: str,
        announce: Callable[[str, str, str], None] = lambda table, record_id, name: None,
    ) -> None:
        self._session = session
        self._table = table
        self._announce = announce  # each new name, with its table and its id
        self._ids = IdAllocator(session, table)
        self._known: dict[str, Json | None] = {}  # by folded name; None if it is new
        self._made: list[tuple[str, ...]] = []
        self.records: dict[str, Json] = {}

    def ask(self, names: Iterable[str]) -> None:
        """Look up which of the names are stored, in one query."""
        new_names = {folded: name for name in names if (folded := fold(name)) not in self._known}
        self._known |= dict.fromkeys(new_names)
        query = text(f"SELECT folded, id, name FROM {self._table} WHERE folded IN :names")
        for batch in batches(new_names):
            rows = self._session.execute(query.bindparams(listed("names")), {"names": batch})
            for folded, record_id, name in rows:
                self._learn(folded, record_id, name)
        self._ids.ask(
            make_slug(name) for folded, name in new_names.items() if not self._known[folded]
        )

    def _learn(self, folded: str, record_id: str, name: str) -> Json:
        record = self._known[folded] = self.records[record_id] = {"id": record_id, "name": name}
        return record

    def find(self, name: str) -> Json:
        """Return the id and the name as first spelt; create it if it is new."""
        folded = fold(name)
        if folded not in self._known:
            self.ask([name])
        return self._known[folded] or self._make(folded, name)

    def _make(self, folded: str, name: str) -> Json:
        record_id = self._ids.make(name)
        self._made.append((record_id, name, folded, make_search_text([[name]])))
        self._announce(self._table, record_id, name)
        return self._learn(folded, record_id, name)

    def store(self) -> None:
        """Insert the new names."""
        rows.insert(self._session.connection(), self._table, self._made)
        self._made.clear()

    def forget(self, most: int) -> None:
        """Clear the caches if they hold more than `most` names; new ones must be stored."""
        if len(self._known) > most:
            for cache in (self._known, self.records):
                cache.clear()
            self._ids.forget()
