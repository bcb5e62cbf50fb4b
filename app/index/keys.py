"""Date keys: integers that sort as the timeline does, by day, time of day and event id.

A key is the day in its high bits and a label in its low ones. Labels leave room between neighbours.
When it runs out, the smallest stretch of the day that is sparse enough is spread evenly (Bender et
al. 2002, "Two Simplified Algorithms for Maintaining Order in a List"), so an insertion moves O(log
n) others on average, in whatever order ids arrive.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from app import rows

LABEL_BITS = 39  # with the 24 of the day (up to dates.END) 63, as many as the engines have
MAX_LABELS = 1 << LABEL_BITS
DAY_ZERO = 1 << 22  # makes the days of the years -9999 to 9999 positive
MAX_STRIDE = 1 << 20  # room left after an id that is appended to its day
KEYED_TABLES = ("timeline", "document", "wording", "measurement")  # and the first of each block
NEIGHBOUR_KEYS = (
    "WITH wanted (day, clock, id) AS (VALUES {}) SELECT day, clock, id,"
    " (SELECT key FROM timeline t WHERE t.day = w.day AND (t.clock, t.event_id) < (w.clock, w.id)"
    " ORDER BY t.clock DESC, t.event_id DESC LIMIT 1),"
    " (SELECT key FROM timeline t WHERE t.day = w.day AND (t.clock, t.event_id) > (w.clock, w.id)"
    " ORDER BY t.clock, t.event_id LIMIT 1) FROM wanted w"
)
CROWDING = 1.3  # a stretch of 2^i labels may hold (2 / CROWDING)^i events


def first_key_of_day(day: int) -> int:
    """Return the smallest key of a day; that of the next day is the upper bound."""
    return (day + DAY_ZERO) << LABEL_BITS


def spread_keys(day: int, count: int) -> list[int]:
    """Return `count` keys of one day, evenly spread."""
    return _spread(first_key_of_day(day), MAX_LABELS, count)


class TimelinePlace(NamedTuple):
    """The day of an event, its time of day in seconds or NO_CLOCK, and its id: they sort so."""

    day: int
    clock: int
    event_id: str


class Gap(NamedTuple):
    """A gap for new events of a day, after the key `low` and before the key `high`."""

    day: int
    low: int
    high: int
    places: list[TimelinePlace]  # in order

    @property
    def wide(self) -> bool:
        """Return whether there is a key for each event."""
        return self.high - self.low > len(self.places)

    def keys(self) -> list[int]:
        """Return evenly spread keys, at most MAX_STRIDE apart at an end of the day."""
        room, count = self.high - self.low, len(self.places)
        first, last = (
            self.low < first_key_of_day(self.day),
            self.high == first_key_of_day(self.day + 1),
        )
        if not first and not last:
            return [self.low + room * number // (count + 1) for number in range(1, count + 1)]
        stride = min(MAX_STRIDE, room // (count + 1))
        if not first:
            start = self.low + stride
        elif not last:
            start = self.high - stride * count
        else:
            start = self.low + (room - stride * (count - 1)) // 2
        return [start + stride * number for number in range(count)]


def allocate_keys(
    connection: Connection,
    wanted: Iterable[TimelinePlace],
    moved: Callable[[], None] = lambda: None,
) -> Iterator[dict[str, int]]:
    """Yield free keys for the places of new events, as dicts by id.

    Store the events of each dict before taking the next one. `moved` is called when stored events
    get other keys.
    """
    narrow: list[Gap] = []
    free: dict[str, int] = {}
    for gap in _gaps(connection, wanted):
        if gap.wide:
            free.update(_by_id(gap.places, gap.keys()))
        else:
            narrow.append(gap)
    yield free
    for gap in narrow:
        # Storing other events may have moved the ends of the gap.
        [now] = _gaps(connection, gap.places)
        keys = now.keys() if now.wide else _make_room(connection, now)
        moved()
        yield _by_id(now.places, keys)


def _by_id(places: Iterable[TimelinePlace], keys: Iterable[int]) -> dict[str, int]:
    return {place.event_id: key for place, key in zip(places, keys, strict=True)}


def _gaps(connection: Connection, wanted: Iterable[TimelinePlace]) -> list[Gap]:
    """Return the gaps that these events fall into, read in one query."""
    gaps: dict[tuple[int, int], Gap] = {}
    neighbours = sorted(map(tuple, rows.matching(connection, NEIGHBOUR_KEYS, wanted)))
    for *values, before, after in neighbours:
        place = TimelinePlace(*values)
        low = first_key_of_day(place.day) - 1 if before is None else before
        high = first_key_of_day(place.day + 1) if after is None else after
        gap = gaps.setdefault((place.day, low), Gap(place.day, low, high, []))
        gap.places.append(place)
    return list(gaps.values())


def _spread(start: int, room: int, count: int) -> list[int]:
    return [start + (2 * i + 1) * room // (2 * count) for i in range(count)]


def _make_room(connection: Connection, gap: Gap) -> list[int]:
    """Return keys in a crowded gap, after spreading the smallest sparse stretch around it."""
    floor, more = first_key_of_day(gap.day), len(gap.places)
    label = max(gap.low - floor, 0)
    for bits in range(4, LABEL_BITS + 1):
        start = floor + (label >> bits << bits)
        stored_keys = connection.execute(
            text("SELECT key FROM timeline WHERE key BETWEEN :low AND :high ORDER BY key"),
            {"low": start, "high": start + (1 << bits) - 1},
        ).scalars()
        keys = [int(key) for key in stored_keys]
        count = len(keys) + more
        sparse = count <= (2 / CROWDING) ** bits
        if (sparse and 4 * count <= 1 << bits) or bits == LABEL_BITS:
            break
    spread = _spread(start, 1 << bits, count)
    behind = bisect_right(keys, gap.low)
    new_keys = spread[behind : behind + more]
    del spread[behind : behind + more]
    move_keys(connection, keys, spread)
    return new_keys


def move_keys(connection: Connection, old: Sequence[int], new: Sequence[int]) -> None:
    """Change the keys `old` to `new`, both ascending, in every table that has keys."""
    moved = {was: now for was, now in zip(old, new, strict=True) if was != now}
    # By way of negative keys, so that no two events ever share one.
    for change in ({was: -was for was in moved}, {-was: now for was, now in moved.items()}):
        for table in KEYED_TABLES if change else ():
            connection.execute(
                text(f"UPDATE {table} SET key = :now WHERE key = :was"),
                [{"was": was, "now": now} for was, now in change.items()],
            )
    if moved:
        _move_blocks(connection, old, new)


def _move_blocks(connection: Connection, old: Sequence[int], new: Sequence[int]) -> None:
    """Update the first keys of blocks, so that each begins at the same event as before."""
    query = text("SELECT id, first_key FROM block WHERE first_key BETWEEN :low AND :high")
    ends = {"low": min(old[0], new[0]), "high": max(old[-1], new[-1])}
    for block, first in connection.execute(query, ends).all():
        position = bisect_left(old, first)
        now = new[position] if position < len(new) else new[-1] + 1
        connection.execute(
            text("UPDATE block SET first_key = :now WHERE id = :id"), {"id": block, "now": now}
        )
    # Readers have these rows in their caches.
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
