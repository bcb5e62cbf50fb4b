"""Downloads: write each file once, at full speed, and send it at the pace of each client.

Small files stay in memory, larger ones in unlinked files on disk. So a slow client holds neither a
snapshot of the store, nor a connection, nor a growing buffer.
"""

import asyncio
import ctypes
import io
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Hashable
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.to_thread

from app.dialects import unavailable
from app.errors import Problem
from app.waiting import MAX_WAITING_SECONDS, Limiter, Signal

logger = logging.getLogger("dateline")

MAX_SERVED = 1000  # downloads
MAX_WAITING = 100  # downloads that wait for a producer
MAX_MEMORY_BYTES = 128 << 10  # of a file in memory
START_BYTES = 1 << 20  # a smaller file gets a Content-Length, and can still become a 503
PIECE_BYTES = 64 << 10
STEP_THREADS = 2  # more would only wait for the interpreter lock
READING_THREADS = 4
TRIM_BYTES = 16 << 20  # of downloads; after them memory is given back to the system

Produce = Callable[[], Generator[bytes, None, None]]


class Spool:
    """A file with one producer and many readers, which may read while it grows."""

    def __init__(self) -> None:
        self.size = 0
        self.ended = False
        self.failure: Exception | None = None
        self.readers = 0
        self.grown = Signal()
        self._memory = bytearray()
        self._file: io.FileIO | None = None

    @property
    def on_disk(self) -> bool:
        """Return whether the file is on disk, so that reading may block."""
        return self._file is not None

    def write(self, data: bytes) -> None:
        """Append some bytes. Raise Problem `store-unavailable` if the disk is full."""
        if self._file is None and self.size + len(data) <= MAX_MEMORY_BYTES:
            self._memory += data
        else:
            try:
                self._append(data)
            except OSError as error:
                logger.error("no room for a download in %s: %s", tempfile.gettempdir(), error)
                raise unavailable("The server has no room for the file of this download.") from None
        self.size += len(data)

    def _append(self, data: bytes) -> None:
        file = self._file
        if file is None:
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            data = bytes(self._memory) + data
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(file.fileno(), left) :]
        except OSError:
            if self._file is None:
                file.close()
            raise
        self._file = file
        self._memory = bytearray()  # only once the file is there: a client may be reading

    def read(self, start: int) -> bytes:
        """Return the next bytes from `start`, at most PIECE_BYTES."""
        memory, file = self._memory, self._file  # in this order: the producer sets the file first
        if file is None:
            return bytes(memory[start : start + PIECE_BYTES])
        return os.pread(file.fileno(), PIECE_BYTES, start)

    def close(self) -> None:
        """Free the memory or the disk space."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()


class Downloads:
    """All downloads of a server: few are written at a time, many are sent."""

    def __init__(
        self, max_bytes: int, producers: int, after: Callable[[], Awaitable[object]]
    ) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0  # of all files
        self._written = 0  # bytes since the last trim
        self.served = 0
        self.producing = Limiter("downloads", producers, MAX_WAITING)
        self._after = after  # called after each file
        self._spools: dict[Hashable, Spool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._steps = anyio.CapacityLimiter(STEP_THREADS)
        self._reading = anyio.CapacityLimiter(READING_THREADS)
        self._freed = Signal()

    @asynccontextmanager
    async def open(self, key: Hashable, produce: Produce) -> AsyncIterator[Spool]:
        """Yield the file of `produce` once its first START_BYTES, or all of it, are there.

        Requests for the same `key` share one file. Raise the error that `produce` raised, or
        Problem `store-unavailable` if too many downloads are under way.
        """
        if self.served >= MAX_SERVED:
            raise unavailable(f"{self.served} downloads are under way, and no more may be.")
        spool = self._spools.get(key)
        if spool is None or spool.failure is not None:
            spool = self._spools[key] = Spool()
            task = asyncio.create_task(self._fill(spool, produce))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        spool.readers += 1
        self.served += 1
        try:
            while not spool.ended and spool.size < START_BYTES:
                await spool.grown.next.wait()
            if spool.failure is not None:
                raise spool.failure
            yield spool
        finally:
            self.served -= 1
            if not self.served and self._written > TRIM_BYTES:
                self._written = 0
                asyncio.get_running_loop().run_in_executor(None, give_memory_back)
            spool.readers -= 1
            if not spool.readers:
                if self._spools.get(key) is spool:
                    del self._spools[key]
                self._close(spool)

    async def pieces(self, spool: Spool) -> AsyncIterator[bytes]:
        """Yield the bytes of a file as they come. Raise the error that stopped its producer."""
        start = 0
        while True:
            if start < spool.size:
                if spool.on_disk:
                    read = anyio.to_thread.run_sync
                    piece = await read(spool.read, start, limiter=self._reading)
                else:
                    piece = spool.read(start)
                start += len(piece)
                yield piece
            elif spool.failure is not None:
                raise spool.failure
            elif spool.ended:
                return
            else:
                await spool.grown.next.wait()

    async def _fill(self, spool: Spool, produce: Produce) -> None:
        """Write a file step by step, so that short ones need not wait for long ones."""
        try:
            async with self.producing.slot():
                pieces = produce()
                try:
                    while spool.readers and await self._step(spool, pieces):
                        if spool.on_disk:
                            await self._wait_for_room(spool)
                finally:
                    await anyio.to_thread.run_sync(pieces.close, limiter=self._steps)
        except Exception as error:
            spool.failure = error
            if not isinstance(error, Problem):
                logger.exception("a download broke off")
        finally:
            spool.ended = True
            spool.grown.send()
            if not spool.readers:
                self._close(spool)
        await self._after()

    async def _step(self, spool: Spool, pieces: Generator[bytes, None, None]) -> bool:
        """Append the next piece. Return False at the end."""

        def step() -> bool:
            piece = next(pieces, None)
            if piece is not None:
                spool.write(piece)
            return piece is not None

        size = spool.size
        try:
            return await anyio.to_thread.run_sync(step, limiter=self._steps)
        finally:
            self.bytes += spool.size - size
            self._written += spool.size - size
            spool.grown.send()

    async def _wait_for_room(self, spool: Spool) -> None:
        """Wait until all files together take less disk than `max_bytes`.

        A file that has readers may use all of it, a new one only half, since that can still be
        refused with 503. Raise Problem `store-unavailable` if the wait is too long.
        """
        limit = self.max_bytes if spool.size >= START_BYTES else self.max_bytes // 2
        with anyio.move_on_after(MAX_WAITING_SECONDS) as waiting:
            while self.bytes >= limit and spool.readers:
                await self._freed.next.wait()
        if waiting.cancelled_caught:
            logger.warning("downloads have reached their limit: %d bytes of disk", self.bytes)
            raise unavailable("Other downloads use all the disk space for downloads.")

    def _close(self, spool: Spool) -> None:
        """Free a file without readers; if it is not complete, its producer does."""
        if spool.ended:
            self.bytes -= spool.size
            spool.size = 0
            spool.close()
        self._freed.send()


def give_memory_back() -> None:
    """Return the free memory of the C library to the system; glibc keeps much of it."""
    with suppress(AttributeError, OSError, TypeError):  # other libraries have no such call
        ctypes.CDLL(None).malloc_trim(0)


__all__ = ["Downloads", "Spool"]
