"""API keys: create, recognise, list and revoke them. Only their hashes are stored."""

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, text

from app.dialects import StoreError
from app.errors import Problem

if TYPE_CHECKING:
    from sqlmodel import Session

KEY_PREFIX = "dln_"  # lets people and secret scanners recognise a key
KEY_DIGITS = string.digits + string.ascii_letters
ID, SECRET, CHECKSUM = 8, 32, 6  # characters; 32 out of 62 are 190 random bits
KEY = re.compile(rf"{KEY_PREFIX}[0-9A-Za-z]{{{ID + SECRET + CHECKSUM}}}")
INSERT = text(
    "INSERT INTO api_key (id, name, hash, scope, created_at, expires_at)"
    " VALUES (:id, :name, :hash, :scope, :created_at, :expires_at)"
)


@dataclass(frozen=True)
class Holder:
    """The owner of a valid key; `id` is the key's."""

    id: str
    name: str
    scope: str

    def may(self, scope: str) -> bool:
        """Return whether the key has this scope; `write` includes `read`."""
        return self.scope in (scope, "write")


def create(
    session: "Session | Connection", name: str, scope: str, now: str, expires_at: str | None
) -> str:
    """Store a new key and return it. It cannot be read again.

    Raise StoreError if the name is taken.
    """
    if session.execute(text("SELECT 1 FROM api_key WHERE name = :name"), {"name": name}).first():
        raise StoreError(f"there is already a key named '{name}'; names are never reused")
    key_id = _random(ID)
    body = f"{KEY_PREFIX}{key_id}{_random(SECRET)}"
    key = body + _checksum(body)
    row = {"id": key_id, "name": name, "hash": _hash(key), "scope": scope, "created_at": now}
    session.execute(INSERT, {**row, "expires_at": expires_at})
    return key


def list_keys(connection: Connection) -> Iterator[RowMapping]:
    """Return every key ever created, the oldest first, without its hash."""
    columns = "id, name, scope, created_at, expires_at, revoked_at"
    yield from connection.execute(
        text(f"SELECT {columns} FROM api_key ORDER BY created_at, id")
    ).mappings()


def revoke(session: "Session | Connection", name: str, now: str) -> None:
    """Revoke the key with this name or id. Raise StoreError if there is none."""
    query = (
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, :now)"
        " WHERE name = :name OR id = :name RETURNING id"
    )
    if session.execute(text(query), {"name": name, "now": now}).first() is None:
        raise StoreError(f"there is no key '{name}'; `dateline key list` shows them")


def is_well_formed(key: str) -> bool:
    """Return whether a text has the form and the checksum of a key."""
    return KEY.fullmatch(key) is not None and _checksum(key[:-CHECKSUM]) == key[-CHECKSUM:]


def find_holder(connection: Connection, key: str, now: str) -> Holder | None:
    """Return the owner of a key, or None if it is unknown, expired or revoked."""
    if not is_well_formed(key):
        return None
    start = len(KEY_PREFIX)
    query = text("SELECT * FROM api_key WHERE id = :id")
    row = connection.execute(query, {"id": key[start : start + ID]}).first()
    # Compare in constant time: the time of an answer must not reveal how much of a guess is right.
    if row is None or not hmac.compare_digest(row.hash, _hash(key)):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return Holder(row.id, row.name, row.scope)


def require_valid(connection: Connection, key_id: str, now: str) -> None:
    """Raise Problem `unauthorized` if the key with this id has expired or was revoked."""
    query = text(
        "SELECT 1 FROM api_key WHERE id = :id AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > :now)"
    )
    if connection.execute(query, {"id": key_id, "now": now}).first() is None:
        raise ended()


def ended() -> Problem:
    """Return the Problem for a key that ended while its request was served."""
    return challenge("This key has ended.", "invalid_token")


def challenge(detail: str, error: str | None = None) -> Problem:
    """Build the 401 problem of RFC 6750 section 3."""
    realm = 'Bearer realm="dateline"'
    value = realm if error is None else f'{realm}, error="{error}"'
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": value})


def _random(length: int) -> str:
    return "".join(secrets.choice(KEY_DIGITS) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(KEY_DIGITS))
        digits = KEY_DIGITS[digit] + digits
    return digits


def _hash(key: str) -> str:
    # A slow hash would add nothing: the key is random.
    return sha256(key.encode()).hexdigest()
