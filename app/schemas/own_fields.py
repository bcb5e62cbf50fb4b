"""Own fields of events: a map from names to texts, numbers and booleans."""

import re
from contextlib import suppress
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, PlainValidator
from pydantic_core import CoreSchema

from app.errors import wrong
from app.schemas.texts import (
    MAX_LONG_TEXT,
    SLUG,
    LongText,
    is_slug,
)
from app.texts import check_printable, normalize_breaks
from app.words import make_slug

MAX_OWN_FIELDS = 50  # of an event
MAX_COMPARED_CHARACTERS = 300  # of a value in filters and counts; longer texts are only searched
MAX_WHOLE_NUMBER = 2**53 - 1  # the largest that every reader of JSON keeps
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?")
MAX_NUMBER_CHARACTERS = 30
OwnValue = str | int | float | bool
OWN_FIELD_PREFIX = "extra."  # of the name of an own field, in facets, columns and mappings


def name_own_field(text: str) -> str | None:
    """Return the name of an own field from `extra.NAME`; None if the text is no such name."""
    name = text.removeprefix(OWN_FIELD_PREFIX)
    return name if name != text and is_slug(name) else None


def mend_own_field(text: str) -> str | None:
    """Return `extra.` and a slug for a text that begins as the name of an own field, else None."""
    if not text.casefold().startswith(OWN_FIELD_PREFIX):
        return None
    return OWN_FIELD_PREFIX + make_slug(text[len(OWN_FIELD_PREFIX) :][:200])


def read_own_value(value: Any) -> OwnValue:
    """Return the value of an own field. Raise ValueError unless it is a text, number or boolean."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return check_own_text(value)
    if isinstance(value, int | float | Decimal):
        return check_own_number(value)
    raise ValueError("give a text, a number, or true or false; leave it out if it is not known")


def check_own_text(value: str) -> str:
    """Return a text with plain line breaks. Raise ValueError if it is blank or too long."""
    text: str = normalize_breaks(value)
    if len(text) > MAX_LONG_TEXT:
        raise ValueError(f"has more than {MAX_LONG_TEXT} characters")
    return check_printable(text)


def check_own_number(value: int | float | Decimal) -> int | float:
    """Return a number. Raise ValueError if a reader of JSON would not keep all of its digits."""
    whole = isinstance(value, int)
    number = value if isinstance(value, int) else float(value)
    exact = abs(number) <= MAX_WHOLE_NUMBER if whole else isfinite(number)
    if not exact or (isinstance(value, Decimal) and Decimal(repr(number)) != value):
        raise ValueError("has more digits than a number in JSON keeps; give it as a text")
    return number


def parse_own_value(text: str) -> OwnValue:
    """Return the number or the boolean that a text is in JSON, else the text itself.

    `007` and `1.10` are texts: as numbers they would not come back as they were.
    """
    if text in ("true", "false"):
        return text == "true"
    if len(text) <= MAX_NUMBER_CHARACTERS and NUMBER.fullmatch(text):
        number = int(text) if text.lstrip("-").isdigit() else float(text)
        if str(number) == text:
            with suppress(ValueError):
                return check_own_number(number)
    return text


def format_own_value(value: OwnValue) -> str:
    """Return the value as JSON writes it, a text without quotes: `8`, `0.5`, `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def comparable_form(value: OwnValue) -> str:
    """Return the value as filters and counts know it: 8 and 8.0 are one number."""
    return format_own_value(int(value) if type(value) is float and value.is_integer() else value)


def encode_own_value(value: OwnValue) -> tuple[str, str]:
    """Return the kind and the text by which a value is stored."""
    kind = "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return kind, format_own_value(value)


def decode_own_value(kind: str, stored: str) -> OwnValue:
    """Return the value of a kind and a text. Raise ArithmeticError if it is not the number."""
    if kind == "text":
        return stored
    if kind == "boolean":
        return stored == "true"
    number = Decimal(stored)
    return int(number) if re.fullmatch("-?[0-9]+", stored) else float(number)


def check_own_names(fields: Any) -> Any:
    """Return own fields. Raise ValueError if the name of one is not a slug."""
    for name in fields if isinstance(fields, dict) else ():
        if not is_slug(name):
            message = f"'{str(name)[:60]}' is no name of an own field: use a-z, 0-9 and hyphens"
            raise wrong(message, make_slug(str(name)[:200]))
    return fields


class OwnNames:
    """Annotate a map whose names are slugs."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "propertyNames": {"pattern": SLUG}}


OwnFields = Annotated[
    dict[
        str,
        Annotated[
            OwnValue, PlainValidator(read_own_value, json_schema_input_type=LongText | float | bool)
        ],
    ],
    Field(max_length=MAX_OWN_FIELDS),
    BeforeValidator(check_own_names),
    OwnNames(),
]
