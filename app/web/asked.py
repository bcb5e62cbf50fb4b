"""What a page may be asked: the filter, the event that is open, and how it looks."""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from app import schemas
from app.errors import wrong
from app.filters import EventFilter, EventQuery
from app.filters.query import Cursor, Sort

PAGE = 50  # events a page
THEMES = ("light", "dark")
Pairs = list[tuple[str, str]]

# What mailings and platforms put behind links to tell where a click came from.
TRACKING = ("utm_", "mc_", "pk_", "mtm_", "matomo_", "hsa_")
TRACKED = frozenset(
    (
        *("fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "twclid", "ttclid"),
        *("igshid", "igsh", "li_fat_id", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "s_cid"),
        "ref",
    )
)
# A form sends these with every filter; alone they say nothing, and would be errors.
BELONGS = {"match": "date"}
USUAL = {("sort", "date"), ("match", "possible")}


def cleaned(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """A query string without empty fields, marks of tracking, and what is so anyway."""
    kept = [
        (name, value)
        for name, value in pairs
        if value.strip() and name not in TRACKED and not name.startswith(TRACKING)
    ]
    given = {name for name, _ in kept}
    return [pair for pair in kept if pair not in USUAL and BELONGS.get(pair[0], pair[0]) in given]


class PageQuery(EventFilter):
    """What the timeline page shows."""

    sort: Sort = "date"
    cursor: Cursor | None = None
    event: Annotated[str, AfterValidator(schemas.printable)] | None = Field(None, max_length=500)

    @model_validator(mode="after")
    def _relevance_needs_q(self) -> Self:
        if self.sort == "relevance" and self.q is None:
            raise wrong("`relevance` needs `q`: it is relevance to a text", name="sort")
        return self

    @property
    def listing(self) -> EventQuery:
        """The list of events that it shows."""
        return EventQuery(**self.given, sort=self.sort, cursor=self.cursor, limit=PAGE)

    @property
    def pairs(self) -> Pairs:
        """Its query string, but for the cursor."""
        told: dict[str, Any] = self.model_dump(exclude={"cursor"}, exclude_defaults=True)
        return [
            (name, str(value))
            for name, given in told.items()
            for value in (given if isinstance(given, list) else [given])
        ]


class EmbedQuery(PageQuery):
    """What the embedded timeline shows."""

    theme: Annotated[str, schemas.OneOf(THEMES)] | None = None
