"""Atom (RFC 4287): the last updates for feed readers."""

import json
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from app import __version__
from app.formats import citations
from app.formats.lines import About, Json, batches
from app.formats.prose import as_html, fit, in_short

# An empty feed has to say when it was updated too (section 4.1.1).
NEVER = "1970-01-01T00:00:00Z"
END = b"</feed>\n"


def write(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """The feed, chunk by chunk, in the order of the documents.

    Its author is the chronology: publishers are cited, they did not write what stands here.
    """
    yield b'<?xml version="1.0" encoding="utf-8"?>\n' + _xml(_feed(about)).removesuffix(END)
    for batch in batches(documents):
        yield b"".join(_xml(_entry(json.loads(document), about)) for document in batch)
    yield END


def _feed(about: About) -> Element:
    """The feed without its entries (section 4.1.1)."""
    made = Element("feed", xmlns="http://www.w3.org/2005/Atom")
    _add(made, "id", about.urn)
    _add(made, "title", about.title)
    _add(made, "updated", about.updated or NEVER)
    _add(made, "link", rel="self", type="application/atom+xml", href=about.address)
    _add(made, "link", rel="alternate", type="text/html", href=about.page)
    author = SubElement(made, "author")
    _add(author, "name", about.title)
    _add(author, "uri", f"{about.base}/")
    _add(made, "generator", "Dateline", version=__version__)
    return made


def _entry(event: Json, about: About) -> Element:
    """The entry (section 4.1.2); its dates are its own, the event's stands in its text."""
    made = Element("entry")
    address = about.record("events", event["id"])
    _add(made, "id", about.urn_of("events", event["id"]))
    _add(made, "title", event["title"])
    _add(made, "updated", event["updated_at"])
    _add(made, "published", event["created_at"])
    _add(made, "link", rel="alternate", type="text/html", href=about.page_of(event["id"]))
    _add(made, "link", rel="alternate", type="application/json", href=address)
    for source in event["sources"]:
        if url := citations.link(source):
            _add(made, "link", rel="via", href=url, title=citations.line(source))
    label = about.type_label(event["type"])
    _add(made, "category", term=event["type"], scheme=about.urn_of("types"), label=label)
    for tag in event["tags"]:
        _add(made, "category", term=tag, scheme=about.urn_of("tags"))
    _add(made, "summary", in_short(event))
    _add(made, "content", as_html(event), type="html")
    return made


def _add(parent: Element, name: str, text: str | None = None, **attributes: str) -> None:
    fitting = {name: fit(value) for name, value in attributes.items()}
    SubElement(parent, name, fitting).text = None if text is None else fit(text)


def _xml(element: Element) -> bytes:
    # Not as UTF-8, which would have a declaration of its own.
    return tostring(element, encoding="unicode").encode() + b"\n"
