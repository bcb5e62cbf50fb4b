"""The parameters of a query string: a field each, with its meaning, its words and an example.

All the examples, except those of `place` and `bbox`, together find the gas contract of the seed
data.
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
from app.filters.elsewhere import refuse_time, suggest_facet, suggest_interval, suggest_sort
from app.filters.meaning import (
    Amount,
    AtLeast,
    Box,
    Countries,
    FullText,
    KnownBy,
    Overlap,
    OwnFieldValues,
    ParameterMeaning,
    RelatedTo,
    Statuses,
    TakingPart,
    TermFilter,
    ids_of,
    ids_or_names_of,
    repeated,
)
from app.formats import FORMATS, LIST_OPTIONS, Format
from app.suggestions import nearest

MAX_VALUES = 50
MAX_PAGE_ITEMS = 200
SORTS = ("date", "-date", "updated", "-updated", "relevance")
INTERVALS = ("millennium", "century", "decade", "year", "quarter", "month", "week", "day")
FINDINGS = (
    *("act-after-sources", "published-after-accessed", "published-in-future"),
    *("no-known-publisher", "single-publisher", "planned-overdue"),
)
# Facets of which an event may have several values, and those of which it has one.
REPEATED_FACETS = ("actor", "role", "place", "country", "tag", "publisher", "source", "extra")
SINGLE_FACETS = ("type", "status")
FACETS = (
    *("type", "actor", "role", "place", "country"),
    *("tag", "publisher", "source", "status", "extra"),
)

Total = TypeAliasType(
    "Total",
    Annotated[
        str,
        schemas.OneOf(
            ("exact", "none"), words="Whether to count all: `exact` does, `none` saves the time."
        ),
    ],
)
Sort = TypeAliasType(
    "Sort",
    Annotated[
        str,
        schemas.OneOf(
            SORTS,
            suggest_sort,
            "The order: `date`, the earliest first, or `-date`; `updated`, the longest unchanged "
            "first, or `-updated`; `relevance`, the best hit of `q` first.",
        ),
    ],
)
HistogramInterval = TypeAliasType(
    "HistogramInterval",
    Annotated[
        str,
        schemas.OneOf(
            INTERVALS,
            suggest_interval,
            "How long each span is: `millennium`, `century`, `decade`, `year`, `quarter`, `month`, "
            "`week` (from Monday) or `day`.",
        ),
    ],
)
FindingKind = TypeAliasType(
    "FindingKind",
    Annotated[
        str,
        schemas.OneOf(
            FINDINGS,
            words="What deserves a second look: `act-after-sources`, the event is dated after "
            "everything that reports it; `published-after-accessed`, a source was read before it "
            "was published; `published-in-future`, a source is dated after today; "
            "`no-known-publisher`, nobody knows who published what supports it; "
            "`single-publisher`, one publisher alone supports it; `planned-overdue`, it was "
            "planned for a time that is past.",
        ),
    ],
)

EMPTY = "is empty; leave the parameter out or give a value"


def _value(value: str) -> str:
    """Return a value of a repeatable parameter, which may begin with `!`. Raise ValueError."""
    if not value.removeprefix("!").strip():
        raise ValueError(EMPTY)
    return schemas.check_printable(value)


def _nonempty(value: str) -> str:
    if not value:
        raise ValueError(EMPTY)
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError(EMPTY)
    return schemas.check_printable(value)


def _bounded(values: Any) -> Any:
    if isinstance(values, list) and len(values) > MAX_VALUES:
        raise ValueError(f"has {len(values)} values; give at most {MAX_VALUES}")
    return values


def _not_excluded(value: str) -> str:
    if value.startswith("!"):
        raise wrong("takes one value; `!` excludes nothing here", value[1:] or None)
    return value


def _one_value(name: str) -> Callable[[str], str]:
    """Return a check that refuses a list of values between commas."""

    def check(value: str) -> str:
        if "," in value:
            raise ValueError(repeated(name, value[:MAX_VALUE_CHARS]))
        return value

    return check


def _repeated_facet(value: str) -> str:
    """Return the name. Raise ValueError if an event never has two values of this parameter."""
    if value in SINGLE_FACETS:
        raise ValueError(f"an event has one {value}: of several `{value}` it can only have any")
    return value


def _facet(value: str) -> str:
    """Return the name. Raise ValueError if it is neither a parameter nor `extra.` and a name."""
    if schemas.name_own_field(value):
        return value
    return schemas.OneOf(FACETS, suggest_facet).check(value)


AllOf = TypeAliasType(
    "AllOf",
    Annotated[
        str,
        AfterValidator(_repeated_facet),
        schemas.OneOf(
            REPEATED_FACETS,
            words="The filter whose values must all fit: `actor`, `role`, `place`, `country`, "
            "`tag`, `publisher`, `source` or `extra`.",
        ),
    ],
)
Facet = TypeAliasType(
    "Facet",
    Annotated[
        str,
        AfterValidator(_one_value("by")),
        AfterValidator(refuse_time),
        AfterValidator(_facet),
        WithJsonSchema(
            {
                "type": "string",
                "pattern": rf"^({'|'.join(FACETS)}|extra\.{schemas.SLUG.strip('^$')})$",
                "description": "What to count by: `type`, `actor`, `role`, `place`, `country`, "
                "`tag`, `publisher`, `source`, `status`; `extra`, the names of own fields, or "
                "`extra.` and one of these names, its values.",
            }
        ),
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
    """Return a timestamp as the store writes it: UTC, microseconds. Raise ValueError."""
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
    return schemas.format_timestamp(moment)


def _box(value: str) -> str:
    """Return `west,south,east,north` in degrees. Raise ValueError."""
    parts = [part.strip(BLANKS) for part in value.split(",")]
    if len(parts) != len(SIDES):
        raise ValueError("give west,south,east,north in degrees: 18.8,42.2,23.0,46.2")
    for (side, most), part in zip(SIDES.items(), parts, strict=True):
        try:
            degrees = Decimal(schemas.check_decimal(part))
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


def _strange_fields(value: str, fields: Collection[str], what: str) -> Fault | None:
    """Return a fault if `what` lacks one of the listed fields, else None."""
    names = value.split(",")
    unknown = [name for name in names if name not in fields]
    if not unknown:
        return None
    meant = [name if name in fields else nearest(name, fields) for name in names]
    quoted = ", ".join(f"'{name[:40]}'" for name in unknown[:5])
    message = f"{quoted}: no field of {what}; fields: {', '.join(fields)}"
    suggestion = ",".join(dict.fromkeys(filter(None, meant))) if all(meant) else None
    return Fault("query", "fields", message, suggestion)


def _list_of(names: str) -> str:
    """Return the pattern of a list of these names, with commas between them."""
    return f"{BLANKS_PATTERN}({names}){BLANKS_PATTERN}(,{BLANKS_PATTERN}({names}){BLANKS_PATTERN})*"


def _takers(option: str) -> str:
    """Return the names of the formats that take an option."""
    return ", ".join(f"`{name}`" for name, fmt in FORMATS.items() if option in fmt.options)


def _only_for(option: str, fmt: Format) -> str:
    """Return which formats take an option, and why this one does not."""
    if option in ("lossless", "bom"):
        why = f"leave it out for {fmt.name}"
    elif fmt.latest is not None:
        why = f"{fmt.name} always holds the {fmt.latest} events that were last updated"
    else:
        why = f"{fmt.name} always holds all that the filter finds, in timeline order"
    return f"works only for {_takers(option)}; {why}"


def _own_field(value: str) -> str:
    """Return an own field with its value. Raise ValueError if it has no name or an empty value."""
    name, colon, text = value.removeprefix("!").partition(":")
    if not schemas.is_slug(name) or (colon and not text.strip()):
        equals = value.replace("=", ":", 1) if "=" in value and not colon else None
        raise wrong("give NAME:VALUE, such as importance:8, or the name alone", equals)
    return value


def _whole_number(most: int) -> Callable[[Any], Any]:
    """Return a check for whole numbers from 1 to `most`."""

    def read(value: Any) -> Any:
        written = isinstance(value, str)
        if written and not (re.fullmatch("[0-9]{1,9}", value) and 1 <= int(value) <= most):
            raise ValueError(f"give a whole number from 1 to {most}, in digits")
        return value

    return read


def _schema(pattern: str, longest: int | None = None, **more: Any) -> WithJsonSchema:
    """Return the JSON schema of a text, as far as a pattern can describe it."""
    length = {} if longest is None else {"maxLength": longest}
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", **length, **more})


MAX_VALUE_CHARS = 500
# The greatest distance of each from 0. A map that is scrolled sideways counts on, here up to ten
# times round; far larger numbers are metres of a projection.
SIDES = {"west": 3600, "south": 90, "east": 3600, "north": 90}
SLUG_PATTERN = schemas.SLUG.strip("^$")
EDTF_PATTERN = "[-0-9ESXY/.]+"  # the characters of a date in a query
BLANKS = " \t\r\n"  # allowed around commas; `\s` differs between regex engines
BLANKS_PATTERN = r"[ \t\r\n]*"
DEGREES_PATTERN = rf"{BLANKS_PATTERN}{schemas.DECIMAL}{BLANKS_PATTERN}"
MOMENT_PATTERN = "[-+0-9WTtZz:., ]+"
UNMARKED = schemas.VISIBLE.replace("[^", "[^!")  # any visible character but `!`
# A text that is not blank and has no `!` in front, and one that is not blank after a `!`.
SPACED_PATTERN = f"({schemas.BLANK}+{schemas.VISIBLE}|{UNMARKED}){schemas.CHARACTER}*"
NAME_PATTERN = (
    f"((!{schemas.BLANK}*|{schemas.BLANK}+){schemas.VISIBLE}|{UNMARKED}){schemas.CHARACTER}*"
)
OWN_FIELD_PATTERN = f"!?{SLUG_PATTERN}(:{schemas.BLANK}*{schemas.VISIBLE}{schemas.CHARACTER}*)?"
EVENT_MEMBER_PATTERN = "|".join(schemas.Event.model_fields)

FILE_FIELDS = "|".join(
    (
        *dict.fromkeys(name for fmt in FORMATS.values() for name in fmt.fields),
        rf"extra\.{SLUG_PATTERN}",
    )
)
FILE_OPTIONS = (*LIST_OPTIONS, "lossless", "bom")  # of a file

MAX_FACET_VALUES, MAX_SUPPORTERS = 1000, 1000
MAX_FILE_EVENTS = 10_000_000
Limit = Annotated[
    int, Field(ge=1, le=MAX_PAGE_ITEMS), BeforeValidator(_whole_number(MAX_PAGE_ITEMS))
]
Supporters = Annotated[
    int, Field(ge=1, le=MAX_SUPPORTERS), BeforeValidator(_whole_number(MAX_SUPPORTERS))
]
FileLimit = Annotated[
    int, Field(ge=1, le=MAX_FILE_EVENTS), BeforeValidator(_whole_number(MAX_FILE_EVENTS))
]
FacetLimit = Annotated[
    int, Field(ge=1, le=MAX_FACET_VALUES), BeforeValidator(_whole_number(MAX_FACET_VALUES))
]
Value = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS), AfterValidator(_value)]
REPEATABLE = (Field(max_length=MAX_VALUES), BeforeValidator(_bounded))
IdValues = Annotated[
    list[Annotated[Value, _schema(f"!?{SLUG_PATTERN}", MAX_VALUE_CHARS)]], *REPEATABLE
]
CodeValues = Annotated[list[Annotated[Value, _schema("!?[A-Z]{2}")]], *REPEATABLE]
NameValues = Annotated[list[Annotated[Value, _schema(NAME_PATTERN, MAX_VALUE_CHARS)]], *REPEATABLE]
OwnFieldTexts = Annotated[
    list[Annotated[Value, AfterValidator(_own_field), _schema(OWN_FIELD_PATTERN, MAX_VALUE_CHARS)]],
    *REPEATABLE,
]
StatusNames = Annotated[
    list[Annotated[Value, _schema(f"!?({'|'.join(models.STATUSES)})")]], *REPEATABLE
]
FilterWord = Annotated[
    str,
    StringConstraints(max_length=MAX_VALUE_CHARS),
    AfterValidator(_not_excluded),
    AfterValidator(_text),
    _schema(SPACED_PATTERN, MAX_VALUE_CHARS),
]
Text = Annotated[
    str,
    StringConstraints(max_length=MAX_VALUE_CHARS),
    AfterValidator(_nonempty),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_VALUE_CHARS}),
]
FilterNumber = Annotated[schemas.DecimalText, _schema(schemas.DECIMAL)]
WindowText = Annotated[
    str,
    AfterValidator(_not_excluded),
    AfterValidator(_window),
    _schema(EDTF_PATTERN, dates.MAX_DATE_CHARACTERS),
]
LastDay = Annotated[
    WindowText, AfterValidator(_last_day), _schema(EDTF_PATTERN, dates.MAX_DATE_CHARACTERS)
]
Cursor = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(_nonempty),
    _schema("[A-Za-z0-9_-]+={0,2}", 1000),
]
NOT = "Repeat it for any of several; `!` in front excludes."
OVERLAP, PART, AMOUNT = Overlap(), TakingPart(), Amount()


def required(query: Any, name: str, allowed: tuple[str, ...]) -> Any:
    """Return the query. Raise an error with the allowed values if `name` is missing."""
    if not query.get(name):
        raise wrong(f"is missing; allowed: {', '.join(allowed)}", name=name)
    return query


MAX_QUICK_ITEMS = 100  # a page with more items is a slow read


class EventFilter(BaseModel):
    """The filter: the same parameters for every endpoint that returns events."""

    model_config = ConfigDict(frozen=True)

    date: Annotated[WindowText | None, OVERLAP] = Field(
        None,
        description="When, as an EDTF expression: `2023`, `2023-11`, `2023-11-01/2023-12-15`, "
        "`2023-11/..`, `../2020`. Both ends count. A set, a `?`, `~`, `%`, or an X that is not "
        "among the last digits (`202X`, `2023-XX`) is an error, and so is a time of day: queries "
        "are in days.",
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
    type: Annotated[IdValues, TermFilter("type", ids_of("type"))] = Field(
        default_factory=list, description=f"Id of a type (`/types`). {NOT}", examples=[["contract"]]
    )
    actor: Annotated[IdValues, PART] = Field(
        default_factory=list,
        description="Id of an actor (`/actors`) that takes part; `!` in front of one that does "
        "not, in whatever role. Repeat it for any of several.",
        examples=[["srbijagas"]],
    )
    role: Annotated[IdValues, PART] = Field(
        default_factory=list,
        description="Part that an actor had. With `actor`, one and the same of these actors: "
        "`actor=a&actor=b&role=r` is a or b as r; with `role=!r` a or b, and that one not as r, "
        "whatever else others were. Without `actor`, `!` is said of everyone. "
        "Repeat it for any of several.",
        examples=[["buyer"]],
    )
    place: Annotated[IdValues, TermFilter("place", ids_of("place"))] = Field(
        default_factory=list,
        description=f"Id of a place (`/places`). {NOT}",
        examples=[["belgrade"]],
    )
    country: Annotated[CodeValues, TermFilter("country", Countries())] = Field(
        default_factory=list,
        description=f"ISO 3166-1 alpha-2 code of an actor's or a place's country. {NOT}",
        examples=[["RS"]],
    )
    bbox: Annotated[
        Annotated[str, AfterValidator(_box), _schema(",".join([DEGREES_PATTERN] * 4))] | None,
        Box(),
    ] = Field(
        None,
        description="`west,south,east,north` in degrees: events with a place in that box, edges "
        "included. A west greater than the east crosses the antimeridian. Longitudes beyond ±180, "
        "as maps send them, are wrapped: `170,0,190,10` is `170,0,-170,10`. A box of 360 degrees "
        "or more goes all the way round.",
        examples=["18.8,42.2,23.0,46.2"],
    )
    tag: Annotated[NameValues, TermFilter("tag", ids_or_names_of("tag"))] = Field(
        default_factory=list,
        description="Id or exact name of a tag (`/tags`). " + NOT,
        examples=[["natural-gas"]],
    )
    publisher: Annotated[NameValues, TermFilter("publisher", ids_or_names_of("publisher"))] = Field(
        default_factory=list,
        description="Id or exact name of a publisher (`/publishers`) of a cited source. " + NOT,
        examples=[["Balkan Insight"]],
    )
    source: Annotated[IdValues, TermFilter("source", ids_of("source"))] = Field(
        default_factory=list,
        description=f"Id of a cited source (`/sources`). {NOT}",
        examples=[["balkan-insight-2023-11-15"]],
    )
    min_publishers: Annotated[Supporters | None, AtLeast("min_publishers", "publishers")] = Field(
        None,
        description="At least so many distinct known publishers support it. An unknown one never "
        "counts.",
        examples=[2],
    )
    status: Annotated[StatusNames, TermFilter("status", Statuses())] = Field(
        default_factory=list,
        description=f"`planned`, `ongoing`, `completed` or `cancelled`. {NOT}",
        examples=[["completed"]],
    )
    extra: Annotated[OwnFieldTexts, TermFilter("extra", OwnFieldValues())] = Field(
        default_factory=list,
        description="An own field: `importance:8` for its value, `importance` for any. Numbers and "
        f"booleans as JSON writes them; a text up to {schemas.MAX_COMPARED_CHARACTERS} characters, "
        f"exactly. {NOT}",
        examples=[["paragraph:1"]],
    )
    measure: Annotated[FilterWord | None, AMOUNT] = Field(
        None,
        description="What a quantity measures. With the next three: one and the same quantity.",
        examples=["gas volume"],
    )
    unit: Annotated[FilterWord | None, AMOUNT] = Field(
        None,
        description="Unit of the quantity, or one that converts into it (`bcm`, `m3`); an ISO 4217 "
        "code for money, which never converts. Case counts.",
        examples=["bcm"],
    )
    min_value: Annotated[FilterNumber | None, AMOUNT] = Field(
        None,
        description="With `unit`: the quantity may be this much or more. `about` is ± 10 %, "
        "`at-least` has no upper end.",
        examples=["0.3"],
    )
    max_value: Annotated[FilterNumber | None, AMOUNT] = Field(
        None, description="With `unit`: the quantity may be this much or less.", examples=["0.5"]
    )
    related_to: Annotated[
        Annotated[Value, AfterValidator(_not_excluded), _schema(SLUG_PATTERN, MAX_VALUE_CHARS)]
        | None,
        RelatedTo(),
    ] = Field(
        None,
        description="Id of an event: those linked to it, in either direction.",
        examples=["azerbaijan-gas-deliveries-to-serbia"],
    )
    updated_since: Annotated[
        Annotated[str, AfterValidator(_moment), _schema(MOMENT_PATTERN)] | None,
        AtLeast("updated_since", "updated_at"),
    ] = Field(
        None,
        description="Timestamp with an offset: events created or edited at or after it.",
        examples=["2024-02-06T12:00:00Z"],
    )

    all_of: Annotated[list[AllOf], *REPEATABLE] = Field(
        default_factory=list,
        description="Name of a parameter that is repeated: events must have all of its values "
        "instead of any; those with `!` stay excluded. "
        f"{', '.join(f'`{name}`' for name in REPEATED_FACETS)}. "
        "With `actor`, each of the actors takes part, in any `role` that is asked for; with "
        "`role`, each of the roles is that of any `actor` asked for; with both, each actor has "
        "each role. "
        "Repeat it for several.",
        examples=[["tag"]],
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        names = self.model_fields_set
        for name in self.all_of:
            if name not in names:
                message = f"needs `{name}`: repeat that parameter, once for each value"
                raise wrong(message, name="all_of")
        for name, needed, why in (
            ("match", "date", "certain or possible is said of a date"),
            ("min_value", "unit", "a number means nothing without its unit"),
            ("max_value", "unit", "a number means nothing without its unit"),
        ):
            if name in names and getattr(self, needed) is None:
                raise wrong(f"needs `{needed}`: {why}", name=name)
        if self.min_value and self.max_value and Decimal(self.min_value) > Decimal(self.max_value):
            raise wrong("is greater than `max_value`", name="min_value")
        return self

    @property
    def window(self) -> dates.Window | None:
        """Return the days of `date`, or None."""
        return None if self.date is None else dates.parse_window(self.date)

    @property
    def given_values(self) -> dict[str, Any]:
        """Return the parameters that were given, in the order of the fields."""
        return {n: getattr(self, n) for n in EventFilter.model_fields if n in self.model_fields_set}

    @property
    def slow(self) -> bool:
        """Return whether it may take long: phrases and prefixes are searched in texts."""
        search = words.parse_search(self.q or "")
        return bool(search.phrases or search.prefixes)

    def without(self, *names: str) -> "EventFilter":
        """Return the same filter without these parameters."""
        values = {n: value for n, value in self.given_values.items() if n not in names}
        if "all_of" in values:
            values["all_of"] = [name for name in self.all_of if name not in names]
        return EventFilter(**values)

    @property
    def meanings(self) -> list[ParameterMeaning]:
        """Return the meanings of the given parameters, each once."""
        fields = EventFilter.model_fields
        values = [fields[name].metadata for name in fields if name in self.model_fields_set]
        meanings = (
            note for notes in values for note in notes if isinstance(note, ParameterMeaning)
        )
        return list(dict.fromkeys(meanings))


class OrderedQuery(EventFilter):
    """A filter with an order."""

    sort: Sort = Field(
        "date",
        description="`date` is timeline order (by earliest day, or where that is open by latest, "
        "then by the time of day as stated, then by id); `updated` is the order of the last edit; "
        "`-` reverses exactly. `relevance`, with `q`, lists the newest 1,000 hits, the best first.",
        examples=["date"],
    )

    @property
    def slow(self) -> bool:
        """Return whether it may take long: relevance is computed from a thousand texts."""
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
    """A list of events: the filter, the order, and the cursor."""

    cursor: Cursor | None = Field(
        None,
        description="Where to go on: the `cursor` of the last answer's `next`. Opaque; it belongs "
        "to its filter and sort.",
    )


class EventQuery(ListQuery):
    """A page of events: the list, and how much of it."""

    limit: Limit = Field(50, description="How many at most.", examples=[50])
    fields: (
        Annotated[str, AfterValidator(_fields), _schema(_list_of(EVENT_MEMBER_PATTERN))] | None
    ) = Field(
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
        """Return the members of each event on the page, or None for all."""
        return self._picked(self.fields)

    @property
    def slow(self) -> bool:
        """Return whether it may take long: a large page is much work."""
        return self.limit > MAX_QUICK_ITEMS or super().slow

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return the part of the query that a cursor belongs to: filter and sort."""
        parameters = self.model_dump(
            mode="json", exclude_defaults=True, exclude={"limit", "cursor", "fields", "total"}
        )
        if self.match == "possible":  # the default
            del parameters["match"]
        return {n: sorted({*v}) if isinstance(v, list) else v for n, v in parameters.items()}


