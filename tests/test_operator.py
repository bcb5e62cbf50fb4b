"""A careless operator on SQLite: locks, a file that is moved, a full disk, a store only to read."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from commands import Ran, call, run, serving
from servers import SECONDS, Answer
from stores import SqliteStores, key_of, left_out, migrated, seeded

pytestmark = pytest.mark.slow

FULL = "the disk is full"
EVENT = {
    "type": "visit",
    "title": "A visit",
    "date": "2023-11-06",
    "sources": [{"id": "balkan-insight-2023-11-15"}],
}


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store; copied, never written."""
    files = SqliteStores(tmp_path_factory.mktemp("operator"))
    return seeded(files, migrated(files))


def path_of(url: str) -> Path:
    """Return the file of a store."""
    return Path(url.removeprefix("sqlite:///"))


def copied(sqlite: str, folder: Path) -> str:
    """Return the URL of a copy of the store in a folder, as `a.db`."""
    path = folder / "a.db"
    path_of(SqliteStores(folder).new(sqlite)).rename(path)
    return f"sqlite:///{path}"


def command(url: str, folder: Path, *arguments: str, as_nobody: bool = False) -> Ran:
    """Run `dateline` over a store."""
    settings = {"database_url": url}
    if as_nobody or "serve" in arguments:
        return run(*arguments, folder=folder, settings=settings, as_nobody=as_nobody)
    return call(*arguments, folder=folder, settings=settings)


def ask(
    port: int, target: str, key: str = "", method: str = "GET", body: bytes | None = None
) -> Answer:
    """Send one request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def event(name: str) -> bytes:
    """Return an event that the example chronology can hold."""
    return json.dumps({"id": name, **EVENT}).encode()


def post(port: int, key: str, name: str) -> Answer:
    """Store an event with this id."""
    return ask(port, "/events", key, "POST", event(name))


def one_line(ran: Ran) -> str:
    """Return what a command that was refused says, in its one line."""
    assert ran.code == 1, ran
    assert len(ran.err.splitlines()) == 1, ran.err
    return ran.err


# -- locks ----------------------------------------------------------------------------------------


def hard_link(path: Path) -> str:
    """Return a second name for the file."""
    os.link(path, path.with_name("b.db"))
    return f"sqlite:///{path.with_name('b.db')}"


def without_lock(path: Path) -> str:
    """Delete the lock beside the file."""
    Path(f"{path}.lock").unlink()
    return f"sqlite:///{path}"


def symbolic_link(path: Path) -> str:
    """Return a symbolic link to the file, in another folder."""
    folder = path.parent / "other"
    folder.mkdir()
    (folder / "a.db").symlink_to(path)
    return f"sqlite:///{folder / 'a.db'}"


def test_no_way_round_the_lock(sqlite: str, tmp_path: Path) -> None:
    """However the file is named, and though the lock beside it is gone, nobody else writes it."""
    wrong: list[object] = []
    for way in (hard_link, symbolic_link, without_lock):
        folder = tmp_path / way.__name__
        folder.mkdir()
        url = copied(sqlite, folder)
        with serving(url, folder):
            other = way(path_of(url))
            for attempt in ("serve --port 0", "seed", "reindex"):
                ran = command(other, folder, *attempt.split())
                if ran.code != 1 or "another process is writing" not in ran.err:
                    wrong.append((way.__name__, attempt, ran))
            if way is without_lock:
                beside = ("key create desk --scope write", "backup b.bak", "export csv", "check")
                for attempt in beside:
                    ran = command(other, folder, *attempt.split())
                    if ran.code != 0:
                        wrong.append((way.__name__, attempt, ran))
        if command(url, folder, "check").code != 0:
            wrong.append((way.__name__, "check", None))
    assert wrong == []


# -- the file under the server --------------------------------------------------------------------


def moved(path: Path) -> None:
    """Rename the file."""
    path.rename(path.with_name("away.db"))


def replaced(path: Path) -> None:
    """Put a copy of the file in its place."""
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def test_no_write_is_acknowledged_that_nobody_can_find(sqlite: str, tmp_path: Path) -> None:
    """The file is moved, removed or replaced under the server: 503, until it is back."""
    wrong: list[object] = []
    for what in (moved, Path.unlink, replaced):
        folder = tmp_path / what.__name__
        folder.mkdir()
        url = copied(sqlite, folder)
        key = key_of(url)
        with serving(url, folder) as (_, port):
            assert post(port, key, "before").status == 201
            what(path_of(url))
            for number in range(3):
                answer = post(port, key, f"during-{number}")
                if answer.status != 503 or b"moved, removed or replaced" not in answer.body:
                    wrong.append((what.__name__, answer.status, answer.body))
            if (ready := ask(port, "/readyz")).status != 503:
                wrong.append((what.__name__, "/readyz", ready.status))
            if what is moved:
                path_of(url).with_name("away.db").rename(path_of(url))
                assert post(port, key, "during-0").status == 201
                assert ask(port, "/readyz").status == 200
    assert wrong == []


# -- a full disk ----------------------------------------------------------------------------------


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size in a folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        left_out("mount", "no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up all the space of a file system; return the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        for chunk in (1 << 20, 1 << 12, 1):
            try:
                while stream.write(bytes(chunk)) == chunk:
                    pass
            except OSError:
                continue
    return filler


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for one store."""
    with disk(tmp_path / "small", "12m") as folder:
        yield folder


