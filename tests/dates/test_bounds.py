"""Which days a date may start and end on, and what a query's window makes of it."""

import re
from datetime import date

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.dates import (
    BEGINNING,
    END,
    DateError,
    Window,
    day_number,
    from_day_number,
    iso_day,
    parse,
    parse_window,
)
from dates import model
from tiers import examples

EACH_KIND = settings(model.UNHURRIED, max_examples=examples(200))
"""Over all kinds, more than 2,000 random dates."""


def shown(day: int) -> str:
    """A bound as people read it."""
    return {BEGINNING: "-inf", END: "inf"}.get(day) or iso_day(day) or ""


def in_application(day: int) -> int:
    """A day of the model as the application counts it."""
    return {model.FIRST: BEGINNING, model.LAST: END}.get(day, day)


# --- One act at an unknown moment: it starts and ends on one day, no earlier, no later ---------


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2023-11-15", "2023-11-15", "2023-11-15"),
        ("2023-11", "2023-11-01", "2023-11-30"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("-0043-03-15", "-0043-03-15", "-0043-03-15"),
        ("0000", "0000-01-01", "0000-12-31"),
        ("-9999", "-9999-01-01", "-9999-12-31"),
        ("9999", "9999-01-01", "9999-12-31"),
        ("Y17E2", "1700-01-01", "1700-12-31"),
        ("Y-5E3", "-5000-01-01", "-5000-12-31"),
        # significant digits
        ("1950S1", "1000-01-01", "1999-12-31"),
        ("1950S2", "1900-01-01", "1999-12-31"),
        ("1950S3", "1950-01-01", "1959-12-31"),
        ("1950S4", "1950-01-01", "1950-12-31"),
        ("-0044S2", "-0099-01-01", "-0001-12-31"),
        ("Y171E1S2", "1700-01-01", "1799-12-31"),
        ("Y5E1S1", "0050-01-01", "0059-12-31"),
        # unspecified digits: only days that exist count
        ("199X", "1990-01-01", "1999-12-31"),
        ("19XX", "1900-01-01", "1999-12-31"),
        ("1XXX", "1000-01-01", "1999-12-31"),
        ("XXXX", "0000-01-01", "9999-12-31"),
        ("-12XX", "-1299-01-01", "-1200-12-31"),
        ("-000X", "-0009-01-01", "-0001-12-31"),
        ("1X95", "1095-01-01", "1995-12-31"),
        ("2004-XX", "2004-01-01", "2004-12-31"),
        ("2004-0X", "2004-01-01", "2004-09-30"),
        ("2004-1X", "2004-10-01", "2004-12-31"),
        ("2004-06-XX", "2004-06-01", "2004-06-30"),
        ("2004-XX-XX", "2004-01-01", "2004-12-31"),
        ("2023-XX-15", "2023-01-15", "2023-12-15"),
        ("2023-XX-31", "2023-01-31", "2023-12-31"),
        ("2023-02-2X", "2023-02-20", "2023-02-28"),
        ("2004-06-X1", "2004-06-01", "2004-06-21"),
        ("156X-12-25", "1560-12-25", "1569-12-25"),
        ("15XX-12-XX", "1500-12-01", "1599-12-31"),
        ("XXXX-02-29", "0000-02-29", "9996-02-29"),
        ("-XXXX-02-29", "-9996-02-29", "-0004-02-29"),
        # qualifiers leave the bounds alone
        ("2023-11?", "2023-11-01", "2023-11-30"),
        ("2004-06~-11", "2004-06-11", "2004-06-11"),
        # sets are taken as their hull
        ("[1960,1961-12]", "1960-01-01", "1961-12-31"),
        ("{1667,1668,1670..1672}", "1667-01-01", "1672-12-31"),
        ("[1961,1961-03]", "1961-01-01", "1961-12-31"),
        ("[2022-11-21..2022-11-23]", "2022-11-21", "2022-11-23"),
        ("[..2024-02-06]", "-inf", "2024-02-06"),
        ("[2024-02-28..]", "2024-02-28", "inf"),
        ("[..1984,1990..]", "-inf", "inf"),
        ("[1984,1980]", "1980-01-01", "1984-12-31"),
        ("{1960,1970..1972,1961-02}", "1960-01-01", "1972-12-31"),
        ("[2023-06,202X]", "2020-01-01", "2029-12-31"),
    ],
)
def test_one_act_starts_and_ends_on_one_day_somewhere_in_between(
    text: str, earliest: str, latest: str
) -> None:
    date = parse(text)
    assert (shown(date.start_earliest), shown(date.start_latest)) == (earliest, latest)
    assert (shown(date.end_earliest), shown(date.end_latest)) == (earliest, latest)


