"""Write dates in words for people, in any language that pages have."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.dates.days import month_length
from app.dates.grammar import (
    DAY_PATTERNS,
    GROUPINGS,
    MONTH_PATTERNS,
    Clock,
    Component,
    DateSet,
    Expression,
    Interval,
    SetRange,
)
from app.languages import Language, mark

_GROUPING_NAMES: Final[Mapping[str, str]] = dict(
    zip(
        GROUPINGS,
        (
            mark("spring {year}"),
            mark("summer {year}"),
            mark("autumn {year}"),
            mark("winter {year}"),
            mark("northern spring {year}"),
            mark("northern summer {year}"),
            mark("northern autumn {year}"),
            mark("northern winter {year}"),
            mark("southern spring {year}"),
            mark("southern summer {year}"),
            mark("southern autumn {year}"),
            mark("southern winter {year}"),
            mark("Q1 {year}"),
            mark("Q2 {year}"),
            mark("Q3 {year}"),
            mark("Q4 {year}"),
            mark("first four months {year}"),
            mark("middle four months {year}"),
            mark("last four months {year}"),
            mark("first half {year}"),
            mark("second half {year}"),
        ),
        strict=True,
    )
)
_DIGITS: Final = (mark("first"), mark("second"), mark("third"), mark("fourth"))
# The names of parts, which a grammar takes from PRECISIONS.
_PARTS: Final = (
    *(mark("year"), mark("semester"), mark("quadrimester"), mark("quarter")),
    *(mark("season"), mark("month"), mark("day")),
)


class _RangeWords(NamedTuple):
    closed: str
    open_start: str
    open_end: str


_ONE_OF: Final = _RangeWords(
    mark("between {first} and {last}"), mark("by {date}"), mark("{date} or later")
)
_ALL_OF: Final = _RangeWords(
    mark("each from {first} to {last}"), mark("each up to {date}"), mark("each from {date} on")
)
_TO: Final = "–"


def format_label(expression: Expression, language: Language) -> str:
    """Return any date in words, without EDTF's symbols: `between 21 and 23 November 2022`."""
    return _Writer(language).write(expression)


