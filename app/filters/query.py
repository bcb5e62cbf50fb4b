"""What a query string may say. Each field is one parameter, with its meaning and an example.

All the examples together still find an event of the seed data, Aliyev's visit of 2022.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app import dates, schemas
from app.errors import nearest

MAX_VALUES = 50
PAGE = 200


def _value(value: str) -> str:
    """A value of a repeatable parameter, `!` in front where it must not be borne."""
    if not value.removeprefix("!").strip():
        raise ValueError("is empty; leave the parameter out or give a value")
    return schemas.printable(value)


def _window(value: str) -> str:
    dates.parse_window(value)
    return value


def _moment(value: str) -> str:
    """A timestamp as the store writes it: UTC, microseconds."""
    # In a query string an unescaped + is a space.
    written = re.sub(r" (\d\d:?\d\d)$", r"+\1", value)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in written:
        raise ValueError("give a timestamp with an offset, such as 2024-02-06T12:00:00Z")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _fields(value: str) -> str:
    for name in value.split(","):
        if name not in schemas.Event.model_fields:
            near = nearest(name, schemas.Event.model_fields)
            hint = f"; did you mean '{near}'?" if near else ""
            known = ", ".join(schemas.Event.model_fields)
            raise ValueError(f"'{name[:40]}' is not a field of an event{hint} Fields: {known}")
    return value


Value = Annotated[str, StringConstraints(max_length=500), AfterValidator(_value)]
Values = Annotated[list[Value], Field(max_length=MAX_VALUES)]
NOT = "Repeat it for any of several; `!` in front excludes."


class EventFilter(BaseModel):
    """Which events: the same parameters for every endpoint that returns events."""

    model_config = ConfigDict(frozen=True)

    date: Annotated[str, AfterValidator(_window)] | None = Field(
        None,
        description="When, as an EDTF expression: `2023`, `2023-11`, `2023-11-01/2023-12-15`, "
        "`2023-11/..`, `../2020`. Both ends count. A set or a `?`, `~`, `%` is an error.",
        examples=["2022-11"],
    )
    match: Literal["possible", "certain"] = Field(
        "possible",
        description="With `date`: `possible` gives every event that may overlap it, `certain` "
        "those that do in any case.",
        examples=["possible"],
    )
    type: Values = Field([], description=f"Id of a type (`/types`). {NOT}", examples=[["visit"]])
    actor: Values = Field(
        [], description=f"Id of an actor (`/actors`). {NOT}", examples=[["ilham-aliyev"]]
    )
    role: Values = Field(
        [],
        description=f"Part that an actor had; with `actor`, that same actor. {NOT}",
        examples=[["visitor"]],
    )
    place: Values = Field(
        [], description=f"Id of a place (`/places`). {NOT}", examples=[["belgrade"]]
    )
    country: Values = Field(
        [],
        description=f"ISO 3166-1 alpha-2 code of an actor's or a place's country. {NOT}",
        examples=[["RS"]],
    )
    tag: Values = Field(
        [],
        description=f"Id or exact name of a tag (`/tags`). {NOT}",
        examples=[["bilateral-relations"]],
    )
    publisher: Values = Field(
        [],
        description=f"Id or exact name of a publisher (`/publishers`) of a cited source. {NOT}",
        examples=[["Eurasia Daily Monitor"]],
    )
    source: Values = Field(
        [],
        description=f"Id of a cited source (`/sources`). {NOT}",
        examples=[["unknown-publisher-2022-11-23"]],
    )
    status: Values = Field(
        [],
        description=f"`planned`, `ongoing`, `completed` or `cancelled`. {NOT}",
        examples=[["completed"]],
    )
    related_to: Annotated[Value, StringConstraints(pattern="^[^!]")] | None = Field(
        None,
        description="Id of an event: those linked to it, in either direction.",
        examples=["strategic-partnership-council"],
    )
    updated_since: Annotated[str, AfterValidator(_moment)] | None = Field(
        None,
        description="Timestamp with an offset: events created or edited at or after it.",
        examples=["2024-02-06T12:00:00Z"],
    )

    @model_validator(mode="after")
    def _match_needs_date(self) -> Self:
        if "match" in self.model_fields_set and self.date is None:
            raise _misplaced("match", "needs `date`: certain or possible is said of a date")
        return self

    @property
    def window(self) -> dates.Window | None:
        """The days that `date` asks for."""
        return None if self.date is None else dates.parse_window(self.date)


class EventQuery(EventFilter):
    """A page of events: the filter, and how to list what it finds."""

    sort: Literal["date", "-date", "updated", "-updated"] = Field(
        "date",
        description="`date` is timeline order (by earliest day, or where that is open by latest, "
        "then by id); `updated` is the order of the last edit; `-` reverses exactly.",
        examples=["date"],
    )
    limit: int = Field(50, ge=1, le=PAGE, description="How many at most.", examples=[50])
    cursor: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        None,
        description="Where to go on: the `cursor` of the last answer's `next`. Opaque; it belongs "
        "to its filter and sort.",
    )
    fields: Annotated[str, AfterValidator(_fields)] | None = Field(
        None,
        description="Only these members of each event, separated by commas.",
        examples=["id,title,date"],
    )
    total: Literal["exact", "none"] = Field(
        "exact", description="`none` skips the counting and gives null.", examples=["exact"]
    )

    @property
    def identity(self) -> dict[str, Any]:
        """What a cursor belongs to: filter and sort, whatever the page size or the fields."""
        return self.model_dump(
            mode="json", exclude_defaults=True, exclude={"limit", "cursor", "fields", "total"}
        )


def _misplaced(name: str, message: str) -> PydanticCustomError:
    """An error of one parameter that only the whole query shows."""
    return PydanticCustomError("misplaced", "{message}", {"name": name, "message": message})
