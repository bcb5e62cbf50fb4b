"""Which texts are dates, how exact and how sure they are, and what is said of the others."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dates import MAX_DATE_CHARACTERS, PRECISIONS, DateError, parse
from dates import model
from tiers import examples

# --- Accepted: the examples of the EDTF specification, level by level, and their kin -----------

LEVEL_0 = """
    1985-04-12 1985-04 1985 0000 0079-08-24
    1964/2008 2004-06/2006-08 2004-02-01/2005-02-08 2004-02-01/2005-02 2004-02-01/2005 2005/2006-02
"""
TIMES_OF_DAY = """
    1985-04-12T23:20:30 1985-04-12T23:20:30Z 1985-04-12T23:20:30-04 1985-04-12T23:20:30+04:30
    2024-02-06T14:30 2024-02-06T14:30Z 2024-02-06T14:30+01:00 2024-02-06T00:00 2024-02-06T23:59:59
    2024-02-06T14:30/2024-02-06T16:00 2024-02-06T14:30:00Z/2024-02-08 2024-02/2024-03-01T12:00
    2024-02-06T14:30/.. ../2024-02-06T14:30 2024-02-06T14:30/ /2024-02-06T14:30 -0043-03-15T12:00
    2024-02-06T14:30+09:00/2024-02-06T10:00-05:00 2024-02-06T14:30:15/2024-02-06T14:30
"""
LEVEL_1 = """
    2001-21 2001-22 2001-23 2001-24
    1984? 2004-06~ 2004-06-11% 1984~ 1984%
    201X 20XX 2004-XX 1985-04-XX 1985-XX-XX 1XXX -12XX
    1985-04-12/.. 1985-04/.. 1985/.. ../1985-04-12 ../1985-04 ../1985
    1985-04-12/ 1985-04/ 1985/ /1985-04-12 /1985-04 /1985
    1984~/2004-06 1984/2004-06~ 1984?/2004% 1984~/2004~ 2001-21/2003 1984-06-02?/2004-08-08~
    -1985 -0001 -9999
"""
LEVEL_2 = """
    Y17E2 Y-17E2 Y1E3 Y-9E3
    1950S2 1950S1 1950S4 -1950S2 Y17E2S2 Y-17E2S3 1950S2~
    2001-25 2001-32 2001-33 2001-36 2001-37 2001-39 2001-40 2001-41
    [1667,1668,1670..1672] [..1760-12-03] [1760-12..] [1760-01,1760-02,1760-12..]
    [1667,1760-12] [..1984] {1667,1668,1670..1672} {1960,1961-12} {..1984} {1984..}
    [-0044..-0043] [..1960,1970..] [199X,2001] [1960~,1961?] [1667-21,1668] [1984,1980]
    [2023,2021] {1960,1961,1960-02} [2023,202X,2021] [1970..1972,1960] [199X..200X]
    2004-06-11% 2004-06~-11 2004?-06-11 ?2004-06-~11 2004-%06-11 ?2004-06~-11 ~-0043-03-15
    2004~-?06 2004-?06-~11? ?2004% 199X? 1985-04-XX~ 2001-21~ ?2001-21
    156X-12-25 15XX-12-25 XXXX-12-XX 1XXX-XX 1XXX-12 1984-1X XXXX XXXX-12-25 X984 1X84-0X-3X
    2004-X2 2004-06-X1 2004-06-1X ~156X-12-25 199X-21 -XXXX-02-29
    2004-06-~01/2004-06-~20 2004-06-XX/2004-07-03 1950S2/.. Y17E2/1800 2001-25/2001-34
