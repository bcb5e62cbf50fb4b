"""The word that is likeliest meant by one that is not known."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

MAX_LETTERS = 200  # of a word; the rest is not compared
ALIKE = 0.66  # share of letters, in the same order, that two words must have in common


def nearest(value: str, known: Iterable[str], cutoff: float = ALIKE) -> str | None:
    """Return the known word closest to `value`, ignoring case, or None if nothing is close.

    Two letters may have changed places, and a part of a word stands for the shortest with it.
    """
    asked = value[:MAX_LETTERS].casefold()
    words = {word[:MAX_LETTERS].casefold(): word for word in known}
    if asked in words:
        return words[asked]
    choices = list(words)
    alike = process.extract(asked, choices, scorer=fuzz.ratio, score_cutoff=cutoff * 100)
    scores = {word: score for word, score, _ in alike}
    one_edit = process.extract(asked, choices, scorer=OSA.distance, score_cutoff=1)
    scores |= {word: 100.0 for word, _, _ in one_edit if sorted(word) == sorted(asked)}
    if not scores and len(asked) > 2:
        scores = {word: -len(word) for word in choices if asked in word}
    best = min(scores, key=lambda word: (-scores[word], word[:1] != asked[:1], word), default=None)
    return None if best is None else words[best]
