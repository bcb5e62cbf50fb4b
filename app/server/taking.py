"""Whether a client takes in what it is sent: slowly is well, not at all is not."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable

# In Linux's `struct tcp_info`: tcpi_bytes_acked, since 4.2.
INFO_BYTES, ACKNOWLEDGED = 128, struct.Struct("Q")
ACKNOWLEDGED_AT = 120
MAX_UNSENT_BYTES = 128 << 10  # in the kernel, a connection; it would take several MB


class Taking:
    """Gives a client up that takes less than `pace` bytes a second of what waits for it.

    What the kernel has sent counts once the client's machine has it: with what left our own buffer,
    a slow client would seem to take nothing for minutes, then much at once.
    """

    seconds = 55.0  # that a client may take nothing
    every = 5.0  # seconds between looks
    pace = 256

    def __init__(self, transport: asyncio.Transport, give_up: Callable[[], object]) -> None:
        self._transport = transport
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._timer: asyncio.TimerHandle | None = None
        self._left = self.seconds
        self._taken = 0
        keep_unsent_short(self._socket)

    def watch(self) -> None:
        """Look again and again, as long as anything waits to be sent."""
        if self._timer is None and self._transport.get_write_buffer_size():
            self._left, self._taken = self.seconds, self._count()
            self._timer = self._loop.call_later(self.every, self._look)

    def stop(self) -> None:
        """Look no more: the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self._transport.get_write_buffer_size():
            return
        before, self._taken = self._taken, self._count()
        earned = max(0, self._taken - before) / self.pace
        self._left = min(self.seconds, self._left - self.every + earned)
        if self._left <= 0:
            self._give_up()
        else:
            self._timer = self._loop.call_later(self.every, self._look)

    def _count(self) -> int:
        """Return a number that grows with what the client's machine has received."""
        if self._socket is not None and sys.platform == "linux":
            try:
                info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
            except OSError:  # it is no TCP
                info = b""
            if len(info) == INFO_BYTES:
                return int(ACKNOWLEDGED.unpack_from(info, ACKNOWLEDGED_AT)[0])
        return -self._transport.get_write_buffer_size()


def keep_unsent_short(connection: socket.socket | None) -> None:
    """Have the kernel take no more than it can soon send, if it can be told so."""
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
        except OSError:  # it is no TCP
            return
