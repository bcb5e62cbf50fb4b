"""What crosses the wire: the shape of every document, read or written."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self

import pycountry
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from app import dates, models
from app.errors import nearest

MAX_SOURCES = 50
MAX_ENTRIES = 200


# -- kinds of text ------------------------------------------------------------------------------


@dataclass(frozen=True)
class OneOf:
    """Annotates a text that must stand in a closed list; the error names the nearest that does."""

    allowed: tuple[str, ...]

    def check(self, value: str) -> str:
        """`value`, or a ValueError."""
        if value in self.allowed:
            return value
        near = nearest(value, self.allowed)
        hint = f"did you mean '{near}'? " if near else ""
        raise ValueError(f"{hint}allowed: {', '.join(self.allowed)}")

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.allowed)}


def printable(value: str) -> str:
    """`value`; ValueError where it is blank or holds what is not text (NUL, lone surrogates)."""
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise ValueError(f"holds the character U+{ord(character):04X}, which is not text")
    if not value.strip():
        raise ValueError("is blank; leave it out where it is not known")
    return value


def web_address(value: str) -> str:
    """`value` as written; ValueError unless it is an http or https address."""
    if not re.fullmatch(r"https?://[^\s/?#]+\S*", value, re.IGNORECASE):
        raise ValueError("give a web address that begins with http:// or https://")
    return value


def edtf(value: str) -> str:
    """`value` as written; ValueError (DateError) unless it is an EDTF date."""
    dates.parse(value)
    return value


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, and XK, the code in use for Kosovo."""
    return frozenset(country.alpha_2 for country in pycountry.countries) | {"XK"}


def country_code(name: str) -> str | None:
    """The alpha-2 code of a country by its name or alpha-3 code; None where it is neither."""
    try:
        return str(pycountry.countries.lookup({"uk": "GB"}.get(name.lower(), name)).alpha_2)
    except LookupError:
        return None


def country(value: str) -> str:
    """`value`; ValueError unless it is the code of a country."""
    if value not in countries():
        raise ValueError("give an ISO 3166-1 alpha-2 code in capitals, such as RS")
    return value


def decimal(value: Any) -> Any:
    """A decimal's text as written; a JSON number is taken as its shortest text."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", value):
        raise ValueError('give a plain decimal such as "400" or "15.4", without an exponent')
    return value


Printable = AfterValidator(printable)
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG, min_length=1, max_length=100)]
Word = Annotated[str, StringConstraints(max_length=100), Printable]
Line = Annotated[str, StringConstraints(max_length=500), Printable]
Prose = Annotated[str, StringConstraints(max_length=10_000), Printable]
Url = Annotated[str, StringConstraints(max_length=2000), Printable, AfterValidator(web_address)]
Edtf = Annotated[str, AfterValidator(edtf)]
Country = Annotated[str, AfterValidator(country)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Number = Annotated[str, BeforeValidator(decimal)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]

Status = Annotated[str, OneOf(models.STATUSES)]
CitationRole = Annotated[str, OneOf(models.CITATION_ROLES)]
Claim = Annotated[str, OneOf(models.CLAIMS)]
Qualifier = Annotated[str, OneOf(models.QUALIFIERS)]
RelationKind = Annotated[str, OneOf(models.RELATIONS)]
ActorKind = Annotated[str, OneOf(models.ACTOR_KINDS)]
SourceKind = Annotated[str, OneOf(models.SOURCE_KINDS)]


class Shape(BaseModel):
    """A document that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# -- parts that are read as they are written ------------------------------------------------------


class Quantity(Shape):
    """A number with its unit, exactly as far as the source gives it."""

    measure: Word = Field(description="What is measured.", examples=["gas volume"])
    value: Number = Field(description="A decimal, as written.", examples=["400000000"])
    max_value: Number | None = Field(None, description="The upper end of `between`.")
    qualifier: Qualifier = Field("exactly", examples=["exactly"])
    unit: Word | None = Field(
        None,
        description="An ISO 4217 code for money, else a unit symbol; case counts.",
        examples=["m3"],
    )
    text: Line | None = Field(
        None, description="What the source said.", examples=["400 million cubic meters"]
    )

    @model_validator(mode="after")
    def _between(self) -> Self:
        if (self.qualifier == "between") != (self.max_value is not None):
            raise ValueError("`max_value` belongs to the qualifier `between`, and only to it")
        if self.max_value is not None and Decimal(self.max_value) < Decimal(self.value):
            raise ValueError("`max_value` is less than `value`")
        return self


class Related(Shape):
    """A link to another event."""

    event: Slug = Field(
        description="Id of the other event.", examples=["serbia-azerbaijan-gas-contract"]
    )
    relation: RelationKind = Field(
        description="What this event is to the other: it implements that one, say.",
        examples=["implements"],
    )


# -- vocabulary -----------------------------------------------------------------------------------


class TypeWrite(Shape):
    id: Slug
    label: Line
    description: Prose | None = None


