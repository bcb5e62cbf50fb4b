"""What a query string may say: a field a parameter, with its meaning, its words and an example.

All the examples, but those of `place` and `bbox`, together find the gas contract of the seed data.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app import dates, models, schemas
from app.errors import nearest
from app.filters.meaning import (
    Amount,
    AtLeast,
    Box,
    FullText,
    KnownBy,
    Meaning,
    Overlap,
    RelatedTo,
    TakingPart,
    Terms,
    a_country,
    a_status,
    ids_of,
    ids_or_names_of,
)

MAX_VALUES = 50
PAGE = 200
INTERVALS = ("year", "quarter", "month", "week", "day")
FACETS = (
    *("type", "actor", "role", "place", "country"),
    *("tag", "publisher", "source", "status"),
)


def _value(value: str) -> str:
    """A value of a repeatable parameter, `!` in front where it must not be borne."""
    if not value.removeprefix("!").strip():
        raise ValueError("is empty; leave the parameter out or give a value")
    return schemas.printable(value)


def _not_excluded(value: str) -> str:
    if value.startswith("!"):
        raise ValueError("takes the id of an event; `!` excludes nothing here")
    return value


def _window(value: str) -> str:
    dates.parse_window(value)
    return value


def _moment(value: str) -> str:
    """A timestamp as the store writes it: UTC, microseconds."""
    # In a query string an unescaped + is a space.
    written = re.sub(r" (\d\d(:?\d\d)?)$", r"+\1", value).upper()
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


def _box(value: str) -> str:
    """`west,south,east,north` in degrees."""
    try:
        west, south, east, north = (float(schemas.decimal(part)) for part in value.split(","))
    except ValueError:
        raise ValueError("give west,south,east,north in degrees: 18.8,42.2,23.0,46.2") from None
    if not (abs(west) <= 180 and abs(east) <= 180 and abs(south) <= 90 and abs(north) <= 90):
        raise ValueError("longitudes run from -180 to 180, latitudes from -90 to 90")
    if south > north:
        raise ValueError("the second number, south, is greater than the fourth, north")
    return value


def _fields(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in schemas.Event.model_fields:
            near = nearest(name, schemas.Event.model_fields)
            hint = f"; did you mean '{near}'?" if near else "."
            known = ", ".join(schemas.Event.model_fields)
            raise ValueError(f"'{name[:40]}' is not a field of an event{hint} Fields: {known}")
    return ",".join(names)


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,9}", value):
        raise ValueError("give a whole number in digits")
    return value


def _says(pattern: str, longest: int | None = None, **more: Any) -> WithJsonSchema:
    """What the API reference says of a text: as much as a pattern can."""
    length = {} if longest is None else {"maxLength": longest}
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", **length, **more})


LONGEST = 500
SLUG = schemas.SLUG.strip("^$")
EDTF = "[-0-9ESXY/.]+"  # the characters of a date that may be asked for
MOMENT = "[-+0-9WTtZz:., ]+"
MEMBERS = "|".join(schemas.Event.model_fields)

Count = Annotated[int, BeforeValidator(_digits)]
Value = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_value)]
Many = Field(max_length=MAX_VALUES)
Ids = Annotated[list[Annotated[Value, _says(f"!?{SLUG}", LONGEST)]], Many]
Codes = Annotated[list[Annotated[Value, _says("!?[A-Z]{2}")]], Many]
Names = Annotated[list[Annotated[Value, _says(rf"(?!!?\s*$){schemas.TEXT}", LONGEST)]], Many]
Statuses = Annotated[list[Annotated[Value, _says(f"!?({'|'.join(models.STATUSES)})")]], Many]
Word = Annotated[
    str,
    StringConstraints(max_length=LONGEST),
    AfterValidator(schemas.printable),
    _says(rf"(?!\s*$){schemas.TEXT}", LONGEST),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
Number = Annotated[schemas.Number, _says(schemas.DECIMAL)]
Window = Annotated[str, AfterValidator(_window), _says(EDTF, dates.MAX_LENGTH)]
Cursor = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), _says("[A-Za-z0-9_-]+={0,2}", 1000)
]
NOT = "Repeat it for any of several; `!` in front excludes."
OVERLAP, PART, AMOUNT = Overlap(), TakingPart(), Amount()


class EventFilter(BaseModel):
    """Which events: the same parameters for every endpoint that returns events."""

    model_config = ConfigDict(frozen=True)

    date: Annotated[Window | None, OVERLAP] = Field(
        None,
        description="When, as an EDTF expression: `2023`, `2023-11`, `2023-11-01/2023-12-15`, "
        "`2023-11/..`, `../2020`. Both ends count. A set or a `?`, `~`, `%` is an error.",
        examples=["2023-11"],
    )
    match: Annotated[Literal["possible", "certain"] | None, OVERLAP] = Field(
        None,
        description="With `date`: `possible` (as without it) gives every event that may overlap, "
        "`certain` those that do in any case.",
        examples=["possible"],
    )
    q: Annotated[Text | None, FullText()] = Field(
        None,
        description="Full text over title, summary, actors and their aliases, places, tags and "
        'sources: all words, `"quoted phrase"`, `word*`. Case and diacritics do not count; a '
        "prefix needs three letters; no text is an error.",
        examples=["natural gas"],
    )
    known_by: Annotated[Window | None, KnownBy()] = Field(
        None,
        description="An EDTF date: events that a source had reported by its last day. The day of "
        "publication counts, only where that is unknown the day of access.",
        examples=["2023"],
    )
    type: Annotated[Ids, Terms("type", ids_of("type"))] = Field(
        [], description=f"Id of a type (`/types`). {NOT}", examples=[["contract"]]
    )
    actor: Annotated[Ids, PART] = Field(
        [], description=f"Id of an actor (`/actors`). {NOT}", examples=[["srbijagas"]]
    )
    role: Annotated[Ids, PART] = Field(
        [],
        description=f"Part that an actor had; with `actor`, that same actor. {NOT}",
        examples=[["buyer"]],
    )
    place: Annotated[Ids, Terms("place", ids_of("place"))] = Field(
        [], description=f"Id of a place (`/places`). {NOT}", examples=[["belgrade"]]
    )
    country: Annotated[Codes, Terms("country", a_country)] = Field(
        [],
        description=f"ISO 3166-1 alpha-2 code of an actor's or a place's country. {NOT}",
        examples=[["RS"]],
    )
    bbox: Annotated[
        Annotated[str, AfterValidator(_box), _says(",".join([schemas.DECIMAL] * 4))] | None, Box()
    ] = Field(
        None,
        description="`west,south,east,north` in degrees: events with a place in that box, edges "
        "included. A west greater than the east crosses the antimeridian.",
        examples=["18.8,42.2,23.0,46.2"],
    )
    tag: Annotated[Names, Terms("tag", ids_or_names_of("tag"))] = Field(
        [],
        description="Id or exact name of a tag (`/tags`); an unknown one finds nothing. " + NOT,
        examples=[["natural-gas"]],
    )
    publisher: Annotated[Names, Terms("publisher", ids_or_names_of("publisher"))] = Field(
        [],
        description="Id or exact name of a publisher (`/publishers`) of a cited source; an unknown "
        "one finds nothing. " + NOT,
        examples=[["Balkan Insight"]],
    )
    source: Annotated[Ids, Terms("source", ids_of("source"))] = Field(
        [],
        description=f"Id of a cited source (`/sources`). {NOT}",
        examples=[["balkan-insight-2023-11-15"]],
    )
    min_publishers: Annotated[
        Annotated[int, Field(ge=1, le=1000), BeforeValidator(_digits)] | None,
        AtLeast("min_publishers", "publishers"),
    ] = Field(
        None,
        description="At least so many distinct known publishers support it. An unknown one never "
        "counts.",
        examples=[2],
    )
    status: Annotated[Statuses, Terms("status", a_status)] = Field(
        [],
        description=f"`planned`, `ongoing`, `completed` or `cancelled`. {NOT}",
        examples=[["completed"]],
    )
    measure: Annotated[Word | None, AMOUNT] = Field(
        None,
        description="What a quantity measures. With the next three: one and the same quantity.",
        examples=["gas volume"],
    )
    unit: Annotated[Word | None, AMOUNT] = Field(
        None,
        description="Unit of the quantity, or one that converts into it (`bcm`, `m3`); an ISO 4217 "
        "code for money, which never converts. Case counts.",
        examples=["bcm"],
    )
    min_value: Annotated[Number | None, AMOUNT] = Field(
        None,
        description="With `unit`: the quantity may be this much or more. `about` is ± 10 %, "
        "`at-least` has no upper end.",
        examples=["0.3"],
    )
    max_value: Annotated[Number | None, AMOUNT] = Field(
        None, description="With `unit`: the quantity may be this much or less.", examples=["0.5"]
    )
    related_to: Annotated[
        Annotated[Value, AfterValidator(_not_excluded), _says(SLUG, LONGEST)] | None, RelatedTo()
    ] = Field(
        None,
        description="Id of an event: those linked to it, in either direction.",
        examples=["azerbaijan-gas-deliveries-to-serbia"],
    )
    updated_since: Annotated[
        Annotated[str, AfterValidator(_moment), _says(MOMENT)] | None,
        AtLeast("updated_since", "updated_at"),
    ] = Field(
        None,
        description="Timestamp with an offset: events created or edited at or after it.",
        examples=["2024-02-06T12:00:00Z"],
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        given = self.model_fields_set
        for name, needed, why in (
            ("match", "date", "certain or possible is said of a date"),
            ("min_value", "unit", "a number means nothing without its unit"),
            ("max_value", "unit", "a number means nothing without its unit"),
        ):
            if name in given and getattr(self, needed) is None:
                raise misplaced(name, f"needs `{needed}`: {why}")
        if self.min_value and self.max_value and Decimal(self.min_value) > Decimal(self.max_value):
            raise misplaced("min_value", "is greater than `max_value`")
        return self

    @property
    def window(self) -> dates.Window | None:
        """The days that `date` asks for."""
        return None if self.date is None else dates.parse_window(self.date)

    @property
    def meanings(self) -> list[Meaning]:
        """What the parameters that were given mean, each once."""
        fields = EventFilter.model_fields
        given = [fields[name].metadata for name in fields if name in self.model_fields_set]
        found = (note for notes in given for note in notes if isinstance(note, Meaning))
        return list(dict.fromkeys(found))


class EventQuery(EventFilter):
    """A page of events: the filter, and how to list what it finds."""

    sort: Literal["date", "-date", "updated", "-updated", "relevance"] = Field(
        "date",
        description="`date` is timeline order (by earliest day, or where that is open by latest, "
        "then by id); `updated` is the order of the last edit; `-` reverses exactly. `relevance`, "
        "with `q`, lists the newest 1,000 hits, the best first.",
        examples=["date"],
    )
    limit: Count = Field(50, ge=1, le=PAGE, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None,
        description="Where to go on: the `cursor` of the last answer's `next`. Opaque; it belongs "
        "to its filter and sort.",
    )
    fields: (
        Annotated[str, AfterValidator(_fields), _says(rf"\s*({MEMBERS})\s*(,\s*({MEMBERS})\s*)*")]
        | None
    ) = Field(
        None,
        description="Only these members of each event, separated by commas; `match` comes with "
        "`date` all the same.",
        examples=["id,title,date"],
    )
    total: Literal["exact", "none"] = Field(
        "exact", description="`none` skips the counting and gives null.", examples=["exact"]
    )

    @model_validator(mode="after")
    def _relevance_needs_q(self) -> Self:
        if self.sort == "relevance" and self.q is None:
            raise misplaced("sort", "`relevance` needs `q`: it is relevance to a text")
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """What a cursor belongs to: filter and sort, whatever the page size or the fields."""
        return self.model_dump(
            mode="json", exclude_defaults=True, exclude={"limit", "cursor", "fields", "total"}
        )


class FacetQuery(EventFilter):
    """Which dimensions to count the filtered events by."""

    by: Annotated[list[Annotated[str, schemas.OneOf(FACETS)]], Field(min_length=1)] = Field(
        description=f"What to count by: {', '.join(f'`{name}`' for name in FACETS)}. Repeat it "
        "for several.",
        examples=[["type", "actor"]],
    )
    limit: Count = Field(
        100, ge=1, le=1000, description="How many values of each at most.", examples=[100]
    )


class HistogramQuery(EventFilter):
    """How to cut the time of the filtered events."""

    interval: Annotated[str, schemas.OneOf(INTERVALS)] = Field(
        description="Calendar spans: `year`, `quarter`, `month`, `week` (ISO 8601) or `day`.",
        examples=["year"],
    )


class RevisionsQuery(BaseModel):
    """A page of revisions."""

    limit: Count = Field(50, ge=1, le=PAGE, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )


class ChangesQuery(BaseModel):
    """A stretch of the change feed."""

    after: Cursor | None = Field(
        None,
        description="The `cursor` of the last change that you have seen; without, from the "
        "beginning.",
    )
    limit: Count = Field(50, ge=1, le=PAGE, description="How many at most.", examples=[50])


class VocabularyQuery(BaseModel):
    """A page of a vocabulary."""

    q: Text | None = Field(
        None,
        description='Words of the name, aliases or description; `"a phrase"`, `prefix*`. Case '
        "and diacritics do not count.",
    )
    limit: Count = Field(50, ge=1, le=PAGE, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )
    total: Literal["exact", "none"] = Field(
        "exact", description="`none` skips the counting and gives null.", examples=["exact"]
    )


def misplaced(name: str, message: str) -> PydanticCustomError:
    """An error of one parameter that only the whole query shows."""
    return PydanticCustomError("misplaced", "{message}", {"name": name, "message": message})
