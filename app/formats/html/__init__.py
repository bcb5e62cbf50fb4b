"""HTML: a document that needs no server, and the templates of an event in any page."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import dates
from app.formats import citations
from app.formats.lines import About, batch_documents
from app.json_types import Json
from app.schemas import MAX_COMPARED_CHARACTERS, OwnValue, comparable_form, format_own_value

TEMPLATES_FOLDER = Path(__file__).parent
QUALIFIER_WORDS: Mapping[str, str] = {
    "about": "about ",
    "at-least": "at least ",
    "at-most": "at most ",
}


def write_html(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the document in chunks: every event with its sources, links leading to the server."""
    parts: Any = load_templates().get_template("document.html").make_module({"about": about})
    links = AbsoluteLinks(about)
    yield parts.begin().encode()
    for batch in batch_documents(documents):
        yield "".join(parts.item(json.loads(event), links) for event in batch).encode()
    yield parts.end().encode()


class AbsoluteLinks:
    """The absolute links of an event, to the timeline page of a server."""

    new_tab = False  # whether an event opens in a new tab

    def __init__(self, about: About) -> None:
        self.event = about.page_of
        self.type_label = about.type_label
        self.page = f"{about.base}/"

    def having(self, name: str, value: str) -> str:
        """Return the page with the events that have a value."""
        return f"{self.page}?{urlencode({name: value})}"

    def image(self, medium: Mapping[str, Any]) -> None:
        """Return None: a document that needs nothing else shows no picture of another host."""

    def label(self, name: str, value: str) -> str:
        """Return the name of a value for people."""
        return self.type_label(value) if name == "type" else value.replace("-", " ")


@cache
def load_templates(*folders: Path) -> Environment:
    """Return the templates in these folders and in this one; they escape every variable."""
    environment = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES_FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": format_amount,
        "comparable": find_comparable_form,
        "label": lambda edtf: dates.parse(edtf).label,
        "machine_date": format_machine_date,
        "number": "{:,}".format,
        "own_value": format_own_value,
        "parsed": lambda date: dates.parse(date["edtf"]),
        "reference": citations.format_reference,
        "shape": mark_shape,
        "source_title": citations.display_title,
        "web_link": citations.safe_web_link,
    }
    return environment


def mark_shape(edtf: str) -> str:
    """Return the classes of a date: `point`, `within` (once, somewhere in a span) or `lasting`.

    Add `open-start` or `open-end` if it has no such bound, `vague` if it has ?, ~ or %.
    """
    date = dates.parse(edtf)
    classes = {
        "point": date.start_earliest == date.end_latest,
        "within": date.precision not in ("day", "interval"),
        "lasting": date.precision == "interval" and date.start_earliest != date.end_latest,
        "open-start": date.start_earliest == dates.BEGINNING,
        "open-end": date.end_latest == dates.END,
        "vague": date.uncertain or date.approximate,
    }
    return " ".join(name for name, applies in classes.items() if applies)


def format_machine_date(date: Json) -> str | None:
    """Return a year, a month or a day for `<time datetime>`, None if HTML cannot express it."""
    edtf: str = date["edtf"]
    plain = edtf.replace("-", "").isdigit() and not edtf.startswith(("-", "0000"))
    return edtf if plain and date["precision"] in ("day", "month", "year") else None


def find_comparable_form(value: OwnValue) -> str | None:
    """Return the value by which an own field is filtered; None if it is too long for that."""
    form = comparable_form(value)
    return form if len(form) <= MAX_COMPARED_CHARACTERS else None


def format_amount(quantity: Json) -> str:
    """Return a quantity in words: the source's own, else its number and unit."""
    if quantity["text"]:
        return str(quantity["text"])
    words = QUALIFIER_WORDS.get(quantity["qualifier"], "") + _number(quantity["value"])
    if quantity["max_value"] is not None:
        words += f" to {_number(quantity['max_value'])}"
    return f"{words} {quantity['unit'] or ''}".rstrip()


def _number(digits: str) -> str:
    return f"{Decimal(digits):,f}"