class ActorWrite(Shape):
    id: Slug | None = None
    name: Line
    kind: ActorKind | None = None
    country: Country | None = None
    aliases: list[Line] = Field(default=[], max_length=MAX_ENTRIES)
    url: Url | None = None


class PlaceWrite(Shape):
    id: Slug | None = None
    name: Line
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give `latitude` and `longitude` together, or neither")
        return self


class SourceFields(Shape):
    """What is known of a source; everything may be unknown, but not all."""

    publisher: Line | None = None
    title: Line | None = None
    author: Line | None = None
    url: Url | None = None
    archive_url: Url | None = None
    published: Edtf | None = None
    accessed: Edtf | None = None
    language: Language | None = None
    kind: SourceKind | None = None

    def identified(self) -> bool:
        """Whether a publisher, a title, a URL or a date is known."""
        return any((self.publisher, self.title, self.url, self.published, self.accessed))


class SourceWrite(SourceFields):
    id: Slug | None = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if not self.identified():
            raise ValueError("a source needs at least a publisher, a title, a URL or a date")
        return self


# -- an event as it is written --------------------------------------------------------------------


class DateWrite(Shape):
    edtf: Edtf
    text: Line | None = None


class ActorReference(Shape):
    """An actor by id or by name; created where no actor bears the name."""

    id: Slug | None = None
    name: Line | None = None
    kind: ActorKind | None = None
    country: Country | None = None
    aliases: list[Line] | None = Field(None, max_length=MAX_ENTRIES)
    url: Url | None = None
    role: Slug | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.name is None:
            raise ValueError("give the actor's `id` or its `name`")
        return self


class PlaceReference(Shape):
    """A place by id or by name; created where no place bears the name."""

    id: Slug | None = None
    name: Line | None = None
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.name is None:
            raise ValueError("give the place's `id` or its `name`")
        return self


class CitationFields(Shape):
    """The link between an event and a source."""

    role: CitationRole = "supports"
    claims: list[Claim] = Field(default=[], max_length=len(models.CLAIMS))
    quote: Prose | None = None
    locator: Line | None = None
    note: Prose | None = None


class SourceReference(SourceFields, CitationFields):
    """A source by id or by its own fields, together with its citation."""

    id: Slug | None = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.id is None and not self.identified():
            raise ValueError(
                "give the source's `id`, or at least its publisher, title, URL or a date"
            )
        return self


class EventWrite(Shape):
    id: Slug | None = None
    type: Slug
    title: Line
    summary: Prose | None = None
    date: Annotated[DateWrite, BeforeValidator(lambda v: {"edtf": v} if isinstance(v, str) else v)]
    status: Status | None = None
    actors: list[ActorReference] = Field(default=[], max_length=MAX_ENTRIES)
    places: list[PlaceReference] = Field(default=[], max_length=MAX_ENTRIES)
    quantities: list[Quantity] = Field(default=[], max_length=MAX_ENTRIES)
    tags: list[Word] = Field(default=[], max_length=MAX_ENTRIES)
    related: list[Related] = Field(default=[], max_length=MAX_ENTRIES)
    sources: list[SourceReference] = Field(min_length=1, max_length=MAX_SOURCES)

    @model_validator(mode="after")
    def _supported(self) -> Self:
        if not any(source.role == "supports" for source in self.sources):
            raise ValueError("an event needs at least one source with the role `supports`")
        return self


# -- as they are read -----------------------------------------------------------------------------


class Date(Shape):
    """When it happened, exactly as far as it is known."""

    edtf: str = Field(
        description="The date as EDTF (ISO 8601-2), as it was written.", examples=["2023-11"]
    )
    text: str | None = Field(
        description="What the source said, verbatim.", examples=["In November 2023"]
    )
    earliest: str | None = Field(
        description="The first day it may have begun; null where open or unknown.",
        examples=["2023-11-01"],
    )
    latest: str | None = Field(
        description="The last day it may have ended; null where open or unknown.",
        examples=["2023-11-30"],
    )
    precision: Annotated[str, OneOf(dates.PRECISIONS)] = Field(
        description="How finely the date is given; the leftmost unknown digit decides.",
        examples=["month"],
    )
    uncertain: bool = Field(description="The date bears `?` or `%`.", examples=[False])
    approximate: bool = Field(description="The date bears `~` or `%`.", examples=[False])
    label: str = Field(description="The date in words.", examples=["November 2023"])


class EventActor(Shape):
    """An actor and the part it had in the event."""

    id: Slug = Field(examples=["srbijagas"])
    name: str = Field(examples=["Srbijagas"])
    kind: ActorKind | None
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    role: Slug | None = Field(examples=["buyer"])


class Place(Shape):
    """Where it happened."""

    id: Slug = Field(examples=["belgrade"])
    name: str = Field(examples=["Belgrade"])
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    latitude: float | None = Field(examples=[44.8125])
    longitude: float | None = Field(examples=[20.4612])


