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
    """A request that may be sent again: whose, under which key, and what it says."""

    author: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class WriteAnswer:
    """What a write is answered; `location` is the path of what it made, `tagged` a record."""

    status: int
    body: bytes
    location: str | None = None
    tagged: bool = True


def answer_once(
    session: Session, request: RepeatableRequest | None, work: Callable[[], WriteAnswer]
) -> WriteAnswer:
    """What `work` answers, or what it answered to the same request before.

    Problem `key-reused` where the key came with another request. Errors are not kept: what was
    refused is tried again.
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
