"""The tiers of the tests, and fixtures: a store of each engine, and a client over it.

Nothing of the application is imported before a fixture needs it: one file starts within moments.
"""

import gc
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

import tiers

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from stores import Stores

# -- the tiers ------------------------------------------------------------------------------------

HERE = Path(__file__).parent
SLOW_FIXTURES = {"browser", "readers"}
SLOW_FILE = re.compile(r"^pytestmark = .*\bmark\.slow\b", re.MULTILINE)
SLOW_FILES = "files of slow tests"
KINDS = {"slow": "slow tests", "postgresql": "tests on PostgreSQL"}
MAX_WORKERS = 4
ACCEPTED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
LEFT_OUT = pytest.StashKey[Counter[str]]()
DESELECTED = pytest.StashKey[list[str]]()

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--all`."""
    parser.addoption(
        "--all", action="store_true", help="run every test, slow ones too, on both engines"
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector, and leave to it only what the tests make.

    What is collected stays to the end. Looking through it again and again took a third of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in workers, files that are named in this process.

    There is a worker more than cores: tests wait for servers, programs and clocks.
    """
    option = config.option
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    paths = [(config.invocation_params.dir / path.split("::")[0]).resolve() for path in config.args]
    if option.numprocesses is None and any(path in (HERE, HERE.parent) for path in paths):
        option.numprocesses = min((os.cpu_count() or 1) + 1, option.maxprocesses or MAX_WORKERS)
    if option.numprocesses and option.dist == "no":
        option.dist = "loadfile"
        option.loadscopereorder = False  # the order below is meant


def pytest_configure(config: pytest.Config) -> None:
    """Choose the tier before the test modules are imported."""
    everything = config.getoption("--all")
    if tiers.REQUIRED and not everything:
        raise pytest.UsageError("REQUIRED_IN_TESTS needs --all: the quick tier leaves tests out")
    tiers.choose(everything=everything)
    config.stash[LEFT_OUT] = Counter()
    config.stash[DESELECTED] = []


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file of slow tests in the quick tier; one that is named is imported.

    Collecting them takes longer than running a tenth of the others.
    """
    if tiers.everything() or config.option.markexpr or collection_path.suffix != ".py":
        return None
    named = {_named(config, argument)[0] for argument in config.args}
    if collection_path in named or named.isdisjoint(collection_path.parents):
        return None
    if not SLOW_FILE.search(collection_path.read_text(encoding="utf-8")):
        return None
    config.stash[LEFT_OUT][SLOW_FILES] += 1
    return True


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Load the profile of Hypothesis before a module that draws random cases is imported."""
    if not isinstance(collector, pytest.Module):
        return
    if "hypothesis" not in collector.path.read_text(encoding="utf-8"):
        return
    from hypothesis import settings

    settings.register_profile(
        "dateline", deadline=None, print_blob=True, max_examples=tiers.examples(100)
    )
    settings.load_profile("dateline")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `stores` on SQLite, and on PostgreSQL if its SQL differs there.

    A test may name its engine itself, as a parameter, and a module may have `stores` of its own.
    """
    if hasattr(metafunc.module, "stores"):
        return
    own = metafunc.definition.iter_markers("parametrize")
    if "stores" not in metafunc.fixturenames or any(mark.args[0] == "stores" for mark in own):
        return
    both = metafunc.definition.get_closest_marker("both_engines")
    engines = ("sqlite", "postgresql") if both else ("sqlite",)
    metafunc.parametrize("stores", engines, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave out what is not of the quick tier.

    A test that is named by its id runs in any case, and `-m` replaces this choice by its own.
    """
    items.sort(key=lambda item: item.path.stem not in LONG)
    for item in items:
        callspec = getattr(item, "callspec", None)
        engine = callspec.params.get("stores") if callspec else None
        if engine == "postgresql" or "postgresql" in getattr(item, "fixturenames", ()):
            item.add_marker("postgresql")
        if not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if tiers.everything() or config.option.markexpr:
        return
    named = [_named(config, path) for path in config.args if "::" in path]
    left_out = []
    for item in items:
        kind = next((kind for name, kind in KINDS.items() if item.get_closest_marker(name)), None)
        if kind and not any(_is_part(item, *one) for one in named):
            left_out.append(item)
            config.stash[LEFT_OUT][kind] += 1
    if left_out:
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)


def _named(config: pytest.Config, argument: str) -> tuple[Path, str]:
    """Return the file of a node id of the command line, and the name of the test in it."""
    path, _, name = argument.partition("::")
    return (config.invocation_params.dir / path).resolve(), name


def _is_part(item: pytest.Item, path: Path, name: str) -> bool:
    """Return whether a test is the one of this name, or one of its cases."""
    own = item.nodeid.partition("::")[2]
    return item.path == path and (own == name or own.startswith((f"{name}[", f"{name}::")))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note every test that does not run, for whatever reason."""
    for item in items:
        item.config.stash[DESELECTED].append(item.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a worker what it left out; each of them leaves out the same."""
    output = getattr(node, "workeroutput", {})
    left_out: Counter[str] = Counter(output.get("left_out", {}))
    deselected: list[str] = output.get("deselected", [])
    node.config.stash[LEFT_OUT] = left_out
    node.config.stash[DESELECTED] = deselected


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the controller what was left out; fail if a run that needs every test left one out."""
    config = session.config
    left_out, deselected = config.stash[LEFT_OUT], config.stash[DESELECTED]
    if hasattr(config, "workeroutput"):
        config.workeroutput.update(left_out={**left_out}, deselected=deselected)
    elif tiers.REQUIRED and deselected and session.exitstatus in ACCEPTED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many tests were left out, and how to run them."""
    counts = config.stash[LEFT_OUT]
    if counts:
        told = " and ".join(f"{counts[kind]} {kind}" for kind in sorted(counts, reverse=True))
        terminalreporter.write_line(
            f"Left out: {told}. Run everything with `pytest --all`, or name a test by its id."
        )
    deselected = config.stash[DESELECTED]
    if tiers.REQUIRED and deselected:
        terminalreporter.write_line(
            f"Failed: REQUIRED_IN_TESTS allows no test to be deselected; {len(deselected)} were, "
            f"such as {deselected[0]}.",
            red=True,
        )


# -- stores and clients ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str | None]:
    """Yield the address of a PostgreSQL cluster of this run; None without PostgreSQL."""
    from stores import postgresql_cluster, postgresql_programs

    programs = postgresql_programs()
    if programs is None:
        yield None
        return
    with postgresql_cluster(programs) as cluster:
        yield cluster.url


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Stores":
    """Return a maker of databases of one engine."""
    from stores import PostgresqlStores, SqliteStores, left_out

    if request.param == "sqlite":
        return SqliteStores(tmp_path_factory.mktemp("sqlite"))
    url = request.getfixturevalue("postgresql")
    if url is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
    return PostgresqlStores(url)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield an empty folder that everybody may read."""
    with TemporaryDirectory(prefix="dateline-cli-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        path.chmod(0o755)


@pytest.fixture(scope="session")
def block_size() -> int:
    """Return how many events a block holds. Ask for it before you change that number."""
    from app.index import blocks

    return blocks.SLOTS


@pytest.fixture(scope="module")
def small_blocks(block_size: int) -> Iterator[None]:
    """Make and read blocks of 64 events in this process, so that a test's timeline has many."""
    assert block_size > 64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.index.blocks.SLOTS", 64)
        yield


@pytest.fixture(scope="session")
def empty_template(stores: "Stores") -> str:
    """Return the URL of a migrated store, which is copied and never written."""
    from stores import migrated

    return migrated(stores)


@pytest.fixture(scope="session")
def seeded_template(stores: "Stores", empty_template: str, block_size: int) -> str:
    """Return the URL of a store with the example chronology, which is copied and never written.

    Its blocks have the usual size, though the first test that asks for it may have smaller ones:
    other files write into its copies, and the postings of small blocks have no room for more.
    """
    from stores import seeded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.index.blocks.SLOTS", block_size)
        return seeded(stores, empty_template)


@pytest.fixture
def empty(stores: "Stores", empty_template: str) -> str:
    """Return the URL of a migrated store of the test's own."""
    return stores.new(empty_template)


@pytest.fixture
def seeded_store(stores: "Stores", seeded_template: str) -> str:
    """Return the URL of a seeded store of the test's own."""
    return stores.new(seeded_template)


@pytest.fixture(scope="session")
def clients(stores: "Stores", seeded_template: str) -> Iterator[Callable[[], "TestClient"]]:
    """Yield a function that returns the client for the size of blocks that is set just now.

    An application keeps parts of its blocks in memory: one that has read with `small_blocks` would
    answer wrongly with the usual ones.
    """
    from fastapi.testclient import TestClient

    from app.index import blocks
    from app.main import create_app
    from app.settings import Settings

    by_slots: dict[int, TestClient] = {}
    with ExitStack() as stack:

        def client() -> TestClient:
            if blocks.SLOTS not in by_slots:
                url = stores.new(seeded_template)
                app = create_app(Settings(database_url=url))
                by_slots[blocks.SLOTS] = stack.enter_context(TestClient(app))
            return by_slots[blocks.SLOTS]

        yield client


@pytest.fixture
def client(clients: Callable[[], "TestClient"]) -> "TestClient":
    """Return a client that reads the example chronology."""
    return clients()
