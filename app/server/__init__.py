"""The HTTP server: uvicorn with the deadlines, caps and farewell that it lacks.

Without httptools, as on Windows, uvicorn's h11 protocol is used as it is: no deadlines, and what is
no HTTP is refused in uvicorn's words.
"""

import asyncio
import errno
import gc
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.server.admission import Admission, raise_descriptor_limit
from app.server.logs import logging_config
from app.server.proxies import ProxyHeaders

HTTP: Callable[..., asyncio.Protocol] | str = "h11"
try:
    from app.server.connection import Connection
except ImportError:
    pass
else:
    HTTP = Connection

# The event loop gets its turn among threads that compute within so long; Python's own is five
# times as long, and a request takes several turns.
SWITCH_SECONDS = 0.001

logger = logging.getLogger("uvicorn.error")  # the one that uvicorn sets up

MAX_SEGMENT_BYTES = 8192  # more than that of any network but the local one
# What a machine without IPv6 says of an address that its hosts file gives to localhost.
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until interrupted; OSError, in words, where the address cannot be had."""
    settings = app.state.settings
    sys.setswitchinterval(SWITCH_SECONDS)
    proxied = ProxyHeaders(app, settings.trusted_proxies)  # type: ignore[arg-type]
    config = uvicorn.Config(
        proxied,
        host=host,
        port=port,
        http=protocol(settings.connections_per_address, proxied),
        ws="none",
        log_level=settings.log_level,
        log_config=logging_config(coloured=sys.stdout.isatty()),
        proxy_headers=False,  # Dateline's own are around the application
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    Server(config, app.state.stop).run(listening(host, port))


def protocol(per_address: int, proxies: ProxyHeaders) -> Any:
    """Return the maker of connections, which takes only so many in."""
    if isinstance(HTTP, str):
        return HTTP
    most = raise_descriptor_limit()
    return partial(HTTP, admission=Admission(per_address, proxies.trusted_hosts, most))


class Server(uvicorn.Server):
    """Says where it serves, and tells the application before it waits for connections to end."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:  # of those that it is given, uvicorn says nothing
            host, port = self.config.host, sockets[0].getsockname()[1]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            logger.info("Dateline running on http://%s (Press CTRL+C to quit)", address)
        # A full collection would look through the code again each time: 100 ms, and nobody served.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stop()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> list[socket.socket]:
    """Sockets at every address that `host` stands for, all on one port."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, *_, address in dict.fromkeys(found):
            if sockets:
                port = sockets[0].getsockname()[1]
            try:
                opened = socket.create_server((address[0], port, *address[2:]), family=family)
                sockets.append(opened)
                shorten_segments(opened)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                missing = error
        if missing and not sockets:
            raise missing
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that could be looked up
        for bound in sockets:
            bound.close()
        raise OSError(_said(error, host, port)) from error
    return sockets


def shorten_segments(listener: socket.socket) -> None:
    """Have local clients tell sooner that they have read: one in 64 KiB, a slow one seems stuck."""
    if hasattr(socket, "TCP_MAXSEG"):
        with suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MAX_SEGMENT_BYTES)


def _said(error: Exception, host: str, port: int) -> str:
    """Why the address cannot be had, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program; choose another with --port"
    if code in (errno.EACCES, errno.EPERM):
        return f"port {port} on {host} is not open to this user; choose another with --port"
    return f"{host} is no address of this machine; choose another with --host"