@pytest.mark.parametrize(
    ("codes", "earliest", "latest"),
    [
        ((21, 25, 31), "2023-03-01", "2023-05-31"),
        ((22, 26, 32), "2023-06-01", "2023-08-31"),
        ((23, 27, 29), "2023-09-01", "2023-11-30"),
        ((24, 28, 30), "2023-12-01", "2024-02-29"),
        ((33,), "2023-01-01", "2023-03-31"),
        ((34,), "2023-04-01", "2023-06-30"),
        ((35,), "2023-07-01", "2023-09-30"),
        ((36,), "2023-10-01", "2023-12-31"),
        ((37,), "2023-01-01", "2023-04-30"),
        ((38,), "2023-05-01", "2023-08-31"),
        ((39,), "2023-09-01", "2023-12-31"),
        ((40,), "2023-01-01", "2023-06-30"),
        ((41,), "2023-07-01", "2023-12-31"),
    ],
)
def test_seasons_are_meteorological_and_other_codes_divide_the_year(
    codes: tuple[int, ...], earliest: str, latest: str
) -> None:
    for code in codes:
        date = parse(f"2023-{code}")
        assert (date.earliest, date.latest) == (earliest, latest)


# --- Something that lasts: bounds of its own for start and end ---------------------------------


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("2023-11/2024-12", "2023-11-01 2023-11-30 2024-12-01 2024-12-31"),
        ("2023-11-15/2023-11-15", "2023-11-15 2023-11-15 2023-11-15 2023-11-15"),
        # tightened to start <= end
        ("2023-11/2023", "2023-11-01 2023-11-30 2023-11-01 2023-12-31"),
        ("2023/2023-11", "2023-01-01 2023-11-30 2023-11-01 2023-11-30"),
        ("2023/2023", "2023-01-01 2023-12-31 2023-01-01 2023-12-31"),
        # exact where the days of an end are not contiguous
        ("2023-XX-15/2023-03", "2023-01-15 2023-03-15 2023-03-01 2023-03-31"),
        ("2023-03-20/2023-XX-15", "2023-03-20 2023-03-20 2023-04-15 2023-12-15"),
        ("XXXX-02-29/2023-06", "0000-02-29 2020-02-29 2023-06-01 2023-06-30"),
        # a winter ends in the next year
        ("2023-24/2024-01", "2023-12-01 2024-01-31 2024-01-01 2024-01-31"),
        ("2024-02-10/202X-24", "2024-02-10 2024-02-10 2024-02-10 2030-02-28"),
        # open: infinite
        ("2020/..", "2020-01-01 2020-12-31 inf inf"),
        ("../2020", "-inf -inf 2020-01-01 2020-12-31"),
        # unknown: no earlier, or no later, than the other end
        ("2020/", "2020-01-01 2020-12-31 2020-01-01 inf"),
        ("/2020", "-inf 2020-12-31 2020-01-01 2020-12-31"),
    ],
)
def test_something_that_lasts_has_bounds_for_its_start_and_its_end(text: str, bounds: str) -> None:
    date = parse(text)
    days = (date.start_earliest, date.start_latest, date.end_earliest, date.end_latest)
    assert " ".join(map(shown, days)) == bounds


@pytest.mark.parametrize("kind", model.KINDS)
def test_bounds_are_those_of_all_starts_and_ends_that_the_model_counts(kind: str) -> None:
    @settings(model.UNHURRIED, max_examples=examples(100))
    @given(model.dates(kind))
    def agree(drawn: tuple[str, model.Model]) -> None:
        text, meaning = drawn
        date = parse(text)
        days = (date.start_earliest, date.start_latest, date.end_earliest, date.end_latest)
        assert days == tuple(map(in_application, meaning.bounds))
        assert (date.uncertain, date.approximate) == (meaning.uncertain, meaning.approximate)

    agree()


@settings(model.UNHURRIED, max_examples=examples(600))
@given(model.attempts())
@example(("2014/2013", None))
@example(("[2023..2021-02]", None))
@example(("{1990..1991-02}", None))
@example(("2023-02-29", None))
@example(("9999-24", None))
def test_a_date_is_refused_exactly_when_no_start_and_end_are_left(attempt: model.Attempt) -> None:
    text, meaning = attempt
    try:
        parse(text)
    except DateError:
        assert meaning is None
    else:
        assert meaning is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2014/2013", ("reversed", "2014-01-01", "2013-12-31")),
        ("2023-11-15/2023-11-14", ("reversed",)),
        ("2023-12/2023-XX-30?", None),
        ("2023-12-31/2023-XX-30", ("reversed", "2023-12-30")),
        ("[2023..2021]", ("range", "reversed")),
        ("[2023-06,2023,202X]", None),
        ("9999-24", ("9999-12-31",)),
        ("9999-30/..", ("9999-12-31",)),
        ("999X-28", ("9999-12-31",)),
        ("9999-22", None),
    ],
)
def test_reversed_or_beyond_the_calendar_is_refused_with_the_reason(
    text: str, words: tuple[str, ...] | None
) -> None:
    if words is None:
        parse(text)
        return
    with pytest.raises(DateError) as refusal:
        parse(text)
    assert [word for word in words if word not in str(refusal.value)] == []


