"""The kinds of text in documents: their rules, checked, and the text stored as written."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Annotated, Any
from urllib.parse import quote

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
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from app import dates, models
from app.errors import wrong
from app.suggestions import nearest
from app.texts import Breaks, OneLine, Printable


@dataclass(frozen=True)
class OneOf:
    """Annotate a text of a closed list; the error names the nearest value."""

    allowed: tuple[str, ...]
    meant: Callable[[str], str | None] = field(default=lambda value: None)  # by another name
    words: str = ""  # what each value means, for the API reference

    def check(self, value: str) -> str:
        """Return `value`. Raise ValueError if it is not in the list."""
        if value in self.allowed:
            return value
        meant = self.meant(value)
        near = meant if meant in self.allowed else nearest(value, self.allowed)
        raise wrong(f"is none of those allowed: {', '.join(self.allowed)}", near)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        explained = {"description": self.words} if self.words else {}
        return {**handler(schema), "enum": list(self.allowed), **explained}


ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)


SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")


def check_web_address(value: str) -> str:
    """Return `value`. Raise ValueError with the reason unless it is an http or https address."""
    if ADDRESS.fullmatch(value):
        return value
    bare = value.strip()
    scheme = SCHEME.match(value)
    if scheme is None or "." in scheme[1]:
        named = re.fullmatch(r"(//)?([\w-]+\.)+\w{2,}(:\d+)?([/?#]\S*)?", bare)
        with_scheme = f"https://{bare.removeprefix('//')}" if named else None
        raise wrong("give a web address that begins with http:// or https://", with_scheme)
    if scheme[1].lower() not in ("http", "https"):
        raise wrong(f"give a web address; `{scheme[1][:20]}:` is neither http:// nor https://")
    if bare != value and ADDRESS.fullmatch(bare):
        raise wrong("has spaces around it", bare)
    rest = bare.partition(":")[2]
    if not re.match(r"//[^\s/?#]", rest):
        raise wrong("names no host; write http://example.org/page")
    raise wrong("holds a space; write it as %20", re.sub(r"\s", _escaped, bare))


def _escaped(space: re.Match[str]) -> str:
    return quote(space[0])


def check_edtf(value: str) -> str:
    """Return `value`. Raise ValueError unless it is an EDTF date."""
    return _check_date(value, dates.parse)


def check_edtf_in_days(value: str) -> str:
    """Return `value`. Raise ValueError unless it is an EDTF date without a time of day."""
    return _check_date(value, dates.parse_days)


def _check_date(value: str, parse: Callable[[str], dates.Date]) -> str:
    try:
        parse(value)
    except dates.DateError as error:
        raise wrong(str(error), error.suggestion) from None
    return value


@cache
def country_codes() -> frozenset[str]:
    """Return the ISO 3166-1 alpha-2 codes, and XK, the code in use for Kosovo."""
    return frozenset(country.alpha_2 for country in pycountry.countries) | {"XK"}


CODES = {"uk": "GB", "kosovo": "XK", "xkx": "XK"}  # beyond ISO's own names


def find_country_code(name: str) -> str | None:
    """Return the alpha-2 code of a country by its name or alpha-3 code; None if it is neither."""
    try:
        return CODES.get(name.lower()) or str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return None


def check_country(value: str) -> str:
    """Return `value`. Raise ValueError unless it is the code of a country."""
    if value not in country_codes():
        raise ValueError("give an ISO 3166-1 alpha-2 code in capitals, such as RS")
    return value


MAX_DIGITS = 30  # before the point of a decimal, and after it
DECIMAL = r"-?[0-9]{1,30}(\.[0-9]{1,30})?"


def check_decimal(value: Any) -> Any:
    """Return the text of a decimal; a JSON number becomes its shortest text."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        raise ValueError('give a plain decimal such as "400" or "15.4", without an exponent')
    if any(len(digits) > MAX_DIGITS for digits in value.lstrip("-").split(".")):
        raise ValueError(f"has more than {MAX_DIGITS} digits on one side of its point")
    return value


