"""No parser takes long over its longest input, whatever stands in it: a client's CPU time is ours.

The ceiling is some twenty times what the slowest takes on a quiet machine. Time is that of this
thread alone, so that a busy machine changes little.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import pytest
from starlette_compress._utils import parse_accept_encoding
from uvicorn.middleware.proxy_headers import _TrustedHosts
from werkzeug.http import parse_etags

from app import dates, words
from app.api.bodies import MAX_JSON_VALUES, MIB
from app.api.heads import MAX_HEADER_BYTES, MAX_URL_BYTES, is_host, prefers
from app.errors import Problem
from app.filters import ChangesQuery, EventQuery, FacetQuery, VocabularyQuery
from app.filters.strict import check_query, members, validate_query
from app.formats import READERS
from app.keys import KEY
from app.masking import mask_target
from app.reads import Position
from app.reads.cursors import read_cursor
from app.schemas import EventWrite, read_json, validate

pytestmark = pytest.mark.slow

CEILING = 0.4  # seconds
UNITS = (
    *(" ", "\t", ";", ",", '"', "\\", "=", "a", "/", "[", "]", "{", "}", "(", "-", ".", ":", "%"),
    *(";a=", ';a="', ';a="\\"', "a/b,", "a/b;q=1,", "*/*,", 'W/"', '"a",', "\\u0041", "%41"),
    *("a ", " ,", "1,", "1.", "a*", '"a" ', "dln_", "&key=", "&a=", "10.0.0.1,", "[::1],", "é"),
    *(
        "[],",
        "{},",
        '{"a":',
        "[[",
        "null,",
        '"a":1,',
        '\\"',
        "1e9,",
        "..",
        "~",
        "XXXX-",
        "\n",
        "\r",
    ),
)
# What stands before and behind.
FRAMES = (("", ""), ("a/b", "b"), ('"', ""), ('a;b="', ""), ("[", "]"), ('{"a":[', "]}"))
NOW = Position("epoch", 1)


def evil(size: int, frames: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Give texts of this size in which one thing repeats."""
    for unit in UNITS:
        for start, end in frames:
            yield (start + unit * (size // len(unit) + 1))[: size - len(end)] + end


def parameter(model: type, name: str) -> Callable[[str], object]:
    """Return what reads a text as this parameter."""
    return lambda text: validate_query(model, [(name, text)])


HEADERS: Mapping[str, Callable[[str], object]] = {
    "Accept": lambda text: prefers(text, "text/html", "application/problem+json"),
    "Accept-Encoding": parse_accept_encoding.__wrapped__,
    "If-None-Match, If-Match": parse_etags,
    "Host": lambda text: is_host(text.encode()),
    "X-Forwarded-For": lambda text: _TrustedHosts("10.0.0.0/8").get_trusted_client_address(text),
    "Authorization": KEY.fullmatch,
}
IN_URLS: Mapping[str, Callable[[str], object]] = {
    **{f"events: {name}": parameter(EventQuery, name) for name in EventQuery.model_fields},
    "facets: by": parameter(FacetQuery, "by"),
    "changes: after": parameter(ChangesQuery, "after"),
    "vocabulary: q": parameter(VocabularyQuery, "q"),
    "an unknown parameter": lambda text: check_query([(text, "")], members(EventQuery), {}),
    "a cursor": lambda text: read_cursor(NOW, ["events"], text, (int,)),
    "a date": dates.parse,
    "a text to search": words.parse_search,
    "an address in the log": mask_target,
}


def slow(
    parsers: Mapping[str, Callable[[str], object]],
    size: int,
    frames: Sequence[tuple[str, str]] = FRAMES,
) -> list[tuple[str, str, float]]:
    """Return the parsers that took too long, with what they read."""
    found = []
    for name, parse in parsers.items():
        for text in evil(size, frames):
            started = time.thread_time()
            with suppress(Problem, ValueError):
                parse(text)
            taken = time.thread_time() - started
            if taken > CEILING:
                found.append((name, text[:40], taken))
    return found


def test_no_header_takes_long() -> None:
    """60,000 blanks in Accept took 12 seconds; a header has 8 KiB at most."""
    assert slow(HEADERS, MAX_HEADER_BYTES) == []


def test_no_parameter_takes_long() -> None:
    """At the length of a whole URL."""
    assert slow(IN_URLS, MAX_URL_BYTES, FRAMES[:3]) == []


def test_no_body_takes_long() -> None:
    """1 MiB of empty lists took 0.8 seconds: how deep and how much it is, is counted first."""

    def parse(text: str) -> object:
        return validate(EventWrite, read_json(text.encode(), MAX_JSON_VALUES))

    assert slow({"a document": parse}, MIB) == []


def test_no_cell_takes_long() -> None:
    """Of a CSV file, in any column."""
    columns = ("id", "type", "title", "date", "actors", "quantities", "tags", "source_url")
    rows = {
        name: lambda text, name=name: list(READERS["csv"](io.BytesIO(f"{name}\n{text}".encode())))
        for name in columns
    }
    assert slow(rows, 64 * 1024) == []


SHAPES = {  # a document: what is said of it, None if it is read
    b"[" * 100_000: "is nested too deeply",
    b"[" * 41 + b"]" * 41: "is nested too deeply",
    b"[" * 40 + b"]" * 40: None,
    b'["' + b"[" * 100 + b'"]': None,
    b'["\\"' + b"[{," * MAX_JSON_VALUES + b'"]': None,
    b"[" + b"1," * MAX_JSON_VALUES + b"1]": f"has more than {MAX_JSON_VALUES} values",
    b"[" + b"[]," * MAX_JSON_VALUES + b"1]": f"has more than {MAX_JSON_VALUES} values",
    b"[" + b"1," * (MAX_JSON_VALUES - 2) + b"1]": None,
    b'["' + b'\\"' * 100_000: "is not JSON: Unterminated string starting at at line 1, column 2",
}


def test_the_shape_of_a_document_is_bounded() -> None:
    """What stands in a text is no bracket, and no comma."""
    wrong = []
    for raw, expected in SHAPES.items():
        message = None
        try:
            read_json(raw, MAX_JSON_VALUES)
        except ValueError as error:
            message = str(error)
        if message != expected:
            wrong.append((raw[:40], expected, message))
    assert wrong == []
