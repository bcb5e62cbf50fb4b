"""How long a read may take: a cheap one stays quick, whatever others do meanwhile."""

import time
from collections.abc import Callable

from app.dialects.deadlines import deadline


def compute(seconds: float) -> None:
    """Keep this thread busy for so long, by its own clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


# The read, how many seconds it may take, whether it is quick, what it does, and whether time is up.
READS: list[tuple[str, float | None, bool, Callable[[float], None], float, bool]] = [
    ("without a limit", None, False, time.sleep, 0.01, False),
    ("slow, waited too long", 0.02, False, time.sleep, 0.03, True),
    ("slow, has time left", 10, False, compute, 0.01, False),
    ("quick, waited for others", 0.02, True, time.sleep, 0.03, False),
    ("quick, computed too long", 0.02, True, compute, 0.03, True),
    ("quick, waited far too long", 0.002, True, time.sleep, 0.03, True),
]


def test_a_quick_read_is_measured_by_what_it_computes() -> None:
    """Else one that waits for the processor would be taken for a costly one and queue."""
    wrong = []
    for name, seconds, quick, work, duration, expected in READS:
        time_is_up = deadline(seconds, quick=quick)
        before = time_is_up()
        work(duration)
        if (before, time_is_up()) != (False, expected):
            wrong.append(name)
    assert wrong == []
