"""Fixtures: the server that clients are made from and used against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.sessions import Running
from servers import serving
from stores import SqliteStores, key_of, migrated, seeded


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server over a store of the module's own."""
    stores = SqliteStores(tmp_path_factory.mktemp("store"))
    url = seeded(stores, migrated(stores))
    with serving(url) as server:
        yield Running(server, key_of(url))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's client is made."""
    return tmp_path_factory.mktemp("client")
