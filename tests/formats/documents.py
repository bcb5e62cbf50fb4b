"""Events as they are served, with text that is hostile to whatever has to carry it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from app import dates, schemas
from app.formats import FORMATS, About
from app.models import (
    ACTOR_KINDS,
    CITATION_ROLES,
    CLAIMS,
    MEDIA_KINDS,
    RELATIONS,
    SOURCE_KINDS,
    STATUSES,
)
from app.texts import SEEN

Json = dict[str, Any]

PIECES = (
    *('"', "'", "''", ",", ";", "; ", "\n", "\t", " ", "  ", "=", "+", "-", "@", "'=1+1", "=1+1"),
    *("(", ")", "(seller)", "[", "]", "{", "}", ":", "to", "about ", "1", "=cmd|' /C calc'!A0"),
    *("<b>", "</div>", "&amp;", "&", "<!--", "</ul>", "\\", "\u2028", "\u0085x"[1:], "\ufeff"),
    *("Vučić", "שלום", "مرحبا", "\u202e", "👩‍👩‍👧", "新华社", "＝1", "\u00a0", "#", "%", "x" * 40),
)
LETTERS = st.characters(exclude_categories=["Cc", "Cs"])
RAW = st.lists(st.sampled_from(PIECES) | st.text(LETTERS, max_size=8), min_size=1, max_size=6)


def is_visible(text: str) -> bool:
    """Return whether anything of a text is seen."""
    return SEEN.search(text) is not None


TEXT = RAW.map("".join).map(lambda text: text[:90]).filter(is_visible)
WORD = TEXT
SLUG = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
NUMBER = st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,3})?", fullmatch=True)
EDTF = st.sampled_from(
    (
        *("2023", "2023-11", "2023-11-15", "-0500", "-0043-03-15", "0000", "-9999", "9999-12-31"),
        *("199X", "2023-22", "2023-33", "2020-08~", "2020?", "2021-XX", "156X-12-25", "Y17E2"),
        *("2023-11/2024-12", "2023-11-01/2024", "2024/..", "../2024-02", "2024/", "/2024-02-06"),
        *("[..2024-02-06]", "[2024-02-28..]", "[2022-11-21..2022-11-23]", "{2019,2021}", "1950S2"),
        *("[..2020-01,2021-01..]", "-0001", "2020-01~/2021-XX"),
    )
)
EDTF_OF_EVENTS = EDTF | st.sampled_from(
    (
        *("2024-02-06T14:30", "2024-02-06T00:15:30+01:00", "-0043-03-15T12:00"),
        *("9999-12-31T23:59Z", "2024-02-06T14:30Z/2024-02-06T16:00Z", "2024-02-06T14:30/2024-03"),
        "../2024-02-06T00:00",
    )
)
URL = st.builds("https://example.org/{}?a=1&b='2'".format, SLUG)


def nullable(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What may be unknown."""
    return st.none() | strategy


def date(edtf: str, text: str | None) -> Json:
    """A date as it is served."""
    parsed = dates.parse(edtf)
    return {
        "edtf": edtf,
        "text": text,
        "earliest": parsed.earliest,
        "latest": parsed.latest,
        "precision": parsed.precision,
        "uncertain": parsed.uncertain,
        "approximate": parsed.approximate,
        "label": parsed.label,
    }


@st.composite
def quantities(draw: st.DrawFn) -> Json:
    """A quantity; where it is a range, its ends are in order."""
    qualifier = draw(st.sampled_from(("exactly", "about", "at-least", "at-most", "between")))
    ends = sorted((draw(NUMBER), draw(NUMBER)), key=float)
    return {
        "measure": draw(WORD | st.just("gas volume")),
        "value": ends[0],
        "max_value": ends[1] if qualifier == "between" else None,
        "qualifier": qualifier,
        "unit": draw(nullable(WORD | st.sampled_from(("m3", "USD", "barrels a day")))),
        "text": draw(nullable(TEXT)),
    }


