"""Behind a path prefix everything works: through nginx, whether it strips the prefix or not."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.server.proxies import ProxyHeaders, first_prefix
from app.settings import Settings
from browser import chromium, visiting
from commands import serving
from servers import Answer, Server, until
from stores import SqliteStores, free_port, key_of, left_out, migrated, seeded

pytestmark = pytest.mark.slow

PREFIX = "/timeline"
CONFIGURATION = """
pid nginx.pid; error_log nginx-error.log; events {{}}
http {{
  access_log off; large_client_header_buffers 4 32k;
  client_body_temp_path bodies; proxy_temp_path answers;
  server {{
    listen 127.0.0.1:{port};
    location {prefix} {{
      proxy_pass http://127.0.0.1:{upstream}{path};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      {header}
    }}
  }}
}}
"""
# Whether the proxy takes the prefix off, and who says what it is.
WAYS = {
    "stripped, a public address": (True, False),
    "kept, a public address": (False, False),
    "stripped, X-Forwarded-Prefix": (True, True),
    "kept, X-Forwarded-Prefix": (False, True),
}


class Links(HTMLParser):
    """Collects where a page leads, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = (value for name, value in attrs if name in ("href", "src", "action"))
        self.targets += [value for value in found if value]


@contextmanager
def nginx(folder: Path, port: int, upstream: int, *, strips: bool, says: bool) -> Iterator[None]:
    """An nginx that shows a server under the prefix."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        left_out("nginx", "nginx is not installed on this machine")
    header = f"proxy_set_header X-Forwarded-Prefix {PREFIX};" if says else ""
    text = CONFIGURATION.format(
        port=port,
        upstream=upstream,
        prefix=f"{PREFIX}/" if strips else PREFIX,
        path="/" if strips else "",
        header=header,
    )
    (folder / "nginx.conf").write_text(text)
    subprocess.run([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], check=True)
    pid = folder / "nginx.pid"
    try:
        until(lambda: pid.exists() and pid.read_text().strip())
        yield
    finally:
        process = int(pid.read_text())
        os.kill(process, signal.SIGTERM)
        until(lambda: not pid.exists())


@pytest.fixture(scope="module", params=WAYS)
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server as it is seen through the proxy."""
    strips, says = WAYS[request.param]
    folder = tmp_path_factory.mktemp("prefix")
    files, port = SqliteStores(folder), free_port()
    public: dict[str, Any] = {} if says else {"public_url": f"http://127.0.0.1:{port}{PREFIX}"}
    with ExitStack() as stack:
        url = seeded(files, migrated(files))
        started, upstream = stack.enter_context(serving(url, folder, **public))
        stack.enter_context(nginx(folder, port, upstream, strips=strips, says=says))
        process: Any = started.process
        yield Server(process, url, started.said, port)