# --- What a date is to a window ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "window", "match"),
    [
        ("2023-11", "2023", "certain"),
        ("2023-11", "2023-11-15", "possible"),
        ("2023-11", "2023-12", "none"),
        ("2023-11?", "2023", "possible"),
        ("2023-11~", "2023", "possible"),
        ("2023-11-15%", "2023-11-15", "possible"),
        ("2023-11/2024-12", "2024-06", "certain"),
        ("2023-11/2024-12", "2023-11-15", "possible"),
        ("2023-11/2023", "2023-10", "none"),
        ("2020/..", "2024", "certain"),
        ("2020/", "2024", "possible"),
        ("2020/", "2020", "certain"),
        ("/2020", "2019", "possible"),
        ("../2020", "2019", "certain"),
        ("[..2024-02-06]", "2019", "possible"),
        ("[..2024-02-06]", "../2024", "certain"),
        ("[2024-02-28..]", "2024/..", "certain"),
        ("[2024-02-28..]", "2024-02-27", "none"),
        ("[1960,1962]", "1961", "possible"),
        ("2023-XX-15", "2023-03-20", "possible"),
    ],
)
def test_a_date_overlaps_a_window_certainly_possibly_or_not(
    text: str, window: str, match: str
) -> None:
    date, asked = parse(text), parse_window(window)
    found = "certain" if date.certain(asked) else "possible" if date.possible(asked) else "none"
    assert found == match


@pytest.mark.parametrize("kind", model.KINDS)
def test_possible_and_certain_are_what_some_and_every_start_and_end_say(kind: str) -> None:
    @EACH_KIND
    @given(model.dates(kind), model.windows())
    def agree(drawn: tuple[str, model.Model], asked: tuple[str, int, int]) -> None:
        (text, meaning), (window_text, first, last) = drawn, asked
        date, window = parse(text), parse_window(window_text)
        assert date.possible(window) == meaning.possible(first, last)
        assert date.certain(window) == meaning.certain(first, last)
        assert date.possible(window) or not date.certain(window)

    agree()


@settings(model.UNHURRIED, max_examples=examples(300))
@given(model.dates("year, month or day", "interval"), model.windows())
def test_the_model_itself_agrees_with_trying_every_start_and_end(
    drawn: tuple[str, model.Model], asked: tuple[str, int, int]
) -> None:
    _, meaning = drawn
    _, first, last = asked
    pairs = sum(pair.last_end - pair.first_end + 1 for pair in meaning.pairs)
    assume(pairs <= 50_000)
    overlaps = [start <= last and end >= first for start, end in meaning.every_pair()]
    flagged = meaning.uncertain or meaning.approximate
    assert meaning.possible(first, last) == any(overlaps)
    assert meaning.certain(first, last) == (all(overlaps) and not flagged)


@model.UNHURRIED
@given(model.windows())
def test_a_window_reaches_from_the_first_possible_day_to_the_last(
    asked: tuple[str, int, int],
) -> None:
    text, first, last = asked
    assert parse_window(text) == Window(in_application(first), in_application(last))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[2020,2021]", "set"),
        ("{2020..2021}", "set"),
        ("[..2020]", "set"),
        ("2020?", "uncertain"),
        ("2020-06~", "approximate"),
        ("2004-%06-11", "uncertain"),
        ("2020/2021?", "uncertain"),
        ("XXXX-11", "gaps"),
        ("2020-XX-15", "gaps"),
        ("2X23", "gaps"),
        ("156X-12-25", "gaps"),
        ("199X-21", "gaps"),
        ("2020/202X-11", "gaps"),
        ("2023-02-29", "28 days"),
        ("2023-11-XXT10:00", "whole day"),
        ("10:00", "a day and a T"),
        ("", "empty"),
    ],
)
def test_a_window_is_no_set_bears_no_qualifier_has_no_gaps_and_follows_the_same_grammar(
    text: str, word: str
) -> None:
    with pytest.raises(DateError, match=word):
        parse_window(text)


