"""Requests that are sent again: the same Idempotency-Key gets the first answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text
from sqlmodel import Session

from app import schemas
from app.errors import Problem
from app.models import TABLES
from app.writes.journal import current_timestamp

ANSWER_LIFETIME = timedelta(hours=24)
ANSWERED = TABLES["answered"]


@dataclass(frozen=True)
class RepeatableRequest:
    """A request that may be sent again: its author, key and fingerprint."""

    author: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class WriteAnswer:
    """The answer to a write; `location` is the path of a new record, `tagged` marks a record."""

    status: int
    body: bytes
    location: str | None = None
    tagged: bool = True


def answer_once(
    session: Session, request: RepeatableRequest | None, work: Callable[[], WriteAnswer]
) -> WriteAnswer:
    """Return the answer of `work`, or the stored answer to the same request.

    Raise Problem `key-reused` if the key came with another request. Errors are not stored: a
    refused request is tried again.
    """
    if request is None:
        return work()
    limit = schemas.format_timestamp(datetime.now(UTC) - ANSWER_LIFETIME)
    session.execute(text("DELETE FROM answered WHERE at < :limit"), {"limit": limit})
    query = text("SELECT * FROM answered WHERE author = :author AND key = :key")
    own = {"author": request.author, "key": request.key}
    stored_answer = session.execute(query, own).first()
    if stored_answer is None:
        answer = work()
        row = {**own, "fingerprint": request.fingerprint, "at": current_timestamp(), **vars(answer)}
        session.execute(insert(ANSWERED), row)
        return answer
    if stored_answer.fingerprint != request.fingerprint:
        raise Problem("key-reused", "This Idempotency-Key came with another request before.")
    return WriteAnswer(
        stored_answer.status,
        bytes(stored_answer.body),
        stored_answer.location,
        stored_answer.tagged,
    )
