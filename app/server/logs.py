"""The server's log: one line per request, without the keys in its address."""

import logging
from http import HTTPStatus
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from app.masking import mask_target


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
