"""The pages of docs/recipes.md in a browser, beside a Dateline of another origin."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from app import seeding, writes
from browser import Visit, visiting
from documented import ADDRESS, files_in, text_of
from node import packages
from servers import Server
from stores import BY

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Json = dict[str, Any]
FILES = files_in(text_of("docs/recipes.md"))

HOSTILE = (
    ("2023-12-01", "<script>window.ran = 1</script>"),
    ("2023-03/2023-05", '<img src="/none" onerror="window.ran = 1">'),
    ("[2024-01-09..]", '"><svg onload="window.ran = 1">'),
    ("2022-06-07", '<a href="javascript:window.ran = 1">more</a>'),
    ("[..2022-01,2023-01..]", "</script><iframe srcdoc='<script>parent.ran = 1</script>'>"),
)


@dataclass(frozen=True)
class Readers:
    """What a recipe needs: a server of events, a browser, and a folder of pages to serve."""

    server: Server
    browser: "Browser"

    def events(self) -> list[Json]:
        """All that the server holds, in timeline order."""
        found: list[Json] = self.server.ask("/events?limit=200").json()["items"]
        return found

    @contextmanager
    def opened(self, page: str, *libraries: str, **options: Any) -> Iterator[Visit]:
        """A page of the recipes with its libraries (`name@version`), in a new browser profile."""
        with TemporaryDirectory(prefix="dateline-pages-") as folder:
            for name, text in FILES.items():
                told = text.replace(ADDRESS, self.server.url)
                Path(folder, name).write_text(told, encoding="utf-8")
            Path(folder, "favicon.ico").touch()  # browsers ask for it unbidden
            if libraries:
                Path(folder, "node_modules").symlink_to(packages(*libraries))
            with pages_of(folder) as pages, visiting(self.browser, **options) as visit:
                visit.page.goto(f"{pages}/{page}")
                yield visit

    def complaints_of(self, visit: Visit) -> list[str]:
        """What went wrong: the browser's own words, other hosts, script that ran from a text."""
        pages = visit.page.evaluate("location.origin")
        ran = visit.page.evaluate("window.ran === undefined ? [] : ['a text ran as script']")
        links = visit.page.locator("a[href^='javascript:' i]").all_inner_texts()
        return [*visit.complaints, *visit.elsewhere(pages, self.server.url), *ran, *links]


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a log."""

    def log_message(self, *args: object) -> None: ...


@contextmanager
def pages_of(folder: str) -> Iterator[str]:
    """The address of a server of this folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fill(session: Session) -> None:
    """The example chronology, and events whose every text would be a script if it could."""
    seeding.seed(session)
    for edtf, text in HOSTILE:
        event = {
            "type": "statement",
            "title": text,
            "summary": text,
            "date": {"edtf": edtf, "text": text},
            "tags": [text],
            "sources": [{"publisher": text, "title": text, "published": "2024-01-09"}],
        }
        writes.create_record(session, BY, writes.EVENT, event)
