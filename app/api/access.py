"""Who may do what: keys, and how many requests each may send."""

import time
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app import keys, schemas, writes
from app.api.answers import database
from app.errors import Problem

MINUTE = 60  # seconds
FAILURES_PER_MINUTE = 30  # wrong keys from one address
STANDING_SECONDS = 1.0  # between looks at the key of a stream or a download
TRANSIENT = ("store-unavailable", "query-too-costly")  # problems that may be over soon


class Bearer(HTTPBearer):
    """The key that a request shows, as the reference describes it."""

    def __init__(self) -> None:
        description = "A key made with `dateline key create NAME --scope write`."
        super().__init__(
            scheme_name="key", bearerFormat="dln_…", description=description, auto_error=False
        )


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(Bearer())]


async def limit(request: HTTPConnection, per_minute: int, *whose: str) -> None:
    """Problem `too-many-requests` where this one is too many in a minute; 0 sets no limit."""
    if not per_minute:
        return
    number, left = await database(request).count_request("/".join(whose), MINUTE)
    if number > per_minute:
        seconds = max(1, int(left) + 1)
        detail = f"{per_minute} a minute are allowed; try again in {seconds} s."
        raise Problem("too-many-requests", detail, headers={"Retry-After": str(seconds)})


async def _holder(
    request: HTTPConnection, sent: HTTPAuthorizationCredentials | None
) -> keys.Holder | None:
    """Who sent the request, None where nobody says; Problem `unauthorized` for a bad key."""
    if "authorization" not in request.headers:
        return None
    found = None
    if sent is not None:
        found = await database(request).run_read(
            keys.find_holder, sent.credentials, writes.current_timestamp()
        )
    if found is None:
        # Whoever has a valid key is let through: others may share the address.
        await limit(request, FAILURES_PER_MINUTE, "failures", _address(request))
        raise _challenge("This key is not valid: unknown, expired or revoked.", "invalid_token")
    return found


def _challenge(detail: str, error: str | None = None) -> Problem:
    """RFC 6750 section 3."""
    realm = 'Bearer realm="dateline"'
    challenge = realm if error is None else f'{realm}, error="{error}"'
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else "unknown"


class Standing:
    """Whether a client that was let in may still read, while its answer takes long."""

    def __init__(self, request: HTTPConnection) -> None:
        self._request = request
        self._key = request.headers.get("authorization", "").partition(" ")[2].strip()
        self._checked = time.monotonic()

    async def check(self) -> None:
        """Raise Problem `unauthorized` if the key has ended; look at most once in STANDING_SECONDS.

        While the store is away no key can end.
        """
        if not self._key or time.monotonic() - self._checked < STANDING_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            holder = await database(self._request).run_read(
                keys.find_holder, self._key, writes.current_timestamp()
            )
        except Problem as problem:
            if problem.code not in TRANSIENT:
                raise
            return
        if holder is None:
            raise _challenge("This key has ended.", "invalid_token")


class MayRead(Bearer):
    """Anybody where reads are public, else whoever has a key.

    It is the scheme too: a dependency on that would take every read as long again.
    """

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        settings = request.app.state.settings
        sent = await super().__call__(request) if "authorization" in request.headers else None
        holder = await _holder(request, sent)
        if holder is None and not settings.public_reads:
            raise _challenge("Reading needs a key here.")
        whose = holder.id if holder else _address(request)
        await limit(request, settings.reads_per_minute, "reads", whose)
        return sent


async def may_write(request: Request, sent: Credentials) -> keys.Holder:
    """Whoever has a key of the scope `write`."""
    holder = await _holder(request, sent)
    if holder is None:
        raise _challenge("Writing needs a key.")
    if not holder.may("write"):
        challenge = 'Bearer realm="dateline", error="insufficient_scope", scope="write"'
        headers = {"WWW-Authenticate": challenge}
        raise Problem("forbidden", "This key may only read.", headers=headers)
    await limit(request, request.app.state.settings.writes_per_minute, "writes", holder.id)
    return holder


Note = Annotated[
    schemas.LineText | None,
    Query(description="Why; kept in the revision.", examples=["Typo in title"]),
]


def author(holder: Annotated[keys.Holder, Depends(may_write)], note: Note = None) -> writes.By:
    """Who writes, and why, as it stands in the revision."""
    return writes.By(holder.name, note)


Reader = Depends(MayRead())
Author = Annotated[writes.By, Depends(author)]
