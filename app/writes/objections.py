"""Why a field of a stored record may not take the value that an event gives."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlmodel import Session

from app.writes.comparing import EMPTY_VALUES, Deviation, read_field_history
from app.writes.journal import fetch_revisions

MAX_VALUE_LETTERS = 80  # of a value in a fault


class FileRules(NamedTuple):
    """The rights of a file beyond those of one event."""

    create_types: bool = False
    replace: bool = False  # correct records that differ
    force: bool = False  # also against later edits of others
    spell: Callable[[str], str] = "{}=true".format  # an option, as whoever imports sets it
    author: str = ""  # whose file it is


class Mentions:
    """The lines of a file that create, fill in or mention a record.

    Keys are stored as 64 bits, to take little memory for a long file.
    """

    def __init__(self) -> None:
        self.line = 0  # of the file, from 1
        self._lines: dict[int, int] = {}

    def note(self, *key: str) -> None:
        """Store the current line for kind and id, or kind, id and field."""
        self._lines[hash(key)] = self.line

    def note_first(self, *key: str) -> None:
        """Store the current line unless an earlier one is stored."""
        self._lines.setdefault(hash(key), self.line)

    def find(self, *key: str) -> int | None:
        """Return the stored line; None if there is none."""
        return self._lines.get(hash(key))


class Objections:
    """Say why a field may not change, by the rules of one event or of a file."""

    def __init__(self, session: Session, rules: FileRules | None, mentions: Mentions) -> None:
        self._session = session
        self._rules = rules or FileRules()
        self._is_file = rules is not None
        self._mentions = mentions

    def find(self, kind: str, record_id: str, deviation: Deviation) -> str | None:
        """Return why a field may not take the new value; None if it may."""
        if not deviation.lacking:
            message = self._find_earlier_value(kind, record_id, deviation)
            if message is not None:
                return message
            if not self._rules.replace or deviation.value in EMPTY_VALUES:
                remedy = f"; or import with {self._rules.spell('replace')} to correct it"
                return (
                    f"differs from the stored {kind}: {_format(deviation.value)} is given,"
                    f" {_format(deviation.stored)} is stored;"
                    f" {_advise(kind, record_id)}{remedy if self._is_file else ''}"
                )
        return None if self._rules.force else self._find_edit(kind, record_id, deviation)

    def _find_earlier_value(self, kind: str, record_id: str, deviation: Deviation) -> str | None:
        """Return the contradiction to an earlier value of the same file or event, if there is."""
        line = self._mentions.find(kind, record_id, deviation.field)
        if line is None and (line := self._mentions.find(kind, record_id)) is None:
            return None
        earlier = line not in {0, self._mentions.line}
        place = f"in line {line}" if earlier else "further up in this event"
        return (
            f"{_format(deviation.value)} is given here, and {_format(deviation.stored)} {place}"
            f" for the same {kind} '{record_id}'"
        )

    def _find_edit(self, kind: str, record_id: str, deviation: Deviation) -> str | None:
        """Return whose later edit of a field the new value would overwrite; None if nobody's.

        A value that the record had before was given up by somebody. In a file, any other value
        yields to an edit of that field by anybody but its author.
        """
        stored, value = _format(deviation.stored), _format(deviation.value)
        revisions = fetch_revisions(self._session, kind, record_id)
        history = read_field_history(deviation, revisions)
        remedy = _advise(kind, record_id)
        if self._is_file:
            both = f"{self._rules.spell('replace')} and {self._rules.spell('force')}"
            remedy += f"; or import with {both} to overrule that"
        if removal := history.removal:
            done = f"removed {value}" if deviation.lacking else f"changed {value} to {stored}"
            return (
                f"is what it was before {removal.author} {done} in the {kind} '{record_id}' on"
                f" {removal.at}; {remedy}"
            )
        last = history.last_edit if self._is_file else None
        if last is None or last.author == self._rules.author:
            return None
        done = "removed it" if deviation.lacking else f"set {stored}"
        return (
            f"{value} is given, but {last.author} {done} in the {kind} '{record_id}' on {last.at};"
            f" {remedy}"
        )


def _format(value: Any) -> str:
    """Return a value as a fault shows it."""
    text = "nothing" if value in EMPTY_VALUES else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_LETTERS else f"{text[:MAX_VALUE_LETTERS]}…"


def _advise(kind: str, record_id: str) -> str:
    return f"change it there (PATCH /{kind}s/{record_id}), or give the `id` alone"
