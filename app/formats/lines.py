"""What every format reads to and writes from: an event of a file, and events by the hundred."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.errors import Fault

BATCH = 200  # events a chunk
LONGEST = 16 * 1024 * 1024  # of one event in a file; the largest that is valid takes half of it


@dataclass(frozen=True)
class Line:
    """An event of a file.

    `number` is the line it begins in, from 1, or in TimelineJS which of the slides it is.
    `document` has the shape of a body of POST /events, perhaps with derived members as served; it
    is empty where `faults` say why the line cannot be read. A fault without a line is one of the
    whole file. `notes` say what has no place in an event and is left out.
    """

    number: int
    document: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def unreadable(number: int, name: str, message: str, suggestion: str | None = None) -> Line:
    """The line `number` with the one fault that keeps it from being read."""
    return Line(number, {}, (Fault("body", name, message, suggestion, number),))


def damaged(message: str, name: str = "file") -> Line:
    """What stands for a file that cannot be read at all."""
    return Line(1, {}, (Fault("body", name, message),))


def batches(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    """`documents` in lists of BATCH, so that a chunk of a file holds several."""
    left = iter(documents)
    while batch := list(islice(left, BATCH)):
        yield batch
