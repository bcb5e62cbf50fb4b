"""How dates read to people."""

import re

import pytest
from hypothesis import given, settings

from app.dates import parse
from dates import model
from tiers import examples


@pytest.mark.parametrize(
    ("text", "label"),
    [
        # plain
        ("2023", "2023"),
        ("2023-11", "November 2023"),
        ("2024-02-06", "6 February 2024"),
        # before Christ, and the first thousand years
        ("-0043", "44 BC"),
        ("0000", "1 BC"),
        ("-0043-03-15", "15 March 44 BC"),
        ("0079-08-24", "24 August AD 79"),
        ("0999", "AD 999"),
        ("1000", "1000"),
        # times of day
        ("2024-02-06T14:30", "6 February 2024, 14:30"),
        ("2024-02-06T04:05:09Z", "6 February 2024, 04:05:09 (UTC)"),
        ("2024-02-06T14:30+01:00", "6 February 2024, 14:30 (UTC+1)"),
        ("2024-02-06T14:30-03:30", "6 February 2024, 14:30 (UTC\N{MINUS SIGN}3:30)"),
        ("-0043-03-15T12:00", "15 March 44 BC, 12:00"),
        ("2024-02-06T14:30/2024-02-06T16:00", "6 February 2024, 14:30 to 16:00"),
        ("2024-02-06T14:30Z/2024-02-06T16:00Z", "6 February 2024, 14:30 to 16:00 (UTC)"),
        (
            "2024-02-06T14:30+09:00/2024-02-06T10:00-05:00",
            "6 February 2024, 14:30 (UTC+9) to 10:00 (UTC\N{MINUS SIGN}5)",
        ),
        ("2024-02-06T14:30/2024-02-07", "6 February 2024, 14:30 to 7 February 2024"),
        ("2024-02-06T14:30/..", "6 February 2024, 14:30 onwards"),
        # qualified as a whole, or in parts
        ("2020-08~", "about August 2020"),
        ("2020?", "2020 (uncertain)"),
        ("2020%", "about 2020 (uncertain)"),
        ("2004-06~-11", "11 June 2004 (year and month approximate)"),
        ("?2004-06-~11", "11 June 2004 (day approximate; year uncertain)"),
        ("2001-?21", "spring 2001 (season uncertain)"),
        # parts of the year
        ("2023-21", "spring 2023"),
        ("2023-22", "summer 2023"),
        ("2023-24", "winter 2023–24"),
        ("1999-24", "winter 1999–2000"),
        ("2009-28", "northern winter 2009–10"),
        ("2023-30", "southern summer 2023–24"),
        ("0999-24", "winter AD 999–1000"),
        ("-0043-24", "winter 44–43 BC"),
        ("0000-24", "winter 1 BC to AD 1"),
        ("2023-33", "Q1 2023"),
        ("2023-37", "first four months of 2023"),
        ("2023-41", "second half of 2023"),
        ("199X-24", "winter beginning in one of the years 1990–1999"),
        ("199X-40", "first half of one of the years 1990–1999"),
        # unspecified digits
        ("199X", "1990s"),
        ("190X", "1900–1909"),
        ("19XX", "1900–1999"),
        ("000X", "1 BC to AD 9"),
        ("-12XX", "1300–1201 BC"),
        ("-000X", "10–2 BC"),
        ("XXXX", "an unknown year"),
        ("-XXXX", "an unknown year BC"),
        ("1X95", "1095–1995 (second digit of the year unknown)"),
        ("2004-XX", "2004 (month unknown)"),
        ("2004-XX-XX", "2004 (month and day unknown)"),
        ("2004-06-XX", "June 2004 (day unknown)"),
        ("2004-1X", "October, November or December 2004"),
        ("2004-0X", "a month between January and September of 2004"),
        ("2004-06-1X", "between 10 and 19 June 2004"),
        ("2023-02-2X", "between 20 and 28 February 2023"),
        ("2004-06-X1", "1, 11 or 21 June 2004"),
        ("2004-XX-15", "day 15 of an unknown month of 2004"),
        ("156X-12-25", "25 December of one of the years 1560–1569"),
        ("15XX-12-XX", "December of one of the years 1500–1599 (day unknown)"),
        ("XXXX-12-25", "25 December of an unknown year"),
        # significant digits and exponents
        ("1950S2", "1900–1999 (estimated 1950)"),
        ("1950S4", "1950"),
        ("Y17E2", "1700"),
        # intervals
        ("2023-11/2024-12", "November 2023 to December 2024"),
        ("2022-11-21/2022-11-23", "21 to 23 November 2022"),
        ("2022-11/2022-12", "November to December 2022"),
        ("2022/2023-02", "2022 to February 2023"),
        ("2022~/2023", "about 2022 to 2023"),
        ("2024/..", "2024 onwards"),
        ("2024/", "from 2024, end unknown"),
        ("../2020", "until 2020"),
        ("/2020", "until 2020, start unknown"),
        # one of a set
        ("[..2024-02-06]", "by 6 February 2024"),
        ("[2024-02-28..]", "28 February 2024 or later"),
        ("[2022-11-21..2022-11-23]", "between 21 and 23 November 2022"),
        ("[2022-11-21..2022-12-03]", "between 21 November and 3 December 2022"),
        ("[2022-11..2023-02]", "between November 2022 and February 2023"),
        ("[2022..2022]", "between 2022 and 2022"),
        ("[1960,1961-12]", "1960 or December 1961"),
        ("[1667,1668,1670..1672]", "1667, 1668 or between 1670 and 1672"),
        # all of a set
        ("{1960,1961-12}", "1960 and December 1961"),
        ("{1667,1668,1670..1672}", "1667, 1668 and each from 1670 to 1672"),
        ("{..1984}", "each up to 1984"),
        ("{1984..}", "each from 1984 on"),
    ],
)
def test_a_date_reads_like_this(text: str, label: str) -> None:
    assert parse(text).label == label


@settings(model.UNHURRIED, max_examples=examples(600))
@given(model.dates())
def test_every_date_has_a_label_without_the_symbols_of_edtf(
    drawn: tuple[str, model.Model],
) -> None:
    label = parse(drawn[0]).label
    assert label == label.strip() != ""
    assert re.findall(r"[][{}?~%/_]|\.\.|-|X|\d[ES]\d|  |\(\)|None", label) == []
