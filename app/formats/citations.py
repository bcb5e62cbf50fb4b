"""A source in one line, as text and as HTML."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from app import dates
from app.languages import ENGLISH, Language, mark

CitedSource = Mapping[str, Any]
UNKNOWN_PUBLISHER = mark("unknown publisher")


def format_line(source: CitedSource) -> str:
    """Return publisher, title and date of a source, and its role unless it supports the event."""
    return _format_name(source) + _format_role(source)


def format_reference(source: CitedSource, language: Language = ENGLISH) -> str:
    """Return a source as a line to paste: publisher, title, date and address."""
    return " ".join(filter(None, (f"{_format_name(source, language)}.", web_link(source))))


def web_link(source: CitedSource) -> str | None:
    """Return the address of a source; None if a browser may not follow it."""
    return safe_web_link(source["url"])


def safe_web_link(url: str | None) -> str | None:
    """Return the URL if it is http or https; None for any other, which a browser might run."""
    return url if re.match("https?://", url or "", re.IGNORECASE) else None


def display_title(source: CitedSource) -> str | None:
    """Return its title, or the host of its address if its publisher is unknown too."""
    own_title: str | None = source["title"]
    if own_title or source["publisher"] or not source["url"]:
        return own_title
    return re.sub("^https?://(?:[^/?#]*@)?([^/?#]+).*", r"\1", source["url"], flags=re.I | re.S)


def format_html_list(sources: Iterable[CitedSource], **attributes: str) -> str:
    """Return an HTML list of sources, each linked to its address."""
    html = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return f"<ul{html}>{''.join(f'<li>{_format_link(source)}</li>' for source in sources)}</ul>"


def _format_link(source: CitedSource) -> str:
    name, url = escape(_format_name(source)), web_link(source)
    named = f'<a href="{escape(url)}">{name}</a>' if url else name
    return named + _format_role(source)


def _format_name(source: CitedSource, language: Language = ENGLISH) -> str:
    """Return publisher, title and date, also if the publisher is unknown."""
    publisher = source["publisher"] or language.gettext(UNKNOWN_PUBLISHER)
    named = (publisher, display_title(source), _format_date(source, language))
    return language.gettext(", ").join(filter(None, named))


def _format_date(source: CitedSource, language: Language) -> str | None:
    """Return when it was published, in words; if that is unknown, when it was read."""
    if source["published"]:
        return dates.format_date_label(source["published"], language)
    if not source["accessed"]:
        return None
    accessed = dates.format_date_label(source["accessed"], language)
    return language.gettext("accessed {date}", date=accessed)


def _format_role(source: CitedSource) -> str:
    return "" if source["role"] == "supports" else f" ({source['role']})"
