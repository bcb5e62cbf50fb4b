"""The map: the places of the events that a filter finds, over an outline of the land."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from app.languages import mark
from app.web.overview import FONT_PIXELS, shortened, text_pixels

# The land, after the countries of Natural Earth at 1:110 million (public domain): joined,
# simplified to 0.12 degrees, and without islands of less than 0.3 square degrees.
OUTLINE: Final = Path(__file__).parent / "outline.txt"
UNITS_PER_DEGREE: Final = 10
# The pictures of a map by their width, in their own pixels, for wide screens and for phones.
WIDTHS: Final[Mapping[str, int]] = {"wide": 960, "narrow": 360}
MIN_SHAPE, MAX_SHAPE = 1 / 3, 2 / 3  # the height of a picture to its width
MARGIN_SHARE = 0.08  # of the span between the outermost places, on each side
MIN_SPAN_DEGREES = 1.0
MIN_RADIUS, MAX_RADIUS_SHARE = 5.0, 0.027  # pixels; of the width
LABEL_CHARS, LABEL_GAP_PIXELS = 30, 4
# Degrees between two lines of the grid; the first with at most MAX_LINES of them is taken.
GRID_DEGREES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45)
MAX_LINES = 9
NORTH, SOUTH, EAST, WEST = mark("N"), mark("S"), mark("E"), mark("W")


class MappedPlace(NamedTuple):
    """A place with coordinates, and the number of events there."""

    value: str
    label: str
    latitude: float
    longitude: float
    events: int


class Area(NamedTuple):
    """A part of the Earth in degrees; `east` is beyond 180 if it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


class Spot(NamedTuple):
    """A place in the picture: its circle, and its name where there is room for it."""

    place: MappedPlace
    x: float
    y: float
    radius: float
    named: str


class Rectangle(NamedTuple):
    """A part of a picture."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Rectangle") -> bool:
        """Return whether the two share more than an edge."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


class GridLine(NamedTuple):
    """A meridian (`x` is set) or a parallel (`y` is set), with its degrees."""

    x: float | None
    y: float | None
    degrees: Decimal
    half: str  # of the Earth: N, S, E or W, empty for the lines between two


@dataclass(frozen=True)
class Picture:
    """A picture of the places; `box` is the part of the Earth that it shows."""

    box: Area
    width: int
    height: int
    spots: Sequence[Spot]  # the largest first, so that smaller ones lie on top
    lines: Sequence[GridLine]

    @property
    def land(self) -> Iterator[str]:
        """Yield the transformations that place `Map.land` in the picture, once round the Earth."""
        across = self.width / (self.box.east - self.box.west) / UNITS_PER_DEGREE
        down = -self.height / (self.box.north - self.box.south) / UNITS_PER_DEGREE
        top = -down * UNITS_PER_DEGREE * self.box.north
        for turn in _turns(self.box):
            left = across * UNITS_PER_DEGREE * (turn - self.box.west)
            yield f"matrix({across:.4f} 0 0 {down:.4f} {left:.2f} {top:.2f})"


@dataclass(frozen=True)
class Map:
    """The pictures of the places, by name of WIDTHS; none if no place has coordinates."""

    pictures: Mapping[str, Picture]
    elsewhere: int  # events without a place that has coordinates

    @property
    def land(self) -> str:
        """Return the path of the land that the pictures show, in tenths of a degree."""
        boxes = [picture.box for picture in self.pictures.values()]
        return "".join(ring.path for ring in _coasts() if any(map(ring.is_in, boxes)))


def draw_map(places: Sequence[MappedPlace], elsewhere: int, box: Area | None = None) -> Map:
    """Return the map of some places, of all that is in `box` if it is given."""
    area = _widened(box) if box else (_around(places) if places else None)
    pictures = {name: _draw(places, area, width) for name, width in WIDTHS.items() if area}
    return Map(pictures, elsewhere)


def _draw(places: Sequence[MappedPlace], around: Area, width: int) -> Picture:
    box, height = _frame(around, width)
    spots = list(_spots(places, box, width, height))
    return Picture(box, width, height, spots, list(_grid(box, width, height)))


@dataclass(frozen=True)
class Ring:
    """A coast, or the shore of an inland sea, and the part of the Earth that it takes."""

    path: str  # in tenths of a degree
    box: Area

    def is_in(self, other: Area) -> bool:
        """Return whether it may be seen in a box."""
        west, south, east, north = self.box
        return (
            south <= other.north
            and other.south <= north
            and any(
                west + turn <= other.east and other.west <= east + turn for turn in _turns(other)
            )
        )


@cache
def _coasts() -> Sequence[Ring]:
    """Return the outline of the land."""
    return [_read_ring(line) for line in OUTLINE.read_text().splitlines()]


