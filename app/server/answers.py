"""Answers on their way from the application to uvicorn, and how they end."""

from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

ENDLESS = b"text/event-stream"


class Answering:
    """Wrap an application: suit its answers to HTTP/1.0 clients, and notice endless ones.

    HTTP/1.0 has no chunks (RFC 9112 section 6.1), so close the connection after an answer of
    unknown length; uvicorn does not. Call `on_endless` when an endless answer starts.
    """

    def __init__(
        self, app: Any, cycle: RequestResponseCycle, on_endless: Callable[[], object]
    ) -> None:
        self.app = app
        self.cycle = cycle
        self.on_endless = on_endless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        without_length = False

        async def watch(message: Message) -> None:
            nonlocal without_length
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                without_length = scope["http_version"] < "1.1" and b"content-length" not in headers
                if without_length:
                    self.cycle.chunked_encoding = False
                await send(message)
                if headers.get(b"content-type", b"").startswith(ENDLESS):
                    self.on_endless()
                return
            if without_length:  # uvicorn would refuse to send more than a known length
                self.cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, watch)
