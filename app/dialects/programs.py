"""PostgreSQL's own programs, which write and read its backups."""

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from app.dialects.errors import FullError, NoBackupError, StoreError

NO_SPACE = os.strerror(errno.ENOSPC)  # in every program's message about a full disk
CHUNK_BYTES = 1 << 20
Address = Mapping[str, Any]  # by libpq's names


def run_program(program: str, *options: str, store: Address) -> None:
    """Run a program on a store. Raise StoreError with its first line of output if it fails."""
    place, environment = _connecting(store)
    with TemporaryFile() as log:
        command = [_path(program), *options, "--dbname", place]
        if subprocess.run(command, env=environment, stderr=log, check=False).returncode:
            raise _failure(program, log)


def restore_dump(file: Path, first: str, last: str, store: Address) -> None:
    """Fill an empty store from a backup, between two statements, all in one transaction.

    Raise NoBackupError if the file is to blame.
    """
    # Other schemas in a file are not ours, and would not be removed after a failure.
    script = [_path("pg_restore"), "--schema=public", "--no-owner", "--file=-", str(file)]
    place, environment = _connecting(store)
    quiet = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output", os.devnull)
    command = [_path("psql"), *quiet, "--dbname", place]
    with TemporaryFile() as log, TemporaryFile() as other_log:
        with (
            subprocess.Popen(script, stdout=subprocess.PIPE, stderr=log) as reader,
            subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stderr=other_log, bufsize=0
            ) as writer,
        ):
            assert reader.stdout is not None
            assert writer.stdin is not None
            with suppress(BrokenPipeError):  # psql has ended with a message
                _send(writer.stdin, f"BEGIN;\n{first}\n".encode())
                while chunk := reader.stdout.read(CHUNK_BYTES):
                    _send(writer.stdin, chunk)
                if reader.wait() == 0:  # else psql ends without a commit
                    _send(writer.stdin, f"{last}\nCOMMIT;\n".encode())
            writer.stdin.close()
            if writer.wait():
                reader.kill()
                raise _refusal("psql", other_log)
        if reader.returncode:
            raise _refusal("pg_restore", log)


def _send(stream: IO[bytes], data: bytes) -> None:
    """Write all bytes to an unbuffered stream."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


def _connecting(store: Address) -> tuple[str, dict[str, str]]:
    """Return how a program connects: an argument, and its environment."""
    from psycopg.conninfo import make_conninfo  # of an extra

    # Everybody can see the arguments of a process, but only its owner the environment.
    address = dict(store)
    secret = address.pop("password", None)
    password = {"PGPASSWORD": str(secret)} if secret else {}
    return make_conninfo(**address), {**os.environ, **password}


def _path(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise StoreError(f"{program} is not installed; it comes with PostgreSQL's clients")
    return path


def _refusal(program: str, log: IO[bytes]) -> StoreError:
    failure = _failure(program, log)
    return failure if isinstance(failure, FullError) else NoBackupError(str(failure))


def _failure(program: str, log: IO[bytes]) -> StoreError:
    """Return an error with the first line of a failed program's output."""
    log.seek(0)
    text = log.read().decode(errors="replace")
    line = (text.strip() or "it does not say why").splitlines()[0]
    message = f"{program}: {line.removeprefix(f'{program}: ')}"
    return FullError(f"the disk is full: {message}") if NO_SPACE in text else StoreError(message)
