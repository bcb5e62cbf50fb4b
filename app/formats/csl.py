"""CSL-JSON: the sources as citation processors and Zotero read and write them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from html import unescape
from typing import Any, BinaryIO, Final

from app import dates
from app.formats.lines import About, Line, damaged_file, encode_json, unreadable_line
from app.formats.references import (
    NAME_SEPARATOR,
    PERIODICALS,
    REFERENCE_KINDS,
    ReferenceError,
    build_source_line,
    choose_publisher,
    is_exact_date,
    join_edtf,
    list_date_parts,
    list_sources,
    read_address,
    read_archive_address,
    read_edtf,
    read_language,
    read_own_kind,
    split_names,
)
from app.json_types import Json
from app.schemas import read_json

KIND_OF_CSL: Final[Mapping[str, str]] = {
    "article-newspaper": "news",
    "report": "report",
    **dict.fromkeys(("book", "chapter", "monograph"), "book"),
    "dataset": "dataset",
    **dict.fromkeys(("webpage", "post", "post-weblog"), "web-page"),
    **dict.fromkeys(("legislation", "bill", "legal_case", "regulation", "treaty"), "official"),
}
PLAIN_TYPES: Final = ("document", "article", "")  # that tell no kind
CSL_TYPES: Final = frozenset(
    (
        *KIND_OF_CSL,
        *("article", "article-journal", "article-magazine", "broadcast", "classic", "collection"),
        *("document", "entry", "entry-dictionary", "entry-encyclopedia", "event", "figure"),
        *("graphic", "hearing", "interview", "manuscript", "map", "motion_picture"),
        *("musical_score", "pamphlet", "paper-conference", "patent", "performance", "periodical"),
        *("personal_communication", "review", "review-book", "software", "song", "speech"),
        *("standard", "thesis"),
    )
)
READ_MEMBERS: Final = frozenset(
    (
        *("id", "type", "title", "container-title", "publisher", "author", "URL", "DOI", "issued"),
        *("accessed", "language", "genre", "archive_location", "custom", "citation-key"),
    )
)
# The rich text of CSL-JSON 1.0.2, and what Crossref adds to it.
RICH_TEXT: Final = re.compile(
    r"</?(?:i|b|sub|sup|sc|em|strong|scp)>|<span(?: [^<>]*)?>|</span>", re.IGNORECASE
)
ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")
CSL_ORIGINS: Final = {
    "published": "issued",
    "accessed": "accessed",
    "url": "URL",
    "archive_url": "archive_location",
    "id": "id",
}


# -- writing --------------------------------------------------------------------------------------


def write_csl(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield an array with an item for each source of the events."""
    before = b"["
    for sources in list_sources(documents):
        yield before + b",\n".join(encode_json(build_csl_item(source)) for source in sources)
        before = b",\n"
    yield b"[]" if before == b"[" else b"]"


def build_csl_item(source: Mapping[str, Any]) -> Json:
    """Return a source as an item of CSL-JSON 1.0.2, with exactly what is known of it."""
    kind = source["kind"]
    reference = REFERENCE_KINDS[kind]
    whole = "container-title" if kind in PERIODICALS else "publisher"
    exact = {
        name: source[name]
        for name in ("published", "accessed")
        if source[name] and not _says_all(source[name])
    }
    item = {
        "id": source["id"],
        "type": reference.csl,
        "genre": None if reference.is_exact else kind,
        "title": source["title"],
        "author": [{"literal": name} for name in split_names(source["author"])],
        whole: source["publisher"],
        "issued": _build_date(source["published"]),
        "accessed": _build_date(source["accessed"]),
        "URL": source["url"],
        "archive_location": source["archive_url"],
        "language": source["language"],
        "custom": exact,
    }
    return {name: value for name, value in item.items() if value}


def _says_all(edtf: str) -> bool:
    """Return whether `date-parts` and `circa` say all that a date does."""
    return is_exact_date(edtf) or ("/" not in edtf and is_exact_date(edtf.removesuffix("~")))


def _build_date(edtf: str | None) -> Json | None:
    if edtf is None:
        return None
    date, parts = dates.parse(edtf), list_date_parts(edtf)
    if parts is None:
        return {"literal": date.label}
    return {"date-parts": parts, **({"circa": True} if _is_doubtful(date) else {})}


def _is_doubtful(date: dates.Date) -> bool:
    return date.uncertain or date.approximate


# -- reading --------------------------------------------------------------------------------------


def read_csl(file: BinaryIO) -> Iterator[Line]:
    """Yield the sources of a CSL-JSON file; a line is the number of an item, from 1."""
    try:
        document = read_json(file.read())
    except ValueError as error:
        yield damaged_file(str(error))
        return
    items = document.get("items", [document]) if isinstance(document, dict) else document
    if not isinstance(items, list):
        yield damaged_file("is not CSL-JSON: an array of items")
        return
    yield from read_csl_items(items)


