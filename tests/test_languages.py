"""The catalogues of languages: complete, with the right plural forms, and no text beside them."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from app import dates
from app.languages import CATALOGUES_FOLDER, LANGUAGES, choose_language, find_language
from dates import model
from tables import check_each
from tiers import examples

ROOT = Path(__file__).parents[1]
TAGS = [tag for tag in LANGUAGES if tag != "en"]
NAMES = {"EDTF", "Dateline", "API", "XX"}  # which no language translates
# Parts of templates that are no text: attributes and classes of elements.
ATTRIBUTES = (
    r"\{% block (?:kind|html) %\}.*?\{% endblock %\}",
    r"\{% macro (?:to|own)\(links\) %\}.*?\{% endmacro %\}",
)


@cache
def catalogue(tag: str) -> Catalog:
    """Return the catalogue of a language."""
    with (CATALOGUES_FOLDER / f"{tag}.po").open("rb") as file:
        return read_po(file)


@cache
def messages() -> frozenset[str | tuple[str, ...]]:
    """Return the messages in the code and the templates, as `pybabel extract` finds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in settings]
    options = {one["pattern"]: {**one} for one in settings}
    keywords = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}
    rows = extract_from_dir(ROOT, methods, options, keywords, directory_filter=is_ours)
    return frozenset(message for _, _, message, _, _ in rows)


def is_ours(folder: str) -> bool:
    """Whether a folder may hold messages."""
    return Path(folder) == ROOT or (ROOT / "app") in (Path(folder), *Path(folder).parents)


def forms(message: Message) -> list[str]:
    """Return the translations of a message, one for each plural form."""
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [text or "" for text in strings]


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("tag", TAGS)
def test_a_catalogue_is_complete(tag: str) -> None:
    """It has every message in every form, none that is only guessed, and no other."""
    entries = {message.id: message for message in catalogue(tag) if message.id}
    assert set(entries) == messages()
    assert list(catalogue(tag).obsolete) == []

    def check(message: Message) -> None:
        assert not message.fuzzy
        assert all(forms(message))

    check_each(entries.values(), check)


@pytest.mark.parametrize("tag", TAGS)
def test_translations_have_the_same_placeholders(tag: str) -> None:
    """A plural form may say its number in a word."""

    def check(message: Message) -> None:
        plural = not isinstance(message.id, str)
        free = {"number"} if plural else set()
        for form in forms(message):
            assert placeholders(form) | free == placeholders("".join(message.id)) | free
            assert form == form.strip() or form.strip() in (",", "،")

    check_each([message for message in catalogue(tag) if message.id], check)


@pytest.mark.parametrize("tag", TAGS)
def test_plural_forms_are_those_of_the_language(tag: str) -> None:
    """Each form stands for one category of CLDR, as it judges the numbers up to a thousand."""
    category_of = Locale.parse(tag, sep="-").plural_form
    message = ("{number} event", "{number} events")
    pairs = {
        (category_of(number), LANGUAGES[tag].translate_plural(*message, number))
        for number in range(1000)
    }
    assert len(pairs) == len({category for category, _ in pairs}) == catalogue(tag).num_plurals


# -- no text beside the catalogues ---------------------------------------------------------------


class Words(HTMLParser):
    """What a reader of a page sees, hears or may copy, besides what templates insert."""

    SPOKEN = ("aria-label", "title", "placeholder", "alt", "content")
    HANDED_TO_SCRIPTS = ("data-done", "data-start", "data-stop", "data-more", "data-name")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (*self.SPOKEN, *self.HANDED_TO_SCRIPTS)
        machine = tag == "meta"  # its other texts are names and numbers
        self.found += [value or "" for name, value in attrs if name in names and not machine]


