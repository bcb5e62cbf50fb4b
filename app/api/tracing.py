"""Trace every request: its id, its times, its limits, and a line in the JSON log."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.metrics import CLIENT_LEFT
from app.api.middleware import RawHeaders
from app.api.telemetry import describe_span
from app.masking import mask_target
from app.trace import CURRENT_TRACE, Trace, choose_request_id

access_logger = logging.getLogger("dateline.access")


class TraceRequests:
    """Give each request an id, and describe the request in headers of its answer.

    An answer that a shared cache may reuse without asking gets no such headers, since they would
    describe another request.
    """

    def __init__(self, app: ASGIApp, *, access_log: bool) -> None:
        self.app = app
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ids = [value for name, value in scope["headers"] if name == b"x-request-id"]
        trace = Trace(choose_request_id(ids[0].decode("latin-1") if len(ids) == 1 else None))
        status = CLIENT_LEFT

        async def describe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers: RawHeaders = list(message["headers"])
                if not any(n == b"cache-control" and v.startswith(b"public") for n, v in headers):
                    message = {**message, "headers": [*headers, *trace_headers(trace)]}
            await send(message)

        describe_span(trace.request_id, masked_query(scope))
        token = CURRENT_TRACE.set(trace)
        try:
            await self.app(scope, receive, describe)
        finally:
            CURRENT_TRACE.reset(token)
            if self.access_log:
                log_access(scope, trace, status)


def trace_headers(trace: Trace) -> RawHeaders:
    """Return X-Request-ID, Server-Timing and, if requests are limited, the RateLimit headers."""
    total = time.perf_counter() - trace.started
    times = ", ".join(
        f"{part};dur={seconds * 1000:.1f}"
        for part, seconds in [*trace.seconds.items(), ("total", total)]
    )
    headers = [(b"x-request-id", trace.request_id.encode()), (b"server-timing", times.encode())]
    if trace.limits:
        policies = (f'"{one.name}";q={one.quota};w={one.window_seconds}' for one in trace.limits)
        states = (f'"{one.name}";r={one.remaining};t={one.reset_seconds}' for one in trace.limits)
        headers.append((b"ratelimit-policy", ", ".join(policies).encode()))
        headers.append((b"ratelimit", ", ".join(states).encode()))
    return headers


def masked_query(scope: Scope) -> str:
    """Return the query string without API keys."""
    return mask_target("?" + scope["query_string"].decode("latin-1"))[1:]


def log_access(scope: Scope, trace: Trace, status: int) -> None:
    """Log a request; the JSON formatter writes its fields."""
    query = masked_query(scope)
    path = mask_target((scope.get("raw_path") or scope["path"].encode()).decode("latin-1"))
    target = f"{path}?{query}" if query else path
    client = scope.get("client")
    fields = {
        "client": client[0] if client else None,
        "method": scope["method"],
        "path": target,
        "status": status,
        "duration": round(time.perf_counter() - trace.started, 6),
        "request_id": trace.request_id,
    }
    access_logger.info("%s %s %d", scope["method"], target, status, extra={"fields": fields})
