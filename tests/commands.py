"""Runs `dateline …` as a process of its own, quickly: a copy of one that has loaded the program."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from servers import SECONDS, environment

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["app.cli", "psycopg", "pytest"])
NOBODY = 65534


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int | None
    out: str
    err: str


def run(
    *arguments: str,
    folder: Path,
    as_nobody: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Ran:
    """Run `dateline` with these arguments and settings in a folder; killed after SECONDS.

    `as_nobody`: with no more rights than the permissions of files give to everybody.
    """
    with TemporaryDirectory(prefix="dateline-said-") as said:
        environs = environment(**settings or {})
        process = FORKS.Process(target=_main, args=(arguments, folder, environs, said, as_nobody))
        process.start()
        process.join(SECONDS)
        process.kill()
        process.join()
        out, err = (Path(said, name).read_text() for name in ("1", "2"))
        return Ran(process.exitcode, out, err)


def _main(
    arguments: tuple[str, ...], folder: Path, environs: dict[str, str], said: str, as_nobody: bool
) -> None:
    for stream in (1, 2):
        os.dup2(os.open(f"{said}/{stream}", os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environs)
    if as_nobody and os.geteuid() == 0:  # others are held by the permissions as they are
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    sys.argv = ["dateline", *arguments]
    from app.cli import run

    run()
