"""Dates as spreadsheets have them, read only in the forms that a mapping allows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from app import dates
from app.formats.cells import CellError
from app.words import fold

DATE_ORDERS: Final = ("dmy", "mdy")
MAX_WRITTEN_DATE_CHARACTERS: Final = 100  # of a cell
WRITTEN_EXAMPLES: Final = "Write for example 2023, 2023-11, 2023-11-15 or 2023-11-14/2023-11-16."
SERIAL_ZERO: Final = date(1899, 12, 30)  # day 0 of Excel's and LibreOffice's calendars
FIRST_OLD_YEAR: Final = 30  # Excel reads the years 30 to 99 as 1930 to 1999
MONTH_NAMES: Final = (
    "january januar janvier enero gennaio janeiro",
    "february februar fevrier febrero febbraio fevereiro",
    "march marz maerz mars marzo marco mart",
    "april avril abril aprile",
    "may mai mayo maggio maio maj",
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho jul",
    "august aout agosto avgust",
    "september septembre septiembre settembre setembro septembar sept",
    "october oktober octobre octubre ottobre outubro oktobar",
    "november novembre noviembre novembro novembar",
    "december dezember decembre diciembre dicembre dezembro decembar",
)
ABBREVIATIONS: Final = (
    *("jan ene gen", "feb fev", "mar mrz", "apr avr abr", "mag", "giu", "juil lug", "aug ago avg"),
    *("sep set", "oct okt ott out", "nov", "dec dez dic"),
)
MONTH_NUMBERS: Final[Mapping[str, int]] = {
    name: number
    for table in (MONTH_NAMES, ABBREVIATIONS)
    for number, names in enumerate(table, 1)
    for name in names.split()
}
SEASON_NAMES: Final = (
    "spring fruhling fruhjahr fruehling fruehjahr printemps primavera prolece",
    "summer sommer ete verano estate verao leto",
    "autumn fall herbst automne otono autunno outono jesen",
    "winter hiver invierno inverno zima",
)
SEASON_CODES: Final[Mapping[str, int]] = {
    name: code for code, names in enumerate(SEASON_NAMES, 21) for name in names.split()
}
WIDENINGS: Final = ("day", "week", "month", "year")
PRECISION_WORDS: Final[Mapping[str, str]] = {
    **{word: word for word in WIDENINGS},
    "tag": "day",
    "jour": "day",
    "dia": "day",
    "exact": "day",
    "woche": "week",
    "semaine": "week",
    "semana": "week",
    "monat": "month",
    "mois": "month",
    "mes": "month",
    "jahr": "year",
    "annee": "year",
    "ano": "year",
}


class WrittenDate(NamedTuple):
    """A date of a cell as EDTF, with its time of day if there is one."""

    edtf: str
    time: str = ""


@dataclass(frozen=True)
class Form:
    """A way of writing dates; `doubtful` if the same cell may mean another date."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], str | None]
    meaning: str
    doubtful: bool = False


def _day(year: int, month: int, day: int) -> str | None:
    text = f"{year:04d}-{month:02d}-{day:02d}"
    try:
        dates.parse(text)
    except dates.DateError:
        return None
    return text


def find_month(name: str) -> int | None:
    """Return the number of a month by its name in some languages, or its first letters."""
    return MONTH_NUMBERS.get(fold(name).rstrip("."))


def _read_month_name(match: re.Match[str]) -> str | None:
    parts = match.groupdict()
    month, year = find_month(parts.get("a") or parts.get("b") or ""), int(match["year"])
    if month is None:
        return None
    return _day(year, month, int(match["day"])) if match["day"] else f"{year:04d}-{month:02d}"


def _read_month_year(match: re.Match[str]) -> str | None:
    month, year = find_month(match[1]), int(match[2])
    century = 1900 if year >= FIRST_OLD_YEAR else 2000
    return None if month is None else f"{century + year}-{month:02d}"


def _read_years(match: re.Match[str]) -> str | None:
    first = int(match[1])
    last = first // 100 * 100 + int(match[2] or match[3])
    if last <= first:
        last += 100
    return f"{first:04d}/{last:04d}" if last - first == 1 else None


def _read_serial(match: re.Match[str]) -> str:
    return (SERIAL_ZERO + timedelta(days=int(match[1]))).isoformat()


def _form(
    pattern: str,
    read: Callable[[re.Match[str]], str | None],
    meaning: str,
    *,
    doubtful: bool = False,
) -> Form:
    return Form(re.compile(pattern, re.I | re.A), read, meaning, doubtful)


