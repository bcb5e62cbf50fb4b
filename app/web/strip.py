"""The density strip: how many events lie in each span of time, to be looked at and zoomed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app import dates
from app.languages import Language
from app.reads import Bucket, Density
from app.reads.spans import PICTURE_INTERVALS, CalendarInterval
from app.reads.tallies import Spans
from app.web.axis import Axis, cut_axis, name_caption, write_caption, write_days
from app.web.marks import Scale

MAX_BARS, MIN_BARS = 156, 6
INTERVAL_DAYS: Mapping[str, int] = {
    "century": 36525,
    "decade": 3652,
    "year": 365,
    "month": 28,
    "week": 7,
    "day": 1,
}


class Bar(NamedTuple):
    """A span of a picture, with the heights of its events in percent.

    The caption counts all events. Those whose start or end is open stand only in the bar of the day
    that is known; they would fill all others to the edge.
    """

    x: float
    width: float
    possible: float
    certain: float
    caption: str
    window: str  # the date that asks for it


@dataclass(frozen=True)
class Strip:
    """The density of events over time."""

    axis: Axis
    bars: Sequence[Bar]
    highest: int  # events in the highest bar
    undated: int  # events that name no day
    earlier: int  # events that may also have been before the strip
    later: int
    wider: Sequence[str]  # the dates of the spans around the strip


def draw_strip(
    density: Density, axis: Axis, window: dates.Window | None, language: Language
) -> Strip:
    """Return the strip of some events on an axis."""
    scale = axis.scale
    interval = _fitting_interval(density, scale)
    bars, highest = draw_bars(density, interval, scale, language)
    starts, ends, events = density.spans.bounds[0], density.spans.bounds[3], density.spans.events
    overlapping = (starts <= scale.last) & (ends >= scale.first)
    return Strip(
        axis,
        bars,
        highest,
        density.undated,
        int(events[(starts < scale.first) & (overlapping | (window is None))].sum()),
        int(events[(ends > scale.last) & (overlapping | (window is None))].sum()),
        list(_wider(window)) if window else [],
    )


def draw_bars(
    density: Density,
    interval: CalendarInterval,
    scale: Scale,
    language: Language,
    name: str | None = None,
) -> tuple[list[Bar], int]:
    """Return the bars of a scale, their captions led by a name, and the events of the highest."""
    closed = Density(density.extent, _close_open_ends(density.spans))
    drawn = cut_axis(closed, interval, scale)
    highest = max((bucket.possible for bucket in drawn), default=0) or 1
    buckets = cut_axis(density, interval, scale)
    bars = []
    for bucket, heights in zip(buckets, drawn, strict=True):
        caption = write_caption(bucket, interval, language)
        caption = name_caption(name, caption, language) if name else caption
        bars.append(_bar(scale, bucket, heights, highest, caption))
    return bars, highest


def _bar(scale: Scale, bucket: Bucket, heights: Bucket, highest: int, caption: str) -> Bar:
    x = scale.position(bucket.first)
    width = scale.position(bucket.last + 1) - x
    possible, certain = (100 * number / highest for number in (heights.possible, heights.certain))
    return Bar(x, width, possible, certain, caption, write_days(bucket))


def _close_open_ends(spans: Spans) -> Spans:
    """Return the spans with every open start or end at the other one, as far as that is known."""
    start, begun, ended, end, sure = (row.copy() for row in spans.bounds)
    from_ever, for_ever = start == dates.BEGINNING, end == dates.END
    open_start, open_end = from_ever & ~for_ever, for_ever & ~from_ever
    known_end = np.where(ended == dates.BEGINNING, end, ended)
    known_start = np.where(begun == dates.END, start, begun)
    # That it happened by a day, or from a day on, says of no day that it happened then.
    sure[(open_start & (ended == dates.BEGINNING)) | (open_end & (begun == dates.END))] = 0
    start[open_start], begun[open_start] = known_end[open_start], end[open_start]
    ended[open_start] = known_end[open_start]
    end[open_end], ended[open_end] = known_start[open_end], start[open_end]
    begun[open_end] = known_start[open_end]
    bounds = np.stack([start, begun, ended, end, sure])
    return Spans(bounds, spans.named, spans.events, spans.undated)


def _fitting_interval(density: Density, scale: Scale) -> CalendarInterval:
    """Return the interval that is as fine as most dates are, and fits into the strip."""
    on_axis = Density((scale.first, scale.last), density.spans)
    finest = on_axis.finest_interval(MAX_BARS)
    lengths = density.spans.bounds[3] - density.spans.bounds[0] + 1
    bounded = lengths < dates.END
    if not bounded.any():
        return finest
    usual = np.median(np.repeat(lengths[bounded], density.spans.events[bounded]))
    for name, interval in PICTURE_INTERVALS.items():  # from the coarsest on
        if interval is finest:
            return finest
        size, days = on_axis.size(interval), INTERVAL_DAYS[name]
        if MIN_BARS <= size <= MAX_BARS and days <= usual:
            return interval
    return finest


def _wider(window: dates.Window) -> Iterator[str]:
    """Yield the year and the month around a window, unless it is one of them."""
    ends = [dates.iso_day(day) for day in window]
    if None in ends:
        return
    first, last = map(str, ends)
    for size in (len("-01-01"), len("-01")):
        span = first[:-size]
        if span == last[:-size] and dates.parse_window(span) != window:
            yield span
