"""Explain why a text is not a date, and suggest the date that is meant."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Final, NamedTuple

from app.dates.bounds import find_bounds
from app.dates.days import MONTHS
from app.dates.grammar import (
    MAX_DATE_CHARACTERS,
    DateError,
    Expression,
    read_component,
    read_expression,
)

_EXAMPLES: Final = "Write for example 2023, 2023-11, 2023-11-15 or 2023-11/2024-12."
_MONTH: Final = "|".join([*(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS), "Sept"])
_MONTH_CODES: Final = {name[:3].lower(): f"{number:02d}" for number, name in enumerate(MONTHS, 1)}
_SEASON_CODES: Final = {"spring": 21, "summer": 22, "autumn": 23, "fall": 23, "winter": 24}
_CENTURIES: Final = ("20", "19")  # that two digits of a year may stand for
_SERIAL_ZERO: Final = date(1899, 12, 30)  # day 0 of Excel's and LibreOffice's calendars
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_TIME: Final = re.compile(
    r"(?<=[0-9])[T ] ?([0-9]{1,2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?"
    r"(?:\.[0-9]+|,[0-9]+(?![0-9]|-[0-9]{2}-))?(?: ?([ap])\.?m\.?)?(?: ?(Z|UTC|GMT))?"
    # In a query string, + becomes a blank.
    r"(?: ?([+ -])([0-9]{1,2})(?::?([0-9]{2}))?)?",
    re.I,
)
_TIMED: Final = "(?:[0-9]T[0-9]|[0-9]:[0-9])"
_DOTS: Final = "Two dots stand only in a set or at the open end of an interval"

Interpretation = Callable[[re.Match[str]], Iterable[str]]


def explain_mistake(text: str, allowed: Callable[[str], bool] = lambda date: True) -> DateError:
    """Return the error of a text that is not EDTF; suggest only dates that are `allowed`.

    It holds at most MAX_DATE_CHARACTERS characters of the text, and only printable ASCII.
    """
    if not text:
        return DateError(f"A date cannot be empty. {_EXAMPLES}")
    fitting = [(row, match) for row in _MISTAKES if (match := row.pattern.fullmatch(text))]
    for row, match in fitting:
        possible = dict.fromkeys(row.meaning(match))
        meant = [date for date in possible if _is_date(date) and allowed(date)]
        if meant:
            choices = " or ".join(meant)
            words = choices if len(choices) <= MAX_DATE_CHARACTERS else meant[0]
            return DateError(f"{row.reason}: write {words}.", _unambiguous(meant))
    alone = next((f"{row.reason}." for row, _ in fitting if row.stands_alone), None)
    if alone is None and (of_a_part := _structure(text, allowed)):
        return of_a_part
    return DateError(alone or f'"{text}" is not an EDTF date. {_EXAMPLES}')


def _is_date(text: str) -> bool:
    expression = read_expression(text) if len(text) <= MAX_DATE_CHARACTERS else None
    try:
        return bool(expression and find_bounds(expression))
    except DateError:
        return False


def _unambiguous(choices: Sequence[str]) -> str | None:
    """Return the first of several dates if all of them span the same days, else None."""
    spans = {parsed[::3] for date in choices if (parsed := find_bounds(_parsed(date)))}
    return choices[0] if len(spans) == 1 else None


def _parsed(text: str) -> Expression:
    expression = read_expression(text)
    assert expression is not None
    return expression


def _structure(text: str, allowed: Callable[[str], bool]) -> DateError | None:
    """Return the fault of an interval or a set, or of the first part in it that is not a date."""
    if text[0] in "[{":
        return _set_structure(text, allowed)
    ends = text.split("/")
    if len(ends) == 1:
        return None
    if len(ends) > 2:
        return DateError(
            "An interval has a single slash between its two ends, as in 2023-11/2024-12."
        )
    if all(end in ("", "..") for end in ends):
        return DateError("An interval needs a date at one end at least, as in 2023/.. or ../2023.")
    wrong = next(end for end in ends if end not in ("", "..") and not read_component(end))
    if wrong[0] in "[{":
        return DateError(
            "The end of an interval cannot be a set. Write a single date, as in 2020/2021."
        )
    return _of_a_part(wrong, allowed)


def _set_structure(text: str, allowed: Callable[[str], bool]) -> DateError | None:
    if "/" in text:
        return None
    closing = "]" if text[0] == "[" else "}"
    if text[-1] != closing:
        return DateError(
            f"A set that begins with {text[0]} ends with {closing}, as in [1960,1961-12]."
        )
    members = text[1:-1].split(",")
    if any(member.count("..") > 1 or "..." in member for member in members):
        return DateError(
            "A range in a set has one double dot between its ends, as in [1960..1962], or at its"
            " open end, as in [1960..]."
        )
    for end in (end for member in members for end in member.split("..")):
        if end and not read_component(end):
            return _of_a_part(end, allowed)
    if len(members) == 1 and members[0].strip("."):
        return DateError(
            f"A set has two members at least. A single date needs no brackets: {members[0]}."
        )
    return DateError(
        "A set is made of dates and ranges between commas, as in [1960,1961-12] or [1960..1962];"
        " only its first range may lack a start and only its last an end."
    )


def _of_a_part(text: str, allowed: Callable[[str], bool]) -> DateError:
    """Return the fault of a part; its suggestion would not be right for the whole."""
    return DateError(str(explain_mistake(text, allowed)))


class _Mistake(NamedTuple):
    """A way people write dates: why it is not EDTF, and its possible meanings, likeliest first."""

    pattern: re.Pattern[str]
    reason: str
    meaning: Interpretation
    stands_alone: bool


def _row(
    pattern: str,
    reason: str,
    meaning: Interpretation = lambda match: (),
    *,
    stands_alone: bool = True,
) -> _Mistake:
    return _Mistake(re.compile(pattern, re.I | re.S | re.A), reason, meaning, stands_alone)


def _ascii(match: re.Match[str]) -> Iterable[str]:
    if years := re.fullmatch(rf"([0-9]{{4}}){_DASHES.pattern}([0-9]{{2}})", match[0]):
        return _two_digit_year(years)
    first, rest = match[0][0], match[0][1:]
    texts = (_DASHES.sub("-", match[0]), first + _DASHES.sub("/", rest))
    return (unicodedata.normalize("NFKC", text) for text in texts)


def _number(match: re.Match[str]) -> Iterable[str]:
    sign, digits = match[1].replace("+", ""), match[2]
    if len(digits) <= 4 and int(digits):
        yield f"{sign}{digits:0>4}"
    if len(digits) in (6, 8):
        yield sign + "-".join(filter(None, (digits[:4], digits[4:6], digits[6:])))


def _serial(match: re.Match[str]) -> Iterable[str]:
    yield (_SERIAL_ZERO + timedelta(days=int(match[1]))).isoformat()


def drop_times(text: str) -> str:
    """Return a date without its times of day, however they are written."""
    if not re.search(_TIMED, text, re.I):
        return text
    return _TIME.sub("", text)


def _without_times(match: re.Match[str]) -> Iterable[str]:
    yield drop_times(match[0])


def _of_wikidata(match: re.Match[str]) -> Iterable[str]:
    yield re.sub("(-00)+$", "", match[1])


def _next_day(match: re.Match[str]) -> Iterable[str]:
    with suppress(ValueError, OverflowError):
        yield f"{date.fromisoformat(match[1]) + timedelta(days=1)}T00:00{match[2] or ''}"


def _timed(match: re.Match[str]) -> Iterable[str]:
    text = re.sub(r"(?<![0-9])([0-9]{4})([0-9]{2})([0-9]{2})(?=T)", r"\1-\2-\3", match[0].upper())
    yield _TIME.sub(_write_time, text)
    for time in _TIME.finditer(match[0]):
        if time.end() == len(match[0]) and not read_expression(match[0][: time.start()]):
            day = explain_mistake(match[0][: time.start()]).suggestion
            yield f"{day}{_write_time(time)}"


def _unqualified_or_day(match: re.Match[str]) -> Iterable[str]:
    yield re.sub("[?~%]", "", match[0])
    yield drop_times(match[0])


def _write_time(match: re.Match[str]) -> str:
    """Return a time of day as EDTF has it."""
    hour, minute, second, half, utc, sign, hours, minutes = match.groups()
    if half:
        hour = str(int(hour) % 12 + 12 * (half.upper() == "P"))
    zone = "Z" if utc else ""
    if sign and int(hours) + int(minutes or 0):
        zone = f"{'-' if sign == '-' else '+'}{hours:0>2}:{minutes or '00'}"
    elif sign:
        zone = "Z"
    return ":".join(filter(None, (f"T{hour:0>2}", minute or "00", second))) + zone


def _abbreviated_time(match: re.Match[str]) -> Iterable[str]:
    yield f"{match[0].split('/')[0]}/{match[1]}T{match[2]}"


def _two_digit_year(match: re.Match[str]) -> Iterable[str]:
    year, two = match.groups()
    decades, digits = year[:2], year[2:]
    if two > digits:
        yield f"{year}/{decades}{two}"
    elif (digits, two) == ("99", "00"):
        yield f"{year}/{int(year) + 1:04d}"
    yield f"{year}-{two}" if two <= "12" else ""


def _short_month(match: re.Match[str]) -> Iterable[str]:
    day, month, year = match.groups()
    for century in _CENTURIES:
        ending = f"-{day:0>2}" if day else ""
        yield f"{century}{year}-{_MONTH_CODES[month[:3].lower()]}{ending}"


def _short_day(match: re.Match[str]) -> Iterable[str]:
    one, two, year = match.groups()
    for century in _CENTURIES:
        yield f"{century}{year}-{two:0>2}-{one:0>2}"
        yield f"{century}{year}-{one:0>2}-{two:0>2}"


def _named_month(match: re.Match[str]) -> Iterable[str]:
    before, month, after, year = match.groups()
    day = before or after
    yield f"{year}-{_MONTH_CODES[month[:3].lower()]}" + (f"-{day:0>2}" if day else "")


def _day_first(match: re.Match[str]) -> Iterable[str]:
    one, two, year = match.groups()
    return f"{year}-{two:0>2}-{one:0>2}", f"{year}-{one:0>2}-{two:0>2}"


def _abbreviated(match: re.Match[str]) -> Iterable[str]:
    year, month, last, other_month, other = match.groups(default="")
    if month or (not other_month and other <= "12"):
        yield f"{year}{month}{last}/{year}{other_month or month}{other}"


def _padded(match: re.Match[str]) -> Iterable[str]:
    parts = [f"{part:0>2}" for part in re.split("[-./]", match[0])]
    if "-" not in match[0] and parts[1] > "12":  # nobody writes a code such as 21 for spring so
        return
    yield "-".join(parts)
    yield "-".join(part for part in parts if part != "00")


# The first row that leads to a date wins, else the first whose reason stands alone.
_MISTAKES: Final = (
    _row(r"\s.*|.*\s", "A date has no white space around it", lambda m: [m[0].strip()]),
    _row(r".*[^\x00-\x7f].*", "A date is plain ASCII, with - between its parts", _ascii),
    _row(
        r".*[\x00-\x1f\x7f].*",
        "A date has no control characters (in a URL, % must be sent as %25)",
    ),
    _row(
        r"\+([0-9]{4}(?:-[0-9]{2}){2})T00:00:00Z",
        "A date has no plus sign, nor a time of day that means the whole of it",
        _of_wikidata,
    ),
    _row(
        rf"[\[{{].*{_TIMED}.*",
        "The dates of a set have no time of day",
        _without_times,
    ),
    _row(
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9:]+[^/]*/([0-9]{2}:[0-9]{2}.*)",
        "Each end of an interval is a whole date",
        _abbreviated_time,
    ),
    _row(
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]24:00(?::00)?(Z|[+-][0-9:]+)?",
        "A time of day ends at 23:59:59, and 24:00 is 00:00 of the next day",
        _next_day,
    ),
    _row(
        rf".*{_TIMED}[^/]*[.,][0-9].*",
        "A time of day is in whole seconds",
        _timed,
    ),
    _row(
        rf".*[?~%].*{_TIMED}.*|.*{_TIMED}.*[?~%].*",
        "A time of day is neither uncertain nor approximate",
        _unqualified_or_day,
    ),
    _row(
        r"[0-9X]{4}(?:-[0-9X]{2})?T.*|.*X.*T[0-9]+:.*",
        "Only a whole day can have a time",
        _without_times,
    ),
    _row(
        rf".*{_TIMED}.*",
        "A time of day, 00:00 to 23:59:59, stands after a day and a T, and before Z, a zone or"
        " nothing, as in 2024-02-06T14:30+01:00",
        _timed,
    ),
    _row(r"-0000.*", "There is no year -0000; 1 BC is the year 0000", lambda m: [m[0][1:]]),
    _row(
        r"-[0-9]{5,}",
        "Years run from -9999 to 9999, and a timestamp is not a date; write the day, as in"
        " 2023-11-15",
    ),
    _row(
        r"([2-5][0-9]{4})(?:\.[0-9]+)?",
        "A spreadsheet counts days from 1900, and this looks like such a number",
        _serial,
    ),
    _row(r"[0-9]{9,}", "A timestamp is not a date; write its day, as in 2023-11-15"),
    _row(
        r"([+-]?)([0-9]+)",
        "A bare number is a date only as a year of four digits, -9999 to 9999",
        _number,
    ),
    _row(r"\+[^+]*", "A date has no plus sign", lambda m: [m[0][1:]], stands_alone=False),
    _row(
        rf"(?:([0-9]{{1,2}})(?:st|nd|rd|th)?[ -])?({_MONTH})\.?,?[ -]"
        r"(?:([0-9]{1,2})(?:st|nd|rd|th)?,? )?([0-9]{4})",
        "Months are written as numbers",
        _named_month,
    ),
    _row(
        rf"({'|'.join(_SEASON_CODES)}),? ([0-9]{{4}})",
        "Seasons are written as numbers, 21 for spring to 24 for winter",
        lambda m: [f"{m[2]}-{_SEASON_CODES[m[1].lower()]}"],
    ),
    _row(
        r"([0-9]{4})[-/ ]Q([1-4])|Q([1-4])[-/ ]([0-9]{4})",
        "Quarters are written as numbers, 33 to 36",
        lambda m: [f"{m[1] or m[4]}-{32 + int(m[2] or m[3])}"],
    ),
    _row(
        r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4})",
        "A day is written as year-month-day",
        _day_first,
    ),
    _row(
        r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{2})",
        "A day is written as year-month-day, the year in four digits",
        _short_day,
    ),
    _row(
        rf"(?:([0-9]{{1,2}})[ -])?({_MONTH})\.?[ -]['\u2019]?([0-9]{{2}})",
        "Months are written as numbers and years in four digits",
        _short_month,
    ),
    _row(
        rf"[0-9]{{1,2}}[. -]+(?:{_MONTH})\.?",
        "A date needs its year, in four digits, as in 2023-11-15",
    ),
    _row(
        r"([0-9]{4})/([0-9]{2})",
        "Both years of an interval have four digits, and a month stands after a -",
        _two_digit_year,
    ),
    _row(
        r"([0-9]{1,2})[-./]([0-9]{4})",
        "A month is written as year-month",
        lambda m: [f"{m[2]}-{m[1]:0>2}"],
    ),
    _row(
        r"(-?[0-9]{4}-)([0-9]{2}-)?([0-9]{2})/([0-9]{2}-)?([0-9]{2})",
        "Each end of an interval is a whole date",
        _abbreviated,
        stands_alone=False,
    ),
    _row(
        r"-?[0-9X]{4}[-./][0-9X]{1,2}([-./][0-9X]{1,2})?",
        "After the year come a month (01 to 12) and a day (01 to 31), or a season or other part of"
        " the year (21 to 41), each in two digits after a -",
        _padded,
    ),
    _row(
        r"(-?[0-9]{4}) ?(?:-|to|until|till) ?(-?[0-9]{4})",
        "An interval is written with a slash",
        lambda m: [f"{m[1]}/{m[2]}"],
    ),
    _row(
        r"[0-9]{4}-?W[0-9].*",
        "EDTF has no weeks; write the days, as in 2023-11-06/2023-11-12",
    ),
    _row(
        r"([0-9]{3})0'?s",
        "An unknown digit is written as X",
        lambda m: [f"{m[1]}X"],
    ),
    _row(
        r"(?:about|around|circa|ca?\.?) ?(.+)",
        "An approximate date ends with ~",
        lambda m: [f"{m[1]}~"],
        stands_alone=False,
    ),
    _row(
        r".*[?~%]{2}.*",
        "A date that is both uncertain and approximate bears a single %",
        lambda m: [re.sub(r"[?~%]{2,}", "%", m[0])],
    ),
    _row(
        r".*\s.*",
        "A date has no white space in it",
        lambda m: ["".join(m[0].split())],
        stands_alone=False,
    ),
    _row(
        r"Y(-?)0*([0-9]{1,4})",
        "Y is only for a year of more than four digits",
        lambda m: [f"{m[1]}{m[2]:0>4}"],
    ),
    _row(
        r"-?[0-9X]{4}S.*",
        "S stands after a year without X, with the number of its digits that count, 1 to 4, as in"
        " 1950S2",
    ),
    _row(
        r"Y-?[0-9].*",
        "Years run from -9999 to 9999, with no more significant digits than they have digits",
    ),
    _row(r"([^[{/]+)\.\.([^/]+)", _DOTS, lambda m: [f"{m[1]}/{m[2]}", f"[{m[0]}]"]),
    _row(r"\.\.([^/]+)", _DOTS, lambda m: [f"../{m[1]}", f"[{m[0]}]"]),
    _row(r"([^[{/]+)\.\.", _DOTS, lambda m: [f"{m[1]}/..", f"[{m[0]}]"]),
    _row(
        r"\.\.",
        "Two dots alone are no date; they go with one, as in 2023/.. or ../2023",
    ),
    _row(
        r"[\[{].*/.*",
        "A set cannot hold an interval; its ranges are written with two dots",
        lambda m: [m[0].replace("/", "..")],
    ),
    _row(
        r".*[a-z].*",
        "The letters in a date are upper-case: X for an unknown digit, Y, E and S in a year",
        lambda m: [m[0].upper(), m[0].replace("u", "X")],
        stands_alone=False,
    ),
)