def _read_ring(line: str) -> Ring:
    """Return a ring: a first point, then each one from the one before, in tenths of a degree."""
    first, rest = line.split(" ", 1)
    steps = [tuple(map(int, pair.split(","))) for pair in line.split(" ")]
    eastward = list(accumulate(step[0] / UNITS_PER_DEGREE for step in steps))
    northward = list(accumulate(step[1] / UNITS_PER_DEGREE for step in steps))
    box = Area(min(eastward), min(northward), max(eastward), max(northward))
    return Ring(f"M{first}l{rest}z", box)


def _turns(box: Area) -> list[int]:
    """Return the degrees by which the Earth, from -180 to 180, is moved to lie in a box."""
    return [turn for turn in (-360, 0, 360) if turn - 180 < box.east and box.west < turn + 180]


def _around(places: Sequence[MappedPlace]) -> Area:
    """Return the smallest box with all places and a margin, also across the antimeridian."""
    eastward = sorted(place.longitude for place in places)
    gaps = [after - before for before, after in pairwise([*eastward, eastward[0] + 360])]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    west = eastward[(widest + 1) % len(eastward)]
    span = 360 - gaps[widest]
    south = min(place.latitude for place in places)
    north = max(place.latitude for place in places)
    side = max(MARGIN_SHARE * span, MIN_SPAN_DEGREES)
    end = max(MARGIN_SHARE * (north - south), MIN_SPAN_DEGREES)
    return Area(west - side, max(south - end, -90), west + span + side, min(north + end, 90))


def _widened(box: Area) -> Area:
    """Return a box that is wide enough to be drawn: a filter's may be a line, or a point."""
    side = max(MIN_SPAN_DEGREES - (box.east - box.west), 0) / 2
    return box._replace(west=box.west - side, east=box.east + side)


def _frame(box: Area, width: int) -> tuple[Area, int]:
    """Return the box and the picture's height, the box widened to the shape of the picture.

    A degree of longitude is as wide as at the middle parallel.
    """
    shrink = max(math.cos(math.radians((box.south + box.north) / 2)), 0.1)
    across, up = (box.east - box.west) * shrink, box.north - box.south
    shape = min(max(up / across, MIN_SHAPE), MAX_SHAPE)
    wider = min(max(up / shape - across, 0) / shrink, 360 - (box.east - box.west)) / 2
    taller = max(across * shape - up, 0) / 2
    south, north = max(box.south - taller, -90), min(box.north + taller, 90)
    return Area(box.west - wider, south, box.east + wider, north), round(width * shape)


def _spots(places: Sequence[MappedPlace], box: Area, width: int, height: int) -> Iterator[Spot]:
    """Yield the places in the box, those with the most events first: they get their names first."""
    most = max((place.events for place in places), default=1)
    circles: list[tuple[MappedPlace, float, float, float]] = []
    for place in sorted(places, key=lambda one: (-one.events, one.value)):
        longitude = box.west + (place.longitude - box.west) % 360
        if longitude <= box.east and box.south <= place.latitude <= box.north:
            x = width * (longitude - box.west) / (box.east - box.west)
            y = height * (box.north - place.latitude) / (box.north - box.south)
            radius = max(MIN_RADIUS, MAX_RADIUS_SHARE * width * math.sqrt(place.events / most))
            circles.append((place, x, y, radius))
    taken = [Rectangle(x - r, y - r, x + r, y + r) for _, x, y, r in circles]
    for place, x, y, radius in circles:
        text = shortened(place.label[: LABEL_CHARS + 1], 10 * LABEL_CHARS)
        left = x + radius + LABEL_GAP_PIXELS
        name = Rectangle(left, y - FONT_PIXELS, left + text_pixels(text), y + FONT_PIXELS / 2)
        free = name.right < width and not any(map(name.overlaps, taken))
        if free:
            taken.append(name)
        yield Spot(place, round(x, 1), round(y, 1), round(radius, 1), text if free else "")


def _grid(box: Area, width: int, height: int) -> Iterator[GridLine]:
    """Yield the meridians and the parallels of the picture."""
    span = max(box.east - box.west, box.north - box.south)
    step = next((one for one in GRID_DEGREES if span / one <= MAX_LINES), GRID_DEGREES[-1])
    for number in range(math.ceil(box.west / step), math.floor(box.east / step) + 1):
        degrees = (number * step + 180) % 360 - 180
        x = width * (number * step - box.west) / (box.east - box.west)
        yield GridLine(round(x, 1), None, *_split_degrees(degrees, EAST, WEST))
    for number in range(math.ceil(box.south / step), math.floor(box.north / step) + 1):
        y = height * (box.north - number * step) / (box.north - box.south)
        yield GridLine(None, round(y, 1), *_split_degrees(number * step, NORTH, SOUTH))


def _split_degrees(degrees: float, positive: str, negative: str) -> tuple[Decimal, str]:
    """Return degrees without a sign, and their half of the Earth."""
    whole = round(abs(degrees), 1)
    half = "" if whole in (0, 180) else positive if degrees > 0 else negative
    return Decimal(f"{whole:g}"), half
