"""A source in one line, as text and as HTML."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from app import dates

Source = Mapping[str, Any]
UNKNOWN = "unknown publisher"


def line(source: Source) -> str:
    """Publisher, title and date of a source, and its role where it is not to support the event."""
    return _named(source) + _role(source)


def link(source: Source) -> str | None:
    """The address of a source; None where there is none that a browser may follow."""
    return followed(source["url"])


def followed(url: str | None) -> str | None:
    """A URL that a browser may follow: http and https alone, nothing that runs."""
    return url if re.match("https?://", url or "", re.IGNORECASE) else None


def title(source: Source) -> str | None:
    """Its title; where its publisher is unknown, too, the host of its address."""
    known: str | None = source["title"]
    if known or source["publisher"] or not source["url"]:
        return known
    return re.sub("^https?://(?:[^/?#]*@)?([^/?#]+).*", r"\1", source["url"], flags=re.I | re.S)


def as_html(sources: Iterable[Source], **attributes: str) -> str:
    """A list of sources, each linked to where it can be read."""
    given = "".join(f' {name.rstrip("_")}="{escape(said)}"' for name, said in attributes.items())
    return f"<ul{given}>{''.join(f'<li>{_linked(source)}</li>' for source in sources)}</ul>"


def _linked(source: Source) -> str:
    said, url = escape(_named(source)), link(source)
    named = f'<a href="{escape(url)}">{said}</a>' if url else said
    return named + _role(source)


def _named(source: Source) -> str:
    """What is known of it, also that its publisher is not."""
    named = (source["publisher"] or UNKNOWN, title(source), _dated(source))
    return ", ".join(filter(None, named))


def _dated(source: Source) -> str | None:
    """When it was published, in words; where only that is known, when it was read."""
    if source["published"]:
        return dates.parse(source["published"]).label
    return f"accessed {dates.parse(source['accessed']).label}" if source["accessed"] else None


def _role(source: Source) -> str:
    return "" if source["role"] == "supports" else f" ({source['role']})"
