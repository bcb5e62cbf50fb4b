"""What a query string may say: a field a parameter, with its meaning, its words and an example.

All the examples, but those of `place` and `bbox`, together find the gas contract of the seed data.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

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
from typing_extensions import TypeAliasType

from app import dates, models, schemas, words
from app.errors import Fault, refuse, wrong
from app.filters.elsewhere import dimension_meant, interval_meant, order_meant, refuse_time
from app.filters.meaning import (
    Amount,
    AtLeast,
    Box,
    Countries,
    FullText,
    KnownBy,
    Meaning,
    Overlap,
    RelatedTo,
    Statuses,
    TakingPart,
    Terms,
    ids_of,
    ids_or_names_of,
    repeated,
)
from app.formats import CHOICES, FORMATS, Format
from app.suggestions import nearest

MAX_VALUES = 50
PAGE = 200
SORTS = ("date", "-date", "updated", "-updated", "relevance")
INTERVALS = ("millennium", "century", "decade", "year", "quarter", "month", "week", "day")
FINDINGS = (
    *("act-after-sources", "published-after-accessed", "published-in-future"),
    *("no-known-publisher", "single-publisher", "planned-overdue"),
)
# Of which an event may have several, and those of which it has one.
MANIFOLD = ("actor", "role", "place", "country", "tag", "publisher", "source")
SINGLE = ("type", "status")
FACETS = (
    *("type", "actor", "role", "place", "country"),
    *("tag", "publisher", "source", "status"),
)

Total = TypeAliasType("Total", Annotated[str, schemas.OneOf(("exact", "none"))])
Sort = TypeAliasType(
    "Sort",
    Annotated[str, schemas.OneOf(SORTS, order_meant)],
)
Interval = TypeAliasType("Interval", Annotated[str, schemas.OneOf(INTERVALS, interval_meant)])
FindingKind = TypeAliasType("FindingKind", Annotated[str, schemas.OneOf(FINDINGS)])

EMPTY = "is empty; leave the parameter out or give a value"


def _value(value: str) -> str:
    """A value of a repeatable parameter, `!` in front where it must not be borne."""
    if not value.removeprefix("!").strip():
        raise ValueError(EMPTY)
    return schemas.printable(value)


def _given(value: str) -> str:
    if not value:
        raise ValueError(EMPTY)
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError(EMPTY)
    return schemas.printable(value)


def _bounded(values: Any) -> Any:
    if isinstance(values, list) and len(values) > MAX_VALUES:
        raise ValueError(f"has {len(values)} values; give at most {MAX_VALUES}")
    return values


def _not_excluded(value: str) -> str:
    if value.startswith("!"):
        raise wrong("takes one value; `!` excludes nothing here", value[1:] or None)
    return value


def _one_value(name: str) -> Callable[[str], str]:
    """Refuses a list between commas of a closed list's names."""

    def check(value: str) -> str:
        if "," in value:
            raise ValueError(repeated(name, value[:LONGEST]))
        return value

    return check


def _manifold(value: str) -> str:
    """Refuse a parameter of which an event never has two values."""
    if value in SINGLE:
        raise ValueError(f"an event has one {value}: of several `{value}` it can only have any")
    return value


AllOf = TypeAliasType("AllOf", Annotated[str, AfterValidator(_manifold), schemas.OneOf(MANIFOLD)])
Facet = TypeAliasType(
    "Facet",
    Annotated[
        str,
        AfterValidator(_one_value("by")),
        AfterValidator(refuse_time),
        schemas.OneOf(FACETS, dimension_meant),
    ],
)


def _window(value: str) -> str:
    try:
        dates.parse_window(value)
    except dates.DateError as error:
        raise wrong(str(error), error.suggestion) from None
    return value


def _last_day(value: str) -> str:
    if dates.parse_window(value).last == dates.END:
        raise ValueError("has no last day; give a date that ends, such as 2020 or ../2020")
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
    return schemas.timestamp(moment)


