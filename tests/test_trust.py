"""What operators and clients rely on from the first day: no secret leaks, answers can be traced."""

import gzip
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import commands
from app import reads
from app.api import telemetry
from app.errors import OperatorError
from app.main import create_app
from app.server.logs import JsonFormatter
from app.settings import Settings
from servers import until

Serve = Callable[..., TestClient]
KEY = "dln_" + "a1B2" * 12


@pytest.fixture
def serve(seeded_store: str) -> Iterator[Serve]:
    """Return a maker of clients over the example chronology, with settings of their own."""
    with ExitStack() as stack:

        def start(**settings: Any) -> TestClient:
            app = create_app(Settings(database_url=seeded_store, **settings))
            return stack.enter_context(TestClient(app, follow_redirects=False))

        yield start


# -- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (f"/?key={KEY}&type=", "./?key=***"),
        (f"/?key={KEY}&utm_source=mail", "./?key=***"),
        (f"/embed?q={KEY}&type=", "embed?q=***"),
        (f"/?{KEY}=1&type=", "./?***=1"),
        ("/?access_token=abc&type=", "./?access_token=***"),
    ],
)
def test_a_redirect_of_a_page_repeats_no_key(serve: Serve, target: str, location: str) -> None:
    """It is logged by proxies, and kept by browsers."""
    answer = serve().get(target)
    assert answer.status_code == 303
    assert answer.headers["Location"].replace("%2A", "*") == location


@pytest.mark.parametrize("key", [KEY, KEY.replace("_", "%5F")])
def test_a_redirect_to_the_prefix_repeats_no_key(serve: Serve, key: str) -> None:
    """The same without its slash."""
    client = serve(public_url="http://testserver/timeline")
    answer = client.get(f"/timeline?key={key}&date=2023")
    assert answer.status_code == 308
    assert answer.headers["Location"].replace("%2A", "*") == "/timeline/?key=***&date=2023"


# -- request ids ----------------------------------------------------------------------------------


def test_each_answer_has_an_id_of_its_own(serve: Serve) -> None:
    """Errors repeat it; a 304 has its own, not that of the answer that it confirms."""
    client = serve()
    read = client.get("/events?limit=1")
    unchanged = client.get("/events?limit=1", headers={"If-None-Match": read.headers["ETag"]})
    refused = client.get("/events?tpye=contract")
    assert unchanged.status_code == 304
    ids = [answer.headers["X-Request-ID"] for answer in (read, unchanged, refused)]
    assert len({*ids}) == 3
    assert refused.json()["request_id"] == ids[2]


@pytest.mark.parametrize(
    "value", ["a", "b1f2c5a0-0d3e-4c55-9a43-1f0f3b1c2d11", "x" * 128, "a/b=:@~+._"]
)
def test_a_sane_id_is_taken_over(serve: Serve, value: str) -> None:
    """As a proxy sends it."""
    answer = serve().get("/nowhere", headers={"X-Request-ID": value})
    assert (answer.headers["X-Request-ID"], answer.json()["request_id"]) == (value, value)


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "<script>", "č", KEY, f"id-{KEY}", '"'])
def test_any_other_id_is_replaced(serve: Serve, value: str) -> None:
    """It would stand in the log, and an API key in the answer."""
    answer = serve().get("/nowhere", headers={b"X-Request-ID": value.encode()})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]
    assert re.fullmatch("[0-9a-f]{32}", answer.json()["request_id"])


def test_two_ids_are_replaced_by_one(serve: Serve) -> None:
    """Neither is known to be the right one."""
    headers = [("X-Request-ID", "one"), ("X-Request-ID", "two")]
    answer = serve().get("/healthz", headers=headers)
    assert answer.headers["X-Request-ID"] not in ("one", "two")


@pytest.mark.parametrize("path", ["/embed.js", "/favicon.ico"])
def test_an_answer_that_caches_may_share_has_no_id(serve: Serve, path: str) -> None:
    """It would be that of another request."""
    headers = serve().get(path).headers
    assert headers["Cache-Control"].startswith("public")
    assert not {"x-request-id", "server-timing", "ratelimit"}.intersection(headers)


