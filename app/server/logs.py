"""The server's log: one line per request, without the keys in its address."""

import logging
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from uvicorn.config import LOGGING_CONFIG

from app.errors import mask_keys

MASK = "***"
# Query parameters that carry a key in other APIs.
SECRET_NAMES = re.compile(r"(access|api|auth|bearer|secret)?[_-]?(key|token|secret)|authorization")


def mask_target(target: str) -> str:
    """Return a path and query with every value that may be a key replaced by `***`."""
    path, mark, query = target.partition("?")
    if not mark:
        return mask_keys(path)
    return mask_keys(path) + mark + "&".join(map(_mask_pair, query.split("&")))


def _mask_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if mark and (SECRET_NAMES.fullmatch(name.lower()) or _contains_key(value)):
        return f"{name}={MASK}"
    return MASK if _contains_key(name) else pair


def _contains_key(text: str) -> bool:
    plain = unquote_plus(text) if "%" in text else text
    return mask_keys(plain) != plain


class WithoutKeys(logging.Filter):
    """Mask keys in the addresses of the access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, target, *rest = record.args
            record.args = (client, method, mask_target(str(target)), *rest)
        return True


class AccessLine(logging.Formatter):
    """Format a line as uvicorn does, without copying the record."""

    def format(self, record: logging.LogRecord) -> str:
        client, method, path, version, status = record.args  # type: ignore[misc]
        request = f'{client} - "{method} {path} HTTP/{version}"'
        return f"{record.levelname}:     {request} {status} {PHRASES[status]}"


PHRASES: dict[object, str] = {status.value: status.phrase for status in HTTPStatus}


def logging_config(*, coloured: bool) -> dict[str, Any]:
    """Return uvicorn's configuration, with keys masked in addresses."""
    formatters: dict[str, Any] = {**LOGGING_CONFIG["formatters"]}
    if not coloured:
        formatters["access"] = {"()": AccessLine}
    access = {**LOGGING_CONFIG["handlers"]["access"], "filters": ["without_keys"]}
    return {
        **LOGGING_CONFIG,
        "filters": {"without_keys": {"()": WithoutKeys}},
        "formatters": formatters,
        "handlers": {**LOGGING_CONFIG["handlers"], "access": access},
    }
