"""A client's connection: uvicorn's, with deadlines, a cap on the head, and problem+json."""

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

from app.api.problems import answer_problem
from app.errors import Problem
from app.server.admission import Admission
from app.server.answers import Answering
from app.server.read_watch import ReadWatch
from app.trace import CURRENT_TRACE, Trace, new_request_id

# The parser does not report its position, so a head that begins inside a piece may exceed the cap
# by the size of a piece.
PARSED_PIECE_BYTES = 4096
MAX_BUFFERED_BYTES = 32 << 10  # of an answer, in memory for a client that reads slowly
NO_HEADERS: Mapping[str, str] = {}
FRAMING_HEADERS = (b"content-length", b"transfer-encoding")


class WatchedFlow(FlowControl):
    """Call `changed` whenever reading pauses or resumes."""

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
    """A transport that stays open while the client still sends: else its answer would be lost."""

    def __init__(self, transport: asyncio.Transport, connection: "Connection") -> None:
        self._transport = transport
        self._connection = connection
        self.write = transport.write  # bound once, since every answer uses them
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close the transport once nothing is in progress; send pending data first."""
        if not self._connection.answers_early():
            self._connection.watch()
            self._transport.close()


class Connection(HttpToolsProtocol):
    """Enforce deadlines and caps, and refuse with problem+json.

    A client has `seconds` for the head of a request, and again for its body, plus one second per
    `pace` bytes of it. Only the time that the server waits for the client counts. The client must
    also read its answers, however slowly.
    """

    seconds = 30.0
    pace = 65536
    max_head = 16384
    linger = 2.0
    read_watch = ReadWatch

    def __init__(
        self, *args: Any, admission: Admission | None = None, prefix: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._admission = admission
        self._prefix = prefix  # of the paths in refusals
        self.address = ""
        self._part: Literal["head", "body"] | None = None  # the part that is due from the client
        self._waited_seconds = 0.0  # for that part
        self._received_bytes = 0  # of a body
        self._waiting_since: float | None = None  # when the wait for the client began
        self._timer: asyncio.TimerHandle | None = None
        self._unparsed_bytes = 0  # fed to the parser since its last callback
        self._answering: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._resuming = False
        self._half_closed = False  # the client has stopped sending, and may still read
        self._endless: RequestResponseCycle | None = None  # the cycle of an endless answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=MAX_BUFFERED_BYTES)
        self.transport = cast(asyncio.Transport, Lingering(transport, self))
        self.flow = WatchedFlow(transport, self._update_deadline)
        self._read_watch = self.read_watch(transport, self._give_up)
        self._expect("head")
        self.address = self.client[0] if self.client else ""
        full = self._admission.admit(self) if self._admission else None
        if full is None:
            self._update_deadline()
            return
        self._refuse("too-many-connections", full, {"Retry-After": "5"})
        if self._admission and not self._admission.may_wait(self):
            transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request or an answer is on its way."""
        return (
            self._answering is None and self._unparsed_bytes == 0 and self._part in (None, "head")
        )

    def close_idle(self) -> None:
        """Make room for another connection."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answering is not None:  # uvicorn notifies only the newest request
            self._notify(self._answering)
        self._cancel()
        self._read_watch.stop()
        if self._admission is not None:
            self._admission.leave(self)
        super().connection_lost(exc)

    # -- requests ----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while rest and self._refusal is None:
                rest = rest[
                    self._feed(
                        rest[: min(PARSED_PIECE_BYTES, self.max_head - self._unparsed_bytes)]
                    ) :
                ]
        except httptools.HttpParserError as error:
            wrong_target = isinstance(error, httptools.HttpParserCallbackError)
            reason = "the target cannot be read" if wrong_target else str(error)
            self._refuse("bad-request", f"This is not HTTP/1.1: {reason}.")
        self._update_deadline()

    def _feed(self, piece: memoryview) -> int:
        """Parse a piece and return how many of its bytes are used up."""
        if self._part is None:
            self._expect("head")
        self._unparsed_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # Upgrades are declined, so the body or the next request follows.
            if self._part == "body":
                self._resume()
            return int(upgrade.args[0])
        if self._unparsed_bytes >= self.max_head:
            detail = f"The request line and the headers may have {self.max_head} bytes at most."
            self._refuse("headers-too-large", detail)
        return len(piece)

    def _resume(self) -> None:
        """Read the body of a request whose offer to upgrade is declined.

        The parser would not read it, so start another one in front of the body. Some clients offer
        an upgrade with every request (RFC 9110 section 7.8).
        """
        length = [b"%b: %b\r\n" % header for header in self.headers if header[0] in FRAMING_HEADERS]
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
        ):  # trailers are not headers (RFC 9110 section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._resuming:
            return
        super().on_headers_complete()
        self._expect("body")

    def on_chunk_header(self) -> None:
        """Restart the cap, which also applies to the data between chunks; the parser calls this."""
        self._unparsed_bytes = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unparsed_bytes = 0
        self._received_bytes += len(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() and any(
            name in FRAMING_HEADERS for name, _ in self.headers
        ):
            return
        super().on_message_complete()
        self._expect(None)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether to keep the connection: the client may still wait for an answer.

        An endless stream ends here, since nothing else shows that its client has left.
        """
        self._half_closed = True
        if self._answering is not None and self._answering is self._endless:
            return False
        if self._refusal is None and (self._part == "body" or self._unparsed_bytes):
            self._refuse("bad-request", f"The {self._part} of the request ended before its end.")
        if self._refusal is None and self._part != "body" and self._answering is not None:
            self.cycle.keep_alive = False
        return self._answering is not None or self._refusal is not None

    def _begin_endless(self) -> None:
        """Note that the current answer is endless."""
        self._endless = self._answering
        if self._half_closed:
            self.transport.close()

    # -- deadlines ------------------------------------------------------------------------------

    def _expect(self, part: Literal["head", "body"] | None) -> None:
        """Expect this part of a request from the client, and restart its deadline."""
        self._part = part
        self._waiting_since = None
        self._waited_seconds = 0.0
        self._received_bytes = self._unparsed_bytes = 0

    def _waits_for_client(self) -> bool:
        """Return whether the server can do nothing but wait for the client."""
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
    def _seconds_left(self) -> float:
        """Return the seconds until the deadline."""
        return self.seconds + self._received_bytes / self.pace - self._waited_seconds

    def _count_time(self) -> None:
        """Add the time since the last call, if the server waited for the client."""
        now = self.loop.time()
        if self._waiting_since is not None:
            self._waited_seconds += now - self._waiting_since
        self._waiting_since = now if self._waits_for_client() else None

    def _update_deadline(self) -> None:
        """Update the time and set the timer of the deadline; call this after every change."""
        self._count_time()
        if self._waiting_since is not None and self._timer is None:
            # At most `seconds`: by then another part, with a nearer deadline, may be due.
            self._timer = self.loop.call_later(min(self._seconds_left, self.seconds), self._check)

    def _check(self) -> None:
        self._timer = None
        self._count_time()
        if self._waiting_since is not None and self._seconds_left <= 0:
            self._refuse("request-timeout", f"The {self._part} of the request did not arrive.")
        else:
            self._update_deadline()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- answers --------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch()

    def watch(self) -> None:
        """Disconnect the client if it does not read the data that waits for it."""
        self._read_watch.watch()

    def _give_up(self) -> None:
        self.logger.info("%s:%d - does not read its answer", *self.client or ("?", 0))
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
        self._update_deadline()

    def _refuse(self, code: str, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Stop reading, answer the earlier requests, then send this problem and close."""
        self._refusal = Problem(code, detail, headers=headers)
        self.logger.info("%s:%d - refused: %s", *self.client or ("?", 0), code)
        own = self._part == "body" and self._answering is self.cycle
        if self._part == "body" and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        if own or self._answering is None:
            self._leave(self._refusal)

    def answers_early(self) -> bool:
        """Return whether an answer is complete before its request is; then stop parsing."""
        if self._refusal is not None or self._part != "body" or not self.cycle.response_complete:
            return False
        self._refusal = Problem("body-too-large", "The rest of the body is not read.")
        return True

    def _leave(self, refusal: Problem) -> None:
        begun = self._part == "body" and self.cycle.response_started
        if not begun:
            self.transport.write(self._serialize(refusal))
        if self._part == "body":
            self._notify(self.cycle)
        self._cancel()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self._half_closed:
            self.transport.close()
            return
        # Closing at once would reset the connection while the client still sends, and it would lose
        # the answer.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(self.linger, self.transport.abort)

    def _serialize(self, refusal: Problem) -> bytes:
        trace = Trace(new_request_id())
        token = CURRENT_TRACE.set(trace)
        try:
            answer = answer_problem(refusal, self._prefix)
        finally:
            CURRENT_TRACE.reset(token)
        own = ((b"connection", b"close"), (b"x-request-id", trace.request_id.encode()))
        headers = [*self.server_state.default_headers, *answer.raw_headers, *own]
        lines = [b"%s: %s\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", bytes(answer.body)])

    @staticmethod
    def _notify(cycle: RequestResponseCycle) -> None:
        """Notify the application that the client has left."""
        cycle.disconnected = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
