"""What happens to every request before its route and to every answer after it: plain ASGI."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware

from app.dialects import unavailable
from app.errors import Problem, unexpected

MAX_URL = 8192
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def install(app: FastAPI) -> None:
    """Wrap `app`; the last added is the outermost, so that even a 500 carries CORS headers."""
    app.add_middleware(LastResort)
    app.add_middleware(AsTheyAre)
    app.add_middleware(CompressMiddleware)
    app.add_middleware(Edge)
    app.add_middleware(
        Cors,
        allow_origins=["*"],
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=["ETag", "Link", "Location", "Retry-After"],
    )


class Middleware:
    """Passes on what is not HTTP."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.handle(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        raise NotImplementedError


class Cors(CORSMiddleware):
    """Open to every web page, without credentials; a preflight that is refused says why."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        detail = f"{bytes(answer.body).decode()}. Allowed from other origins: {', '.join(METHODS)}."
        return Problem("bad-request", detail, headers=cors_headers(answer)).response()


def cors_headers(answer: Response) -> dict[str, str]:
    """What an answer says to browsers about other origins."""
    return {
        n: v for n, v in answer.headers.items() if n.startswith("access-control") or n == "vary"
    }


class LastResort(Middleware):
    """Turns an error that nobody foresaw into a 500 without a word of its cause."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except asyncio.CancelledError:  # the server stops, and waits no longer
            if started:
                raise
            detail = (
                "The server is stopping; whether this was stored is not known. "
                "Send it again with the same Idempotency-Key."
            )
            await unavailable(detail).response()(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            if started:
                raise
            await unexpected(error)(scope, receive, send)


# A coding that does not exist: "identity" would not keep the compressor off.
UNTOUCHED = "untouched"
JSON = "application/json"


class AsTheyAre(Middleware):
    """Keeps answers with a strong entity tag from being compressed (RFC 9110 section 8.8.3.3).

    A content coding makes another representation, which would need another strong tag. The mark
    that tells the compressor to pass on is taken off again by Edge.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                strong = headers.get("etag", "W/").startswith('"')
                if strong and headers.get("content-type", JSON) == JSON:  # a 304 has no type
                    headers["content-encoding"] = UNTOUCHED
                elif strong:  # the files of the reference are worth more compressed
                    headers["etag"] = f"W/{headers['etag']}"
            await send(message)

        await self.app(scope, receive, mark)


class Edge(Middleware):
    """Refuses a URL that is too long, answers HEAD as GET without the body, and says so in Allow.

    Lets no answer be kept without being asked about again, where its route does not say otherwise;
    one without a tag could not be asked about.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MAX_URL:
            problem = Problem("uri-too-long", f"A URL may have {MAX_URL} bytes at most.")
            await problem.response()(scope, receive, send)
            return
        head, ended = scope["method"] == "HEAD", False

        async def finish(message: Message) -> None:
            nonlocal ended
            if ended:
                return
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if headers.get("content-encoding") == UNTOUCHED:
                    del headers["content-encoding"]
                kept = "no-cache" if "etag" in headers else "no-store"
                headers.setdefault("cache-control", kept)
                if "vary" in headers:  # the compressor says it again
                    headers["vary"] = ", ".join(dict.fromkeys(headers["vary"].split(", ")))
            elif head and message["type"] == "http.response.body":
                # At once: a stream has no end, and goes when it sees that its request has.
                message, ended = {"type": "http.response.body"}, True
            await send(message)

        # Nothing here is worth a part of it, and a malformed Range is to be ignored.
        whole = [pair for pair in scope["headers"] if pair[0] != b"range"]
        method = "GET" if head else scope["method"]
        await self.app({**scope, "method": method, "headers": whole}, receive, finish)


__all__: Sequence[str] = ["MAX_URL", "install"]
