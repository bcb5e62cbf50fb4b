"""Middleware around all routes, as plain ASGI."""

import asyncio

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type

from app.api.heads import check_head, combine_lines
from app.api.problems import answer_problem, answer_unexpected
from app.dialects import unavailable
from app.errors import Problem
from app.formats import BIBLIOGRAPHIES, FORMATS

# A coding that does not exist: the compressor would compress "identity".
UNTOUCHED = (b"content-encoding", b"untouched")
NOSNIFF = (b"x-content-type-options", b"nosniff")
JSON_BYTES = b"application/json"
RawHeaders = list[tuple[bytes, bytes]]  # faster than Headers
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def install(app: FastAPI, *, private: bool = False) -> None:
    """Wrap `app`; the last added is the outermost, so that even a 500 has CORS headers.

    With `private`, reading needs a key, so shared caches must not store answers.
    """
    for file_format in (*FORMATS.values(), *BIBLIOGRAPHIES.values()):
        add_compress_type(file_format.media_type.partition(";")[0])
    app.add_middleware(LastResort)
    app.add_middleware(CompressMiddleware)
    app.add_middleware(Edge, private=private)


class Edge(CORSMiddleware):
    """Refuse bad heads, answer HEAD like GET without the body, and add common headers.

    CORS is open to every web page, without credentials; a refused preflight says why. Caches must
    revalidate answers that have a tag, and not store others, unless the route sets Cache-Control.
    """

    def __init__(self, app: ASGIApp, *, private: bool = False) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=METHODS,
            allow_headers=["*"],
            expose_headers=[
                *("ETag", "Link", "Location", "Retry-After"),
                *("RateLimit", "RateLimit-Policy", "Server-Timing", "X-Request-ID"),
            ],
        )
        self.open = Headers(self.simple_headers).raw
        self.private = private

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        detail = f"{bytes(answer.body).decode()}. Allowed from other origins: {', '.join(METHODS)}."
        return answer_problem(Problem("bad-request", detail, headers=cors_headers(answer)))

    async def simple_response(
        self, scope: Scope, receive: Receive, send: Send, request_headers: Headers
    ) -> None:
        head, ended = scope["method"] == "HEAD", False

        async def finish(message: Message) -> None:
            nonlocal ended
            if ended:
                return
            if message["type"] == "http.response.start":
                message["headers"] = self._finished(message["headers"], "origin" in request_headers)
            elif head and message["type"] == "http.response.body":
                # At once: a stream has no end, and stops when its request is over.
                message, ended = {"type": "http.response.body"}, True
            await send(message)

        if problem := check_head(scope):
            await answer_problem(problem, scope.get("root_path", ""))(scope, receive, finish)
            return
        headers = combine_lines(scope["headers"])
        headers.pop(b"range", None)  # no resource supports ranges; a malformed one must be ignored
        changed = {"method": "GET" if head else scope["method"], "headers": list(headers.items())}
        await self.app({**scope, **changed}, receive, finish)

    def _finished(self, headers: RawHeaders, from_elsewhere: bool) -> RawHeaders:
        names = {name for name, _ in headers}
        # The compressor repeats values of Vary.
        vary = [v for name, value in headers if name == b"vary" for v in value.split(b", ")]
        finished = [pair for pair in headers if pair != UNTOUCHED and pair[0] != b"vary"]
        if b"cache-control" not in names:
            finished.append((b"cache-control", b"no-cache" if b"etag" in names else b"no-store"))
        if self.private:
            finished = list(map(_private, finished))
        if b"x-content-type-options" not in names:
            finished.append(NOSNIFF)
        if from_elsewhere:
            finished += self.open
        finished.append((b"vary", b", ".join(dict.fromkeys([*vary, b"Origin"]))))
        return finished


def _private(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return the header for a server whose reads need a key; files of the pages stay public."""
    name, value = header
    if name != b"cache-control" or value == b"no-store" or value.startswith(b"public"):
        return header
    return name, b"private, " + value


def cors_headers(answer: Response) -> dict[str, str]:
    """Return the CORS headers of an answer."""
    return {
        n: v for n, v in answer.headers.items() if n.startswith("access-control") or n == "vary"
    }


class LastResort:
    """Turn an unforeseen error into a 500 that does not reveal its cause."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, root = False, scope.get("root_path", "")

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                message["headers"] = protect_strong_tag(message["headers"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except asyncio.CancelledError:  # the server is stopping
            if started or scope["type"] != "http":
                raise
            detail = (
                "The server is stopping, and it is not known whether this was stored. "
                "Send it again with the same Idempotency-Key."
            )
            await answer_problem(unavailable(detail), root)(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await answer_unexpected(error, root)(scope, receive, send)


def protect_strong_tag(headers: RawHeaders) -> RawHeaders:
    """Return headers that keep an answer with a strong tag from being compressed.

    A content coding would need another strong tag (RFC 9110 section 8.8.3.3). Edge removes the mark
    for the compressor.
    """
    fields = dict(headers)
    if not fields.get(b"etag", b"W/").startswith(b'"'):
        return headers
    if fields.get(b"content-type", JSON_BYTES) == JSON_BYTES:  # a 304 has no type
        return [*headers, UNTOUCHED]
    # Compress the files of the reference, with a weak tag.
    return [(n, b"W/" + v if n == b"etag" else v) for n, v in headers]
