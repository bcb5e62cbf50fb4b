"""From bytes to a checked document: strict JSON, and errors that say what would be right."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from app.errors import from_validation, refuse
from app.suggestions import nearest

Model = TypeVar("Model", bound=BaseModel)
LONGEST_INTEGER = 40  # digits; a quantity's value has at most 30 before its point
MOST_FAULTS = 20  # are named; a body has room for thousands
DEEPEST = 40  # levels of nesting; no document has more than four


def read_json(raw: bytes) -> Any:
    """The value of a JSON text (RFC 8259, UTF-8); decimals keep their digits.

    ValueError, in words for its writer, where it is none, names a member twice, or holds what JSON
    has not: NaN, Infinity, half a surrogate pair.
    """
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_number,
            object_pairs_hook=_members,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte {error.start} begins no character") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    escaped = b"\\u" in raw
    if escaped or raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _check(value, escaped=escaped)
    return value


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise ValueError(f"holds a number of {len(digits)} digits")
    return int(digits)


def _decimal(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:  # an exponent of twenty digits
        raise ValueError("holds a number that is too large") from None


def _no_number(word: str) -> Any:
    raise ValueError(f"holds {word}, which is not a JSON number")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"names the member {json.dumps(twice)[:100]} twice")
    return found


def _check(value: Any, *, escaped: bool) -> None:
    """ValueError where a value is too deep, or an escape made half a surrogate pair."""
    layer = [value]
    for _ in range(DEEPEST):
        if escaped:
            for part in layer:
                for said in part if isinstance(part, dict) else (part,):
                    if isinstance(said, str) and not said.isascii():
                        _check_pairs(said)
        layer = [
            part
            for whole in layer
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
        if not layer:
            return
    raise ValueError("is nested too deeply")


def _check_pairs(said: str) -> None:
    try:
        said.encode()
    except UnicodeEncodeError as error:
        half = ord(said[error.start])
        raise ValueError(f"holds \\u{half:04x}, which is half a character") from None


def checked(model: type[Model], value: Any, *within: str) -> Model:
    """`value` as a `model`; Problem `invalid-body` names each fault, by its path from `within`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = from_validation(
            {**_better_said(model, e), "loc": ("body", *within, *e["loc"])}
            for e in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
        )
        raise refuse(*faults, code="invalid-body") from None


def _better_said(model: type[BaseModel], error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An unknown member with what is known there, and the nearest."""
    if error["type"] != "extra_forbidden":
        return error
    *path, name = error["loc"]
    known = _known(model, [part for part in path if isinstance(part, str)])
    message = f"is not a member here; known: {', '.join(known)}"
    return {**error, "msg": message, "ctx": {"suggestion": nearest(str(name), known)}}


def _known(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """The members of the model that stands at `path` in `model`."""
    for name in path:
        held = model.model_fields[name].annotation
        candidates = [held, *get_args(held)]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)
