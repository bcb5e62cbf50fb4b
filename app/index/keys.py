"""Date keys: integers that sort as the timeline does, by day and within a day by event id.

A key is the day in its high bits and a label in its low ones. Labels leave room between
neighbours; where it runs out, the smallest stretch of the day that is sparse enough is spread
evenly (Bender et al. 2002, "Two Simplified Algorithms for Maintaining Order in a List"), so an
insertion moves O(log n) others on average, however ids arrive.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

LABEL_BITS = 39  # with the 24 of the day, dates.END among them, 63: what the engines hold
LABELS = 1 << LABEL_BITS
DAY_ZERO = 1 << 22  # makes the days of the years -9999 to 9999 positive
STRIDE = 1 << 20  # room left behind an id that is appended to its day
KEYED = ("timeline", "document", "wording", "measurement")  # and the first of each block
NEXT = "SELECT key FROM timeline WHERE day = :day AND event_id {} :id ORDER BY event_id {} LIMIT 1"
BEFORE, AFTER = text(NEXT.format("<", "DESC")), text(NEXT.format(">", "ASC"))
CROWDING = 1.3  # a stretch of 2^i labels may hold (2 / CROWDING)^i events


def first_key(day: int) -> int:
    """The least key an event of `day` can have; that of the day after bounds them from above."""
    return (day + DAY_ZERO) << LABEL_BITS


def evenly(day: int, count: int) -> list[int]:
    """Keys for `count` events of one day in the order of their ids, with equal room between."""
    return _spread(first_key(day), LABELS, count)


def place(
    connection: Connection, day: int, event_id: str, moved: Callable[[], None] = lambda: None
) -> int:
    """A free key for an event between its neighbours of the day; `moved` is told when they move."""
    of_event = {"day": day, "id": event_id}
    while True:
        before: int | None = connection.execute(BEFORE, of_event).scalar()
        after: int | None = connection.execute(AFTER, of_event).scalar()
        low = first_key(day) - 1 if before is None else before
        high = first_key(day + 1) if after is None else after
        if high - low > 1:
            break
        _make_room(connection, day, low)
        moved()
    middle = (high - low) // 2
    if before is None and after is None:
        return low + middle
    if after is None:
        return low + min(STRIDE, middle)
    if before is None:
        return high - min(STRIDE, middle)
    return low + middle


def _spread(start: int, room: int, count: int) -> list[int]:
    return [start + (2 * i + 1) * room // (2 * count) for i in range(count)]


def _make_room(connection: Connection, day: int, near: int) -> None:
    """Spread the smallest stretch of the day around `near` that is sparse enough."""
    floor = first_key(day)
    label = max(near - floor, 0)
    for bits in range(4, LABEL_BITS + 1):
        start = floor + (label >> bits << bits)
        held = connection.execute(
            text("SELECT key FROM timeline WHERE key BETWEEN :low AND :high ORDER BY key"),
            {"low": start, "high": start + (1 << bits) - 1},
        ).scalars()
        keys = [int(key) for key in held]
        sparse = len(keys) + 1 <= (2 / CROWDING) ** bits
        if (sparse and 4 * (len(keys) + 1) <= 1 << bits) or bits == LABEL_BITS:
            move(connection, keys, _spread(start, 1 << bits, len(keys)))
            return


def move(connection: Connection, old: Sequence[int], new: Sequence[int]) -> None:
    """Give the events with the keys `old` the keys `new`, both in order, wherever keys are held."""
    moved = {was: now for was, now in zip(old, new, strict=True) if was != now}
    # By way of negative keys, so that no two events ever share one.
    for change in ({was: -was for was in moved}, {-was: now for was, now in moved.items()}):
        for table in KEYED if change else ():
            connection.execute(
                text(f"UPDATE {table} SET key = :now WHERE key = :was"),
                [{"was": was, "now": now} for was, now in change.items()],
            )
    if moved:
        _move_blocks(connection, old, new)


def _move_blocks(connection: Connection, old: Sequence[int], new: Sequence[int]) -> None:
    """See to it that each block begins before the same event as it did."""
    query = text("SELECT id, first_key FROM block WHERE first_key BETWEEN :low AND :high")
    ends = {"low": min(old[0], new[0]), "high": max(old[-1], new[-1])}
    for block, first in connection.execute(query, ends).all():
        place = bisect_left(old, first)
        now = new[place] if place < len(new) else new[-1] + 1
        connection.execute(
            text("UPDATE block SET first_key = :now WHERE id = :id"), {"id": block, "now": now}
        )
    # What is kept of these rows in memory is out of date.
    connection.execute(
        text(
            "UPDATE timeline SET stamp = (SELECT stamp FROM store) WHERE key BETWEEN :low AND :high"
        ),
        {"low": new[0], "high": new[-1]},
    )
    connection.execute(
        text(
            "UPDATE block SET stamp = (SELECT stamp FROM store) WHERE id IN"
            " (SELECT block FROM timeline WHERE key BETWEEN :low AND :high)"
        ),
        {"low": new[0], "high": new[-1]},
    )
