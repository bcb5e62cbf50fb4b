"""What a page may be asked: the filter, the event that is open, and how it looks."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app import schemas
from app.api.tracking import is_mark
from app.filters import EventQuery, ListQuery

PAGE = 50  # events a page
THEMES = ("light", "dark")
Pairs = list[tuple[str, str]]

# What means nothing without another parameter.
NEEDS = {"match": "date", "min_value": "unit", "max_value": "unit"}
IN_A_FORM = ("match", "sort", "all_of")  # which it sends with every filter
USUAL = {("sort", "date"), ("match", "possible")}


def standing(pairs: Iterable[tuple[str, str]], *names: str) -> Pairs:
    """A query string without those of `names`, all if none, that lack what they need."""
    held = list(pairs)
    given = {name for name, _ in held}

    def stands(name: str, value: str) -> bool:
        needed = "q" if (name, value) == ("sort", "relevance") else NEEDS.get(name)
        needed = value if name == "all_of" else needed
        return needed is None or needed in given or (bool(names) and name not in names)

    return [pair for pair in held if stands(*pair)]


def cleaned(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """A query string without empty fields, marks of tracking, and what is so anyway."""
    kept = [(name, value) for name, value in pairs if value.strip() and not is_mark(name)]
    return [pair for pair in standing(kept, *IN_A_FORM) if pair not in USUAL]


class PageQuery(ListQuery):
    """What the timeline page shows."""

    event: Annotated[str, AfterValidator(schemas.printable)] | None = Field(None, max_length=500)

    @property
    def slow(self) -> bool:
        """Whether it may take long: a page is a list with many counts, drawn."""
        return True

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
