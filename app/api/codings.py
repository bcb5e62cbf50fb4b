"""The content coding of downloads (RFC 9110 section 8.4), which are compressed as they are made.

All other answers are compressed while they are sent: each slow client would keep a compressor.
"""

import re
import zlib
from collections.abc import Generator, Iterable

from fastapi import Request

from app.api.middleware import MARK

LEVEL = 4  # as for all other answers
IDENTITY = MARK[1].decode()
REFUSAL = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


def coding_for(request: Request) -> str:
    """Return `gzip` if the client takes it, otherwise IDENTITY."""
    header = ",".join(request.headers.getlist("accept-encoding")).lower()
    items = [item.partition(";") for item in header.split(",")]
    accepted = {name.strip(): not REFUSAL.fullmatch(quality) for name, _, quality in items}
    return "gzip" if accepted.get("gzip", accepted.get("*", False)) else IDENTITY


def encode(pieces: Iterable[bytes], coding: str) -> Generator[bytes, None, None]:
    """Give `pieces` in a content coding."""
    if coding == IDENTITY:
        yield from pieces
        return
    encoder = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    for piece in pieces:
        yield encoder.compress(piece)
    yield encoder.flush()