# Pieces of patterns that every engine reads: RE2 and Go have no look-ahead. A text that is not
# blank is BLANK*, VISIBLE, CHARACTER*, in this order so that matching takes linear time.
CHARACTER = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]"
BLANK = r"[^\S\x00-\x08\x0b-\x1f\x7f-\x9f]"
VISIBLE = r"[^\s\x00-\x1f\x7f-\x9f]"
# In a document `\r` may be part of a line break.
NOT_BLANK = f"{BLANK}*{VISIBLE}{CHARACTER}*".replace("\\x0b-", "\\x0b\\x0c\\x0e-")


@dataclass(frozen=True)
class JsonPattern:
    """Annotate a text with a pattern and a length for the API reference."""

    pattern: str
    longest: int | None = None

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        length = {} if self.longest is None else {"maxLength": self.longest}
        return {**handler(schema), "pattern": f"^{self.pattern}$", **length}


def refuse_boolean(value: Any) -> Any:
    """Return `value`. Raise ValueError if it is a boolean, which would count as 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("give a number")
    return value


MAX_ID_CHARACTERS = 100
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG, min_length=1, max_length=MAX_ID_CHARACTERS)]
NotBlank = JsonPattern(NOT_BLANK)
WebAddress = JsonPattern(
    r"[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\x00-\x1f\x7f-\x9f]+[^\s\x00-\x1f\x7f-\x9f]*"
)
ShortText = Annotated[str, StringConstraints(max_length=100), Breaks, Printable, NotBlank]
LineText = Annotated[OneLine, NotBlank]
MAX_LONG_TEXT = 10_000  # characters
LongText = Annotated[str, StringConstraints(max_length=MAX_LONG_TEXT), Breaks, Printable, NotBlank]
Url = Annotated[
    str,
    StringConstraints(max_length=2000),
    Printable,
    AfterValidator(check_web_address),
    WebAddress,
]
Edtf = Annotated[
    str,
    AfterValidator(check_edtf),
    JsonPattern(r"[-0-9ESTXYZ?~%.,:+/\[\]{}]+", dates.MAX_DATE_CHARACTERS),
]
EdtfInDays = Annotated[
    str,
    AfterValidator(check_edtf_in_days),
    JsonPattern(r"[-0-9ESXY?~%.,/\[\]{}]+", dates.MAX_DATE_CHARACTERS),
]
Country = Annotated[str, AfterValidator(check_country), JsonPattern("[A-Z]{2}")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
DecimalText = Annotated[
    str,
    BeforeValidator(
        check_decimal, json_schema_input_type=Annotated[str, JsonPattern(DECIMAL)] | float
    ),
]
Latitude = Annotated[
    float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(refuse_boolean)
]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(refuse_boolean)
]


def is_slug(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return len(text) <= MAX_ID_CHARACTERS and re.fullmatch(SLUG, text) is not None


# Closed lists bear a name, so that a generated client has one type for each.
Status = TypeAliasType(
    "Status",
    Annotated[
        str,
        OneOf(
            models.STATUSES,
            words=(
                "Where the event stands: `planned`, it has been announced; `ongoing`, it has "
                "begun; `completed`, it happened; `cancelled`, it will not happen."
            ),
        ),
    ],
)
CitationRole = TypeAliasType(
    "CitationRole",
    Annotated[
        str,
        OneOf(
            models.CITATION_ROLES,
            words=(
                "What a source does for an event: `supports`, it says so; `contradicts`, it says "
                "otherwise; `context`, it explains. Every event needs a source that supports it."
            ),
        ),
    ],
)
Claim = TypeAliasType(
    "Claim",
    Annotated[
        str,
        OneOf(
            models.CLAIMS,
            words=(
                "A field of the event that the source backs: `type`, `title`, `summary`, `date`, "
                "`status`, `actors`, `places`, `quantities`, `tags`, `related` or `extra`."
            ),
        ),
    ],
)
Qualifier = TypeAliasType(
    "Qualifier",
    Annotated[
        str,
        OneOf(
            models.QUALIFIERS,
            words=(
                "How the value is meant: `exactly`; `about`, 10 % more or less when compared; "
                "`at-least` and `at-most`, open at one end; `between` the value and `max_value`."
            ),
        ),
    ],
)
Relation = TypeAliasType(
    "Relation",
    Annotated[
        str,
        OneOf(
            models.RELATIONS,
            words=(
                "What this event is to the other: it `follows` it in time, is `part-of` it, "
                "`implements` what it decided, `responds-to` it, `causes` it, `amends` it in part, "
                "`supersedes` it, `contradicts` or `confirms` it, or is `related` in another way."
            ),
        ),
    ],
)
ActorKind = TypeAliasType(
    "ActorKind",
    Annotated[
        str,
        OneOf(
            models.ACTOR_KINDS,
            words=(
                "What an actor is: a `country`, an `organisation` (a company, a ministry, a "
                "party), a `person`, or a `group` without a fixed form."
            ),
        ),
    ],
)
SourceKind = TypeAliasType(
    "SourceKind",
    Annotated[
        str,
        OneOf(
            models.SOURCE_KINDS,
            words=(
                "What a source is: `news`, an `analysis`, an `official` document or statement, a "
                "`report`, a `book`, a `dataset`, a `web-page`, or `other`."
            ),
        ),
    ],
)
MediaKind = TypeAliasType(
    "MediaKind",
    Annotated[
        str,
        OneOf(
            models.MEDIA_KINDS,
            words=(
                "What a medium is: an `image`, a `video`, an `audio` recording, a `document` such "
                "as a PDF, or a `page` of the web."
            ),
        ),
    ],
)
RecordKind = TypeAliasType(
    "RecordKind",
    Annotated[
        str,
        OneOf(
            models.KINDS,
            words=("What a record is: an `event`, a `source`, an `actor`, a `place` or a `type`."),
        ),
    ],
)
RevisionOperation = TypeAliasType(
    "RevisionOperation",
    Annotated[
        str,
        OneOf(
            models.OPERATIONS,
            words=(
                "What an edit did: `create`, `update`, `delete`, or `restore` what was deleted."
            ),
        ),
    ],
)
ChangeOperation = TypeAliasType(
    "ChangeOperation",
    Annotated[
        str,
        OneOf(
            ("create", "update", "delete"),
            words=(
                "What happened to the event: `create`, made or restored; `update`, changed itself "
                "or in what it shows; `delete`."
            ),
        ),
    ],
)
ImportOperation = TypeAliasType(
    "ImportOperation",
    Annotated[
        str,
        OneOf(
            ("create", "fill", "correct"),
            words=(
                "What an import does to a record: `create` makes it, `fill` adds what it lacks, "
                "`correct` replaces what differs."
            ),
        ),
    ],
)
NAMED_KINDS = ("type", "actor", "place", "source", "tag", "publisher")
NamedKind = TypeAliasType(
    "NamedKind",
    Annotated[
        str,
        OneOf(
            NAMED_KINDS,
            words=(
                "What a record is: a `type`, an `actor`, a `place`, a `source`, a `tag` or a "
                "`publisher`."
            ),
        ),
    ],
)
Precision = TypeAliasType(
    "Precision",
    Annotated[
        str,
        OneOf(
            dates.PRECISIONS,
            words=(
                "How finely a date is given, from an `era` (centuries of unknown digits) over "
                "`millennium`, `century`, `decade` and `year` to parts of a year (`semester`, "
                "`quadrimester`, `quarter`, `season`, `month`), a `day`, and a time of day to the "
                "`minute` or `second`. An `interval` has a start and an end; a `set` is one day "
                "among several."
            ),
        ),
    ],
)
Match = TypeAliasType(
    "Match",
    Annotated[
        str,
        OneOf(
            ("possible", "certain"),
            words=(
                "How an event fits a `date` that was asked for: `certain`, it overlaps it whatever "
                "the truth is; `possible`, it may. As a parameter, `possible` gives both."
            ),
        ),
    ],
)


class Shape(BaseModel):
    """A document that refuses unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True)
