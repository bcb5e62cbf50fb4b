"""Sources as reference managers know them: what CSL-JSON, BibTeX and RIS share."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from app import dates
from app.dates.grammar import GROUPINGS, Component, Expression, Interval, read_expression
from app.errors import Fault
from app.formats.citations import safe_web_link
from app.formats.lines import Line, batch_documents
from app.json_types import Json
from app.models import SOURCE_KINDS
from app.schemas import is_slug

NAME_SEPARATOR: Final = "; "  # between the authors of a source
DOI_ADDRESS: Final = "https://doi.org/"


class ReferenceKind(NamedTuple):
    """How the formats call a kind of source, and whether that tells the kind."""

    csl: str
    bibtex: str
    ris: str
    is_exact: bool = True


REFERENCE_KINDS: Final[Mapping[str | None, ReferenceKind]] = {
    "news": ReferenceKind("article-newspaper", "article", "NEWS"),
    "analysis": ReferenceKind("article", "misc", "GEN", is_exact=False),
    "official": ReferenceKind("document", "misc", "GOVDOC", is_exact=False),
    "report": ReferenceKind("report", "techreport", "RPRT"),
    "book": ReferenceKind("book", "book", "BOOK"),
    "dataset": ReferenceKind("dataset", "dataset", "DATA"),
    "web-page": ReferenceKind("webpage", "online", "ELEC"),
    "other": ReferenceKind("document", "misc", "GEN", is_exact=False),
    None: ReferenceKind("document", "misc", "GEN"),
}
PERIODICALS: Final = ("news", "web-page")  # whose publisher is the name of the whole


# -- writing --------------------------------------------------------------------------------------


def list_sources(documents: Iterable[bytes]) -> Iterator[list[Json]]:
    """Yield the sources of events in lists, each source once, in the order of first citation."""
    ids: set[str] = set()
    for batch in batch_documents(documents):
        sources = []
        for document in batch:
            for source in json.loads(document)["sources"]:
                if source["id"] not in ids:
                    ids.add(source["id"])
                    sources.append(source)
        if sources:
            yield sources


def split_names(author: str | None) -> list[str]:
    """Return the names of the authors."""
    return [name for part in (author or "").split(NAME_SEPARATOR) if (name := part.strip())]


def list_date_parts(edtf: str) -> list[list[int]] | None:
    """Return year, month and day of a date, or of both ends; None if it says more or less.

    `?`, `~` and `%` are left aside: `is_exact_date` tells a date with one of them.
    """
    expression = read_expression(edtf)
    ends = (expression.start, expression.end) if isinstance(expression, Interval) else (expression,)
    parts = [numbers for end in ends if (numbers := _numbers(end)) is not None]
    return parts if _join_date_parts(parts) == re.sub("[?~%]", "", edtf) else None


def is_exact_date(edtf: str) -> bool:
    """Return whether year, month and day say all that a date does."""
    return _join_date_parts(list_date_parts(edtf) or []) == edtf


def _join_date_parts(parts: Iterable[Sequence[int]]) -> str:
    dates_of_parts = (
        "-".join((f"{year:04d}", *(f"{part:02d}" for part in finer))) for year, *finer in parts
    )
    return "/".join(dates_of_parts)


def _numbers(end: Expression | Any) -> list[int] | None:
    if not isinstance(end, Component) or "X" in end.text or end.month in GROUPINGS:
        return None
    if end.year is None or not re.fullmatch("[0-9]{4}", end.year) or end.year == "0000":
        return None  # the formats differ on years before Christ
    return [int(part) for part in (end.year, end.month, end.day) if part]


# -- reading --------------------------------------------------------------------------------------


class ReferenceError(ValueError):
    """Why a reference cannot be read; `name` is the field at fault."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def build_source_line(
    number: int,
    key: str,
    fields: Mapping[str, Any],
    origins: Mapping[str, str],
    notes: Iterable[str],
) -> Line:
    """Return the line of a source; `origins` are the names of its fields in the file."""
    document = {name: value for name, value in fields.items() if value}
    if is_slug(key):
        document["id"] = key

    def locate(fault: Fault) -> Fault:
        name = fault.name.removeprefix("sources.0.").removeprefix("sources.0")
        return replace(fault, name=origins.get(name, name) or key[:100] or "file")

    return Line(number, document, notes=tuple(notes), kind="source", locate=locate)


def read_edtf(text: str, name: str) -> str:
    """Return a date in EDTF. Raise ReferenceError if it is none."""
    try:
        return dates.parse_days(text).edtf
    except dates.DateError as error:
        raise ReferenceError(name, f"'{text[:60]}' is not a date: {error}") from None


def join_edtf(year: int, *finer: int, name: str) -> str:
    """Return the EDTF of year, month and day. Raise ReferenceError if there is no such day."""
    if not 0 < year <= 9999:
        raise ReferenceError(name, f"has the year {year}; years go from 1 to 9999 here")
    return read_edtf("-".join((f"{year:04d}", *(f"{part:02d}" for part in finer))), name)


def choose_publisher(kind_is_periodical: bool, whole: str, publisher: str) -> tuple[str, str]:
    """Return the publisher of a source, and the name that is left out."""
    first, second = (whole, publisher) if kind_is_periodical else (publisher, whole)
    return (first, second) if first else (second, "")


def read_address(url: str, doi: str, notes: list[str]) -> str | None:
    """Return the address of a source: its URL, or that of its DOI."""
    doi = re.sub(r"(?i)^(https?://(dx\.)?doi\.org/|doi:\s*)", "", doi.strip())
    if url and not safe_web_link(url):
        notes.append("an address that is not of the web is left out")
        url = ""
    if url:
        if doi and doi not in url:
            notes.append("DOI is left out: the source has another address")
        return url
    return DOI_ADDRESS + doi if doi else None


def read_archive_address(text: str, name: str, notes: list[str]) -> str | None:
    """Return the address of an archived copy; note a text that is none."""
    if text and not safe_web_link(text):
        notes.append(f"{name} is left out: it is not an address of the web")
        return None
    return text or None


def read_language(text: str, notes: list[str]) -> str | None:
    """Return a language tag; note a language in words."""
    if not text:
        return None
    first, *rest = text.strip().replace("_", "-").split("-")
    tag = "-".join((first.lower(), *rest))
    if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        return tag
    notes.append(f"the language '{text[:40]}' is left out: it is not a tag such as en or sr-Latn")
    return None


def read_own_kind(text: str) -> str | None:
    """Return the kind of a source that Dateline wrote beside its type."""
    return text if text in SOURCE_KINDS else None
