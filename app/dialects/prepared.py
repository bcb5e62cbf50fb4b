"""Statements spelt once for each engine, whose rows come as plain tuples.

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
EACH = re.compile(r"EACH :(\w+)")
BINARY = {"binary": True}  # psycopg takes bytes as hexadecimal digits otherwise
Rows = Sequence[Any]  # of tuples, or what is used as one


class Prepared:
    """A query with `:name` for a value and `IN :name` for a list of whole numbers or of texts.

    `EACH :name` is a table of a list of whole numbers: `each`, with the column `value`.
    """

    def __init__(self, query: str) -> None:
        told = EACH.sub(r"json_each(:\1) AS each", query)
        self._sqlite = LIST.sub(r"IN (SELECT value FROM json_each(:\1))", told)
        told = EACH.sub(r"unnest(CAST(:\1 AS bigint[])) AS each(value)", query)
        self._postgresql = PARAMETER.sub(r"%(\1)s", LIST.sub(r"= ANY(:\1)", told))

    def rows(self, connection: Connection, **values: Any) -> Rows:
        """All that it finds."""
        driver: Any = connection.connection.driver_connection
        query, told, how = self._postgresql, values, BINARY
        if connection.dialect.name == "sqlite":
            query, how = self._sqlite, {}
            told = {n: json.dumps(v) if isinstance(v, list) else v for n, v in values.items()}
        try:
            found: Rows = driver.execute(query, told, **how).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(query, told, error) from error
        return found

    def row(self, connection: Connection, **values: Any) -> Any:
        """The first that it finds, None where it finds nothing."""
        return next(iter(self.rows(connection, **values)), None)
