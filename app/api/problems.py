"""Answer problems and errors over HTTP, as problem+json."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.errors import MEDIA_TYPE, PROBLEM_TYPES, Problem, from_validation, refuse
from app.trace import current_request_id

logger = logging.getLogger("dateline")

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CODES_BY_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}


def answer_problem(problem: Problem, root_path: str = "") -> Response:
    """Return the answer to a problem; `root_path` is where the server is mounted."""
    headers = {**HEADERS, **problem.headers}
    body = problem.body(root_path, current_request_id())
    return Response(body, problem.status, headers, MEDIA_TYPE)


def from_http(request: Request, error: HTTPException) -> Problem:
    """Return Starlette's error (no such path, wrong method) as a problem."""
    code = CODES_BY_STATUS.get(error.status_code, "internal-error")
    headers = dict(error.headers or {})
    if code == "method-not-allowed":  # Starlette names only the methods of the first route
        headers["Allow"] = ", ".join(_list_methods(request))
    detail = f"{request.method} {request.url.path[:200]}: {PROBLEM_TYPES[code].title.lower()}."
    return Problem(code, detail, headers=headers)


def root_path(request: Request) -> str:
    """Return the path that the server is mounted at, such as `/chronology`, or an empty text."""
    # A mounted application, such as the static files, replaces root_path with its own.
    scope = request.scope
    return str(scope.get("app_root_path", scope.get("root_path", "")))


def install(app: FastAPI) -> None:
    """Answer every error that reaches `app` with problem+json."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer_problem(error, root_path(request))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = from_validation(error.errors())
        code = "invalid-body" if faults[0].where == "body" else "invalid-parameters"
        return answer_problem(refuse(*faults, code=code), root_path(request))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer_problem(from_http(request, error), root_path(request))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _list_methods(request: Request) -> list[str]:
    """Return the methods that the routes of this path answer."""
    methods = {
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def answer_unexpected(error: Exception, root_path: str = "") -> Response:
    """Log an unforeseen error and return a 500 that does not reveal it."""
    logger.error("unexpected error in request %s", current_request_id(), exc_info=error)
    problem = Problem("internal-error", "The error is in the server's log.")
    return answer_problem(problem, root_path)
