"""GeoJSON, as the geojson package reads and judges it: where an event lies on the map."""

from typing import Any

import geojson  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.documents import ABOUT, EVENTS, Json, event, file_of
from formats.foreign import is_web
from formats.hostile import ADDRESSES, TEXTS, full_of, linked_to


def read(*events: Json) -> Any:
    """The collection that these events make; it is sound."""
    found = geojson.loads(file_of("geojson", events))
    assert found.errors() == []
    return found


def at(latitude: float | None, longitude: float | None) -> Json:
    """A place with these coordinates."""
    place = {"id": "a", "name": "A", "country": None}
    return {**place, "latitude": latitude, "longitude": longitude}


@given(st.lists(EVENTS, max_size=2))
def test_a_feature_holds_all_that_an_event_says(events: list[Json]) -> None:
    """In the same order, with its outer days under the names that maps look for."""
    found = read(*events)
    assert found.type == "FeatureCollection"
    for feature, known in zip(found.features, events, strict=True):
        assert feature.id == known["id"]
        more = {
            "start": known["date"]["earliest"],
            "end": known["date"]["latest"],
            "url": f"{ABOUT.base}/?event={known['id']}",
        }
        assert feature.properties == known | more


@pytest.mark.parametrize(
    ("places", "geometry"),
    [
        ([], None),
        ([at(None, None)], None),
        ([at(44.8, 20.46)], {"type": "Point", "coordinates": [20.46, 44.8]}),
        ([at(None, None), at(0, 0)], {"type": "Point", "coordinates": [0.0, 0.0]}),
        (
            [at(44.8, 20.46), at(-17.8, 177.98)],
            {"type": "MultiPoint", "coordinates": [[20.46, 44.8], [177.98, -17.8]]},
        ),
    ],
)
def test_a_geometry_is_where_the_places_are(places: list[Json], geometry: Json | None) -> None:
    """Longitude first; null where no place has coordinates, for the event is in the file anyhow."""
    (feature,) = read(event(places=places)).features
    assert feature.geometry == geometry


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_text(text: str) -> None:
    """To the letter; a map has to escape what it shows, as with any property."""
    known = full_of(text)
    (feature,) = read(known).features
    assert [feature.properties[name] for name in known] == list(known.values())


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_address_of_a_feature_is_the_servers(address: str) -> None:
    """Whatever stands in a source."""
    (feature,) = read(linked_to(address)).features
    assert is_web(feature.properties["url"])
