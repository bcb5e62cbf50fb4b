"""Databases for tests: one template an engine, built by the migrations, copied for each test."""

import io
import os
import pwd
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import Session

from app import keys, seeding, writes
from app.settings import Settings
from app.store import Database
from tiers import REQUIRED

BY = writes.By("tests")


def left_out(tool: str, why: str) -> None:
    """Leave a test out and say so; fail where the run must not leave it out."""
    if tool in REQUIRED:
        pytest.fail(f"{why}, and REQUIRED_IN_TESTS names {tool}")
    pytest.skip(f"left out: {why}")


class Stores(Protocol):
    """Makes databases of one engine."""

    def new(self, template: str | None = None) -> str:
        """The URL of a new database, empty or a copy of the one that `template` is the URL of."""


class SqliteStores:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count()

    def new(self, template: str | None = None) -> str:
        path = self.folder / f"{next(self.numbers)}.db"
        if template is not None:
            source = sqlite3.connect(template.removeprefix("sqlite:///"))
            copy = sqlite3.connect(path)
            source.backup(copy)
            source.close()
            copy.close()
        return f"sqlite:///{path}"


class PostgresqlStores:
    """Databases of one cluster, dropped with it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def new(self, template: str | None = None) -> str:
        name = f"test_{secrets.token_hex(6)}"  # a cluster may outlive its stores
        source = template.rpartition("/")[2] if template else "template0"
        engine = create_engine(f"{self.url}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            made = f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy"
            connection.execute(text(made))
        engine.dispose()
        return f"{self.url}/{name}"


def postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest of those installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def children(process: int) -> list[int]:
    """The processes that a process has begun, on Linux."""
    told = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in told.split()]


def alive(process: int) -> bool:
    """Whether a process runs, on Linux; one that has ended may yet be listed."""
    try:
        told = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return told.rpartition(")")[2].split()[0] not in "ZX"


@dataclass
class Cluster:
    """A PostgreSQL server of the tests' own, that they may kill and start again."""

    url: str
    start: Callable[[], object]
    kill: Callable[[], object]


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


@contextmanager
def postgresql_cluster(programs: Path, kept: Path | None = None) -> Iterator[Cluster]:
    """A cluster on a free port of 127.0.0.1, run by an unprivileged user; stopped at the end.

    It is gone then, unless it is `kept` in a folder, where it may be already. Its collation is a
    natural language's, so that an order that leans on bytes shows.
    """
    with ExitStack() as stack:
        folder = kept or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="dateline-pg-"))
        )
        folder.mkdir(exist_ok=True)
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(folder, user)
        data = folder / "data"
        pid = data / "postmaster.pid"

        def call(*command: str) -> None:
            environment = {**os.environ, "LC_ALL": "C.UTF-8"}
            subprocess.run(
                [str(programs / command[0]), "-D", str(data), *command[1:]],
                check=True,
                user=user,
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
            )

        if not data.exists():
            locale = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en")
            call("initdb", "-U", "dateline", "--auth=trust", *locale, "--no-sync")
        port = free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories=''"
        )
        if not kept:  # with a database a test, vacuuming would never come to an end
            options += " -c autovacuum=off -c full_page_writes=off -c max_wal_size=4GB"

        def start() -> None:
            if pid.exists():
                return
            call("pg_ctl", "-w", "-o", options, "-l", f"{folder}/log", "start")

        def kill() -> None:
            """Its processes have no time to do anything more."""
            if not pid.exists():
                return
            first = int(pid.read_text().split()[0])
            os.kill(first, signal.SIGSTOP)  # so that it has no more children
            own = [first, *children(first)]
            for process in own:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            while any(map(alive, own)):
                time.sleep(0.01)
            pid.unlink()  # it would take one that nobody has reaped yet for one that runs

        start()
        try:
            yield Cluster(f"postgresql+psycopg://dateline@127.0.0.1:{port}", start, kill)
        finally:
            call("pg_ctl", "-w", "-m", "fast" if kept else "immediate", "stop")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The store at a URL, closed at the end."""
    store = Database(Settings(database_url=url))
    try:
        yield store
    finally:
        store.close()


def key_of(url: str, name: str = "a newsroom", scope: str = "write", **more: str | None) -> str:
    """A new key of the store at a URL; `expires_at` may be given."""
    with opened(url) as store, store.write(shared=True) as session:
        return keys.create(session, name, scope, writes.current_timestamp(), more.get("expires_at"))


def migrated(stores: Stores) -> str:
    """A new store with the tables of the real migrations."""
    url = stores.new()
    with opened(url) as store:
        store.schema.migrate()
    return url


def seeded(stores: Stores, empty: str, fill: Callable[[Session], object] = seeding.seed) -> str:
    """A copy of the empty store, filled."""
    url = stores.new(empty)
    with opened(url) as store, store.write() as session:
        fill(session)
        store_mapping(session)
    return url


def store_mapping(session: Session) -> None:
    """Store the mapping that the examples of the reference name."""
    options = writes.ImportOptions(
        mapping='{"Headline": "title"}', save_mapping="incidents", type="visit", source_title="x"
    )
    writes.import_file(session, BY, io.BytesIO(b"Headline\n"), "csv", options)
