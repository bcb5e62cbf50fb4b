"""Commands that are killed at any moment and run again: sound, and never served by half.

`KILLS_A_COMMAND=20 pytest tests/test_killed_commands.py` kills each that often.
"""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.checking import find_damage
from app.dialects import StoreError
from app.models import TABLES
from commands import Ran, run, started
from stores import PostgresqlStores, SqliteStores, Stores, left_out, opened
from test_backup import CONTENT, rows
from test_identities import first_version, without_chronology
from test_identities import rows as rows_of_table

pytestmark = [pytest.mark.both_engines, pytest.mark.slow]

KILLS = int(os.environ.get("KILLS_A_COMMAND", "2"))
UPGRADE_KILLS = int(os.environ.get("KILLS_AN_UPGRADE", "20"))
SECONDS = 60
EMPTY: dict[str, list[str]] = {table: [] for table in CONTENT}


@dataclass(frozen=True)
class Trial:
    """A command over a store of its own, and the store that it leaves behind."""

    url: str
    line: tuple[str, ...]
    made: str  # the URL of the store that is judged
    begin: Callable[[], object] = lambda: None  # done once more before the command is run again


@dataclass(frozen=True)
class Maker:
    """Makes trials; `backup` and `seed` are of the engine."""

    stores: Stores
    seed: str
    bare: str
    backup: Path
    folder: Path
    other: Stores

    def restore(self) -> Trial:
        url = self.stores.new()
        return Trial(url, ("restore", str(self.backup)), url)

    def restore_beside_a_log(self) -> Trial:
        """What another store has left would be read into the new one: it is refused."""
        url = self.stores.new()
        path = Path(url.removeprefix("sqlite:///"))
        log = old_log(self.seed, Path(f"{path}-wal"))

        def begin() -> None:
            ran = run("restore", str(self.backup), folder=self.folder, settings=at(url))
            assert ran.code == 1
            assert log.name in ran.err
            assert not path.exists()
            log.rename(log.with_name("moved away"))  # by whoever read the message

        return Trial(url, ("restore", str(self.backup)), url, begin)

    def make_backup(self) -> Trial:
        url = self.stores.new(self.seed)
        file = self.folder / f"{url.rpartition('/')[2]}.bak"
        return Trial(url, ("backup", str(file)), url, lambda: file.unlink(missing_ok=True))

    def migrate(self) -> Trial:
        url = self.stores.new()
        return Trial(url, ("migrate",), url)

    def fill(self) -> Trial:
        url = self.stores.new()
        return Trial(url, ("seed",), url)

    def reindex(self) -> Trial:
        url = self.stores.new(self.seed)
        return Trial(url, ("reindex",), url)

    def copy(self) -> Trial:
        made = self.other.new()
        return Trial(made, ("copy", self.seed, made), made)


CASES = {
    "restore": Maker.restore,
    "restore beside an old log": Maker.restore_beside_a_log,
    "backup": Maker.make_backup,
    "migrate": Maker.migrate,
    "seed": Maker.fill,
    "reindex": Maker.reindex,
    "copy": Maker.copy,
}


def at(url: str) -> dict[str, str]:
    """Return the setting that names a store."""
    return {"database_url": url}


def old_log(seed: str, log: Path) -> Path:
    """Write the log of a store that was written and then moved away; return its path."""
    with sqlite3.connect(log.with_name("old.db")) as old:
        source = sqlite3.connect(seed.removeprefix("sqlite:///"))
        source.backup(old)
        source.close()
    old.execute("PRAGMA journal_mode=WAL")
    old.execute("UPDATE event SET title = 'Replayed'")
    old.commit()
    shutil.copy(f"{log.with_name('old.db')}-wal", log)
    old.close()
    log.with_name("old.db").unlink()
    return log


@pytest.fixture(scope="module")
def maker(
    stores: Stores,
    seeded_template: str,
    empty_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql: str | None,
) -> Maker:
    """What the trials of an engine need."""
    folder = tmp_path_factory.mktemp("killed")
    backup = folder / "seed.bak"
    assert run("backup", str(backup), folder=folder, settings=at(seeded_template)).code == 0
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    to_file = isinstance(stores, PostgresqlStores)
    other: Stores = SqliteStores(folder) if to_file else PostgresqlStores(postgresql)
    return Maker(stores, seeded_template, empty_template, backup, folder, other)


