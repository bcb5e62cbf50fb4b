"""One browser and one server a module for the tests of pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from benchmarks import generated
from browser import Visit, chromium, visiting
from servers import Server, serving
from stores import SqliteStores, migrated, seeded

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the example chronology, which no test changes."""
    files = SqliteStores(tmp_path_factory.mktemp("pages"))
    with serving(seeded(files, migrated(files))) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A browser."""
    with chromium() as running:
        yield running


@pytest.fixture
def visit(server: Server, browser: "Browser") -> Iterator[Visit]:
    """A page of a new profile, wide enough for all; it asks nothing of other hosts, in silence."""
    with visiting(browser, base_url=server.url, viewport={"width": 1440, "height": 900}) as made:
        yield made
        assert made.elsewhere(server.url) == []
        assert made.complaints == []


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over more events than a page holds."""
    files = SqliteStores(tmp_path_factory.mktemp("many"))
    url = files.new(migrated(files))
    generated.write(url, 180)
    with serving(url) as running:
        yield running
