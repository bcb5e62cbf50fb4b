"""The answer of a download: it releases its file, whatever happens to its client."""

import logging
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AsyncExitStack
from typing import Self

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.api.access import KeyWatch
from app.api.answers import database
from app.downloads import Produce
from app.errors import Problem

logger = logging.getLogger("dateline")


class Download(StreamingResponse):
    """Send a file at the pace of the client; if it is incomplete, so is the answer."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        headers: Mapping[str, str],
        media_type: str,
        open_files: AsyncExitStack,
    ) -> None:
        super().__init__(pieces, 200, headers, media_type)
        self._open_files = open_files

    @classmethod
    async def begin(
        cls,
        request: Request,
        key: Hashable,
        produce: Produce,
        headers: dict[str, str],
        media_type: str,
    ) -> Self:
        """Return the answer once the file has begun, with a length if the file is complete.

        Raise the problem that kept the file from beginning.
        """
        downloads, open_files = database(request).downloads, AsyncExitStack()
        reader = await open_files.enter_async_context(downloads.open(key, produce))
        if reader.spool.ended:
            headers["Content-Length"] = str(reader.spool.size)
        pieces = _watch_key(downloads.pieces(reader), KeyWatch(request))
        return cls(pieces, headers, media_type, open_files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._open_files:  # even if nothing is ever sent
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send the file; leave the answer unfinished if the file is incomplete."""
        try:
            await super().stream_response(send)
        except Problem as problem:
            logger.warning("a download broke off: %s", problem.detail)


async def _watch_key(pieces: AsyncIterator[bytes], key_watch: KeyWatch) -> AsyncIterator[bytes]:
    """Yield `pieces` as long as the client's key is valid."""
    async for piece in pieces:
        await key_watch.check()
        yield piece
