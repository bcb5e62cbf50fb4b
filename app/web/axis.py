"""The axis of time that overview, strip and list of a page share: its days and their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from app import dates
from app.languages import Language
from app.reads import Bucket, Density
from app.reads.spans import CalendarInterval, span
from app.web.marks import Scale

MAX_EVENTS: Final = 150  # with titles; more are drawn as counts
MAX_TICKS: Final = 13
MAX_COUNT_BARS: Final = 100
# The sizes of an axis by their names, with the least width in rem; and the room that a name takes.
AXIS_REM: Mapping[str, int] = {"tiny": 12, "small": 19, "medium": 30, "large": 48}
LETTER_REM, NAME_GAP_REM = 0.48, 0.5
EARLIEST_SHARE = 8  # one event in so many may lie before the axis, or behind it
MIN_GAIN = 0.6  # if that makes the axis shorter than this
MIN_GAIN_OF_FEW = 0.2  # or than this, if there are fewer events


class Tick(NamedTuple):
    """A name on the axis, and the sizes of the axis that have room for it."""

    x: float
    label: str
    caption: str
    window: str
    sizes: Sequence[str]


@dataclass(frozen=True)
class Axis:
    """The days of a picture and the names below them."""

    scale: Scale
    ticks: Sequence[Tick]

    @property
    def before(self) -> str:
        """Return the date that asks for the time before the axis."""
        return dates.write_window(dates.Window(dates.BEGINNING, self.scale.first - 1))

    @property
    def after(self) -> str:
        """Return the date that asks for the time behind the axis."""
        return dates.write_window(dates.Window(self.scale.last + 1, dates.END))


def fit_axis(density: Density, window: dates.Window | None, language: Language) -> Axis | None:
    """Return the axis of a window, or of the time in which events are dense.

    Return None if there is no window and no event names a day.
    """
    if density.extent is None:
        return None
    first, last = _dense_days(density)
    if window and dates.iso_day(window.first):
        first = window.first
    if window and dates.iso_day(window.last):
        last = window.last
    scale = Scale(first, max(first, last))
    return Axis(scale, _draw_ticks(density, scale, language))


def cut_axis(density: Density, interval: CalendarInterval, scale: Scale) -> list[Bucket]:
    """Return the spans of an interval; the outer ones only as far as they lie on the axis."""
    buckets = Density((scale.first, scale.last), density.spans).cut(interval)
    outer = {0, len(buckets) - 1}
    days = dates.Window(scale.first, scale.last)
    return [density.trimmed(b, days) if n in outer else b for n, b in enumerate(buckets)]


# -- the first and the last day -------------------------------------------------------------------


def _dense_days(density: Density) -> tuple[int, int]:
    """Return whole years, months or days without a few far events at the edges."""
    assert density.extent is not None
    spans = density.spans
    some = spans.named[0] < dates.END
    if not some.any():
        return rounded(*density.extent)
    if spans.events.sum() > MAX_EVENTS:
        return _dense_buckets(density)
    starts, ends = (np.repeat(days[some], spans.events[some]).tolist() for days in spans.named)
    return rounded(*dense_span(starts, ends))


def _dense_buckets(density: Density) -> tuple[int, int]:
    """Return the days without the spans at the edges that hold next to nothing."""
    assert density.extent is not None
    buckets = density.cut(density.finest_interval(MAX_COUNT_BARS))
    events = np.cumsum([bucket.certain for bucket in buckets])
    first, last = 0, len(buckets) - 1
    if events[-1]:
        first = int(np.searchsorted(events, events[-1] / 100))
        last = int(np.searchsorted(events, events[-1] * 0.995))
    if last - first + 1 >= MIN_GAIN * len(buckets):
        return rounded(*density.extent)
    return rounded(buckets[first].first, buckets[last].last)


def dense_span(starts: Sequence[int], ends: Sequence[int]) -> tuple[int, int]:
    """Return the first and the last day of the time in which events lie densely.

    A few far ones are left out, on either side, if that makes the picture much larger.
    """
    spare = max(len(starts) // EARLIEST_SHARE, 1) if len(starts) > 2 else 0
    gain = MIN_GAIN if len(starts) >= EARLIEST_SHARE else MIN_GAIN_OF_FEW
    firsts, lasts = sorted(starts), sorted(ends, reverse=True)
    first, last = firsts[0], lasts[0]
    for candidate in firsts[1 : spare + 1]:
        if last - candidate + 1 < gain * (last - first + 1):
            first = candidate
    for candidate in lasts[1 : spare + 1]:
        if candidate >= first and candidate - first + 1 < gain * (last - first + 1):
            last = candidate
    return first, last


def rounded(first: int, last: int) -> tuple[int, int]:
    """Return the whole years, months or days around a span, whichever fit its length."""
    length = last - first
    size = 0 if length < 60 else len("-01") if length < 550 else len("-01-01")
    names = [str(dates.iso_day(day)) for day in (first, last)]
    window = dates.parse_window("/".join(name[: len(name) - size] for name in names))
    return window.first, window.last


# -- the names -----------------------------------------------------------------------------------


def _draw_ticks(density: Density, scale: Scale, language: Language) -> list[Tick]:
    """Return the names on the axis of a scale, at most MAX_TICKS of them."""
    finest = Density((scale.first, scale.last), density.spans).finest_interval(MAX_TICKS)
    buckets = cut_axis(density, finest, scale)
    # If even centuries are too many, some of them are named.
    buckets = buckets[:: -(-len(buckets) // MAX_TICKS)] if buckets else []
    places = [max(0.0, scale.position(bucket.first)) for bucket in buckets]
    names = _names(buckets, language)
    captions = [write_caption(bucket, finest, language) for bucket in buckets]
    by_size = {size: _names_apart(places, names, width) for size, width in AXIS_REM.items()}
    return [
        Tick(
            place,
            name,
            # The spoken name begins with the visible one (WCAG 2.5.3).
            caption if caption.startswith(f"{name}:") else name_caption(name, caption, language),
            write_days(bucket),
            [size for size, numbers in by_size.items() if number in numbers],
        )
        for number, (place, name, bucket, caption) in enumerate(
            zip(places, names, buckets, captions, strict=True)
        )
    ]


def _names(buckets: Sequence[Bucket], language: Language) -> list[str]:
    """Return short names: `2013`, `Nov`, `13 Nov`; the first of each year names the year."""
    names, last_year = [], None
    for bucket in buckets:
        year, month, day = dates.from_day_number(bucket.first)
        days = bucket.last - bucket.first + 1
        words = [language.short_date(month, day if days <= 7 else None)] if days <= 31 else []
        words += [_year(bucket.first, language)] if year != last_year else []
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


def _year(day: int, language: Language) -> str:
    return dates.format_date_label(name_year(day), language)


def name_year(day: int) -> str:
    """Return the year of a day in EDTF."""
    return str(dates.iso_day(day))[: -len("-01-01")]


def write_caption(bucket: Bucket, interval: CalendarInterval, language: Language) -> str:
    """Return a span in words: `2023: 16 events, 9 surely`."""
    label = _label_bucket(bucket, interval, language)
    if bucket.certain == bucket.possible:
        return language.ngettext(
            "{span}: {number} event", "{span}: {number} events", bucket.possible, span=label
        )
    return language.ngettext(
        "{span}: {number} event, {surely} surely",
        "{span}: {number} events, {surely} surely",
        bucket.possible,
        span=label,
        surely=language.number(bucket.certain),
    )


def name_caption(name: str, caption: str, language: Language) -> str:
    """Return a caption led by the name of what it is about."""
    return language.gettext("{name}, {caption}", name=name, caption=caption)


def _label_bucket(bucket: Bucket, interval: CalendarInterval, language: Language) -> str:
    """Return the label of a span of an interval, or of the part of it that lies on an axis."""
    number = interval.number_at(bucket.first)
    whole = span(interval, number)
    if (whole.first, whole.last) == (bucket.first, bucket.last):
        return interval.label(number, language)
    return dates.format_date_label(write_days(bucket), language)


def write_days(bucket: Bucket) -> str:
    """Return the date that asks for a span."""
    return dates.write_window(dates.Window(bucket.first, bucket.last))
