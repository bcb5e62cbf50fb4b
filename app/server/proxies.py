"""Read the client's scheme and address, and the path prefix, from headers of trusted proxies."""

import re

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

SCHEME, PREFIX = b"x-forwarded-proto", b"x-forwarded-prefix"
MAX_PREFIX_BYTES = 200
# No empty part, which would turn the next one into a host, and none of only dots.
PATH = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+")


class ProxyHeaders(ProxyHeadersMiddleware):
    """Uvicorn's middleware, but read schemes in capitals, and lists of several proxies.

    The path prefix of a trusted proxy becomes the ASGI `root_path`.
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
    """Return the client's scheme: the first, in lower case."""
    return values[0].partition(b",")[0].strip().lower()


def first_prefix(values: list[bytes]) -> str:
    """Return the client's path prefix: the first, or an empty text if it is not a path."""
    path = values[0].partition(b",")[0].strip().rstrip(b"/").decode("latin-1")
    return path if len(path) <= MAX_PREFIX_BYTES and PATH.fullmatch(path) else ""
