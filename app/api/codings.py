"""The content coding of downloads (RFC 9110 section 8.4): compress them while they are written.

Other answers are compressed while they are sent; here each slow client would hold a compressor.
"""

import re
import zlib
from collections.abc import Generator, Iterable

from fastapi import Request

from app.api.middleware import UNTOUCHED

LEVEL = 4  # as for all other answers
NO_CODING = UNTOUCHED[1].decode()
REFUSED_QUALITY = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


def coding_for(request: Request) -> str:
    """Return `gzip` if the client accepts it, otherwise NO_CODING."""
    header = ",".join(request.headers.getlist("accept-encoding")).lower()
    items = [item.partition(";") for item in header.split(",")]
    accepted = {name.strip(): not REFUSED_QUALITY.fullmatch(quality) for name, _, quality in items}
    return "gzip" if accepted.get("gzip", accepted.get("*", False)) else NO_CODING


def encode(pieces: Iterable[bytes], coding: str) -> Generator[bytes, None, None]:
    """Yield `pieces` in a content coding."""
    if coding == NO_CODING:
        yield from pieces
        return
    encoder = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    for piece in pieces:
        yield encoder.compress(piece)
    yield encoder.flush()
