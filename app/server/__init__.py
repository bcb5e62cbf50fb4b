"""The HTTP server: uvicorn with deadlines, caps and a graceful end.

Without httptools, as on Windows, use uvicorn's h11 protocol unchanged: it has no deadlines, and
refuses malformed HTTP in its own words.
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
from app.server.logs import json_logging_config, logging_config
from app.server.proxies import ProxyHeaders
from app.settings import Settings

HTTP: Callable[..., asyncio.Protocol] | str = "h11"
try:
    from app.server.connection import Connection
except ImportError:
    pass
else:
    HTTP = Connection

# The event loop waits at most this long for a computing thread, several times per request.
# Python's default is five times as long.
SWITCH_SECONDS = 0.001

logger = logging.getLogger("uvicorn.error")  # uvicorn configures this one

MAX_SEGMENT_BYTES = 8192  # larger than on any network except loopback
# Errors of a machine without IPv6 whose hosts file has an IPv6 address for localhost.
ABSENT_ERRNOS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until interrupted. Raise OSError, in plain words, if the address is not available."""
    settings: Settings = app.state.settings
    sys.setswitchinterval(SWITCH_SECONDS)
    proxied = ProxyHeaders(app, settings.trusted_proxies)  # type: ignore[arg-type]
    if settings.log_format == "json":
        log_config = json_logging_config(settings.log_level)
    else:
        log_config = logging_config(coloured=sys.stdout.isatty())
    config = uvicorn.Config(
        proxied,
        host=host,
        port=port,
        http=protocol(settings, proxied),
        ws="none",
        log_level=settings.log_level,
        log_config=log_config,
        access_log=settings.log_format == "text",  # in JSON the application writes its own
        proxy_headers=False,  # ProxyHeaders is around the application
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    Server(config, app.state.stop).run(listen(host, port))


def protocol(settings: Settings, proxies: ProxyHeaders) -> Any:
    """Return the factory of connections, which limits their number."""
    if isinstance(HTTP, str):
        return HTTP
    max_connections = raise_descriptor_limit()
    admission = Admission(settings.connections_per_address, proxies.trusted_hosts, max_connections)
    return partial(HTTP, admission=admission, prefix=settings.prefix)


class Server(uvicorn.Server):
    """Uvicorn's server, which logs its address and calls `stop` before it waits for connections."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:  # uvicorn does not log the address of such sockets
            host, port = self.config.host, sockets[0].getsockname()[1]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            logger.info("Dateline running on http://%s (Press CTRL+C to quit)", address)
        # A full collection would look through the code again each time: 100 ms, and nobody served.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stop()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets at every address of `host`, all on one port.

    Raise OSError, in plain words, if an address is not available.
    """
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, *_, address in dict.fromkeys(results):
            if sockets:
                port = sockets[0].getsockname()[1]
            try:
                listener = socket.create_server((address[0], port, *address[2:]), family=family)
                sockets.append(listener)
                shorten_segments(listener)
            except OSError as error:
                if error.errno not in ABSENT_ERRNOS:
                    raise
                missing = error
        if missing and not sockets:
            raise missing
    except (OSError, UnicodeError) as error:  # UnicodeError: the name cannot be looked up
        for bound in sockets:
            bound.close()
        raise OSError(_explain(error, host, port)) from error
    return sockets


def shorten_segments(listener: socket.socket) -> None:
    """Make local clients acknowledge more often: at every 64 KiB, a slow one would seem stuck."""
    if hasattr(socket, "TCP_MAXSEG"):
        with suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MAX_SEGMENT_BYTES)


def _explain(error: Exception, host: str, port: int) -> str:
    """Return why the address is not available, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program; choose another with --port"
    if code in (errno.EACCES, errno.EPERM):
        return f"port {port} on {host} is not open to this user; choose another with --port"
    return f"{host} is not an address of this machine; choose another with --host"
