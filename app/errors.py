"""Every error in one shape: RFC 9457 problem+json. Nothing here knows HTTP requests."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from app.languages import mark
from app.masking import mask_keys
from app.plain import describe

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem: its HTTP status, its title, and what a client can do about it."""

    status: int
    title: str
    advice: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "bad-request": ProblemType(
        400, mark("The request is malformed"), mark("Correct the request and send it again.")
    ),
    "unauthorized": ProblemType(
        401, mark("A key is needed"), mark("Send a key that is valid: Authorization: Bearer <key>.")
    ),
    "forbidden": ProblemType(
        403, mark("This key may not write"), mark("Use a key of the scope `write`.")
    ),
    "not-found": ProblemType(404, mark("Not found"), mark("Check the path and the id.")),
    "method-not-allowed": ProblemType(
        405, mark("Method not allowed"), mark("Use one of the methods that the Allow header lists.")
    ),
    "request-timeout": ProblemType(
        408,
        mark("The request did not arrive in time"),
        mark(
            "Send it without a break: 30 seconds for the head, 30 for the body and 1 more per"
            " 64 KiB."
        ),
    ),
    "conflict": ProblemType(
        409,
        mark("This contradicts a stored record"),
        mark("The errors say which stored record differs."),
    ),
    "start-again": ProblemType(
        410,
        mark("Start again"),
        mark("The database was replaced; drop the cursor and begin at the first page."),
    ),
    "gone": ProblemType(
        410,
        mark("Deleted"),
        mark("Its revisions are kept; restore it with POST to its path + /restore."),
    ),
    "precondition-failed": ProblemType(
        412,
        mark("It has changed meanwhile"),
        mark("Read it again, and repeat the change on what it is now."),
    ),
    "body-too-large": ProblemType(
        413, mark("The body is too large"), mark("Send less in one request.")
    ),
    "uri-too-long": ProblemType(
        414, mark("The URL is too long"), mark("Ask for less in one request.")
    ),
    "unsupported-media-type": ProblemType(
        415,
        mark("Unsupported content type"),
        mark("Send the content type that the documentation names."),
    ),
    "invalid-parameters": ProblemType(
        422,
        mark("The query is not understood"),
        mark("Each error names a parameter and what would be right."),
    ),
    "invalid-body": ProblemType(
        422,
        mark("The document is not valid"),
        mark("Each error names a field and what would be right."),
    ),
    "key-reused": ProblemType(
        422,
        mark("The Idempotency-Key is taken"),
        mark("Use a new key for each request that differs."),
    ),
    "query-too-costly": ProblemType(
        422, mark("The query would cost too much"), mark("Narrow it with a date or another filter.")
    ),
    "precondition-required": ProblemType(
        428, mark("If-Match is needed"), mark("Read the record, and send its ETag as If-Match.")
    ),
    "too-many-requests": ProblemType(
        429, mark("Too many requests"), mark("Try again after the seconds in Retry-After.")
    ),
    "headers-too-large": ProblemType(
        431,
        mark("The headers are too large"),
        mark("Send fewer or shorter headers, or a shorter URL."),
    ),
    "internal-error": ProblemType(
        500, mark("Something went wrong in Dateline"), mark("Try again; if it persists, report it.")
    ),
    "not-implemented": ProblemType(
        501,
        mark("Not offered in this format"),
        mark("Ask for the format that the documentation names."),
    ),
    "too-many-connections": ProblemType(
        503,
        mark("Too many connections"),
        mark("Close some, or try again after the seconds in Retry-After."),
    ),
    "store-unavailable": ProblemType(
        503, mark("The store is not available"), mark("Try again after the seconds in Retry-After.")
    ),
}


@dataclass(frozen=True)
class Fault:
    """One mistake: its place (`query`, `path`, `body`), its name, and how to correct it."""

    where: str
    name: str
    message: str
    suggestion: str | None = None
    line: int | None = None  # of an imported file

    @property
    def sentence(self) -> str:
        """Return the fault in one line, for a person at the command line."""
        hint = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{self.name}: {self.message}{hint}"

    def as_json(self) -> dict[str, Any]:
        """Return a member of `errors`, without `suggestion` and `line` if they are None."""
        member = {"in": self.where, "name": self.name, "message": self.message}
        optional = {"suggestion": self.suggestion, "line": self.line}
        return member | {name: value for name, value in optional.items() if value is not None}


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An error to answer with; `code` is a key of PROBLEM_TYPES.

    `mapping` is the one that a refused dry run proposes for a table.
    """

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """Return the problem in one line, for a person at the command line."""
        return "; ".join(fault.sentence for fault in self.faults) or self.detail

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return PROBLEM_TYPES[self.code].status

    def body(self, root_path: str = "", request_id: str | None = None) -> str:
        """Return the JSON of the problem (RFC 9457 section 3).

        `root_path` is where the server is mounted. `request_id` is a member of its own, not
        `instance`: that is a URI, while a client may send any token as its X-Request-ID.
        """
        kind = PROBLEM_TYPES[self.code]
        document: dict[str, Any] = {
            "type": f"{root_path}/problems/{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
        }
        if self.faults:
            document["errors"] = [fault.as_json() for fault in self.faults]
        if self.mapping is not None:
            document["mapping"] = self.mapping
        if request_id:
            document["request_id"] = request_id
        return mask_keys(json.dumps(document))


class OperatorError(Exception):
    """An error that the operator can fix; the message is one line that says how."""


def example_problem(code: str) -> dict[str, Any]:
    """Return a problem of this kind as a client may get it, for the documentation."""
    kind = PROBLEM_TYPES[code]
    about = {"type": f"/problems/{code}", "title": kind.title, "status": kind.status}
    if code != "invalid-parameters":
        return {**about, "detail": kind.advice}
    slip = Fault("query", "tpye", "is not a parameter here; known: actor, …", "type")
    return {**about, "detail": "Not accepted: tpye.", "errors": [slip.as_json()]}


def refuse(*faults: Fault, code: str = "invalid-parameters") -> Problem:
    """Return the problem for one or more faults; its detail names each of them."""
    names = ", ".join(dict.fromkeys(fault.name for fault in faults))
    return Problem(code, f"Not accepted: {names}.", faults)


def wrong(
    message: str, suggestion: str | None = None, name: str | None = None
) -> PydanticCustomError:
    """Return an error for a validator to raise.

    `name` is the parameter at fault, if the validator looks at the whole query.
    """
    context = {"message": message, "suggestion": suggestion, "name": name}
    return PydanticCustomError("wrong", "{message}", context)


def from_validation(details: Iterable[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Return pydantic's errors as faults.

    They never repeat the input, which may be secret or unprintable.
    """

    def fault(detail: Mapping[str, Any]) -> Fault:
        where, *path = [str(part) for part in detail["loc"]] or ["body"]
        context = detail.get("ctx", {})
        name = context.get("name") or ".".join(path) or where
        if where == "query":  # leave out the index of a repeated parameter
            name = name.partition(".")[0]
        return Fault(where, name[:200], describe(detail), context.get("suggestion"))

    return tuple(dict.fromkeys(fault(detail) for detail in details))
