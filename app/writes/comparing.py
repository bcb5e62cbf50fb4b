"""Compare an actor, place or source as an event gives it with a stored one."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple

from app.json_types import Json
from app.words import fold
from app.writes.journal import Revision

MAX_DISTANCE_KM = 10.0  # between two pairs of coordinates of one place
EARTH_RADIUS_KM = 6371.0
EMPTY_VALUES: tuple[Any, ...] = (None, [])  # null and empty say that there is none


class Deviation(NamedTuple):
    """A field whose value in the event differs from the stored one."""

    field: str
    stored: Any
    value: Any

    @property
    def lacking(self) -> bool:
        """Return whether nothing is stored."""
        return self.stored in EMPTY_VALUES

    @property
    def merged(self) -> Any:
        """Return the value to store: aliases are added to the stored ones, others replace."""
        if self.field == "aliases":
            return [*self.stored, *_new_aliases(self.value, {"aliases": self.stored})]
        return self.value


def count_agreeing_marks(fields: Mapping[str, Any], stored: Json) -> int | None:
    """Count the marks (country, kind, coordinates) that agree; None if one contradicts.

    A mark that one of the two lacks counts for nothing.
    """
    count = 0
    for mark in ("country", "kind"):
        one, other = fields.get(mark), stored.get(mark)
        if one is not None and other is not None:
            if one != other:
                return None
            count += 1
    here, there = _coordinates(fields), _coordinates(stored)
    if here and there:
        if distance_km(here, there) > MAX_DISTANCE_KM:
            return None
        count += 1
    return count


def _coordinates(place: Mapping[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = place.get("latitude"), place.get("longitude")
    return None if latitude is None or longitude is None else (latitude, longitude)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance of two points in degrees (haversine)."""
    (south, west), (north, east) = (tuple(map(radians, point)) for point in (one, other))
    rise, run = sin((north - south) / 2) ** 2, sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(rise + cos(south) * cos(north) * run)))


def find_deviations(
    fields: Iterable[str], values: Mapping[str, Any], stored: Json, nulls: Collection[str] = ()
) -> Iterator[Deviation]:
    """Yield each field that the stored record lacks or has otherwise.

    A null or empty value is no statement, unless its field is in `nulls`.
    """
    for field in fields:
        value, there = values[field], stored[field]
        if value == there or (
            value in EMPTY_VALUES and (field not in nulls or there in EMPTY_VALUES)
        ):
            continue
        if (
            there in EMPTY_VALUES
            or value in EMPTY_VALUES
            or not is_repetition(field, value, stored)
        ):
            yield Deviation(field, there, value)


def is_repetition(field: str, value: Any, stored: Json) -> bool:
    """Return whether a value says no more than the record: an alias or another case of a name."""
    same = SAME_VALUES.get(field)
    return bool(value == stored[field] if same is None else same(value, stored))


def _folded_names(record: Json) -> set[str]:
    """Return the folded names that a record goes by."""
    names = (record.get("name"), *(record.get("aliases") or ()))
    return {fold(name) for name in names if name is not None}


def _new_aliases(aliases: Iterable[str], record: Json) -> list[str]:
    """Return the aliases that are no name of the record yet."""
    names = _folded_names(record)
    return [alias for alias in dict.fromkeys(aliases) if fold(alias) not in names]


# Fields whose values are the same if their folded names are.
SAME_VALUES: Mapping[str, Callable[[Any, Json], bool]] = {
    "name": lambda name, record: fold(name) in _folded_names(record),
    "aliases": lambda aliases, record: not _new_aliases(aliases, record),
    "publisher": lambda name, record: fold(name) == fold(record["publisher"] or ""),
}


class FieldHistory(NamedTuple):
    """The revisions of a record that matter to a new value of one field."""

    removal: Revision | None  # the last one that replaced or removed the value
    last_edit: Revision | None  # the last one that changed the field


def read_field_history(deviation: Deviation, revisions: Iterable[Revision]) -> FieldHistory:
    """Return who removed the given value, and who last changed its field; None for nobody."""
    removal = last_edit = before = None
    was_there = False
    for revision in revisions:
        document = json.loads(revision.body) if revision.body else None
        is_there = document is not None and _document_had(deviation, document)
        if was_there and not is_there:
            removal = revision
        was_there = is_there
        if document is not None:
            if before is not None and before.get(deviation.field) != document.get(deviation.field):
                last_edit = revision
            before = document
    return FieldHistory(removal, last_edit)


def _document_had(deviation: Deviation, document: Json) -> bool:
    """Return whether a revision has the given value, or of aliases one that is now missing."""
    if deviation.field == "aliases":
        new = _new_aliases(deviation.value, {"aliases": deviation.stored})
        return len(_new_aliases(new, document)) < len(new)
    there = document[deviation.field]
    return there not in EMPTY_VALUES and is_repetition(deviation.field, deviation.value, document)
