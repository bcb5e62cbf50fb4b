"""Time as a picture: what is drawn is what is known, on one scale."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.dates import BEGINNING, END, FIRST_DAY, LAST_DAY, Window
from app.formats.html import load_templates
from app.reads import Density
from app.reads.spans import named_days
from app.reads.tallies import Spans
from app.web import assets
from app.web.drawing import DOT, GAP, LETTER, MOST_BARS, MOST_TICKS, SIZES, Scale, strip
from dates.model import dates as any_dates

YEAR = Scale(*dates.parse_window("2023"))
PAGES = Path(assets.__file__).parent / "templates"
DAYS = st.integers(FIRST_DAY, LAST_DAY)
DATES = any_dates().map(lambda pair: pair[0])


def percent(value: str) -> float:
    """A share of the width."""
    return float(value.removesuffix("%"))


# -- lanes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edtf", "drawn"),
    [
        ("2023-11-15", ["possible", "certain"]),
        ("2023-11", ["possible"]),  # a month is a span, not a dot on the 1st
        ("2023-11/2023-12", ["possible", "certain"]),  # at the turn of the months, in any case
        ("2023-03-01~", ["possible"]),
        ("[..2023-06-30]", ["possible from-ever"]),
        ("[2023-06-30..]", ["possible for-ever"]),
        ("2023-02/..", ["possible for-ever", "certain"]),
        ("../2023-02", ["possible from-ever", "certain"]),
        ("1850", []),
    ],
)
def test_a_date_is_drawn_as_what_it_is(edtf: str, drawn: list[str]) -> None:
    """As far as it may reach, and solid only where it is certain; what is open fades."""
    assert [mark.kind for mark in YEAR.marks(edtf)] == drawn


def test_a_month_takes_its_days() -> None:
    """All thirty of them."""
    (mark,) = YEAR.marks("2023-11")
    assert percent(mark.x) == pytest.approx(100 * 304 / 365, abs=0.01)
    assert percent(mark.width) == pytest.approx(100 * 30 / 365, abs=0.01)


def test_a_day_can_be_seen_on_a_long_scale() -> None:
    """As a dot of a few pixels."""
    marks = Scale(*dates.parse_window("1900/2023")).marks("2023-11-15")
    assert {mark.width for mark in marks} == {str(DOT)}


@given(DATES, DAYS, st.integers(0, 4000))
def test_a_lane_shows_what_the_window_says(edtf: str, first: int, length: int) -> None:
    """Something where the date is possible, something solid where it is certain; never beyond."""
    scale = Scale(first, min(first + length, LAST_DAY))
    window, date = Window(scale.first, scale.last), dates.parse(edtf)
    marks = scale.marks(edtf)
    assert bool(marks) == date.possible(window)
    if any(mark.kind == "certain" for mark in marks):
        assert date.certain(window)
    for mark in marks:
        assert 0 <= percent(mark.x) <= 100
        if mark.width.endswith("%"):
            assert percent(mark.x) + percent(mark.width) <= 100.02


# -- the strip ------------------------------------------------------------------------------------


def density(*edtfs: str, window: Window | None = None, undated: int = 0) -> Density:
    """Of some dates."""
    bounds = []
    for edtf in edtfs:
        date = dates.parse(edtf)
        ends = (date.start_earliest, date.start_latest, date.end_earliest, date.end_latest)
        bounds.append((*ends, not (date.uncertain or date.approximate)))
    finite = [day for b in bounds for day in b[:4] if BEGINNING < day < END]
    extent = window or ((min(finite), max(finite)) if finite else None)
    shared = np.array(bounds, dtype=np.int32).reshape(-1, 5)
    named, events = named_days(shared.T), np.ones(len(bounds), dtype=np.int64)
    return Density(extent, Spans(shared.T, named, events, undated))


@pytest.mark.parametrize(
    ("edtfs", "span"),
    [
        (["2023-11-01", "2023-11-30"], 1),
        (["2023-01-01", "2023-12-31"], 7),
        (["2013-01-01", "2024-12-31"], 31),
        (["1900", "2024"], 366),
        (["0900", "2024"], 3653),
        (["-9999", "9999"], 36525),
    ],
)
def test_bars_are_as_fine_as_there_is_room(edtfs: list[str], span: int) -> None:
    """Days, weeks, months, years, decades, centuries: the finest that fit."""
    made = density(*edtfs)
    lengths = [b.last - b.first + 1 for b in made.cut(made.finest_interval(MOST_BARS))]
    assert max(lengths) == span
    picture = strip(made, None)
    assert picture is not None
    assert len(picture.bars) <= max(MOST_BARS, 201)
    assert len(picture.ticks) <= MOST_TICKS


@given(DAYS, st.integers(0, 100_000))
def test_bars_join_without_a_gap(first: int, length: int) -> None:
    """From one edge to the other, each asking for just its own days."""
    last = min(first + length, LAST_DAY)
    picture = strip(density(window=Window(first, last)), None)
    assert picture is not None
    ends = [0.0, *(bar.x + bar.width for bar in picture.bars)]
    assert [bar.x for bar in picture.bars] == pytest.approx(ends[:-1], abs=1e-6)
    assert ends[-1] == pytest.approx(100)
    windows = [dates.parse_window(bar.asks) for bar in picture.bars]
    assert all(one.last + 1 == other.first for one, other in pairwise(windows))
    assert windows[0].first <= first
    assert windows[-1].last >= last


@pytest.mark.parametrize(
    ("window", "names"),
    [
        ("2022/2024", ["2022", "2023", "2024"]),
        ("2020-12-20/2022-02-03", ["Dec 2020", "2021", "2022"]),
        ("2023-11/2024-02", ["Nov 2023", "Dec", "Jan 2024", "Feb"]),
        ("2023-12-30/2024-01-02", ["30 Dec 2023", "31 Dec", "1 Jan 2024", "2 Jan"]),
        ("1500-05/1999", ["1500", "1600", "1700", "1800", "1900"]),
    ],
)
def test_names_are_short_and_say_the_year(window: str, names: list[str]) -> None:
    """The first one, and that of each January."""
    picture = strip(density(window=dates.parse_window(window)), dates.parse_window(window))
    assert picture is not None
    assert [tick.label for tick in picture.ticks] == names


@pytest.mark.parametrize("size", SIZES)
@given(first=DAYS, length=st.integers(0, 100_000))
def test_names_stand_apart_whatever_the_size(size: str, first: int, length: int) -> None:
    """The first always among them, none beyond the edge."""
    window = Window(first, min(first + length, LAST_DAY))
    picture = strip(density(window=window), window)
    assert picture is not None
    shown = [tick for tick in picture.ticks if size in tick.sizes]
    assert shown[0] == picture.ticks[0]
    starts = [tick.x * SIZES[size] / 100 for tick in shown]
    ends = [x + LETTER * len(tick.label) for x, tick in zip(starts, shown, strict=True)]
    assert all(end + GAP <= start for end, start in zip(ends, starts[1:], strict=False))
    assert ends[-1] <= SIZES[size]


def test_certain_stands_within_possible() -> None:
    """The tallest bar takes the whole height."""
    picture = strip(density("2023-11-15", "2023-11", "2023-12-01?"), None)
    assert picture is not None
    assert max(bar.possible for bar in picture.bars) == 100
    assert all(bar.certain <= bar.possible for bar in picture.bars)


def test_where_no_day_is_known_there_is_no_strip() -> None:
    """Nothing to draw."""
    assert strip(density(), None) is None


@pytest.mark.parametrize(
    ("window", "wider"),
    [
        ("2023-11-05/2023-11-09", ["2023", "2023-11"]),
        ("2023-11", ["2023"]),
        ("2023", []),
        ("2020/2023", []),
        ("2023/..", []),
    ],
)
def test_the_way_out_goes_by_month_and_year(window: str, wider: list[str]) -> None:
    """Those that hold what is shown."""
    picture = strip(density("2023-11-06"), dates.parse_window(window))
    assert picture is not None
    assert [asks for _, asks in picture.wider] == wider


def test_events_without_a_date_stretch_nothing_and_are_counted() -> None:
    """The strip says in words how many it does not show."""
    picture = strip(density("2023-11-06", "2024", undated=2), None)
    assert picture is not None
    assert picture.undated == 2
    assert picture.bars[-1].x + picture.bars[-1].width == pytest.approx(100)
    written = load_templates(PAGES).get_template("parts.html").make_module()
    query = SimpleNamespace(given_values={})
    view = SimpleNamespace(strip=picture)
    links = SimpleNamespace(query=query, zoomed=lambda window: f"?date={window}")
    assert "<span>2 without a date</span>" in str(written.strip(view, links))  # type: ignore[attr-defined]
