"""The chronology itself, as it is written and as it is served."""

from pydantic import Field

from app.schemas.answers import WholeRevision
from app.schemas.texts import Language, LineText, LongText, Shape, ShortText


class ChronologyWrite(Shape):
    """A chronology's title, and what else it says of itself."""

    title: ShortText = Field(
        description="On pages, in feeds and calendars.", examples=["Azerbaijan and Serbia"]
    )
    subtitle: LineText | None = Field(
        None,
        description="One line below the title.",
        examples=["From crisis to an artillery contract"],
    )
    about: LongText | None = Field(
        None,
        description="A few lines: what is in it, and what is not.",
        examples=["Every dated statement of one analysis, each with its sources."],
    )
    language: Language | None = Field(
        None, description="Of the titles and summaries, BCP 47.", examples=["en"]
    )
    licence: LineText | None = Field(
        None, description="Its name or address.", examples=["CC BY 4.0"]
    )
    contact: LineText | None = Field(
        None,
        description="Who answers questions: a name, a mail address or a page.",
        examples=["desk@example.org"],
    )


class ChronologyRecord(Shape):
    """The chronology as a revision left it; every key is always present."""

    title: str
    subtitle: str | None
    about: str | None
    language: str | None
    licence: str | None
    contact: str | None


class Chronology(ChronologyRecord):
    """The chronology; every key is always present."""

    version: int = Field(ge=0, description="Counts the edits; 0 before the first.", examples=[1])


class ChronologyRevision(WholeRevision[ChronologyRecord]):
    """An edit with the chronology as it left it."""
