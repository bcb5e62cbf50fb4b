"""Types as files name them: by id, or by label."""

from collections import defaultdict

from sqlalchemy import text
from sqlmodel import Session

from app.candidates import Candidates, SearchedColumn
from app.errors import Fault, refuse
from app.schemas import is_slug
from app.words import fold, make_slug


class TypeNames:
    """Find the id of a type by its id or its label. The types are read once, when first needed."""

    def __init__(self, session: Session, *, create: bool) -> None:
        self.new_labels: dict[str, str] = {}  # of types that are named by a label and not stored
        self._session = session
        self._create = create
        self._candidates = Candidates(session.connection())
        self._labels: dict[str, str] = {}  # by id
        self._ids: dict[str, list[str]] = defaultdict(list)  # by folded label

    def find(self, name: str) -> str:
        """Return the id. Raise Problem `invalid-body` if no type, or several, have this label."""
        if not self._labels:
            self._load()
        if name in self._labels:
            return name
        ids = self._ids.get(fold(name), [])
        if len(ids) > 1:
            message = f"several types are called '{name[:100]}': {', '.join(ids)}; give the id"
            raise refuse(Fault("body", "type", message, ids[0]), code="invalid-body")
        if ids:
            return ids[0]
        if is_slug(name):
            return name
        new_id = make_slug(name)
        if new_id in self._labels:
            return new_id
        if self._create and name.isprintable() and new_id:
            self.new_labels[new_id] = name
            return new_id
        message = f"there is no type '{name[:100]}'"
        near = self._candidates.nearest(SearchedColumn("type", label="label"), name)
        raise refuse(Fault("body", "type", message, near), code="invalid-body")

    def _load(self) -> None:
        stored = self._session.execute(text("SELECT id, label FROM type ORDER BY id"))
        for type_id, label in stored:
            self._labels[type_id] = label
            self._ids[fold(label)].append(type_id)
