"""A real browser for tests: Debian's Chromium, driven by Playwright, with nothing but our pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stores import left_out

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
MILLISECONDS = 20_000


@dataclass(frozen=True)
class Visit:
    """A page in a browser, what it asked for, and what the browser complained of."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def elsewhere(self, *servers: str) -> list[str]:
        """What was asked of other hosts than these servers'."""
        hosts = {urlsplit(server).netloc for server in servers}
        inside = ("data:", "blob:", "about:")
        asked = (url for url in self.requests if not url.startswith(inside))
        return [url for url in asked if urlsplit(url).netloc not in hosts]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser; leaves the test out where there is none."""
    if not Path(CHROMIUM).exists():
        left_out("browser", "Chromium is not installed on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        left_out("browser", "Playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: "Browser", **options: Any) -> Iterator[Visit]:
    """A new page of a new profile; `options` are those of Playwright's `new_context`."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    visit = Visit(page)
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("requestfailed", lambda request: visit.complaints.extend(_failed(request)))
    page.on("console", lambda message: visit.complaints.append(message.text))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    context.close()


def _failed(request: "Request") -> Iterator[str]:
    """A request that failed, unless the page itself gave it up for a later one."""
    if request.failure != "net::ERR_ABORTED":
        yield request.url
