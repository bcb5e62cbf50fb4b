"""OpenTelemetry: traces and metrics of FastAPI, if the environment names a collector."""

import os
from importlib.util import find_spec

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from app.errors import OperatorError

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
PROTOCOLS = (
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
)
PROTOCOL = "http/protobuf"
EXPORTER = "opentelemetry.exporter.otlp.proto.http"


def configure_telemetry() -> TelemetryConfig:
    """Return FastAPI's settings of OpenTelemetry, from the standard environment variables.

    Logs are not exported: an exception may quote the input of a client. Raise OperatorError if a
    collector is named, but the packages are not installed, or the protocol is another one.
    """
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if endpoint is None or disabled:
        return {"auto_configure": False, "logs": False}
    if not _is_installed():
        raise OperatorError(
            f"{endpoint} is set, but OpenTelemetry is not installed: "
            "pip install 'dateline[opentelemetry]'"
        )
    for name in PROTOCOLS:
        if os.environ.get(name, PROTOCOL) != PROTOCOL:
            raise OperatorError(f"{name}: the protocol is {PROTOCOL}, no other")
    return {"auto_configure": True, "logs": False}


def describe_span(request_id: str, query: str) -> None:
    """Add the request id to the span of the current request, and its query without API keys."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("dateline.request_id", request_id)
        if query:
            span.set_attribute("url.query", query)


def _is_installed() -> bool:
    try:
        return find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # of a parent
        return False
