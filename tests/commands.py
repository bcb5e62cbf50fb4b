"""Run `dateline …` in this process, or as one of its own: a copy of one that has loaded it."""

import io
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from servers import SECONDS, Server, environment, port_in

FORKS = multiprocessing.get_context("forkserver")
# The last ones are imported when a server starts, which one that runs as nobody may not be able to.
LATE = (
    *("encodings.idna", "encodings.utf_8_sig"),
    *("uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.loops.uvloop"),
)
# A command imports these when it runs.
COMMANDS = ("app.checking", "app.copying", "app.restoring", "app.seeding", "app.main", "app.server")
FORKS.set_forkserver_preload(
    ["app.cli", *COMMANDS, "app.cli.import_options", "psycopg", "pytest", *LATE]
)
NOBODY = 65534
MEASURABLE = Path("/proc/self/clear_refs").exists()


@dataclass(frozen=True)
class Ran:
    """How a command ended, what it said, and by how many KiB its memory grew at its peak."""

    code: int | None
    out: str
    err: str
    grown: int = 0


class Captured(io.TextIOWrapper):
    """A stream in memory."""

    buffer: io.BytesIO


def call(*arguments: str, folder: Path, settings: Mapping[str, str] | None = None) -> Ran:
    """Run `dateline` in this process, and raise what it does not explain.

    That takes a tenth of the time of a process. Signals, permissions, memory, deadlines, a second
    command at the same time, and `serve` need one: see `run`.
    """
    from app.cli import run as main

    assert "serve" not in arguments, "a server would never end here"
    out, err = (Captured(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: int | str | None = 0
    environs = environment(**settings or {})
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setattr(sys, "argv", ["dateline", *arguments])
        for name in set(os.environ) - set(environs):
            patch.delenv(name)
        for name, value in environs.items():
            patch.setenv(name, value)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code
    assert isinstance(code, int | None)
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Ran(code or 0, said, complained)


@dataclass(frozen=True)
class Started:
    """A command that runs, and the folder that holds what it says, in the files `1` and `2`."""

    process: BaseProcess
    said: Path

    def kill(self) -> None:
        """End it with SIGKILL, which no process can do anything about."""
        self.process.kill()
        self.process.join()


@contextmanager
def started(
    *arguments: str,
    folder: Path,
    as_nobody: bool = False,
    settings: Mapping[str, str] | None = None,
    patched: Mapping[str, object] | None = None,
    one_log: bool = False,
) -> Iterator[Started]:
    """`dateline` with these arguments and settings in a folder; killed at the end.

    `as_nobody`: with no more rights than the permissions of files give to everybody. `patched` are
    constants of modules that are others in it. `one_log`: `2` holds everything.
    """
    with TemporaryDirectory(prefix="dateline-said-") as said:
        environs = environment(**settings or {})
        told = (arguments, folder, environs, said, as_nobody, patched or {}, one_log)
        process = FORKS.Process(target=_main, args=told)
        process.start()
        running = Started(process, Path(said))
        try:
            yield running
        finally:
            running.kill()


def run(
    *arguments: str,
    folder: Path,
    as_nobody: bool = False,
    settings: Mapping[str, str] | None = None,
    patched: Mapping[str, object] | None = None,
    seconds: float = SECONDS,
) -> Ran:
    """Run `dateline` to its end; killed after so many seconds."""
    with started(
        *arguments, folder=folder, as_nobody=as_nobody, settings=settings, patched=patched
    ) as running:
        running.process.join(seconds)
        running.kill()
        out, err, grown = ((running.said / name).read_text() for name in ("1", "2", "grown"))
        return Ran(running.process.exitcode, out, err, int(grown or 0))


@contextmanager
def serving(
    url: str, folder: Path, *, as_nobody: bool = False, **settings: str
) -> Iterator[tuple[Started, int]]:
    """A `dateline serve` over a store, and its port, once it answers."""
    told = {"database_url": url, **settings}
    with started(
        "serve", "--port", "0", folder=folder, settings=told, as_nobody=as_nobody
    ) as server:
        yield server, port_in(server.said / "2", lambda: not server.process.is_alive())


@dataclass(frozen=True)
class Forked:
    """The process of a server, as `servers.Process` wants it."""

    process: BaseProcess

    @property
    def pid(self) -> int:
        """Return its id."""
        assert self.process.pid is not None
        return self.process.pid

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code; raise TimeoutError if it does not end."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise TimeoutError(f"the server still runs after {timeout} s")
        return self.process.exitcode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""
        os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.process.terminate()


@contextmanager
def forked_server(url: str, **settings: str) -> Iterator[Server]:
    """Yield a server over a store once it answers, as `servers.serving` does, and sooner."""
    told = {"database_url": url, **settings}
    with (
        TemporaryDirectory(prefix="dateline-server-") as folder,
        started("serve", "--port", "0", folder=Path(folder), settings=told, one_log=True) as server,
    ):
        log = server.said / "2"
        port = port_in(log, lambda: not server.process.is_alive())
        yield Server(Forked(server.process), url, log, port)


def _main(
    arguments: tuple[str, ...],
    folder: Path,
    environs: dict[str, str],
    said: str,
    as_nobody: bool,
    patched: Mapping[str, object],
    one_log: bool,
) -> None:
    for stream in (1, 2):
        file = 2 if one_log else stream
        os.dup2(os.open(f"{said}/{file}", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environs)
    sys.argv = ["dateline", *arguments]
    for name, value in patched.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), f"{name} has another name by now"
        setattr(import_module(module), constant, value)
    from app.cli import run

    with _measured(Path(said, "grown")):
        if as_nobody and os.geteuid() == 0:  # others are held by the permissions as they are
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
        run()


@contextmanager
def _measured(into: Path) -> Iterator[None]:
    """Write down how far the memory of this process grows beyond what it is now; on Linux."""

    def kib(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    with into.open("w") as file:
        if MEASURABLE:
            Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is held now
            before = kib("VmRSS")
        try:
            yield
        finally:
            if MEASURABLE:
                file.write(str(kib("VmHWM") - before))
