"""Statements that are translated once for each engine; their rows are plain tuples.

SQLAlchemy takes several times longer over a small query than SQLite.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

PARAMETER = re.compile(r":(\w+)")
LIST = re.compile(r"IN :(\w+)")
LAST_TEXT = "\U0010ffff"  # sorts after every timestamp, id and word
BINARY = {"binary": True}  # else psycopg receives bytes as hexadecimal digits
Rows = Sequence[Any]  # of tuples


class Prepared:
    """A query with `:name` for a value and `IN :name` for a list of integers or of texts."""

    def __init__(self, query: str) -> None:
        self._sqlite = LIST.sub(r"IN (SELECT value FROM json_each(:\1))", query)
        self._postgresql = PARAMETER.sub(r"%(\1)s", LIST.sub(r"= ANY(:\1)", query))

    def rows(self, connection: Connection, **values: Any) -> Rows:
        """Return all rows. Raise DBAPIError."""
        driver: Any = connection.connection.driver_connection
        query, parameters, options = self._postgresql, values, BINARY
        if connection.dialect.name == "sqlite":
            query, options = self._sqlite, {}
            parameters = {n: json.dumps(v) if isinstance(v, list) else v for n, v in values.items()}
        try:
            rows: Rows = driver.execute(query, parameters, **options).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(query, parameters, error) from error
        return rows

    def row(self, connection: Connection, **values: Any) -> Any:
        """Return the first row, or None. Raise DBAPIError."""
        return next(iter(self.rows(connection, **values)), None)


def prefix_range(prefix: str) -> dict[str, str]:
    """Return the values of `:prefix` and `:beyond`, between which every text with a prefix is."""
    return {"prefix": prefix, "beyond": prefix + LAST_TEXT}
