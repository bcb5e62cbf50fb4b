"""Roles in table cells: whether a parenthesis behind a name is a role or part of the name."""

from collections.abc import Callable, Collection

from sqlalchemy import text
from sqlmodel import Session

from app.errors import Fault, refuse
from app.formats import TEMPLATE_ROLES, Line, explain_two_roles, may_be_role, read_parenthesis
from app.json_types import Json

STORED_ROLES = text("SELECT DISTINCT role FROM event_actor WHERE role IS NOT NULL")
MAX_NOTES = 50  # different parentheses that a report names


class RoleReader:
    """Read the actors of table cells: `Name (word)` has a role only if the word is one.

    Roles are the words that the import names, those of the template, those of JSON cells of the
    same file, and those of stored events, which are read once, when first needed.
    """

    def __init__(
        self, session: Session, named: Collection[str], spell: Callable[[str, str], str]
    ) -> None:
        self._session = session
        self._named = frozenset(named)
        self._spell = spell
        self._stored: frozenset[str] | None = None
        self._inners: set[str] = set()  # that have a note

    def read(self, line: Line) -> tuple[list[Json], list[str]]:
        """Return the actors of a line, and notes on how its parentheses were read."""
        actors, notes = [], []
        for written, actor in zip(line.actors, line.document["actors"], strict=True):
            parenthesis = read_parenthesis(written)
            if parenthesis is None:
                actors.append(actor)
                continue
            name, inner = parenthesis
            if not self._is_role(inner, line):
                actors.append({"name": written})
                notes.append(self._note_name(inner))
                continue
            self._refuse_second(name, inner, line, len(actors))
            actors.append({"name": name, "role": inner})
            if inner not in self._named:
                notes.append(self._note(inner, "read as a role"))
        return actors, notes

    def _is_role(self, word: str, line: Line) -> bool:
        if word in self._named or word in TEMPLATE_ROLES or word in line.roles:
            return True
        if not may_be_role(word):
            return False
        if self._stored is None:
            self._stored = frozenset(self._session.execute(STORED_ROLES).scalars())
        return word in self._stored

    def _refuse_second(self, name: str, role: str, line: Line, number: int) -> None:
        """Raise Problem `invalid-body` if a second role stands before the last one."""
        first = read_parenthesis(name)
        if first is not None and self._is_role(first[1], line):
            message, once_each = explain_two_roles(*first, role)
            mended = [*line.actors[:number], once_each, *line.actors[number + 1 :]]
            fault = Fault("body", "actors", message, "; ".join(mended))
            raise refuse(fault, code="invalid-body")

    def _note_name(self, inner: str) -> str:
        if may_be_role(inner):
            hint = f"; import with {self._spell('roles', inner)} if it is a role"
        else:
            hint = ""
        return self._note(inner, f"read as part of the name{hint}")

    def _note(self, inner: str, reading: str) -> str:
        if inner not in self._inners and len(self._inners) == MAX_NOTES:
            return "other parentheses in actors were read in the same way"
        self._inners.add(inner)
        return f"({inner[:100]}) in actors was {reading}"
