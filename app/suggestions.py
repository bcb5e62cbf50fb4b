"""The known word that an unknown one most likely meant."""

from collections.abc import Iterable

MAX_COMPARED_CHARS = 200  # of a word
MIN_SIMILARITY = 0.66  # share of letters, in the same order, that two words have in common


def nearest(value: str, known_words: Iterable[str], cutoff: float = MIN_SIMILARITY) -> str | None:
    """Return the known word closest to `value`, ignoring case, or None if nothing is close.

    Two letters may be swapped, and part of a word stands for the shortest word with it.
    """
    folded = value[:MAX_COMPARED_CHARS].casefold()
    words = {word[:MAX_COMPARED_CHARS].casefold(): word for word in known_words}
    if folded in words:
        return words[folded]
    from rapidfuzz import fuzz, process  # commands that suggest nothing start without it
    from rapidfuzz.distance import OSA

    choices = list(words)
    alike = process.extract(folded, choices, scorer=fuzz.ratio, score_cutoff=cutoff * 100)
    scores = {word: score for word, score, _ in alike}
    one_edit = process.extract(folded, choices, scorer=OSA.distance, score_cutoff=1)
    scores |= {word: 100.0 for word, _, _ in one_edit if sorted(word) == sorted(folded)}
    if not scores and len(folded) > 2:
        scores = {word: -len(word) for word in choices if folded in word}
    best = min(scores, key=lambda word: (-scores[word], word[:1] != folded[:1], word), default=None)
    return None if best is None else words[best]
