"""What a trusted proxy says of the client that it speaks for: its scheme and its address."""

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

SCHEME = b"x-forwarded-proto"


class ProxyHeaders(ProxyHeadersMiddleware):
    """Uvicorn's, which ignores a scheme in capitals, and one that several proxies have added to."""

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            schemes = [value for name, value in scope["headers"] if name == SCHEME]
            if schemes:
                rest = [pair for pair in scope["headers"] if pair[0] != SCHEME]
                scope["headers"] = [*rest, (SCHEME, first_scheme(schemes))]
        await super().__call__(scope, receive, send)


def first_scheme(values: list[bytes]) -> bytes:
    """Return the scheme that the client used: the first, in lower case."""
    return values[0].partition(b",")[0].strip().lower()