def _box(value: str) -> str:
    """`west,south,east,north` in degrees."""
    parts = [part.strip(BLANKS) for part in value.split(",")]
    if len(parts) != len(SIDES):
        raise ValueError("give west,south,east,north in degrees: 18.8,42.2,23.0,46.2")
    for (side, most), part in zip(SIDES.items(), parts, strict=True):
        try:
            degrees = Decimal(schemas.decimal(part))
        except ValueError:
            raise ValueError(f"{side} is no plain decimal such as 18.8") from None
        if abs(degrees) > most:
            raise ValueError(f"{side} is not within -{most} to {most} degrees")
    _, south, _, north = map(Decimal, parts)
    if south > north:
        raise ValueError("south, the second number, is greater than north, the fourth")
    return ",".join(parts)


def _names(value: str) -> str:
    return ",".join(name.strip(BLANKS) for name in value.split(","))


def _fields(value: str) -> str:
    names = _names(value)
    if fault := _strange_fields(names, schemas.Event.model_fields, "an event"):
        raise wrong(fault.message, fault.suggestion)
    return names


def _strange_fields(value: str, known: Collection[str], what: str) -> Fault | None:
    """Return a fault if `what` lacks some of a list of fields; None if it has all."""
    names = value.split(",")
    unknown = [name for name in names if name not in known]
    if not unknown:
        return None
    meant = [name if name in known else nearest(name, known) for name in names]
    quoted = ", ".join(f"'{name[:40]}'" for name in unknown[:5])
    message = f"{quoted}: no field of {what}; fields: {', '.join(known)}"
    suggestion = ",".join(dict.fromkeys(filter(None, meant))) if all(meant) else None
    return Fault("query", "fields", message, suggestion)


def _list_of(names: str) -> str:
    """Return the pattern of some of these names, with commas between them."""
    return f"{GAP}({names}){GAP}(,{GAP}({names}){GAP})*"


def _takers(option: str) -> str:
    """Return the names of the formats that take an option."""
    return ", ".join(f"`{name}`" for name, made in FORMATS.items() if option in made.options)


def _only_for(option: str, made: Format) -> str:
    """Say which formats take an option, and why this one does not."""
    if option == "lossless":
        why = f"leave it out for {made.name}"
    elif made.latest is not None:
        why = f"{made.name} always holds the {made.latest} events that were last updated"
    else:
        why = f"{made.name} always holds all that the filter finds, in timeline order"
    return f"works only for {_takers(option)}; {why}"


def _whole(most: int) -> Callable[[Any], Any]:
    """Reads a whole number from 1 to `most`."""

    def read(value: Any) -> Any:
        written = isinstance(value, str)
        if written and not (re.fullmatch("[0-9]{1,9}", value) and 1 <= int(value) <= most):
            raise ValueError(f"give a whole number from 1 to {most}, in digits")
        return value

    return read


def _says(pattern: str, longest: int | None = None, **more: Any) -> WithJsonSchema:
    """What the API reference says of a text: as much as a pattern can."""
    length = {} if longest is None else {"maxLength": longest}
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", **length, **more})


LONGEST = 500
# With how far each may be from 0. A map that is scrolled sideways counts on, here ten times round;
# far more is no longitude, but metres of a projection.
SIDES = {"west": 3600, "south": 90, "east": 3600, "north": 90}
SLUG = schemas.SLUG.strip("^$")
EDTF = "[-0-9ESXY/.]+"  # the characters of a date that may be asked for
BLANKS = " \t\r\n"  # may stand around what commas separate; `\s` is not the same in every engine
GAP = r"[ \t\r\n]*"
DEGREES = rf"{GAP}{schemas.DECIMAL}{GAP}"
MOMENT = "[-+0-9WTtZz:., ]+"
UNMARKED = schemas.VISIBLE.replace("[^", "[^!")  # any visible character but `!`
# A text that is not blank and does not begin with `!`, and one that is not blank behind a `!`.
WORD = f"({schemas.BLANK}+{schemas.VISIBLE}|{UNMARKED}){schemas.CHARACTER}*"
NAME = f"((!{schemas.BLANK}*|{schemas.BLANK}+){schemas.VISIBLE}|{UNMARKED}){schemas.CHARACTER}*"
MEMBERS = "|".join(schemas.Event.model_fields)

FILE_FIELDS = "|".join(dict.fromkeys(name for made in FORMATS.values() for name in made.fields))
OPTIONS = (*CHOICES, "lossless")  # of a file

