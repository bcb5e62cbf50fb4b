"""Files as programs that are not ours read them, and which events each format has a place for."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import geojson  # type: ignore[import-untyped]
import vobject  # type: ignore[import-untyped]
from pyld import jsonld  # type: ignore[import-untyped]

from app.formats import READERS

Json = dict[str, Any]
ATOM = "{http://www.w3.org/2005/Atom}"
SCHEMA = "https://schema.org/"
# Elements that never have an end of their own in HTML.
VOID = ("meta", "br", "img", "input", "link", "hr")
# What a browser runs, loads or sends; a document of events has no need of any.
ACTIVE = ("script", "iframe", "object", "embed", "form", "img", "svg", "base", "link", "video")


# -- calendars ------------------------------------------------------------------------------------


def calendar(file: bytes) -> Any:
    """The VCALENDAR of a file, as vobject reads it; there is exactly one."""
    (found,) = vobject.readComponents(file.decode())
    return found


def entries(file: bytes) -> list[Any]:
    """The VEVENTs of a calendar."""
    return list(calendar(file).contents.get("vevent", []))


# -- feeds ----------------------------------------------------------------------------------------


def feed(file: bytes) -> Any:
    """An Atom feed, as feedparser reads it with its own cleaning of HTML left out."""
    ElementTree.fromstring(file)
    found = feedparser.parse(file, sanitize_html=False, resolve_relative_uris=False)
    assert not found.bozo, found.get("bozo_exception")
    return found


# -- linked data ----------------------------------------------------------------------------------


def offline(url: str, options: Json) -> Json:
    """Instead of a loader of documents."""
    raise AssertionError(f"{url} is asked for")


def graph(file: bytes) -> list[Json]:
    """The nodes of a JSON-LD file with every term in full, in their order; nothing is fetched."""
    nodes = jsonld.expand(json.loads(file), {"documentLoader": offline})
    return [node for node in nodes if node["@type"] != [f"{SCHEMA}Dataset"]]


# -- documents ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """HTML whose elements are all closed in order: each with its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, int]] = []
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append((tag, len(self.elements)))
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, number in self.open:
            self.texts[number] += data

    def of(self, tag: str, class_: str | None = None) -> list[str]:
        """The texts of all elements of a name, or those of a class alone."""
        return [
            text
            for (name, attributes), text in zip(self.elements, self.texts, strict=True)
            if name == tag and class_ in (None, *(attributes.get("class") or "").split())
        ]

    def values(self, name: str) -> list[str]:
        """The values of an attribute, wherever it stands."""
        return [value for _, attributes in self.elements if (value := attributes.get(name))]


def assert_harmless(html: str) -> Page:
    """HTML that runs, loads and sends nothing, and links to the web alone."""
    page = Page(html)
    assert [tag for tag, _ in page.elements if tag in ACTIVE] == []
    names = {name for _, attributes in page.elements for name in attributes}
    assert [n for n in names if n.startswith("on") or n in ("src", "srcdoc", "action")] == []
    assert [url for url in page.values("href") if not is_web(url)] == []
    return page


def is_web(url: str) -> bool:
    """Whether it is an address that a browser only reads."""
    return url.lower().startswith(("http://", "https://"))


# -- all formats ----------------------------------------------------------------------------------


def _opened(addresses: Iterable[str]) -> list[str]:
    """Return the ids of the events that pages open."""
    return [address.rpartition("?event=")[2] for address in addresses]


def _articles(file: bytes) -> list[str]:
    elements = Page(file.decode()).elements
    found = (attributes["id"] for tag, attributes in elements if tag == "article")
    return [str(name).removeprefix("event-") for name in found]


IDS: Mapping[str, Callable[[bytes], list[str]]] = {
    "ics": lambda file: [entry.uid.value.partition("@")[0] for entry in entries(file)],
    "geojson": lambda file: [feature.id for feature in geojson.loads(file).features],
    "atom": lambda file: _opened(entry.link for entry in feed(file).entries),
    "jsonfeed": lambda file: _opened(item["url"] for item in json.loads(file)["items"]),
    "jsonld": lambda file: [n[f"{SCHEMA}identifier"][0]["@value"] for n in graph(file)],
    "html": _articles,
}


def ids_in(name: str, file: bytes) -> list[str]:
    """The ids of the events in a file, in its order; our own readers read what they read alone."""
    if name in IDS:
        return IDS[name](file)
    lines = list(READERS[name](io.BytesIO(file)))
    assert [line.faults for line in lines if line.faults] == []
    return [line.document["id"] for line in lines]


def shows(name: str, event: Mapping[str, Any]) -> bool:
    """Whether a format has a place for an event."""
    days = [day for day in (event["date"]["earliest"], event["date"]["latest"]) if day]
    if name == "timelinejs":
        return days != []
    if name == "ics":  # in which a year has four digits, and a last day another after it
        return days != [] and days[0] >= "0001" and days[-1] != "9999-12-31"
    return True
