"""Backup while serving, restore into nothing, and the copy that every migration takes first."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from app import restoring, schemas, writes
from app.checking import find_damage
from app.dialects import StoreError
from app.files import lock_file
from app.main import create_app
from app.settings import Settings
from app.store import Database, schema
from commands import Ran, call
from servers import until
from stores import BY, PostgresqlStores, SqliteStores, Stores, migrated, opened, seeded

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

SECRET = "opensesame"
CONTENT = (
    *("type", "actor", "place", "source", "event", "citation", "citation_claim", "event_actor"),
    *("event_place", "event_tag", "quantity", "relation", "change", "document", "timeline"),
)


def command(url: str, folder: Path, *arguments: str) -> Ran:
    """Run `dateline` over a store."""
    return call(*arguments, folder=folder, settings={"database_url": url})


def assert_done(ran: Ran) -> str:
    """Exit code 0; gives what it said."""
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def assert_refused(ran: Ran) -> str:
    """Exit code 1 and one line on stderr; gives it."""
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    return ran.err


def rows(url: str) -> dict[str, list[str]]:
    """All that a store holds, but for its epoch."""
    with opened(url) as store, store.read(patient=True) as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}"))))
            for table in CONTENT
        }


def findings(url: str) -> list[str]:
    """What `check` says of a store."""
    with opened(url) as store:
        return list(find_damage(store))


def is_nothing(stores: Stores, url: str) -> bool:
    """Whether a store is not there, or holds nothing at all, with nothing left beside it."""
    if isinstance(stores, SqliteStores):
        path = Path(url.removeprefix("sqlite:///"))
        # The lock stays: to take it away could take it from another.
        return {p.name for p in path.parent.glob(f"*{path.name}*")} <= {f"{path.name}.lock"}
    engine = create_engine(url)
    with engine.connect() as connection:
        left = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        others = f"{left} WHERE n.nspname NOT LIKE 'pg_%' AND n.nspname <> 'information_schema'"
        number = connection.execute(text(others)).scalar_one()
        spaces = connection.execute(
            text("SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'")
        ).scalar_one()
    engine.dispose()
    return (number, spaces) == (0, 2)


def new_event(number: int) -> schemas.EventWrite:
    """An event that the example chronology can hold."""
    return schemas.EventWrite(
        id=f"new-{number}",
        type="visit",
        title=f"New {number}",
        date=schemas.DateWrite(edtf="2023-11"),
        tags=["energy", f"tag {number}"],
        sources=[schemas.SourceReference(id="balkan-insight-2023-11-15")],
    )


@pytest.fixture(scope="module")
def copy(stores: Stores, seeded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the example chronology; never written."""
    folder = tmp_path_factory.mktemp("copy")
    assert_done(command(seeded_template, folder, "backup", "seed.backup"))
    return folder / "seed.backup"


# -- there and back -------------------------------------------------------------------------------


def test_a_restored_store_is_the_one_that_was_backed_up(
    stores: Stores, seeded_store: str, copy: Path, tmp_path: Path
) -> None:
    """Row by row, and sound."""
    url = stores.new()
    said = assert_done(command(url, tmp_path, "restore", str(copy)))
    assert "is restored from" in said
    assert rows(url) == rows(seeded_store)
    assert findings(url) == []


def test_a_restored_store_serves_and_takes_writes(
    stores: Stores, copy: Path, tmp_path: Path
) -> None:
    """Its feed goes on where the copy ended."""
    url = stores.new()
    assert_done(command(url, tmp_path, "restore", str(copy)))
    with opened(url) as store, store.write() as session:
        last = session.execute(text("SELECT position FROM store")).scalar_one()
        writes.create_events(session, BY, [new_event(1)])
        assert session.execute(text("SELECT position FROM store")).scalar_one() == last + 1
    assert findings(url) == []


def test_cursors_of_before_are_told_to_start_again(
    stores: Stores, seeded_store: str, copy: Path, tmp_path: Path
) -> None:
    """Of pages and of the feed: they might name what the copy does not have."""
    url = stores.new()
    assert_done(command(url, tmp_path, "restore", str(copy)))
    with (
        TestClient(create_app(Settings(database_url=seeded_store))) as old,
        TestClient(create_app(Settings(database_url=url))) as new,
    ):
        for path in ("/events?limit=5", "/changes?limit=5"):
            following = old.get(path).json()["next"]
            assert old.get(following).status_code == 200
            answer = new.get(following)
            assert answer.status_code == 410
            assert answer.json()["type"] == "/problems/start-again"
        known = {"If-None-Match": old.get("/events").headers["etag"]}
        assert old.get("/events", headers=known).status_code == 304
        assert new.get("/events", headers=known).status_code == 200


