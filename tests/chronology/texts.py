"""What a search means: every word of every text looked at. Good for the generator's words."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SPECIAL = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ı": "i", "ə": "a", "æ": "ae"})
HAN = "一-龥"  # each character is a word


def bare(text: str) -> str:
    """`text` without case and diacritics."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(SPECIAL)


def words(text: str) -> list[str]:
    """The words of a text, bare."""
    return re.findall(f"[{HAN}]|[^\\W_{HAN}]+", bare(text))


class Sought(NamedTuple):
    """Words that must stand one behind the other in a text; of a prefix only the beginning."""

    words: list[str]
    prefix: bool = False

    def stands_in(self, text: Sequence[str]) -> bool:
        """Whether it stands in a text, given as its words."""
        if self.prefix:
            return any(word.startswith(self.words[0]) for word in text)
        size = len(self.words)
        return any(text[at : at + size] == self.words for at in range(len(text) - size + 1))


def sought(q: str) -> Iterator[Sought]:
    """What a `q` asks for, all of which must be found."""
    for token in re.findall(r'"[^"]*"?|[^"\s]+', q):
        quoted = token[0] == '"'
        for part in [token] if quoted else re.findall(r"[^*]+\*?", token):
            found = words(part)
            if not quoted and part[-1] == "*" and found and len(found[-1]) >= 3:
                yield Sought([found.pop()], prefix=True)
            if found:
                yield Sought(found)
