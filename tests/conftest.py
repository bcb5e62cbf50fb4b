"""Fixtures: a store of each engine, empty or seeded, and a client of the application over it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi.testclient import TestClient
from hypothesis import settings as hypothesis_settings

from app.main import create_app
from app.settings import Settings
from stores import (
    ENGINES,
    PostgresqlStores,
    SqliteStores,
    Stores,
    left_out,
    migrated,
    postgresql_cluster,
    postgresql_programs,
    seeded,
)

hypothesis_settings.register_profile("dateline", deadline=None, print_blob=True)
hypothesis_settings.load_profile("dateline")

# These take longest, and are begun first: none is left for the end, where others would wait.
LONG = (
    *(
        "test_killed",
        "test_killed_commands",
        "test_several_servers",
        "test_engines_agree",
        "test_concurrent_writes",
    ),
    *("test_state_machine", "test_filters", "test_files", "test_server", "test_page"),
    *("test_accessible", "test_served", "test_hostile", "test_typescript"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str | None]:
    """The address of a PostgreSQL cluster made for this run; None where there is no PostgreSQL."""
    programs = postgresql_programs()
    if programs is None:
        yield None
        return
    with postgresql_cluster(programs) as cluster:
        yield cluster.url


@pytest.fixture(scope="session", params=ENGINES)
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Maker of databases; a test that asks for it runs once an engine."""
    if request.param == "sqlite":
        return SqliteStores(tmp_path_factory.mktemp("sqlite"))
    url = request.getfixturevalue("postgresql")
    if url is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
    return PostgresqlStores(url)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that everybody may read."""
    with TemporaryDirectory(prefix="dateline-cli-") as name:
        made = Path(name)
        made.chmod(0o755)
        yield made
        made.chmod(0o755)


@pytest.fixture(scope="module")
def small_blocks() -> Iterator[None]:
    """Blocks of 64 events, so that the timeline of a test has many, made and written in process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.index.blocks.SLOTS", 64)
        yield


@pytest.fixture(scope="session")
def empty_template(stores: Stores) -> str:
    """A migrated store; copied, never written."""
    return migrated(stores)


@pytest.fixture(scope="session")
def seeded_template(stores: Stores, empty_template: str) -> str:
    """A store with the example chronology; copied, never written."""
    return seeded(stores, empty_template)


@pytest.fixture
def empty(stores: Stores, empty_template: str) -> str:
    """The URL of a migrated store of the test's own."""
    return stores.new(empty_template)


@pytest.fixture
def seeded_store(stores: Stores, seeded_template: str) -> str:
    """The URL of a seeded store of the test's own."""
    return stores.new(seeded_template)


@pytest.fixture(scope="session")
def client(stores: Stores, seeded_template: str) -> Iterator[TestClient]:
    """A client that reads the example chronology."""
    url = stores.new(seeded_template)
    with TestClient(create_app(Settings(database_url=url))) as made:
        yield made