def test_a_backup_among_writers_holds_what_was_written_before(
    stores: Stores, seeded_template: str, tmp_path: Path
) -> None:
    """Three write all the while; a copy holds at least all that was done when it began."""
    url = stores.new(seeded_template)
    numbers, done, enough = count(), [], Event()

    def write() -> None:
        with opened(url) as store:
            while not enough.is_set():
                number = next(numbers)
                with store.write() as session:
                    writes.create_events(session, BY, [new_event(number)])
                done.append(f"new-{number}")

    writers = [Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    before: list[set[str]] = []
    try:
        for attempt in range(3):
            until(lambda: len(done) > len(before[-1:] and before[-1]) + 5)
            before.append(set(done))
            with opened(url) as store:
                store.dialect.backup(tmp_path / f"{attempt}.backup")
    finally:
        enough.set()
        for writer in writers:
            writer.join()
    for attempt, known in enumerate(before):
        restored = stores.new()
        with opened(restored) as store:
            restoring.restore(store, tmp_path / f"{attempt}.backup", lambda made: None)
            with store.read() as connection:
                held = set(connection.execute(text("SELECT id FROM event")).scalars())
        assert known <= held
        assert findings(restored) == []


# -- what is refused ------------------------------------------------------------------------------


def test_a_backup_overwrites_nothing(seeded_store: str, tmp_path: Path) -> None:
    """Not even an empty file."""
    (tmp_path / "there").touch()
    assert "there exists; nothing is overwritten" in assert_refused(
        command(seeded_store, tmp_path, "backup", "there")
    )
    assert (tmp_path / "there").read_bytes() == b""
    said = assert_refused(command(seeded_store, tmp_path, "backup", "no/folder"))
    assert "does not exist" in said
    assert {path.name for path in tmp_path.iterdir()} == {"there"}


def test_a_restore_overwrites_nothing(seeded_store: str, copy: Path, tmp_path: Path) -> None:
    """Where there is a store, also an empty one, it stays as it is."""
    with opened(seeded_store) as store, store.write() as session:
        writes.create_events(session, BY, [new_event(1)])
    before = rows(seeded_store)
    said = assert_refused(command(seeded_store, tmp_path, "restore", str(copy)))
    assert "restore never overwrites" in said
    assert rows(seeded_store) == before


def test_a_migrated_but_empty_store_is_not_overwritten_either(
    empty: str, copy: Path, tmp_path: Path
) -> None:
    """It may be somebody's."""
    assert "restore never overwrites" in assert_refused(
        command(empty, tmp_path, "restore", str(copy))
    )


SOMEBODYS = (
    "CREATE VIEW precious AS SELECT 1 AS one",
    "CREATE FUNCTION precious() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE SEQUENCE precious",
    "CREATE TYPE precious AS ENUM ('one')",
)


@pytest.mark.parametrize("made", SOMEBODYS)
def test_what_is_no_table_is_not_taken_away_either(
    stores: Stores, copy: Path, tmp_path: Path, made: str
) -> None:
    """A restore that fails undoes itself by the schema, and so begins in an empty one only."""
    if not isinstance(stores, PostgresqlStores):
        return
    url = stores.new()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(made))
    said = assert_refused(command(url, tmp_path, "restore", str(copy)))
    assert "restore never overwrites" in said
    with engine.begin() as connection:
        kind, name = made.split()[1:3]
        connection.execute(text(f"DROP {kind} {name}"))  # it is there
    engine.dispose()


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_the_log_of_another_database_is_neither_read_nor_lost(
    copy: Path, stores: Stores, tmp_path: Path, suffix: str
) -> None:
    """SQLite would read it into a new file in that place, or delete it."""
    if isinstance(stores, PostgresqlStores):
        return
    url = stores.new()
    log = Path(url.removeprefix("sqlite:///") + suffix)
    log.write_bytes(b"of another")
    for line in (["restore", str(copy)], ["migrate"], ["seed"]):
        said = assert_refused(command(url, tmp_path, *line))
        assert f"{log.name} in {log.parent} holds changes to a database that was there" in said
    assert log.read_bytes() == b"of another"
    log.unlink()
    assert is_nothing(stores, url)


