"""The query of a page: the filter, the event that is open, and how the page looks."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app import dates, schemas
from app.addresses import is_tracking
from app.errors import wrong
from app.filters import EventQuery, ListQuery
from app.languages import LANGUAGES, find_language
from app.suggestions import nearest

PAGE_EVENTS = 50
THEMES = ("light", "dark")
VIEWS = ("overview", "list", "map")
FRAME_VIEWS = (*VIEWS, "strip", "present")
LANES = ("type", "actor", "place", "publisher")
ROWS = ("full", "compact")
QueryPairs = list[tuple[str, str]]

# Parameters that mean nothing without another.
NEEDS = {"match": "date", "min_value": "unit", "max_value": "unit"}
DAY_FIELDS = ("from", "until")  # of the form alone, for a date
SENT_BY_FORM = ("match", "sort", "all_of")  # whatever else is in the form
DEFAULTS = {("sort", "date"), ("match", "possible"), ("lanes", "type"), ("rows", "full")}


def drop_dependents(pairs: Iterable[tuple[str, str]], *names: str) -> QueryPairs:
    """Return the pairs without those whose parameter lacks the one that it needs.

    If `names` are given, only these parameters are dropped.
    """
    query = list(pairs)
    present = {name for name, _ in query}

    def stays(name: str, value: str) -> bool:
        needed = "q" if (name, value) == ("sort", "relevance") else NEEDS.get(name)
        needed = value if name == "all_of" else needed
        return needed is None or needed in present or (bool(names) and name not in names)

    return [pair for pair in query if stays(*pair)]


def clean_pairs(pairs: Iterable[tuple[str, str]]) -> QueryPairs:
    """Return a query string without empty fields, tracking parameters and defaults."""
    filled = [(name, value) for name, value in pairs if value.strip() and not is_tracking(name)]
    query = drop_dependents(_join_days(filled), *SENT_BY_FORM)
    return [pair for pair in query if pair not in DEFAULTS]


def _join_days(pairs: QueryPairs) -> QueryPairs:
    """Return the pairs with the two days of the form as one date, unless a date is written out."""
    days = {name: value for name, value in pairs if name in DAY_FIELDS}
    rest = [pair for pair in pairs if pair[0] not in DAY_FIELDS]
    if not days or any(name == "date" for name, _ in rest):
        return rest
    date = "/".join(days.get(name, "..") for name in DAY_FIELDS)
    with suppress(dates.DateError):  # refused as any other date
        date = dates.write_window(dates.parse_window(date))
    return [("date", date), *rest]


def _check_language(tag: str) -> str:
    """Return the tag of the language that pages have for `tag`. Raise an error if they have none.

    `de-AT` is answered in `de`.
    """
    if language := find_language(tag):
        return language.tag
    have = ", ".join(LANGUAGES)
    raise wrong(f"is no language of these pages; they have {have}", nearest(tag, LANGUAGES))


class PageQuery(ListQuery):
    """The query of the timeline page."""

    view: Annotated[str, schemas.OneOf(VIEWS)] | None = None
    lanes: Annotated[str, schemas.OneOf(LANES)] = "type"
    rows: Annotated[str, schemas.OneOf(ROWS)] = "full"
    event: Annotated[str, AfterValidator(schemas.check_printable)] | None = Field(
        None, max_length=500
    )

    present: Annotated[str, AfterValidator(schemas.check_printable)] | None = Field(
        None, max_length=500
    )
    lang: Annotated[str, AfterValidator(_check_language)] | None = None

    @property
    def presents(self) -> bool:
        """Return whether the page shows one event at a time, large."""
        return self.present is not None or self.view == "present"

    @property
    def shows_overview(self) -> bool:
        """Return whether the page begins with the overview."""
        return self.presents or self.view in (None, "overview")

    @property
    def shows_map(self) -> bool:
        """Return whether the page begins with the map."""
        return self.view == "map"

    @property
    def shows_strip(self) -> bool:
        """Return whether the page has the density strip, and marks in the list."""
        return True

    @property
    def shows_list(self) -> bool:
        """Return whether the page has the list of events."""
        return True

    @property
    def days(self) -> tuple[str, str] | None:
        """Return the first and the last day of the date as date fields take them, "" if open.

        Return None if there is no date, or one that begins or ends before the year 1.
        """
        if self.window is None:
            return None
        first, last = (dates.iso_day(day) or "" for day in self.window)
        return (
            None
            if "-" in (first[:1], last[:1]) or "0000" in (first[:4], last[:4])
            else (first, last)
        )

    @property
    def slow(self) -> bool:
        """Return True: a page is a list with many counts, drawn, and may take long."""
        return True

    @property
    def listing(self) -> EventQuery:
        """Return the query of the list on the page."""
        return EventQuery(
            **self.given_values, sort=self.sort, cursor=self.cursor, limit=PAGE_EVENTS
        )

    @property
    def pairs(self) -> QueryPairs:
        """Return the query string without the cursor."""
        fields: dict[str, Any] = self.model_dump(exclude={"cursor"}, exclude_defaults=True)
        return [
            (name, str(value))
            for name, values in fields.items()
            for value in (values if isinstance(values, list) else [values])
        ]


class EmbedQuery(PageQuery):
    """The query of the embedded timeline."""

    view: Annotated[str, schemas.OneOf(FRAME_VIEWS)] | None = None
    limit: int | None = Field(None, ge=1, le=PAGE_EVENTS)
    theme: Annotated[str, schemas.OneOf(THEMES)] | None = None

    @property
    def listing(self) -> EventQuery:
        """Return the query of the list in the frame."""
        return super().listing.model_copy(update={"limit": self.limit or PAGE_EVENTS})

    @property
    def shows_strip(self) -> bool:
        """Return whether the frame has the density strip, and marks in the list."""
        return self.presents or self.view in (None, "list", "strip")

    @property
    def shows_list(self) -> bool:
        """Return whether the frame has the list of events."""
        return self.view in (None, "list")
