"""An event in words, as calendars and feeds show it: its date, the event, its sources."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from app.formats import citations
from app.formats.lines import About

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


def format_text(event: ServedEvent) -> str:
    """Return date, summary and sources as plain text, with the addresses of the sources."""
    lines = (
        f"- {citations.format_line(source)}"
        + (f": {url}" if (url := citations.web_link(source)) else "")
        for source in event["sources"]
    )
    sources = "\n".join(("Sources:", *lines))
    return "\n\n".join(filter(None, (format_date(event), event["summary"], sources)))


def format_html(event: ServedEvent) -> str:
    """Return date, summary and sources as HTML: only paragraphs, a list and links to the web."""
    texts = filter(None, (format_date(event), event["summary"]))
    paragraphs = (f"<p>{escape(text)}</p>".replace("\n", "<br>") for text in texts)
    return "".join(paragraphs) + citations.format_html_list(event["sources"])


def format_short(event: ServedEvent) -> str:
    """Return date and summary as plain text: a feed shows the day of the last edit beside it."""
    return ": ".join(filter(None, (format_date(event), event["summary"])))
