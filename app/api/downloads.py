"""The answer that a download is: it lets its file go, whatever becomes of its client."""

import logging
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AsyncExitStack
from typing import Self

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.api.access import Standing
from app.api.answers import database
from app.downloads import Produce
from app.errors import Problem

logger = logging.getLogger("dateline")


class Download(StreamingResponse):
    """A file, as fast as the client takes it; one that breaks off ends where a client sees it."""

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
        """Return the answer once it is sure to be a 200, with its length if the file is whole."""
        downloads, open_files = database(request).downloads, AsyncExitStack()
        spool = await open_files.enter_async_context(downloads.open(key, produce))
        if spool.ended:
            headers["Content-Length"] = str(spool.size)
        pieces = _allowed(downloads.pieces(spool), Standing(request))
        return cls(pieces, headers, media_type, open_files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._open_files:  # also if nothing is ever sent
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send the file; without the end of the answer if the file has none."""
        try:
            await super().stream_response(send)
        except Problem as problem:
            logger.warning("a download broke off: %s", problem.detail)


async def _allowed(pieces: AsyncIterator[bytes], standing: Standing) -> AsyncIterator[bytes]:
    """Give `pieces` for as long as the client may read."""
    async for piece in pieces:
        await standing.check()
        yield piece