def test_each_command_says_that_the_disk_is_full_and_leaves_nothing(
    sqlite: str, small: Path, tmp_path: Path
) -> None:
    """In one line, on stderr; with room again the same command works."""
    assert command(sqlite, tmp_path, "backup", "seed.bak").code == 0
    assert command(sqlite, tmp_path, "export", "ndjson", "--output", "seed.ndjson").code == 0
    url, new = copied(sqlite, small), f"sqlite:///{small / 'new.db'}"
    attempts = [
        (sqlite, f"backup {small / 'x.bak'}"),
        (sqlite, f"export ndjson --output {small / 'x.ndjson'}"),
        (new, "migrate"),
        (new, "seed"),
        (new, f"restore {tmp_path / 'seed.bak'}"),
        (url, "reindex"),
        (url, f"import {tmp_path / 'seed.ndjson'} --replace"),
        (url, "key create desk --scope write"),
        (sqlite, f"copy {sqlite} {new}"),
    ]
    wrong: list[object] = []
    for store, attempt in attempts:
        filler = fill(small)
        before = {path.name for path in small.iterdir()}
        ran = command(store, tmp_path, *attempt.split())
        allowed = {"new.db", "a.db-wal", "a.db-shm", "a.db.lock", "new.db.lock"}
        left = {path.name for path in small.iterdir()} - before - allowed
        if ran.code != 1 or FULL not in ran.err.lower() or len(ran.err.splitlines()) != 1 or left:
            wrong.append((attempt, ran, left))
        filler.unlink()
        again = command(store, tmp_path, *attempt.split())
        if again.code:
            wrong.append((attempt, again, "with room again"))
        for path in small.glob("*"):
            if not path.name.startswith("a.db"):
                path.unlink()
    assert wrong == []


def test_a_server_starts_on_a_full_disk_and_writes_when_there_is_room(
    sqlite: str, small: Path, tmp_path: Path
) -> None:
    """It says so at its start; reads go on, and see what is written later."""
    url = copied(sqlite, small)
    key = key_of(url)
    filler = fill(small)
    with serving(url, tmp_path) as (server, port):
        assert "The disk is full." in (server.said / "2").read_text()
        total = ask(port, "/events").json()["total"]
        assert total > 0
        for _ in range(2):
            refused = post(port, key, "later")
            assert (refused.status, refused.json()["detail"]) == (503, "The disk is full.")
            assert refused.headers["Retry-After"]
        assert ask(port, "/readyz").status == 200
        assert ask(port, "/events.csv").status == 200
        filler.unlink()
        assert post(port, key, "later").status == 201
        assert ask(port, "/events").json()["total"] == total + 1
        assert ask(port, "/events.ndjson").body.count(b"\n") == total + 1
    assert command(url, tmp_path, "check").code == 0


# -- a store that can only be read ----------------------------------------------------------------


def test_what_a_file_cannot_become_is_said_in_words(sqlite: str, folder: Path) -> None:
    """A folder is in its place, or it may not be written there: nothing is left behind."""
    (folder / "folder").mkdir()
    (folder / "closed").mkdir(mode=0o755)
    targets = {
        "folder": "is a folder; name a file",
        "missing/x": "does not exist",
        "closed/x": "no permission for",
        "folder/" + "x" * 250: "is too long",
    }
    url = copied(sqlite, folder)
    path_of(url).chmod(0o666)
    wrong: list[object] = []
    for target, words in targets.items():
        for attempt in ("backup", "export ndjson --output"):
            ran = command(url, folder, *attempt.split(), target, as_nobody=True)
            line = ran.err
            if ran.code != 1 or words not in line or "Errno" in line or line.count("\n") != 1:
                wrong.append((attempt, target, ran))
    assert wrong == []
    assert list((folder / "closed").iterdir()) == []
    assert list((folder / "folder").iterdir()) == []


