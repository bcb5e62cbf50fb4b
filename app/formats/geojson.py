"""GeoJSON (RFC 7946): a feature an event, at the places where it happened."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from app.formats.lines import About, Json, batches_of, json_list, pick

ADDED = ("start", "end", "url")  # to the members of an event


def write(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """The FeatureCollection (section 3.3), chunk by chunk; events without a place are in it too."""
    features = batches_of(documents, partial(_feature, about))
    return json_list(features, "features", {"type": "FeatureCollection"})


def _feature(about: About, event: Json) -> Json:
    """The Feature (section 3.2): all that the event says, and its outer days where maps look.

    With `fields`, only those properties; the geometry stays.
    """
    date = event["date"]
    added = (date["earliest"], date["latest"], about.page_of(event["id"]))
    properties = {**event, **dict(zip(ADDED, added, strict=True))}
    return {
        "type": "Feature",
        "id": event["id"],
        "geometry": _geometry(event["places"]),
        "properties": properties if about.fields is None else pick(properties, about.fields),
    }


def _geometry(places: list[Json]) -> dict[str, Any] | None:
    """The coordinates that are known, longitude first (section 3.1.1); null where none are."""
    points = [
        [place["longitude"], place["latitude"]]
        for place in places
        if place["longitude"] is not None and place["latitude"] is not None
    ]
    if len(points) > 1:
        return {"type": "MultiPoint", "coordinates": points}
    return {"type": "Point", "coordinates": points[0]} if points else None
