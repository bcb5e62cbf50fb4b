"""What an event names: looked up, and made where it is not there."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from app import schemas
from app.errors import Fault, from_validation, nearest, refuse
from app.writes.journal import Change, refuse_known
from app.writes.vocabulary import (
    SOURCE,
    TYPE,
    Vocabulary,
    findable,
    free_id,
    ids,
    sources_alike,
    spelt,
)

Json = dict[str, Any]
REMEMBERED = 10_000


class Lookups:
    """Finds what events name, asking once for each; makes what is not there.

    `made` are the changes that are still to be written down. Good for one transaction. `again`: a
    source of which nothing is stored but what is said is that source, as the same file comes twice.
    """

    def __init__(
        self, session: Session, *, create_types: bool = False, again: bool = False
    ) -> None:
        self.session = session
        self.create_types = create_types
        self.again = again
        self.made: list[Change] = []
        self._found: dict[Any, str] = {}

    def _once(self, asked: Any, find: Callable[[], str]) -> str:
        if asked not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[asked] = find()
        return self._found[asked]

    def type(self, type_id: str) -> str:
        """The id of a type, which must exist; Problem `invalid-body` names the nearest."""
        return self._once(("type", type_id), lambda: self._type(type_id))

    def _type(self, type_id: str) -> str:
        if TYPE.stored(self.session, type_id) is not None:
            return type_id
        if self.create_types:
            refuse_known(self.session, "type", type_id, stored=False)
            label = type_id.replace("-", " ").capitalize()
            given = schemas.TypeWrite(id=type_id, label=label)
            self.made.append(TYPE.put(self.session, type_id, given, "create"))
            return type_id
        raise _missing(self.session, "type", type_id, "type")

    def spelt(self, table: str, name: str) -> str:
        """The id of the publisher or tag of this name."""
        return self._once((table, name), lambda: spelt(self.session, table, name))

    def resolve(self, kind: Vocabulary, given: schemas.Shape, link: set[str], where: str) -> str:
        """The id of the record that an event names; `link` are the fields of the event's own."""
        told = given.model_dump(exclude=link, exclude_unset=True)
        asked = (kind.name, repr(told))
        return self._once(asked, lambda: self._resolve(kind, told, where))

    def _resolve(self, kind: Vocabulary, told: Json, where: str) -> str:
        known = {name: value for name, value in told.items() if value is not None}
        record_id: str | None = known.get("id")
        if record_id is not None:
            stored = kind.stored(self.session, record_id)
            if stored is not None:
                _agree(kind, told, stored, where)
                return record_id
            if len(known) == 1:
                raise _missing(self.session, kind.name, record_id, f"{where}.id")
            refuse_known(self.session, kind.name, record_id, stored=False, where=f"{where}.id")
        found = [] if record_id is not None else kind.find(self.session, known)
        if len(found) > 1:
            message = f"several {kind.name}s fit: {', '.join(found)}; give the `id` of one"
            raise refuse(Fault("body", where, message), code="conflict")
        return found[0] if found else self._make(kind, known, where)

    def _make(self, kind: Vocabulary, known: Json, where: str) -> str:
        try:
            given: Any = kind.shape(**known)
        except ValidationError as error:
            told = ({**e, "loc": ("body", where, *e["loc"])} for e in error.errors())
            raise refuse(*from_validation(told), code="invalid-body") from error
        if self.again and kind is SOURCE and given.id is None and not findable(known):
            for alike in sources_alike(self.session, given):
                return alike
        record_id = given.id or free_id(self.session, kind.name, kind.called(given))
        self.made.append(kind.put(self.session, record_id, given, "create"))
        return str(record_id)


def _missing(session: Session, table: str, record_id: str, where: str) -> Exception:
    near = nearest(record_id, ids(session, f"SELECT id FROM {table} ORDER BY id LIMIT 10000"))
    message = f"there is no {table} '{record_id}'"
    return refuse(Fault("body", where, message, near), code="invalid-body")


def _agree(kind: Vocabulary, told: Json, stored: Json, where: str) -> None:
    """Problem `conflict` where a field that came with an id differs from the stored one.

    Null says that there is none, as it does in what is served.
    """
    none: tuple[Any, ...] = (None, [])
    differing = [
        name
        for name, value in told.items()
        if name != "id" and stored[name] != value and not (stored[name] in none and value in none)
    ]
    if differing:
        change = f"change it there (PATCH /{kind.name}s/{told['id']}), or give the `id` alone"
        message = f"differs from the stored {kind.name}; {change}"
        faults = (Fault("body", f"{where}.{name}", message) for name in differing)
        raise refuse(*faults, code="conflict")