@settings(model.UNHURRIED, max_examples=examples(300))
@given(model.pattern())
def test_the_digits_that_a_window_masks_leave_no_gap(part: model.Part) -> None:
    try:
        window = parse_window(part.text)
    except DateError:
        return
    days = part.days
    assert (window.first, window.last) == (days[0], days[-1])
    assert len(days) == days[-1] - days[0] + 1


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("202X", (2020, 1, 1), (2029, 12, 31)),
        ("20XX", (2000, 1, 1), (2099, 12, 31)),
        ("2023-XX", (2023, 1, 1), (2023, 12, 31)),
        ("2023-XX-XX", (2023, 1, 1), (2023, 12, 31)),
        ("2023-1X", (2023, 10, 1), (2023, 12, 31)),
        ("2023-11-XX", (2023, 11, 1), (2023, 11, 30)),
        ("201X/202X", (2010, 1, 1), (2029, 12, 31)),
    ],
)
def test_a_window_may_mask_its_last_digits(
    text: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    assert parse_window(text) == Window(day_number(*first), day_number(*last))


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("2023-11-15T10:00", "2023-11-15"),
        ("2023-11-15T10:00:15+01:00", "2023-11-15"),
        ("2023-11-15T10:00 01:00", "2023-11-15"),
        ("2023-11-15 10:00", "2023-11-15"),
        ("20231115T100000Z", "2023-11-15"),
        ("2023-11-15T10:00/2023-11-15T11:00", "2023-11-15"),
        ("2023-11-15T10:00/11:00", "2023-11-15"),
        ("2023-11-15T10:00Z/2023-12", "2023-11-15/2023-12"),
        ("2023-11-15T10:00/..", "2023-11-15/.."),
        ("2023-11-15T10:00?", "2023-11-15"),
        ("[2023-11-15T10:00,2023-11-16]", None),
        ("2020..2021", "2020/2021"),
        ("..2020", "../2020"),
        ("2020..", "2020/.."),
        ("circa 2020", None),
        ("2020-xx-15", None),
        ("[2020..2021", None),
        ("2020?~", None),
        ("Nov 2023", "2023-11"),
        ("2023-11-01/15", "2023-11-01/2023-11-15"),
        ("2023-11-01/12-15", "2023-11-01/2023-12-15"),
        ("2023-11/12", "2023-11/2023-12"),
        ("2023-03/31", "2023-03-31"),
    ],
)
def test_the_error_of_a_window_suggests_only_what_is_one(text: str, suggestion: str | None) -> None:
    with pytest.raises(DateError) as refusal:
        parse_window(text)
    assert refusal.value.suggestion == suggestion
    assert not re.search(r"write .*[\[{?~%]", str(refusal.value))
    assert suggestion is None or parse_window(suggestion)


# --- Days and their order ----------------------------------------------------------------------


@given(st.dates())
def test_days_are_numbered_like_ordinals(day: date) -> None:
    assert day_number(day.year, day.month, day.day) == day.toordinal()
    assert from_day_number(day.toordinal()) == (day.year, day.month, day.day)
    assert iso_day(day.toordinal()) == day.isoformat()


@given(st.integers(-9999, 10_000), st.integers(1, 12), st.integers(1, 28))
@example(-9999, 1, 1)
@example(-4, 2, 29)
@example(0, 2, 29)
@example(10_000, 2, 29)
def test_days_before_christ_and_just_after_9999_continue_the_count(
    year: int, month: int, day: int
) -> None:
    assert day_number(year, month, day) == model.number(year, month, day)
    assert from_day_number(model.number(year, month, day)) == (year, month, day)


@pytest.mark.parametrize(("year", "month", "day"), [(2023, 2, 29), (-1, 2, 29), (2023, 13, 1)])
def test_a_day_that_does_not_exist_has_no_number(year: int, month: int, day: int) -> None:
    with pytest.raises(ValueError, match=r"day|month"):
        day_number(year, month, day)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "0001-01-01"),
        (0, "0000-12-31"),
        (day_number(-43, 3, 15), "-0043-03-15"),
        (day_number(-9999, 1, 1), "-9999-01-01"),
        (BEGINNING, None),
        (END, None),
    ],
)
def test_days_are_shown_in_iso_form_and_infinity_as_none(number: int, text: str | None) -> None:
    assert iso_day(number) == text


def test_infinity_is_beyond_every_real_day() -> None:
    assert day_number(-9999, 1, 1) > BEGINNING
    assert day_number(10_000, 12, 31) < END


def test_open_and_unknown_bounds_are_shown_as_none() -> None:
    assert (parse("2020/..").earliest, parse("2020/..").latest) == ("2020-01-01", None)
    assert (parse("/2020").earliest, parse("/2020").latest) == (None, "2020-12-31")


def test_timeline_order_is_by_the_first_day_or_where_that_is_open_by_the_last() -> None:
    texts = ["-0043", "../2020-05", "2020-06", "[..2020-07]", "2020-08/..", "/2020-09"]
    days = [parse(text).order_day for text in texts]
    assert days == sorted(days)
    assert shown(days[1]) == "2020-05-31"
    assert shown(days[4]) == "2020-08-01"
