"""One client's connection: uvicorn's, with deadlines, a cap on the head, and problems as errors."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from app.errors import Problem
from app.server.admission import Admission
from app.server.answers import Answering
from app.server.taking import Taking

# The parser does not say how far it has come, so a head that begins in the middle of a piece may be
# as much larger.
PIECE = 4096
NO_HEADERS: Mapping[str, str] = {}
FRAMING = (b"content-length", b"transfer-encoding")  # of a body


class Flow(FlowControl):
    """Tells whenever reading stops or goes on."""

    def __init__(self, transport: asyncio.Transport, changed: Callable[[], None]) -> None:
        super().__init__(transport)
        self.changed = changed

    def pause_reading(self) -> None:
        super().pause_reading()
        self.changed()

    def resume_reading(self) -> None:
        super().resume_reading()
        self.changed()


class Lingering:
    """A transport that is not closed on a client that still sends: its answer would be lost."""

    def __init__(self, transport: asyncio.Transport, connection: "Connection") -> None:
        self._transport = transport
        self._connection = connection
        self.write = transport.write  # not to be looked for at every answer
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """As any transport's, once nothing is on its way; what waits to be sent is sent first."""
        if not self._connection.drains():
            self._connection.watch()
            self._transport.close()


class Connection(HttpToolsProtocol):
    """Lets no client keep it waiting, and refuses as the rest of the API does.

    A client has `seconds` for the head of a request, and again for its body, with one more for
    every `pace` bytes of it. Only the time counts in which it is the client's turn. It must take in
    what is answered, too, however slowly.
    """

    seconds = 30.0
    pace = 65536
    max_head = 16384
    linger = 2.0
    taking = Taking

    def __init__(self, *given: Any, admission: Admission | None = None, **named: Any) -> None:
        super().__init__(*given, **named)
        self._admission = admission
        self.address = ""
        self._part: Literal["head", "body"] | None = None  # what has begun, or must, to arrive
        self._waited = 0.0  # for that part
        self._received = 0  # bytes of a body
        self._since: float | None = None  # when the turn became the client's
        self._timer: asyncio.TimerHandle | None = None
        self._held = 0  # bytes fed to the parser since it last gave something out
        self._answering: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._resuming = False
        self._half_closed = False  # the client sends no more, and may still read
        self._endless: RequestResponseCycle | None = None  # answers as long as its client stays

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, Lingering(transport, self))
        self.flow = Flow(transport, self._reckon)
        self._taking = self.taking(transport, self._give_up)
        self._expect("head")
        self.address = self.client[0] if self.client else ""
        full = self._admission.admit(self) if self._admission else None
        if full is None:
            self._reckon()
            return
        self._refuse("too-many-connections", full, {"Retry-After": "5"})
        if self._admission and not self._admission.may_wait(self):
            transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request or an answer is on its way."""
        return self._answering is None and self._held == 0 and self._part in (None, "head")

    def close_idle(self) -> None:
        """Make room for another connection."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answering is not None:  # uvicorn tells the newest request only
            self._tell(self._answering)
        self._cancel()
        self._taking.stop()
        if self._admission is not None:
            self._admission.leave(self)
        super().connection_lost(exc)

    # -- what arrives -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while rest and self._refusal is None:
                rest = rest[self._feed(rest[: min(PIECE, self.max_head - self._held)]) :]
        except httptools.HttpParserError as error:
            wrong_target = isinstance(error, httptools.HttpParserCallbackError)
            said = "the target cannot be read" if wrong_target else str(error)
            self._refuse("bad-request", f"This is not HTTP/1.1: {said}.")
        self._reckon()

    def _feed(self, piece: memoryview) -> int:
        """Parse a piece, and say how much of it is done with."""
        if self._part is None:
            self._expect("head")
        self._held += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # No other protocol is spoken here, so what follows is the body, or the next request.
            if self._part == "body":
                self._resume()
            return int(upgrade.args[0])
        if self._held >= self.max_head:
            most = f"The request line and the headers may have {self.max_head} bytes at most."
            self._refuse("headers-too-large", most)
        return len(piece)

    def _resume(self) -> None:
        """Read the body of a request whose offer to upgrade is declined.

        The parser would read none; another one is told where it stands. Some clients make that
        offer with every request (RFC 9110 section 7.8).
        """
        length = [b"%b: %b\r\n" % header for header in self.headers if header[0] in FRAMING]
        self._resuming = True
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"POST / HTTP/1.1\r\nhost: h\r\n%b\r\n" % b"".join(length))
        self._resuming = False

    def on_message_begin(self) -> None:
        if self._resuming:
            return
        super().on_message_begin()
        if self._part is None:
            self._expect("head")

    def on_header(self, name: bytes, value: bytes) -> None:
        if (
            self._part == "head" and not self._resuming
        ):  # a trailer is no header (RFC 9110 section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._resuming:
            return
        super().on_headers_complete()
        self._expect("body")

    def on_chunk_header(self) -> None:
        """Called by the parser; what comes between chunks is capped as a head is."""
        self._held = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._held = 0
        self._received += len(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() and any(name in FRAMING for name, _ in self.headers):
            return
        super().on_message_complete()
        self._expect(None)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether the connection stays: a client that sends no more may wait for an answer.

        A stream without an end is over then, for nothing else tells that its client has left.
        """
        self._half_closed = True
        if self._answering is not None and self._answering is self._endless:
            return False
        if self._refusal is None and (self._part == "body" or self._held):
            self._refuse("bad-request", f"The {self._part} of the request ended before its end.")
        if self._refusal is None and self._part != "body" and self._answering is not None:
            self.cycle.keep_alive = False
        return self._answering is not None or self._refusal is not None

    def _begin_endless(self) -> None:
        """Note that what is answered has no end."""
        self._endless = self._answering
        if self._half_closed:
            self.transport.close()

    # -- whose turn it is -------------------------------------------------------------------------

    def _expect(self, part: Literal["head", "body"] | None) -> None:
        """From now on, this is what the client has to send."""
        self._part = part
        self._since = None
        self._waited = 0.0
        self._received = self._held = 0

    def _clients_turn(self) -> bool:
        if self._refusal is not None or self.flow.read_paused or self.transport.is_closing():
            return False
        if self._part is None:
            return False
        if self._part == "head":
            return self._answering is None
        if self._answering is self.cycle:
            return not self.cycle.waiting_for_100_continue
        return self._answering is None

    @property
    def _left(self) -> float:
        """Seconds that the client still has."""
        return self.seconds + self._received / self.pace - self._waited

    def _count(self) -> None:
        """Count the time since the last time, where it was the client's."""
        now = self.loop.time()
        if self._since is not None:
            self._waited += now - self._since
        self._since = now if self._clients_turn() else None

    def _reckon(self) -> None:
        """Whatever happened: see whose turn it is, and to it that the deadline will be noticed."""
        self._count()
        if self._since is not None and self._timer is None:
            # Never later than `seconds`, for by then the deadline may be another part's.
            self._timer = self.loop.call_later(min(self._left, self.seconds), self._check)

    def _check(self) -> None:
        self._timer = None
        self._count()
        if self._since is not None and self._left <= 0:
            self._refuse("request-timeout", f"The {self._part} of the request did not arrive.")
        else:
            self._reckon()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- what is answered -------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch()

    def watch(self) -> None:
        """Give the client up if it does not take in what waits to be sent."""
        self._taking.watch()

    def _give_up(self) -> None:
        self.logger.info("%s:%d - takes no answer in", *self.client or ("?", 0))
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        answering: Any = Answering(app, cycle, self._begin_endless)
        super()._start_asgi_task(cycle, answering)

    def on_response_complete(self) -> None:
        self._answering = None
        super().on_response_complete()
        self.watch()
        if self.transport.is_closing():
            return
        if self._answering is None and self._refusal is not None:
            self._leave(self._refusal)
        elif self._part is not None:
            self._unset_keepalive_if_required()
        self._reckon()

    def _refuse(self, code: str, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Read no more; answer so and close, after all that came before is answered."""
        self._refusal = Problem(code, detail, headers=headers)
        self.logger.info("%s:%d - refused: %s", *self.client or ("?", 0), code)
        own = self._part == "body" and self._answering is self.cycle
        if self._part == "body" and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        if own or self._answering is None:
            self._leave(self._refusal)

    def drains(self) -> bool:
        """Whether the answer goes out before its request has come in: then no more is parsed."""
        if self._refusal is not None or self._part != "body" or not self.cycle.response_complete:
            return False
        self._refusal = Problem("body-too-large", "The rest of the body is not read.")
        return True

    def _leave(self, refusal: Problem) -> None:
        begun = self._part == "body" and self.cycle.response_started
        if not begun:
            self.transport.write(self._written(refusal))
        if self._part == "body":
            self._tell(self.cycle)
        self._cancel()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self._half_closed:
            self.transport.close()
            return
        # Closing at once would reset the connection while the client still sends, and the answer
        # be lost to it.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(self.linger, self.transport.abort)

    def _written(self, refusal: Problem) -> bytes:
        answer = refusal.response()
        close = (b"connection", b"close")
        headers = [*self.server_state.default_headers, *answer.raw_headers, close]
        lines = [b"%s: %s\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", bytes(answer.body)])

    @staticmethod
    def _tell(cycle: RequestResponseCycle) -> None:
        """Let the application see that nobody is there any more."""
        cycle.disconnected = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