def test_the_log_of_an_unforeseen_error_has_its_id(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the client quotes is found in the log."""
    client = serve()
    monkeypatch.setattr(reads, "page", lambda *_: 1 / 0)
    answer = client.get("/events", headers={"X-Request-ID": "find-me"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "find-me")
    (record,) = (r for r in caplog.records if r.name == "dateline")
    assert "find-me" in record.getMessage()


# -- the log as JSON ------------------------------------------------------------------------------


def test_each_line_of_the_log_is_an_object(seeded_store: str, folder: Path) -> None:
    """From the first line of the server to its last, with no key in it."""
    with commands.serving(seeded_store, folder, log_format="json") as (server, port):
        asked = HTTPConnection("127.0.0.1", port)
        headers = {"X-Request-ID": "mine", "Authorization": f"Bearer {KEY}"}
        asked.request("GET", f"/events?limit=1&key={KEY}", headers=headers)
        answer = asked.getresponse()
        answer.read()
        asked.close()
        until(lambda: "limit=1" in (server.said / "2").read_text())
        text = (server.said / "2").read_text()
        assert (server.said / "1").read_text() == ""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    (line,) = (line for line in lines if line["logger"] == "dateline.access")
    assert line.pop("duration") > 0
    assert datetime.fromisoformat(line.pop("time")).tzinfo == UTC
    assert line == {
        "level": "info",
        "logger": "dateline.access",
        "message": f"GET /events?limit=1&key=*** {answer.status}",
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/events?limit=1&key=***",
        "status": answer.status,
        "request_id": "mine",
    }
    assert KEY not in text


def test_an_exception_is_a_member_of_its_line() -> None:
    """Its many lines are one, and keys are masked in all of it."""
    try:
        raise ValueError(KEY)
    except ValueError:
        made = logging.LogRecord("a", logging.ERROR, "f", 1, "for %s", (KEY,), sys.exc_info())
    (line,) = JsonFormatter().format(made).splitlines()
    document = json.loads(line)
    assert document["message"] == "for dln_***"
    assert "ValueError: dln_***" in document["exception"]


# -- times and limits -----------------------------------------------------------------------------


def test_an_answer_tells_its_times(serve: Serve) -> None:
    """In milliseconds; the whole is no less than its parts."""
    answer = serve().get("/events?limit=1")
    found = re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["Server-Timing"])
    times = {name: float(value) for name, value in found}
    assert {"store", "total"} <= set(times) <= {"queue", "store", "total"}
    assert 0 < times["store"] <= times["total"]


def test_an_answer_tells_what_is_left_of_a_limit(serve: Serve) -> None:
    """Until nothing is left, and the 429 says so too."""
    client = serve(reads_per_minute=2)
    found = [client.get("/types") for _ in range(3)]
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in found} == {'"reads";q=2;w=60'}
    states = [re.fullmatch(r'"reads";r=(\d+);t=(\d+)', a.headers["RateLimit"]) for a in found]
    assert [state and int(state[1]) for state in states] == [1, 0, 0]
    assert all(state and 1 <= int(state[2]) <= 61 for state in states)
    assert [found[2].headers["Retry-After"]] == [state[2] for state in states[2:] if state]


def test_a_bad_key_counts_for_a_limit_of_its_own(serve: Serve) -> None:
    """Reads without a limit tell none."""
    client = serve()
    refused = client.get("/types", headers={"Authorization": f"Bearer {KEY}"})
    assert refused.status_code == 401
    assert refused.headers["RateLimit-Policy"] == '"failures";q=30;w=60'
    assert "RateLimit" not in client.get("/types").headers


# -- finding the API ------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/timeline"])
def test_the_page_and_the_catalog_lead_to_every_description(serve: Serve, prefix: str) -> None:
    """As a Link header and as a linkset; under a path prefix too."""
    base = f"http://testserver{prefix}"
    client = serve(public_url=base)
    page, catalog = (client.get(f"{prefix}{path}") for path in ("/", "/.well-known/api-catalog"))
    links = dict(re.findall(r'<([^>]+)>; rel="([\w-]+)"', page.headers["Link"]))
    assert catalog.headers["Link"] == page.headers["Link"]
    assert links == {
        f"{prefix}/openapi.json": "service-desc",
        f"{prefix}/docs": "service-doc",
        f"{prefix}/readyz": "status",
        f"{prefix}/.well-known/api-catalog": "api-catalog",
    }
    assert catalog.headers["Content-Type"].startswith("application/linkset+json")
    (entry,) = catalog.json()["linkset"]
    assert entry.pop("anchor") == f"{base}/"
    assert {link["href"]: name for name, (link,) in entry.items()} | {
        f"{base}/.well-known/api-catalog": "api-catalog"
    } == {f"http://testserver{path}": name for path, name in links.items()}
    for (link,) in entry.values():
        answer = client.get(link["href"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].partition(";")[0] == link["type"]


def test_crawlers_may_read_events_but_no_filters(serve: Serve) -> None:
    """The longest rule that fits a path holds (RFC 9309)."""
    robots = serve(public_url="http://testserver/timeline").get("/timeline/robots.txt")
    assert robots.headers["Content-Type"] == "text/plain; charset=utf-8"
    rules = [line.partition(": ") for line in robots.text.splitlines()]
    assert rules[0] == ("User-agent", ": ", "*")

    def allowed(path: str) -> bool:
        fitting = [
            (len(rule), name == "Allow")
            for name, _, rule in rules[1:]
            if re.match(re.escape(rule).replace(r"\*", ".*"), path)
        ]
        return max(fitting, default=(0, True))[1]

    paths = ("/", "/?event=a", "/docs", "/?type=contract", "/events?date=2023", "/events.csv")
    assert [allowed(f"/timeline{path}") for path in paths] == [True] * 3 + [False] * 3


def test_a_private_chronology_is_closed_to_crawlers(serve: Serve) -> None:
    """All of it."""
    robots = serve(public_reads=False).get("/robots.txt")
    assert robots.text == "User-agent: *\nDisallow: /\n"


def test_the_description_is_built_in_a_thread(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, however many ask; the event loop goes on meanwhile."""
    client = serve()
    app: Any = client.app
    build, threads = app.openapi, []

    def record() -> Any:
        threads.append(threading.current_thread().name)
        return build()

    monkeypatch.setattr(app, "openapi", record)
    first, again = (client.get("/openapi.json") for _ in range(2))
    assert first.json() == json.loads(again.content) == build()
    assert [name.startswith("AnyIO worker thread") for name in threads] == [True]
    unchanged = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


# -- OpenTelemetry --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "is not installed: pip install 'dateline[opentelemetry]'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "the protocol is http/protobuf, no other"),
    ],
    ids=["not installed", "another protocol"],
)
def test_a_collector_that_cannot_be_used_is_told_in_one_line(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    """Before the server starts."""
    monkeypatch.setattr(telemetry, "_is_installed", lambda: bool(variables))
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OperatorError, match=re.escape(words)):
        serve()


@pytest.mark.slow
def test_a_collector_receives_spans_without_keys(
    seeded_store: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the id of the request."""
    pytest.importorskip(telemetry.EXPORTER)
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            bodies.append(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # milliseconds
        with commands.serving(seeded_store, folder) as (_, port):
            asked = HTTPConnection("127.0.0.1", port)
            target = f"/events?limit=1&key={KEY}"
            asked.request("GET", target, headers={"X-Request-ID": "find-this-span"})
            asked.getresponse().read()
            asked.close()
            until(lambda: b"find-this-span" in b"".join(bodies))
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()
    assert KEY.encode() not in b"".join(bodies)
    assert b"/events" in b"".join(bodies)
