"""A map's layer (RFC 7946): where it happened, and all that is known of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.documents import EVENTS, Json, event, file_of
from formats.read_back import features

BELGRADE = {"id": "belgrade", "name": "B", "country": "RS", "latitude": 44.8, "longitude": 20.5}
BAKU = {"id": "baku", "name": "Baku", "country": "AZ", "latitude": 40.4, "longitude": 49.9}
SOMEWHERE = {**BAKU, "id": "somewhere", "latitude": None, "longitude": None}


@pytest.mark.parametrize(
    ("places", "geometry"),
    [
        ([], None),
        ([SOMEWHERE], None),
        ([BELGRADE], {"type": "Point", "coordinates": [20.5, 44.8]}),
        ([SOMEWHERE, BELGRADE], {"type": "Point", "coordinates": [20.5, 44.8]}),
        (
            [BELGRADE, BAKU],
            {"type": "MultiPoint", "coordinates": [[20.5, 44.8], [49.9, 40.4]]},
        ),
    ],
)
def test_longitude_comes_first(places: list[Json], geometry: Any) -> None:
    """Section 3.1.1; an event without coordinates is a feature all the same (section 3.2)."""
    (feature,) = features(file_of("geojson", [event(places=places)]))
    assert feature["geometry"] == geometry


def test_a_feature_is_the_event() -> None:
    """Every member, its outer days where maps look for them, and a page to open."""
    told = event()
    (feature,) = features(file_of("geojson", [told]))
    more = {
        "start": "2023-11-01",
        "end": "2023-11-30",
        "url": "https://chronology.example.org/gas/?event=gas-contract",
    }
    assert feature["properties"] == told | more


@given(st.lists(EVENTS, max_size=4))
def test_any_events_make_a_layer(events: list[Json]) -> None:
    """As many features, in their order."""
    assert [f["id"] for f in features(file_of("geojson", events))] == [e["id"] for e in events]
