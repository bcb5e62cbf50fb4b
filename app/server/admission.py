"""How many connections a server takes: so many an address, and never all that there can be."""

from collections import Counter
from typing import Protocol

try:
    import resource
except ImportError:  # Windows knows no such limit
    resource = None  # type: ignore[assignment,unused-ignore]

MAX_CONNECTIONS = 4000
MAX_DESCRIPTORS = 65_536  # that a server asks the system for
RESERVED_DESCRIPTORS = 128  # for the store, and for refusing
MAX_REFUSING = 32  # refusals at a time that wait for their client to read them


class Addresses(Protocol):
    """Addresses of clients."""

    def __contains__(self, address: str, /) -> bool:
        """Whether an address is one of them."""


class Guest(Protocol):
    """A connection, to be taken in or not."""

    address: str

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request or an answer is on its way."""

    def close_idle(self) -> None:
        """Close it: nothing is on its way."""


class Admission:
    """Takes connections in as long as there is room; idle ones make room for new ones.

    The addresses of `unlimited`, proxies that speak for many, have no limit of their own.
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
        self._guests: dict[Guest, None] = {}  # the oldest first
        self._counts: Counter[str] = Counter()
        self._refusing: set[Guest] = set()

    def admit(self, guest: Guest) -> str | None:
        """Take a connection in; return why not, if there is no room."""
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
        """Whether a connection that is refused may stay until its client has read why."""
        if len(self._refusing) < MAX_REFUSING:
            self._refusing.add(guest)
        return guest in self._refusing

    def leave(self, guest: Guest) -> None:
        """Forget a connection that is closed."""
        self._refusing.discard(guest)
        if guest in self._guests:
            del self._guests[guest]
            self._counts[guest.address] -= 1
            if not self._counts[guest.address]:
                del self._counts[guest.address]

    def _make_room(self, address: str | None = None) -> bool:
        """Close the oldest idle connection, of one address or of all; return whether there is."""
        for guest in self._guests:
            if guest.is_idle and address in (None, guest.address):
                self.leave(guest)
                guest.close_idle()
                return True
        return False


def raise_descriptor_limit() -> int:
    """Let this process open as many files as the system allows; return how many connections fit.

    A download may have a file beside its connection.
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