class _Writer:
    """Writes dates in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.gettext = language.gettext

    def write(self, expression: Expression) -> str:
        """Return any date in words."""
        if isinstance(expression, Component):
            return self._date(expression)
        if isinstance(expression, Interval):
            return self._interval(expression)
        return self._set(expression)

    def _interval(self, interval: Interval) -> str:
        start, end = interval.start, interval.end
        if isinstance(start, Component) and isinstance(end, Component):
            first, last = self._pair(start, end)
            return self.gettext("{first} to {last}", first=first, last=last)
        if isinstance(start, Component):
            date = self._date(start)
            if end:
                return self.gettext("{date} onwards", date=date)
            return self.gettext("from {date}, end unknown", date=date)
        date = self._date(end) if isinstance(end, Component) else ""
        if start:
            return self.gettext("until {date}", date=date)
        return self.gettext("until {date}, start unknown", date=date)

    def _set(self, dates: DateSet) -> str:
        ranges = _ALL_OF if dates.all_members else _ONE_OF
        members = [self._member(member, ranges) for member in dates.members]
        return self.language.join(members, any_of=not dates.all_members)

    def _member(self, member: Component | SetRange, ranges: _RangeWords) -> str:
        if isinstance(member, Component):
            return self._date(member)
        if member.first and member.last:
            first, last = self._pair(member.first, member.last)
            return self.gettext(ranges.closed, first=first, last=last)
        (date,) = member.components
        message = ranges.open_end if member.first else ranges.open_start
        return self.gettext(message, date=self._date(date))

    def _pair(self, first: Component, last: Component) -> tuple[str, str]:
        """Return two dates, writing their common part only once: 21 and 23 November 2022."""
        if first.clock and last.clock and first.text == last.text:
            zone = None if first.clock.zone == last.clock.zone else first.clock.zone
            start = self._zoned(self._timed(first, first.clock), zone)
            return start, self._zoned(last.clock.text, last.clock.zone)
        plain = all(_is_plain(date) and not date.clock for date in (first, last))
        if plain and first.parts == last.parts:
            words, others = self._date(first).split(" "), self._date(last).split(" ")
            if words != others and len(words) == len(others) and self.language.begins_with_day:
                shared = next(i for i in range(len(words) + 1) if words[i:] == others[i:])
                return " ".join(words[:shared]), self._date(last)
        return self._date(first), self._date(last)

    def _date(self, date: Component) -> str:
        """Return a single date with all its qualifiers and its time of day."""
        if date.clock:
            return self._zoned(self._timed(date, date.clock), date.clock.zone)
        about = date.approximate == date.parts
        notes = (
            self._unknown_digits(date),
            self.gettext("estimated {year}", year=self._year(date.estimate))
            if date.estimate is not None
            else "",
            self._unknown_parts(date),
            "" if about else self._approximate(date),
            self._uncertain(date),
        )
        text = self._unqualified(date)
        text = self.gettext("about {date}", date=text) if about else text
        if not any(notes):
            return text
        return self.gettext("{date} ({notes})", date=text, notes="; ".join(filter(None, notes)))

    def _timed(self, date: Component, clock: Clock) -> str:
        return self.gettext("{date}, {time}", date=self._unqualified(date), time=clock.text)

    def _zoned(self, text: str, zone: int | None) -> str:
        """Return a time with its zone, if that is stated: `14:30 (UTC+1)`, `14:30 (UTC−3:30)`."""
        if zone is None:
            return text
        hours, minutes = divmod(abs(zone), 60)
        sign = "\N{MINUS SIGN}" if zone < 0 else "+"
        shift = f"{sign}{hours}" + (f":{minutes:02d}" if minutes else "")
        return self.gettext("{date} ({notes})", date=text, notes=f"UTC{shift if zone else ''}")

    def _unknown_digits(self, date: Component) -> str:
        digits = date.year.lstrip("-")
        if "X" not in digits.rstrip("X"):
            return ""
        unknown = [nth for nth, digit in zip(_DIGITS, digits, strict=True) if digit == "X"]
        return self.language.ngettext(
            "{nths} digit of the year unknown",
            "{nths} digits of the year unknown",
            len(unknown),
            nths=self._names(unknown),
        )

    def _unknown_parts(self, date: Component) -> str:
        if date.day not in ("", "XX"):
            return ""
        written = (("month", date.month), ("day", date.day))
        unknown = [name for name, digits in written if digits == "XX"]
        return self.gettext("{parts} unknown", parts=self._names(unknown)) if unknown else ""

    def _approximate(self, date: Component) -> str:
        if not date.approximate:
            return ""
        return self.gettext("{parts} approximate", parts=self._names(date.approximate))

    def _uncertain(self, date: Component) -> str:
        if not date.uncertain or date.uncertain == date.parts:
            return self.gettext("uncertain") if date.uncertain else ""
        return self.gettext("{parts} uncertain", parts=self._names(date.uncertain))

    def _names(self, names: Sequence[str]) -> str:
        return self.language.join([self.gettext(name) for name in names])

    def _unqualified(self, date: Component) -> str:
        day = "" if date.day == "XX" else date.day
        if not date.month or (date.month == "XX" and not day):
            return self._year_alone(date)
        if date.month in GROUPINGS:
            return self._grouping(date)
        if _is_exact(date):
            year = self._year(date.years[0])
            return self.language.date(year, int(date.month), int(date.day) if day else None)
        months = self._months(MONTH_PATTERNS[date.month])
        vague = len(MONTH_PATTERNS[date.month]) > 3
        year = self._of_year(date) if vague or "X" in date.year else self._year(date.years[0])
        days = self._days(date)
        if not days:
            return self.gettext("{months} {year}", months=months, year=year)
        if vague:
            return self.gettext(
                "day {days} of {months} {year}", days=days, months=months, year=year
            )
        return self.gettext("{days} {months} {year}", days=days, months=months, year=year)

    def _grouping(self, date: Component) -> str:
        message, grouping = _GROUPING_NAMES[date.month], GROUPINGS[date.month]
        year = date.years[0]
        crosses = grouping.first + grouping.months > 13
        if "X" in date.year:
            words = self._beginning_in_year(date) if crosses else self._of_year(date)
        elif crosses:
            short = year > 999 and year % 100 < 99
            words = f"{year}{_TO}{(year + 1) % 100:02d}" if short else self._years(year, year + 1)
        else:
            of = grouping.precision in ("quadrimester", "semester")
            words = self._of_year(date) if of else self._year(year)
        return self.gettext(message, year=words)

    def _months(self, numbers: tuple[int, ...]) -> str:
        names = [self.language.month(number) for number in numbers]
        if len(names) == 12:
            return self.gettext("an unknown month")
        if len(names) > 3:
            return self.gettext(
                "a month between {first} and {last}", first=names[0], last=names[-1]
            )
        return self.language.join(names, any_of=True)

    def _days(self, date: Component) -> str:
        """Return the days of the month that exist in any of the months and years."""
        if date.day in ("", "XX"):
            return ""
        longest = max(MONTH_PATTERNS[date.month], key=lambda month: month_length(2001, month))
        length = max(month_length(year, longest) for year in date.years)
        days = [str(day) for day in DAY_PATTERNS[date.day] if day <= length]
        if len(days) > 4:
            return self.gettext("between {first} and {last}", first=days[0], last=days[-1])
        return self.language.join(days, any_of=True)

    def _of_year(self, date: Component) -> str:
        """Return the year, behind a part of it."""
        if "X" not in date.year:
            return self.gettext("of {year}", year=self._year(date.years[0]))
        if date.year.strip("-X"):
            return self.gettext("of one of the years {years}", years=self._years_of(date))
        bc = date.years[-1] < 0
        return self.gettext("of an unknown year BC") if bc else self.gettext("of an unknown year")

    def _beginning_in_year(self, date: Component) -> str:
        """Return the year of unknown digits, behind a part that ends in the next."""
        if date.year.strip("-X"):
            return self.gettext("beginning in one of the years {years}", years=self._years_of(date))
        bc = date.years[-1] < 0
        if bc:
            return self.gettext("beginning in an unknown year BC")
        return self.gettext("beginning in an unknown year")

    def _year_alone(self, date: Component) -> str:
        first, last = date.years[0], date.years[-1]
        if not date.year.strip("-X"):
            bc = last < 0
            return self.gettext("an unknown year BC") if bc else self.gettext("an unknown year")
        # "1900s" would be read as a century.
        decade = date.year[-1] == "X" and last - first == 9 and first > 999 and first % 100
        return self.gettext("{year}s", year=str(first)) if decade else self._years(first, last)

    def _years_of(self, date: Component) -> str:
        return self._years(date.years[0], date.years[-1])

    def _year(self, year: int) -> str:
        """Return an astronomical year as people count: 0 is 1 BC."""
        if year > 999:
            return str(year)
        if year > 0:
            return self.gettext("AD {year}", year=str(year))
        return self.gettext("{year} BC", year=str(1 - year))

    def _years(self, first: int, last: int) -> str:
        if first == last:
            return self._year(first)
        if first > 0:
            return f"{self._year(first)}{_TO}{last}"
        if last <= 0:
            return self.gettext("{year} BC", year=f"{1 - first}{_TO}{1 - last}")
        return self.gettext("{first} to {last}", first=self._year(first), last=self._year(last))


def _is_plain(date: Component) -> bool:
    """Return whether it is a day, a month or a year, and nothing more is said of it."""
    qualified = date.uncertain or date.approximate or date.estimate is not None
    return _is_exact(date) and not qualified


def _is_exact(date: Component) -> bool:
    """Return whether it is a day, a month or a year, without unknown digits."""
    return "X" not in date.text and date.month not in GROUPINGS