MOST_FACETS, MOST_PUBLISHERS = 1000, 1000
MAX_FILE_EVENTS = 10_000_000
Limit = Annotated[int, Field(ge=1, le=PAGE), BeforeValidator(_whole(PAGE))]
Publishers = Annotated[
    int, Field(ge=1, le=MOST_PUBLISHERS), BeforeValidator(_whole(MOST_PUBLISHERS))
]
FileLimit = Annotated[
    int, Field(ge=1, le=MAX_FILE_EVENTS), BeforeValidator(_whole(MAX_FILE_EVENTS))
]
FacetLimit = Annotated[int, Field(ge=1, le=MOST_FACETS), BeforeValidator(_whole(MOST_FACETS))]
Value = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_value)]
Many = (Field(max_length=MAX_VALUES), BeforeValidator(_bounded))
Ids = Annotated[list[Annotated[Value, _says(f"!?{SLUG}", LONGEST)]], *Many]
Codes = Annotated[list[Annotated[Value, _says("!?[A-Z]{2}")]], *Many]
Names = Annotated[list[Annotated[Value, _says(NAME, LONGEST)]], *Many]
StatusNames = Annotated[list[Annotated[Value, _says(f"!?({'|'.join(models.STATUSES)})")]], *Many]
Word = Annotated[
    str,
    StringConstraints(max_length=LONGEST),
    AfterValidator(_not_excluded),
    AfterValidator(_text),
    _says(WORD, LONGEST),
]
Text = Annotated[
    str,
    StringConstraints(max_length=LONGEST),
    AfterValidator(_given),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST}),
]
Number = Annotated[schemas.Number, _says(schemas.DECIMAL)]
Window = Annotated[
    str,
    AfterValidator(_not_excluded),
    AfterValidator(_window),
    _says(EDTF, dates.MAX_LENGTH),
]
LastDay = Annotated[Window, AfterValidator(_last_day), _says(EDTF, dates.MAX_LENGTH)]
Cursor = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(_given),
    _says("[A-Za-z0-9_-]+={0,2}", 1000),
]
NOT = "Repeat it for any of several; `!` in front excludes."
OVERLAP, PART, AMOUNT = Overlap(), TakingPart(), Amount()


def required(given: Any, name: str, allowed: tuple[str, ...]) -> Any:
    """The query as it was given; an error that says what is allowed where `name` is missing."""
    if not given.get(name):
        raise wrong(f"is missing; allowed: {', '.join(allowed)}", name=name)
    return given


LARGE_PAGE = 100  # what is more than so many items begins among the slow reads


