"""JSON-LD 1.1: events in the terms of https://schema.org, for search engines and linked data."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from app import dates
from app.formats import citations
from app.formats.lines import About, batch_items, pick_members, write_json_list
from app.formats.media import list_linked
from app.json_types import Json

SCHEMA = "https://schema.org/"
# "https://schema.org" alone would have to be fetched by whoever reads the file. This says all
# that is needed, and reads the same in fifty years: the vocabulary, and which values are addresses
# and dates.
CONTEXT: Json = {
    "@vocab": SCHEMA,
    **{
        name: {"@type": "@id"}
        for name in (
            *("url", "archivedAt", "additionalType", "eventStatus", "superEvent"),
            *("contentUrl", "thumbnailUrl"),
        )
    },
    **{name: {"@type": "Date"} for name in ("startDate", "endDate", "datePublished")},
    "edtf": {
        "@id": "http://purl.org/dc/terms/date",
        "@type": "http://id.loc.gov/datatypes/edtf",
    },
}
# schema.org has no word for an event that took place.
SCHEMA_STATUS = {"planned": f"{SCHEMA}EventScheduled", "cancelled": f"{SCHEMA}EventCancelled"}
ACTOR_TYPES = {
    "country": "Country",
    "organisation": "Organization",
    "person": "Person",
    "group": "Organization",
}
MEDIA_TYPES = {
    "image": "ImageObject",
    "video": "VideoObject",
    "audio": "AudioObject",
    "document": "MediaObject",
    "page": "WebPage",
}
WORK_TYPES = {
    "news": "NewsArticle",
    "analysis": "AnalysisNewsArticle",
    "report": "Report",
    "book": "Book",
    "dataset": "Dataset",
    "web-page": "WebPage",
}


def write_jsonld(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the graph in chunks. It needs no other document to be understood: see CONTEXT."""
    graph = chain([[_dataset(about)]], batch_items(documents, partial(_event, about)))
    # schema.org has no words for these.
    own = {
        "match": f"{about.base}/docs#match",
        "extra": {"@id": f"{about.base}/docs#extra", "@type": "@json"},
    }
    context = {**CONTEXT, **own}
    for chunk in write_json_list(graph, "@graph", {"@context": context}):
        # As good in JSON, and cannot end the <script> that a page may hold it in.
        yield chunk.replace(b"<", b"\\u003c")


def _dataset(about: About) -> Json:
    """https://schema.org/Dataset: the chronology itself."""
    return _without_empty(
        {
            "@id": about.urn,
            "@type": "Dataset",
            "url": about.page,
            "name": about.title,
            "description": about.subtitle,
            "inLanguage": about.language,
            "license": about.licence,
        }
    )


def _event(about: About, event: Json) -> Json:
    """Return the https://schema.org/Event; `edtf` is dcterms:date, the exact date.

    `organizer` and `performer` would say more of an actor than its role does, and `participant`
    belongs to actions: the event is `about` its actors. Nor has an event a `citation`: it is the
    `subjectOf` its sources.
    """
    edtf = event["date"]["edtf"]
    return _without_empty(
        {
            "@id": about.urn_of("events", event["id"]),
            "@type": "Event",
            "additionalType": about.record("types", event["type"]),
            "identifier": event["id"],
            "url": about.page_of(event["id"]),
            "name": event["title"],
            "description": event["summary"],
            **_iso_dates(dates.parse(edtf)),
            "edtf": edtf,
            **pick_members(event, ("match",)),
            "eventStatus": SCHEMA_STATUS.get(event["status"]),
            "keywords": event["tags"],
            "location": [_place(about, place) for place in event["places"]],
            "about": [_actor(about, actor) for actor in event["actors"]],
            "superEvent": [
                about.urn_of("events", link["event"])
                for link in event["related"]
                if link["relation"] == "part-of"
            ],
            "image": [_medium(m) for m in list_linked(event) if m["kind"] == "image"],
            "subjectOf": [
                *(_work(about, source) for source in event["sources"]),
                *(_medium(m) for m in list_linked(event) if m["kind"] != "image"),
            ],
            "extra": event["extra"],
        }
    )


