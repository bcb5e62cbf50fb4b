"""The sources of an event in one line of the list, and how many publishers support it."""

from collections.abc import Sequence
from typing import NamedTuple

from app.json_types import Json

MAX_NAMED = 2
ROLE_ORDER = ("supports", "contradicts", "context")


class SourceLine(NamedTuple):
    """The sources that a line names, one of each publisher, and the number of the others."""

    named: Sequence[Json]
    more: int


def summarize_sources(sources: Sequence[Json], shared: str | None) -> SourceLine:
    """Return the line of some sources without the one that all events share.

    A source that contradicts the event is named in any case.
    """
    own = [source for source in sources if source["id"] != shared]
    by_publisher: dict[tuple[str, bool], Json] = {}
    for source in sorted(own, key=lambda source: ROLE_ORDER.index(source["role"])):
        contradicts = source["role"] == "contradicts"
        by_publisher.setdefault((source["publisher"] or source["id"], contradicts), source)
    named = [
        source
        for number, ((_, contradicts), source) in enumerate(by_publisher.items())
        if contradicts or number < MAX_NAMED
    ]
    return SourceLine(named, len(own) - len(named))


def count_publishers(event: Json) -> int:
    """Return how many known publishers support an event, as `min_publishers` counts them."""
    supporting = [source for source in event["sources"] if source["role"] == "supports"]
    return len({source["publisher"] for source in supporting} - {None})
