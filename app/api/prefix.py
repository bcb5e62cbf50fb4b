"""The path prefix of a proxy, whether or not the proxy strips it."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.masking import mask_target


class Prefix:
    """Make every path begin with the prefix, as ASGI requires with `root_path`.

    The prefix is the one of the public address, or else of a trusted proxy.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = self.prefix or scope.get("root_path", "")
        if scope["type"] != "http" or not prefix:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path == prefix:  # relative links of the page need the slash
            query = scope["query_string"].decode("latin-1")
            target = mask_target(f"{prefix}/?{query}") if query else f"{prefix}/"
            await RedirectResponse(target, 308)(scope, receive, send)
            return
        if not path.startswith(f"{prefix}/"):
            path = prefix + path
        await self.app({**scope, "path": path, "root_path": prefix}, receive, send)
