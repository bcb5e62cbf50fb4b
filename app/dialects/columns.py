"""Kinds of column, index and parameter that both engines accept."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Integer, String, bindparam, text

# Ids and timestamps are ordered byte by byte on both engines, whatever the server's locale.
Ordered = String().with_variant(String(collation="C"), "postgresql")

# A 64-bit key; SQLite's rowid, which needs no index of its own, must be declared INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")

# Rows of these tables lie in the order of their primary key.
CLUSTERED = {"sqlite_with_rowid": False}

# Values of these tables stay uncompressed in their row: PostgreSQL reads them a third faster.
AS_THEY_ARE = {"postgresql_with": {"toast_tuple_target": 8160}}


def only_where(condition: str) -> dict[str, Any]:
    """Return the options of an index over only the rows that meet a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def listed(name: str) -> BindParameter[Any]:
    """Return the parameter of `IN :name`: a list of texts, which may be empty."""
    return bindparam(name, expanding=True, type_=String())


def numbers(values: Iterable[int]) -> str:
    """Return integers as SQL, for lists too long to be parameters; an empty list is NULL."""
    return ", ".join(str(int(value)) for value in values) or "NULL"
