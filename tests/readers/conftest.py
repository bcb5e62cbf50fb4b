"""Fixtures: a server over a chronology that holds hostile texts, and a browser."""

from collections.abc import Iterator

import pytest

from browser import chromium
from readers.recipes import Readers, fill
from servers import serving
from stores import SqliteStores, migrated, seeded


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    """What the pages of a module are read with."""
    files = SqliteStores(tmp_path_factory.mktemp("readers"))
    store = seeded(files, migrated(files), fill)
    with serving(store) as server, chromium() as browser:
        yield Readers(server, browser)
