"""Limit the connections of each address and of the whole server."""

from collections import Counter
from typing import Protocol

try:
    import resource
except ImportError:  # Windows knows no such limit
    resource = None  # type: ignore[assignment,unused-ignore]

MAX_CONNECTIONS = 4000
MAX_DESCRIPTORS = 65_536  # to ask the system for
RESERVED_DESCRIPTORS = 128  # for the store, and for refusals
MAX_REFUSING = 32  # at a time that wait until their client has read them


class Addresses(Protocol):
    """Addresses of clients."""

    def __contains__(self, address: str, /) -> bool:
        """Return whether an address is one of them."""


class Guest(Protocol):
    """A connection to admit or refuse."""

    address: str

    @property
    def is_idle(self) -> bool:
        """Return whether no request or answer is in progress."""

    def close_idle(self) -> None:
        """Close the connection; it is idle."""


class Admission:
    """Admit connections up to the limits, closing idle ones to make room for new ones.

    The addresses in `unlimited`, such as proxies with many clients, have no limit per address.
    """

    def __init__(
        self,
        per_address: int,
        unlimited: Addresses,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._per_address = per_address
        self._unlimited = unlimited
        self._max_connections = max_connections
        self._guests: dict[Guest, None] = {}  # oldest first
        self._counts: Counter[str] = Counter()
        self._refusing: set[Guest] = set()

    def admit(self, guest: Guest) -> str | None:
        """Admit a connection. If there is no room, return the reason."""
        address, limited = guest.address, guest.address not in self._unlimited
        if limited and self._per_address and self._counts[address] >= self._per_address:
            if not self._make_room(address):
                return f"One address may have {self._per_address} connections at a time."
        elif len(self._guests) >= self._max_connections and not self._make_room():
            return f"The server has {len(self._guests)} connections, and takes no more."
        self._guests[guest] = None
        self._counts[address] += 1
        return None

    def may_wait(self, guest: Guest) -> bool:
        """Return whether a refused connection may stay open until its client has read why."""
        if len(self._refusing) < MAX_REFUSING:
            self._refusing.add(guest)
        return guest in self._refusing

    def leave(self, guest: Guest) -> None:
        """Forget a closed connection."""
        self._refusing.discard(guest)
        if guest in self._guests:
            del self._guests[guest]
            self._counts[guest.address] -= 1
            if not self._counts[guest.address]:
                del self._counts[guest.address]

    def _make_room(self, address: str | None = None) -> bool:
        """Close the oldest idle connection, of one address or of all; return False if none is."""
        for guest in self._guests:
            if guest.is_idle and address in (None, guest.address):
                self.leave(guest)
                guest.close_idle()
                return True
        return False


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as the system allows; return how many connections fit.

    Count two files per connection, since a download may need one more.
    """
    if resource is None:
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = MAX_DESCRIPTORS if hard == infinite else min(hard, MAX_DESCRIPTORS)
    if soft != infinite and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    fitting = MAX_CONNECTIONS if soft == infinite else (soft - RESERVED_DESCRIPTORS) // 2
    return max(1, min(MAX_CONNECTIONS, fitting))
