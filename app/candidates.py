"""Stored values that an unknown one may have meant, a few per request, however large the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.dialects import Prepared, require_slow
from app.suggestions import MAX_COMPARED_CHARS, nearest
from app.words import make_slug

MAX_SUGGESTIONS = 5  # per request; further unknown values get none
MAX_COMPARED = 2000  # values of a column; with more, only those near the unknown one
MAX_NEIGHBOURS = 200  # on either side of the unknown value, in order
MAX_EDITED_CHARS = 12  # a slip further on leaves neighbours in order that are near enough
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True)
class SearchedColumn:
    """An indexed column of a table, whole or only the rows of one condition."""

    table: str
    name: str = "id"
    condition: str = "1 = 1"
    label: str | None = None  # a second column of values beside the id

    def query(self, condition: str, order: str = "", limit: int | None = None) -> Prepared:
        """Return the query for the values that meet a condition on `{0}`, the column."""
        columns = self.name if self.label is None else f"{self.name}, {self.label}"
        conditions = f"{self.condition} AND {condition.format(self.name)}"
        end = "" if limit is None else f" ORDER BY {self.name} {order} LIMIT {limit}"
        return Prepared(f"SELECT {columns} FROM {self.table} WHERE {conditions}{end}")


class Candidates:
    """The stored values of the columns in one request, and the suggestions from them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[SearchedColumn, list[str]] = {}
        self._suggestions: dict[tuple[SearchedColumn, str], str | None] = {}

    def first_values(self, column: SearchedColumn) -> Sequence[str]:
        """Return the first values in order, one more than `MAX_COMPARED` if there are more."""
        if column not in self._known:
            query = column.query("1 = 1", limit=MAX_COMPARED + 1)
            self._known[column] = self._values(query)
        return self._known[column]

    def nearest(self, column: SearchedColumn, value: str) -> str | None:
        """Return the stored value closest to `value`; None if none is close, or too many failed."""
        key = column, value
        if key not in self._suggestions and len(self._suggestions) < MAX_SUGGESTIONS:
            require_slow(self._connection)
            values = self.first_values(column)
            choices = values if len(values) <= MAX_COMPARED else self._around(column, value)
            self._suggestions[key] = nearest(value, choices)
        return self._suggestions.get(key)

    def _around(self, column: SearchedColumn, value: str) -> list[str]:
        """Return the values near `value` in order, and those one edit away from it."""
        stem = (
            value[:MAX_COMPARED_CHARS]
            if column.name != "id"
            else make_slug(value[:MAX_COMPARED_CHARS])
        )
        values: list[str] = []
        for condition, order in (("{0} >= :stem", "ASC"), ("{0} < :stem", "DESC")):
            query = column.query(condition, order, MAX_NEIGHBOURS)
            values += self._values(query, stem=stem)
        edits = sorted(set(_edits(stem)))
        return values + self._values(column.query("{0} IN :edits"), edits=edits)

    def _values(self, query: Prepared, **parameters: str | list[str]) -> list[str]:
        rows = query.rows(self._connection, **parameters)
        return [value for row in rows for value in row if value is not None]


def _edits(word: str) -> Iterator[str]:
    """Yield the word with a letter left out or two swapped, or near its start changed or added."""
    for n in range(len(word)):
        yield word[:n] + word[n + 1 :]
        yield word[:n] + word[n + 1 : n + 2] + word[n : n + 1] + word[n + 2 :]
    for n in range(min(len(word), MAX_EDITED_CHARS) + 1):
        for letter in LETTERS:
            yield word[:n] + letter + word[n:]
            yield word[:n] + letter + word[n + 1 :]
