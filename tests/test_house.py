"""The house rules that a linter does not know: floors, migrations, one room for the engine."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stores import Stores, opened
from tables import check_each

pytestmark = pytest.mark.both_engines

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
MODULES = sorted(path for path in APP.rglob("*.py") if path != APP / "__init__.py")


def floors() -> list[list[str]]:
    """Return the rooms of the code map, a list for each row, from the ground up."""
    table = ARCHITECTURE.split("## Code map")[1].split("\n\n")[2]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [re.findall(r"`(\w+)`", cell) for cell in reversed(first_cells)]


def room(path: Path) -> str:
    """The room that a module belongs to."""
    return path.relative_to(APP).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    """The rooms that a module imports from, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "app":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app."):
            yield str(node.module).split(".")[1]


def test_the_code_map_names_every_room() -> None:
    """Nothing in `app/` is missing from the map, and nothing on the map from `app/`."""
    assert sorted(name for row in floors() for name in row) == sorted(
        {room(path) for path in MODULES}
    )


def test_imports_go_down_the_floors_only() -> None:
    """A room imports from itself and from the rows below its own."""
    height = {name: number for number, row in enumerate(floors()) for name in row}

    def check(path: Path) -> None:
        own = room(path)
        upward = [r for r in imported_rooms(path) if r != own and height[r] >= height[own]]
        assert upward == []

    check_each(MODULES, check)


def test_only_one_room_knows_the_engine() -> None:
    """Drivers, pragmas and questions for the engine's name stand in `dialects` alone."""
    telling = r"\bsqlite3\b|\bpsycopg\b(?!://)|PRAGMA|dialect\.name"

    def check(path: Path) -> None:
        assert re.findall(telling, path.read_text("utf-8")) == []

    check_each([path for path in MODULES if room(path) != "dialects"], check)


def test_every_module_says_its_job_first() -> None:
    """A docstring whose first line is a sentence."""

    def check(path: Path) -> None:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert docstring.split("\n")[0].endswith((".", ":", ","))

    check_each(MODULES, check)


def test_the_migrations_make_the_tables_of_the_models(empty: str) -> None:
    """Columns, keys, indexes and named constraints; on both engines."""
    with opened(empty) as store, store.read() as connection:
        assert list(store.schema.differences(connection)) == []


def test_migrating_again_changes_nothing(stores: Stores, empty: str) -> None:
    """A current store stays as it is."""
    with opened(empty) as store:
        with store.read() as connection:
            before = connection.exec_driver_sql("SELECT epoch FROM store").scalar_one()
        store.schema.migrate()
        with store.read() as connection:
            assert connection.exec_driver_sql("SELECT epoch FROM store").scalar_one() == before


def test_every_store_has_an_epoch_and_an_identity_of_its_own(
    stores: Stores, empty_template: str
) -> None:
    """Cursors, tags and subscriptions of one database mean nothing to another."""
    url = stores.new()
    with opened(url) as new, opened(empty_template) as old:
        new.schema.migrate()
        rows = set()
        for store in (new, old):
            with store.read() as connection:
                query = "SELECT epoch, identity FROM store"
                rows.add(tuple(connection.exec_driver_sql(query).one()))
    assert [len({*column}) for column in zip(*rows, strict=True)] == [2, 2]


def test_the_lock_files_hold_no_address() -> None:
    """They work with whatever registry pip is told to use."""
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.findall(r"https?://|file://|--(?:extra-)?index-url", lock.read_text("utf-8"))
