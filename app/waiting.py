"""Waiting: for one's turn, or until something happens."""

import math
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Lock

import anyio

from app.dialects import unavailable
from app.errors import Problem

WAITING_SECONDS = 10.0  # each at most so long


class Turns:
    """So many at a time, in the order in which they came; `what` they are is for the others."""

    def __init__(self, what: str, number: float, most_waiting: float = math.inf) -> None:
        self._what = what
        self._most = most_waiting
        self._places = anyio.Semaphore(int(min(number, sys.maxsize)))
        self.number = number
        self.taken = 0
        self.waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn; Problem `store-unavailable` where too many wait, or this one waited too long."""
        if self.waiting >= self._most:
            raise unavailable(f"Too many {self._what} are waiting.")
        self.waiting += 1
        try:
            with anyio.move_on_after(WAITING_SECONDS) as waited:
                await self._places.acquire()
        finally:
            self.waiting -= 1
        if waited.cancelled_caught:
            raise unavailable(f"The {self._what} before this one take long.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._places.release()


class Work:
    """What was done: how often, in how many seconds, and how often it was refused as too costly."""

    def __init__(self) -> None:
        self.number = 0
        self.seconds = 0.0
        self.refused = 0
        self._lock = Lock()

    @contextmanager
    def done(self) -> Iterator[None]:
        """One more, which the block does."""
        started, refused = time.perf_counter(), False
        try:
            yield
        except Problem as problem:
            refused = problem.code == "query-too-costly"
            raise
        finally:
            self.add(time.perf_counter() - started, refused=refused)

    def add(self, seconds: float, *, refused: bool = False) -> None:
        """Count one more, which took so long."""
        with self._lock:
            self.number += 1
            self.seconds += seconds
            self.refused += refused


class Signal:
    """Tells those who wait that something happened."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def send(self) -> None:
        """Wake all who wait."""
        self._event.set()
        self._event = anyio.Event()

    @property
    def next(self) -> anyio.Event:
        """Is set when it is sent from now on: taken before one looks, nothing falls between."""
        return self._event
