"""The language of marks: how a date is drawn on a scale of days, wherever it is drawn.

A dot is on this day, a thin line between two caps happened once in this span, a dashed line is
about then, a thick bar lasted all this time, a fading line has a start or an end that is not known,
and an arrow goes on beyond the window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from markupsafe import Markup

from app import dates
from app.languages import mark

FADE_SHARE: Final = 12  # percent of the width in which a line fades out
MARK_SCALES: Final = {"row": 1.0, "tile": 0.7}
STROKE_PIXELS: Final = {"thin": 2.5, "thick": 8.0}


class Stroke(NamedTuple):
    """A part of a mark: its kind, and where it begins and ends in percent of the width.

    `dot`, `cap`, `arrow-left` and `arrow-right` stand at `start`.
    """

    kind: str
    start: float
    end: float


@dataclass(frozen=True)
class Mark:
    """How one date is drawn, and how far it reaches, in percent of the width."""

    strokes: tuple[Stroke, ...]
    vague: bool  # about then, or uncertain

    @property
    def start(self) -> float:
        """Return where the mark begins."""
        return min(stroke.start for stroke in self.strokes)

    @property
    def end(self) -> float:
        """Return where the mark ends."""
        return max(stroke.end for stroke in self.strokes)


def draw_svg(mark: Mark, y: int, size: str = "row") -> Markup:
    """Return the elements of a mark in an SVG picture, on a line at `y` pixels.

    `size` is `row`, or `tile` for a picture without titles.
    """
    scale = MARK_SCALES[size]
    return Markup("").join(_element(s, y, scale) for s in mark.strokes)  # only numbers


def _element(stroke: Stroke, y: int, scale: float) -> Markup:
    kind, fade, start = *f"{stroke.kind} ".split(" ")[:2], stroke.start
    x, width = f"{start:.2f}%", f"{stroke.end - start:.2f}%"
    if kind == "dot":
        return Markup(f'<circle class="dot" cx="{x}" cy="{y}" r="{4.5 * scale:g}"/>')
    if kind == "cap":
        return Markup(
            f'<line class="cap" x1="{x}" x2="{x}" y1="{y - 5 * scale:g}" y2="{y + 5 * scale:g}"/>'
        )
    if kind.startswith("arrow"):
        return Markup(f'<use class="arrow" href="#{kind}" x="{x}" y="{y}"/>')
    height = STROKE_PIXELS[kind] * scale
    box = f'x="{x}" width="{width}" y="{y - height / 2:g}" height="{height:g}"'
    if fade:
        return Markup(f'<rect class="fade" {box} mask="url(#{fade})"/>')
    if kind == "thick":
        return Markup(f'<rect class="thick" {box} rx="1.5"/>')
    return Markup(f'<line class="thin" x1="{x}" x2="{stroke.end:.2f}%" y1="{y}" y2="{y}"/>')


class LegendEntry(NamedTuple):
    """A mark of the legend, drawn on a scale of its own, and its meaning."""

    mark: Mark
    meaning: str


@dataclass(frozen=True)
class Scale:
    """The days of a picture, both ends included."""

    first: int
    last: int

    def position(self, day: float) -> float:
        """Return where a day begins, in percent of the width."""
        return 100 * (day - self.first) / (self.last + 1 - self.first)

    def mark(self, date: dates.Date) -> Mark | None:
        """Return the mark of a date, None if the date lies outside or names no day at all."""
        open_start = date.start_earliest == dates.BEGINNING
        open_end = date.end_latest == dates.END
        outside = date.start_earliest > self.last or date.end_latest < self.first
        lasting = date.start_latest < date.end_earliest
        if outside or (open_start and open_end and not lasting):
            return None
        strokes = tuple(dict.fromkeys(self._lasting(date) if lasting else self._once(date)))
        return Mark(strokes, date.uncertain or date.approximate)

    def _once(self, date: dates.Date) -> Iterator[Stroke]:
        """Yield the strokes of something that happened once, or whose end is not known."""
        first, last = date.start_earliest, date.end_latest
        kind = "thick" if date.precision == "interval" else "thin"
        if first == last:
            yield self._dot(first)
        elif first == dates.BEGINNING:
            yield from self._fading_in(last, kind)
            yield self._edge(last, end=True)
        elif last == dates.END:
            yield self._edge(first, end=False)
            yield from self._fading_out(first, kind)
        else:
            yield from self._line("thin", first, last)
            yield self._edge(first, end=False)
            yield self._edge(last, end=True)

    def _lasting(self, date: dates.Date) -> Iterator[Stroke]:
        """Yield the strokes of something that lasted: thick as long as it did in any case."""
        begun, ended = date.start_latest, date.end_earliest
        if date.start_earliest == dates.BEGINNING < date.start_latest:
            yield from self._fading_in(begun, "thin")
        elif date.start_earliest < begun:
            yield from self._line("thin", date.start_earliest, begun)
            yield self._edge(date.start_earliest, end=False)
        yield from self._line("thick", begun, ended)
        if begun < self.first:
            yield self._edge(begun, end=False)
        if ended > self.last:
            yield self._edge(ended, end=True)
        if date.end_latest == dates.END > ended:
            yield from self._fading_out(ended, "thin")
        elif ended < date.end_latest:
            yield from self._line("thin", ended, date.end_latest)
            yield self._edge(date.end_latest, end=True)

    def _dot(self, day: int) -> Stroke:
        middle = self.position(day + 0.5)
        return Stroke("dot", middle, middle)

    def _line(self, kind: str, first: int, last: int) -> Iterator[Stroke]:
        """Yield the part of a line that is inside."""
        start, end = max(first, self.first), min(last, self.last)
        if start <= end:
            yield Stroke(kind, self.position(start), self.position(end + 1))

    def _edge(self, day: int, *, end: bool) -> Stroke:
        """Return the end of a line: a cap, or an arrow if it lies outside."""
        if day < self.first:
            return Stroke("arrow-left", 0, 0)
        if day > self.last:
            return Stroke("arrow-right", 100, 100)
        place = self.position(day + 1 if end else day)
        return Stroke("cap", place, place)

    def _fading_in(self, day: int, kind: str) -> Iterator[Stroke]:
        """Yield a line that comes out of nothing, up to a day."""
        end = min(self.position(day + 1), 100)
        start = max(end - FADE_SHARE, 0)
        if end > start:
            yield Stroke(f"{kind} fade-in", start, end)

    def _fading_out(self, day: int, kind: str) -> Iterator[Stroke]:
        """Yield a line that fades into nothing, from a day on."""
        start = max(self.position(day), 0)
        end = min(start + FADE_SHARE, 100)
        if end > start:
            yield Stroke(f"{kind} fade-out", start, end)


LEGEND: Final = (
    LegendEntry(Mark((Stroke("dot", 50, 50),), vague=False), mark("on this day")),
    LegendEntry(
        Mark((Stroke("thin", 5, 95), Stroke("cap", 5, 5), Stroke("cap", 95, 95)), vague=False),
        mark("once, some time in this span"),
    ),
    LegendEntry(
        Mark((Stroke("thin", 5, 95), Stroke("cap", 5, 5), Stroke("cap", 95, 95)), vague=True),
        mark("about"),
    ),
    LegendEntry(Mark((Stroke("thick", 5, 95),), vague=False), mark("lasted all this time")),
    LegendEntry(
        Mark((Stroke("cap", 5, 5), Stroke("thin fade-out", 5, 100)), vague=False),
        mark("start or end not known"),
    ),
    LegendEntry(
        Mark(
            (Stroke("cap", 5, 5), Stroke("thin", 5, 95), Stroke("arrow-right", 100, 100)),
            vague=False,
        ),
        mark("goes on beyond the window"),
    ),
)