_NAME: Final = r"[^\W\d_]{3,12}\.?"
DATE_FORMS: Final[Mapping[str, Form]] = {
    "year-first": _form(
        r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\.?",
        lambda m: _day(int(m[1]), int(m[2]), int(m[3])),
        "`2023/11/5` is 5 November 2023",
    ),
    "compact": _form(
        r"(\d{4})(\d\d)(\d\d)",
        lambda m: _day(int(m[1]), int(m[2]), int(m[3])),
        "`20231105` is 5 November 2023",
    ),
    "month-name": Form(
        re.compile(
            rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:\s+(?:of|de)\s+|[\s-]+))?(?P<a>{_NAME})"
            r"(?:\s+(?:of|de)\s+|,?[\s-]+)(?P<year>\d{4})",
            re.I,
        ),
        _read_month_name,
        "`5 November 2023`, `November 2023`",
    ),
    "month-name-first": Form(
        re.compile(
            rf"(?P<a>{_NAME})[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{{4}})",
            re.I,
        ),
        _read_month_name,
        "`November 5, 2023`",
    ),
    "year-range": _form(
        r"(\d{4})\s?(?:-|\u2013|\u2014|to|bis)\s?(\d{4})",
        lambda m: f"{m[1]}/{m[2]}" if m[1] < m[2] else None,
        "`1914-1918` is 1914 to 1918",
    ),
    "decade": _form(r"(\d{3})0'?s", lambda m: f"{m[1]}X", "`1920s` is the decade"),
    "circa": _form(
        r"(?:c|ca|circa|about|around|um|vers)\.?\s?(\d{4})",
        lambda m: f"{m[1]}~",
        "`c. 1920` is about 1920",
    ),
    "serial": _form(
        r"([1-9]\d{4})(?:\.0+)?",
        _read_serial,
        "`45234` is a day as Excel counts: 4 November 2023",
        doubtful=True,
    ),
    "month-year": Form(
        re.compile(rf"({_NAME})[\s-]['\u2019]?(\d\d)", re.I),
        _read_month_year,
        "`Nov-23` is November 2023",
        doubtful=True,
    ),
    "years": _form(
        r"(\d{4})(?:/(\d\d)|-(1[3-9]|[2-9]\d))",
        _read_years,
        "`2020/21` is 2020 to 2021",
        doubtful=True,
    ),
    "year-month": _form(
        r"(\d{4})/(0[1-9]|1[0-2])",
        lambda m: f"{m[1]}-{m[2]}",
        "`2023/11` is November 2023",
        doubtful=True,
    ),
    "season": _form(
        r"(\d{4}-(?:2[1-9]|3\d|4[01]))",
        lambda m: m[1],
        "`2020-21` is spring 2020, as in EDTF",
        doubtful=True,
    ),
}
NAMED_SEASON: Final = re.compile(rf"({_NAME}),?\s+(?:de\s+)?(\d{{4}})")
SEASON: Final = DATE_FORMS["season"].pattern
NUMERIC_DATE: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.A)
SHORT_NUMBERS: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{2})", re.A)
CLOCK_SUFFIX: Final = re.compile(
    r"(.*\d)(?:T|,?\s+)(\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?:\s?[AP]\.?M\.?)?\s?(?:Z|[+-]\d\d(?::?\d\d)?)?)",
    re.I | re.A,
)
CLOCK: Final = re.compile(
    r"(\d{1,2})[:h.](\d\d)(?::(\d\d)(?:\.0+)?)?(?:\s?([AP])\.?M\.?)?(?:\s?(?:Uhr|h))?"
    r"\s?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.I | re.A,
)
MIDNIGHT: Final = re.compile(r"0?0:00(:00(\.0+)?)?Z?")


def find_orders(text: str) -> set[str]:
    """Return the orders, of DATE_ORDERS, in which numbers such as `1/2/2023` are a day."""
    match = NUMERIC_DATE.fullmatch(_split_clock(text)[0])
    if match is None:
        return set()
    return {order for order in DATE_ORDERS if _read_numbers(match, order)}


def find_forms(text: str) -> list[str]:
    """Return the forms in which a text is a date, in the order of FORMS."""
    rest = _split_clock(text)[0]
    return [name for name in DATE_FORMS if _read_form(name, rest) is not None]


def is_plain(text: str) -> bool:
    """Return whether a text is EDTF that a spreadsheet's owner cannot have meant otherwise."""
    rest = _split_clock(text)[0]
    return not SEASON.fullmatch(rest) and _is_edtf(rest)


def read_date(text: str, order: str | None, forms: tuple[str, ...]) -> WrittenDate:
    """Return the date of a cell. Raise CellError, which names the forms that would do.

    EDTF is read in any case, except `2020-21`, which may be a season or two years.
    """
    rest, time = _split_clock(text.strip())
    match = NUMERIC_DATE.fullmatch(rest)
    if match is not None and order is not None:
        day = _read_numbers(match, order)
        if day is None:
            other = next((o for o in DATE_ORDERS if _read_numbers(match, o)), None)
            hint = f"; in the order {other} it is {_read_numbers(match, other)}" if other else ""
            raise CellError(f"'{text[:60]}' is not a day in the order {order}{hint}")
        return WrittenDate(day, time)
    for name in forms:
        if (edtf := _read_form(name, rest)) is not None:
            return WrittenDate(edtf, time)
    if is_plain(rest):
        return WrittenDate(rest, time)
    raise CellError(_explain(text, rest, match), _suggest(rest))


