"""From bytes to a valid document: strict JSON, and errors that name the remedy."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from app.errors import from_validation, refuse
from app.suggestions import nearest

Model = TypeVar("Model", bound=BaseModel)
MAX_INTEGER_DIGITS = 40  # digits; a quantity's value has at most 30 before its point
MAX_BODY_FAULTS = 20  # are named; a body has room for thousands
MAX_JSON_DEPTH = 40  # levels of nesting; no document has more than four
# The closing quote may be missing: the rest behind the last opening one is not scanned again.
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
NESTING_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # into a level, and out of it


def read_json(raw: bytes, max_values: int | None = None) -> Any:
    """Return the value of a JSON text (RFC 8259, UTF-8); decimals keep their digits.

    Raise ValueError, in words for its writer, if it is not JSON, names a member twice, is nested
    too deeply, has more than `max_values` values, or holds NaN, Infinity or half a surrogate pair.
    """
    _check_shape(raw, max_values)
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_members,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte {error.start} begins no character") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if b"\\u" in raw:
        _check_escapes(value)
    return value


def _check_shape(raw: bytes, max_values: int | None) -> None:
    """Raise ValueError if a text is too deep or has too many values, before memory is allocated."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_JSON_DEPTH and not _exceeds(raw, max_values):
        return
    import numpy as np  # commands that read no large JSON start without it

    bare = STRING.sub(b"", raw)
    steps = np.frombuffer(bare.translate(NESTING_STEPS, NO_BRACKETS), np.int8)
    if np.cumsum(steps, dtype=np.int32).max(initial=0) > MAX_JSON_DEPTH:
        raise ValueError("is nested too deeply")
    if _exceeds(bare, max_values):
        raise ValueError(f"has more than {max_values} values")


def _exceeds(raw: bytes, max_values: int | None) -> bool:
    """Return whether a text may have more values: each comes behind one of these characters."""
    return max_values is not None and sum(map(raw.count, (b",", b"[", b"{"))) > max_values


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"holds a number of {len(digits)} digits")
    return int(digits)


def _decimal(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:  # an exponent of twenty digits
        raise ValueError("holds a number that is too large") from None


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"holds {word}, which is not a JSON number")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"names the member {json.dumps(twice)[:100]} twice")
    return members


def _check_escapes(value: Any) -> None:
    """Raise ValueError if an escape encodes half a surrogate pair."""
    layer = [value]
    while layer:
        for part in layer:
            for text in part if isinstance(part, dict) else (part,):
                if isinstance(text, str) and not text.isascii():
                    _check_pairs(text)
        layer = [
            part
            for whole in layer
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]


def _check_pairs(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = ord(text[error.start])
        raise ValueError(f"holds \\u{half:04x}, which is half a character") from None


def validate(model: type[Model], value: Any, *within: str) -> Model:
    """Return `value` as a `model`. Raise Problem `invalid-body` with each fault and its path."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = from_validation(
            {**_explain_unknown(model, e), "loc": ("body", *within, *e["loc"])}
            for e in error.errors(include_url=False, include_input=False)[:MAX_BODY_FAULTS]
        )
        raise refuse(*faults, code="invalid-body") from None


def _explain_unknown(model: type[BaseModel], error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the error of an unknown member, with the known ones and the nearest."""
    if error["type"] != "extra_forbidden":
        return error
    *path, name = error["loc"]
    members = _list_members(model, [part for part in path if isinstance(part, str)])
    message = f"is not a member here; known: {', '.join(members)}"
    near = nearest(str(name), members)
    return {**error, "type": "wrong", "msg": message, "ctx": {"suggestion": near}}


def _list_members(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """Return the names of the members of the model at `path` in `model`."""
    for name in path:
        annotation = model.model_fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(model.model_fields)
