"""The server's log, as text or as JSON, without API keys."""

import json
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from app.masking import mask_keys, mask_target
from app.trace import current_request_id


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


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            document["request_id"] = request_id
        document |= getattr(record, "fields", {})
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return mask_keys(json.dumps(document, ensure_ascii=False))


def json_logging_config(level: str) -> dict[str, Any]:
    """Return a configuration that writes every record to stderr as JSON."""
    own = {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"dateline": own, "uvicorn": own},
    }
