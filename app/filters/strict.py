"""Read a query string strictly: no unknown parameters, and no repeated single ones."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.errors import Fault, from_validation, refuse
from app.filters.foreign_names import hint, nearest_parameter

Query = TypeVar("Query", bound=BaseModel)
MAX_FAULTS = 20  # in one answer; a URL has room for thousands


def read_query(model: type[Query], pairs: list[tuple[str, str]]) -> Query:
    """Return the query of these pairs. Raise Problem `invalid-parameters` if one is not valid."""
    check_query(pairs, members(model), getattr(model, "NOT_HERE", {}))
    return validate_query(model, pairs)


def validate_query(model: type[Query], pairs: list[tuple[str, str]]) -> Query:
    """Return the query of pairs whose names are known.

    Raise Problem `invalid-parameters` if a value is not valid.
    """
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
        details = ({**detail, "loc": ("query", *detail["loc"])} for detail in error.errors())
        raise refuse(*from_validation(details)) from None


@cache
def members(model: type[BaseModel]) -> Mapping[str, bool]:
    """Return each parameter of a query model, and whether it may be repeated."""
    return {
        name: getattr(info.annotation, "__origin__", None) is list
        for name, info in model.model_fields.items()
    }


def check_query(
    items: list[tuple[str, str]], repeatable: Mapping[str, bool], foreign: Mapping[str, str]
) -> None:
    """Raise Problem `invalid-parameters` if a name is unknown, or a single one is repeated.

    `foreign` says why parameters of other paths have no meaning here.
    """
    counts = Counter(name for name, _ in items)
    wrong_names = [
        name
        for name, times in counts.items()
        if name not in repeatable or (times > 1 and not repeatable[name])
    ]
    names = ", ".join(sorted(repeatable)) or "none"
    faults = []
    for name in wrong_names[:MAX_FAULTS]:
        if name in repeatable:
            faults.append(Fault("query", name, "may be given only once; keep one of them"))
        elif name in foreign:
            faults.append(Fault("query", name, f"is not a parameter here: {foreign[name]}"))
        else:
            value = next(value for item_name, value in items if item_name == name)
            advice = hint(name, value)
            message = f"is not a parameter here; {f'{advice}; ' if advice else ''}known: {names}"
            near = nearest_parameter(name, repeatable)
            faults.append(Fault("query", name[:100], message, near))
    if faults:
        raise refuse(*faults)
