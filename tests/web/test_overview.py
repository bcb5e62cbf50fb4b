"""The overview: every event in one picture, nothing on top of anything else."""

import struct
import zlib
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.languages import ENGLISH
from app.web.axis import dense_span, fit_axis
from app.web.overview import (
    DOT_PIXELS,
    LAYOUTS,
    MAX_LANES,
    Item,
    LaneName,
    Overview,
    draw_counts,
    draw_overview,
    shortened,
    text_pixels,
)
from app.web.preview import draw_preview
from dates.model import dates as any_dates
from densities import density

DATES = any_dates().map(lambda pair: pair[0])
TITLES = st.text(max_size=90)
Box = tuple[float, float, float, float]
KINDS = st.sampled_from([f"kind {number}" for number in range(20)])


def event(number: int, edtf: str, title: str = "Something happened") -> dict[str, Any]:
    """An event as it is served, as far as it is drawn."""
    return {"id": f"event-{number}", "title": title, "date": {"edtf": edtf, "label": edtf}}


def draw(*events: dict[str, Any], window: str | None = None, kinds: Any = None) -> Overview | None:
    """The overview of some events, all of one kind unless `kinds` says of which."""
    names = kinds or ["kind"] * len(events)
    lanes_of = {e["id"]: [LaneName(n, n)] for e, n in zip(events, names, strict=True)}
    asked = dates.parse_window(window) if window else None
    axis = fit_axis(density(*(e["date"]["edtf"] for e in events)), asked, ENGLISH)
    return draw_overview(events, lanes_of, axis) if axis else None


def extent(item: Item, width: int) -> list[Box]:
    """The boxes of a mark and of the lines of its title on a plot so wide."""
    left, right = (place * width / 100 for place in (item.mark.start, item.mark.end))
    boxes: list[Box] = [(left - DOT_PIXELS, item.mark_y - 4, right + DOT_PIXELS, item.mark_y + 4)]
    for line, y in item.title.lines:
        start = item.title.at * width / 100 + item.title.shift
        start -= text_pixels(line) if item.title.anchor == "end" else 0
        boxes.append((start, y - 9, start + text_pixels(line), y + 2))
    return boxes


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wider", [1, 1.31, 2.4])
@given(st.lists(st.tuples(DATES, TITLES), min_size=1, max_size=12))
def test_no_event_stands_on_another(
    layout: str, wider: float, events: list[tuple[str, str]]
) -> None:
    """On the narrowest plot of a layout, and on any wider one."""
    picture = draw(*(event(n, edtf, title) for n, (edtf, title) in enumerate(events)))
    for lane in picture.lanes if picture else ():
        rows = lane.rows[layout]
        boxes = [extent(item, int(LAYOUTS[layout] * wider)) for item in rows.items]
        for some, others in combinations(boxes, 2):
            for one in some:
                for other in others:
                    apart = one[2] <= other[0] or other[2] <= one[0]
                    assert apart or one[3] <= other[1] or other[3] <= one[1]
        assert all(box[1] >= 0 and box[3] <= rows.height for item in boxes for box in item)


@given(st.lists(st.tuples(DATES, KINDS), min_size=1, max_size=40))
def test_every_event_is_drawn_or_counted(events: list[tuple[str, str]]) -> None:
    """In a lane, or in words at an edge."""
    made = [event(n, edtf) for n, (edtf, _) in enumerate(events)]
    picture = draw(*made, kinds=[kind for _, kind in events])
    if picture is None:
        return
    drawn = {item.event["id"] for lane in picture.lanes for item in lane.rows["large"].items}
    assert len(drawn) + picture.earlier + picture.later + picture.undated >= len(events)
    assert len(picture.lanes) <= MAX_LANES + 1
    for lane in picture.lanes:
        assert lane.events == len(lane.rows["large"].items) == len(lane.rows["small"].items)


def test_the_window_begins_where_events_are_dense() -> None:
    """A single early event is said at the edge, with a way to it."""
    years = [str(year) for year in range(2013, 2025)]
    picture = draw(*(event(n, edtf) for n, edtf in enumerate(["1389-06-28", *years])))
    assert picture is not None
    assert picture.axis.scale.first == dates.day_number(2013, 1, 1)
    assert (picture.earlier, picture.later) == (1, 0)
    assert picture.axis.before == "../2012"


