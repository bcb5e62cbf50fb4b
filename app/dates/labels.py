"""Write dates in words for people, in British English."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.dates.days import MONTHS, month_length
from app.dates.grammar import (
    DAY_PATTERNS,
    GROUPINGS,
    MONTH_PATTERNS,
    Component,
    DateSet,
    Expression,
    Interval,
    SetRange,
)

_SEASONS: Final = ("spring", "summer", "autumn", "winter")
_GROUPING_NAMES: Final[dict[str, str]] = dict(
    zip(
        GROUPINGS,
        (
            *_SEASONS,
            *(f"northern {season}" for season in _SEASONS),
            *(f"southern {season}" for season in _SEASONS),
            *(f"Q{number}" for number in range(1, 5)),
            *(f"{nth} four months of" for nth in ("first", "middle", "last")),
            *(f"{nth} half of" for nth in ("first", "second")),
        ),
        strict=True,
    )
)


class _RangeWords(NamedTuple):
    closed: str
    open_start: str
    open_end: str


_ONE_OF: Final = _RangeWords("between {} and {}", "by {}", "{} or later")
_ALL_OF: Final = _RangeWords("each from {} to {}", "each up to {}", "each from {} on")
_TO: Final = "–"


def format_label(expression: Expression) -> str:
    """Return any date in words, without EDTF's symbols: `between 21 and 23 November 2022`."""
    if isinstance(expression, Component):
        return _date(expression)
    return _interval(expression) if isinstance(expression, Interval) else _set(expression)


def _interval(interval: Interval) -> str:
    start, end = interval.start, interval.end
    if isinstance(start, Component) and isinstance(end, Component):
        return " to ".join(_pair(start, end))
    if isinstance(start, Component):
        return f"{_date(start)} onwards" if end else f"from {_date(start)}, end unknown"
    until = f"until {_date(end)}" if isinstance(end, Component) else ""
    return until if start else f"{until}, start unknown"


def _set(dates: DateSet) -> str:
    ranges, word = (_ALL_OF, "and") if dates.all_members else (_ONE_OF, "or")
    return _join_words([_member(member, ranges) for member in dates.members], word)


def _member(member: Component | SetRange, ranges: _RangeWords) -> str:
    if isinstance(member, Component):
        return _date(member)
    if member.first and member.last:
        return ranges.closed.format(*_pair(member.first, member.last))
    (date,) = member.components
    return (ranges.open_end if member.first else ranges.open_start).format(_date(date))


def _pair(first: Component, last: Component) -> tuple[str, str]:
    """Return two dates, writing their common part only once: 21 and 23 November 2022."""
    words, others = _plain_words(first), _plain_words(last)
    if words and len(words) == len(others) and words != others:
        shared = next(i for i in range(len(words) + 1) if words[i:] == others[i:])
        return " ".join(words[:shared]), _date(last)
    return _date(first), _date(last)


def _plain_words(date: Component) -> list[str]:
    """Return day, month and year of a plain date, as far as written; [] for any other."""
    if "X" in date.text or date.month in GROUPINGS or date.uncertain or date.approximate:
        return []
    day = [str(int(date.day))] if date.day else []
    month = [MONTHS[int(date.month) - 1]] if date.month else []
    return [*day, *month, _year(date.years[0])]


def _date(date: Component) -> str:
    """Return a single date with all its qualifiers."""
    about = "about " if date.approximate == date.parts else ""
    notes = (
        _unknown_digits(date),
        f"estimated {_year(date.estimate)}" if date.estimate is not None else "",
        _unknown_parts(date),
        "" if about else _qualified(date, date.approximate, "approximate"),
        _qualified(date, date.uncertain, "uncertain"),
    )
    words = "; ".join(filter(None, notes))
    return about + _unqualified(date) + (f" ({words})" if words else "")


