"""The density strip: how many events lie where, on one scale."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.dates import FIRST_DAY, LAST_DAY, Window
from app.languages import ENGLISH
from app.reads import Density
from app.web.axis import AXIS_REM, LETTER_REM, MAX_TICKS, NAME_GAP_REM, fit_axis
from app.web.pages import load_pages
from app.web.strip import MAX_BARS, Strip, draw_strip
from densities import density

DAYS = st.integers(FIRST_DAY, LAST_DAY)


def draw(events: Density, window: Window | None = None) -> Strip | None:
    """The strip of some events on the axis of its page."""
    axis = fit_axis(events, window, ENGLISH)
    return draw_strip(events, axis, window, ENGLISH) if axis else None


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
    lengths = [b.last - b.first + 1 for b in made.cut(made.finest_interval(MAX_BARS))]
    assert max(lengths) == span
    picture = draw(made, None)
    assert picture is not None
    assert len(picture.bars) <= max(MAX_BARS, 201)
    assert len(picture.axis.ticks) <= MAX_TICKS


@given(DAYS, st.integers(0, 100_000))
def test_bars_join_without_a_gap(first: int, length: int) -> None:
    """From one edge to the other, each asking for just its own days."""
    last = min(first + length, LAST_DAY)
    picture = draw(density(window=Window(first, last)), None)
    assert picture is not None
    ends = [0.0, *(bar.x + bar.width for bar in picture.bars)]
    assert [bar.x for bar in picture.bars] == pytest.approx(ends[:-1], abs=1e-6)
    assert ends[-1] == pytest.approx(100)
    windows = [dates.parse_window(bar.window) for bar in picture.bars]
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
    picture = draw(density(window=dates.parse_window(window)), dates.parse_window(window))
    assert picture is not None
    assert [tick.label for tick in picture.axis.ticks] == names


@pytest.mark.parametrize("size", AXIS_REM)
@given(first=DAYS, length=st.integers(0, 100_000))
def test_names_stand_apart_whatever_the_size(size: str, first: int, length: int) -> None:
    """The first always among them, none beyond the edge."""
    window = Window(first, min(first + length, LAST_DAY))
    picture = draw(density(window=window), window)
    assert picture is not None
    shown = [tick for tick in picture.axis.ticks if size in tick.sizes]
    assert shown[0] == picture.axis.ticks[0]
    starts = [tick.x * AXIS_REM[size] / 100 for tick in shown]
    ends = [x + LETTER_REM * len(tick.label) for x, tick in zip(starts, shown, strict=True)]
    assert all(end + NAME_GAP_REM <= start for end, start in zip(ends, starts[1:], strict=False))
    assert ends[-1] <= AXIS_REM[size]


def test_certain_stands_within_possible() -> None:
    """The tallest bar takes the whole height."""
    picture = draw(density("2023-11-15", "2023-11", "2023-12-01?"), None)
    assert picture is not None
    assert max(bar.possible for bar in picture.bars) == 100
    assert all(bar.certain <= bar.possible for bar in picture.bars)


@pytest.mark.parametrize(
    ("edtfs", "length"),
    [
        (["2013", "2017", "2020", "2023", "2024-11-15"], 366),
        (["2013-01", "2017-02", "2024"], 31),
        (["2013-01-01", "2017-02-03", "2024-12-31"], 31),  # as fine as fits
        (["2023", "2024"], 31),  # two bars would say little
    ],
)
def test_bars_are_as_fine_as_the_dates(edtfs: list[str], length: int) -> None:
    """Years if most dates are years: finer bars would all be as high."""
    picture = draw(density(*edtfs), None)
    assert picture is not None
    windows = [dates.parse_window(bar.window) for bar in picture.bars]
    assert max(window.last - window.first + 1 for window in windows) == length


def test_what_is_open_is_counted_at_the_edge() -> None:
    """It may be before or after what is shown."""
    picture = draw(density("2023-11-06", "[..2023-12-01]", "2024/.."), None)
    assert picture is not None
    assert (picture.earlier, picture.later) == (1, 1)


def test_open_ends_fill_no_bars() -> None:
    """An event stands where a day is known of it; the words of each bar count it all the same."""
    years = [str(year) for year in range(2013, 2024)]
    picture = draw(density(*years, "2016/..", "[..2018-06-05]", "2015-03/", "../2017", "[2019..]"))
    assert picture is not None
    heights = [round(bar.possible * picture.highest / 100) for bar in picture.bars]
    assert dict(zip(years, heights, strict=True)) == {
        year: 2 if "2015" <= year <= "2019" else 1 for year in years
    }
    assert picture.bars[-1].caption == "2023: 4 events, 2 surely"
    assert (picture.earlier, picture.later) == (2, 3)


def test_what_happened_by_a_day_is_drawn_as_possible_there() -> None:
    """Nothing says that it was on that day."""
    picture = draw(density("2013", "2014", "2024", "[..2018-06-05]", "[2020-06-05..]", "2022/.."))
    assert picture is not None
    certain = {bar.window: round(bar.certain * picture.highest / 100) for bar in picture.bars}
    assert [window for window, number in certain.items() if number] == [
        *("2013", "2014", "2022", "2024")
    ]


def test_where_no_day_is_known_there_is_no_strip() -> None:
    """Nothing to draw."""
    assert draw(density(), None) is None


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
    picture = draw(density("2023-11-06"), dates.parse_window(window))
    assert picture is not None
    assert list(picture.wider) == wider


def test_events_without_a_date_stretch_nothing_and_are_counted() -> None:
    """The strip says in words how many it does not show."""
    picture = draw(density("2023-11-06", "2024", undated=2), None)
    assert picture is not None
    assert picture.undated == 2
    assert picture.bars[-1].x + picture.bars[-1].width == pytest.approx(100)
    written = load_pages(ENGLISH).get_template("parts.html").make_module()
    query = SimpleNamespace(given_values={})
    view = SimpleNamespace(strip=picture, opened=None)
    links = SimpleNamespace(query=query, zoomed=lambda window: f"?date={window}")
    assert "<span>2 without a date</span>" in str(written.strip(view, links))  # type: ignore[attr-defined]
