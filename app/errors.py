"""Everything that can go wrong, said in one shape: RFC 9457 problem+json."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.plain import describe

logger = logging.getLogger("dateline")

MEDIA_TYPE = "application/problem+json"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its HTTP status, its title, and what a client can do about it."""

    status: int
    title: str
    advice: str


KINDS: Mapping[str, Kind] = {
    "bad-request": Kind(400, "The request is malformed", "Correct the request and send it again."),
    "unauthorized": Kind(
        401, "A key is needed", "Send a key that is valid: Authorization: Bearer <key>."
    ),
    "forbidden": Kind(403, "The key does not reach so far", "Use a key of the scope `write`."),
    "not-found": Kind(404, "Not found", "Check the path and the id."),
    "method-not-allowed": Kind(
        405, "Method not allowed", "Use one of the methods that the Allow header lists."
    ),
    "request-timeout": Kind(
        408,
        "The request did not arrive in time",
        "Send it without a break: head and body have 30 seconds each, the body one more a 64 KiB.",
    ),
    "conflict": Kind(
        409, "This contradicts what is stored", "The errors say which stored record differs."
    ),
    "start-again": Kind(
        410,
        "Start again",
        "The database was replaced; drop the cursor and begin at the first page.",
    ),
    "gone": Kind(
        410, "Deleted", "Its revisions are kept; restore it with POST to its path + /restore."
    ),
    "precondition-failed": Kind(
        412, "It has changed meanwhile", "Read it again, and repeat the change on what it is now."
    ),
    "body-too-large": Kind(413, "The body is too large", "Send less in one request."),
    "uri-too-long": Kind(414, "The URL is too long", "Ask for less in one request."),
    "unsupported-media-type": Kind(
        415, "Unsupported content type", "Send the content type that the documentation names."
    ),
    "invalid-parameters": Kind(
        422, "The query is not understood", "Each error names a parameter and what would be right."
    ),
    "invalid-body": Kind(
        422, "The document is not valid", "Each error names a field and what would be right."
    ),
    "key-reused": Kind(
        422, "The Idempotency-Key is taken", "Use a new key for each request that differs."
    ),
    "query-too-costly": Kind(
        422, "The query would cost too much", "Narrow it with a date or another filter."
    ),
    "precondition-required": Kind(
        428, "If-Match is needed", "Read the record, and send its ETag as If-Match."
    ),
    "too-many-requests": Kind(
        429, "Too many requests", "Try again after the seconds in Retry-After."
    ),
    "headers-too-large": Kind(
        431, "The headers are too large", "Send fewer or shorter headers, or a shorter URL."
    ),
    "internal-error": Kind(
        500, "Something went wrong in Dateline", "Try again; if it persists, report it."
    ),
    "not-implemented": Kind(
        501, "Not offered in this format", "Ask for the format that the documentation names."
    ),
    "too-many-connections": Kind(
        503, "Too many connections", "Close some, or try again after the seconds in Retry-After."
    ),
    "store-unavailable": Kind(
        503, "The store is not available", "Try again after the seconds in Retry-After."
    ),
}
CODE_OF_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}


