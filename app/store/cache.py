"""The cache of the readers: values with their sizes, up to a limit of bytes."""

import sys
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

PER_FILTER_DIVISOR = 4  # values of single filters may take a quarter of the cache for good
ENTRY_BYTES = 1000  # of bookkeeping for each value


class Cache:
    """Values that readers share between requests; the least recently used one leaves first.

    Values of a single filter leave before values that all filters use, except for a part of the
    cache that is theirs.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._per_filter, self._shared = _Segment(), _Segment()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Return the size of all values in bytes."""
        return self._per_filter.size + self._shared.size

    def get(self, key: Hashable) -> Any:
        """Return the value of a key, or None."""
        with self._lock:
            for segment in (self._per_filter, self._shared):
                if key in segment.entries:
                    segment.entries.move_to_end(key)
                    return segment.entries[key][0]
            return None

    def put(self, key: Hashable, value: Any, size: int, *, per_filter: bool = False) -> None:
        """Store a value of `size` bytes in place of the old one, and drop others if it is full."""
        with self._lock:
            (self._per_filter if per_filter else self._shared).put(key, value, size)
            while self.size > self.max_bytes:
                reserved = self._per_filter.size <= self.max_bytes // PER_FILTER_DIVISOR
                segment = self._shared if reserved and self._shared.entries else self._per_filter
                segment.drop(next(iter(segment.entries)))


class _Segment:
    """Values with their sizes, least recently used first."""

    def __init__(self) -> None:
        self.entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.size = 0

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Store a value as the most recently used one."""
        self.drop(key)
        self.entries[key] = value, size + ENTRY_BYTES + key_bytes(key)
        self.size += self.entries[key][1]

    def drop(self, key: Hashable) -> None:
        """Remove a value if there is one."""
        self.size -= self.entries.pop(key, (None, 0))[1]


def key_bytes(key: Hashable) -> int:
    """Return about how many bytes a key takes, with the parts of a tuple."""
    parts = key if isinstance(key, tuple) else ()
    return sys.getsizeof(key) + sum(map(key_bytes, parts))
