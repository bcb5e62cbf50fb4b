"""One file per way of writing events down: each writes what is served and reads it back.

Pure functions from bytes to bytes and to documents, with no database and no HTTP.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from app.formats import ndjson, table, timelinejs
from app.formats.lines import Line
from app.formats.table import COLUMNS, template


@dataclass(frozen=True)
class Format:
    """A way of writing events down.

    `name` is the suffix of /events.{format} and of files. `write` makes chunks of the file from
    documents as they are served, and takes whether nothing may be lost, which only CSV minds.
    `read` never raises for what stands in the file: a Line bears its faults.
    """

    name: str
    media_type: str
    write: Callable[[Iterable[bytes], bool], Iterator[bytes]]
    read: Callable[[BinaryIO], Iterator[Line]]


FORMATS: Mapping[str, Format] = {
    made.name: made
    for made in (
        Format("ndjson", "application/x-ndjson", ndjson.write, ndjson.read),
        Format("csv", "text/csv; charset=utf-8", table.write, table.read),
        Format("timelinejs", "application/json", timelinejs.write, timelinejs.read),
    )
}

__all__ = ["COLUMNS", "FORMATS", "Format", "Line", "template"]
