"""The answers held against a model in plain Python, which looks at every event in turn."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app import schemas
from app.words import make_slug
from benchmarks.bounds import BEGINNING, END, bounds, days
from benchmarks.measured import Asked
from benchmarks.values import STEP, Values
from chronology import Chronology, Known
from chronology.texts import words
from servers import Answer

Json = dict[str, Any]
Query = Mapping[str, Sequence[str]]
OF_LISTS = ("sort", "cursor", "limit", "by", "interval")  # parameters that are none of the filter


class Made(dict[str, Any]):
    """A mapping that makes what it holds."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __missing__(self, key: str) -> Any:
        self[key] = self.make(key)
        return self[key]


class Oracle:
    """What every request over the generated events must be answered."""

    def __init__(self, lines: Iterable[str], updated: Mapping[str, str], values: Values) -> None:
        self.given: dict[str, Json] = {}
        for line in lines:
            event = json.loads(line)
            self.given[event["id"]] = event
        self.events = chronology(self.given, updated)
        self.offsets = {
            cursor: STEP * (number + 1)
            for cursors in values.cursors.values()
            for number, cursor in enumerate(cursors)
        }
        self.found: dict[str, Mapping[str, str | None]] = {}
        self.right: dict[str, Json] = {}  # documents that were found to be, by id

    def wrong(self, asked: Iterable[Asked]) -> Iterator[str]:
        """A line for each answer that is not what it must be."""
        for made in asked:
            for target, answer in made.answers.items():
                if (why := self.differs(target, answer)) is not None:
                    yield f"{made.kind.name}: {target}: {why}"

    def differs(self, target: str, answer: Answer) -> str | None:
        """What is wrong with an answer."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        if parts.path == "/events.ndjson":
            items = [json.loads(line) for line in answer.body.splitlines()]
            return self._items(items, list(self.find(query)), query)
        told = answer.json()
        if parts.path == "/events":
            return self._page(told, query)
        if parts.path == "/facets":
            return self._facets(told, query)
        if parts.path == "/histogram":
            return self._histogram(told, query)
        if parts.path == "/sources":
            return self._sources(told, query)
        event_id = parts.path.removeprefix("/events/")
        return None if holds(told, self.given[event_id]) else "is another event"

    def find(self, query: Query) -> Mapping[str, str | None]:
        """The ids that pass the filter, in the order of `sort`, with how each matches."""
        asked = {name: values for name, values in query.items() if name not in OF_LISTS}
        key = json.dumps(asked, sort_keys=True)
        if key not in self.found:
            self.found[key] = self.events.find(asked)
        found = self.found[key]
        sort = query.get("sort", ["date"])[0]
        if sort in ("date", "relevance"):
            return found
        return {i: found[i] for i in self.events.order[sort] if i in found}

    def _page(self, told: Json, query: Query) -> str | None:
        found = self.find(query)
        if told["total"] != len(found):
            return f"total {told['total']}, {len(found)} expected"
        start = self.offsets[query["cursor"][0]] if "cursor" in query else 0
        if (told["next"] is None) != (start + 50 >= len(found)):
            return "ends elsewhere"
        if "relevance" in query.get("sort", []):  # which of many hits come first is for tests
            expected = [item["id"] for item in told["items"] if item["id"] in found]
            if len(set(expected)) != min(50, len(found)):
                return "are not so many different hits"
        else:
            expected = list(found)[start : start + 50]
        for item in told["items"]:
            if item.pop("match", None) != found.get(item["id"]):
                return f"{item['id']} matches otherwise"
        return self._items(told["items"], expected, query)

    def _items(self, items: Sequence[Json], expected: Sequence[str], query: Query) -> str | None:
        if [item["id"] for item in items] != list(expected):
            return f"holds other events than {expected[:3]} …"
        for item in items:
            if self.right.get(item["id"]) == item:
                continue
            if not holds(item, self.given[item["id"]]):
                return f"{item['id']} is not as it was given"
            self.right[item["id"]] = item
        return None

    def _facets(self, told: Json, query: Query) -> str | None:
        found = self.find(query)
        for name in query["by"]:
            facet = self.events.facet(query, found, name)[:100]
            expected = [(entry["value"], entry["count"]) for entry in facet]
            if [(v["value"], v["count"]) for v in told["facets"][name]] != expected:
                return f"counts by {name} otherwise than {expected[:3]} …"
        return None if told["total"] == len(found) else f"total {told['total']}"

    def _histogram(self, told: Json, query: Query) -> str | None:
        found = self.find(query)
        if told["undated"] != self.events.undated(query, found):
            return "counts those without a date otherwise"
        expected = self.events.histogram(query, found, query["interval"][0])
        counted = [{n: v for n, v in bucket.items() if n != "label"} for bucket in told["buckets"]]
        return None if counted == expected else "counts otherwise"

    def _sources(self, told: Json, query: Query) -> str | None:
        sought = words(query["q"][0]) if "q" in query else []
        found = [i for i, said in self._said.items() if all(word in said for word in sought)]
        expected = [
            {**self.events.sources[i].model_dump(), "events": self._cited[i]}
            for i in sorted(found)[:50]
        ]
        if told["total"] != len(found):
            return f"total {told['total']}, {len(found)} expected"
        return None if told["items"] == expected else "holds other sources"

    @cached_property
    def _cited(self) -> Counter[str]:
        return Counter(s["id"] for event in self.given.values() for s in event["sources"])

    @cached_property
    def _said(self) -> Mapping[str, list[str]]:
        return {
            i: words(f"{source.publisher or ''} {source.title}")
            for i, source in self.events.sources.items()
        }


def holds(served: Any, given: Any) -> bool:
    """Whether what is served says all that was given."""
    if isinstance(given, dict):
        return all(name in served and holds(served[name], part) for name, part in given.items())
    if isinstance(given, list):
        return len(served) == len(given) and all(map(holds, served, given))
    return bool(served == given)


def chronology(given: Mapping[str, Json], updated: Mapping[str, str]) -> Chronology:
    """The model of these events."""
    named: dict[str, dict[str, Json]] = {"actors": {}, "places": {}, "sources": {}}
    for event in given.values():
        for member, held in named.items():
            for part in event[member]:
                held.setdefault(part["id"], part)
    tags = {tag for event in given.values() for tag in event["tags"]}
    publishers = {s["publisher"] for s in named["sources"].values()} - {None}
    known = {}
    for event in given.values():
        edtf = event["date"]["edtf"]
        *days_of, sure = bounds(edtf)
        known[edtf] = Known((days_of[0], days_of[1], days_of[2], days_of[3]), sure)
    return Chronology(
        actors={i: kept(schemas.ActorWrite, part) for i, part in named["actors"].items()},
        places={i: kept(schemas.PlaceWrite, part) for i, part in named["places"].items()},
        sources={i: kept(schemas.SourceWrite, part) for i, part in named["sources"].items()},
        events={i: schemas.EventWrite.model_validate(event) for i, event in given.items()},
        updated={i: datetime.fromisoformat(moment) for i, moment in updated.items()},
        known=known,
        windows=Made(window),
        last_day=Made(lambda text: days(text)[1]),
        tags={make_slug(tag): tag for tag in tags},
        publishers={make_slug(name): name for name in publishers},
    )


def window(text: str) -> tuple[int, int]:
    """The first and the last day that a `date` asks for."""
    first, _, _, last, _ = bounds(text)
    return max(first, BEGINNING), min(last, END)


def kept(model: Any, part: Json) -> Any:
    """A record without what is said of it in one event."""
    return model(**{name: value for name, value in part.items() if name in model.model_fields})