def _split_clock(text: str) -> tuple[str, str]:
    """Return a date without its time of day, and the time; midnight is no time.

    Of an interval in EDTF nothing is split off.
    """
    text = text.strip()
    match = CLOCK_SUFFIX.fullmatch(text) if len(text) <= MAX_WRITTEN_DATE_CHARACTERS else None
    if match is None or ("/" in text and _is_edtf(text)):
        return text, ""
    return match[1].strip(), "" if MIDNIGHT.fullmatch(match[2]) else match[2]


def add_time(written: WrittenDate) -> str | None:
    """Return the EDTF of a day with its time; None if it is no day or the time cannot be read."""
    match = CLOCK.fullmatch(written.time)
    if match is None:
        return None
    hour, minute, second, half, zone = match.groups()
    if half:
        hour = str(int(hour) % 12 + 12 * (half.upper() == "P"))
    clock = ":".join(filter(None, (f"{int(hour):02d}", minute, second)))
    offset = re.sub(r"(?<=[+-]\d\d)(?=\d)", ":", (zone or "").upper())
    edtf = f"{written.edtf}T{clock}{offset}"
    return edtf if _is_edtf(edtf) else None


def _read_numbers(match: re.Match[str], order: str) -> str | None:
    one, two, year = (int(part) for part in match.groups())
    return _day(year, two, one) if order == "dmy" else _day(year, one, two)


def _read_form(name: str, text: str) -> str | None:
    match = (
        DATE_FORMS[name].pattern.fullmatch(text)
        if len(text) <= MAX_WRITTEN_DATE_CHARACTERS
        else None
    )
    edtf = None if match is None else DATE_FORMS[name].read(match)
    return edtf if edtf is not None and _is_edtf(edtf) else None


def _is_edtf(text: str) -> bool:
    try:
        dates.parse(text)
    except dates.DateError:
        return False
    return True


def _explain(text: str, rest: str, numbers: re.Match[str] | None) -> str:
    quoted = f"'{text[:60]}'"
    if numbers is not None:
        days = {order: _read_numbers(numbers, order) for order in DATE_ORDERS}
        choices = [f'"{order}" ({day})' for order, day in days.items() if day]
        if choices:
            return (
                f'{quoted} is read only as the mapping says: "date.order": {" or ".join(choices)}'
            )
    if SHORT_NUMBERS.fullmatch(rest):
        return f"{quoted} has a year of two digits; write four, as in 2023-11-05"
    choices = [f'"{n}" ({_read_form(n, rest)})' for n in find_forms(rest)]
    if choices:
        return f'{quoted} is read only as the mapping says: "date.forms": {" or ".join(choices)}'
    if season := _read_season(rest):
        return f"{quoted} is a season, which EDTF writes as a number: {season}"
    try:
        dates.parse(rest)
    except dates.DateError as error:
        message = str(error)
        return (
            message if rest in message else f"{quoted} is not a date. {message} {WRITTEN_EXAMPLES}"
        )
    return f"{quoted} is not a date here"


def _read_season(text: str) -> str | None:
    """Return the EDTF of a season with its year, such as `Frühjahr 2021`, or None."""
    match = NAMED_SEASON.fullmatch(text)
    code = SEASON_CODES.get(fold(match[1])) if match else None
    return f"{match[2]}-{code}" if match and code else None


def _suggest(text: str) -> str | None:
    if season := _read_season(text):
        return season
    try:
        dates.parse(text)
    except dates.DateError as error:
        return error.suggestion
    return None


def widen(edtf: str, precision: str) -> str:
    """Return a day as its week (one day of seven), month or year; any other date unchanged."""
    if precision == "day" or not re.fullmatch(r"\d{4}-\d\d-\d\d", edtf):
        return edtf
    if precision != "week":
        return edtf[: {"month": 7, "year": 4}[precision]]
    year, month, day = map(int, edtf.split("-"))
    number = dates.day_number(year, month, day)
    first = number - (number - 1) % 7  # day 1, 0001-01-01, was a Monday
    return f"[{dates.iso_day(first)}..{dates.iso_day(first + 6)}]"


def join_parts(year: str, month: str, day: str) -> str:
    """Return the EDTF of a date in parts. Raise CellError: its first word is the part at fault."""
    if not year:
        raise CellError("year is missing: there is a month or a day")
    if not re.fullmatch(r"[0-9]{4}(?:\.0+)?", year):
        raise CellError(f"year '{year[:20]}' is not a year of four digits")
    parts = [year[:4]]
    if month:
        number = find_month(month) or _whole_number(month)
        if number is None or not 1 <= number <= 12:
            raise CellError(f"month '{month[:20]}' is not a month: 1 to 12, or its name")
        parts.append(f"{number:02d}")
    if day:
        number = _whole_number(day)
        if not month:
            raise CellError("month is missing: there is a day")
        if number is None or not 1 <= number <= 31:
            raise CellError(f"day '{day[:20]}' is not a day of a month")
        parts.append(f"{number:02d}")
        if not _is_edtf("-".join(parts)):
            raise CellError(f"day {number} is not in {parts[0]}-{parts[1]}")
    return "-".join(parts)


def _whole_number(text: str) -> int | None:
    match = re.fullmatch(r"0*([0-9]{1,2})(?:\.0+)?", text)
    return int(match[1]) if match else None
