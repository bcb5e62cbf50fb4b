"""The types of all formats: an event of a file, and events in chunks."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID, uuid5

from app.errors import Fault
from app.json_types import Json

CHUNK_EVENTS = 200  # events a chunk
MAX_EVENT_BYTES = (
    64 * 1024 * 1024
)  # of one event in a file; the largest that is valid takes half of it


@dataclass(frozen=True)
class About:
    """The context of a file, beside its events.

    `title`, `subtitle`, `language` and `licence` are the chronology's. `base` is the server's
    public address without a slash at its end, `address` the full URL of this list with its query.
    `identity` is the store's. `updated` is when one of its events was last edited, RFC 3339, None
    if it holds none or its format does not say so. `fields` are the only members to write, None
    for all. `lossless` (tables only) asks that nothing be lost, `bom` (CSV only) for a byte order
    mark. `types`, `shared_names` and `own_fields` are read from the store only if a format uses
    them.
    """

    title: str
    base: str
    address: str
    identity: UUID
    subtitle: str | None = None
    language: str | None = None
    licence: str | None = None
    updated: str | None = None
    fields: Sequence[str] | None = None
    lossless: bool = False
    bom: bool = False
    read_types: Callable[[], Mapping[str, str]] = dict
    read_shared_names: Callable[[], Mapping[str, frozenset[str]]] = dict
    read_own_fields: Callable[[], Sequence[str]] = list

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Return the labels of types by id, read when a format first asks for them."""
        return self.read_types()

    @cached_property
    def shared_names(self) -> Mapping[str, frozenset[str]]:
        """Return the folded names that several actors or places have, read when first needed."""
        return self.read_shared_names()

    @cached_property
    def own_fields(self) -> Sequence[str]:
        """Return the names of the own fields of all its events, read when first needed."""
        return self.read_own_fields()

    @property
    def page(self) -> str:
        """Return the address of the timeline for people under the same filter."""
        query = urlsplit(self.address).query
        return f"{self.base}/?{query}" if query else f"{self.base}/"

    def type_label(self, type_id: str) -> str:
        """Return the label of a type."""
        return self.types.get(type_id) or type_id.replace("-", " ")

    @property
    def urn(self) -> str:
        """Return the permanent name of this very list, whatever the order of its parameters."""
        parameters = sorted(parse_qsl(urlsplit(self.address).query))
        return self.urn_of("events", f"?{urlencode(parameters)}")

    def urn_of(self, kind: str, name: str = "") -> str:
        """Return the permanent name of a record, the same at every address of the server.

        A `urn:uuid:` (RFC 9562 section 5.5), since a `tag:` needs a host or a mailbox, which a
        chronology may lose.
        """
        return uuid5(self.identity, f"{kind}/{name}").urn

    def page_of(self, event_id: str) -> str:
        """Return the address of the timeline for people with this event open."""
        return f"{self.base}/?event={event_id}"

    def record(self, kind: str, record_id: str) -> str:
        """Return the address of a record; `kind` begins its path, such as `events`."""
        return f"{self.base}/{kind}/{record_id}"


@dataclass(frozen=True)
class Line:
    """An event of a file, or a source if `kind` says so.

    `number` is the line it begins in, from 1, or the number of the slide in TimelineJS. `document`
    is a body of POST /events, perhaps with derived members as served; it is empty if `faults` say
    why the line cannot be read. A fault without a line concerns the whole file. `notes` name the
    parts that no event can hold. `actors` are the raw entries of that cell if a parenthesis in them
    may be a role or part of the name; `roles` are those that the file itself gives elsewhere.
    `locate` renames a fault of the document to the names of the file.
    """

    number: int
    document: Json
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    skipped: bool = False
    kind: str = "event"
    locate: Callable[[Fault], Fault] = field(default=lambda fault: fault, compare=False)

    def blame(self, fault: Fault) -> Fault:
        """Return a fault of the document with its line, named as in the file."""
        return replace(self.locate(fault), line=self.number)


def unreadable_line(number: int, name: str, message: str, suggestion: str | None = None) -> Line:
    """Return the line `number` with the fault that keeps it from being read."""
    return Line(number, {}, (Fault("body", name, message, suggestion, number),))


def damaged_file(message: str, name: str = "file") -> Line:
    """Return a line with the fault of a file that cannot be read at all."""
    return Line(1, {}, (Fault("body", name, message),))


def batch_documents(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield `documents` in lists of CHUNK_EVENTS, so that a chunk of a file holds several."""
    left = iter(documents)
    while batch := list(islice(left, CHUNK_EVENTS)):
        yield batch


def batch_items(
    documents: Iterable[bytes], build: Callable[[Json], Json | None]
) -> Iterator[list[Json]]:
    """Yield lists of the items that `build` makes of the events; None leaves an event out."""
    for batch in batch_documents(documents):
        items = (build(json.loads(document)) for document in batch)
        if present := [item for item in items if item is not None]:
            yield present


def pick_members(document: Json, fields: Sequence[str]) -> Json:
    """Return only these members, in this order; `match` is there only with a date."""
    return {name: document[name] for name in fields if name in document}


def encode_json(value: Any) -> bytes:
    """Return a value as JSON, without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def write_json_list(
    batches: Iterable[list[Json]], name: str, beside: Mapping[str, Any] | None = None
) -> Iterator[bytes]:
    """Yield a JSON object whose last member, `name`, is a long list; `beside` are the others."""
    before = encode_json({**(beside or {}), name: []}).removesuffix(b"]}")
    for batch in batches:
        yield before + b",".join(map(encode_json, batch))
        before = b","
    yield b"]}" if before == b"," else before + b"]}"