def _iso_dates(date: dates.Date) -> Json:
    """Return `startDate`, and `endDate` if it lasts, each no finer than it is known (ISO 8601).

    A date with a `?`, `~` or `%` has none: it may be wrong, which the two cannot say.
    """
    if date.uncertain or date.approximate:
        return {}
    start = _span(date.start_earliest, date.start_latest, date.start_clock)
    end = _span(date.end_earliest, date.end_latest, date.end_clock)
    once = (date.start_earliest, date.start_latest) == (date.end_earliest, date.end_latest)
    same = once and date.start_clock == date.end_clock
    return {"startDate": start} if same else {"startDate": start, "endDate": end}


def _span(first: int, last: int, clock: dates.Clock | None) -> str | None:
    """Return the time, day, month or year that holds all of `first` to `last`, else None."""
    days = [dates.iso_day(number) for number in (first, last)]
    if None in days or any(str(day).startswith("-") for day in days):
        return None
    ours, theirs = (str(day).split("-") for day in days)
    shared = [part for n, part in enumerate(ours) if ours[: n + 1] == theirs[: n + 1]]
    return "-".join(shared) + (clock.iso if clock else "") or None


def _place(about: About, place: Json) -> Json:
    coordinates = {name: place[name] for name in ("latitude", "longitude")}
    return _without_empty(
        {
            "@id": about.urn_of("places", place["id"]),
            "@type": "Place",
            "identifier": place["id"],
            "name": place["name"],
            "address": place["country"]
            and {"@type": "PostalAddress", "addressCountry": place["country"]},
            "geo": None
            if None in coordinates.values()
            else {"@type": "GeoCoordinates", **coordinates},
        }
    )


def _actor(about: About, actor: Json) -> Json:
    kind = ACTOR_TYPES.get(actor["kind"], "Thing")
    node = {
        "@id": about.urn_of("actors", actor["id"]),
        "@type": kind,
        "identifier": actor["id"],
        "name": actor["name"],
    }
    return _in_role(node, "about", actor["role"])


def _work(about: About, source: Json) -> Json:
    """Return the https://schema.org/CreativeWork, in its role unless it supports the event."""
    publisher, published = source["publisher"], source["published"]
    node = _without_empty(
        {
            "@id": about.urn_of("sources", source["id"]),
            "@type": WORK_TYPES.get(source["kind"], "CreativeWork"),
            "identifier": source["id"],
            "name": source["title"],
            "creditText": source["author"],
            "publisher": publisher and {"@type": "Organization", "name": publisher},
            "datePublished": published and _plain_iso_date(published),
            "url": citations.web_link(source),
            "archivedAt": citations.web_link({"url": source["archive_url"]}),
            "inLanguage": source["language"],
        }
    )
    return _in_role(node, "subjectOf", None if source["role"] == "supports" else source["role"])


def _medium(medium: Json) -> Json:
    """Return a https://schema.org/MediaObject, or the page of the web that it is."""
    address = "url" if medium["kind"] == "page" else "contentUrl"
    return _without_empty(
        {
            "@type": MEDIA_TYPES.get(medium["kind"], "MediaObject"),
            address: medium["url"],
            "caption": medium["caption"],
            "description": medium["alt"],
            "creditText": medium["credit"],
            "license": medium["licence"],
            "thumbnailUrl": citations.safe_web_link(medium["thumbnail"]),
        }
    )


def _in_role(node: Json, name: str, role: str | None) -> Json:
    """Return `node` inside of a https://schema.org/Role that repeats the property it belongs to."""
    return {"@type": "Role", "roleName": role, name: node} if role else node


def _plain_iso_date(edtf: str) -> str | None:
    """Return the date if it is a year, month or day in ISO 8601; None for any other."""
    date = dates.parse(edtf)
    plain = re.fullmatch("[0-9]{4}(-[0-9]{2}){0,2}", edtf)
    return edtf if plain and date.precision in ("year", "month", "day") else None


def _without_empty(members: dict[str, Any]) -> Json:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value not in (None, [], {})}
