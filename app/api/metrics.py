"""`/metrics`: figures of this server in the text format of Prometheus."""

import time
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.documentation import errors
from app.api.middleware import METHODS
from app.api.routes import StrictRoute
from app.store import Database

router = APIRouter(tags=["Operations"], route_class=StrictRoute)
CLIENT_LEFT = 499  # nginx's code: the client left before the answer, or the server stopped
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
EXAMPLE = "# TYPE dateline_reads_running gauge\ndateline_reads_running 2.0\n"


def install(app: FastAPI, database: Database) -> None:
    """Measure requests, close to their routes."""
    app.state.metrics = Metrics(database)
    app.add_middleware(RequestTimer, app.state.metrics)


class Metrics:
    """The figures of one application."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "dateline_request_seconds",
            "From the request to the end of its answer.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(StoreCollector(database))
        ProcessCollector(registry=self.registry)


class StoreCollector(Collector):
    """Figures of the store's readers and writers, collected on request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Yield the current figures."""
        store = self._database
        for noun, limiter in (
            ("reads", store.readers),
            ("slow_reads", store.slow_readers),
            ("writes", store.writers),
            ("downloads", store.downloads.producing),
        ):
            name = f"dateline_{noun}"
            words = noun.replace("_", " ")
            yield GaugeMetricFamily(f"{name}_running", f"{words} now.", limiter.running)
            yield GaugeMetricFamily(f"{name}_waiting", f"{words} waiting.", limiter.waiting)
            yield GaugeMetricFamily(f"{name}_limit", f"{words} at a time.", limiter.limit)
        for noun, counter in (("reads", store.reads), ("writes", store.writes)):
            name = f"dateline_{noun}"
            yield CounterMetricFamily(name, f"{noun} done.", counter.count)
            yield CounterMetricFamily(f"{name}_seconds", "Their duration.", counter.seconds)
        yield CounterMetricFamily(
            "dateline_queries_too_costly", "Reads refused as too costly.", store.reads.refused
        )
        downloads = store.downloads
        yield GaugeMetricFamily(
            "dateline_downloads_open", "Downloads in progress.", downloads.served
        )
        yield GaugeMetricFamily(
            "dateline_downloads_bytes", "Disk and memory of their files.", downloads.bytes
        )
        yield GaugeMetricFamily(
            "dateline_downloads_limit_bytes", "Limit of the same.", downloads.max_bytes
        )
        memory = store.cache
        yield GaugeMetricFamily("dateline_memory_bytes", "Memory of the caches.", memory.size)
        yield GaugeMetricFamily(
            "dateline_memory_limit_bytes", "Limit of the same.", memory.max_bytes
        )


class RequestTimer:
    """Measure the duration of every request, by its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.requests = metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, started = CLIENT_LEFT, time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            raise
        except Exception:
            status = 500 if status == CLIENT_LEFT else status
            raise
        finally:
            # Group unknown paths and methods: clients could invent any number of labels.
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.requests.labels(method, route, status).observe(time.perf_counter() - started)


@router.get(
    "/metrics",
    summary="Read metrics",
    response_class=Response,
    responses={
        **errors(),
        200: {
            "description": "Metrics of this server, in the text format of Prometheus.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
    },
)
async def read_metrics(request: Request) -> Response:
    """Return requests by route and status, running and waiting reads and writes, and durations."""
    body = generate_latest(request.app.state.metrics.registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)
