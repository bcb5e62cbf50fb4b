"""API keys: how one is made, recognised and revoked. Only a hash of it is ever stored."""

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, insert, text
from sqlmodel import Session

from app.dialects import StoreError
from app.models import TABLES

PREFIX = "dln_"  # by which scanners for leaked secrets, and people, know one
DIGITS = string.digits + string.ascii_letters
ID, SECRET, CHECKSUM = 8, 32, 6  # letters; 32 of 62 are 190 random bits
KEY = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{ID + SECRET + CHECKSUM}}}")
TABLE = TABLES["api_key"]


@dataclass(frozen=True)
class Holder:
    """Who sends a valid key; `id` tells the keys of one name apart."""

    id: str
    name: str
    scope: str

    def may(self, scope: str) -> bool:
        """Whether the key reaches so far: `write` includes `read`."""
        return self.scope in (scope, "write")


def make(session: Session, name: str, scope: str, now: str, expires_at: str | None) -> str:
    """Store a new key and give it, for the only time; StoreError where the name is taken."""
    if session.execute(text("SELECT 1 FROM api_key WHERE name = :name"), {"name": name}).first():
        raise StoreError(f"there is a key of the name '{name}' already; names are never reused")
    key_id = _random(ID)
    body = f"{PREFIX}{key_id}{_random(SECRET)}"
    key = body + _checksum(body)
    row = {"id": key_id, "name": name, "hash": _hash(key), "scope": scope, "created_at": now}
    session.execute(insert(TABLE), {**row, "expires_at": expires_at})
    return key


def listed(connection: Connection) -> Iterator[RowMapping]:
    """Every key ever made, the oldest first, without its hash."""
    columns = "id, name, scope, created_at, expires_at, revoked_at"
    yield from connection.execute(
        text(f"SELECT {columns} FROM api_key ORDER BY created_at, id")
    ).mappings()


def revoke(session: Session, name: str, now: str) -> None:
    """End the key of this name or id; StoreError where there is none."""
    query = (
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, :now)"
        " WHERE name = :name OR id = :name RETURNING id"
    )
    if session.execute(text(query), {"name": name, "now": now}).first() is None:
        raise StoreError(f"there is no key '{name}'; `dateline key list` shows them")


def well_formed(key: str) -> bool:
    """Whether a text can be a key at all; a mistyped one cannot."""
    return KEY.fullmatch(key) is not None and _checksum(key[:-CHECKSUM]) == key[-CHECKSUM:]


def holder(connection: Connection, key: str, now: str) -> Holder | None:
    """Who holds a key; None where it is none, has expired or was revoked."""
    if not well_formed(key):
        return None
    start = len(PREFIX)
    query = text("SELECT * FROM api_key WHERE id = :id")
    row = connection.execute(query, {"id": key[start : start + ID]}).first()
    # Compared in constant time, so that no answer's time tells how much of a guess was right.
    if row is None or not hmac.compare_digest(row.hash, _hash(key)):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return Holder(row.id, row.name, row.scope)


def _random(length: int) -> str:
    return "".join(secrets.choice(DIGITS) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def _hash(key: str) -> str:
    # The key is random enough that a slow hash would protect nothing more.
    return sha256(key.encode()).hexdigest()
