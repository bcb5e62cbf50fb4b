"""The two tiers of the tests: the quick one, which `pytest` runs, and all of them, `--all`."""

import os
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")

MIN_EXAMPLES = 10
QUICK_SHARE = 25  # the quick tier draws one in so many random cases
TABLE_SHARE = 5  # and tries one in so many of a table that many tests try

REQUIRED = frozenset(filter(None, os.environ.get("REQUIRED_IN_TESTS", "").split(",")))
"""The programs without which a run fails, as in `.ci/run`."""

_everything = False


def choose(*, everything: bool) -> None:
    """Set the tier of this run. The test modules are imported after it."""
    global _everything
    _everything = everything


def everything() -> bool:
    """Return whether `--all` was given."""
    return _everything


def examples(number: int) -> int:
    """Return how many random cases to draw: `number` under `--all`, else a share of it."""
    if _everything:
        return number
    return min(number, max(MIN_EXAMPLES, number // QUICK_SHARE))


def share(cases: Iterable[Case], start: int) -> list[Case]:
    """Return all cases under `--all`, else one in so many, beginning at `start`.

    For tables that many tests try: let each begin elsewhere, and together they try every case.
    """
    table = list(cases)
    return table if _everything else table[start % TABLE_SHARE :: TABLE_SHARE]
