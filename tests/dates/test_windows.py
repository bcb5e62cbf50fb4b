"""From the days of a window back to the expression that asks for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dates import FIRST_DAY, LAST_DAY, Window, parse_window, write_window
from dates.model import windows

DAYS = st.integers(FIRST_DAY, LAST_DAY)


@given(windows())
def test_what_is_written_asks_for_the_same_days(asked: tuple[str, int, int]) -> None:
    """Whatever was asked for, in as few characters or fewer where it names whole months."""
    window = parse_window(asked[0])
    assert parse_window(write_window(window)) == window


@given(DAYS, DAYS)
def test_any_days_can_be_asked_for(one: int, other: int) -> None:
    """From whichever to whichever."""
    window = Window(min(one, other), max(one, other))
    assert parse_window(write_window(window)) == window


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("2023-01-01/2023-12-31", "2023"),
        ("2023-11-01/2023-11-30", "2023-11"),
        ("2023-01-01/2024-02-29", "2023-01/2024-02"),
        ("2023-01/2024-12", "2023/2024"),
        ("2023-11-05/2023-11-05", "2023-11-05"),
        ("../2023-12-31", "../2023"),
        ("2023-02-01/..", "2023-02/.."),
        ("202X", "2020/2029"),
        ("-0044-01-01/-0044-12-31", "-0044"),
    ],
)
def test_it_is_as_short_as_can_be(asked: str, written: str) -> None:
    """Whole years and whole months are named as such."""
    assert write_window(parse_window(asked)) == written
