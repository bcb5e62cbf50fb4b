"""Access: check keys, and limit the requests of each key or address."""

import time
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app import keys, schemas, writes
from app.api.answers import database
from app.errors import Problem
from app.trace import RateLimit, add_limit

MINUTE = 60  # seconds
MAX_FAILURES_PER_MINUTE = 30  # wrong keys from one address
RECHECK_SECONDS = 1.0  # between checks of the key of a stream or a download
TRANSIENT_PROBLEMS = ("store-unavailable", "query-too-costly")


class Bearer(HTTPBearer):
    """Read the key from a request; this also describes the scheme in the OpenAPI document."""

    def __init__(self) -> None:
        description = "A key made with `dateline key create NAME --scope write`."
        super().__init__(
            scheme_name="key", bearerFormat="dln_…", description=description, auto_error=False
        )


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(Bearer())]


async def limit_rate(request: HTTPConnection, per_minute: int, *bucket: str) -> None:
    """Raise Problem `too-many-requests` if the limit per minute is exceeded; 0 sets no limit."""
    if not per_minute:
        return
    number, left = await database(request).count_request("/".join(bucket), MINUTE)
    seconds = max(1, int(left) + 1)
    add_limit(RateLimit(bucket[0], per_minute, MINUTE, max(0, per_minute - number), seconds))
    if number > per_minute:
        detail = f"The limit is {per_minute} per minute; try again in {seconds} s."
        raise Problem("too-many-requests", detail, headers={"Retry-After": str(seconds)})


async def _authenticate(
    request: HTTPConnection, sent: HTTPAuthorizationCredentials | None
) -> keys.Holder | None:
    """Return the owner of the request's key, or None if it has no key.

    Raise Problem `unauthorized` if the key is not valid.
    """
    if "authorization" not in request.headers:
        return None
    holder = None
    if sent is not None:
        holder = await database(request).run_read(
            keys.find_holder, sent.credentials, writes.current_timestamp()
        )
    if holder is None:
        # Valid keys are not limited by failures: others may share the address.
        await limit_rate(request, MAX_FAILURES_PER_MINUTE, "failures", _address(request))
        raise keys.challenge("This key is not valid: unknown, expired or revoked.", "invalid_token")
    return holder


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else "unknown"


class KeyWatch:
    """Check during a long answer that the client's key is still valid."""

    def __init__(self, request: HTTPConnection) -> None:
        self._request = request
        self._key = request.headers.get("authorization", "").partition(" ")[2].strip()
        self._checked = time.monotonic()

    async def check(self) -> None:
        """Raise Problem `unauthorized` if the key has ended.

        Check at most once per RECHECK_SECONDS, and skip the check while the store is unavailable.
        """
        if not self._key or time.monotonic() - self._checked < RECHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            holder = await database(self._request).run_read(
                keys.find_holder, self._key, writes.current_timestamp()
            )
        except Problem as problem:
            if problem.code not in TRANSIENT_PROBLEMS:
                raise
            return
        if holder is None:
            raise keys.ended()


class MayRead(Bearer):
    """Let everybody read if reads are public, otherwise owners of keys.

    It is a security scheme itself: depending on one would double the time of every read.
    """

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        settings = request.app.state.settings
        sent = await super().__call__(request) if "authorization" in request.headers else None
        holder = await _authenticate(request, sent)
        if holder is None and not settings.public_reads:
            raise keys.challenge("Reading needs a key here.")
        client = holder.id if holder else _address(request)
        await limit_rate(request, settings.reads_per_minute, "reads", client)
        return sent


async def require_write(request: Request, sent: Credentials) -> keys.Holder:
    """Return the owner of the key. Raise Problem if it has no scope `write`, or none is sent."""
    holder = await _authenticate(request, sent)
    if holder is None:
        raise keys.challenge("Writing needs a key.")
    if not holder.may("write"):
        challenge = 'Bearer realm="dateline", error="insufficient_scope", scope="write"'
        headers = {"WWW-Authenticate": challenge}
        raise Problem("forbidden", "This key may only read.", headers=headers)
    await limit_rate(request, request.app.state.settings.writes_per_minute, "writes", holder.id)
    return holder


Note = Annotated[
    schemas.LineText | None,
    Query(description="Reason, kept in the revision.", examples=["Typo in title"]),
]


def get_author(
    holder: Annotated[keys.Holder, Depends(require_write)], note: Note = None
) -> writes.By:
    """Return the author and the reason of a write, for the revision."""
    return writes.By(holder.name, note, holder.id)


Reader = Depends(MayRead())
# Whoever writes what has no revisions, and so takes no note.
Writer = Annotated[keys.Holder, Depends(require_write)]
Author = Annotated[writes.By, Depends(get_author)]
