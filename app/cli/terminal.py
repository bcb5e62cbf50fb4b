"""Print to the terminal: results, failures and progress."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def fail(message: str) -> NoReturn:
    """Print a message to stderr and exit with code 1."""
    fail_with([message])


def fail_with(lines: Iterable[str]) -> NoReturn:
    """Print some lines to stderr and exit with code 1."""
    for line in lines:
        err.print(f"dateline: {line}", markup=False)
    sys.exit(1)


@contextmanager
def progress(total: int | None, verb: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that reports how many are done; draw a bar if stderr is a terminal."""
    if not err.is_terminal:
        yield lambda done: None
        return
    from rich.progress import Progress

    from app.cli.bar import columns

    with Progress(*columns(verb), console=err, transient=True) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda done: bar.update(task, completed=done)
