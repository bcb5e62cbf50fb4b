"""The current request: its id, the time it has spent, and the limits that it counts for."""

import re
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from app.masking import has_key

REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")


@dataclass(frozen=True)
class RateLimit:
    """The state of a limit of requests: how many are left, and for how many seconds."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int


@dataclass
class Trace:
    """One request."""

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)  # by part, such as `queue`
    limits: list[RateLimit] = field(default_factory=list)


CURRENT_TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_request_id() -> str | None:
    """Return the id of the current request, or None outside of one."""
    trace = CURRENT_TRACE.get()
    return None if trace is None else trace.request_id


def add_seconds(part: str, seconds: float) -> None:
    """Add to the time that the current request has spent in a part of the server."""
    if trace := CURRENT_TRACE.get():
        trace.seconds[part] = trace.seconds.get(part, 0.0) + seconds


def add_limit(limit: RateLimit) -> None:
    """Note a limit that the current request counts for."""
    if trace := CURRENT_TRACE.get():
        trace.limits.append(limit)


def new_request_id() -> str:
    """Return a random id."""
    return secrets.token_hex(16)


def choose_request_id(value: str | None) -> str:
    """Return the id that a client or proxy has sent, or a new one if it is not a short token."""
    if value and REQUEST_ID.fullmatch(value) and not has_key(value):
        return value
    return new_request_id()