@given(st.lists(st.integers(-1000, 1000), min_size=1), st.integers(0, 50))
def test_the_dense_span_holds_most_events(starts: list[int], length: int) -> None:
    """At most an eighth of them lies before it, and as many behind."""
    first, last = dense_span(starts, [start + length for start in starts])
    assert first <= last
    spare = max(len(starts) // 8, 1)
    assert sum(start < first for start in starts) <= spare
    assert sum(start + length > last for start in starts) <= spare


def test_what_names_no_day_is_counted() -> None:
    """And stretches nothing."""
    picture = draw(event(1, "XXXX"), event(2, "2023-11"), event(3, "2023-12-03"))
    assert picture is not None
    assert picture.undated == 1
    assert picture.axis.scale.first == dates.day_number(2023, 11, 1)


def test_a_window_is_drawn_as_it_is_asked_for() -> None:
    """From its first to its last day."""
    picture = draw(event(1, "194X"), window="1940/1949")
    assert picture is not None
    assert (picture.axis.scale.first, picture.axis.scale.last) == dates.parse_window("1940/1949")


def test_where_no_day_is_known_there_is_no_overview() -> None:
    """Nothing to draw."""
    assert draw(event(1, "XXXX")) is None
    assert draw() is None


@given(TITLES, st.integers(60, 900))
def test_a_title_fits(title: str, width: int) -> None:
    """With an ellipsis if it was cut."""
    text = shortened(title, width)
    assert text == title or text.endswith("…")
    assert text_pixels(text) <= max(width, 40)


def test_a_tile_has_every_mark() -> None:
    """Without titles, in less room."""
    picture = draw(*(event(n, f"20{n:02d}") for n in range(10, 24)))
    assert picture is not None
    height, lanes = picture.tile
    assert sum(len(marks) for *_, marks in lanes) == 14
    assert height < 60


def test_a_preview_is_a_picture_of_the_marks() -> None:
    """A PNG of the size that its readers show; with nothing to draw it is empty paper."""
    drawn = draw_preview(draw(event(1, "2020"), event(2, "2021-03-04"), event(3, "[..2022]")))
    for picture in (drawn, draw_preview(None)):
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", picture[16:24]) == (1200, 630)
        size = struct.unpack(">I", picture[33:37])[0]
        rows = zlib.decompress(picture[41 : 41 + size])
        assert len(rows) == 630 * (1 + 3 * 1200)
    assert len(drawn) > len(draw_preview(None)) + 500


def test_what_is_not_known_yet_is_an_outline() -> None:
    """In the place that it will have, counted nowhere, and absent from a tile."""
    events = [event(n, f"20{n}") for n in range(10, 20)]
    lanes_of = {e["id"]: [LaneName("kind", "kind")] for e in events}
    axis = fit_axis(density(*(e["date"]["edtf"] for e in events)), None, ENGLISH)
    assert axis is not None
    whole = draw_overview(events, lanes_of, axis)
    part = draw_overview(events, lanes_of, axis, {f"event-{n}" for n in range(15, 20)})
    for layout in LAYOUTS:
        items = part.lanes[0].rows[layout].items
        assert [item.outlined for item in items] == [False] * 5 + [True] * 5
        assert [item._replace(outlined=False) for item in items] == list(
            whole.lanes[0].rows[layout].items
        )
    assert part.lanes[0].events == 5
    assert [len(lane.marks) for lane in part.tile[1]] == [5]


def test_more_events_than_have_room_are_counted() -> None:
    """Lane by lane, each bar asking for its own days; a far one is said at the edge."""
    crowd = density(*(f"20{n % 20:02d}-0{n % 9 + 1}" for n in range(300)), "1389")
    axis = fit_axis(crowd, None, ENGLISH)
    assert axis is not None
    picture = draw_counts(crowd, [("visit", "Visit", 301, crowd)], axis, ENGLISH)
    assert picture.axis.scale.first == dates.day_number(2000, 1, 1)
    assert (picture.earlier, picture.lanes) == (1, [])
    (lane,) = picture.counts
    assert max(bar.possible for bar in lane.bars) == 100
    assert lane.bars[0].caption.startswith("Visit, 2000: 15 events")
    assert [bar.window for bar in lane.bars] == [str(year) for year in range(2000, 2020)]
