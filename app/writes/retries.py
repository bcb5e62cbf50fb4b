"""Requests that are sent again: the same Idempotency-Key gets the first answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text
from sqlmodel import Session

from app import schemas
from app.errors import Problem
from app.models import TABLES
from app.writes.journal import now

KEPT = timedelta(hours=24)
TABLE = TABLES["answered"]


@dataclass(frozen=True)
class Request:
    """A request that may be sent again: whose, under which key, and what it says."""

    author: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """What a write is answered; `location` is the path of what it made, `tagged` a record."""

    status: int
    body: bytes
    location: str | None = None
    tagged: bool = True


def once(session: Session, request: Request | None, work: Callable[[], Answer]) -> Answer:
    """What `work` answers, or what it answered to the same request before.

    Problem `key-reused` where the key came with another request. Errors are not kept: what was
    refused is tried again.
    """
    if request is None:
        return work()
    limit = schemas.timestamp(datetime.now(UTC) - KEPT)
    session.execute(text("DELETE FROM answered WHERE at < :limit"), {"limit": limit})
    query = text("SELECT * FROM answered WHERE author = :author AND key = :key")
    own = {"author": request.author, "key": request.key}
    held = session.execute(query, own).first()
    if held is None:
        answer = work()
        row = {**own, "fingerprint": request.fingerprint, "at": now(), **vars(answer)}
        session.execute(insert(TABLE), row)
        return answer
    if held.fingerprint != request.fingerprint:
        raise Problem("key-reused", "This Idempotency-Key came with another request before.")
    return Answer(held.status, bytes(held.body), held.location, held.tagged)
