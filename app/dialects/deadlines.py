"""The end of the time that a read may take."""

import time
from collections.abc import Callable

from sqlalchemy import Connection

MAX_SHARE = 10  # of the time that a quick read takes in all, to what it computes


def deadline(seconds: float | None, *, quick: bool = False) -> Callable[[], bool]:
    """Return a function that returns whether the time is up: never, if `seconds` is None.

    A quick read is measured by what its thread computes, so that a cheap one stays quick while
    others keep the processors busy. In all it may take MAX_SHARE times as long.
    """
    if seconds is None:
        return lambda: False
    if not quick:
        end = time.monotonic() + seconds
        return lambda: time.monotonic() > end
    computed, end = time.thread_time() + seconds, time.monotonic() + MAX_SHARE * seconds
    return lambda: time.thread_time() > computed or time.monotonic() > end


def time_limit(connection: Connection) -> Callable[[], bool]:
    """Return the deadline of a read that begins now, as its reader limits it."""
    options = connection.get_execution_options()
    return deadline(options.get("seconds"), quick=options.get("quick", False))
