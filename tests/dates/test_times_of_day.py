"""Times of day: how they order events, how they read, and that queries and sources have none."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dates import NO_CLOCK, DateError, parse, parse_days, parse_window
from dates import model
from tiers import examples

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
Drawn = tuple[str, model.Model]
ONE_DAY = st.sampled_from(["2024-02-06", "2023-10-29"])  # the second with a fold, in Europe


def on_one_day() -> st.SearchStrategy[str]:
    """Dates that begin on one day, with and without a time of it."""
    days = ONE_DAY.map(lambda day: model.Part(day, model.days_of(*day.split("-"))))
    timed = model.timed(days).map(lambda drawn: drawn[0].text)
    return st.one_of(timed, timed, ONE_DAY, timed.map("{}/..".format), timed.map("../{}".format))


@settings(model.UNHURRIED, max_examples=examples(5000))
@given(on_one_day(), on_one_day())
def test_dates_are_ordered_by_the_clock_as_it_is_stated(one: str, other: str) -> None:
    """After the day, whatever the zone; a date without a clock comes first."""

    def place(text: str) -> tuple[str, str]:
        # As texts, days and times sort as they follow each other; no time sorts first.
        day, _, rest = text.removeprefix("../").partition("/")[0].partition("T")
        clock = "".join(re.findall("^[0-9:]+", rest))
        return day, clock + ":00" * (len(clock) == 5)

    def order(text: str) -> tuple[int, int]:
        date = parse(text)
        return date.order_day, date.order_clock

    assert (order(one) < order(other)) == (place(one) < place(other))
    assert (order(one) == order(other)) == (place(one) == place(other))


@settings(model.UNHURRIED, max_examples=examples(2000))
@given(model.dates("time of day", "interval with a time of day"))
def test_the_clock_is_that_of_the_model_and_the_days_are_as_stated(drawn: Drawn) -> None:
    """A time of day changes nothing else."""
    text, meaning = drawn
    date = parse(text)
    assert date.order_clock == meaning.clock
    days = parse("/".join(end.split("T")[0] for end in text.split("/")))
    assert (date.earliest, date.latest, date.order_day) == (
        days.earliest,
        days.latest,
        days.order_day,
    )
    assert days.order_clock == NO_CLOCK


def label(text: str) -> str:
    """The words of a day with a time of it, AD 1000 or later."""
    year, month, day, clock, zone = re.findall(r"^(\d+)-(\d+)-(\d+)T([\d:]+)(.*)$", text)[0]
    words = f"{int(day)} {MONTHS[int(month) - 1]} {year}, {clock}"
    if not zone:
        return words
    hours, minutes = ([*zone[1:].split(":"), "00"])[:2] if zone != "Z" else ("0", "00")
    shift = f"{int(hours)}:{minutes}".removesuffix(":00")
    sign = {"+": "+", "-": "\N{MINUS SIGN}", "Z": ""}[zone[0]]
    return f"{words} (UTC{sign}{shift if sign else ''})"


@settings(model.UNHURRIED, max_examples=examples(5000))
@given(model.timed(model.plain(st.integers(1000, 9999))))
def test_a_label_has_the_clock_and_the_zone(drawn: tuple[model.Part, object]) -> None:
    part, _ = drawn
    if len(part.text.split("T")[0]) == 10 and part.days:
        assert parse(part.text).label == label(part.text)


@settings(model.UNHURRIED, max_examples=examples(500))
@given(model.dates("time of day", "interval with a time of day"))
def test_queries_and_sources_are_in_days_and_say_so(drawn: Drawn) -> None:
    """The error names the days, which can be asked for."""
    text, _ = drawn
    with pytest.raises(DateError, match="Only the date of an event has a time of day: write"):
        parse_days(text)
    with pytest.raises(DateError) as refusal:
        parse_window(text)
    if not re.search("[X?~%]", text):  # which queries have not, either
        assert "Queries are in days and have no time of day: write" in str(refusal.value)
        assert refusal.value.suggestion
        assert parse_window(refusal.value.suggestion)
