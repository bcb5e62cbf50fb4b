"""Stored values that an unknown one may have meant: a few a request, however large the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.dialects import Prepared
from app.suggestions import MAX_LETTERS, nearest
from app.words import slug

MAX_SUGGESTIONS = 5  # a request; further unknown values are only said to be unknown
MAX_COMPARED = 2000  # values of a column; of more, only those around the unknown one
NEIGHBOURS = 200  # on either side of the unknown one, in order
EDITED_LETTERS = 12  # at the beginning, behind which neighbours in order share enough
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True)
class Column:
    """An indexed column of a table, all of it or the rows of one condition."""

    table: str
    name: str = "id"
    condition: str = "1 = 1"
    label: str | None = None  # a second column that is a value, too, beside an id

    def query(self, condition: str, order: str = "", limit: int | None = None) -> Prepared:
        """Return the query of the values that a condition on `{0}`, the column, selects."""
        columns = self.name if self.label is None else f"{self.name}, {self.label}"
        where = f"{self.condition} AND {condition.format(self.name)}"
        end = "" if limit is None else f" ORDER BY {self.name} {order} LIMIT {limit}"
        return Prepared(f"SELECT {columns} FROM {self.table} WHERE {where}{end}")


class Candidates:
    """The stored values of one request's columns, and the suggestions made of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[Column, list[str]] = {}
        self._suggestions: dict[tuple[Column, str], str | None] = {}

    def known(self, column: Column) -> Sequence[str]:
        """Return the first values in order, one more than `MAX_COMPARED` if there are more."""
        if column not in self._known:
            query = column.query("1 = 1", limit=MAX_COMPARED + 1)
            self._known[column] = self._values(query)
        return self._known[column]

    def nearest(self, column: Column, value: str) -> str | None:
        """Return the stored value closest to `value`; None if none is close, or too many failed."""
        key = column, value
        if key not in self._suggestions and len(self._suggestions) < MAX_SUGGESTIONS:
            known = self.known(column)
            choices = known if len(known) <= MAX_COMPARED else self._around(column, value)
            self._suggestions[key] = nearest(value, choices)
        return self._suggestions.get(key)

    def _around(self, column: Column, value: str) -> list[str]:
        """Return the values near `value` in order, and those one edit away from it."""
        stem = value[:MAX_LETTERS] if column.name != "id" else slug(value[:MAX_LETTERS])
        found: list[str] = []
        for condition, order in (("{0} >= :stem", "ASC"), ("{0} < :stem", "DESC")):
            query = column.query(condition, order, NEIGHBOURS)
            found += self._values(query, stem=stem)
        edits = sorted(set(_edits(stem)))
        return found + self._values(column.query("{0} IN :edits"), edits=edits)

    def _values(self, query: Prepared, **parameters: str | list[str]) -> list[str]:
        rows = query.rows(self._connection, **parameters)
        return [value for row in rows for value in row if value is not None]


def _edits(word: str) -> Iterator[str]:
    """Give each word with a letter left out or two swapped, and at the beginning another letter."""
    for n in range(len(word)):
        yield word[:n] + word[n + 1 :]
        yield word[:n] + word[n + 1 : n + 2] + word[n : n + 1] + word[n + 2 :]
    for n in range(min(len(word), EDITED_LETTERS) + 1):
        for letter in LETTERS:
            yield word[:n] + letter + word[n:]
            yield word[:n] + letter + word[n + 1 :]
