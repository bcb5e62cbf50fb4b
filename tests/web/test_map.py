"""The map: every place with coordinates that the filter finds, and how many events it has."""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from app.web.map import MAX_LINES, WIDTHS, Area, MappedPlace, draw_map

if TYPE_CHECKING:
    from browser import Visit
    from servers import Server

WIDE = WIDTHS["wide"]


def place(
    latitude: float, longitude: float, events: int = 1, name: str = "Somewhere"
) -> MappedPlace:
    """Return a place."""
    return MappedPlace("somewhere", "Somewhere", latitude, longitude, events)


@given(
    st.lists(
        st.builds(place, st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 10**6)),
        min_size=1,
        max_size=30,
    )
)
def test_each_place_lies_in_each_picture(places: list[MappedPlace]) -> None:
    """Also at the poles, at the antimeridian, and all in one point."""
    for picture in draw_map(places, 0).pictures.values():
        assert len(picture.spots) == len(places)
        for spot in picture.spots:
            assert 0 <= spot.x <= picture.width
            assert 0 <= spot.y <= picture.height
        assert len(picture.lines) <= 2 * (MAX_LINES + 1)


SEAS: list[tuple[str, list[MappedPlace], float, float]] = [  # the least and the most degrees across
    ("one town", [place(44.8, 20.5)], 2, 20),
    ("two capitals", [place(44.8, 20.5), place(40.4, 49.9)], 29, 60),
    ("Fiji and Samoa", [place(-18.1, 178.4), place(-13.8, -171.8)], 9, 40),
    ("round the Earth", [place(0, lon) for lon in range(-180, 180, 20)], 340, 400),
]


def test_the_map_shows_no_more_of_the_earth_than_it_must() -> None:
    """Two islands on either side of the antimeridian are neighbours."""
    wrong = []
    for name, places, least, most in SEAS:
        box = draw_map(places, 0).pictures["wide"].box
        if not least <= box.east - box.west <= most:
            wrong.append((name, box))
    assert wrong == []


def test_a_box_of_the_filter_is_shown_whole() -> None:
    """And places outside it are not."""
    picture = draw_map([place(50, 15), place(0, 0)], 0, Area(10, 40, 20, 60)).pictures["wide"]
    assert picture.box.west <= 10 <= 20 <= picture.box.east
    assert picture.box.south <= 40 <= 60 <= picture.box.north
    assert [spot.place.latitude for spot in picture.spots] == [50]


def test_a_box_may_be_a_line_or_a_point(server: "Server") -> None:
    """The filter takes one, and so does the map."""
    for box in ("20.5,44.8,20.5,44.8", "20.5,40,20.5,45", "20,44.8,21,44.8", "0,90,10,90"):
        answer = server.ask(f"/?view=map&bbox={box}", {"Accept": "text/html"})
        assert (box, answer.status) == (box, 200)
        assert b'<svg class="of-wide"' in answer.body


def test_the_land_goes_round_the_earth() -> None:
    """Each coast that a picture shows is in its path, also beyond the antimeridian."""
    drawn = draw_map([place(0, lon) for lon in range(-180, 180, 20)], 0)
    whole = drawn.land.count("M")
    islands = draw_map([place(-18.1, 178.4), place(-13.8, -171.8)], 0)
    town = draw_map([place(44.8, 20.5)], 0)
    assert 0 < town.land.count("M") < islands.land.count("M") + 5 < whole
    assert len(list(town.pictures["wide"].land)) == 1
    assert len(list(islands.pictures["wide"].land)) == 2


def test_without_places_there_is_no_picture() -> None:
    """Only the number of the events without any."""
    drawn = draw_map([], 7)
    assert (drawn.pictures, drawn.elsewhere) == ({}, 7)


def test_the_page_has_each_place_with_its_events(server: "Server") -> None:
    """As `/facets` counts them; the events elsewhere are told, too."""
    for query in ("", "&type=visit", "&place=belgrade", "&q=nothing-has-this-word"):
        html = server.ask(f"/?view=map{query}", {"Accept": "text/html"}).body.decode()
        shown = re.search(r'<svg class="of-wide".*?</svg>', html, re.S)
        told = re.findall(r"<title>(.*): (\d+) events?</title>", shown[0] if shown else "")
        counted = server.ask(f"/facets?by=place&limit=1000{query}").json()["facets"]["place"]
        places = server.ask("/places?limit=200").json()["items"]
        mapped = {one["id"] for one in places if one["latitude"] is not None}
        expected = [(v["label"], str(v["count"])) for v in counted if v["value"] in mapped]
        assert sorted(told) == sorted(expected)
        total = server.ask(f"/events?{query}").json()["total"]
        inside = server.ask(f"/events?bbox=-180,-90,180,90{query}").json()["total"]
        if total > inside:
            assert f"{total - inside} without a place on the map" in html


def test_a_place_is_chosen(visit: "Visit") -> None:
    """The list then has its events, and the map stays."""
    visit.page.goto("/?view=map")
    spot = visit.page.locator(".map .of-wide a").first
    label, _, number = spot.locator("title").text_content().rpartition(": ")  # type: ignore[union-attr]
    spot.click()
    visit.page.wait_for_url("**place=**")
    assert visit.page.locator("#chips").get_by_text(label).count() == 1
    assert visit.page.locator("#found, .found").first.inner_text().startswith(number.split()[0])
    assert visit.page.locator(".map .of-wide").is_visible()


def test_a_box_is_dragged(visit: "Visit") -> None:
    """What is inside is found, and the box can be taken away again."""
    visit.page.goto("/?view=map")
    edges = visit.page.locator(".map .of-wide").bounding_box()
    assert edges
    x, y = edges["x"] + 5, edges["y"] + 5
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + edges["width"] / 2, y + edges["height"] - 10, steps=5)
    visit.page.mouse.up()
    visit.page.wait_for_url("**bbox=**")
    given_box = parse_qs(urlsplit(visit.page.url).query)["bbox"][0]
    west, south, east, north = map(float, given_box.split(","))
    assert west < east
    assert south < north
    visit.page.get_by_role("link", name="The whole map").click()
    visit.page.wait_for_url(lambda url: "bbox" not in url)


def test_a_phone_has_a_picture_of_its_own(visit: "Visit") -> None:
    """So that names are as large as everywhere."""
    visit.page.set_viewport_size({"width": 375, "height": 800})
    visit.page.goto("/?view=map")
    assert visit.page.locator(".map .of-narrow").is_visible()
    assert not visit.page.locator(".map .of-wide").is_visible()
