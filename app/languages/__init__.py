"""The languages of pages: words from catalogues (GNU gettext), dates and numbers from CLDR.

English is in the code; `de.po` beside this file has the same messages in German. A catalogue is
read when its language is first asked for, so there is nothing to compile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

CATALOGUES_FOLDER = Path(__file__).parent
LOCALES: Mapping[str, str] = {"en": "en_GB"}  # of CLDR, if it is not that of the tag
MAX_LANGUAGE_RANGES = 20  # of an Accept-Language header; the others are ignored


@dataclass(frozen=True)
class Language:
    """The words, dates and numbers of one language, by its BCP 47 tag."""

    tag: str

    @property
    def name(self) -> str:
        """Return its own name for itself."""
        return str(self._locale.get_language_name()).capitalize()

    @property
    def direction(self) -> str:
        """Return `ltr` or `rtl`."""
        return self._locale.text_direction

    def gettext(self, message: str, **values: object) -> str:
        """Return a message in this language, its `{names}` replaced by values."""
        return self.translate(message).format(**values)

    def ngettext(self, singular: str, plural: str, number: int, **values: object) -> str:
        """Return the form of a message for a number, which is `{number}` in it."""
        message = self.translate_plural(singular, plural, number)
        return message.format(number=self.number(number), **values)

    def translate(self, message: str) -> str:
        """Return a message in this language, with its `{names}`; the message itself if unknown."""
        return self._catalogue.gettext(message)

    def translate_plural(self, singular: str, plural: str, number: int) -> str:
        """Return the form of a message for a number, with its `{names}`."""
        return self._catalogue.ngettext(singular, plural, number)

    def number(self, value: int | Decimal) -> str:
        """Return a number with the separators of this language, its digits as they are."""
        plain = f"{value:,}" if isinstance(value, int) else f"{value:,f}"
        return plain.translate(self._separators)

    def date(self, year: str, month: int, day: int | None = None) -> str:
        """Return a month of a year in words, or a day of it."""
        template = self._month_template if day is None else self._day_template
        text = template.format(y=year, M=self.month(month), L=self.month(month), d=day)
        return text.replace("..", ".")  # some patterns end with a full stop, and "44 B.C." does too

    def month(self, number: int) -> str:
        """Return the name of a month."""
        return self._months[number - 1]

    def short_date(self, month: int, day: int | None = None) -> str:
        """Return the abbreviated name of a month, or a day of it."""
        name = str(self._locale.months["stand-alone"]["abbreviated"][month]).rstrip(".")
        return name if day is None else self._short_template.format(d=day, M=name, L=name)

    def country(self, code: str) -> str | None:
        """Return the name of a country by its ISO 3166 code; None if CLDR has none."""
        return self._locale.territories.get(code.removeprefix("!").upper())

    def join(self, items: Sequence[str], *, any_of: bool = False) -> str:
        """Return `a, b and c`; `a, b or c` if one of them is meant."""
        from babel.lists import format_list

        return format_list(items, "or" if any_of else "standard", self._locale)

    @property
    def begins_with_day(self) -> bool:
        """Return whether a date in words goes from its day to its year."""
        return self._day_template.startswith("{d}")

    @cached_property
    def _locale(self) -> "Locale":
        from babel import Locale

        return Locale.parse(LOCALES.get(self.tag, self.tag.replace("-", "_")))

    @cached_property
    def _months(self) -> Sequence[str]:
        names = self._locale.months["format"]["wide"]
        return [str(names[number]) for number in range(1, 13)]

    @cached_property
    def _day_template(self) -> str:
        return _as_template(self._locale.date_formats["long"].pattern)

    @cached_property
    def _month_template(self) -> str:
        return _as_template(self._locale.datetime_skeletons["yMMMM"].pattern)

    @cached_property
    def _short_template(self) -> str:
        return _as_template(self._locale.datetime_skeletons["MMMd"].pattern)

    @cached_property
    def _separators(self) -> Mapping[int, str]:
        symbols = self._locale.number_symbols["latn"]
        return str.maketrans({",": symbols["group"], ".": symbols["decimal"]})

    @cached_property
    def _catalogue(self) -> NullTranslations:
        if self == ENGLISH:
            return NullTranslations()
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        compiled = BytesIO()
        with (CATALOGUES_FOLDER / f"{self.tag}.po").open("rb") as file:
            write_mo(compiled, read_po(file))
        compiled.seek(0)
        return GNUTranslations(compiled)


def _as_template(pattern: str) -> str:
    """Return a pattern of CLDR (UTS 35) with its fields in braces, by their letter."""
    from babel.dates import tokenize_pattern

    parts = tokenize_pattern(pattern)
    return "".join(f"{{{part[0]}}}" if kind == "field" else str(part) for kind, part in parts)


ENGLISH = Language("en")
LANGUAGES: Mapping[str, Language] = {
    tag: Language(tag)
    for tag in (ENGLISH.tag, *sorted(path.stem for path in CATALOGUES_FOLDER.glob("*.po")))
}

_BY_NAME = {name.lower(): language for name, language in LANGUAGES.items()}
_BY_NAME |= {name.partition("-")[0]: language for name, language in _BY_NAME.items()}


def find_language(tag: str) -> Language | None:
    """Return the language of a tag, or the nearest that is less specific (RFC 4647 section 3.4).

    `de-AT` finds `de`, and `sr` finds `sr-Latn`, the only one there is. Return None if there is
    none.
    """
    subtags = tag.lower().replace("_", "-").split("-")
    names = ("-".join(subtags[:size]) for size in range(len(subtags), 0, -1))
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), None)


def choose_language(ranges: Iterable[str]) -> Language | None:
    """Return the first language of a list that pages have; None if they have none of it."""
    return next(filter(None, map(find_language, ranges)), None)


def mark(message: str) -> str:
    """Return a message as it is; catalogues have it, and it is translated where it is shown."""
    return message
