"""The patterns of the API reference: every engine reads them, and they refuse nothing valid."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import re2  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app import schemas
from app.filters import EventQuery
from app.schemas import texts
from app.texts import check_printable
from reference import DOCUMENT
from tiers import examples

# What a text may be made of, right and wrong: blanks of all kinds, controls, and pieces of values.
PIECES = (
    *("", " ", "\t", "\n", "\r", "\r\n", "\x00", "\x0b", "\x1c", "\x7f", "\x85", "\xa0", "\u2003"),
    *(
        "\u2028",
        "\ufeff",
        "\u200b",
        "!",
        "!!",
        "!a",
        "a",
        "é",
        "Ž",
        "👩‍👩‍👧",
        "-",
        "1",
        "1.5",
        "-3",
        ",",
    ),
    *("gas", "gas-deal", "RS", "sr-Latn", "completed", "id,title", "2023-11", "2020/..", "199X"),
    *("[..2024-02-06]", "2020-08~", "http://a", "HTTPS://example.org/?a=1#b", "://", "\ue000"),
    *("18.8,42.2,23.0,46.2", " 1, 2 ,3,4 ", "-200,-90,-170,90", "2024-02-06T12:00:00Z"),
    *("2024-02-06T12:00:00+01:00", "2024-02-06T12:00:00 01:00", "20240206T120000,5Z", "0" * 30),
)
TEXTS = st.sampled_from(PIECES) | st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
DOCUMENTS = {
    name: getattr(texts, name)
    for name in (
        "ShortText",
        "LineText",
        "LongText",
        "Url",
        "Edtf",
        "Country",
        "Language",
        "Slug",
        "DecimalText",
    )
}
# What they may be stands in the store, or in a list of answers.
IN_STORE = {
    *("type", "actor", "role", "place", "source", "country", "status", "related_to", "cursor"),
}
# A pattern that allows nothing else either: the text is right, whatever stands in the store.
EXACT = {"ShortText", "LineText", "LongText", "measure", "unit", "tag", "publisher"}


def patterns(node: Any, path: str = "#") -> Iterator[tuple[str, str]]:
    """Yield every pattern of the document, with its place."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "pattern" and isinstance(value, str):
                yield path, value
            else:
                yield from patterns(value, f"{path}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from patterns(value, f"{path}/{number}")


def test_every_pattern_is_one_for_every_engine() -> None:
    """RE2, whose syntax is Go's, too: without look-around and references to groups."""
    quiet = re2.Options()
    quiet.log_errors = False
    found = dict(patterns(DOCUMENT))
    wrong = {}
    for place, pattern in found.items():
        try:
            re2.compile(pattern, quiet)
        except re2.error as error:
            wrong[place] = (pattern, str(error))
    assert len(found) > 200
    assert wrong == {}


def fields() -> Iterator[tuple[str, TypeAdapter[Any], str]]:
    """Yield each kind of text: its name, what checks it, and its pattern."""
    for name, kind in DOCUMENTS.items():
        adapter = TypeAdapter(kind)
        yield (
            name,
            adapter,
            dict(patterns(adapter.json_schema()))["#"]
            if name != "DecimalText"
            else (f"^{schemas.DECIMAL}$"),
        )
    for name, field in EventQuery.model_fields.items():
        if name in IN_STORE:
            continue
        annotated: Any = Annotated[field.annotation, *field.metadata, None]
        adapter = TypeAdapter(annotated)
        for _, pattern in patterns(adapter.json_schema()):
            yield name, adapter, pattern


FIELDS = list(fields())


def accepted(name: str, adapter: TypeAdapter[Any], text: str) -> bool:
    """Return whether the server takes a text, before it looks into the store."""
    many = name in EventQuery.model_fields and adapter.json_schema().get("type") == "array"
    try:
        adapter.validate_python([text] if many else text)
    except ValidationError:
        return False
    return True


@settings(max_examples=examples(1500))
@given(TEXTS, st.sampled_from(FIELDS))
def test_what_the_server_takes_fits_the_pattern(
    text: str, field: tuple[str, TypeAdapter[Any], str]
) -> None:
    """In Python's engine, which has Unicode's blanks as JavaScript has, and in RE2."""
    name, adapter, pattern = field
    right = accepted(name, adapter, text)
    fits = re.search(pattern.removesuffix("$") + r"\Z", text) is not None
    if right:
        assert fits, (name, text)
        assert re2.search(pattern, text), (name, text)
    elif name in EXACT and len(text) < 100:  # which has a limit of its own
        assert not fits or {"\ufeff", "\u200b"} & set(text), (name, text)


def test_a_text_of_which_nothing_is_seen_is_blank() -> None:
    """Whatever it is made of; one letter, digit or sign that is seen is enough."""
    unseen = (
        *("", " ", "\n\t", "\u00a0", "\u00ad", "\u115f", "\u200b\u200d", "\u202e\u202c", "\u2060"),
        *("\u2800", "\u3164", "\ufe0f", "\ufeff \ufeff", "\uffa0", "\U000e0041\U000e007f"),
    )
    for text in unseen:
        with pytest.raises(ValueError, match="is blank"):
            check_printable(text)
        for seen in ("a", "é", "\u0301", "-", "5", "😀", "ع", "가", "\ue000"):
            assert check_printable(text + seen + text) == text + seen + text


def test_patterns_take_linear_time() -> None:
    """At the longest text, blank and with a character at its end that is none."""
    for text in (" " * 10_000, "a" * 10_000 + "\x00", " " * 10_000 + "\x00"):
        for name, _, pattern in FIELDS:
            if name in EXACT:
                assert re.search(pattern.removesuffix("$") + r"\Z", text) is None
