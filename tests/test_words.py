"""Words: two spellings are one word on every engine, and no text is an error."""

import re
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slugify import slugify

from app.schemas import SLUG
from app.words import (
    BARE,
    BASE_LETTERS,
    MAX_WORD_CHARACTERS,
    WORD_PATTERN,
    fold,
    list_patterns,
    make_search_text,
    make_slug,
    parse_search,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Vučić", ["vucic"]),
        ("VUČIĆ", ["vucic"]),
        ("Vuc\u030cic\u0301", ["vucic"]),
        ("Đoković", ["dokovic"]),
        ("İlham Əliyev", ["ilham", "aliyev"]),
        ("Diyarbakır", ["diyarbakir"]),
        ("Łódź Ørsted Æther Straße", ["lodz", "orsted", "aether", "strasse"]),
        ("NORA B-52", ["nora", "b", "52"]),
        ("d'oh, 15.4 km!", ["d", "oh", "15", "4", "km"]),
        ("snake_case", ["snake", "case"]),
        ("新华社 Xinhua", ["新", "华", "社", "xinhua"]),
        ("Вучић", ["вучић"]),
        ("علييف", ["علييف"]),
        ("مُحَمَّد", ["محمد"]),
        ("שָׁלוֹם", ["שלום"]),
        ("हिन्दी", ["हिन्दी"]),
        ("हानदू", ["हानदू"]),
        ("தமிழ் বাংলা", ["தமிழ்", "বাংলা"]),
        ("ガス", ["カ", "\u3099", "ス"]),
        ("Bel\u00adgrade Bel\u200bgrade Bel\u2060grade", ["belgrade"] * 3),
        ("نامه\u200cای", ["نامهای"]),
        ("B\ufe0f52", ["b52"]),
        ("🚀 … —", []),
    ],
)
def test_text_is_split_into_folded_words(text: str, words: list[str]) -> None:
    """Case, diacritics and the letters that Unicode does not decompose; signs part words."""
    assert split_words(text) == words


@given(st.text())
def test_splitting_what_was_split_changes_nothing(text: str) -> None:
    """A word as it is stored is the word that a search finds."""
    words = split_words(text)
    assert split_words(" ".join(words)) == words


@given(st.text(), st.text())
def test_words_of_a_part_are_words_of_the_whole(one: str, other: str) -> None:
    """Text between spaces is split by itself."""
    assert split_words(f"{one} {other}") == split_words(one) + split_words(other)


TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("aZ9 ,'&#;šİß\u0301\u00a0\u2028ə")))


@given(TEXTS | st.text("aß新 ", min_size=60).map(lambda text: text * 2))
def test_words_are_those_of_the_text_as_a_whole(text: str) -> None:
    """Parts of a text are folded one by one, and remembered; nothing of it shows."""
    plain = normalize("NFKD", normalize("NFKD", text).casefold()).translate(BARE)
    assert split_words(text) == [word[:MAX_WORD_CHARACTERS] for word in WORD_PATTERN.findall(plain)]


@given(TEXTS | st.text("aß新 ", min_size=60).map(lambda text: text * 2))
@example("&#269; &#99999999999;")
def test_a_slug_is_that_of_the_name_as_a_whole(name: str) -> None:
    """The same that slugify makes of it, an entity by its number among them."""
    made = slugify(name.translate(BASE_LETTERS), max_length=80, word_boundary=True)
    assert make_slug(name) == made or not made


@pytest.mark.parametrize(
    ("q", "words", "prefixes", "phrases"),
    [
        ("gas contract", ("gas", "contract"), (), ()),
        ("gas gas", ("gas",), (), ()),
        ('"gas contract"', (), (), (("gas", "contract"),)),
        ('"gas', ("gas",), (), ()),
        ('"gas contract" Vučić', ("vucic",), (), (("gas", "contract"),)),
        ("gas*", (), ("gas",), ()),
        ("ga*", ("ga",), (), ()),
        ("gas-pipe*", ("gas",), ("pipe",), ()),
        ("trans-gas-pipe*", (), ("pipe",), (("trans", "gas"),)),
        ("gas*oil", ("oil",), ("gas",), ()),
        ("president's B-52 U.S.", (), (), (("president", "s"), ("b", "52"), ("u", "s"))),
        ("gas-pipeline contract", ("contract",), (), (("gas", "pipeline"),)),
        *(
            (f"{one}gas contract{other} oil", ("oil",), (), (("gas", "contract"),))
            for one, other in ('""', "“”", "„“", "””", "«»", "»«", "‹›", "″″")
        ),
        ("gas !oil -coal", ("gas", "oil", "coal"), (), ()),
        ('"gas*"', ("gas",), (), ()),
        ("新华社", (), (), (("新", "华", "社"),)),
        ("NEAR(a b) OR NOT c:d ^e", ("b", "or", "not", "e"), (), (("near", "a"), ("c", "d"))),
        ('""', (), (), ()),
        ("* ** — 🚀", (), (), ()),
    ],
)
def test_a_search_is_words_prefixes_and_phrases(
    q: str, words: tuple[str, ...], prefixes: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]
) -> None:
    """Nothing else means anything, and nothing is an error."""
    found = parse_search(q)
    assert (found.words, found.prefixes, found.phrases) == (words, prefixes, phrases)


@given(st.text())
def test_a_search_finds_any_text_that_holds_its_words(text: str) -> None:
    """What was stored under a text is found by that text, quoted or not."""
    stored = make_search_text([[text]])
    for q in (text.replace('"', " ").replace("*", " "), f'"{text.replace(chr(34), " ")}"'):
        for pattern in list_patterns(parse_search(q)):
            assert pattern.strip("%") in stored


@given(st.text())
def test_patterns_hold_nothing_that_like_understands(text: str) -> None:
    """Only the ends are open."""
    assert all(not re.search(r"[%_\\]", p[1:-1]) for p in list_patterns(parse_search(text)))


def test_a_phrase_does_not_cross_from_one_text_to_the_next() -> None:
    """An alias is not continued by the next one."""
    (pattern,) = list_patterns(parse_search('"gas contract"'))
    assert pattern.strip("%") not in make_search_text([["gas", "contract"]])
    assert pattern.strip("%") not in make_search_text([["gas"], ["contract"]])
    assert pattern.strip("%") in make_search_text([["the gas contract"]])


@given(st.text(min_size=1))
def test_every_name_has_a_slug(name: str) -> None:
    """Whatever its script."""
    assert re.fullmatch(SLUG, make_slug(name))


def test_two_spellings_of_a_name_fold_alike() -> None:
    """So that no publisher stands twice in the vocabulary."""
    assert fold("  Balkan   INSIGHT ") == fold("balkan insight")
