"""An event in words, as calendars and feeds show it: its date, the event, its sources."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from app.formats import citations
from app.formats.lines import About
from app.schemas import format_own_value

ServedEvent = Mapping[str, Any]
# Characters that XML 1.0 (section 2.2) and iCalendar (RFC 5545 section 3.1) cannot hold.
UNFIT_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

DOUBTFUL_MATCH = ", possible but not certain in the dates asked for"


def replace_unfit(text: str) -> str:
    """Return `text` with U+FFFD for each character that XML 1.0 or iCalendar cannot hold."""
    return UNFIT_CHARACTERS.sub("\ufffd", text)


def format_date(event: ServedEvent) -> str:
    """Return the date in words, its source's own words, and a caveat.

    That is the status, unless it just happened, and whether it only may lie in the dates asked for.
    `November 2023 (“late in 2023”), planned`
    """
    date, status = event["date"], event["status"]
    quoted = f" (“{date['text']}”)" if date["text"] else ""
    beside = "" if status in (None, "completed") else f", {status}"
    doubt = DOUBTFUL_MATCH if event.get("match") == "possible" else ""
    return f"{date['label']}{quoted}{beside}{doubt}"


def list_keywords(event: ServedEvent, about: About) -> list[str]:
    """Return the label of its type and its tags, each once."""
    return list(dict.fromkeys((about.type_label(event["type"]), *event["tags"])))


def list_own_fields(event: ServedEvent) -> list[str]:
    """Return a line for each own field: `importance: 8`; one line also of a longer text."""
    values = {name: format_own_value(value) for name, value in event["extra"].items()}
    return [f"{name}: {' '.join(text.split())}" for name, text in values.items()]


def format_text(event: ServedEvent) -> str:
    """Return date, summary, sources with their addresses and own fields as plain text."""
    lines = (
        f"- {citations.format_line(source)}"
        + (f": {url}" if (url := citations.web_link(source)) else "")
        for source in event["sources"]
    )
    sources = "\n".join(("Sources:", *lines))
    own_fields = "\n".join(list_own_fields(event))
    return "\n\n".join(filter(None, (format_date(event), event["summary"], sources, own_fields)))


def format_html(event: ServedEvent) -> str:
    """Return date, summary, own fields and sources as HTML.

    It has only paragraphs, a list and links to the web.
    """
    texts = filter(None, (format_date(event), event["summary"], *list_own_fields(event)))
    paragraphs = (f"<p>{escape(text)}</p>".replace("\n", "<br>") for text in texts)
    return "".join(paragraphs) + citations.format_html_list(event["sources"])


def format_short(event: ServedEvent) -> str:
    """Return date and summary as plain text: a feed shows the day of the last edit beside it."""
    return ": ".join(filter(None, (format_date(event), event["summary"])))