def is_csl_item(entry: Any) -> bool:
    """Return whether a JSON value looks like an item of CSL-JSON, and not like an event."""
    return (
        isinstance(entry, dict)
        and entry.get("type") in CSL_TYPES
        and not {"date", "sources"} & entry.keys()
        and len(READ_MEMBERS & entry.keys()) > 1
    )


def read_csl_items(items: list[Any]) -> Iterator[Line]:
    """Yield a source for each item."""
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            yield unreadable_line(number, "body", "is not a JSON object; each item is a source")
            continue
        try:
            yield _read_item(number, item)
        except ReferenceError as error:
            yield unreadable_line(number, error.name, str(error))


def _read_item(number: int, item: Json) -> Line:
    csl_type, notes = _text(item, "type"), []
    kind = read_own_kind(_text(item, "genre")) or KIND_OF_CSL.get(csl_type)
    if kind is None and csl_type not in PLAIN_TYPES:
        notes.append(f"type {csl_type[:40]} is left out: there is no such kind of source")
    whole, publisher = _text(item, "container-title"), _text(item, "publisher")
    is_periodical = csl_type.startswith(("article", "post", "webpage", "broadcast", "entry"))
    name, other = choose_publisher(is_periodical, whole, publisher)
    if other:
        left_out = "publisher" if other == publisher else "container-title"
        notes.append(f"{left_out} is left out: the other of the two is the source's publisher")
    for member, value in item.items():
        unread = member not in READ_MEMBERS or (member == "genre" and not read_own_kind(str(value)))
        if unread and value not in (None, "", [], {}):
            notes.append(f"{member[:40]} is left out: a source has no place for it")
    custom = item.get("custom") if isinstance(item.get("custom"), dict) else {}
    assert isinstance(custom, dict)
    fields = {
        "title": _plain(_text(item, "title")),
        "publisher": _plain(name),
        "author": _read_names(item),
        "url": read_address(_text(item, "URL"), _text(item, "DOI"), notes),
        "archive_url": read_archive_address(
            _text(item, "archive_location"), "archive_location", notes
        ),
        "published": _read_date(item, "issued", custom.get("published"), notes),
        "accessed": _read_date(item, "accessed", custom.get("accessed"), notes),
        "language": read_language(_text(item, "language"), notes),
        "kind": kind,
    }
    origins = {"publisher": "container-title" if name == whole else "publisher", **CSL_ORIGINS}
    return build_source_line(number, _text(item, "id"), fields, origins, notes)


def _text(holder: Json, name: str) -> str:
    value = holder.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ReferenceError(name, "is not a text")
    return " ".join(str(value).split())


def _plain(text: str) -> str:
    """Return a text without the markup that CSL-JSON may have; what else looks like a tag stays."""
    bare = ENTITY.sub(lambda entity: unescape(entity[0]), RICH_TEXT.sub("", text))
    return " ".join(bare.split())


def _read_names(item: Json) -> str:
    """Return the names of the authors as a reader writes them, in one line."""
    authors = item.get("author") or []
    if not isinstance(authors, list) or not all(isinstance(name, dict) for name in authors):
        raise ReferenceError("author", 'is not a list of names such as {"family": "Smith"}')
    parts = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    names = (
        _text(name, "literal") or " ".join(filter(None, (_text(name, part) for part in parts)))
        for name in authors
    )
    return NAME_SEPARATOR.join(filter(None, names))


def _read_date(item: Json, name: str, exact: Any, notes: list[str]) -> str | None:
    """Return a date in EDTF; note one that is only in words."""
    date = item.get(name)
    if date in (None, {}, ""):
        return None
    if isinstance(exact, str):
        return read_edtf(exact, name)
    if isinstance(date, str):
        return read_edtf(date, name)
    if not isinstance(date, dict):
        raise ReferenceError(name, 'is not a date such as {"date-parts": [[2023, 11]]}')
    ends = date.get("date-parts")
    if not ends:
        return _read_words(date, name, notes)
    if not isinstance(ends, list) or not 1 <= len(ends) <= 2:
        raise ReferenceError(name, "`date-parts` is one date, or a first and a last one")
    edtf = "/".join(_join_parts(parts, date, name) for parts in ends)
    edtf = read_edtf(edtf, name)
    return f"{edtf}~" if date.get("circa") and "/" not in edtf else edtf


def _join_parts(parts: Any, date: Json, name: str) -> str:
    try:
        year, *finer = (int(part) for part in parts if part not in ("", None))
    except (TypeError, ValueError):
        raise ReferenceError(name, "`date-parts` are numbers: year, month, day") from None
    if not finer and str(date.get("season", "")) in ("1", "2", "3", "4"):
        finer = [20 + int(str(date["season"]))]
    return join_edtf(year, *finer[:2], name=name)


def _read_words(date: Json, name: str, notes: list[str]) -> str | None:
    words = _text(date, "raw") or _text(date, "literal")
    try:
        return dates.parse_days(words).edtf
    except dates.DateError:
        notes.append(f"{name} is left out where it is only in words: '{words[:40]}'")
        return None