@dataclass(frozen=True)
class Fault:
    """One thing that was wrong: where (`query`, `path`, `body`), its name, what would be right."""

    where: str
    name: str
    message: str
    suggestion: str | None = None
    line: int | None = None  # of an imported file

    @property
    def said(self) -> str:
        """In words."""
        hint = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{self.name}: {self.message}{hint}"

    def as_json(self) -> dict[str, Any]:
        """The member of `errors`; `suggestion` and `line` are left out where there is none."""
        found = {"in": self.where, "name": self.name, "message": self.message}
        more = {"suggestion": self.suggestion, "line": self.line}
        return found | {name: value for name, value in more.items() if value is not None}


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An answer that is an error; `code` is a key of KINDS."""

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.said

    @property
    def said(self) -> str:
        """In one line, for a person at the command line."""
        return "; ".join(fault.said for fault in self.faults) or self.detail

    def response(self, root: str = "") -> Response:
        """The answer (RFC 9457 section 3); `root` is the path that the server is mounted at."""
        kind = KINDS[self.code]
        document: dict[str, Any] = {
            "type": f"{root}/problems/{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
        }
        if self.faults:
            document["errors"] = [fault.as_json() for fault in self.faults]
        headers = {**HEADERS, **self.headers}
        return Response(mask_keys(json.dumps(document)), kind.status, headers, MEDIA_TYPE)


SECRET = re.compile(r"dln_[0-9A-Za-z]+")


def mask_keys(text: str) -> str:
    """Return a text that others may read, without the secret part of the keys in it."""
    return SECRET.sub("dln_***", text)


def example(code: str) -> dict[str, Any]:
    """A problem of this kind as a client may meet it, for the documentation."""
    kind = KINDS[code]
    about = {"type": f"/problems/{code}", "title": kind.title, "status": kind.status}
    if code != "invalid-parameters":
        return {**about, "detail": kind.advice}
    slip = Fault("query", "tpye", "is not a parameter here; known: actor, …", "type")
    return {**about, "detail": "Not accepted: tpye.", "errors": [slip.as_json()]}


def refuse(*faults: Fault, code: str = "invalid-parameters") -> Problem:
    """The problem of one or more faults, its detail naming each."""
    names = ", ".join(dict.fromkeys(fault.name for fault in faults))
    return Problem(code, f"Not accepted: {names}.", faults)


def wrong(
    message: str, suggestion: str | None = None, name: str | None = None
) -> PydanticCustomError:
    """What a validator raises; `name` says which parameter, where only the whole query shows it."""
    told = {"message": message, "suggestion": suggestion, "name": name}
    return PydanticCustomError("wrong", "{message}", told)


def from_validation(details: Iterable[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults of pydantic's list; never the input itself, which may be secret or unprintable."""

    def fault(detail: Mapping[str, Any]) -> Fault:
        where, *path = [str(part) for part in detail["loc"]] or ["body"]
        context = detail.get("ctx", {})
        name = context.get("name") or ".".join(path) or where
        if where == "query":  # which of several values it was says nothing
            name = name.partition(".")[0]
        return Fault(where, name[:200], describe(detail), context.get("suggestion"))

    return tuple(dict.fromkeys(fault(detail) for detail in details))


def from_http(request: Request, error: HTTPException) -> Problem:
    """The problem that Starlette's error is: no such path, another method."""
    code = CODE_OF_STATUS.get(error.status_code, "internal-error")
    headers = dict(error.headers or {})
    if code == "method-not-allowed":  # Starlette names those of the first route alone
        headers["Allow"] = ", ".join(_methods(request))
    detail = f"{request.method} {request.url.path[:200]}: {KINDS[code].title.lower()}."
    return Problem(code, detail, headers=headers)


def root(request: Request) -> str:
    """The path that the server is mounted at."""
    # A mounted application, such as the static files, changes root_path to its own.
    scope = request.scope
    return str(scope.get("app_root_path", scope.get("root_path", "")))


def install(app: FastAPI) -> None:
    """Make every error that reaches `app` a problem+json answer."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response(root(request))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = from_validation(error.errors())
        code = "invalid-body" if faults[0].where == "body" else "invalid-parameters"
        return refuse(*faults, code=code).response(root(request))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return from_http(request, error).response(root(request))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _methods(request: Request) -> list[str]:
    """What the routes of this path answer."""
    found = {
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def unexpected(error: Exception, root_path: str = "") -> Response:
    """The answer to an error nobody foresaw: logged whole, told as nothing but a 500."""
    logger.error("unexpected error", exc_info=error)
    return Problem("internal-error", "The error is in the server's log.").response(root_path)
