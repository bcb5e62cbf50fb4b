"""NDJSON: one document per line, exactly as it is served."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.formats.lines import (
    MAX_EVENT_BYTES,
    About,
    Line,
    batch_documents,
    encode_json,
    pick_members,
    unreadable_line,
)
from app.schemas import read_json


def write_ndjson(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the file in chunks; nothing is lost in it, except members that `fields` leaves out."""
    fields = about.fields
    for batch in batch_documents(documents):
        if fields is not None:
            batch = [encode_json(pick_members(json.loads(document), fields)) for document in batch]
        yield b"\n".join((*batch, b""))


def read_ndjson(file: BinaryIO) -> Iterator[Line]:
    """Yield the events of the file; skip blank lines and a byte order mark."""
    number = 0
    while raw := file.readline(MAX_EVENT_BYTES):
        number += 1
        if len(raw) == MAX_EVENT_BYTES and not raw.endswith(b"\n"):
            yield unreadable_line(number, "file", "is longer than any event; write an event a line")
            return
        if text := raw.removeprefix(BOM_UTF8).strip():
            yield _line(number, text)


def _line(number: int, text: bytes) -> Line:
    try:
        document = read_json(text)
    except ValueError as error:
        # Within a line, "at line 1" would name another.
        return unreadable_line(
            number, "body", str(error).replace(" at line 1, column", " at column")
        )
    if not isinstance(document, dict):
        return unreadable_line(number, "body", "is not a JSON object; write an event a line")
    return Line(number, document)
