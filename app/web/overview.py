"""The overview: every event with its title in one picture, or counts where there are too many."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from app import dates
from app.json_types import Json
from app.languages import Language
from app.reads import Density
from app.web.axis import MAX_COUNT_BARS, Axis
from app.web.marks import Mark
from app.web.strip import Bar, draw_bars

MAX_LANES: Final = 12  # and one for the others
MAX_TITLE_CHARS: Final = 70
# The layouts of an overview by the width of its plot, in pixels, from which on they hold: marks and
# titles keep their distance on any wider one, since places are percentages.
LAYOUTS: Mapping[str, int] = {"small": 280, "medium": 560, "large": 900}
FONT_PIXELS: Final = 12.5
ROW_PIXELS, LINE_PIXELS, TILE_ROW_PIXELS = 24, 17, 9
DOT_PIXELS = 5  # half of a dot
LANE_PADDING_PIXELS, TEXT_GAP_PIXELS, ROW_GAP_PIXELS = 3, 7, 14
NARROW_LETTERS, WIDE_LETTERS = frozenset("fijlrtI.,:;'|!()[] "), frozenset("mwMW@%—")


class Title(NamedTuple):
    """A title in a picture: its lines, each with its y, and where they begin or end."""

    lines: Sequence[tuple[str, int]]
    at: float  # percent of the width
    shift: float  # pixels from there
    anchor: str  # `start` or `end`


class Item(NamedTuple):
    """An event in a layout, with the places of its mark and its title."""

    event: Json
    mark: Mark
    mark_y: int
    title: Title
    outlined: bool  # not known yet on the day that is asked for


class LaneRows(NamedTuple):
    """The events of a lane in one layout, and its height in pixels."""

    height: int
    items: Sequence[Item]


@dataclass(frozen=True)
class Lane:
    """The events of one type, actor, place or publisher."""

    value: str | None  # None for the others
    label: str  # empty for the others
    colour: int
    events: int
    rows: Mapping[str, LaneRows]  # by layout


class CountLane(NamedTuple):
    """The number of events of one type, actor, place or publisher, in each span of time."""

    value: str
    label: str
    colour: int
    events: int
    bars: Sequence[Bar]


class TileLane(NamedTuple):
    """A lane of a picture without titles: its place, and each event with its mark and y."""

    lane: Lane
    top: int
    height: int
    marks: Sequence[tuple[Json, Mark, int]]


@dataclass(frozen=True)
class Overview:
    """The picture of all events that a filter finds, lane by lane: marks, or else counts."""

    axis: Axis
    lanes: Sequence[Lane]
    counts: Sequence[CountLane]
    earlier: int  # events before the axis
    later: int
    undated: int

    @property
    def tile(self) -> tuple[int, Sequence["TileLane"]]:
        """Return the height of the picture without titles, and its lanes."""
        top, lanes = 0, []
        for lane in self.lanes:
            shown = [item for item in lane.rows["large"].items if not item.outlined]
            marks = list(_packed(shown))
            rows = 1 + max((row for *_, row in marks), default=0)
            height = rows * TILE_ROW_PIXELS + LANE_PADDING_PIXELS
            first = top + LANE_PADDING_PIXELS + 3
            placed = [(i.event, i.mark, first + TILE_ROW_PIXELS * row) for i, row in marks]
            lanes.append(TileLane(lane, top, height, placed))
            top += height
        return top, lanes


class LaneName(NamedTuple):
    """A lane that an event belongs to."""

    value: str
    label: str


def draw_overview(
    events: Sequence[Json],
    lanes_of: Mapping[str, Sequence[LaneName]],
    axis: Axis,
    outlined: Set[str] = frozenset(),
) -> Overview:
    """Return the overview of some events in timeline order.

    `lanes_of` gives the lanes of each event by its id. Those in `outlined` have their place, but
    count nowhere.
    """
    scale = axis.scale
    parsed = [(event, dates.parse(event["date"]["edtf"])) for event in events]
    marks = [(event, mark) for event, date in parsed if (mark := scale.mark(date))]
    lanes = _lanes(marks, lanes_of)
    parsed = [(event, date) for event, date in parsed if event["id"] not in outlined]
    return Overview(
        axis,
        [_outline(lane, outlined) for lane in lanes] if outlined else lanes,
        [],
        sum(date.end_latest < scale.first for _, date in parsed),
        sum(date.start_earliest > scale.last for _, date in parsed),
        sum(_is_undated(date) for _, date in parsed),
    )


def _outline(lane: Lane, outlined: Set[str]) -> Lane:
    """Return a lane in which some events are only outlines."""
    rows = {
        name: LaneRows(
            layout.height,
            [item._replace(outlined=item.event["id"] in outlined) for item in layout.items],
        )
        for name, layout in lane.rows.items()
    }
    number = sum(not item.outlined for item in next(iter(rows.values())).items)
    return replace(lane, rows=rows, events=number)


def draw_counts(
    density: Density,
    lanes: Sequence[tuple[str, str, int, Density]],
    axis: Axis,
    language: Language,
) -> Overview:
    """Return the overview of more events than have room.

    `lanes` are values with their labels, numbers of events and densities.
    """
    scale = axis.scale
    interval = Density((scale.first, scale.last), density.spans).finest_interval(MAX_COUNT_BARS)
    starts, ends, events = density.spans.bounds[0], density.spans.bounds[3], density.spans.events
    return Overview(
        axis,
        [],
        [
            CountLane(
                value,
                label,
                number,
                size,
                draw_bars(of_lane, interval, scale, language, label)[0],
            )
            for number, (value, label, size, of_lane) in enumerate(lanes)
        ],
        int(events[ends < scale.first].sum()),
        int(events[starts > scale.last].sum()),
        density.undated,
    )


def _is_undated(date: dates.Date) -> bool:
    """Return whether a date names no day: it may be in any year."""
    finite = (day for day in (date.start_earliest, date.end_latest) if dates.iso_day(day))
    return date.precision == "era" or not any(finite)


# -- lanes ----------------------------------------------------------------------------------------


def _lanes(
    marks: Sequence[tuple[Json, Mark]], lanes_of: Mapping[str, Sequence[LaneName]]
) -> list[Lane]:
    """Return the lanes, those that begin first on top; the smallest are put together."""
    members: dict[LaneName, list[tuple[Json, Mark]]] = {}
    for event, mark in marks:
        for name in lanes_of[event["id"]]:
            members.setdefault(name, []).append((event, mark))
    largest = sorted(members, key=lambda name: (-len(members[name]), name.label))
    own = set(largest)
    if len(largest) > MAX_LANES + 1:
        own = {name for name in largest[:MAX_LANES] if len(members[name]) > 1}
    grouped = [pair for name in largest if name not in own for pair in members[name]]
    others = {event["id"]: (event, mark) for event, mark in grouped}
    lanes = [
        _lane(name.value, name.label, number, members[name])
        for number, name in enumerate(name for name in members if name in own)
    ]
    unnamed = {e["id"]: (e, m) for e, m in marks if not lanes_of[e["id"]]}
    rest = list((others | unnamed).values())
    if rest:
        lanes.append(_lane(None, "", len(lanes), rest))
    return lanes


def _lane(value: str | None, label: str, colour: int, members: Sequence[tuple[Json, Mark]]) -> Lane:
    rows = {name: _rows(members, width, stacked=name == "small") for name, width in LAYOUTS.items()}
    return Lane(value, label, colour, len(members), rows)


def _rows(members: Sequence[tuple[Json, Mark]], width: int, *, stacked: bool) -> LaneRows:
    """Pack events into rows of a plot so wide, first come first placed, so that none overlap.

    If `stacked`, a title stands above its mark, on two lines if need be.
    """
    taken: list[list[tuple[float, float]]] = []
    place = _stack if stacked else _line_up
    items = [place(event, mark, width, taken) for event, mark in members]
    pitch = LINE_PIXELS if stacked else ROW_PIXELS
    return LaneRows(len(taken) * pitch + 2 * LANE_PADDING_PIXELS, items)


def _line_up(event: Json, mark: Mark, width: int, taken: list[list[tuple[float, float]]]) -> Item:
    """Place a title beside its mark, else above it in the same row."""
    title = shortened(event["title"], width)
    gap, length = TEXT_GAP_PIXELS + DOT_PIXELS, text_pixels(title)
    start, end = mark.start * width / 100 - DOT_PIXELS, mark.end * width / 100 + DOT_PIXELS
    title_y, mark_y = 16, 12
    if end - start > length + 2 * gap:
        at, shift, anchor, title_y, mark_y = mark.start, gap, "start", 11, 18
    elif end + TEXT_GAP_PIXELS + length <= width:
        at, shift, anchor, end = mark.end, gap, "start", end + TEXT_GAP_PIXELS + length
    elif start - TEXT_GAP_PIXELS - length >= 0:
        at, shift, anchor, start = mark.start, -gap, "end", start - TEXT_GAP_PIXELS - length
    elif start + length <= width:
        at, shift, anchor, title_y, mark_y = mark.start, 0, "start", 11, 18
        end = max(end, start + length)
    else:
        at, shift, anchor, title_y, mark_y = 100, 0, "end", 11, 18
        start, end = min(start, width - length), width
    top = LANE_PADDING_PIXELS + _free_row(taken, start, end, 1) * ROW_PIXELS
    return Item(
        event, mark, top + mark_y, Title([(title, top + title_y)], at, shift, anchor), False
    )


def _stack(event: Json, mark: Mark, width: int, taken: list[list[tuple[float, float]]]) -> Item:
    """Place a title above its mark."""
    lines = _wrapped(event["title"], width)
    length = max(map(text_pixels, lines))
    start, end = mark.start * width / 100 - DOT_PIXELS, mark.end * width / 100 + DOT_PIXELS
    at, anchor = mark.start, "start"
    if max(start, 0) + length > width:
        at, anchor, start, end = 100, "end", min(start, width - length), width
    row = _free_row(taken, start, max(end, start + length), len(lines) + 1)
    top = LANE_PADDING_PIXELS + row * LINE_PIXELS
    placed = [(line, top + 13 + LINE_PIXELS * number) for number, line in enumerate(lines)]
    return Item(
        event, mark, top + LINE_PIXELS * len(lines) + 7, Title(placed, at, 0, anchor), False
    )


def _wrapped(title: str, width: int) -> list[str]:
    """Return a title on one line, or on two if it is too long for one."""
    text = shortened(title, 2 * width)
    if text_pixels(text) <= width:
        return [text]
    words, first = text.split(" "), ""
    while len(words) > 1 and text_pixels(f"{first} {words[0]}") <= width:
        first = f"{first} {words.pop(0)}".strip()
    second = shortened(" ".join(words), width)
    return [first, second] if first else [second]


def _free_row(taken: list[list[tuple[float, float]]], start: float, end: float, rows: int) -> int:
    """Return the first row from which on `rows` are free between two places, and take them."""
    span = start - ROW_GAP_PIXELS, end + ROW_GAP_PIXELS
    row = 0
    while not all(
        all(span[1] <= other[0] or other[1] <= span[0] for other in taken[n])
        for n in range(row, min(row + rows, len(taken)))
    ):
        row += 1
    while len(taken) < row + rows:
        taken.append([])
    for number in range(row, row + rows):
        taken[number].append((start, end))
    return row


def _packed(items: Iterable[Item]) -> Iterator[tuple[Item, int]]:
    """Yield events without titles, each with its row."""
    taken: list[list[tuple[float, float]]] = []
    for item in items:
        gap, mark = 0.05, item.mark  # percent; _free_row takes pixels of a width of 300
        yield item, _free_row(taken, 3 * (mark.start + gap) - 2, 3 * (mark.end - gap) + 2, 1)


# -- titles ---------------------------------------------------------------------------------------


def shortened(title: str, width: int) -> str:
    """Return a title that fits into a plot, with an ellipsis if it was cut."""
    text = title if len(title) <= MAX_TITLE_CHARS else title[: MAX_TITLE_CHARS - 1].rstrip() + "…"
    while text_pixels(text) > width - 20 and len(text) > 2:
        text = text[:-2].rstrip() + "…"
    return text


def text_pixels(text: str) -> float:
    """Return about how wide a text is drawn, rather too much than too little."""
    return FONT_PIXELS * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    """Return the width of a letter as a share of the size of the font."""
    if letter in NARROW_LETTERS:
        return 0.38
    if letter in WIDE_LETTERS:
        return 0.95
    if ord(letter) < 0x3000:
        return 0.0 if unicodedata.combining(letter) else 0.7 if letter.isupper() else 0.59
    return 1.05 if unicodedata.east_asian_width(letter) in "WF" else 0.8
