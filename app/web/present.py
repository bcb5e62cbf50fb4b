"""One event a screen: the event, its place in the list, and the picture of all of them."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection

from app import reads
from app.json_types import Json
from app.languages import Language
from app.web.overview import Overview
from app.web.query import PageQuery
from app.web.strip import Strip
from app.web.view import first_event, language_of, read_pictures


@dataclass(frozen=True)
class Presentation:
    """The event on the screen, and where it stands."""

    language: Language
    chronology: Json
    event: Json | None  # None if the filter finds nothing
    number: int | None  # in the list, None if the filter does not find this event
    total: int
    before: Json | None
    after: Json | None
    overview: Overview | None  # of all events, unless there are too many
    strip: Strip | None
    type_label: str

    def label(self, name: str, value: str) -> str:
        """Return the name of a value for people."""
        return self.type_label if name == "type" else value.replace("-", " ")


def read_presentation(
    connection: Connection,
    now: reads.Position,
    query: PageQuery,
    preferred: Language | None = None,
) -> Presentation:
    """Return the event to present, the first of the list unless one is named.

    The page is in the language that the reader prefers, else in that of the chronology.
    """
    chronology = reads.fetch_chronology(connection)
    language = preferred or language_of(chronology)
    total = reads.count_matching(connection, query)
    pictures = read_pictures(connection, now, query, total, language)
    event = first_event(connection, now, query)
    if query.present:
        event = json.loads(reads.event(connection, query.present))
    place = reads.ListPlace(None, None, None)
    labels: dict[str, str] = {}
    if event:
        place = reads.locate_in_list(connection, query, event["id"])
        labels = reads.labels(connection, "type", [event["type"]])
    return Presentation(
        language,
        chronology,
        event,
        place.number,
        total,
        place.before,
        place.after,
        pictures.overview,
        pictures.strip,
        labels.get(event["type"], "") if event else "",
    )