class ExportQuery(OrderedQuery):
    """The events of a file, their order, and the fields of each."""

    # Parameters of a list that a file does not take.
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
    fields: Annotated[str, AfterValidator(_names), _schema(_list_of(FILE_FIELDS))] | None = Field(
        None,
        description=f"Of {_takers('fields')}: only these columns, members or properties, separated "
        "by commas; `match` comes with `date` all the same.",
        examples=["id,title,date"],
    )
    lossless: bool = Field(
        default_factory=bool,  # see `sort`
        description="CSV and XLSX only: every member, as JSON if a cell holds a list, and no "
        "apostrophe in front of a text that a spreadsheet would run as a formula. `false` if it is "
        "left out.",
        examples=[True],
    )

    bom: bool = Field(
        default_factory=bool,  # see `sort`
        description="CSV only: begin with a byte order mark, by which Excel knows UTF-8. `false` if"
        " it is left out.",
        examples=[True],
    )

    @property
    def picked(self) -> tuple[str, ...] | None:
        """Return the fields of each event in the file, or None for all."""
        return self._picked(self.fields)

    @property
    def own_fields(self) -> list[str]:
        """Return the `extra.NAME` among `fields`."""
        fields = (self.fields or "").split(",")
        return [field for field in fields if schemas.name_own_field(field)]

    def of(self, fmt: Format) -> "ExportQuery":
        """Return the query for a file in this format: a feed has its own order and limit.

        Raise Problem `invalid-parameters` if the format does not take an option.
        """
        refused = [n for n in FILE_OPTIONS if n in self.model_fields_set and n not in fmt.options]
        if refused:
            raise refuse(*(Fault("query", name, _only_for(name, fmt)) for name in refused))
        if self.fields is not None:
            named = self.own_fields if fmt.has_own_columns else ()
            if fault := _strange_fields(self.fields, (*fmt.fields, *named), fmt.name):
                raise refuse(fault)
        feed = {"sort": "-updated", "limit": fmt.latest}
        return self if fmt.latest is None else self.model_copy(update=feed)


