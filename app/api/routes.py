"""What every route is: strict about its query string, and read from one snapshot."""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

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
        handle, checks = self._parted()
        repeatable = dict(_parameters(self.dependant))

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                check_query(request.query_params.multi_items(), repeatable)
            for check in checks:
                await check(request)
            return await handle(request)

        return strict

    def _parted(self) -> tuple[Handler, list[Callable[[Request], Awaitable[Any]]]]:
        """What answers a request, and the `dependencies` that look at it before.

        Those take the request and give nothing; FastAPI's way of solving them takes longer than
        they do.
        """
        whole = self.dependant
        wanted = [part for part in whole.dependencies if part.name is not None]
        checks = [part.call for part in whole.dependencies if part.name is None and part.call]
        self.dependant = replace(whole, dependencies=wanted)
        handle = super().get_route_handler()
        self.dependant = whole  # for the reference
        return handle, checks


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Each query parameter, and whether it may be repeated."""
    for field in dependant.query_params:
        annotation: Any = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from members(annotation)
        else:
            yield field.alias, False
    for part in dependant.dependencies:
        yield from _parameters(part)


def read_query(model: type[Query], pairs: list[tuple[str, str]]) -> Query:
    """A query that did not come as one, as strictly read; Problem `invalid-parameters`."""
    repeatable = dict(members(model))
    check_query(pairs, repeatable)
    values = {name: [value for other, value in pairs if other == name] for name, _ in pairs}
    try:
        return model(**{n: given if repeatable[n] else given[0] for n, given in values.items()})
    except ValidationError as error:
        told = ({**detail, "loc": ("query", *detail["loc"])} for detail in error.errors())
        raise refuse(*from_validation(told)) from None


def members(model: type[BaseModel]) -> Iterator[tuple[str, bool]]:
    """Each parameter of a query model, and whether it may be repeated."""
    for name, info in model.model_fields.items():
        yield name, getattr(info.annotation, "__origin__", None) is list


def check_query(items: list[tuple[str, str]], repeatable: dict[str, bool]) -> None:
    """Problem `invalid-parameters` naming each unknown name and each repeated single one."""
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
        else:
            message = f"is not a parameter here; known: {known}"
            near = nearest_parameter(name, repeatable)
            faults.append(Fault("query", name[:100], message, near))
    if faults:
        raise refuse(*faults)