class SourcePublic(Shape):
    """Who reported, where and when; null is what is not known."""

    id: Slug = Field(examples=["balkan-insight-2023-11-15"])
    publisher: str | None = Field(examples=["Balkan Insight"])
    title: str | None
    author: str | None
    url: str | None
    archive_url: str | None
    published: str | None = Field(description="EDTF.", examples=["2023-11-15"])
    accessed: str | None = Field(description="EDTF.")
    language: str | None
    kind: SourceKind | None = Field(examples=["news"])


class Citation(SourcePublic):
    """A source together with what it says of this event."""

    role: CitationRole = Field(examples=["supports"])
    claims: list[Claim] = Field(
        description="The fields of the event it backs.", examples=[["date", "actors"]]
    )
    quote: str | None
    locator: str | None = Field(description="Where in the source.")
    note: str | None


class Event(Shape):
    """A dated event with its sources. Every key is always present; null is what is not known."""

    id: Slug = Field(examples=["serbia-azerbaijan-gas-contract"])
    type: Slug = Field(description="Id of its type.", examples=["contract"])
    title: str = Field(examples=["Srbijagas and SOCAR signed gas supply contract"])
    summary: str | None
    date: Date
    status: Status | None = Field(description="Null where it is not known.", examples=["completed"])
    actors: list[EventActor]
    places: list[Place]
    quantities: list[Quantity]
    tags: list[str] = Field(description="Names of its tags.", examples=[["natural gas"]])
    related: list[Related] = Field(
        description="The links that this event states; `related_to` finds them from either end."
    )
    sources: list[Citation] = Field(description="One at least supports the event.")
    version: int = Field(ge=1, description="Counts the event's own edits, from 1.")
    created_at: str = Field(description="RFC 3339, UTC.")
    updated_at: str = Field(description="RFC 3339, UTC.")


class Counted(Shape):
    """An entry of the vocabulary and how many events bear it."""

    events: int = Field(ge=0, description="How many events bear it.")


class Type(Counted):
    id: Slug = Field(examples=["contract"])
    label: str = Field(examples=["Contract"])
    description: str | None


class Actor(Counted):
    id: Slug = Field(examples=["serbia"])
    name: str = Field(examples=["Serbia"])
    kind: ActorKind | None
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    aliases: list[str]
    url: str | None


class CountedPlace(Place, Counted):
    """A place and how many events happened there."""


class Named(Counted):
    """A publisher or a tag."""

    id: Slug
    name: str


class Source(SourcePublic, Counted):
    """A source and how many events cite it."""


# -- pages and errors -----------------------------------------------------------------------------


class Page(Shape):
    """Some of a list. Where `next` is null, the list ends."""

    total: int | None = Field(description="How many there are in all; null with `total=none`.")
    next: str | None = Field(description="Absolute URL of what follows; null at the end.")


class ListedEvent(Event):
    """An event in a list; with the parameter `fields`, only those members."""

    match: Annotated[str, OneOf(("certain", "possible"))] | None = Field(
        None, description="With `date`: how it matched. Left out without."
    )


class EventPage(Page):
    items: list[ListedEvent]


class TypePage(Page):
    items: list[Type]


class ActorPage(Page):
    items: list[Actor]


class PlacePage(Page):
    items: list[CountedPlace]


class NamedPage(Page):
    items: list[Named]


class SourcePage(Page):
    items: list[Source]


class Health(Shape):
    status: str = Field(examples=["ok"])


class ProblemKind(Shape):
    """A kind of error and what to do about it."""

    code: str = Field(examples=["invalid-parameters"])
    status: int = Field(examples=[422])
    title: str
    advice: str


class ProblemError(Shape):
    """One thing that was wrong."""

    where: str = Field(alias="in", description="`query`, `path` or `body`.", examples=["query"])
    name: str = Field(examples=["tpye"])
    message: str = Field(examples=["is not a parameter here; known: actor, …"])
    suggestion: str | None = Field(None, description="What would be right.", examples=["type"])


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str = Field(
        description="A URL that explains the kind.", examples=["/problems/invalid-parameters"]
    )
    title: str
    status: int = Field(examples=[422])
    detail: str
    errors: list[ProblemError] | None = Field(None, description="Each thing that was wrong.")


class FacetValue(Shape):
    """A value and how many events bear it."""

    value: str = Field(description="What the filter takes.", examples=["contract"])
    label: str = Field(description="For people.", examples=["Contract"])
    count: int = Field(ge=1)


class Facets(Shape):
    """Counts by value, for each dimension asked for."""

    total: int = Field(ge=0, description="How many events the filter finds.")
    facets: dict[str, list[FacetValue]]


class Bucket(Shape):
    """A calendar span and how many events may, or certainly do, fall into it."""

    start: str = Field(description="Its first day, ISO 8601.", examples=["2023-01-01"])
    end: str = Field(description="Its last day, ISO 8601.", examples=["2023-12-31"])
    label: str = Field(description="For people.", examples=["2023"])
    certain: int = Field(ge=0)
    possible: int = Field(ge=0, description="Includes the certain.")


class Histogram(Shape):
    """Counts by time, in order, none left out."""

    interval: str = Field(examples=["year"])
    buckets: list[Bucket]
