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
PIECE_BYTES = 32 << 10
STEP_THREADS = 2  # more would only wait for the interpreter lock
READING_THREADS = 4
MAX_SEGMENTS = 64  # of a file that takes all the disk for downloads
TRIM_BYTES = 16 << 20  # of downloads; after them memory is given back to the system

Produce = Callable[[], Generator[bytes, None, None]]


class Spool:
    """A file with one producer and many readers, which may read while it grows.

    On disk it is in segments, so that the beginning can be freed while the rest is written.
    """

    def __init__(self, key: Hashable, segment_bytes: int) -> None:
        self.key = key
        self.size = 0
        self.ended = False
        self.failure: Exception | None = None
        self.readers: list[SpoolReader] = []
        self.grown = Signal()
        self._segment_bytes = segment_bytes
        self._memory = bytearray()
        self._segments: dict[int, io.FileIO] = {}
        self._dropped = 0  # bytes at the beginning

    @property
    def on_disk(self) -> bool:
        """Return whether the file is on disk, so that reading may block."""
        return bool(self._segments)

    @property
    def stored(self) -> int:
        """Return how many bytes are in memory or on disk."""
        return self.size - self._dropped

    @property
    def unread(self) -> int:
        """Return how many bytes the slowest reader has still to take."""
        return self.size - min((reader.position for reader in self.readers), default=self.size)

    def write(self, data: bytes) -> None:
        """Append some bytes. Raise Problem `store-unavailable` if the disk is full."""
        if not self._segments and self.size + len(data) <= MAX_MEMORY_BYTES:
            self._memory += data
        else:
            try:
                self._append(data)
            except OSError as error:
                logger.error("no room for a download in %s: %s", tempfile.gettempdir(), error)
                raise unavailable("The server has no room for the file of this download.") from None
        self.size += len(data)

    def _append(self, data: bytes) -> None:
        start = self.size
        if not self._segments:
            start, data = 0, bytes(self._memory) + data
        rest = memoryview(data)
        while rest:
            index, offset = divmod(start, self._segment_bytes)
            file = self._segments.get(index)
            if file is None:
                file = self._segments[index] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            written = os.write(file.fileno(), rest[: self._segment_bytes - offset])
            start, rest = start + written, rest[written:]
        self._memory = bytearray()  # only once the file is there: a client may be reading

    def read(self, start: int) -> bytes:
        """Return the next bytes from `start`, at most PIECE_BYTES."""
        end = min(start + PIECE_BYTES, self.size)
        memory = self._memory  # before the segments: the producer writes them first
        index, offset = divmod(start, self._segment_bytes)
        if memory or index not in self._segments:
            return bytes(memory[start:end])
        length = min(end - start, self._segment_bytes - offset)
        return os.pread(self._segments[index].fileno(), length, offset)

    def drop_read(self) -> int:
        """Free the segments that every reader has taken, and return their bytes."""
        first_unread = (self.size - self.unread) // self._segment_bytes
        bytes_before = self._dropped
        for index in [index for index in self._segments if index < first_unread]:
            self._segments.pop(index).close()
            self._dropped = (index + 1) * self._segment_bytes
        return self._dropped - bytes_before

    def close(self) -> None:
        """Free the memory or the disk space."""
        self._memory = bytearray()
        for file in self._segments.values():
            file.close()
        self._dropped = self.size


class SpoolReader:
    """How far a client has taken a file."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.position = 0


class Downloads:
    """All downloads of a server: few are written at a time, many are sent."""

    def __init__(
        self, max_bytes: int, producers: int, after: Callable[[], Awaitable[object]]
    ) -> None:
        self.max_bytes = max_bytes
        self._segment_bytes = max(START_BYTES, max_bytes // MAX_SEGMENTS)
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
    async def open(self, key: Hashable, produce: Produce) -> AsyncIterator[SpoolReader]:
        """Yield a reader of the file of `produce` once START_BYTES, or all of it, are there.

        Requests for the same `key` share one file. Raise the error that `produce` raised, or
        Problem `store-unavailable` if too many downloads are under way.
        """
        if self.served >= MAX_SERVED:
            raise unavailable(f"{self.served} downloads are under way, and no more may be.")
        spool = self._spools.get(key)
        if spool is None or spool.failure is not None:
            spool = self._spools[key] = Spool(key, self._segment_bytes)
            task = asyncio.create_task(self._fill(spool, produce))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        reader = SpoolReader(spool)
        spool.readers.append(reader)
        self.served += 1
        try:
            while not spool.ended and spool.size < START_BYTES:
                await spool.grown.next.wait()
            if spool.failure is not None:
                raise spool.failure
            yield reader
        finally:
            self.served -= 1
            if not self.served and self._written > TRIM_BYTES:
                self._written = 0
                asyncio.get_running_loop().run_in_executor(None, give_memory_back)
            spool.readers.remove(reader)
            if spool.readers:
                self._freed.send()  # a slow reader that leaves makes room
            else:
                self._forget(spool)
                self._close(spool)

    async def pieces(self, reader: SpoolReader) -> AsyncIterator[bytes]:
        """Yield the bytes of a file as they come. Raise the error that stopped its producer."""
        spool = reader.spool
        while True:
            start = reader.position
            if start < spool.size:
                if spool.on_disk:
                    read = anyio.to_thread.run_sync
                    piece = await read(spool.read, start, limiter=self._reading)
                else:
                    piece = spool.read(start)
                yield piece
                reader.position += len(piece)
                if self.bytes >= self.max_bytes:
                    self._freed.send()
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

        A file that clients are taking goes on at the pace of the slowest, and gives up what all of
        them have: it must not end in the middle. A new file may use half of the disk; raise Problem
        `store-unavailable` if its wait is too long.
        """
        if spool.size >= START_BYTES:
            while self.bytes >= self.max_bytes and spool.readers:
                self._forget(spool)  # later requests need the beginning
                self.bytes -= spool.drop_read()
                if self.bytes < self.max_bytes or spool.unread < START_BYTES:
                    return
                await self._freed.next.wait()
            return
        with anyio.move_on_after(MAX_WAITING_SECONDS) as waiting:
            while self.bytes >= self.max_bytes // 2 and spool.readers:
                await self._freed.next.wait()
        if waiting.cancelled_caught:
            logger.warning("downloads have reached their limit: %d bytes of disk", self.bytes)
            raise unavailable("Other downloads use all the disk space for downloads.")

    def _forget(self, spool: Spool) -> None:
        """Let later requests for the same file begin another one."""
        if self._spools.get(spool.key) is spool:
            del self._spools[spool.key]

    def _close(self, spool: Spool) -> None:
        """Free a file without readers; if it is not complete, its producer does."""
        if spool.ended:
            self.bytes -= spool.stored
            spool.close()
        self._freed.send()


def give_memory_back() -> None:
    """Return the free memory of the C library to the system; glibc keeps much of it."""
    with suppress(AttributeError, OSError, TypeError):  # other libraries have no such call
        ctypes.CDLL(None).malloc_trim(0)


__all__ = ["Downloads", "Spool", "SpoolReader"]
