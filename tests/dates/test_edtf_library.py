"""The grammar against another one: which texts the `edtf` library takes, and where we differ."""

import contextlib
import io
import re
from typing import NamedTuple

import pytest
from edtf import parse_edtf
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dates import DateError, parse
from dates import model
from tiers import examples


def library_takes(text: str) -> bool:
    """Whether the library parses it; it also prints, and fails with errors of other kinds."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            parse_edtf(text)
        except Exception:
            return False
    return True


def refusal(text: str) -> str | None:
    """What we say against it; None where we accept it."""
    try:
        parse(text)
    except DateError as error:
        return str(error)
    return None


class Deviation(NamedTuple):
    """A kind of text on which we differ, by a pattern of it, or of what we say against it."""

    reason: str
    pattern: str
    examples: str


_CODE = r"[0-9X]{4}[?~%]?-[?~%]?(2[1-9]|3[0-9]|4[01])[?~%]?(?=$|[/,.\]}])"

WE_ACCEPT = [
    Deviation(
        "Level 2 lets X stand anywhere in a component, so also before Christ; the library knows"
        " a negative year with X only by itself.",
        r"(^|[/,.\[{])[?~%]?-(?=[-0-9X?~%]*X)",
        "-12XX-05 -X999 -XXXX-12-25 -004X-03-15",
    ),
    Deviation(
        "The same for the year of a season.",
        r"X[0-9X]*[?~%]?-[?~%]?(2[1-9]|3[0-9]|4[01])",
        "199X-21 19XX-33",
    ),
    Deviation(
        "The library's grammar has 1X and X1 as months, but reading them raises AttributeError.",
        r"[0-9]{4}-([01]X|X[0-9])",
        "2023-1X 2023-0X 2023-X1",
    ),
    Deviation(
        "An end of a level 2 interval is any date; the library takes no X next to an open or"
        " unknown end.",
        r"X.*/|/.*X",
        "156X/.. ../19XX /XXXX-12-25",
    ),
    Deviation(
        "Groupings 25 to 41 are dates like 21 to 24, and all of them may be ends, members and"
        " qualified.",
        rf"(?=.*[/\]}}?~%]).*{_CODE}",
        "2001-25/2002-25 [2001-21,2002] {2001-40,2002} 2001-21~ ?2001-33",
    ),
    Deviation(
        "Exponential years are dates too, so they may be ends, members and qualified.",
        r"[/\[{?~%].*Y|Y.*[/\]}?~%]",
        "Y17E2/1800 [Y17E2,1800] ../Y-5E2 Y17E2~ ?Y17E2",
    ),
    Deviation(
        "The standard sets no limit to combining qualifiers, on the left and the right of a part.",
        r"[?~%][-0-9XS]*[?~%]",
        "?2004-06~-11 ?2004% ~2004-06-11? ?1950S2~",
    ),
    Deviation(
        "Nor to combining them with X.",
        r"X[^/,.]*[?~%]|[?~%][^/,.]*X",
        "~156X-12-25 156X-12-25? 2004-?1X",
    ),
    Deviation(
        "Nor to qualifying a part of an end or a member.",
        r"[?~%].*[/\]}]|[/\[{].*[?~%]",
        "2004-~06/.. [..1984~] [1960..1961~,1963]",
    ),
    Deviation(
        "Any date may bound a range of a set if both have one precision; the library takes no X.",
        r"[\[{].*\.\.",
        "[201X..] [199X..200X] [1960-XX..1961]",
    ),
    Deviation(
        "A time of day may lack its seconds, as in ISO 8601.",
        r"T[0-9]{2}:[0-9]{2}(?!:)",
        "2019-01-01T10:00 2019-01-01T10:00Z",
    ),
    Deviation(
        "It may be an end of an interval, as in ISO 8601.",
        r"T.*/|/.*T",
        "2019-01-01T10:00:00/2020 2019-01-01T10:00:00Z/.. 2019/2020-01-01T10:00:00",
    ),
    Deviation(
        "Zones are any that clocks have had, and UTC may be written as one.",
        r"T[0-9:]+[+-](1[0-5]|00)",
        "2019-01-01T00:00:00+15:30 2019-01-01T00:00:00+00:00 2019-01-01T00:00:00+00",
    ),
]

WE_REFUSE = [
    Deviation(
        "No day has 24:00: a moment has one name, and one day.", "next day", "2019-01-01T24:00:00"
    ),
    Deviation("White space is no part of the grammar.", "white space", "2023-11\t 2023\u000b"),
    Deviation(
        "A day that does not exist cannot be placed.",
        "does not exist|matches no day",
        "2023-02-29 2023-02-3X XXXX-02-30",
    ),
    Deviation(
        "There is no such month or day, whatever X stands for.", "01 to 12", "2023-11-9X XX23-0X-5X"
    ),
    Deviation(
        "Years beyond -9999 to 9999 are out of scope.",
        "-9999 to 9999|9999-12-31",
        "Y170000002 Y-17E7 Y1E9S2 9999-24",
    ),
    Deviation(
        "Significant digits belong to a year alone, and it has no more than are written.",
        "S stands after a year",
        "1950S2-06 1950S2-06-11 1950S9 1950S0",
    ),
    Deviation("An interval ends after it starts.", "interval is reversed", "2014/2013"),
    Deviation("So does a range.", "range in the set is reversed", "[2023..2021,2025]"),
    Deviation(
        "The season's hemisphere has codes of its own (25 to 32) since 2019.",
        "not an EDTF date",
        "2001-21^s",
    ),
]


@pytest.mark.parametrize("deviation", WE_ACCEPT, ids=lambda deviation: deviation.examples)
def test_we_accept_more_because(deviation: Deviation) -> None:
    for text in deviation.examples.split():
        assert refusal(text) is None
        assert not library_takes(text), "the library has learnt it: drop the row"
        assert re.search(deviation.pattern, text)


@pytest.mark.parametrize("deviation", WE_REFUSE, ids=lambda deviation: deviation.examples)
def test_we_refuse_more_because(deviation: Deviation) -> None:
    for text in deviation.examples.split(" "):
        assert re.search(deviation.pattern, refusal(text) or "")
        assert library_takes(text), "the library has learnt it: drop the row"


@st.composite
def nearly_dates(draw: st.DrawFn) -> str:
    """A random date, as it is or with one or two characters changed, added or dropped."""
    text, _ = draw(model.attempts())
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        written = draw(st.sampled_from([*"0123456789XYES-./,[]{}?~% ", ""]))
        text = text[:place] + written + text[place + draw(st.integers(0, 1)) :]
    return text


@settings(model.UNHURRIED, max_examples=examples(300), derandomize=True)
@given(nearly_dates())
def test_on_all_other_texts_we_agree(text: str) -> None:
    theirs, ours = library_takes(text), refusal(text)
    if theirs and ours:
        assert any(re.search(deviation.pattern, ours) for deviation in WE_REFUSE)
    elif not theirs and not ours:
        assert any(re.search(deviation.pattern, text) for deviation in WE_ACCEPT)
