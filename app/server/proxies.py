"""What a trusted proxy says of the client that it speaks for: its scheme, its address, our path."""

import re

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

SCHEME, PREFIX = b"x-forwarded-proto", b"x-forwarded-prefix"
MAX_PREFIX_BYTES = 200
# No empty part, which would make what follows a host, and none of dots alone.
PATH = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+")


class ProxyHeaders(ProxyHeadersMiddleware):
    """Uvicorn's, which ignores a scheme in capitals, and one that several proxies have added to.

    The path under which the proxy shows this server becomes the ASGI `root_path`.
    """

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            schemes = [value for name, value in scope["headers"] if name == SCHEME]
            if schemes:
                rest = [pair for pair in scope["headers"] if pair[0] != SCHEME]
                scope["headers"] = [*rest, (SCHEME, first_scheme(schemes))]
            prefixes = [value for name, value in scope["headers"] if name == PREFIX]
            if prefixes and scope["client"] and scope["client"][0] in self.trusted_hosts:
                scope["root_path"] = first_prefix(prefixes)
        await super().__call__(scope, receive, send)


def first_scheme(values: list[bytes]) -> bytes:
    """Return the scheme that the client used: the first, in lower case."""
    return values[0].partition(b",")[0].strip().lower()


def first_prefix(values: list[bytes]) -> str:
    """Return the path that the client used: the first, empty if it is none."""
    path = values[0][:MAX_PREFIX_BYTES].partition(b",")[0].strip().rstrip(b"/").decode("latin-1")
    return path if PATH.fullmatch(path) else ""
