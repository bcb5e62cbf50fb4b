"""Every format that is only written, as a program that is not ours reads it."""

import json
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import feedparser  # type: ignore[import-untyped]
import geojson  # type: ignore[import-untyped]
import vobject  # type: ignore[import-untyped]
from pyld import jsonld  # type: ignore[import-untyped]

Json = dict[str, Any]
EVENT = "https://schema.org/Event"
RUNS = frozenset(("script", "iframe", "object", "embed", "form", "img", "svg", "link", "base"))


def calendar(file: bytes) -> list[Any]:
    """The entries of a calendar."""
    # Bytes, since Python's lines end at characters that a calendar's do not.
    (read,) = vobject.readComponents(file.decode())
    return [entry for entry in read.components() if entry.name == "VEVENT"]


def features(file: bytes) -> list[Any]:
    """The features of a map's layer, each checked by the rules of RFC 7946."""
    layer = geojson.loads(file)
    assert layer.is_valid, layer.errors()
    return list(layer.features)


def entries(file: bytes) -> list[Any]:
    """The entries of a feed that is well-formed XML."""
    feed = feedparser.parse(file, response_headers={"content-type": "application/atom+xml"})
    assert not feed.bozo, feed.bozo_exception
    return list(feed.entries)


def no_network(url: str, options: Json) -> Json:
    """Nothing has to be fetched to understand the file."""
    raise AssertionError(f"{url} was asked for")


def nodes(file: bytes) -> list[Any]:
    """The events of a graph, expanded to full addresses."""
    expanded = jsonld.expand(json.loads(file), {"documentLoader": no_network})
    return [node for node in expanded if EVENT in node.get("@type", ())]


class Shown(HTMLParser):
    """What a browser takes from HTML: ids of events, texts, links, and what would run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.running: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.running += [tag] if tag in RUNS else []
        self.running += [name for name in given if name.startswith("on") or name == "style"]
        self.links += [str(value) for name, value in given.items() if name in ("href", "src")]
        if tag == "article":
            self.ids.append(str(given["id"]).removeprefix("event-"))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


IDS: Mapping[str, Callable[[bytes], list[str]]] = {
    "ics": lambda file: [e.uid.value.partition("@")[0] for e in calendar(file)],
    "geojson": lambda file: [feature["id"] for feature in features(file)],
    "atom": lambda file: [entry.id.rpartition("/")[2] for entry in entries(file)],
    "jsonfeed": lambda file: [i["id"].rpartition("/")[2] for i in json.loads(file)["items"]],
    "jsonld": lambda file: [node["@id"].rpartition("/")[2] for node in nodes(file)],
    "html": lambda file: Shown(file.decode()).ids,
}