class EventFilter(BaseModel):
    """Which events: the same parameters for every endpoint that returns events."""

    model_config = ConfigDict(frozen=True)

    date: Annotated[Window | None, OVERLAP] = Field(
        None,
        description="When, as an EDTF expression: `2023`, `2023-11`, `2023-11-01/2023-12-15`, "
        "`2023-11/..`, `../2020`. Both ends count. A set, a `?`, `~`, `%`, or an X that is not "
        "among the last digits (`202X`, `2023-XX`) is an error.",
        examples=["2023-11"],
    )
    match: Annotated[schemas.Match | None, OVERLAP] = Field(
        None,
        description="With `date`: `possible` (as without it) gives every event that may overlap, "
        "`certain` those that do in any case.",
        examples=["possible"],
    )
    q: Annotated[Text | None, FullText()] = Field(
        None,
        description="Full text over title, summary, actors and their aliases, places, tags and "
        'sources: all words, `"quoted phrase"`, `word*`. Words without a space between them '
        "(`B-52`) are a phrase. Case and diacritics do not count; a prefix needs three letters; "
        "`!` and `-` mean nothing; no text is an error.",
        examples=["natural gas"],
    )
    known_by: Annotated[LastDay | None, KnownBy()] = Field(
        None,
        description="An EDTF date: events that a source had reported by its last day. The day of "
        "publication counts, only where that is unknown the day of access. A date without a last "
        "day is an error.",
        examples=["2023"],
    )
    type: Annotated[Ids, Terms("type", ids_of("type"))] = Field(
        default_factory=list, description=f"Id of a type (`/types`). {NOT}", examples=[["contract"]]
    )
    actor: Annotated[Ids, PART] = Field(
        default_factory=list,
        description="Id of an actor (`/actors`) that takes part; `!` in front of one that does "
        "not, in whatever role. Repeat it for any of several.",
        examples=[["srbijagas"]],
    )
    role: Annotated[Ids, PART] = Field(
        default_factory=list,
        description="Part that an actor had. With `actor`, one and the same of these actors: "
        "`actor=a&actor=b&role=r` is a or b as r; with `role=!r` a or b, and that one not as r, "
        "whatever else others were. Without `actor`, `!` is said of everyone. "
        "Repeat it for any of several.",
        examples=[["buyer"]],
    )
    place: Annotated[Ids, Terms("place", ids_of("place"))] = Field(
        default_factory=list,
        description=f"Id of a place (`/places`). {NOT}",
        examples=[["belgrade"]],
    )
    country: Annotated[Codes, Terms("country", Countries())] = Field(
        default_factory=list,
        description=f"ISO 3166-1 alpha-2 code of an actor's or a place's country. {NOT}",
        examples=[["RS"]],
    )
    bbox: Annotated[
        Annotated[str, AfterValidator(_box), _says(",".join([DEGREES] * 4))] | None,
        Box(),
    ] = Field(
        None,
        description="`west,south,east,north` in degrees: events with a place in that box, edges "
        "included. A west greater than the east crosses the antimeridian. Longitudes beyond ±180, "
        "as maps send them, are wrapped: `170,0,190,10` is `170,0,-170,10`. A box of 360 degrees "
        "or more goes all the way round.",
        examples=["18.8,42.2,23.0,46.2"],
    )
    tag: Annotated[Names, Terms("tag", ids_or_names_of("tag"))] = Field(
        default_factory=list,
        description="Id or exact name of a tag (`/tags`). " + NOT,
        examples=[["natural-gas"]],
    )
    publisher: Annotated[Names, Terms("publisher", ids_or_names_of("publisher"))] = Field(
        default_factory=list,
        description="Id or exact name of a publisher (`/publishers`) of a cited source. " + NOT,
        examples=[["Balkan Insight"]],
    )
    source: Annotated[Ids, Terms("source", ids_of("source"))] = Field(
        default_factory=list,
        description=f"Id of a cited source (`/sources`). {NOT}",
        examples=[["balkan-insight-2023-11-15"]],
    )
    min_publishers: Annotated[Publishers | None, AtLeast("min_publishers", "publishers")] = Field(
        None,
        description="At least so many distinct known publishers support it. An unknown one never "
        "counts.",
        examples=[2],
    )
    status: Annotated[StatusNames, Terms("status", Statuses())] = Field(
        default_factory=list,
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

    all_of: Annotated[list[AllOf], *Many] = Field(
        default_factory=list,
        description="Name of a parameter that is repeated: events must have all of its values "
        f"instead of any; those with `!` stay excluded. {', '.join(f'`{n}`' for n in MANIFOLD)}. "
        "With `actor`, each of the actors takes part, in any `role` that is asked for; with "
        "`role`, each of the roles is that of any `actor` asked for; with both, each actor has "
        "each role. "
        "Repeat it for several.",
        examples=[["tag"]],
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        given = self.model_fields_set
        for name in self.all_of:
            if name not in given:
                message = f"needs `{name}`: repeat that parameter, once for each value"
                raise wrong(message, name="all_of")
        for name, needed, why in (
            ("match", "date", "certain or possible is said of a date"),
            ("min_value", "unit", "a number means nothing without its unit"),
            ("max_value", "unit", "a number means nothing without its unit"),
        ):
            if name in given and getattr(self, needed) is None:
                raise wrong(f"needs `{needed}`: {why}", name=name)
        if self.min_value and self.max_value and Decimal(self.min_value) > Decimal(self.max_value):
            raise wrong("is greater than `max_value`", name="min_value")
        return self

    @property
    def window(self) -> dates.Window | None:
        """The days that `date` asks for."""
        return None if self.date is None else dates.parse_window(self.date)

    @property
    def given(self) -> dict[str, Any]:
        """The parameters of the filter that were given, in the order in which they stand here."""
        return {n: getattr(self, n) for n in EventFilter.model_fields if n in self.model_fields_set}

    @property
    def slow(self) -> bool:
        """Whether it may take long: phrases and prefixes are looked for in texts."""
        search = words.search(self.q or "")
        return bool(search.phrases or search.prefixes)

    def without(self, *names: str) -> "EventFilter":
        """The same filter, but for these parameters."""
        given = {n: value for n, value in self.given.items() if n not in names}
        if "all_of" in given:
            given["all_of"] = [name for name in self.all_of if name not in names]
        return EventFilter(**given)

    @property
    def meanings(self) -> list[Meaning]:
        """What the parameters that were given mean, each once."""
        fields = EventFilter.model_fields
        given = [fields[name].metadata for name in fields if name in self.model_fields_set]
        found = (note for notes in given for note in notes if isinstance(note, Meaning))
        return list(dict.fromkeys(found))


class OrderedQuery(EventFilter):
    """Events in an order."""

    sort: Sort = Field(
        "date",
        description="`date` is timeline order (by earliest day, or where that is open by latest, "
        "then by id); `updated` is the order of the last edit; `-` reverses exactly. `relevance`, "
        "with `q`, lists the newest 1,000 hits, the best first.",
        examples=["date"],
    )

    @property
    def slow(self) -> bool:
        """Whether it may take long: relevance is reckoned of a thousand texts."""
        return self.sort == "relevance" or super().slow

    @model_validator(mode="after")
    def _relevance_needs_q(self) -> Self:
        if self.sort == "relevance" and self.q is None:
            raise wrong("`relevance` needs `q`: it is relevance to a text", name="sort")
        return self

    def _picked(self, fields: str | None) -> tuple[str, ...] | None:
        """Return the names in `fields`, with `match` if there is a date; None for all."""
        if fields is None:
            return None
        return tuple(dict.fromkeys((*fields.split(","), *(("match",) if self.date else ()))))


class ListQuery(OrderedQuery):
    """A list of events: the filter, the order, and where to go on."""

    cursor: Cursor | None = Field(
        None,
        description="Where to go on: the `cursor` of the last answer's `next`. Opaque; it belongs "
        "to its filter and sort.",
    )


class EventQuery(ListQuery):
    """A page of events: which list, and how much of it."""

    limit: Limit = Field(50, description="How many at most.", examples=[50])
    fields: Annotated[str, AfterValidator(_fields), _says(_list_of(MEMBERS))] | None = Field(
        None,
        description="Only these members of each event, separated by commas; `match` comes with "
        "`date` all the same.",
        examples=["id,title,date"],
    )
    total: Total = Field(
        "exact", description="`none` skips the counting and gives null.", examples=["exact"]
    )

    @property
    def picked(self) -> tuple[str, ...] | None:
        """The members of each event that a page holds, None for all."""
        return self._picked(self.fields)

    @property
    def slow(self) -> bool:
        """Whether it may take long: a large page is much to put together."""
        return self.limit > LARGE_PAGE or super().slow

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a cursor belongs to: filter and sort, whatever the page size or the fields."""
        told = self.model_dump(
            mode="json", exclude_defaults=True, exclude={"limit", "cursor", "fields", "total"}
        )
        if self.match == "possible":  # as without it
            del told["match"]
        return {n: sorted({*v}) if isinstance(v, list) else v for n, v in told.items()}


class ExportQuery(OrderedQuery):
    """Which events a file holds, in which order, and what of them."""

    # What a list takes and a file does not.
    NOT_HERE: ClassVar[Mapping[str, str]] = {
        "cursor": "a file has no pages: it holds all that the filter finds, or `limit` of it",
        "total": "a file does not count; /events and /facets say how many there are",
    }

    # By a factory, so that the API's description has no default: generated clients would send it,
    # also for the formats that refuse the option.
    sort: Sort = Field(
        default_factory=lambda: "date",
        description=f"Of {_takers('sort')}: the order, as in `GET /events`; `date` if it is left "
        "out. A feed has an order of its own.",
        examples=["date"],
    )
    limit: FileLimit | None = Field(
        None,
        description=f"Of {_takers('limit')}: how many events at most, up to {MAX_FILE_EVENTS:,}; "
        "all if it is left out.",
        examples=[1000],
    )
    fields: Annotated[str, AfterValidator(_names), _says(_list_of(FILE_FIELDS))] | None = Field(
        None,
        description=f"Of {_takers('fields')}: only these columns, members or properties, separated "
        "by commas; `match` comes with `date` all the same.",
        examples=["id,title,date"],
    )
    lossless: bool = Field(
        default_factory=bool,  # see `sort`
        description="CSV only: every member, as JSON where a cell holds a list, and no apostrophe "
        "in front of what a spreadsheet would run as a formula. `false` if it is left out.",
        examples=[True],
    )

    @property
    def picked(self) -> tuple[str, ...] | None:
        """What the file holds of each event, None for all of it."""
        return self._picked(self.fields)

    def of(self, made: Format) -> "ExportQuery":
        """Return what is asked of a file in this format: a feed has its own order and limit.

        Raise Problem `invalid-parameters` if the format does not take an option.
        """
        refused = [n for n in OPTIONS if n in self.model_fields_set and n not in made.options]
        if refused:
            raise refuse(*(Fault("query", name, _only_for(name, made)) for name in refused))
        if self.fields is not None and (
            fault := _strange_fields(self.fields, made.fields, made.name)
        ):
            raise refuse(fault)
        feed = {"sort": "-updated", "limit": made.latest}
        return self if made.latest is None else self.model_copy(update=feed)


class FacetQuery(EventFilter):
    """Which dimensions to count the filtered events by."""

    by: Annotated[list[Facet], *Many] = Field(
        min_length=1,
        description=f"What to count by: {', '.join(f'`{name}`' for name in FACETS)}. Repeat it "
        "for several. With `actor`, `role` counts what these actors were; with `role`, `actor` "
        "counts who was that.",
        examples=[["type", "actor"]],
    )
    limit: FacetLimit = Field(100, description="How many values of each at most.", examples=[100])

    @property
    def slow(self) -> bool:
        """Whether it may take long: counts look at every event."""
        return True

    @model_validator(mode="before")
    @classmethod
    def _by_is_given(cls, given: Any) -> Any:
        return required(given, "by", FACETS)


class HistogramQuery(EventFilter):
    """How to cut the time of the filtered events."""

    interval: Interval = Field(
        description="Calendar spans: `millennium`, `century`, `decade` (2020 to 2029, as the date "
        "`202X` says it), `year`, `quarter`, `month`, `week` (ISO 8601) or `day`.",
        examples=["year"],
    )

    @property
    def slow(self) -> bool:
        """Whether it may take long: counts look at every event."""
        return True

    @model_validator(mode="before")
    @classmethod
    def _interval_is_given(cls, given: Any) -> Any:
        return required(given, "interval", INTERVALS)


class AuditQuery(EventFilter):
    """Which findings, about which events."""

    finding: Annotated[list[FindingKind], *Many] = Field(
        default_factory=list,
        description=f"Only these: {', '.join(f'`{name}`' for name in FINDINGS)}. Repeat it for "
        "several.",
        examples=[["single-publisher"]],
    )
    limit: Limit = Field(50, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )

    @property
    def slow(self) -> bool:
        """Whether it may take long: a page looks at a thousand events."""
        return True

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a cursor belongs to."""
        told = self.model_dump(mode="json", exclude_defaults=True, exclude={"limit", "cursor"})
        return {"audit": True, **told}


class RevisionsQuery(BaseModel):
    """A page of revisions."""

    limit: Limit = Field(50, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )

    @property
    def slow(self) -> bool:
        """Whether it may take long: revisions are compared with those before."""
        return True


class ChangesQuery(BaseModel):
    """A stretch of the change feed."""

    after: Cursor | None = Field(
        None,
        description="The `cursor` of the last change that you have seen; without, from the "
        "beginning.",
    )
    limit: Limit = Field(50, description="How many at most.", examples=[50])

    @property
    def slow(self) -> bool:
        """Whether it may take long: a large page is much to put together."""
        return self.limit > LARGE_PAGE


class VocabularyQuery(BaseModel):
    """A page of a vocabulary."""

    q: Text | None = Field(
        None,
        description="Words of the name, aliases or description, the last of which may be the "
        'beginning of one: `ser` finds Serbia; `"a phrase"` is whole. Case and diacritics do not '
        "count.",
    )
    limit: Limit = Field(50, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )
    total: Total = Field(
        "exact", description="`none` skips the counting and gives null.", examples=["exact"]
    )
