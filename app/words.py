"""How names become comparable (`fold`) and addressable (`slug`)."""

import unicodedata
from hashlib import blake2b

from slugify import slugify

# Letters that Unicode does not decompose into a base letter and a mark.
LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ı": "i", "ł": "l", "ø": "o", "ə": "a", "æ": "ae", "œ": "oe", "þ": "th"}
)


def fold(name: str) -> str:
    """`name` without case, diacritics, extra white space: equal for two spellings of a name."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(bare.casefold().translate(LETTERS).split())


def slug(name: str, longest: int = 80) -> str:
    """A URL-safe id made from `name`, cut at a word; a hash where it holds no letter or digit."""
    made = slugify(name.translate(LETTERS), max_length=longest, word_boundary=True)
    return made or blake2b(name.encode(), digest_size=6).hexdigest()
