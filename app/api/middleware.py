"""What happens to every request before its route and to every answer after it: plain ASGI."""

import asyncio

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type

from app.api.heads import refusal
from app.dialects import unavailable
from app.errors import Problem, answer_unexpected
from app.formats import FORMATS

# A coding that does not exist: "identity" would not keep the compressor off.
MARK = (b"content-encoding", b"untouched")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
JSON = b"application/json"
Raw = list[tuple[bytes, bytes]]  # headers as they are sent; to look into them as such is quicker
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def install(app: FastAPI, *, private: bool = False) -> None:
    """Wrap `app`; the last added is the outermost, so that even a 500 carries CORS headers.

    `private`: reading needs a key, so that no shared cache may keep an answer.
    """
    for written in FORMATS.values():
        add_compress_type(written.media_type.partition(";")[0])
    app.add_middleware(LastResort)
    app.add_middleware(CompressMiddleware)
    app.add_middleware(Edge, private=private)


class Edge(CORSMiddleware):
    """Refuses bad heads, answers HEAD as GET without the body, and says so in Allow.

    Open to every web page, without credentials; a preflight that is refused says why. Lets no
    answer be kept without being asked about again, where its route does not say otherwise; one
    without a tag could not be asked about.
    """

    def __init__(self, app: ASGIApp, *, private: bool = False) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=METHODS,
            allow_headers=["*"],
            expose_headers=["ETag", "Link", "Location", "Retry-After"],
        )
        self.open = Headers(self.simple_headers).raw
        self.private = private

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        detail = f"{bytes(answer.body).decode()}. Allowed from other origins: {', '.join(METHODS)}."
        return Problem("bad-request", detail, headers=cors_headers(answer)).response()

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
                # At once: a stream has no end, and goes when it sees that its request has.
                message, ended = {"type": "http.response.body"}, True
            await send(message)

        if problem := refusal(scope):
            await problem.response(scope.get("root_path", ""))(scope, receive, finish)
            return
        # Nothing here is worth a part of it, and a malformed Range is to be ignored.
        whole = [pair for pair in scope["headers"] if pair[0] != b"range"]
        method = "GET" if head else scope["method"]
        await self.app({**scope, "method": method, "headers": whole}, receive, finish)

    def _finished(self, headers: Raw, from_elsewhere: bool) -> Raw:
        names = {name for name, _ in headers}
        # The compressor says again what is said already.
        vary = [v for name, value in headers if name == b"vary" for v in value.split(b", ")]
        finished = [pair for pair in headers if pair != MARK and pair[0] != b"vary"]
        if b"cache-control" not in names:
            finished.append((b"cache-control", b"no-cache" if b"etag" in names else b"no-store"))
        if self.private:
            finished = list(map(_private, finished))
        if b"x-content-type-options" not in names:
            finished.append(NO_SNIFFING)
        if from_elsewhere:
            finished += self.open
        finished.append((b"vary", b", ".join(dict.fromkeys([*vary, b"Origin"]))))
        return finished


def _private(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a header as it is where reading needs a key; files of the pages stay public."""
    name, value = header
    if name != b"cache-control" or value == b"no-store" or value.startswith(b"public"):
        return header
    return name, b"private, " + value


def cors_headers(answer: Response) -> dict[str, str]:
    """What an answer says to browsers about other origins."""
    return {
        n: v for n, v in answer.headers.items() if n.startswith("access-control") or n == "vary"
    }


class LastResort:
    """Turns an error that nobody foresaw into a 500 without a word of its cause."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, root = False, scope.get("root_path", "")

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                message["headers"] = as_they_are(message["headers"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except asyncio.CancelledError:  # the server stops, and waits no longer
            if started or scope["type"] != "http":
                raise
            detail = (
                "The server is stopping; whether this was stored is not known. "
                "Send it again with the same Idempotency-Key."
            )
            await unavailable(detail).response(root)(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await answer_unexpected(error, root)(scope, receive, send)


def as_they_are(headers: Raw) -> Raw:
    """Keeps an answer with a strong tag from being compressed (RFC 9110 section 8.8.3.3).

    A content coding makes another representation, which would need another strong tag. The mark
    that tells the compressor to pass on is taken off again by Edge.
    """
    told = dict(headers)
    if not told.get(b"etag", b"W/").startswith(b'"'):
        return headers
    if told.get(b"content-type", JSON) == JSON:  # a 304 has no type
        return [*headers, MARK]
    # The files of the reference are worth more compressed.
    return [(n, b"W/" + v if n == b"etag" else v) for n, v in headers]
