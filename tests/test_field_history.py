"""Who removed a value of a field, and who last changed it."""

import json
from typing import Any

import pytest

from app.writes.comparing import Deviation, read_field_history
from app.writes.journal import Revision

Json = dict[str, Any]


def revisions(*names: str | None) -> list[Revision]:
    """Return revisions by a, b, c ..., each with a name; None is a deletion."""
    return [
        Revision(
            author,
            "2024",
            None if name is None else json.dumps({"name": name, "aliases": []}).encode(),
        )
        for author, name in zip("abcdef", names, strict=False)
    ]


# The names of the revisions, the given name, and the authors of its removal and of the last edit.
CASES: tuple[tuple[tuple[str | None, ...], str, str | None, str | None], ...] = (
    (("x",), "y", None, None),
    (("x", "x"), "x", None, None),
    (("x", "y"), "x", "b", "b"),
    (("x", "y"), "z", None, "b"),
    (("x", "y", "x", "z"), "x", "d", "d"),
    (("x", "y", "z"), "x", "b", "c"),
    (("x", None), "x", "b", None),
    (("x", None, "x"), "x", "b", None),
    (("x", None, "y"), "x", "b", "c"),
    ((None, "y"), "x", None, None),
)


@pytest.mark.parametrize(("names", "given", "removal", "last_edit"), CASES)
def test_the_history_of_a_field_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str | None, ...],
    given: str,
    removal: str | None,
    last_edit: str | None,
) -> None:
    """Each revision is parsed once for both answers."""
    parsed: list[bytes] = []

    def loads(body: bytes) -> Any:
        parsed.append(body)
        return json.JSONDecoder().decode(body.decode())

    monkeypatch.setattr(json, "loads", loads)
    history = read_field_history(Deviation("name", "stored", given), revisions(*names))
    assert [r and r.author for r in history] == [removal, last_edit]
    assert len(parsed) == sum(name is not None for name in names)