READS = (
    *(
        "/events",
        "/events?q=gas&sort=-date",
        "/events/aliyev-visit-belgrade-2022",
        "/facets?by=type",
    ),
    *("/histogram?interval=year", "/actors", "/sources", "/changes?limit=200", "/audit", "/readyz"),
    *("/events.ndjson", "/events.csv", "/events.ics", "/events.geojson", "/events.atom"),
)


def answers(port: int) -> dict[str, bytes]:
    """Return what each read is answered, with the port left out."""
    return {target: ask(port, target).body.replace(str(port).encode(), b"PORT") for target in READS}


def refusals(port: int, key: str) -> list[Answer]:
    """Return what each kind of write is answered."""
    tag = ask(port, "/types/visit").headers["ETag"]
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    found = [post(port, key, "new")]
    for method, target, body in (
        ("PATCH", "/types/visit", b'{"label": "Call"}'),
        ("PUT", "/types/call", b'{"label": "Call"}'),
        ("DELETE", "/types/visit", None),
        ("POST", "/import?create_types=true", event("imported")),
    ):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if method != "PUT":
            headers["If-Match"] = tag
        if "import" in target:
            headers["Content-Type"] = "application/x-ndjson"
            del headers["If-Match"]
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        found.append(Answer(response.status, response.headers, response.read()))
    connection.close()
    return found


@contextmanager
def protected(how: str, folder: Path) -> Iterator[bool]:
    """Take the right to write the store away; yield whether a command has to run as nobody."""
    if how == "file system":
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield False
        return
    path = folder / "a.db"
    folder.chmod(0o755 if "folder" in how else 0o777)
    for file in folder.iterdir():
        file.chmod(0o644 if "file" in how else 0o666)
    yield True
    assert path.exists()


@pytest.mark.parametrize(
    ("how", "log"),
    [("file system", False), ("file system", True), ("folder", False), ("file", True)],
)
def test_a_store_that_can_only_be_read_is_served_as_any_other(
    sqlite: str, folder: Path, how: str, log: bool
) -> None:
    """Byte for byte; each write is refused in a sentence; nothing is left beside the file.

    With a log that a killed server left, which is read with it.
    """
    with disk(folder / "disk", "16m") as store:
        url = copied(sqlite, store)
        key = key_of(url)
        with serving(url, folder) as (server, port):
            assert post(port, key, "last").status == 201
            writable = answers(port)
            if log:
                server.kill()
            else:
                server.process.terminate()
                server.process.join(SECONDS)
        before = {path.name: path.read_bytes() for path in store.iterdir()}
        assert ("a.db-wal" in before) == log
        with protected(how, store) as as_nobody:
            check_read_only(url, folder, key, writable, as_nobody=as_nobody)
        left = {path.name: path.read_bytes() for path in store.iterdir()}
        assert {n: b for n, b in left.items() if n != "a.db-shm"} == {
            n: b for n, b in before.items() if n != "a.db-shm"
        }


def check_read_only(
    url: str, folder: Path, key: str, writable: dict[str, bytes], *, as_nobody: bool
) -> None:
    """Hold a read-only store against what it answered when it was writable."""
    with serving(url, folder, as_nobody=as_nobody) as (server, port):
        assert "read-only" in (server.said / "2").read_text()
        different = {
            target: body for target, body in answers(port).items() if body != writable[target]
        }
        # Its libraries read files of Python's own, which nobody may not be able to.
        assert different.keys() <= ({"/events.ics"} if as_nobody else set())
        for answer in refusals(port, key):
            assert answer.status == 503, (server.said / "2").read_text()[-3000:]
            assert answer.json()["detail"].startswith("The database is read-only")
            assert answer.headers["Retry-After"]
    for attempt in ("check", "export csv", "key list"):
        ran = command(url, folder, *attempt.split(), as_nobody=as_nobody)
        assert (ran.code, ran.err) == (0, ""), (attempt, ran)
    for attempt in ("migrate", "seed", "reindex", "key create x --scope read", "key revoke x"):
        ran = command(url, folder, *attempt.split(), as_nobody=as_nobody)
        assert "is read-only; Dateline must be able to write to it" in one_line(ran)


def test_a_log_that_cannot_be_read_is_not_left_out(sqlite: str, tmp_path: Path) -> None:
    """Without the file that readers share, SQLite would show the store as it was before."""
    with disk(tmp_path / "disk", "16m") as folder:
        url = copied(sqlite, folder)
        key = key_of(url)
        with serving(url, tmp_path) as (server, port):
            assert post(port, key, "last").status == 201
            server.kill()
        (folder / "a.db-shm").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        for attempt in ("serve --port 0", "check", "export csv"):
            line = one_line(command(url, tmp_path, *attempt.split()))
            assert "a.db-wal holds changes" in line