def _unknown_digits(date: Component) -> str:
    digits = date.year.lstrip("-")
    if "X" not in digits.rstrip("X"):
        return ""
    nths = ("first", "second", "third", "fourth")
    unknown = [nth for nth, digit in zip(nths, digits, strict=True) if digit == "X"]
    return f"{_join_words(unknown, 'and')} digit{'s' * (len(unknown) > 1)} of the year unknown"


def _unknown_parts(date: Component) -> str:
    if date.day not in ("", "XX"):
        return ""
    written = (("month", date.month), ("day", date.day))
    unknown = [name for name, digits in written if digits == "XX"]
    return f"{_join_words(unknown, 'and')} unknown" if unknown else ""


def _qualified(date: Component, parts: tuple[str, ...], word: str) -> str:
    if not parts or parts == date.parts:
        return word if parts else ""
    return f"{_join_words(parts, 'and')} {word}"


def _unqualified(date: Component) -> str:
    day = "" if date.day == "XX" else date.day
    if not date.month or (date.month == "XX" and not day):
        return _year_alone(date)
    if date.month in GROUPINGS:
        return _grouping(date)
    months = _months(MONTH_PATTERNS[date.month])
    vague = len(MONTH_PATTERNS[date.month]) > 3
    name = f"day {_days(date)} of {months}" if day and vague else f"{_days(date)} {months}".strip()
    return f"{name}{' of ' if vague or 'X' in date.year else ' '}{_year_of(date)}"


def _grouping(date: Component) -> str:
    name, grouping = _GROUPING_NAMES[date.month], GROUPINGS[date.month]
    crosses = grouping.first + grouping.months > 13
    if "X" in date.year:
        preposition = " beginning in " if crosses else " " if name.endswith(" of") else " of "
        return name + preposition + _year_of(date)
    year = date.years[0]
    if not crosses:
        return f"{name} {_year(year)}"
    short = year > 999 and year % 100 < 99
    return f"{name} {f'{year}{_TO}{(year + 1) % 100:02d}' if short else _years(year, year + 1)}"


def _months(numbers: tuple[int, ...]) -> str:
    names = [MONTHS[number - 1] for number in numbers]
    if len(names) == 12:
        return "an unknown month"
    if len(names) > 3:
        return f"a month between {names[0]} and {names[-1]}"
    return _join_words(names, "or")


def _days(date: Component) -> str:
    """Return the days of the month that exist in any of the months and years."""
    if date.day in ("", "XX"):
        return ""
    longest = max(MONTH_PATTERNS[date.month], key=lambda month: month_length(2001, month))
    length = max(month_length(year, longest) for year in date.years)
    days = [str(day) for day in DAY_PATTERNS[date.day] if day <= length]
    return f"between {days[0]} and {days[-1]}" if len(days) > 4 else _join_words(days, "or")


def _year_of(date: Component) -> str:
    """Return the year, behind a part of it."""
    if "X" in date.year and date.year.strip("-X"):
        return f"one of the years {_years(date.years[0], date.years[-1])}"
    return _year_alone(date)


def _year_alone(date: Component) -> str:
    first, last = date.years[0], date.years[-1]
    if not date.year.strip("-X"):
        return f"an unknown year{' BC' * (last < 0)}"
    # "1900s" would be read as a century.
    decade = date.year[-1] == "X" and last - first == 9 and first > 999 and first % 100
    return f"{first}s" if decade else _years(first, last)


def _year(year: int) -> str:
    """Return an astronomical year as people count: 0 is 1 BC."""
    if year > 999:
        return str(year)
    return f"AD {year}" if year > 0 else f"{1 - year} BC"


def _years(first: int, last: int) -> str:
    if first == last:
        return _year(first)
    if first > 0:
        return f"{_year(first)}{_TO}{last}"
    return f"{1 - first}{_TO}{1 - last} BC" if last <= 0 else f"{_year(first)} to {_year(last)}"


def _join_words(items: Sequence[str], word: str) -> str:
    """Return `a, b or c`."""
    *others, last = items
    return f"{', '.join(others)} {word} {last}" if others else last
