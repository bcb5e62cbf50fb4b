"""Convert HTML to plain text and back."""

import re
from collections import Counter
from html import escape
from html.parser import HTMLParser
from textwrap import shorten
from typing import NamedTuple

BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"),
    )
)
VOID = frozenset(
    (
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"),
        *("track", "wbr"),
    )
)
HIDDEN = frozenset(("script", "style", "template", "title"))

MAX_TITLE_CHARACTERS = 120  # of a title that is made from a text
SENTENCE = re.compile(r".{20,}?[.!?](?= [^a-z])")

# Marks of our own: text that is kept to the last space, and sources beside the text.
TEXT_CLASS = "dateline-text"
SOURCES_CLASS = "dateline-sources"

# While a text is put together, white space that may shrink, and the end of a block.
SOFT, BREAK = "\0", "\1"


class PlainText(NamedTuple):
    """Plain text, and whether links were left out of it."""

    text: str
    links: bool


def preserve_text(text: str) -> str:
    """Return HTML that shows `text` with its line breaks; `read_html` reads it back exactly."""
    return f'<div class="{TEXT_CLASS}" style="white-space: pre-line">{escape(text)}</div>'


def read_html(html: str) -> PlainText:
    """Return the text that a browser would show, one line per block; "" if there is none."""
    reader = _Reader()
    reader.feed(_tidy(html))
    reader.close()
    text = "".join(reader.shown).strip(SOFT + BREAK)
    text = re.sub(f"[{SOFT}{BREAK}]+", lambda run: "\n" if BREAK in run.group() else " ", text)
    return PlainText(text, reader.links)


def find_title(text: str) -> str:
    """Return the first sentence of a plain text, cut at a word if it is long; "" if it has none."""
    first_line = " ".join(text.lstrip().partition("\n")[0][: 4 * MAX_TITLE_CHARACTERS].split())
    sentence = SENTENCE.match(first_line)
    return shorten(sentence[0] if sentence else first_line, MAX_TITLE_CHARACTERS, placeholder=" …")


def _tidy(html: str) -> str:
    """Return `html` without comments and declarations, each `<` that opens no tag as a letter.

    On those HTMLParser fails, or takes quadratic time.
    """
    begin, *comments = html.split("<!--")
    html = begin + "".join(comment.partition("-->")[2] for comment in comments)
    html = re.sub(r"<[!?][^<>]*>", "", html)
    return re.sub(r"<(?!/?[a-zA-Z][^<>]*>)", "&lt;", html)


class _Reader(HTMLParser):
    """Collect the visible text; every open element carries how its text is treated."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.links = False
        self.open: list[tuple[str, str]] = []
        self.of_name: Counter[str] = Counter()

    @property
    def treatment(self) -> str:
        return self.open[-1][1] if self.open else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        marks = (attributes.get("class") or "").split()
        treatment = self.treatment
        if tag in HIDDEN or SOURCES_CLASS in marks:
            treatment = SOURCES_CLASS
        elif treatment != SOURCES_CLASS and (tag == "pre" or TEXT_CLASS in marks):
            treatment = TEXT_CLASS
        self.links |= tag == "a" and "href" in attributes and treatment != SOURCES_CLASS
        self._edge(tag)
        if tag not in VOID:
            self.open.append((tag, treatment))
            self.of_name[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        while self.of_name[tag]:
            closed, _ = self.open.pop()
            self.of_name[closed] -= 1
            if closed == tag:
                break
        self._edge(tag)

    def handle_data(self, data: str) -> None:
        treatment = self.treatment
        if treatment == TEXT_CLASS:
            self.shown.append(data)
        elif treatment != SOURCES_CLASS:
            self.shown.append(re.sub(r"[\s\0\1]+", SOFT, data))

    def _edge(self, tag: str) -> None:
        if tag in BLOCKS:
            self.shown.append(BREAK)