def ask(server: Server, url: str) -> Answer:
    """Ask for an absolute URL of the server, which has to lie under the prefix."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == server.url, url
    assert parts.path.startswith(f"{PREFIX}/"), url
    return server.ask(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def addresses(server: Server) -> Iterator[tuple[str, str]]:
    """Yield every kind of address in answers, with what it is."""
    base = f"{server.url}{PREFIX}"
    listed = ask(server, f"{base}/events?limit=1")
    yield "next", listed.json()["next"]
    yield "Link", re.findall("<(.*)>", listed.headers["Link"])[0]
    for path in ("/nope", "/events?tpye=a", "/events/nothing", f"/events?q={'x' * 9000}"):
        problem = ask(server, f"{base}{path}").json()
        yield f"the kind of {path[:20]}", urljoin(f"{base}{path}", problem["type"])
    key = {"Authorization": f"Bearer {key_of(server.database_url)}"}
    typed = {**key, "Content-Type": "application/json"}
    body = f'{{"id": "way-{server.port}", "label": "Way"}}'.encode()
    made = server.ask(f"{PREFIX}/types", typed, "POST", body)
    yield "Location", made.headers["Location"]
    told = ask(server, f"{base}/oembed?url={quote(f'{base}/?type=visit')}").json()
    yield "oEmbed", told["provider_url"]
    yield "the frame", Links(told["html"]).targets[0].replace("&amp;", "&")
    feed = ask(server, f"{base}/events.jsonfeed?type=visit").json()
    yield "the feed", feed["feed_url"]
    yield "its page", feed["home_page_url"]
    yield "an item", feed["items"][0]["url"]
    (first, *_) = ask(server, f"{base}/openapi.json").json()["servers"]
    yield "the API", urljoin(f"{base}/openapi.json", first["url"].rstrip("/") + "/events")
    yield "the component", f"{base}/embed.js"
    for path in ("/", "/embed?type=visit", "/docs", "/?event=serbia-azerbaijan-gas-contract"):
        page = ask(server, f"{base}{path}").body.decode()
        targets = [urljoin(f"{base}{path}", target) for target in Links(page).targets]
        own = dict.fromkeys(t for t in targets if t.startswith(server.url))
        for target in [*own][:12]:
            yield f"a link of {path}", target.partition("#")[0]


def test_every_address_leads_back_under_the_prefix(proxied: Server) -> None:
    """Those in answers, headers, errors, files, pages and the reference."""
    wrong = []
    for what, url in addresses(proxied):
        parts = urlsplit(url)
        right = f"{parts.scheme}://{parts.netloc}" == proxied.url
        right = right and parts.path.startswith(f"{PREFIX}/")
        if not (right and ask(proxied, url).status in (200, 303)):
            wrong.append((what, url))
    assert wrong == []


def test_the_prefix_without_its_slash_leads_to_the_page(proxied: Server) -> None:
    """Whose links are relative."""
    answer = proxied.ask(f"{PREFIX}?type=visit")
    assert answer.status in (301, 308)
    target = urlsplit(answer.headers["Location"])
    assert target.path == f"{PREFIX}/"
    assert parse_qs(target.query) == {"type": ["visit"]}


def test_the_reference_executes_an_example(proxied: Server) -> None:
    """In a browser, which complains of nothing."""
    with chromium() as browser, visiting(browser) as visit:
        visit.page.goto(f"{proxied.url}{PREFIX}/docs")
        block = visit.page.locator("#operations-Events-list_events")
        block.locator(".opblock-summary-control").click()
        block.locator("button.execute").click()
        answer = block.locator(".live-responses-table .response")
        answer.wait_for()
        assert answer.locator(".response-col_status").inner_text().strip() == "200"
        assert '"serbia-azerbaijan-gas-contract"' in answer.inner_text()
        assert urlsplit(visit.requests[-1]).path == f"{PREFIX}/events"
        assert visit.elsewhere(proxied.url) == []
        assert visit.complaints == []


PREFIXES = {
    "/timeline": "/timeline",
    "/timeline/": "/timeline",
    " /a/b-c_d.e~f , /g": "/a/b-c_d.e~f",
    "/v1.0": "/v1.0",
    **dict.fromkeys(("", "/", "timeline", "//evil.example", "/a//b", "/../x", "/a/..", "/."), ""),
    f"/{'a' * 199}": f"/{'a' * 199}",
    f"/{'a' * 200}": "",
    f"/{'a' * 190}/b/c/d/e/f": "",
    **dict.fromkeys(("/a?b", "/a#b", "/a b", '/a"><script>', "/é", "http://evil.example"), ""),
}


def test_only_a_plain_path_is_a_prefix() -> None:
    """Anything else is ignored."""
    wrong = {value: first_prefix([value.encode("latin-1")]) for value in PREFIXES}
    assert {value: path for value, path in wrong.items() if path != PREFIXES[value]} == {}


def test_a_prefix_counts_from_trusted_proxies_alone(tmp_path: Path) -> None:
    """And never beside the public address."""
    files = SqliteStores(tmp_path)
    url = seeded(files, migrated(files))
    sent = {"X-Forwarded-Prefix": "/elsewhere", "Host": "news.example"}
    cases = {
        ("127.0.0.1", None): "http://news.example/elsewhere/events",
        ("192.0.2.1", None): "http://news.example/events",
        ("127.0.0.1", "https://example.org/own"): "https://example.org/own/events",
    }
    wrong = []
    for (trusted, public), expected in cases.items():
        served: Any = create_app(Settings(database_url=url, public_url=public))
        app: Any = ProxyHeaders(served, trusted)
        with TestClient(app, client=("127.0.0.1", 50000)) as client:
            following = client.get("/events?limit=1", headers=sent).json()["next"]
        if following.partition("?")[0] != expected:
            wrong.append((trusted, public, following))
    assert wrong == []