"""


@pytest.mark.parametrize("text", (LEVEL_0 + TIMES_OF_DAY + LEVEL_1 + LEVEL_2).split())
def test_a_date_of_levels_0_to_2_is_accepted_and_kept_as_written(text: str) -> None:
    assert parse(text).edtf == text


# --- Refused, each with the reason and where possible with what would be right -----------------


@pytest.mark.parametrize(
    ("text", "reason", "right"),
    [
        ("", "empty", "2023-11-15"),
        (" 2023", "white space", "write 2023."),
        ("2023-11\n", "white space", "write 2023-11."),
        ("2023 - 11", "white space", "write 2023-11."),
        ("[1960, 1961-12]", "white space", "write [1960,1961-12]."),
        ("2" * 65, "at most 64", "65"),
        # times of day
        ("2023-11-15T10:00:00.5+01:00", "whole seconds", "write 2023-11-15T10:00:00+01:00."),
        ("2023-11-15 10:00", "a day and a T", "write 2023-11-15T10:00."),
        ("2023-11-15T10Z/2023-11-16T10Z", "time", "2023-11-15T10:00Z/2023-11-16T10:00Z."),
        ("10:00", "a day and a T", "as in 2024-02-06T14:30+01:00"),
        ("2023-11-15T9:05", "as in", "write 2023-11-15T09:05."),
        ("2023-11-15 2:30 PM", "as in", "write 2023-11-15T14:30."),
        ("2023-11-15 12:30 a.m.", "as in", "write 2023-11-15T00:30."),
        ("2023-11-15t10:00z", "as in", "write 2023-11-15T10:00Z."),
        ("2023-11-15T10:00 UTC", "as in", "write 2023-11-15T10:00Z."),
        ("2023-11-15T10:00+0100", "as in", "write 2023-11-15T10:00+01:00."),
        ("2023-11-15T10:00 01:00", "as in", "write 2023-11-15T10:00+01:00."),
        ("2023-11-15T10:00-00:00", "as in", "write 2023-11-15T10:00Z."),
        ("20231115T100000Z", "as in", "write 2023-11-15T10:00:00Z."),
        ("15 Nov 2023 10:00", "as in", "write 2023-11-15T10:00."),
        ("05/04/2023 10:00", "as in", ""),
        ("2023-11-15T25:00", "00:00 to 23:59:59", ""),
        ("2023-11-15T10:60", "00:00 to 23:59:59", ""),
        ("2023-11-15T23:59:60Z", "00:00 to 23:59:59", ""),
        ("2023-11-15T10:00+17:00", "00:00 to 23:59:59", ""),
        ("2023-11-15T24:00Z", "next day", "write 2023-11-16T00:00Z."),
        ("9999-12-31T24:00", "next day", ""),
        ("2023-11-15T10:00~", "nor approximate", "write 2023-11-15T10:00 or 2023-11-15~."),
        ("2023-11T10:00", "a whole day", "write 2023-11."),
        ("2023-11-XXT10:00", "a whole day", ""),
        ("[2023-11-15T10:00,2023-11-17]", "of a set", "write [2023-11-15,2023-11-17]."),
        ("2023-11-15T10:00/11:30", "whole date", "2023-11-15T10:00/2023-11-15T11:30."),
        ("2023-11-15T11:00/2023-11-15T10:59", "reversed", "earlier date first"),
        ("2023-11-15T23:00-05:00/2023-11-16T01:00+05:00", "reversed", "the clock of one zone"),
        ("2023-11-16T01:00+09:00/2023-11-15T18:00-08:00", "reversed", "the clock of one zone"),
        ("2023-02-29T10:00", "28 days", "2023-02-28"),
        ("+1990-00-00T00:00:00Z", "time of day", "write 1990."),
        ("+1990-05-00T00:00:00Z", "time of day", "write 1990-05."),
        ("+1990-05-12T00:00:00Z", "time of day", "write 1990-05-12."),
        # numbers
        ("45234", "spreadsheet counts days", "write 2023-11-04."),
        ("45234.75", "spreadsheet counts days", "write 2023-11-04."),
        ("20000", "spreadsheet counts days", "write 1954-10-03."),
        ("19999", "bare number", "four digits"),
        ("60000", "bare number", "four digits"),
        ("-13800000000", "-9999 to 9999", "2023-11-15"),
        ("0", "bare number", "four digits"),
        ("79", "bare number", "write 0079."),
        ("-43", "bare number", "write -0043."),
        ("+2023", "bare number", "write 2023."),
        ("12023", "bare number", "-9999 to 9999"),
        ("20231115", "bare number", "write 2023-11-15."),
        ("202311", "bare number", "write 2023-11."),
        ("20230229", "bare number", "four digits"),
        ("1577836800", "timestamp", "2023-11-15"),
        ("-0000", "1 BC", "write 0000."),
        # years beyond four digits
        ("Y170000002", "-9999 to 9999", ""),
        ("Y-17E7", "-9999 to 9999", ""),
        ("Y1E99999999999999999999", "-9999 to 9999", ""),
        ("Y171010000S3", "-9999 to 9999", ""),
        ("Y1950", "more than four digits", "write 1950."),
        ("Y-43", "more than four digits", "write -0043."),
        ("1950S5", "1 to 4", "1950S2"),
        ("1950S0", "1 to 4", "1950S2"),
        ("19XXS2", "without X", "1950S2"),
        ("1950S2-06", "after a year", "1950S2"),
        # days, months and seasons that do not exist
        ("2023-02-29", "28 days", "2023-02-28"),
        ("1900-02-29", "28 days", "1900-02-28"),
        ("2023-06-31", "30 days", "2023-06-30"),
        ("2023-02-3X", "28 days", "2023-02-28"),
        ("XXX1-02-29", "28 days", "XXX1-02-28"),
        ("XXXX-02-30", "at most 29 days", "XXXX-02-29"),
        ("2023-13", "01 to 12", "21 to 41"),
        ("2023-42", "01 to 12", "21 to 41"),
        ("2023-3X", "01 to 12", "21 to 41"),
        ("2023-11-32", "01 to 31", ""),
        ("2023-00", "01 to 12", "write 2023."),
        ("2023-11-00", "01 to 31", "write 2023-11."),
        ("2023-21-15", "01 to 12", ""),
        ("2023-11-15/2023-13", "01 to 12", ""),
        ("[2023-13,2024]", "01 to 12", ""),
        # intervals
        ("../..", "a date at one end", "2023/.."),
        ("/", "a date at one end", "2023/.."),
        ("/..", "a date at one end", "2023/.."),
        ("../", "a date at one end", "2023/.."),
        ("..", "alone", "2023/.."),
        ("2020/2021/2022", "single slash", "2023-11/2024-12"),
        ("2020/[2021,2022]", "cannot be a set", "2020/2021"),
        ("2020/21", "four digits", "write 2020/2021."),
        ("2023/24", "four digits", "write 2023/2024."),
        ("1731/32", "four digits", "write 1731/1732."),
        ("1999/00", "four digits", "write 1999/2000."),
        ("2020\u201321", "ASCII", "write 2020/2021."),
        ("2005/06", "four digits", "write 2005/2006 or 2005-06."),
        ("2023/11", "after a -", "write 2023-11."),
        ("2023/13", "after a -", ""),
        ("2020-2021", "slash", "write 2020/2021."),
        ("2020 to 2021", "slash", "write 2020/2021."),
        ("2020..2021", "Two dots", "write 2020/2021 or [2020..2021]."),
        ("2020..", "Two dots", "write 2020/.. or [2020..]."),
        ("..2020", "Two dots", "write ../2020 or [..2020]."),
        # sets
        ("[1960]", "two members", "1960"),
        ("[]", "between commas", "[1960,1961-12]"),
        ("[..]", "between commas", "[1960..1962]"),
        ("[1960,,1961]", "between commas", "[1960,1961-12]"),
        ("[1960..,1970]", "only its last", ""),
        ("[1960,..1970]", "only its first range", ""),
        ("{0001..0002..}", "one double dot", "[1960..1962]"),
        ("[1960...1962]", "one double dot", "[1960..1962]"),
        ("{1990..1991-02}", "one precision", "1990-01..1991-02 "),
        ("[1670..1671-05]", "one precision", "1670-01..1671-05 "),
        ("[1990-02..1991]", "one precision", "1990-02..1991-12 "),
        ("[1990-11-05..1991-02,1995]", "one precision", "1990-11-05..1991-02-28 "),
        ("[199X..2001]", "one precision", "1990..2001 "),
        ("[2020-21..2021]", "one precision", "2020-03-01..2021-12-31 "),
        ("[1960,1961", "ends with ]", "[1960,1961-12]"),
        ("[1960,1961}", "ends with ]", ""),
        ("{1960,1961]", "ends with }", ""),
        ("[1960/1961]", "two dots", "write [1960..1961]."),
        ("[1960,1961]/1970", "cannot hold an interval", ""),
        ("[1960,soon]", '"soon"', "2023-11"),
        # other letters, dashes and digits
        ("198x", "upper-case", "write 198X."),
        ("198u", "upper-case", "write 198X."),
        ("2004-1x-xx", "upper-case", "write 2004-1X-XX."),
        ("y17e2", "upper-case", "write Y17E2."),
        ("1950s2", "upper-case", "write 1950S2."),
        ("2023–11", "ASCII", "write 2023-11."),
        ("2023—11—15", "ASCII", "write 2023-11-15."),
        ("2023–2024", "ASCII", "write 2023/2024."),
        ("−0043", "ASCII", "write -0043."),  # a minus sign that is none
        ("２０２３", "ASCII", "write 2023."),
        ("١٢٣٤", "ASCII", ""),
        ("2020?~", "single %", "write 2020%."),
        ("2023\x00", "control", ""),
        ("2004-06-\x11", "control", "%25"),
        # how dates are written elsewhere
        ("15/11/2023", "year-month-day", "write 2023-11-15."),
        ("11/15/2023", "year-month-day", "write 2023-11-15."),
        ("05/04/2023", "year-month-day", "write 2023-04-05 or 2023-05-04."),
        ("31/02/2023", "year-month-day", ""),
        ("1/2/23", "year in four digits", "2023-02-01 or 2023-01-02 or 1923-02-01 or 1923-01-02."),
        ("31.12.23", "year in four digits", "write 2023-12-31 or 1923-12-31."),
        ("13/13/23", "year in four digits", ""),
        ("2023.24", "after a -", ""),
        ("2023/1", "after a -", "write 2023-01."),
        ("2023/Q3", "33 to 36", "write 2023-35."),
        ("Nov-23", "years in four digits", "write 2023-11 or 1923-11."),
        ("Nov ’23", "numbers", "write 2023-11 or 1923-11."),
        ("Nov '23", "years in four digits", "write 2023-11 or 1923-11."),
        ("15-Nov-23", "years in four digits", "write 2023-11-15 or 1923-11-15."),
        ("23-Nov", "needs its year", "2023-11-15"),
        ("5 March", "needs its year", "2023-11-15"),
        ("+2023-11", "plus sign", "write 2023-11."),
        ("15.11.2023", "year-month-day", "write 2023-11-15."),
        ("11/2023", "year-month", "write 2023-11."),
        ("2023/11/15", "after a -", "write 2023-11-15."),
        ("2023-1-5", "two digits", "write 2023-01-05."),
        ("November 2023", "numbers", "write 2023-11."),
        ("15 November 2023", "numbers", "write 2023-11-15."),
        ("Nov. 15th, 2023", "numbers", "write 2023-11-15."),
        ("November 2023/2024", "numbers", "write 2023-11."),
        ("summer 2023", "numbers", "write 2023-22."),
        ("Q3 2023", "numbers", "write 2023-35."),
        ("1990s", "X", "write 199X."),
        ("circa 2020", "~", "write 2020~."),
        ("2023-W46", "weeks", "2023-11-06/2023-11-12"),
        ("tomorrow", '"tomorrow"', "2023-11-15"),
    ],
)
def test_any_other_text_is_refused_with_the_reason_and_what_would_be_right(
    text: str, reason: str, right: str
) -> None:
    with pytest.raises(DateError) as refusal:
        parse(text)
    assert reason in str(refusal.value)
    assert right in str(refusal.value)
    for advised in re.findall(r"write (\S+?)(?: or (\S+?))?\.$", str(refusal.value)):
        assert all(parse(date) for date in advised if date)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("2020/21", "2020/2021"),
        ("2005/06", None),  # a year and a month, or two years
        ("05/04/2023", None),
        ("31/12/2023", "2023-12-31"),
        ("1/2/23", None),
        ("Nov-23", None),
        ("45234", "2023-11-04"),
        ("2020..2021", "2020/2021"),  # the set spans the same days
    ],
)
def test_a_date_is_suggested_only_if_it_must_be_the_one(text: str, suggestion: str | None) -> None:
    with pytest.raises(DateError) as refusal:
        parse(text)
    assert refusal.value.suggestion == suggestion


@pytest.mark.parametrize("value", [None, 0, 2023, 1577836800.0, True, b"2023", ["2023"], {}])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(DateError, match=f"not {type(value).__name__}"):
        parse(value)  # type: ignore[arg-type]


ALPHABET = "0123456789XXYES--..//,,[]{}?~%T: \u2013x"


@settings(model.UNHURRIED, max_examples=examples(1500))
@given(
    st.one_of(
        st.text(),
        st.text(st.sampled_from(ALPHABET), max_size=20),
        st.text(st.characters(categories=["Cs", "Cc", "Nd", "Pd", "So"]), max_size=12),
        st.tuples(model.attempts(), st.text(st.sampled_from(ALPHABET), min_size=1)).map(
            lambda both: both[0][0] + both[1]
        ),
    )
)
def test_whatever_is_not_a_date_is_a_date_error_that_can_be_shown(text: str) -> None:
    try:
        parse(text)
    except DateError as refusal:
        message = str(refusal)
        assert message
        assert message.endswith(".")
        assert message.isascii()
        assert message.isprintable()
        assert len(message) < 300


@given(st.text(st.sampled_from("abcXYZ?~%-.,"), min_size=MAX_DATE_CHARACTERS + 1))
def test_a_text_that_is_too_long_is_not_repeated(text: str) -> None:
    with pytest.raises(DateError) as refusal:
        parse(text)
    assert text[:8] not in str(refusal.value)


# --- How exact and how sure --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "texts"),
    [
        ("minute", "2023-11-15T10:00 2023-11-15T10:00Z"),
        ("second", "2023-11-15T10:00:00 2023-11-15T10:00:59+01"),
        ("day", "2023-11-15 -0043-03-15 2004-06~-11"),
        ("month", "2023-11 2004-06-XX 2004-06-1X 2004-06-X1"),
        ("season", "2023-21 2023-24 2023-25 2023-32"),
        ("quarter", "2023-33 2023-36"),
        ("quadrimester", "2023-37 2023-39"),
        ("semester", "2023-40 2023-41"),
        ("year", "2023 -0043 2004-XX 2004-1X 2004-XX-XX 2004-XX-15 1950S4 Y17E2"),
        ("decade", "199X 156X-12-25 199X-21 199X-XX 1950S3"),
        ("century", "19XX 15XX-12-XX -12XX 1950S2 19X5"),
        ("millennium", "1XXX 1XXX-12 1950S1 1X95"),
        ("era", "XXXX -XXXX XXXX-12-25 X999"),
        ("interval", "2023/2024 2023/.. /2023 2023-11-15/2023-11-15"),
        ("set", "[1960,1961] {1960,1961} [..2024-02-06] {1984..}"),
    ],
)
def test_the_leftmost_unspecified_digit_decides_the_precision(precision: str, texts: str) -> None:
    assert {parse(text).precision for text in texts.split()} == {precision}


@model.UNHURRIED
@given(model.dates())
def test_every_precision_is_one_of_those_listed(drawn: tuple[str, model.Model]) -> None:
    assert parse(drawn[0]).precision in PRECISIONS


@pytest.mark.parametrize(
    ("text", "uncertain", "approximate"),
    [
        ("2023", False, False),
        ("2023?", True, False),
        ("2023~", False, True),
        ("2023%", True, True),
        ("2004-06~-11", False, True),
        ("?2004-06-11", True, False),
        ("?2004-06-~11", True, True),
        ("2023/2024?", True, False),
        ("2023~/..", False, True),
        ("[1960,1961%]", True, True),
        ("{..1984~}", False, True),
    ],
)
def test_a_qualifier_anywhere_is_a_flag(text: str, uncertain: bool, approximate: bool) -> None:
    date = parse(text)
    assert (date.uncertain, date.approximate) == (uncertain, approximate)
