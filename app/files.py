"""Write files whole or not at all, and explain why the system refuses one."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIDE_SUFFIXES = (
    "",
    "-wal",
    "-shm",
    "-journal",
    ".lock",
)  # files that SQLite and its lock put beside a file
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PART_SUFFIX = ".part"

# The system's errors in words that name the file and the remedy.
REASONS = {
    **dict.fromkeys(
        DISK_FULL_ERRORS, "the disk is full: {} cannot be written; make room, then try again"
    ),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "this user has no permission for {}"),
    errno.EROFS: "{} lies on a file system that is read-only",
    errno.EISDIR: "{} is a folder; name a file",
    errno.ENOTDIR: "{} lies below something that is no folder",
    errno.ENOENT: "{} does not exist",
    errno.ENAMETOOLONG: "the name {} is too long",
}


def explain_os_error(error: OSError) -> str:
    """Return in one line why the system refused a file."""
    if error.errno == errno.EPIPE:
        return "the program that read the output has ended"
    reason = REASONS.get(error.errno or 0)
    return reason.format(error.filename or "the output") if reason else str(error)


@contextmanager
def write_whole_file(file: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends, that becomes `file`, unless it raises.

    Parts that a killed run left beside `file` are removed first. Raise OSError if `file` exists.
    """
    remove_abandoned(file)
    _refuse(file)
    part = file.with_name(f".{file.name}.{os.getpid()}{PART_SUFFIX}")
    try:
        with _reserved(part):
            yield part
            _sync(part)
            os.link(part, file)  # unlike a rename, it never replaces another file
            _sync(file.absolute().parent)
    except OSError as error:
        if error.filename in (None, str(part)) and error.errno is not None:
            error.filename = str(file)
        raise
    finally:
        _remove(part)


def remove_abandoned(file: Path) -> None:
    """Remove the parts of `file` whose writer was killed; one that is being written is locked."""
    for part in file.absolute().parent.glob(f".{_literal(file.name)}.*{PART_SUFFIX}"):
        with suppress(OSError):
            descriptor = os.open(part, os.O_RDWR)
            try:
                if lock_file(descriptor):
                    _remove(part)
            finally:
                os.close(descriptor)


def lock_file(descriptor: int) -> bool:
    """Lock an open file until it is closed or the process ends; return False if another has it.

    This is flock(2): unlike SQLite's own locks it belongs to the descriptor, also through a hard
    link. On Windows, which has none, nothing is locked.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse(file: Path) -> None:
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(file))
    if file.exists():
        raise FileExistsError(f"{file} exists; nothing is overwritten")
    if not file.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder of {file} does not exist")


@contextmanager
def _reserved(part: Path) -> Iterator[None]:
    """Make an empty file and keep it locked."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        lock_file(descriptor)
        yield
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    for suffix in SIDE_SUFFIXES:
        with suppress(OSError):
            Path(f"{part}{suffix}").unlink()


def _sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _literal(name: str) -> str:
    """Return a pattern that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
