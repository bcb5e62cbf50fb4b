"""JSON documents: an array of events, a saved page of `/events`, TimelineJS, or CSL-JSON."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from app.formats.csl import is_csl_item, read_csl_items
from app.formats.lines import Line, damaged_file, unreadable_line
from app.formats.timelinejs import read_slides, strip_jsonp
from app.schemas import read_json

MORE_PAGES = (
    "the page is not the last of its list: `next` leads to events that are not in this file"
)


def read_json_file(file: BinaryIO) -> Iterator[Line]:
    """Yield the events or sources of the document; a line is the number of an entry, from 1."""
    try:
        document = read_json(strip_jsonp(file.read()))
    except ValueError as error:
        yield damaged_file(str(error))
        return
    if isinstance(document, list) and document and is_csl_item(document[0]):
        yield from read_csl_items(document)
    elif isinstance(document, list):
        yield from _read_entries(document)
    elif isinstance(document, dict) and isinstance(document.get("items"), list):
        notes = (MORE_PAGES,) if document.get("next") else ()
        yield from _read_entries(document["items"], notes)
    else:
        yield from read_slides(document)


def _read_entries(entries: list[Any], notes: tuple[str, ...] = ()) -> Iterator[Line]:
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict):
            yield Line(number, entry, notes=notes)
        else:
            yield unreadable_line(number, "body", "is not a JSON object; each entry is an event")
        notes = ()
