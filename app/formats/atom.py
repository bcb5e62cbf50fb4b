"""Atom (RFC 4287): the last updates for feed readers."""

import json
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from app import __version__
from app.formats import citations, media
from app.formats.lines import About, batch_documents
from app.formats.prose import format_html, format_short, replace_unfit
from app.json_types import Json

# An empty feed has to say when it was updated too (section 4.1.1).
NEVER_UPDATED = "1970-01-01T00:00:00Z"
FEED_END = b"</feed>\n"


def write_atom(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the feed in chunks, in the order of the documents.

    Its author is the chronology: publishers are cited, they did not write these entries.
    """
    yield b'<?xml version="1.0" encoding="utf-8"?>\n' + _xml(_feed(about)).removesuffix(FEED_END)
    for batch in batch_documents(documents):
        yield b"".join(_xml(_entry(json.loads(document), about)) for document in batch)
    yield FEED_END


def _feed(about: About) -> Element:
    """Return the feed without its entries (section 4.1.1)."""
    feed = Element("feed", xmlns="http://www.w3.org/2005/Atom")
    _add(feed, "id", about.urn)
    _add(feed, "title", about.title)
    if about.subtitle:
        _add(feed, "subtitle", about.subtitle)
    if about.licence:
        _add(feed, "rights", about.licence)
    if about.language:
        feed.set("xml:lang", about.language)
    _add(feed, "updated", about.updated or NEVER_UPDATED)
    _add(feed, "link", rel="self", type="application/atom+xml", href=about.address)
    _add(feed, "link", rel="alternate", type="text/html", href=about.page)
    author = SubElement(feed, "author")
    _add(author, "name", about.title)
    _add(author, "uri", f"{about.base}/")
    _add(feed, "generator", "Dateline", version=__version__)
    return feed


def _entry(event: Json, about: About) -> Element:
    """Return the entry (section 4.1.2); its dates are its own, the event's date is in its text."""
    entry = Element("entry")
    address = about.record("events", event["id"])
    _add(entry, "id", about.urn_of("events", event["id"]))
    _add(entry, "title", event["title"])
    _add(entry, "updated", event["updated_at"])
    _add(entry, "published", event["created_at"])
    _add(entry, "link", rel="alternate", type="text/html", href=about.page_of(event["id"]))
    _add(entry, "link", rel="alternate", type="application/json", href=address)
    for source in event["sources"]:
        if url := citations.web_link(source):
            _add(entry, "link", rel="via", href=url, title=citations.format_line(source))
    for medium in media.list_linked(event):
        described = {"type": media.guess_media_type(medium), "title": media.describe_medium(medium)}
        _add(entry, "link", rel="enclosure", href=medium["url"], **described)
    label = about.type_label(event["type"])
    _add(entry, "category", term=event["type"], scheme=about.urn_of("types"), label=label)
    for tag in event["tags"]:
        _add(entry, "category", term=tag, scheme=about.urn_of("tags"))
    _add(entry, "summary", format_short(event))
    _add(entry, "content", format_html(event), type="html")
    return entry


def _add(parent: Element, name: str, text: str | None = None, **attributes: str) -> None:
    fitting = {name: replace_unfit(value) for name, value in attributes.items()}
    SubElement(parent, name, fitting).text = None if text is None else replace_unfit(text)


def _xml(element: Element) -> bytes:
    # Not as UTF-8, which would have a declaration of its own.
    return tostring(element, encoding="unicode").encode() + b"\n"
