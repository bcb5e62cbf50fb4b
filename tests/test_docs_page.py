"""The API reference in a browser: the first click works, and nothing comes from another host."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from reference import OPERATIONS, READS
from servers import serving
from stores import SqliteStores, left_out, migrated, seeded

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
)
MILLISECONDS = 20_000


@dataclass(frozen=True)
class Visit:
    """A page of a server in a browser, and what went on there."""

    page: "Page"
    server: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The reference of a server over the example chronology, just opened."""
    if not Path(CHROMIUM).exists():
        left_out("browser", "Chromium is not installed on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        left_out("browser", "Playwright is not installed")
    files = SqliteStores(tmp_path_factory.mktemp("docs"))
    store = seeded(files, migrated(files))
    with serving(store) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        visit = Visit(page, server.url)
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("requestfailed", lambda request: visit.complaints.append(request.url))
        page.on("console", lambda message: visit.complaints.append(message.text))
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.goto(f"{server.url}/docs")
        page.wait_for_selector(".opblock")
        yield visit
        browser.close()


def test_every_operation_can_be_found(docs: Visit) -> None:
    """By its method and path."""
    shown = [" ".join(row.split()[:2]) for row in docs.page.locator(".opblock").all_inner_texts()]
    assert sorted(shown) == sorted(map(str, OPERATIONS))


def test_the_first_try_finds_the_gas_contract(docs: Visit) -> None:
    """`GET /events` is sent as it stands, its examples filled in, and answers with an event."""
    (operation,) = (o for o in READS if o.path == "/events")
    block = docs.page.locator("#operations-Events-list_events")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table .response")
    answer.wait_for()
    assert answer.locator(".response-col_status").inner_text().strip() == "200"
    assert '"serbia-azerbaijan-gas-contract"' in answer.inner_text()
    sent = urlsplit(docs.requests[-1])
    filled_in = {name for name, p in operation.of("query").items() if "example" in p}
    assert set(operation.examples(*filled_in)) <= set(parse_qsl(sent.query))


def test_nothing_was_asked_of_another_host(docs: Visit) -> None:
    """The reference works on a machine without the internet."""
    assert f"{docs.server}/openapi.json" in docs.requests
    others = [url for url in docs.requests if not url.startswith((f"{docs.server}/", "data:"))]
    assert others == []


def test_the_browser_complains_of_nothing(docs: Visit) -> None:
    """No failed request, no error, not a line on the console."""
    assert docs.complaints == []
