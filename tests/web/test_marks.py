"""The language of marks: what is drawn is what is known, wherever it is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.dates import FIRST_DAY, LAST_DAY, Window
from app.web.marks import LEGEND, STROKE_PIXELS, Mark, Scale, draw_svg
from dates.model import dates as any_dates

YEAR = Scale(*dates.parse_window("2023"))
DAYS = st.integers(FIRST_DAY, LAST_DAY)
DATES = any_dates().map(lambda pair: pair[0])


def kinds(edtf: str, scale: Scale = YEAR) -> list[str]:
    """The strokes of a date, in alphabetical order; a star for one that is about."""
    mark = scale.mark(dates.parse(edtf))
    if mark is None:
        return []
    return sorted(stroke.kind for stroke in mark.strokes) + ["*"] * mark.vague


@pytest.mark.parametrize(
    ("edtf", "drawn"),
    [
        ("2023-11-15", ["dot"]),
        ("2023-11-15?", ["dot", "*"]),
        ("2023-11", ["cap", "cap", "thin"]),  # a month is a span, not a dot on the 1st
        ("2023", ["cap", "cap", "thin"]),
        ("2023-03~", ["cap", "cap", "thin", "*"]),
        ("[2023-11-21..2023-11-23]", ["cap", "cap", "thin"]),
        ("[..2023-06-30]", ["cap", "thin fade-in"]),
        ("[2023-06-30..]", ["cap", "thin fade-out"]),
        ("2023-02-03/2023-11-05", ["thick"]),
        ("2023-02/2023-11", ["cap", "cap", "thick", "thin", "thin"]),
        ("2023-02/..", ["arrow-right", "cap", "thick", "thin"]),  # goes on
        ("../2023-02", ["arrow-left", "cap", "thick", "thin"]),
        ("2023-02/", ["cap", "thick fade-out"]),  # how long is not known
        ("/2023-02", ["cap", "thick fade-in"]),
        ("202X", ["arrow-left", "arrow-right", "thin"]),  # a century was drawn with two closed ends
        ("2022-11/2023-02-03", ["arrow-left", "thick"]),
        ("2013/", ["arrow-left", "thick fade-out"]),
        ("1850", []),
        ("2024", []),
    ],
)
def test_a_date_is_drawn_as_what_it_is(edtf: str, drawn: list[str]) -> None:
    """What is open fades, what goes on has an arrow."""
    assert kinds(edtf) == drawn


def test_a_month_takes_its_days() -> None:
    """All thirty of them."""
    mark = YEAR.mark(dates.parse("2023-11"))
    assert mark is not None
    assert mark.start == pytest.approx(100 * 304 / 365)
    assert mark.end == pytest.approx(100 * 334 / 365)


@given(DATES, DAYS, st.integers(0, 4000))
def test_a_mark_shows_what_the_window_says(edtf: str, first: int, length: int) -> None:
    """Something if the date is possible there, something thick only if it is certain."""
    scale = Scale(first, min(first + length, LAST_DAY))
    window, date = Window(scale.first, scale.last), dates.parse(edtf)
    mark = scale.mark(date)
    if mark is None:
        open_both = date.start_earliest == dates.BEGINNING and date.end_latest == dates.END
        assert open_both or not date.possible(window)
        return
    assert date.possible(window)
    if not mark.vague and "thick" in [stroke.kind for stroke in mark.strokes]:
        assert date.certain(window)
    for stroke in mark.strokes:
        assert 0 <= stroke.start <= stroke.end <= 100.001


@given(DATES)
def test_the_legend_has_every_stroke(edtf: str) -> None:
    """Nothing is drawn anywhere that it does not explain."""
    explained = {part for e in LEGEND for s in e.mark.strokes for part in s.kind.split(" ")}
    for scale in (YEAR, Scale(FIRST_DAY, LAST_DAY)):
        mark = scale.mark(dates.parse(edtf))
        drawn = {part for s in (mark.strokes if mark else ()) for part in s.kind.split(" ")}
        mirrored = {part.replace("fade-in", "fade-out").replace("left", "right") for part in drawn}
        assert mirrored <= explained


@given(DATES)
def test_a_mark_is_drawn_stroke_by_stroke(edtf: str) -> None:
    """One element each."""
    mark = YEAR.mark(dates.parse(edtf)) or Mark((), vague=False)
    assert draw_svg(mark, 12).count("<") == len(mark.strokes)
    assert set(STROKE_PIXELS) == {"thin", "thick"}