def served(url: str) -> list[str] | None:
    """Return what is wrong with a store if a server would serve it; None if it would not."""
    with opened(url) as store:
        try:
            store.schema.require_current()
        except StoreError:
            return None
        return list(find_damage(store))


def whole(trial: Trial) -> Ran:
    """Run the command to its end."""
    return run(*trial.line, folder=Path.cwd(), settings=at(trial.url), seconds=SECONDS)


def left_beside(trial: Trial, folder: Path) -> list[str]:
    """Return the names of temporary files."""
    folders = {folder}
    if trial.made.startswith("sqlite"):
        folders.add(Path(trial.made.removeprefix("sqlite:///")).parent)
    return [path.name for one in folders for path in one.glob(".*") if path.name != ".lock"]


@pytest.mark.parametrize("case", CASES)
def test_a_killed_command_is_run_again(
    maker: Maker, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the moment: what a server would serve is sound, and then all of it is there."""
    if case == "restore beside an old log" and isinstance(maker.stores, PostgresqlStores):
        return
    monkeypatch.chdir(tmp_path)
    make = CASES[case]
    first = make(maker)
    first.begin()
    began = time.monotonic()
    assert whole(first).code == 0
    duration = time.monotonic() - began
    expected = rows(first.made)
    wrong: list[object] = []
    for number in range(KILLS):
        trial = make(maker)
        with started(*trial.line, folder=tmp_path, settings=at(trial.url)) as running:
            time.sleep(random.uniform(0, duration))
            running.kill()
        state = served(trial.made)
        if state:
            wrong.append((number, "served by half", state[:3]))
        # Between its migration and the first row a copy is an empty store, which a server serves.
        filled = state == [] and rows(trial.made) == expected
        done = case.startswith(("restore", "copy")) and filled
        if not done:
            trial.begin()
        again = whole(trial)
        if ("never overwrites" not in again.err) if done else (again.code, again.err) != (0, ""):
            wrong.append((number, "again", again))
        if findings := served(trial.made) or (["not served"] if served(trial.made) is None else []):
            wrong.append((number, "findings", findings[:3]))
        elif rows(trial.made) != expected and case not in ("seed", "reindex", "migrate"):
            wrong.append((number, "other rows"))
        if left := left_beside(trial, maker.folder):
            wrong.append((number, "left", left))
    assert wrong == []


def test_a_killed_upgrade_is_run_again(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store with data stays of the version before, or is of the new one; a second run ends it."""
    monkeypatch.chdir(tmp_path)
    template = first_version(stores, without_chronology(stores, monkeypatch))

    def trial() -> Trial:
        url = stores.new(template)
        return Trial(url, ("migrate",), url)

    durations = []
    for _ in range(3):  # the first one takes longer: it loads the program
        first = trial()
        began = time.monotonic()
        assert whole(first).code == 0
        durations.append(time.monotonic() - began)
    expected = content(first.url)
    wrong: list[object] = []
    states: list[list[str] | None] = []
    for number in range(UPGRADE_KILLS):
        upgrade = trial()
        with started(*upgrade.line, folder=tmp_path, settings=at(upgrade.url)) as running:
            time.sleep(random.uniform(0, min(durations)))
            running.kill()
        states.append(served(upgrade.url))
        again = whole(upgrade)
        if states[-1] or (again.code, again.err) != (0, "") or served(upgrade.url) != []:
            wrong.append((number, states[-1], again, served(upgrade.url)))
        elif content(upgrade.url) != expected:
            wrong.append((number, "other rows"))
        if left := left_beside(upgrade, tmp_path):
            wrong.append((number, "left", left))
    assert wrong == []
    assert None in states  # some were killed before the end


def content(url: str) -> dict[str, list[str]]:
    """Return the rows of every table, without the identity of the store."""
    with opened(url) as store, store.read(patient=True) as connection:
        return {name: rows_of_table(connection, name) for name in TABLES}
