"""What every route is: strict about its query string, and read from one snapshot."""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any, TypeGuard, TypeVar, get_type_hints

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from app.errors import Fault, from_validation, nearest_parameter, refuse

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
            message = f"is not a parameter here; known: {known}"
            near = nearest_parameter(name, repeatable)
            faults.append(Fault("query", name[:100], message, near))
    if faults:
        raise refuse(*faults)
