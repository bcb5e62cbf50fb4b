"""Limit how many callers run at once, count their work, and wait for signals."""

import math
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Lock

import anyio

from app.dialects import unavailable
from app.errors import Problem
from app.trace import add_seconds

MAX_WAITING_SECONDS = 10.0


class Limiter:
    """Let at most `limit` callers in at once, first come first served.

    `noun` names them in the messages for callers that are turned away.
    """

    def __init__(self, noun: str, limit: float, max_waiting: float = math.inf) -> None:
        self._noun = noun
        self._max_waiting = max_waiting
        self._places = anyio.Semaphore(int(min(limit, sys.maxsize)))
        self.limit = limit
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Raise Problem `store-unavailable` if too many wait already, or after MAX_WAITING_SECONDS.
        """
        if self.waiting >= self._max_waiting:
            raise unavailable(f"Too many {self._noun} are waiting.")
        self.waiting += 1
        started = time.perf_counter()
        try:
            with anyio.move_on_after(MAX_WAITING_SECONDS) as waiting:
                await self._places.acquire()
        finally:
            self.waiting -= 1
            add_seconds("queue", time.perf_counter() - started)
        if waiting.cancelled_caught:
            raise unavailable(f"The {self._noun} before this one take long.")
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()


class WorkCounter:
    """Count pieces of work, their seconds, and refusals as too costly."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.refused = 0
        self._lock = Lock()

    @contextmanager
    def measure(self, *, begins_again: bool = False) -> Iterator[None]:
        """Time the block and count it, but not if it is refused as too costly and begins again."""
        started, refused = time.perf_counter(), False
        try:
            yield
        except Problem as problem:
            refused = problem.code == "query-too-costly"
            raise
        finally:
            if not (refused and begins_again):
                self.add(time.perf_counter() - started, refused=refused)

    def add(self, seconds: float, *, refused: bool = False) -> None:
        """Count one more piece of work."""
        add_seconds("store", seconds)
        with self._lock:
            self.count += 1
            self.seconds += seconds
            self.refused += refused


class Signal:
    """Wake all waiting tasks when something happens."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def send(self) -> None:
        """Wake all waiting tasks."""
        self._event.set()
        self._event = anyio.Event()

    @property
    def next(self) -> anyio.Event:
        """Return the event that the next `send` sets.

        Take it before looking at the state: then no signal is missed in between.
        """
        return self._event