class FacetQuery(EventFilter):
    """The facets to count the hits by."""

    by: Annotated[list[Facet], *REPEATABLE] = Field(
        min_length=1,
        description=f"What to count by: {', '.join(f'`{name}`' for name in FACETS)}. Repeat it "
        "for several. With `actor`, `role` counts what these actors were; with `role`, `actor` "
        "counts who was that.",
        examples=[["type", "actor"]],
    )
    limit: FacetLimit = Field(100, description="How many values of each at most.", examples=[100])

    @property
    def slow(self) -> bool:
        """Return whether it may take long: counts look at every event."""
        return True

    @model_validator(mode="before")
    @classmethod
    def _by_is_given(cls, query: Any) -> Any:
        return required(query, "by", FACETS)


class HistogramQuery(EventFilter):
    """How to cut the time of the hits."""

    interval: HistogramInterval = Field(
        description="Calendar spans: `millennium`, `century`, `decade` (2020 to 2029, as the date "
        "`202X` says it), `year`, `quarter`, `month`, `week` (ISO 8601) or `day`.",
        examples=["year"],
    )

    @property
    def slow(self) -> bool:
        """Return whether it may take long: counts look at every event."""
        return True

    @model_validator(mode="before")
    @classmethod
    def _interval_is_given(cls, query: Any) -> Any:
        return required(query, "interval", INTERVALS)


class AuditQuery(EventFilter):
    """Which findings, about which events."""

    finding: Annotated[list[FindingKind], *REPEATABLE] = Field(
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
        """Return whether it may take long: it may look at many documents."""
        return True

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return the part of the query that a cursor belongs to."""
        parameters = self.model_dump(
            mode="json", exclude_defaults=True, exclude={"limit", "cursor"}
        )
        return {"audit": True, **parameters}


class RevisionsQuery(BaseModel):
    """A page of revisions."""

    limit: Limit = Field(50, description="How many at most.", examples=[50])
    cursor: Cursor | None = Field(
        None, description="Where to go on: the `cursor` of the last answer's `next`. Opaque."
    )

    @property
    def slow(self) -> bool:
        """Return whether it may take long: each revision is compared with the one before."""
        return True


class ChangesQuery(BaseModel):
    """A page of the change feed."""

    after: Cursor | None = Field(
        None,
        description="The `cursor` of the last change that you have seen; without, from the "
        "beginning.",
    )
    limit: Limit = Field(50, description="How many at most.", examples=[50])

    @property
    def slow(self) -> bool:
        """Return whether it may take long: a large page is much work."""
        return self.limit > MAX_QUICK_ITEMS


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
