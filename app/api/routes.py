"""The base of every route: strict about its query string."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeGuard, get_type_hints
from urllib.parse import quote, unquote_to_bytes

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.errors import Fault, refuse
from app.filters.strict import MAX_FAULTS, check_query, members, validate_query

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that refuses undeclared query parameters, and repeated single ones.

    Frameworks ignore both, so a misspelt filter would silently answer another question.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["generate_unique_id_function"] = attrgetter("name")  # the operationId
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        parts = filter(_is_check, self.dependant.dependencies)
        checks = [part.call for part in parts if part.call]
        handle = self._fast_handler() or self._fastapi_handler()
        repeatable = dict(_parameters(self.dependant))
        foreign = dict(_foreign_parameters(self.dependant))

        async def strict(request: Request) -> Response:
            check_encoding(request)
            if request.scope["query_string"]:
                check_query(request.query_params.multi_items(), repeatable, foreign)
            for check in checks:
                await check(request)
            return await handle(request)

        return strict

    def _fastapi_handler(self) -> Handler:
        """Return FastAPI's handler without the checks, which have run before it."""
        whole = self.dependant
        rest = [part for part in whole.dependencies if not _is_check(part)]
        self.dependant = replace(whole, dependencies=rest)
        handle = super().get_route_handler()
        self.dependant = whole  # for the OpenAPI document
        return handle

    def _fast_handler(self) -> Handler | None:
        """Return a fast handler if the endpoint takes only the request, path texts and a query.

        For such a route FastAPI needs more time to collect the arguments than the route to answer.
        Return None for any other route.
        """
        whole = self.dependant
        plain = replace(
            whole,
            header_params=[],
            cookie_params=[],
            body_params=[],
            dependencies=list(filter(_is_check, whole.dependencies)),
            request_param_name="request",
            http_connection_param_name=None,
            response_param_name=None,
            background_tasks_param_name=None,
        )
        path_aliases = {field.name: field.alias for field in whole.path_params}
        texts = all(
            field.field_info.annotation is str and not field.field_info.metadata
            for field in whole.path_params
        )
        annotations = {field.name: field.field_info.annotation for field in whole.query_params}
        models = {name: model for name, model in annotations.items() if _is_model(model)}
        responds = issubclass(get_type_hints(self.endpoint)["return"], Response)
        single = len(models) == len(annotations) <= 1
        if not (plain == whole and texts and single and responds):
            return None
        answer: Callable[..., Awaitable[Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            arguments: dict[str, Any] = {
                name: request.path_params[alias] for name, alias in path_aliases.items()
            }
            for name, model in models.items():
                arguments[name] = validate_query(model, request.query_params.multi_items())
            return await answer(request, **arguments)

        return handle


def _is_check(part: Dependant) -> bool:
    """Return whether a dependency only checks the request, without a value for the handler."""
    return part.name is None


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield each query parameter, and whether it may be repeated."""
    for field in dependant.query_params:
        annotation: Any = field.field_info.annotation
        if _is_model(annotation):
            yield from members(annotation).items()
        else:
            yield field.alias, False
    for part in dependant.dependencies:
        yield from _parameters(part)


def _foreign_parameters(dependant: Dependant) -> Iterator[tuple[str, str]]:
    """Yield each parameter of other paths, and why it has no meaning here."""
    for field in dependant.query_params:
        yield from getattr(field.field_info.annotation, "NOT_HERE", {}).items()


# -- text that is not UTF-8 -----------------------------------------------------------------------

LIKELY_ENCODINGS = ("cp1250", "cp1252")  # of bytes that are not UTF-8
MAX_GUESSED_BYTES = 200


def check_encoding(request: Request) -> None:
    """Raise Problem `invalid-parameters` if a part of the URL is not UTF-8."""
    query, path = request.scope["query_string"], request.scope.get("raw_path") or b""
    if b"%" not in query and b"%" not in path and query.isascii():
        return
    faults = []
    if not _is_utf8(unquote_to_bytes(path)):
        broken = (name for name, value in request.path_params.items() if "\ufffd" in str(value))
        name = next(broken, "path")
        faults.append(_utf8_fault("path", name, unquote_to_bytes(path.rpartition(b"/")[2])))
    for pair in query.split(b"&"):
        plain = unquote_to_bytes(pair.replace(b"+", b" "))
        if not _is_utf8(plain):
            parameter, _, value = plain.partition(b"=")
            faults.append(_utf8_fault("query", parameter.decode(errors="replace")[:100], value))
    if faults:
        raise refuse(*faults[:MAX_FAULTS])


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_words(text: str) -> bool:
    return text.isprintable() and all(c.isascii() or c.isalpha() for c in text)


def _utf8_fault(where: str, name: str, raw: bytes) -> Fault:
    """Return the fault for bytes that are not UTF-8, with their likely texts."""
    guess = not raw.isascii() and len(raw) <= MAX_GUESSED_BYTES
    texts = (raw.decode(encoding, errors="replace") for encoding in LIKELY_ENCODINGS if guess)
    readings = [text for text in dict.fromkeys(texts) if _is_words(text)]
    choices = " or ".join(f"{quote(text)} ({text})" for text in readings)
    message = f"is not UTF-8; percent-encode UTF-8: {choices or '%C4%8D for č'}"
    return Fault(where, name, message, readings[0] if len(readings) == 1 else None)
