"""Detect clients that stop reading; slow ones may stay."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable

# In Linux's `struct tcp_info`: tcpi_bytes_acked, since 4.2.
INFO_BYTES, ACKNOWLEDGED = 128, struct.Struct("Q")
ACKNOWLEDGED_AT = 120
MAX_UNSENT_BYTES = 128 << 10  # per connection in the kernel, which would take several MB


class ReadWatch:
    """Call `give_up` if a client reads less than `pace` bytes per second of the data for it.

    Count bytes that the client's machine has acknowledged. By our own buffer, a slow client would
    seem to read nothing for minutes and then much at once.
    """

    max_seconds = 55.0  # without reading anything
    interval_seconds = 5.0
    pace = 256

    def __init__(self, transport: asyncio.Transport, give_up: Callable[[], object]) -> None:
        self._transport = transport
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._timer: asyncio.TimerHandle | None = None
        self._left = self.max_seconds
        self._received = 0
        limit_unsent_bytes(self._socket)

    def watch(self) -> None:
        """Check regularly as long as there is data to send."""
        if self._timer is None and self._transport.get_write_buffer_size():
            self._left, self._received = self.max_seconds, self._count()
            self._timer = self._loop.call_later(self.interval_seconds, self._look)

    def stop(self) -> None:
        """Stop checking: the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self._transport.get_write_buffer_size():
            return
        before, self._received = self._received, self._count()
        credit = max(0, self._received - before) / self.pace
        self._left = min(self.max_seconds, self._left - self.interval_seconds + credit)
        if self._left <= 0:
            self._give_up()
        else:
            self._timer = self._loop.call_later(self.interval_seconds, self._look)

    def _count(self) -> int:
        """Return a number that grows with the bytes that the client has received."""
        if self._socket is not None and sys.platform == "linux":
            try:
                info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
            except OSError:  # not TCP
                info = b""
            if len(info) == INFO_BYTES:
                return int(ACKNOWLEDGED.unpack_from(info, ACKNOWLEDGED_AT)[0])
        return -self._transport.get_write_buffer_size()


def limit_unsent_bytes(connection: socket.socket | None) -> None:
    """Keep the kernel's send buffer short, if the system supports it."""
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
        except OSError:  # not TCP
            return
