"""What every route is: strict about its query string, and read from one snapshot."""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any, TypeGuard, TypeVar, get_type_hints
from urllib.parse import quote, unquote_to_bytes

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from app.api.elsewhere import hint, nearest_parameter
from app.errors import Fault, from_validation, refuse

Query = TypeVar("Query", bound=BaseModel)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
MOST_FAULTS = 20  # are named; a URL has room for thousands


class StrictRoute(APIRoute):
    """A route that refuses query parameters it does not declare, and single ones that repeat.

    Frameworks ignore both: a misspelt filter would silently answer another question.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **named: Any) -> None:
        named["generate_unique_id_function"] = attrgetter("name")  # the operationId
        super().__init__(path, endpoint, **named)

    def get_route_handler(self) -> Handler:
        parts = filter(_is_check, self.dependant.dependencies)
        checks = [part.call for part in parts if part.call]
        handle = self._direct() or self._injected()
        repeatable = dict(_parameters(self.dependant))
        elsewhere = dict(_elsewhere(self.dependant))

        async def strict(request: Request) -> Response:
            check_encoding(request)
            if request.scope["query_string"]:
                check_query(request.query_params.multi_items(), repeatable, elsewhere)
            for check in checks:
                await check(request)
            return await handle(request)

        return strict

    def _injected(self) -> Handler:
        """FastAPI's handler, without the checks that were made before it."""
        whole = self.dependant
        wanted = [part for part in whole.dependencies if not _is_check(part)]
        self.dependant = replace(whole, dependencies=wanted)
        handle = super().get_route_handler()
        self.dependant = whole  # for the reference
        return handle

    def _direct(self) -> Handler | None:
        """A handler of a route that makes a response of the request, texts of its path and a query.

        FastAPI takes longer to find out what such a route needs than the route to answer.
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
        of_path = {field.name: field.alias for field in whole.path_params}
        texts = all(
            field.field_info.annotation is str and not field.field_info.metadata
            for field in whole.path_params
        )
        annotations = {field.name: field.field_info.annotation for field in whole.query_params}
        asked = {name: model for name, model in annotations.items() if _is_model(model)}
        responds = issubclass(get_type_hints(self.endpoint)["return"], Response)
        alone = len(asked) == len(annotations) <= 1
        if not (plain == whole and texts and alone and responds):
            return None
        answer: Callable[..., Awaitable[Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            given: dict[str, Any] = {n: request.path_params[alias] for n, alias in of_path.items()}
            for name, model in asked.items():
                given[name] = valid(model, request.query_params.multi_items())
            return await answer(request, **given)

        return handle


def _is_check(part: Dependant) -> bool:
    """Whether it looks at a request before its handler, and gives that nothing."""
    return part.name is None


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Each query parameter, and whether it may be repeated."""
    for field in dependant.query_params:
        annotation: Any = field.field_info.annotation
        if _is_model(annotation):
            yield from members(annotation).items()
        else:
            yield field.alias, False
    for part in dependant.dependencies:
        yield from _parameters(part)


def _elsewhere(dependant: Dependant) -> Iterator[tuple[str, str]]:
    """Each parameter that a query model knows from elsewhere, and why it has no meaning here."""
    for field in dependant.query_params:
        yield from getattr(field.field_info.annotation, "NOT_HERE", {}).items()


def read_query(model: type[Query], pairs: list[tuple[str, str]]) -> Query:
    """A query that did not come as one, as strictly read; Problem `invalid-parameters`."""
    check_query(pairs, members(model), getattr(model, "NOT_HERE", {}))
    return valid(model, pairs)


def valid(model: type[Query], pairs: list[tuple[str, str]]) -> Query:
    """The query that pairs of known names and of texts make; Problem `invalid-parameters`."""
    repeatable = members(model)
    values: dict[str, Any] = {}
    for name, value in pairs:
        if repeatable[name]:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    try:
        return model(**values)
    except ValidationError as error:
        told = ({**detail, "loc": ("query", *detail["loc"])} for detail in error.errors())
        raise refuse(*from_validation(told)) from None


@cache
def members(model: type[BaseModel]) -> Mapping[str, bool]:
    """Each parameter of a query model, and whether it may be repeated."""
    return {
        name: getattr(info.annotation, "__origin__", None) is list
        for name, info in model.model_fields.items()
    }


def check_query(
    items: list[tuple[str, str]], repeatable: Mapping[str, bool], elsewhere: Mapping[str, str]
) -> None:
    """Raise Problem `invalid-parameters` naming each unknown name and each repeated single one.

    `elsewhere` says why names that other paths take have no meaning here.
    """
    given = Counter(name for name, _ in items)
    wrong = [
        name
        for name, times in given.items()
        if name not in repeatable or (times > 1 and not repeatable[name])
    ]
    known = ", ".join(sorted(repeatable)) or "none"
    faults = []
    for name in wrong[:MOST_FAULTS]:
        if name in repeatable:
            faults.append(Fault("query", name, "may be given once only; keep one of them"))
        elif name in elsewhere:
            faults.append(Fault("query", name, f"is not a parameter here: {elsewhere[name]}"))
        else:
            value = next(value for given_name, value in items if given_name == name)
            more = hint(name, value)
            message = f"is not a parameter here; {f'{more}; ' if more else ''}known: {known}"
            near = nearest_parameter(name, repeatable)
            faults.append(Fault("query", name[:100], message, near))
    if faults:
        raise refuse(*faults)


# -- text that is not UTF-8 -----------------------------------------------------------------------

READINGS = ("cp1250", "cp1252")  # what bytes that are no UTF-8 usually are
MAX_READ_BYTES = 200


def check_encoding(request: Request) -> None:
    """Raise Problem `invalid-parameters` naming each part of the URL that is not UTF-8."""
    query, path = request.scope["query_string"], request.scope.get("raw_path") or b""
    if b"%" not in query and b"%" not in path and query.isascii():
        return
    faults = []
    if not _is_utf8(unquote_to_bytes(path)):
        broken = (name for name, value in request.path_params.items() if "\ufffd" in str(value))
        name = next(broken, "path")
        faults.append(_no_utf8("path", name, unquote_to_bytes(path.rpartition(b"/")[2])))
    for pair in query.split(b"&"):
        plain = unquote_to_bytes(pair.replace(b"+", b" "))
        if not _is_utf8(plain):
            parameter, _, value = plain.partition(b"=")
            faults.append(_no_utf8("query", parameter.decode(errors="replace")[:100], value))
    if faults:
        raise refuse(*faults[:MOST_FAULTS])


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_words(text: str) -> bool:
    return text.isprintable() and all(c.isascii() or c.isalpha() for c in text)


def _no_utf8(where: str, name: str, raw: bytes) -> Fault:
    """Return the fault of bytes that are not UTF-8, with the texts that they may be."""
    guessed = not raw.isascii() and len(raw) <= MAX_READ_BYTES
    texts = (raw.decode(encoding, errors="replace") for encoding in READINGS if guessed)
    readings = [text for text in dict.fromkeys(texts) if _is_words(text)]
    shown = " or ".join(f"{quote(text)} ({text})" for text in readings)
    message = f"is not UTF-8; percent-encode UTF-8: {shown or '%C4%8D for č'}"
    return Fault(where, name, message, readings[0] if len(readings) == 1 else None)
