"""Kinds of column, index and parameter that both engines take."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Integer, String, bindparam, text

# Ids and timestamps are ordered byte by byte on both engines, whatever the server's locale.
Ordered = String().with_variant(String(collation="C"), "postgresql")

# A 64-bit key; SQLite's rowid, which needs no index of its own, must be declared INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")

# Rows of these tables lie in the order of their primary key.
CLUSTERED = {"sqlite_with_rowid": False}

# Values of these tables lie in their row as they are: compressed, as PostgreSQL would have them,
# they take a third longer to read.
AS_THEY_ARE = {"postgresql_with": {"toast_tuple_target": 8160}}


def only_where(condition: str) -> dict[str, Any]:
    """Options of an index that holds only the rows that meet a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def listed(name: str) -> BindParameter[Any]:
    """The parameter of `IN :name`: a list of texts, which may be empty."""
    return bindparam(name, expanding=True, type_=String())


def numbers(values: Iterable[int]) -> str:
    """Whole numbers as SQL between commas, for lists too long to be parameters; none is NULL."""
    return ", ".join(str(int(value)) for value in values) or "NULL"
