"""Hostile text stays text on every page: nothing of it runs, and no link leaves the web."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from sqlalchemy import text as sql

from app import schemas, writes
from browser import visiting
from formats.documents import Json, written
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to
from servers import Server, serving
from stores import BY, SqliteStores, migrated, opened
from web.test_embedding import component, hosting, shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

# What the payloads call, and what would tell of it.
TRAP = "window.a = window.alert = () => { top.postMessage('pwned', '*'); window.pwned = true }"


def numbered(event: Json, number: int) -> Json:
    """The event with ids of its own for all that it names."""
    own = f"hostile-{number}"
    for part in ("actors", "places", "sources"):
        event[part] = [{**entry, "id": f"{own}-{part}"} for entry in event[part]]
    return {**event, "id": own}


def storable() -> Iterator[schemas.EventWrite]:
    """An event of each hostile text that a chronology takes."""
    for number, text in enumerate((*TEXTS, "W" * 90)):
        event = numbered(full_of(text), number)
        event["quantities"] = [{**quantity, "unit": None} for quantity in event["quantities"]]
        try:
            yield written(event)
        except ValidationError:
            continue


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a chronology of hostile texts and, past every check, of hostile addresses."""
    files = SqliteStores(tmp_path_factory.mktemp("hostile"))
    url = migrated(files)
    events = list(storable())
    assert len(events) >= 60
    with opened(url) as store, store.write() as session:
        writes.TYPE.save(
            session, BY, schemas.TypeWrite(id="contract", label="<b>Contract"), "create"
        )
        linked = [written(numbered(linked_to("https://x.example"), 1000 + n)) for n in range(8)]
        writes.create_events(session, BY, [*events, *linked])
        for number, address in enumerate(ADDRESSES):
            key = {"id": f"hostile-{1000 + number}"}
            find = "SELECT key FROM timeline WHERE event_id = :id"
            body = session.execute(sql(f"SELECT body FROM document WHERE key = ({find})"), key)
            document = json.loads(body.scalar_one())
            for name in ("url", "archive_url"):
                document["sources"][0][name] = address
            told = {**key, "body": json.dumps(document).encode()}
            session.execute(sql(f"UPDATE document SET body = :body WHERE key = ({find})"), told)
    with serving(url) as running:
        yield running


def assert_harmless(frame: "Frame", server: str) -> None:
    """Nothing ran, every script is the server's own, and every link leads to the web."""
    assert not frame.evaluate("window.pwned")
    scripts = frame.evaluate("[...document.scripts].map(script => script.src)")
    assert [src for src in scripts if not src.startswith(f"{server}/")] == []
    protocols = frame.evaluate(
        "[...document.querySelectorAll('a')].map(a => a.protocol || 'http:')"
    )
    assert set(protocols) <= {"http:", "https:"}
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    running = (
        "iframe:not([data-builder] > iframe), object, embed, form:not(#filters), base,"
        " [onload], [onerror], [onmouseover]"
    )
    assert frame.locator(running).count() == 0


def pages(page: "Page", start: str) -> Iterator["Page"]:
    """A list to its end."""
    page.goto(start)
    yield page
    while page.locator("a[rel=next]").count():
        page.goto(str(page.locator("a[rel=next]").evaluate("link => link.href")))
        yield page


@pytest.mark.parametrize("path", ["/", "/embed"])
@pytest.mark.parametrize("javascript", [True, False])
def test_lists_are_harmless(
    hostile: Server, browser: "Browser", path: str, javascript: bool
) -> None:
    """Every title stands there as it was written; a frame holds one page, so from either end."""
    listed = "all => all.map(e => [e.id, e.querySelector('h3 a').textContent])"
    orders = ("-updated",) if path == "/" else ("-updated", "updated")
    with visiting(browser, base_url=hostile.url) as visit:
        visit.page.add_init_script(TRAP)
        titles = {}
        for order in orders:
            for page in pages(visit.page, f"{path}?sort={order}"):
                assert_harmless(page.main_frame, hostile.url)
                titles.update(page.locator(".event").evaluate_all(listed))
        wanted = [event.title for event in storable()]
        assert sorted(titles.values()) == sorted([*wanted, *["Gas contract"] * len(ADDRESSES)])
        assert visit.complaints == []


def test_open_events_are_harmless(hostile: Server, browser: "Browser") -> None:
    """With quotes, notes, names and addresses of all kinds."""
    with visiting(browser, base_url=hostile.url) as visit:
        visit.page.add_init_script(TRAP)
        for event in storable():
            visit.page.goto(f"/?event={event.id}")
            assert visit.page.locator("#opened-title").text_content() == event.title
            assert_harmless(visit.page.main_frame, hostile.url)
        assert visit.complaints == []


def test_what_is_fetched_and_shown_is_harmless(hostile: Server, browser: "Browser") -> None:
    """Not only what is loaded: events that are opened in place, pages that are added."""
    with visiting(browser, base_url=hostile.url) as visit:
        page = visit.page
        page.add_init_script(TRAP)
        page.goto("/?q=alert")
        for number in range(page.locator("h3 a").count()):
            page.locator("h3 a").nth(number).click()
            page.locator("#opened-title").wait_for()
            assert_harmless(page.main_frame, hostile.url)
            page.keyboard.press("Escape")
            page.locator("#opened article").wait_for(state="detached")
        assert visit.complaints == []


def test_the_component_is_harmless(hostile: Server, browser: "Browser", tmp_path: Path) -> None:
    """Neither in its frame nor in the page around it."""
    code = component(hostile).replace("?type=contract", "?type=contract&sort=-updated")
    (tmp_path / "host.html").write_text(f"<!doctype html><title>Host</title>{code}")
    (tmp_path / "favicon.ico").touch()
    with hosting(tmp_path) as site, visiting(browser) as visit:
        visit.page.add_init_script(TRAP)
        visit.page.goto(f"{site}/host.html")
        shown(visit.page)
        (frame,) = visit.page.main_frame.child_frames
        assert_harmless(frame, hostile.url)
        assert not visit.page.evaluate("window.pwned")


def test_the_document_is_harmless(hostile: Server, browser: "Browser", tmp_path: Path) -> None:
    """Also from the disk, where no policy keeps scripts from running."""
    file = tmp_path / "events.html"
    file.write_bytes(hostile.ask("/events.html").body)
    with visiting(browser) as visit:
        visit.page.add_init_script(TRAP)
        visit.page.goto(file.as_uri())
        assert_harmless(visit.page.main_frame, hostile.url)
        titles = visit.page.locator("h2 a").evaluate_all("all => all.map(a => a.textContent)")
        assert len(titles) == len(list(storable())) + len(ADDRESSES)
        assert visit.complaints == []
