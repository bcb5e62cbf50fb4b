"""Tables of inputs inside one test: all of them are tried, and every wrong one is reported."""

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

Case = TypeVar("Case")

MAX_REPORTED = 40


def check_each(cases: Iterable[Case], check: Callable[[Case], object]) -> None:
    """Call `check` with each case. Raise AssertionError with every case that fails, and why.

    Raise it too if there is no case at all.
    """
    table, failures = list(cases), []
    assert table, "no case was tried"
    for case in table:
        try:
            check(case)
        except Exception as error:
            failures.append(f"{case}\n    {describe(error)}")
        except BaseException as interruption:  # the time that a test may take is over
            interruption.add_note(f"at the case {case}")
            raise
    if failures:
        shown = "\n".join(failures[:MAX_REPORTED])
        more = len(failures) - MAX_REPORTED
        rest = f"\nand {more} more" if more > 0 else ""
        raise AssertionError(f"{len(failures)} of {len(table)} cases fail:\n{shown}{rest}")


def describe(error: Exception) -> str:
    """Return what went wrong, and in which line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    message = str(error).strip().replace("\n", "\n    ")
    return f"{Path(frame.filename).name}:{frame.lineno}: {name}{message}"