def test_what_a_killed_backup_left_is_cleared_and_nothing_else(
    seeded_store: str, tmp_path: Path
) -> None:
    """The part of one that still runs is locked; others have other names."""
    abandoned, running = tmp_path / ".a.bak.1.part", tmp_path / ".a.bak.2.part"
    linked = tmp_path / ".a.bak.3.part"  # killed when the file was in its place already
    others = [tmp_path / ".b.bak.1.part", tmp_path / ".a.bak", tmp_path / ".a.bak.1"]
    for file in (abandoned, running, *others):
        file.touch()
    with running.open("r+b") as stream:
        assert lock_file(stream.fileno())
        assert_done(command(seeded_store, tmp_path, "backup", "a.bak"))
        linked.hardlink_to(tmp_path / "a.bak")
        assert_refused(command(seeded_store, tmp_path, "backup", "a.bak"))
    assert set(tmp_path.iterdir()) == {tmp_path / "a.bak", running, *others}


# What is done to the bytes of a backup.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing in it": lambda held: b"",
    "text": lambda held: b"no backup\n" * 500,
    "the first half": lambda held: held[: len(held) // 2],
    "all but the last page": lambda held: held[:-4096],
    "a hole": lambda held: held[:20_000] + bytes(20_000) + held[40_000:],
    "the end turned over": lambda held: held[:-50_000] + held[-50_000:][::-1],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_refused(
    stores: Stores, copy: Path, tmp_path: Path, damage: str
) -> None:
    """In one line that names the file, and nothing is left behind."""
    file = tmp_path / "damaged.backup"
    file.write_bytes(DAMAGES[damage](copy.read_bytes()))
    url = stores.new()
    said = assert_refused(command(url, tmp_path, "restore", str(file)))
    assert "damaged.backup" in said
    assert is_nothing(stores, url)


def test_a_file_that_is_not_there_is_refused(stores: Stores, tmp_path: Path) -> None:
    """And a folder."""
    url = stores.new()
    for name in ("nothing", "."):
        assert "there is no file" in assert_refused(command(url, tmp_path, "restore", name))
    assert is_nothing(stores, url)


FOREIGN = {
    "another program's": ["CREATE TABLE other (id INTEGER)"],
    "another program's with migrations of its own": [
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('a1b2')",
    ],
    "a mark alone": [
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        f"INSERT INTO alembic_version VALUES ('{schema.head()}')",
    ],
}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_backup_of_something_else_is_refused(
    stores: Stores, tmp_path: Path, foreign: str
) -> None:
    """Of another program, or of nothing; nothing is left behind."""
    other, url = stores.new(), stores.new()
    engine = create_engine(other)
    with engine.begin() as connection:
        for statement in FOREIGN[foreign]:
            connection.execute(text(statement))
    engine.dispose()
    with opened(other) as store:
        store.dialect.backup(tmp_path / "foreign.backup")
    said = assert_refused(command(url, tmp_path, "restore", "foreign.backup"))
    assert "foreign.backup" in said
    assert is_nothing(stores, url)


EVENT = "aliyev-visit-belgrade-2022"
FORGED = {
    "a title": f"UPDATE event SET title = 'Forged' WHERE id = '{EVENT}'",
    "a document": "UPDATE document SET body = (SELECT body FROM document ORDER BY key LIMIT 1)",
    "a count": "UPDATE term SET events = events + 1",
    "a revision": f"DELETE FROM change WHERE record_id = '{EVENT}'",
    "the end of the feed": "UPDATE store SET position = position + 1",
    "no epoch": "DELETE FROM store",
    "an identity that is none": "UPDATE store SET identity = replace(identity, '-4', '-x')",
    "a column too many": "ALTER TABLE event ADD COLUMN secret TEXT",
    "a column too few": "ALTER TABLE quantity DROP COLUMN text",
    "a table too few": "DROP TABLE posting",
    "a view": "CREATE VIEW shown AS SELECT * FROM event",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_backup_is_refused(
    stores: Stores, seeded_template: str, tmp_path: Path, forgery: str
) -> None:
    """One whose rows, journal, tables or read model contradict each other."""
    other, url = stores.new(seeded_template), stores.new()
    engine = create_engine(other)
    with engine.begin() as connection:
        connection.execute(text(FORGED[forgery]))
    engine.dispose()
    with opened(other) as store:
        store.dialect.backup(tmp_path / "forged.backup")
    said = assert_refused(command(url, tmp_path, "restore", "forged.backup"))
    assert "forged.backup" in said
    assert is_nothing(stores, url)


def test_a_trigger_is_found(tmp_path: Path) -> None:
    """It would write what nobody asked for; by `check`, so by `restore` too."""
    files = SqliteStores(tmp_path)
    url = seeded(files, migrated(files))
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("CREATE TRIGGER odd AFTER INSERT ON event BEGIN DELETE FROM event; END")
    connection.close()
    assert findings(url) == ["the file has a trigger odd, which no migration made"]


def test_a_backup_of_the_other_engine_is_refused(
    stores: Stores, copy: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It is a file of another kind."""
    if isinstance(stores, SqliteStores):
        url, target = stores.new(), tmp_path / "other"
        target.write_bytes(b"PGDMP" + copy.read_bytes())
    else:
        files = SqliteStores(tmp_path)
        target = Path(seeded(files, migrated(files)).removeprefix("sqlite:///"))
        url = stores.new()
    said = assert_refused(command(url, tmp_path, "restore", str(target)))
    assert target.name in said
    assert is_nothing(stores, url)


# -- migrations -----------------------------------------------------------------------------------


def test_the_name_of_a_migration_begins_with_its_revision() -> None:
    """A server reads revisions from the names, as loading the migrations takes a while."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    newest_first = [script.revision for script in scripts.walk_revisions()]
    files = sorted(path.name for path in schema.MIGRATIONS.glob("versions/*.py"))
    assert [name.partition("_")[0] for name in files] == newest_first[::-1]
    assert schema.head() == scripts.get_current_head()


MIGRATION = '''"""Another form."""

from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = depends_on = None


def upgrade() -> None:
{steps}
'''
REBUILD = """\
    bind = op.get_bind()
    made = bind.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'event'").scalar()
    indexes = bind.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql <> ''"
    ).scalars().all()
    op.execute(made.replace("CREATE TABLE event", "CREATE TABLE rebuilt", 1))
    op.execute("INSERT INTO rebuilt SELECT * FROM event")
    op.execute("DROP TABLE event")
    op.execute("ALTER TABLE rebuilt RENAME TO event")
    for index in indexes:
        op.execute(index)
"""


class Form:
    """Gives Dateline one more migration; before `begin` it knows its own alone."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "migrations"
        self.patch = monkeypatch
        shutil.copytree(
            schema.MIGRATIONS, self.folder, ignore=shutil.ignore_patterns("__pycache__")
        )

    def begin(self, steps: str) -> None:
        """From here on stores are of this form."""
        text = MIGRATION.format(steps=steps, head=schema.head())
        (self.folder / "versions" / "9999_second.py").write_text(text)
        self.patch.setattr(schema, "MIGRATIONS", self.folder)


@pytest.fixture
def form(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Form:
    """A second form that a test may begin."""
    folder = tmp_path_factory.mktemp("form")
    monkeypatch.chdir(folder)  # copies of PostgreSQL stores are made here
    return Form(folder, monkeypatch)


NOTED = "    op.execute(\"UPDATE type SET description = 'second' WHERE id = 'visit'\")\n"
DESCRIBED = text("SELECT description FROM type WHERE id = 'visit'")


def described(store: Database) -> str:
    """What the second migration changes."""
    with store.read() as connection:
        return str(connection.execute(DESCRIBED).scalar())


def copies(store: Database) -> list[Path]:
    """What was put beside a store before it was migrated."""
    name = Path(store.name)
    return sorted(name.parent.glob(f"{name.name}.before-*"))


def test_an_older_backup_is_restored_and_brought_up(
    stores: Stores, copy: Path, form: Form, seeded_store: str
) -> None:
    """Nothing but the store is left: the backup is the copy."""
    form.begin(NOTED)
    with opened(stores.new()) as store:
        restoring.restore(store, copy, lambda made: None)
        store.schema.require_current()
        assert described(store) == "second"
        assert copies(store) == []
        assert list(Path(store.name).absolute().parent.glob(".*restoring*")) == []
    url = str(store._settings.database_url)
    assert {**rows(url), "type": []} == {**rows(seeded_store), "type": []}


def test_a_copy_is_made_before_a_migration(stores: Stores, seeded_store: str, form: Form) -> None:
    """It restores, with the older Dateline, to what was there."""
    before = rows(seeded_store)
    form.begin(NOTED)
    with opened(seeded_store) as store:
        with pytest.raises(StoreError, match="has an older form"):
            store.schema.require_current()
        store.schema.migrate()
        store.schema.require_current()
        assert described(store) == "second"
        (made,) = (copy.absolute() for copy in copies(store))
        store.schema.migrate()  # a current store is not copied
        assert len(copies(store)) == 1
    form.patch.undo()
    with opened(url := stores.new()) as store:
        restoring.restore(store, made, lambda made: None)
    assert rows(url) == before
    assert findings(url) == []


def test_a_migration_that_fails_leaves_the_store_as_it_was(seeded_store: str, form: Form) -> None:
    """And may be tried again: each attempt makes a copy of its own."""
    before = rows(seeded_store)
    form.begin(
        f"{NOTED}    op.execute('CREATE TABLE odd (id INTEGER)')\n    raise OSError('full')\n"
    )
    with opened(seeded_store) as store:
        for attempt in (1, 2):
            with pytest.raises(OSError, match="full"):
                store.schema.migrate()
            assert len(copies(store)) == attempt
        assert rows(seeded_store) == before
        with store.read() as connection:
            assert list(store.schema.differences(connection)) == []


def test_a_form_that_is_not_known_is_refused(seeded_store: str, form: Form) -> None:
    """It was made by a newer Dateline; nothing is done to it, and no copy made."""
    form.begin(NOTED)
    with opened(seeded_store) as store:
        store.schema.migrate()
    form.patch.undo()
    before = rows(seeded_store)
    with opened(seeded_store) as store:
        for attempt in (store.schema.migrate, store.schema.require_current):
            with pytest.raises(StoreError, match=r"does not know \(9999\)"):
                attempt()
        assert len(copies(store)) <= 1
    assert rows(seeded_store) == before


@pytest.fixture
def file_store(tmp_path: Path) -> str:
    """A seeded store on SQLite, where a migration switches foreign keys off."""
    files = SqliteStores(tmp_path)
    return seeded(files, migrated(files))


def test_a_migration_may_rebuild_a_table_that_others_refer_to(file_store: str, form: Form) -> None:
    """As SQLite has to for most changes; the rows of the others stay."""
    before = rows(file_store)
    form.begin(REBUILD)
    with opened(file_store) as store:
        store.schema.migrate()
    assert rows(file_store) == before
    assert findings(file_store) == []


def test_a_migration_that_leaves_rows_astray_is_undone(file_store: str, form: Form) -> None:
    """With foreign keys off, nothing else would notice."""
    before = rows(file_store)
    form.begin("    op.execute(\"DELETE FROM actor WHERE id = 'serbia'\")\n")
    with opened(file_store) as store:
        said = "undone: a row of event_actor points to a actor that does not exist"
        with pytest.raises(StoreError, match=said):
            store.schema.migrate()
        with pytest.raises(StoreError, match="has an older form"):
            store.schema.require_current()
    assert rows(file_store) == before


# -- PostgreSQL's own programs --------------------------------------------------------------------

SPY = """#!/bin/sh
printf '%s\\n' "$0" "$@" >> '{log}'
ps -o args= -p $$ >> '{log}'
[ -z "$PGPASSWORD" ] || echo 'it came in the environment' >> '{log}'
exec '{program}' "$@"
"""


@pytest.mark.parametrize(
    "written", ["{scheme}:{secret}@{rest}", "{scheme}@{rest}?password={secret}"]
)
def test_a_password_is_never_an_argument(
    stores: Stores,
    seeded_store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
) -> None:
    """Anybody on the machine sees those; nor does it stand in what is said."""
    if not isinstance(stores, PostgresqlStores):
        return
    log, programs = tmp_path / "log", tmp_path / "programs"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        spy = programs / name
        spy.write_text(SPY.format(log=log, program=shutil.which(name)))
        spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def secret(url: str) -> str:
        scheme, _, rest = url.partition("@")
        return written.format(scheme=scheme, rest=rest, secret=SECRET)

    other = stores.new()
    done = [
        command(secret(seeded_store), tmp_path, "backup", "a.backup"),
        command(secret(other), tmp_path, "restore", "a.backup"),
    ]
    shutil.copy(shutil.which("false") or "", programs / "pg_dump")
    done.append(command(secret(seeded_store), tmp_path, "backup", "b.backup"))
    assert [ran.code for ran in done] == [0, 0, 1]
    seen = log.read_text()
    assert "pg_dump" in seen
    assert "pg_restore" in seen
    assert seen.count("it came in the environment") == 2
    for said in (seen, *(ran.out + ran.err for ran in done)):
        assert SECRET not in said


def test_a_backup_without_postgresqls_programs_says_so(
    stores: Stores, seeded_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come with its clients."""
    if isinstance(stores, PostgresqlStores):
        monkeypatch.setenv("PATH", str(tmp_path))
        said = assert_refused(command(seeded_store, tmp_path, "backup", "a.backup"))
        assert "pg_dump is not installed" in said
