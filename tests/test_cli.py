"""The command line: what each command does, and how it refuses a store or a setting."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import text

from app import __version__, seeding
from app.cli import cli, files, keys
from app.formats import BIBLIOGRAPHIES, FORMATS, READERS
from app.models import SCOPES
from commands import Ran, call, forked_server, run, serving
from servers import DATELINE, SECONDS, environment
from stores import SqliteStores, Stores, migrated, opened, seeded

pytestmark = pytest.mark.both_engines

SECRET = "opensesame"


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store; copied, never written."""
    files = SqliteStores(tmp_path_factory.mktemp("cli"))
    return seeded(files, migrated(files))


def at(url: str) -> dict[str, str]:
    """The setting that names a store."""
    return {"database_url": url}


def assert_done(ran: Ran) -> str:
    """Exit code 0 and nothing on stderr; gives what it said."""
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def assert_refused(ran: Ran) -> str:
    """Exit code 1, one line on stderr, and no secret anywhere; gives the line."""
    assert ran.code == 1
    assert ran.out == ""
    assert re.fullmatch(r"dateline: [^\n]+\n", ran.err)
    assert SECRET not in ran.err
    return ran.err


# -- what the commands do -------------------------------------------------------------------------


def test_the_installed_command_runs() -> None:
    """As it stands beside the interpreter, and prints its version alone."""
    done = subprocess.run(
        [DATELINE, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert (done.stdout, done.stderr) == (f"{__version__}\n", "")


def test_help_lists_every_command(folder: Path) -> None:
    """Each with the first words of what it does."""
    said = assert_done(call("--help", folder=folder))
    assert len(cli.registered_commands) >= 5
    for command in cli.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        words = " ".join(str(command.callback.__doc__).split()[:3])
        assert re.search(rf"\b{name} +{words}", said)


def test_help_lists_every_command_about_keys(folder: Path) -> None:
    """Below `dateline key`, which the first list names."""
    assert re.search(r"\bkey +API keys", assert_done(call("--help", folder=folder)))
    said = assert_done(call("key", "--help", folder=folder))
    for name, words in {"create": "Create a", "list": "Print id", "revoke": "Revoke a"}.items():
        assert re.search(rf"\b{name} +{words}", said)


def test_migrate_makes_an_empty_store(stores: Stores, folder: Path) -> None:
    """Which is sound; once more changes nothing."""
    url = stores.new()
    for _ in range(2):
        assert "up to date" in assert_done(call("migrate", folder=folder, settings=at(url)))
    assert "is sound" in assert_done(call("check", folder=folder, settings=at(url)))


def test_seed_makes_a_store_with_the_example_chronology(stores: Stores, folder: Path) -> None:
    """Told by kind; once more stores nothing."""
    url = stores.new()
    totals = {name: len(seeding.read_seed(name)) for name in (*seeding.SEED_KINDS, "events")}
    first = assert_done(call("seed", folder=folder, settings=at(url)))
    again = assert_done(call("seed", folder=folder, settings=at(url)))
    for name, total in totals.items():
        assert re.search(rf"^{name} +{total} stored, 0 there already$", first, re.M)
        assert re.search(rf"^{name} +0 stored, {total} there already$", again, re.M)
    assert "is sound" in assert_done(call("check", folder=folder, settings=at(url)))


def test_seed_leaves_what_was_corrected(seeded_store: str, folder: Path) -> None:
    """It may have been edited since."""
    with opened(seeded_store) as store, store.write() as session:
        session.execute(text("UPDATE type SET label = 'Corrected' WHERE id = 'visit'"))
    assert_done(call("seed", folder=folder, settings=at(seeded_store)))
    with opened(seeded_store) as store, store.read() as connection:
        label = connection.scalar(text("SELECT label FROM type WHERE id = 'visit'"))
    assert label == "Corrected"


def test_check_finds_what_reindex_mends(seeded_store: str, folder: Path) -> None:
    """Findings go to stdout, a line each; their number to stderr, with exit code 1."""
    with opened(seeded_store) as store, store.write() as session:
        session.execute(text("UPDATE term SET events = events + 1 WHERE kind = 'type'"))
        session.execute(
            text("DELETE FROM posting WHERE term = (SELECT min(id) FROM term WHERE kind = 'tag')")
        )
    damaged = call("check", folder=folder, settings=at(seeded_store))
    assert damaged.code == 1
    assert len(damaged.out.splitlines()) >= 1
    assert re.fullmatch(rf"dateline: {len(damaged.out.splitlines())} findings in .+\n", damaged.err)
    number = len(seeding.read_seed("events"))
    said = assert_done(call("reindex", folder=folder, settings=at(seeded_store)))
    assert said == f"{number} events indexed.\n"
    assert "is sound" in assert_done(call("check", folder=folder, settings=at(seeded_store)))


def test_settings_may_stand_in_an_env_file(folder: Path) -> None:
    """In the folder that the command runs in."""
    (folder / ".env").write_text("DATELINE_DATABASE_URL=sqlite:///named.db\n")
    assert_done(call("migrate", folder=folder))
    assert (folder / "named.db").exists()


def test_names_are_printed_as_they_are(folder: Path) -> None:
    """Also where they look like markup or an emoji."""
    url = "sqlite:///[red]:cat:.db"
    assert "[red]:cat:.db" in assert_done(call("migrate", folder=folder, settings=at(url)))


# -- keys -----------------------------------------------------------------------------------------


def create(url: str, folder: Path, *arguments: str) -> Ran:
    """Run `dateline key create`."""
    return call("key", "create", *arguments, folder=folder, settings=at(url))


def test_a_new_key_is_printed_alone(empty: str, folder: Path) -> None:
    """So that a script can take it as it stands; all of it are letters and digits."""
    said = assert_done(create(empty, folder, "newsroom", "--scope", "write"))
    assert re.fullmatch(r"dln_[0-9A-Za-z]{46}\n", said)


def test_keys_are_listed_without_what_is_secret(empty: str, folder: Path) -> None:
    """By id, scope, name and days, the oldest first."""
    first = assert_done(create(empty, folder, "newsroom", "--scope", "write")).strip()
    second = assert_done(
        create(empty, folder, "a reader", "--scope", "read", "--days", "9")
    ).strip()
    assert_done(call("key", "revoke", "newsroom", folder=folder, settings=at(empty)))
    said = assert_done(call("key", "list", folder=folder, settings=at(empty)))
    day = r"\d{4}-\d\d-\d\d"
    assert re.fullmatch(
        rf"{first[4:12]}  write  newsroom  \(created {day}, revoked {day}\)\n"
        rf"{second[4:12]}  read   a reader  \(created {day}, expires {day}\)\n",
        said,
    )
    for key in (first, second):
        assert key[12:] not in said


def test_a_key_is_revoked_by_its_id_too(empty: str, folder: Path) -> None:
    """Which a scanner for leaked secrets reads in it; once more changes nothing."""
    key = assert_done(create(empty, folder, "newsroom", "--scope", "write"))
    for _ in range(2):
        assert_done(call("key", "revoke", key[4:12], folder=folder, settings=at(empty)))
    assert "revoked" in assert_done(call("key", "list", folder=folder, settings=at(empty)))


def test_a_name_is_never_used_twice(empty: str, folder: Path) -> None:
    """Revisions name their author for good."""
    assert_done(create(empty, folder, "newsroom", "--scope", "write"))
    assert_done(call("key", "revoke", "newsroom", folder=folder, settings=at(empty)))
    line = assert_refused(create(empty, folder, "newsroom", "--scope", "read"))
    assert "already a key named 'newsroom'" in line


def test_a_key_that_is_not_there_cannot_be_revoked(empty: str, folder: Path) -> None:
    """A slip would leave the real one in force."""
    line = assert_refused(call("key", "revoke", "nwsroom", folder=folder, settings=at(empty)))
    assert "no key 'nwsroom'" in line


# What `dateline key create` refuses, and what it says.
NO_KEYS = {
    "an unknown scope": (("n", "--scope", "admin"), "--scope takes read or write"),
    "an empty name": (("", "--scope", "read"), "NAME is blank"),
    "a blank name": ((" ", "--scope", "read"), "NAME is blank"),
    "a long name": (("n" * 501, "--scope", "read"), "NAME "),
    "a name with an escape": (("\x1b[31m", "--scope", "read"), "U+001B"),
    "a name of Dateline's own": (("dateline seed", "--scope", "read"), "begin with 'dateline'"),
    "too many days": (("n", "--scope", "read", "--days", "9999999"), "the year 9999"),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_a_key_that_cannot_be_made_is_refused(empty: str, folder: Path, what: str) -> None:
    """In one line, and none is stored."""
    arguments, said = NO_KEYS[what]
    assert said in assert_refused(create(empty, folder, *arguments))
    assert assert_done(call("key", "list", folder=folder, settings=at(empty))) == ""


@pytest.mark.parametrize(
    "arguments",
    [("n",), ("--scope", "read"), ("n", "--scope", "read", "--days", "0"), ("n", "--days", "x")],
)
def test_half_a_command_is_refused(empty: str, folder: Path, arguments: tuple[str, ...]) -> None:
    """A scope is never guessed, and no key is made that has expired already."""
    assert create(empty, folder, *arguments).code == 2
    assert assert_done(call("key", "list", folder=folder, settings=at(empty))) == ""


def test_keys_work_beside_a_server(sqlite: str, tmp_path: Path) -> None:
    """Nobody is locked out of revoking because the server runs."""
    url = SqliteStores(tmp_path).new(sqlite)
    with forked_server(url) as server:
        key = assert_done(create(url, tmp_path, "newsroom", "--scope", "write")).strip()
        holder = {"Authorization": f"Bearer {key}"}
        assert server.ask("/events", holder).status == 200
        assert_done(call("key", "revoke", "newsroom", folder=tmp_path, settings=at(url)))
        assert server.ask("/events", holder).status == 401


# -- stores that cannot be used -------------------------------------------------------------------


def execute(path: Path, *statements: str) -> None:
    """Run statements on a SQLite file, which they make."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def of_revision(path: Path, *revisions: str) -> None:
    """A SQLite file that alembic has marked."""
    marks = [f"INSERT INTO alembic_version VALUES ('{revision}')" for revision in revisions]
    execute(path, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)", *marks)


def with_wal(path: Path) -> None:
    """Another program's database, which it uses as Dateline uses its own."""
    execute(path, "PRAGMA journal_mode=WAL", "CREATE TABLE other (x)")


WRITING = ("migrate", "seed")
READING = ("check", "reindex", "serve", "key list", "key create N --scope read", "key revoke N")


@dataclass(frozen=True)
class Bad:
    """A store that commands refuse: how it comes to be, its URL, and what is said of it."""

    said: str
    make: Callable[[Path], object] = lambda path: None
    url: str = "sqlite:///dateline.db"
    commands: tuple[str, ...] = field(default=(*WRITING, *READING))


BAD = {
    "no file": Bad("/dateline.db; `dateline migrate` makes an empty one", commands=READING),
    "no folder": Bad("/no/dateline.db does not exist", url="sqlite:///no/dateline.db"),
    "a folder": Bad("dateline.db is not a file", Path.mkdir),
    "an empty file": Bad("dateline.db is empty", Path.touch, commands=READING),
    "no database": Bad("not a database", lambda path: path.write_bytes(b"words " * 500)),
    "half a database": Bad("not a database", lambda path: path.write_bytes(b"SQLite format 3\0")),
    "another program's database": Bad(
        "holds other tables", lambda path: execute(path, "CREATE TABLE other (x)")
    ),
    "another program's database with a log": Bad("holds other tables", with_wal),
    "another program's migrations": Bad(
        "a form that this Dateline does not know (a1b2)", lambda path: of_revision(path, "a1b2")
    ),
    "a newer Dateline's": Bad(
        "a form that this Dateline does not know (9999)", lambda path: of_revision(path, "9999")
    ),
    "migrations of nothing": Bad("holds other tables", of_revision),
    "no address": Bad("not a database URL", url=f"dateline.db {SECRET}"),
    "an empty address": Bad("not a database URL", url=""),
    "a port that is none": Bad("not a database URL", url=f"postgresql://u:{SECRET}@localhost:x/d"),
    "memory": Bad("Dateline needs a file", url="sqlite:///:memory:"),
    "no name": Bad("Dateline needs a file", url="sqlite://"),
    "two @": Bad("has two @", url=f"postgresql+psycopg://u:p@{SECRET}@localhost/d"),
    "another engine": Bad("does not run on mysql", url=f"mysql://u:{SECRET}@localhost/d"),
    # A server waits for it; see `test_several_servers`.
    "nobody there": Bad(
        "127.0.0.1:1/d",
        url=f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/d",
        commands=tuple(command for command in (*WRITING, *READING) if command != "serve"),
    ),
}
ATTEMPTS = [(name, command) for name, bad in BAD.items() for command in bad.commands]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every name in a folder and the bytes of each file, but for Dateline's lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.suffix != ".lock"
    }


def command_line(command: str) -> list[str]:
    """How a command is called so that it does no harm where it is not refused."""
    return ["serve", "--port", "0"] if command == "serve" else command.split()


def attempt(command: str, *arguments: str, folder: Path, settings: dict[str, str]) -> Ran:
    """Run a command that is to be refused; if `serve` were not, it would never end."""
    line = (*command_line(command), *arguments)
    refusing = run if command == "serve" else call
    return refusing(*line, folder=folder, settings=settings)


@pytest.mark.parametrize(("name", "command"), ATTEMPTS)
def test_a_store_that_cannot_be_used_is_left_as_it_is(
    folder: Path, name: str, command: str
) -> None:
    """Byte for byte, and one line says what is wrong with it."""
    bad = BAD[name]
    bad.make(folder / "dateline.db")
    before = contents(folder)
    ran = attempt(command, folder=folder, settings=at(bad.url))
    assert bad.said in assert_refused(ran)
    assert contents(folder) == before


def test_postgresql_without_its_driver_is_refused() -> None:
    """The driver is an extra; the line says how to install it."""
    program = "import sys; sys.modules['psycopg'] = None; from app.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "check"],
        env=environment(f"postgresql://u:{SECRET}@localhost/d"),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "dateline[postgresql]" in assert_refused(Ran(done.returncode, done.stdout, done.stderr))


# What may not be written: permissions of the file, of its folder, and what is said.
PROTECTED = {
    "file": (0o444, 0o777, "dateline.db is read-only"),
    "folder": (0o666, 0o555, "is read-only; Dateline must be able to write to it"),
    "both": (0o444, 0o555, "is read-only"),
    "unreadable": (0o000, 0o777, "dateline.db is read-only"),
}


@pytest.mark.parametrize("what", PROTECTED)
@pytest.mark.parametrize(
    "command", [*WRITING, "reindex", "key create N --scope read", "key revoke N"]
)
def test_what_may_not_be_written_is_refused(
    sqlite: str, folder: Path, what: str, command: str
) -> None:
    """Before anything is tried: SQLite would open it and fail at the first write."""
    of_file, of_folder, said = PROTECTED[what]
    Path(SqliteStores(folder).new(sqlite).removeprefix("sqlite:///")).rename(folder / "dateline.db")
    before = contents(folder)
    (folder / "dateline.db").chmod(of_file)
    folder.chmod(of_folder)
    ran = run(*command_line(command), folder=folder, as_nobody=True)
    folder.chmod(0o755)
    (folder / "dateline.db").chmod(0o600)
    assert said in assert_refused(ran)
    assert contents(folder) == before


@pytest.mark.parametrize("command", ["check", "serve", "export csv", "key list", "backup b.bak"])
def test_what_may_not_be_read_is_refused(sqlite: str, folder: Path, command: str) -> None:
    """A file that may be read and not written is served; see `test_operator`."""
    Path(SqliteStores(folder).new(sqlite).removeprefix("sqlite:///")).rename(folder / "dateline.db")
    (folder / "dateline.db").chmod(0o000)
    ran = run(*command_line(command), folder=folder, as_nobody=True)
    assert "dateline.db may not be read by this user" in assert_refused(ran)


def test_a_lock_that_may_not_be_taken_is_refused(sqlite: str, folder: Path) -> None:
    """Somebody else's lock file stays theirs."""
    Path(SqliteStores(folder).new(sqlite).removeprefix("sqlite:///")).rename(folder / "dateline.db")
    (folder / "dateline.db").chmod(0o666)
    (folder / "dateline.db.lock").touch(0o000)
    folder.chmod(0o777)
    ran = run("seed", folder=folder, as_nobody=True)
    assert "dateline.db.lock" in assert_refused(ran)


@pytest.fixture(scope="module")
def served(sqlite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store while a server has it."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "events.ndjson").touch()
    url = SqliteStores(folder).new(sqlite)
    with serving(url, folder):
        yield url


@pytest.mark.parametrize("command", ["seed", "migrate", "reindex", "serve", "import", "restore"])
def test_one_process_writes_a_file(served: str, tmp_path: Path, command: str) -> None:
    """While a server has it, every other writer is refused at once, and told of HTTP."""
    (tmp_path / "events.ndjson").touch()
    files = ["events.ndjson"] if command in ("import", "restore") else []
    ran = attempt(command, *files, folder=tmp_path, settings=at(served))
    said = assert_refused(ran)
    assert "another process is writing" in said
    assert "over HTTP, POST /import" in said


@pytest.mark.parametrize(
    "command",
    ["check", "key create desk --scope write", "key list", "export csv", "backup copy.db"],
)
def test_some_commands_work_beside_a_server(served: str, tmp_path: Path, command: str) -> None:
    """They read, or write for a moment."""
    assert_done(call(*command.split(), folder=tmp_path, settings=at(served)))


def test_a_key_made_or_ended_beside_a_server_is_in_force_at_once(
    sqlite: str, tmp_path: Path
) -> None:
    """The server asks the store for each request."""
    url = SqliteStores(tmp_path).new(sqlite)
    with serving(url, tmp_path, public_reads="false") as (_, port):

        def status(key: str) -> int:
            asked = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
            with closing(asked):
                asked.request("GET", "/events", headers={"Authorization": f"Bearer {key}"})
                return asked.getresponse().status

        made = assert_done(
            call("key", "create", "desk", "--scope", "read", folder=tmp_path, settings=at(url))
        )
        assert status(made.strip()) == 200
        assert_done(call("key", "revoke", "desk", folder=tmp_path, settings=at(url)))
        assert status(made.strip()) == 401


# -- settings -------------------------------------------------------------------------------------

SETTINGS = {
    "databse_url": ("x", "DATELINE_DATABSE_URL", "did you mean DATELINE_DATABASE_URL?"),
    "title": ("Talks", "DATELINE_TITLE", "PUT /chronology"),
    "colour": ("red", "DATELINE_COLOUR", "known: "),
    "query_seconds": ("soon", "DATELINE_QUERY_SECONDS", "number"),
    "log_level": ("loud", "DATELINE_LOG_LEVEL", "debug"),
    "public_url": ("news.example", "DATELINE_PUBLIC_URL", "https://"),
    "public_reads": ("perhaps", "DATELINE_PUBLIC_READS", "true or false"),
    "reads_per_minute": ("-1", "DATELINE_READS_PER_MINUTE", "0"),
    "writes_per_minute": ("many", "DATELINE_WRITES_PER_MINUTE", "a whole number"),
    "trusted_proxies": ("proxy.example", "DATELINE_TRUSTED_PROXIES", "IP addresses or networks"),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("command", [*WRITING, *READING])
def test_a_bad_setting_is_refused(folder: Path, name: str, command: str) -> None:
    """By its name, and before anything is made: its default would be in force unnoticed."""
    value, called, said = SETTINGS[name]
    line = assert_refused(attempt(command, folder=folder, settings={name: value}))
    assert called in line
    assert said in line
    assert contents(folder) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("query_seconds", value) for value in ("0", "-1", "61", "nan", "inf", "", "2 s")),
        *(("trusted_proxies", value) for value in ("", "10.0.0.1/8", "127.0.0.1,", "*,10.0.0.1")),
        *(("public_url", value) for value in ("ftp://news.example", "//news.example", " ")),
        *(("public_url", value) for value in ("http://[::", "http://h:x", "http://h:99999")),
        *(("public_url", value) for value in ("http://h//evil", "http://h/a/..", "http://:80")),
        *(("log_level", value) for value in ("", "INFO", "trace")),
    ],
)
def test_a_value_out_of_range_is_refused(folder: Path, name: str, value: str) -> None:
    """As the docs give the ranges."""
    assert f"DATELINE_{name.upper()}: " in assert_refused(
        call("migrate", folder=folder, settings={name: value})
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"DATELINE_DATABSE_URL=sqlite:///x.db\n", "did you mean DATELINE_DATABASE_URL?"),
        (b"export DATELINE_LOG_LEVEL=loud\n", "DATELINE_LOG_LEVEL: "),
        (b"DATELINE_PUBLIC_URL=\xff\xfe\n", ".env"),
    ],
)
def test_a_bad_env_file_is_refused(folder: Path, written: bytes, said: str) -> None:
    """As variables of the environment are."""
    (folder / ".env").write_bytes(written)
    assert said in assert_refused(call("migrate", folder=folder))
    assert contents(folder) == {".env": written}


def test_a_key_may_have_every_scope() -> None:
    """They are written out, so that `key` need not import the tables."""
    assert keys.SCOPE_NAMES == SCOPES


def test_help_texts_name_every_format() -> None:
    """They are written out, so that `--help` imports no format."""
    assert ", ".join((*FORMATS, *BIBLIOGRAPHIES)) == files.FORMAT_NAMES
    assert ", ".join(READERS) == files.READER_NAMES
