"""Pydantic's errors in plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from app.json_types import Json

OWN_ERROR_TYPES = ("wrong", "value_error", "assertion_error")  # messages of our own validators
FALLBACK_MESSAGE = "is not valid here"

# An example of each object, for the message of a value that is none.
EXAMPLES: Mapping[str, str] = {
    "ActorReference": '{"name": "Serbia"}',
    "PlaceReference": '{"name": "Belgrade"}',
    "SourceReference": '{"publisher": "Example News", "title": "A headline"}',
    "Quantity": '{"measure": "gas volume", "value": "400", "unit": "m3"}',
    "Medium": '{"url": "https://example.org/signing.jpg", "kind": "image"}',
    "Related": '{"relation": "implements", "event": "id-of-the-other-event"}',
    "DateWrite": '"2023-11", or {"edtf": "2023-11", "text": "in November"}',
}
PATTERNS: Mapping[str, str] = {
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "use a-z, 0-9 and single hyphens, such as `gas-contract`",
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "give a language code such as `en` or `sr-Latn`",
}


def _object(context: Json) -> str:
    example = EXAMPLES.get(context.get("class_name", ""))
    return f"is not an object; write {example}" if example else "is not a JSON object"


def _pattern(context: Json) -> str:
    return PATTERNS.get(context["pattern"], f"does not have the form {context['pattern']}")


def _too_short(context: Json) -> str:
    least = context["min_length"]
    return "is empty" if least == 1 else f"has fewer than {least} entries"


Words = str | Callable[[Json], str]
WORDS: Mapping[str, Words] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here; leave it out",
    "string_type": "give a text",
    "string_unicode": "is not a text",
    "string_too_long": "has more than {max_length} characters",
    "string_too_short": "is empty",
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "give a whole number"),
    "int_parsing_size": "is too large a number",
    **dict.fromkeys(("float_type", "float_parsing"), "give a number"),
    "finite_number": "give a finite number",
    "greater_than_equal": "is less than {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "is more than {le}",
    "less_than": "must be less than {lt}",
    **dict.fromkeys(("bool_type", "bool_parsing"), "give true or false"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "is not a list; write [ and ]"),
    "too_long": "has more than {max_length} entries",
    "too_short": _too_short,
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _object),
    "json_invalid": "is not JSON",
}


def describe(detail: Mapping[str, Any]) -> str:
    """Return the message for an entry of pydantic's list of errors."""
    if detail["type"] in OWN_ERROR_TYPES:
        return str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    context = dict(detail.get("ctx", {}))
    words = WORDS.get(detail["type"], FALLBACK_MESSAGE)
    return words.format(**context) if isinstance(words, str) else words(context)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 fault`, `2 faults`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
