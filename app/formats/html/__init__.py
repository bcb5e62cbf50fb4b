"""HTML: a document that needs no server, and the templates of an event in any page."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from app import dates
from app.formats import citations
from app.formats.lines import About, batch_documents
from app.json_types import Json
from app.languages import ENGLISH, Language, mark
from app.schemas import MAX_COMPARED_CHARACTERS, OwnValue, comparable_form, format_own_value

TEMPLATES_FOLDER = Path(__file__).parent
QUALIFIER_WORDS: Mapping[str, str] = {
    "about": mark("about {amount}"),
    "at-least": mark("at least {amount}"),
    "at-most": mark("at most {amount}"),
}
STATUS_WORDS = (mark("planned"), mark("ongoing"), mark("completed"), mark("cancelled"))
# Fields of an event, as claims and revisions name them.
FIELD_WORDS = (
    *(mark("type"), mark("title"), mark("summary"), mark("date"), mark("status"), mark("actors")),
    *(mark("places"), mark("quantities"), mark("tags"), mark("related"), mark("sources")),
    *(mark("media"), mark("extra")),
)
MEDIA_WORDS = (mark("image"), mark("video"), mark("audio"), mark("document"), mark("page"))


def write_html(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the document in chunks: every event with its sources, links leading to the server."""
    parts: Any = load_templates(ENGLISH).get_template("document.html").make_module({"about": about})
    links = AbsoluteLinks(about)
    yield parts.begin().encode()
    for batch in batch_documents(documents):
        yield "".join(parts.item(json.loads(event), links) for event in batch).encode()
    yield parts.end().encode()


class AbsoluteLinks:
    """The absolute links of an event, to the timeline page of a server."""

    new_tab = False  # whether an event opens in a new tab
    content_language = None  # the document is in the language of its events

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
def load_templates(language: Language, *folders: Path) -> Environment:
    """Return the templates in these folders and in this one; they escape every variable.

    In them, `_` and `ngettext` give messages in the language, `label` and `number` dates and
    numbers.
    """
    environment = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES_FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": partial(format_amount, language=language),
        "comparable": find_comparable_form,
        "label": lambda edtf: dates.format_date_label(edtf, language),
        "machine_date": format_machine_date,
        "number": language.number,
        "own_value": format_own_value,
        "parsed": lambda date: dates.parse(date["edtf"]),
        "reference": partial(citations.format_reference, language=language),
        "shape": mark_shape,
        "source_title": citations.display_title,
        "web_link": citations.safe_web_link,
    }

    def gettext(message: str, **values: object) -> Markup:
        return escape(language.translate(message)).format(**values)

    def ngettext(singular: str, plural: str, number: int, **values: object) -> Markup:
        message = language.translate_plural(singular, plural, number)
        return escape(message).format(number=language.number(number), **values)

    environment.filters["translated"] = gettext
    environment.globals |= {"_": gettext, "ngettext": ngettext, "language": language}
    return environment


def mark_shape(edtf: str) -> str:
    """Return the classes of a date: `point`, `within` (once, somewhere in a span) or `lasting`.

    Add `open-start` or `open-end` if it has no such bound, `vague` if it has ?, ~ or %.
    """
    date = dates.parse(edtf)
    classes = {
        "point": date.start_earliest == date.end_latest,
        "within": date.precision not in ("day", "minute", "second", "interval"),
        "lasting": date.precision == "interval" and date.start_earliest != date.end_latest,
        "open-start": date.start_earliest == dates.BEGINNING,
        "open-end": date.end_latest == dates.END,
        "vague": date.uncertain or date.approximate,
    }
    return " ".join(name for name, applies in classes.items() if applies)


def format_machine_date(date: Json) -> str | None:
    """Return a year, month, day or time for `<time datetime>`; None if HTML cannot express it."""
    edtf: str = date["edtf"]
    if edtf.startswith(("-", "0000")):
        return None
    if date["precision"] in ("minute", "second"):
        clock = dates.parse(edtf).start_clock
        return f"{date['earliest']}{clock.iso}" if clock else None
    plain = edtf.replace("-", "").isdigit()
    return edtf if plain and date["precision"] in ("day", "month", "year") else None


def find_comparable_form(value: OwnValue) -> str | None:
    """Return the value by which an own field is filtered; None if it is too long for that."""
    form = comparable_form(value)
    return form if len(form) <= MAX_COMPARED_CHARACTERS else None


def format_amount(quantity: Json, language: Language = ENGLISH) -> str:
    """Return a quantity in words: the source's own, else its number and unit."""
    if quantity["text"]:
        return str(quantity["text"])
    amount = language.number(Decimal(quantity["value"]))
    if quantity["max_value"] is not None:
        most = language.number(Decimal(quantity["max_value"]))
        amount = language.gettext("{first} to {last}", first=amount, last=most)
    words = f"{amount} {quantity['unit'] or ''}".rstrip()
    message = QUALIFIER_WORDS.get(quantity["qualifier"])
    return language.gettext(message, amount=words) if message else words
