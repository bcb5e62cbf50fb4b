"""Words: how text is folded, split and searched, the same on every engine, and made into ids."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from slugify import slugify

# Letters that Unicode does not decompose into a base letter and a mark.
LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ı": "i", "ł": "l", "ø": "o", "ə": "a", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Scripts written without spaces: each character is a word, a run of them a phrase.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
CHUNK = re.compile(
    rf'"(?P<phrase>[^"]*)"?|(?P<run>[{UNSPACED}]+)|(?P<word>[^\W_{UNSPACED}]+)(?P<star>\*?)'
)
LONGEST = 64  # of a word, in characters; the rest is not told apart
SHORTEST_PREFIX = 3


def _bare(text: str) -> str:
    """`text` without case and diacritics."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(LETTERS)


def fold(name: str) -> str:
    """`name` without case, diacritics, extra white space: equal for two spellings of a name."""
    return " ".join(_bare(name).split())


def slug(name: str, longest: int = 80) -> str:
    """A URL-safe id made from `name`, cut at a word; a hash where it holds no letter or digit."""
    made = slugify(name.translate(LETTERS), max_length=longest, word_boundary=True)
    return made or blake2b(name.encode(), digest_size=6).hexdigest()


def split(text: str) -> list[str]:
    """The words of `text` in order, folded: `vucic` for Vučić, Vucic and VUČIĆ."""
    return [word[:LONGEST] for word in WORD.findall(_bare(text))]


def wording(fields: Iterable[Iterable[str | None]]) -> str:
    """What a search looks through: a line a field, a space on either side of every word.

    `fields` are lists of texts; a phrase crosses neither from one text to the next nor lines.
    """
    return "\n".join("".join(f" {' '.join(split(t))} " for t in texts if t) for texts in fields)


@dataclass(frozen=True)
class Search:
    """What a `q` asks for; everything in it must be found."""

    words: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.prefixes or self.phrases)

    @property
    def every_word(self) -> tuple[str, ...]:
        """The whole words, those of the phrases included, each once."""
        of_phrases = (word for phrase in self.phrases for word in phrase)
        return tuple(dict.fromkeys((*self.words, *of_phrases)))


def search(q: str) -> Search:
    """What `q` asks for: words, `"quoted phrases"` and `prefix*`; anything else parts words.

    No text is an error: a quote that is not closed ends with the text, and a prefix of fewer than
    three letters counts as a whole word.
    """
    words: list[str] = []
    prefixes: list[str] = []
    phrases: list[tuple[str, ...]] = []
    for chunk in CHUNK.finditer(_bare(q)):
        found = split(chunk["phrase"] or chunk["run"] or chunk["word"] or "")
        if len(found) > 1:
            phrases.append(tuple(found))
        elif chunk["star"] and len(found[0]) >= SHORTEST_PREFIX:
            prefixes += found
        else:
            words += found
    unique = dict.fromkeys
    return Search(tuple(unique(words)), tuple(unique(prefixes)), tuple(unique(phrases)))


def patterns(asked: Search) -> Iterator[str]:
    """LIKE patterns that a `wording` must fit, one a word, prefix and phrase."""
    # Words hold letters and digits only, so nothing in them means anything to LIKE.
    for word in asked.words:
        yield f"% {word} %"
    for prefix in asked.prefixes:
        yield f"% {prefix}%"
    for phrase in asked.phrases:
        yield f"% {' '.join(phrase)} %"
