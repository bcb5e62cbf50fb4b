"""The density strip: how many events lie in each span of time, to be looked at and zoomed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app import dates
from app.dates.days import MONTHS
from app.reads import Bucket, Density
from app.reads.spans import PICTURE_INTERVALS, CalendarInterval
from app.web.marks import Scale

MAX_BARS, MAX_TICKS, MIN_BARS = 156, 13, 6
# The sizes of an axis by their names, with the least width in rem; and the room that a name takes.
AXIS_REM: Mapping[str, int] = {"tiny": 12, "small": 19, "medium": 30, "large": 48}
LETTER_REM, NAME_GAP_REM = 0.48, 0.5
INTERVAL_DAYS: Mapping[str, int] = {
    "century": 36525,
    "decade": 3652,
    "year": 365,
    "month": 28,
    "week": 7,
    "day": 1,
}


class Bar(NamedTuple):
    """A span of the strip, with the heights of its events in percent."""

    x: float
    width: float
    possible: float
    certain: float
    caption: str
    window: str  # the date that asks for it


class Tick(NamedTuple):
    """A name on the axis, and the sizes of the axis that have room for it."""

    x: float
    label: str
    caption: str
    window: str
    sizes: Sequence[str]


@dataclass(frozen=True)
class Strip:
    """The density of events over time."""

    scale: Scale
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    highest: int  # events in the highest bar
    undated: int  # events that name no day
    earlier: int  # events that may also have been before the strip
    later: int
    wider: Sequence[tuple[str, str]]  # spans around the strip: label, and the date that asks for it


def draw_strip(density: Density, window: dates.Window | None) -> Strip | None:
    """Return the strip of some events, None if none of them names a day."""
    buckets = _cut(density, _fitting_interval(density), window)
    if not buckets:
        return None
    scale = Scale(buckets[0].first, buckets[-1].last)
    highest = max(1, *(bucket.possible for bucket in buckets))
    starts, ends, events = density.spans.bounds[0], density.spans.bounds[3], density.spans.events
    overlapping = (starts <= scale.last) & (ends >= scale.first)
    return Strip(
        scale,
        [_bar(scale, bucket, highest) for bucket in buckets],
        draw_ticks(density, window, scale),
        highest,
        density.undated,
        int(events[overlapping & (starts < scale.first)].sum()),
        int(events[overlapping & (ends > scale.last)].sum()),
        list(_wider(window)) if window else [],
    )


def _fitting_interval(density: Density) -> CalendarInterval:
    """Return the interval that is as fine as most dates are, and fits into the strip."""
    finest = density.finest_interval(MAX_BARS)
    lengths = density.spans.bounds[3] - density.spans.bounds[0] + 1
    bounded = lengths < dates.END
    if not bounded.any():
        return finest
    usual = np.median(np.repeat(lengths[bounded], density.spans.events[bounded]))
    for name, interval in PICTURE_INTERVALS.items():  # from the coarsest on
        if interval is finest:
            return finest
        size, days = density.size(interval), INTERVAL_DAYS[name]
        if MIN_BARS <= size <= MAX_BARS and days <= usual:
            return interval
    return finest


def _cut(density: Density, interval: CalendarInterval, window: dates.Window | None) -> list[Bucket]:
    """Return the spans of an interval; the outer ones only as far as they lie in the window."""
    buckets = density.cut(interval)
    if window is None:
        return buckets
    middle = range(1, len(buckets) - 1)
    return [b if n in middle else density.trimmed(b, window) for n, b in enumerate(buckets)]


def _bar(scale: Scale, bucket: Bucket, highest: int) -> Bar:
    x = scale.position(bucket.first)
    width = scale.position(bucket.last + 1) - x
    possible, certain = (100 * number / highest for number in (bucket.possible, bucket.certain))
    window = _window(bucket.first, bucket.last)
    return Bar(x, width, possible, certain, write_caption(bucket), window)


# -- the axis -------------------------------------------------------------------------------------


def draw_ticks(density: Density, window: dates.Window | None, scale: Scale) -> list[Tick]:
    """Return the names on the axis of a scale, at most MAX_TICKS of them."""
    buckets = _cut(density, density.finest_interval(MAX_TICKS), window)
    # If even centuries are too many, some of them are named.
    buckets = buckets[:: -(-len(buckets) // MAX_TICKS)] if buckets else []
    places = [max(0.0, scale.position(bucket.first)) for bucket in buckets]
    names = _names(buckets)
    by_size = {size: _names_apart(places, names, width) for size, width in AXIS_REM.items()}
    return [
        Tick(
            place,
            name,
            # The spoken name begins with the visible one (WCAG 2.5.3).
            write_caption(bucket) if name == bucket.label else f"{name}, {write_caption(bucket)}",
            _window(bucket.first, bucket.last),
            [size for size, numbers in by_size.items() if number in numbers],
        )
        for number, (place, name, bucket) in enumerate(zip(places, names, buckets, strict=True))
    ]


def _names(buckets: Sequence[Bucket]) -> list[str]:
    """Return short names: `2013`, `Nov`, `13 Nov`; the first of each year names the year."""
    names, last_year = [], None
    for bucket in buckets:
        year, month, day = dates.from_day_number(bucket.first)
        days = bucket.last - bucket.first + 1
        words = [str(day)] if days <= 7 else []
        words += [MONTHS[month - 1][:3]] if days <= 31 else []
        words += [_year(bucket.first)] if year != last_year else []
        names.append(" ".join(words))
        last_year = year
    return names


def _names_apart(places: Sequence[float], names: Sequence[str], width: float) -> set[int]:
    """Return the names that stand apart on an axis so wide, in rem; those with more words win."""
    taken: dict[int, tuple[float, float]] = {}
    for number in sorted(range(len(names)), key=lambda n: (n > 0, -len(names[n].split()), n)):
        start = places[number] * width / 100
        end = start + LETTER_REM * len(names[number])
        apart = all(end + NAME_GAP_REM <= s or e + NAME_GAP_REM <= start for s, e in taken.values())
        if end <= width and apart:
            taken[number] = start, end
    return set(taken)


def _year(day: int) -> str:
    return dates.parse(str(dates.iso_day(day))[: -len("-01-01")]).label


def write_caption(bucket: Bucket) -> str:
    """Return a span in words: `2023: 16 events, 9 surely`."""
    events = f"{bucket.possible:,} event{'' if bucket.possible == 1 else 's'}"
    if bucket.certain == bucket.possible:
        return f"{bucket.label}: {events}"
    return f"{bucket.label}: {events}, {bucket.certain:,} surely"


def _window(first: int, last: int) -> str:
    return dates.write_window(dates.Window(first, last))


def _wider(window: dates.Window) -> Iterator[tuple[str, str]]:
    """Yield the year and the month around a window, unless it is one of them."""
    ends = [dates.iso_day(day) for day in window]
    if None in ends:
        return
    first, last = map(str, ends)
    for size in (len("-01-01"), len("-01")):
        span = first[:-size]
        if span == last[:-size] and dates.parse_window(span) != window:
            yield dates.parse(span).label, span
