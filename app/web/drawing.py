"""Time as a picture: the density strip, and each event's lane below it, on one scale."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app import dates
from app.dates.days import MONTHS
from app.reads import Bucket, Density

MOST_BARS, MOST_TICKS = 156, 13
LEAST = 0.6  # percent of the width: what is narrower is drawn as a dot of DOT pixels
DOT = 5
# The sizes of an axis by their names: how wide it is at least; and the room that a name takes.
SIZES: Mapping[str, int] = {"tiny": 12, "small": 19, "medium": 30, "large": 48}  # rem
LETTER, GAP = 0.48, 0.5  # rem


class Mark(NamedTuple):
    """A stretch of a lane: where it begins, how long it is, and how it is drawn."""

    x: str
    width: str
    kind: str  # `possible` or `certain`, and where it goes on beyond what is known


class Bar(NamedTuple):
    """A span of the strip: its bars, each with the height that its events take, in percent."""

    x: float
    width: float
    possible: float
    certain: float
    said: str
    asks: str  # the date that asks for it


class Tick(NamedTuple):
    """A name on the axis, and the sizes of the axis that have room for it."""

    x: float
    label: str
    said: str
    asks: str
    sizes: Sequence[str]


@dataclass(frozen=True)
class Scale:
    """The days that are shown, both ends included."""

    first: int
    last: int

    def at(self, day: int) -> float:
        """Where a day begins, in percent of the width."""
        return 100 * (day - self.first) / (self.last + 1 - self.first)

    def stretch(self, first: int, last: int, kind: str) -> Iterator[Mark]:
        """The part of some days that is shown; none where they lie outside."""
        start, end = max(first, self.first), min(last, self.last)
        if start <= end:
            x, width = self.at(start), self.at(end + 1) - self.at(start)
            yield Mark(f"{x:.2f}%", f"{width:.2f}%" if width > LEAST else f"{DOT}", kind)

    def marks(self, edtf: str) -> list[Mark]:
        """How a date lies in them: as far as it may reach, and in it what is certain."""
        date = dates.parse(edtf)
        reach = "possible"
        reach += " for-ever" if date.end_latest == dates.END else ""
        reach += " from-ever" if date.start_earliest == dates.BEGINNING else ""
        found = list(self.stretch(date.start_earliest, date.end_latest, reach))
        if not (date.uncertain or date.approximate):
            found += self.stretch(date.start_latest, date.end_earliest, "certain")
        return found


@dataclass(frozen=True)
class Strip:
    """How dense the events lie, to be looked at and to be zoomed."""

    scale: Scale
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    most: int  # events in the tallest bar
    undated: int  # events that name no day
    wider: Sequence[tuple[str, str]]  # spans around what is shown: label, and what asks for it


def strip(density: Density, window: dates.Window | None) -> Strip | None:
    """The strip of some events; None where none of them names a day."""
    buckets = _cut(density, MOST_BARS, window)
    if not buckets:
        return None
    scale = Scale(buckets[0].first, buckets[-1].last)
    most = max(1, *(bucket.possible for bucket in buckets))
    ticks = _cut(density, MOST_TICKS, window)
    return Strip(
        scale,
        [_bar(scale, bucket, most) for bucket in buckets],
        # Where even centuries are too many, some of them are named.
        _ticks(scale, ticks[:: -(-len(ticks) // MOST_TICKS)]),
        most,
        density.undated,
        list(_wider(window)) if window else [],
    )


def _cut(density: Density, most: int, window: dates.Window | None) -> list[Bucket]:
    """Spans as fine as fit; the outer ones as far as they lie in the window, as they ask for it."""
    buckets = density.cut(density.finest_interval(most))
    if window is None:
        return buckets
    middle = range(1, len(buckets) - 1)
    return [b if n in middle else density.trimmed(b, window) for n, b in enumerate(buckets)]


def _bar(scale: Scale, bucket: Bucket, most: int) -> Bar:
    x = scale.at(bucket.first)
    width = scale.at(bucket.last + 1) - x
    possible, certain = (100 * number / most for number in (bucket.possible, bucket.certain))
    return Bar(x, width, possible, certain, _said(bucket), _asks(bucket.first, bucket.last))


def _ticks(scale: Scale, buckets: Sequence[Bucket]) -> list[Tick]:
    places = [max(0.0, scale.at(bucket.first)) for bucket in buckets]
    names = _names(buckets)
    shown = {size: _apart(places, names, width) for size, width in SIZES.items()}
    return [
        Tick(
            place,
            name,
            # Who speaks to the computer says what is seen: it begins with that (WCAG 2.5.3).
            _said(bucket) if name == bucket.label else f"{name}, {_said(bucket)}",
            _asks(bucket.first, bucket.last),
            [size for size, numbers in shown.items() if number in numbers],
        )
        for number, (place, name, bucket) in enumerate(zip(places, names, buckets, strict=True))
    ]


def _names(buckets: Sequence[Bucket]) -> list[str]:
    """Short ones: `2013`, `Nov`, `13 Nov`; the first and the first of a year say the year, too."""
    names, said = [], None
    for bucket in buckets:
        year, month, day = dates.from_day_number(bucket.first)
        days = bucket.last - bucket.first + 1
        words = [str(day)] if days <= 7 else []
        words += [MONTHS[month - 1][:3]] if days <= 31 else []
        words += [_year(bucket.first)] if year != said else []
        names.append(" ".join(words))
        said = year
    return names


def _apart(places: Sequence[float], names: Sequence[str], width: float) -> set[int]:
    """Which of the names stand apart on an axis so wide, in rem; the longest say the most."""
    taken: dict[int, tuple[float, float]] = {}
    for number in sorted(range(len(names)), key=lambda n: (n > 0, -len(names[n].split()), n)):
        start = places[number] * width / 100
        end = start + LETTER * len(names[number])
        if end <= width and all(end + GAP <= s or e + GAP <= start for s, e in taken.values()):
            taken[number] = start, end
    return set(taken)


def _year(day: int) -> str:
    return dates.parse(str(dates.iso_day(day))[: -len("-01-01")]).label


def _said(bucket: Bucket) -> str:
    return f"{bucket.label}: {bucket.possible} possible, {bucket.certain} of them certain"


def _asks(first: int, last: int) -> str:
    return dates.write_window(dates.Window(first, last))


def _wider(window: dates.Window) -> Iterator[tuple[str, str]]:
    """The year and the month that hold a window without being it."""
    ends = [dates.iso_day(day) for day in window]
    if None in ends:
        return
    first, last = map(str, ends)
    for size in (len("-01-01"), len("-01")):
        span = first[:-size]
        if span == last[:-size] and dates.parse_window(span) != window:
            yield dates.parse(span).label, span