def bare_words(template: str) -> Iterator[str]:
    """Yield the words of a template that stand outside of `{{ }}` and `{% %}`."""
    template = re.sub("|".join(ATTRIBUTES), "", template)
    plain = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template, flags=re.DOTALL)
    plain = re.sub(r"<(style|script)\b.*?</\1>", "", plain, flags=re.DOTALL)
    for text in Words(plain).found:
        yield from re.findall(r"[^\W\d_]{2,}", text)


def test_templates_have_no_words_outside_of_the_catalogues() -> None:
    """All that is not inserted is marks and names."""
    templates = [*ROOT.glob("app/web/templates/*.html"), ROOT / "app/formats/html/event.html"]

    def check(path: Path) -> None:
        assert set(bare_words(path.read_text())) - NAMES == set()

    check_each(templates, check)


def test_bare_words_are_noticed() -> None:
    """In text and in what is spoken."""
    page = '<p title="{{ _("A") }} b two">{% if x %}one{% endif %} {{ _("no") }}</p>'
    assert list(bare_words(page)) == ["two", "one"]


# -- the choice of a language --------------------------------------------------------------------


def test_a_tag_finds_the_nearest_language() -> None:
    """Less specific ones serve more specific wishes; nothing is found for what there is not."""
    table = {"de": "de", "DE-at": "de", "ar-EG": "ar", "en-GB": "en", "tlh": None, "": None}

    def check(case: tuple[str, str | None]) -> None:
        found = find_language(case[0])
        assert (found.tag if found else None) == case[1]

    check_each(table.items(), check)
    assert choose_language(["tlh", "de-CH", "ar"]) == LANGUAGES["de"]
    assert choose_language([]) is None


# -- dates and numbers ---------------------------------------------------------------------------

LABELS = {
    "2024-02-06": ("6. Februar 2024", "6 فبراير 2024"),
    "2023-11": ("November 2023", "نوفمبر 2023"),
    "1990~": ("etwa 1990", "نحو 1990"),
    "-0043-03-15": ("15. März 44 v. Chr.", "15 مارس 44 ق.م"),
    "[..2024-12-31]": ("spätestens 31. Dezember 2024", "في موعد أقصاه 31 ديسمبر 2024"),
    "[2022-11-21..2022-11-23]": (
        "zwischen 21. und 23. November 2022",
        "بين 21 و23 نوفمبر 2022",
    ),
    "2022-11/2022-12": ("November bis Dezember 2022", "من نوفمبر إلى ديسمبر 2022"),
    "2023-24": ("Winter 2023–24", "شتاء 2023–24"),
    "2023-40": ("erstes Halbjahr 2023", "النصف الأول من 2023"),
    "199X": ("1990er-Jahre", "عقد 1990"),
    "2023?": ("2023 (unsicher)", "2023 (غير مؤكد)"),
}


def test_a_date_reads_like_this_in_german_and_arabic() -> None:
    def check(case: tuple[str, tuple[str, str]]) -> None:
        edtf, labels = case
        assert tuple(dates.format_date_label(edtf, LANGUAGES[t]) for t in ("de", "ar")) == labels

    check_each(LABELS.items(), check)


@settings(model.UNHURRIED, max_examples=examples(300))
@given(model.dates(), st.sampled_from(TAGS))
def test_every_date_has_a_label_in_every_language(drawn: tuple[str, model.Model], tag: str) -> None:
    """Without the symbols of EDTF, and without a word that was left in English."""
    label = dates.format_date_label(drawn[0], LANGUAGES[tag])
    assert label == label.strip() != ""
    assert re.findall(r"[][{}?~%/_]|\.\.|X|\(\)|None", label) == []
    assert re.findall(r"\b(?:of|year|unknown|between|January|October)\b", label) == []


def test_numbers_have_the_separators_of_the_language() -> None:
    """Their digits are those that the page's script writes, too."""
    numbers = {tag: LANGUAGES[tag].number(10033) for tag in ("en", "de", "ar")}
    assert numbers == {"en": "10,033", "de": "10.033", "ar": "10,033"}
