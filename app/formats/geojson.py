"""GeoJSON (RFC 7946): one feature per event, at its places."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from app.formats.lines import About, batch_items, pick_members, write_json_list
from app.json_types import Json

ADDED_PROPERTIES = ("start", "end", "url")  # to the members of an event


def write_geojson(documents: Iterable[bytes], about: About) -> Iterator[bytes]:
    """Yield the FeatureCollection (section 3.3) in chunks, with the events that have no place."""
    features = batch_items(documents, partial(_feature, about))
    return write_json_list(features, "features", {"type": "FeatureCollection"})


def _feature(about: About, event: Json) -> Json:
    """Return the Feature (section 3.2): the whole event, and its outer days as maps expect them.

    With `fields`, only those properties; the geometry stays.
    """
    date = event["date"]
    added = (date["earliest"], date["latest"], about.page_of(event["id"]))
    properties = {**event, **dict(zip(ADDED_PROPERTIES, added, strict=True))}
    return {
        "type": "Feature",
        "id": event["id"],
        "geometry": _geometry(event["places"]),
        "properties": properties
        if about.fields is None
        else pick_members(properties, about.fields),
    }


def _geometry(places: list[Json]) -> dict[str, Any] | None:
    """Return the known coordinates, longitude first (section 3.1.1); None if there are none."""
    points = [
        [place["longitude"], place["latitude"]]
        for place in places
        if place["longitude"] is not None and place["latitude"] is not None
    ]
    if len(points) > 1:
        return {"type": "MultiPoint", "coordinates": points}
    return {"type": "Point", "coordinates": points[0]} if points else None
