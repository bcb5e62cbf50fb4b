"""NDJSON: a document a line, exactly as it is served."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.formats.lines import LONGEST, About, Line, as_json, batches, pick, unreadable
from app.schemas import read_json


def write(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """The file, chunk by chunk; nothing is lost in it, but for what `fields` leaves out."""
    fields = about.fields
    for batch in batches(documents):
        if fields is not None:
            batch = [as_json(pick(json.loads(document), fields)) for document in batch]
        yield b"\n".join((*batch, b""))


def read(file: BinaryIO) -> Iterator[Line]:
    """The events of the file; blank lines and a byte order mark are passed over."""
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            yield unreadable(number, "file", "is longer than any event; write an event a line")
            return
        if text := raw.removeprefix(BOM_UTF8).strip():
            yield _line(number, text)


def _line(number: int, text: bytes) -> Line:
    try:
        document = read_json(text)
    except ValueError as error:
        # Within a line, "at line 1" would name another.
        return unreadable(number, "body", str(error).replace(" at line 1, column", " at column"))
    if not isinstance(document, dict):
        return unreadable(number, "body", "is not a JSON object; write an event a line")
    return Line(number, document)