ACTORS = st.fixed_dictionaries(
    {
        "id": SLUG,
        "name": TEXT | st.sampled_from(("Serbia", "Bank (PLC)")),
        "kind": nullable(st.sampled_from(ACTOR_KINDS)),
        "country": st.sampled_from((None, "RS")),
        "role": nullable(SLUG),
    }
)
PLACES = st.fixed_dictionaries(
    {
        "id": SLUG,
        "name": TEXT,
        "country": st.sampled_from((None, "RS")),
        "latitude": st.floats(-90, 90),
        "longitude": st.floats(-180, 180),
    }
)
SOURCES = st.fixed_dictionaries(
    {
        "id": SLUG,
        "publisher": TEXT,
        "title": nullable(TEXT),
        "author": nullable(TEXT),
        "url": nullable(URL),
        "archive_url": nullable(URL),
        "published": nullable(EDTF),
        "accessed": nullable(EDTF),
        "language": st.sampled_from((None, "sr-Latn")),
        "kind": nullable(st.sampled_from(SOURCE_KINDS)),
        "role": st.sampled_from(CITATION_ROLES),
        "claims": st.lists(st.sampled_from(CLAIMS), unique=True, max_size=3),
        "quote": nullable(TEXT),
        "locator": nullable(TEXT),
        "note": nullable(TEXT),
    }
)
OWN_TEXTS = (
    "8",
    "8.0",
    "-5",
    "007",
    "1.10",
    "1e5",
    "true",
    "True",
    "null",
    '"8"',
    '"',
    "[1]",
    " a ",
)
OWN_VALUES = (
    st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(OWN_TEXTS)
    | TEXT
)
MEDIA = st.fixed_dictionaries(
    {
        "url": URL,
        "kind": nullable(st.sampled_from(MEDIA_KINDS)),
        "caption": nullable(TEXT),
        "credit": nullable(TEXT),
        "alt": nullable(TEXT),
        "licence": nullable(TEXT),
        "thumbnail": nullable(URL),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "id": SLUG,
        "type": SLUG,
        "title": TEXT,
        "summary": nullable(TEXT),
        "date": st.builds(date, EDTF_OF_EVENTS, nullable(TEXT)),
        "status": nullable(st.sampled_from(STATUSES)),
        "actors": st.lists(ACTORS, max_size=3),
        "places": st.lists(PLACES, max_size=2),
        "quantities": st.lists(quantities(), max_size=2),
        "tags": st.lists(WORD, max_size=3),
        "related": st.lists(
            st.fixed_dictionaries({"event": SLUG, "relation": st.sampled_from(RELATIONS)}),
            max_size=2,
        ),
        "sources": st.lists(SOURCES, min_size=1, max_size=3).filter(
            lambda sources: any(source["role"] == "supports" for source in sources)
        ),
        "media": st.lists(MEDIA, max_size=2),
        "extra": st.dictionaries(SLUG, OWN_VALUES, max_size=4).map(
            lambda fields: dict(sorted(fields.items()))
        ),
        "version": st.just(1),
        "created_at": st.just("2026-01-01T00:00:00Z"),
        "updated_at": st.just("2026-01-01T00:00:00Z"),
    }
)


def event(**members: Any) -> Json:
    """A plain event, with other members in place of its own."""
    plain: Json = {
        "id": "gas-contract",
        "type": "contract",
        "title": "Gas contract",
        "summary": None,
        "date": date("2023-11", None),
        "status": None,
        **{name: [] for name in ("actors", "places", "quantities", "tags", "related")},
        "sources": [source()],
        "media": [],
        "extra": {},
        "version": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return {**plain, **members}


def source(**members: Any) -> Json:
    """A plain source that supports, with other members in place of its own."""
    names = [*schemas.Citation.model_fields]
    plain: Json = {**dict.fromkeys(names), "id": "a-source", "role": "supports", "claims": []}
    return {**plain, **members}


ABOUT = About(
    title="Gas & <contracts>",
    base="https://chronology.example.org/gas",
    address="https://chronology.example.org/gas/events.any?type=contract&q=a+%22b%22",
    identity=UUID("00000000-0000-4000-8000-000000000001"),
    updated="2026-01-02T03:04:05.678900Z",
)
LOSSLESS = replace(ABOUT, lossless=True)


def file_of(name: str, events: Iterable[Json], about: About = ABOUT) -> bytes:
    """The file that these events make."""
    listed = list(events)
    own_fields = sorted({name for document in listed for name in document["extra"]})
    about = replace(about, read_own_fields=lambda: own_fields)
    return b"".join(FORMATS[name].write(map(served, listed), about))


def served(document: Json) -> bytes:
    """The bytes of an event as the API serves it; it has to be one."""
    schemas.Event.model_validate(document)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def written(document: Json) -> schemas.EventWrite:
    """What a document says when it is sent in, without the members that are derived."""
    derived = ("version", "created_at", "updated_at")
    kept = {name: value for name, value in document.items() if name not in derived}
    if isinstance(kept["date"], dict):
        kept["date"] = {
            name: value for name, value in kept["date"].items() if name in ("edtf", "text")
        }
    return schemas.EventWrite.model_validate(kept)
