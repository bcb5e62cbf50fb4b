"""Words: fold, split and search text in the same way on every engine, and make ids of it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from slugify import slugify, smart_truncate

# Letters that Unicode does not decompose into a base letter and a mark.
BASE_LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ı": "i", "ł": "l", "ø": "o", "ə": "a", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Marks that make another spelling of a letter, by their combining class: overlays, the points of
# Hebrew and Arabic, and accents. Others, such as Indic vowel signs, are as much as letters.
ACCENTS = {1, *range(10, 37), *range(200, 256)}
SELECTORS = {0x34F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def _is_invisible(code: int) -> bool:
    """Return whether a character has no form of its own: an accent, a selector or a format mark."""
    character = chr(code)
    accent = unicodedata.combining(character) in ACCENTS
    return accent or code in SELECTORS or unicodedata.category(character) == "Cf"


# No mark and no format character lies elsewhere.
ASSIGNED = (*range(0xA0, 0x1F000), *range(0xE0000, 0xE0200))
BARE = BASE_LETTERS | dict.fromkeys(filter(_is_invisible, ASSIGNED))
MARKS = "".join(
    chr(code)
    for code in ASSIGNED
    if code not in BARE and unicodedata.category(chr(code)) in ("Mn", "Mc")
)
# Scripts written without spaces: each character is a word, a run of them a phrase.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
LETTER = rf"[^\W_{UNSPACED}]"
WORD_PATTERN = re.compile(rf"[{UNSPACED}]|{LETTER}+(?:[{MARKS}]+{LETTER}*)*")
QUERY_CHUNK = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<run>[^\s"*]+)(?P<star>\*?)')
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»‹›″", '"'))
MAX_WORD_CHARACTERS = 64  # of a word, in characters; the rest is not told apart
MIN_PREFIX_LETTERS = 3
MAX_CACHED_PARTS = 1 << 15  # words, each of LONGEST characters at most
MAX_CACHED_NAMES = 1 << 13  # names and titles: whoever names one asks for it again soon


def _strip_marks(text: str) -> str:
    """Return `text` without case, diacritics and invisible characters."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return plain.translate(BARE)


@lru_cache(MAX_CACHED_NAMES)
def fold(name: str) -> str:
    """Return `name` without case, diacritics, extra white space: equal for its spellings."""
    return " ".join(_strip_marks(name).split())


@lru_cache(MAX_CACHED_NAMES)
def make_slug(name: str, longest: int = 80) -> str:
    """Return a URL-safe id made from `name`, cut at a word; a hash if it has no letter or digit."""
    # A character by its number (`&#269;`) is decoded only if all of them can be.
    parts = [name] if "&#" in name else name.split(" ")
    cut = smart_truncate(_slugs.joined("-", parts), longest, word_boundary=True, separator="-")
    return cut or blake2b(name.encode(), digest_size=6).hexdigest()


def split_words(text: str) -> list[str]:
    """Return the words of `text` in order, folded: `vucic` for Vučić, Vucic and VUČIĆ."""
    return _folded(text).split()


class PartCache(dict[str, str]):
    """Cache the conversion of short parts of texts: texts repeat few of them often."""

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._made = convert

    def __missing__(self, part: str) -> str:
        value = self._made(part)
        if len(part) <= MAX_WORD_CHARACTERS:
            if len(self) >= MAX_CACHED_PARTS:
                self.clear()
            self[part] = value
        return value

    def joined(self, by: str, parts: list[str]) -> str:
        """Return the conversions of the parts, joined, without empty ones."""
        return by.join(filter(None, map(self.__getitem__, parts)))


_slugs = PartCache(lambda part: slugify(part.translate(BASE_LETTERS)))
_words = PartCache(
    lambda part: " ".join(
        word[:MAX_WORD_CHARACTERS] for word in WORD_PATTERN.findall(_strip_marks(part))
    )
)


def _folded(text: str) -> str:
    return _words.joined(" ", text.split())


def make_search_text(fields: Iterable[Iterable[str | None]]) -> str:
    """Return the text that a search scans: one line per field, spaces around every word.

    `fields` are lists of texts; a phrase crosses neither from one text to the next nor lines.
    """
    return "\n".join("".join(f" {_folded(t)} " for t in texts if t) for texts in fields)


@dataclass(frozen=True)
class Search:
    """The terms of a `q`; all of them must match."""

    words: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.prefixes or self.phrases)

    @property
    def every_word(self) -> tuple[str, ...]:
        """Return the whole words, those of the phrases included, each once."""
        of_phrases = (word for phrase in self.phrases for word in phrase)
        return tuple(dict.fromkeys((*self.words, *of_phrases)))


def parse_search(q: str) -> Search:
    """Return the terms of `q`: words, `"quoted phrases"`, `prefix*`; the rest separates words.

    Words without a space between them are a phrase (`B-52`). No text is an error: a quote that is
    not closed ends with the text, and a prefix of fewer than three letters counts as a whole word.
    """
    words: list[str] = []
    prefixes: list[str] = []
    phrases: list[tuple[str, ...]] = []
    for chunk in QUERY_CHUNK.finditer(_strip_marks(q.translate(QUOTES))):
        words_of_chunk = split_words(chunk["phrase"] or chunk["run"] or "")
        if chunk["star"] and words_of_chunk and len(words_of_chunk[-1]) >= MIN_PREFIX_LETTERS:
            prefixes.append(words_of_chunk.pop())
        if len(words_of_chunk) > 1:
            phrases.append(tuple(words_of_chunk))
        else:
            words += words_of_chunk
    unique = dict.fromkeys
    return Search(tuple(unique(words)), tuple(unique(prefixes)), tuple(unique(phrases)))


def list_patterns(search: Search) -> Iterator[str]:
    """Yield the LIKE patterns that a search text must match, one per word, prefix and phrase."""
    # Words hold letters, digits and marks only, so nothing in them means anything to LIKE.
    for word in search.words:
        yield f"% {word} %"
    for prefix in search.prefixes:
        yield f"% {prefix}%"
    for phrase in search.phrases:
        yield phrase_pattern(phrase)


def list_name_patterns(q: str) -> list[str]:
    """Return the LIKE patterns that the search text of a name must match, one per term.

    The last word, and every `prefix*`, may be the beginning of one, from a letter on. A phrase in
    closed quotes is whole.
    """
    chunks = QUERY_CHUNK.finditer(_strip_marks(q.translate(QUOTES)))
    phrases = [(words, chunk) for chunk in chunks if (words := split_words(chunk[0]))]
    return [
        f"% {' '.join(words)}%"
        if chunk["star"] or (number == len(phrases) and chunk["run"]) or _open(chunk[0])
        else phrase_pattern(words)
        for number, (words, chunk) in enumerate(phrases, 1)
    ]


def _open(chunk: str) -> bool:
    """Return whether a quote is opened and not closed."""
    return chunk.startswith('"') and not chunk.endswith('"')


def phrase_pattern(phrase: Iterable[str]) -> str:
    """Return the LIKE pattern of a phrase."""
    return f"% {' '.join(phrase)} %"
