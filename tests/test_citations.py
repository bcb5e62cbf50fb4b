"""Adding one source to an event and removing one: edits of the event, and of nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app import schemas
from stores import opened
from writing import Desk, Json, Record, desk_over, faults, furnish, unsound

pytestmark = pytest.mark.both_engines

SECOND = {"publisher": "Second Paper", "title": "Seen", "published": "2023-11-08"}


@pytest.fixture
def desk(empty: str) -> Iterator[Desk]:
    """A client of a store with two types and a source, sound in the end."""
    furnish(empty)
    with desk_over(empty) as made:
        yield made
    with opened(empty) as store:
        assert unsound(store) == []


def add(desk: Desk, event: Record, entry: Any, **headers: str) -> Any:
    """POST one source with the event's tag; gives the answer."""
    return desk.send("POST", f"{event.path}/sources", entry, If_Match=event.tag, **headers)


def remove(desk: Desk, event: Record, number: object) -> Any:
    """DELETE one source with the event's tag; gives the answer."""
    return desk.send("DELETE", f"{event.path}/sources/{number}", If_Match=event.tag)


def test_a_source_is_added_behind_the_others(desk: Desk) -> None:
    """One revision with its note; the answer is the event as a GET shows it, with its tag."""
    event = desk.event()
    path = f"{event.path}/sources?note=A+second+paper"
    entry = {**SECOND, "role": "context", "claims": ["date"], "quote": "came by", "locator": "p. 3"}
    with desk.watched() as changes:
        answer = desk.send("POST", path, entry, If_Match=event.tag)
    assert answer.status_code == 200
    now = desk.read(event.path)
    assert (answer.json(), answer.headers["etag"]) == (now.body, now.tag)
    assert now.tag != event.tag
    first, second = now.body["sources"]
    assert first == event.body["sources"][0]
    assert {name: second[name] for name in entry} == entry
    assert now.body == {
        **event.body,
        "sources": [first, second],
        "version": 2,
        "updated_at": now.body["updated_at"],
    }
    last, _ = desk.revisions(event)
    assert (last["version"], last["op"], last["note"]) == (2, "update", "A second paper")
    assert [(change["op"], change["id"]) for change in changes] == [
        ("update", event.body["id"]),
    ]


def test_a_source_is_removed_by_its_place(desk: Desk) -> None:
    """Counted from 0, as errors count; the others move up, and the source itself stays."""
    entries = [{"id": "wire"}, {**SECOND, "role": "contradicts"}, {"title": "Third"}]
    event = desk.event(sources=entries)
    one, two, three = event.body["sources"]
    answer = desk.send(
        "DELETE", f"{event.path}/sources/1?note=It+was+withdrawn", If_Match=event.tag
    )
    assert (answer.status_code, answer.json()["sources"]) == (200, [one, three])
    now = desk.read(event.path)
    assert (answer.json(), answer.headers["etag"]) == (now.body, now.tag)
    assert desk.get(f"/sources/{two['id']}")["events"] == 0
    assert desk.revisions(event)[0]["note"] == "It was withdrawn"
    assert remove(desk, now, 0).json()["sources"] == [three]


def test_adding_and_removing_again_leaves_what_was(desk: Desk) -> None:
    """But for what counts the edits."""
    event = desk.event()
    added = add(desk, event, SECOND)
    removed = remove(desk, Record(event.path, added.json(), added.headers["etag"]), 1)
    counted = dict.fromkeys(schemas.EDIT_MEMBERS)
    assert {**removed.json(), **counted} == {**event.body, **counted}
    assert removed.json()["version"] == 3


def test_a_retry_adds_nothing_more(desk: Desk) -> None:
    """It gets the first answer, though its tag is that of a state before."""
    event = desk.event()
    first, again = (add(desk, event, SECOND, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["etag"] == again.headers["etag"]
    assert len(desk.get(event.path)["sources"]) == 2


WIRE = {"id": "wire", "quote": "He came.", "claims": ["date", "title"]}
# What is added to an event that cites `wire` as WIRE says; whether it is another citation.
AGAIN: Mapping[str, tuple[Json, bool]] = {
    "the same": (WIRE, False),
    "its claims in another order": ({**WIRE, "claims": ["title", "date"]}, False),
    "its own fields beside its id": ({**WIRE, "publisher": "The Wire", "note": None}, False),
    "another quote": ({**WIRE, "quote": "He left."}, True),
    "no quote": ({"id": "wire"}, True),
    "another role": ({**WIRE, "role": "context"}, True),
    "another page": ({**WIRE, "locator": "p. 2"}, True),
    "a note": ({**WIRE, "note": "Checked."}, True),
    "fewer claims": ({**WIRE, "claims": ["date"]}, True),
}


def test_a_source_may_be_cited_again_in_other_words_only(desk: Desk) -> None:
    """In the same words it is there already, and the conflict says as which."""
    wrong = []
    for what, (entry, another) in AGAIN.items():
        event = desk.event(sources=[SECOND, WIRE])
        answer = add(desk, event, entry)
        if another:
            right = answer.status_code == 200 and len(answer.json()["sources"]) == 3
        else:
            message = "the event cites it in these words already: as source 1"
            right = faults(answer, 409, "conflict") == {"body": message}
            right = right and desk.read(event.path).tag == event.tag
        if not right:
            wrong.append((what, answer.status_code, answer.text[:200]))
    assert wrong == []


CHANGE = 'differs from the stored source: "x" is given, "The Wire" is stored; change it there '
# What is added, the status, and the beginning of what is said of each member.
REFUSED: Mapping[str, tuple[Any, int, dict[str, str]]] = {
    "a list": ([SECOND], 422, {"body": "give a JSON object"}),
    "a text": ("wire", 422, {"body": "give a JSON object"}),
    "nothing": ({}, 422, {"body": "give the source's `id`"}),
    "a slip": ({**SECOND, "publsher": "x"}, 422, {"publsher": "is not a member here"}),
    "two slips": ({"id": "wire", "qoute": "x", "clams": []}, 422, {"qoute": "", "clams": ""}),
    "an id that nothing has": ({"id": "wyre"}, 422, {"id": "there is no source 'wyre' wire?"}),
    "a field that differs": ({"id": "wire", "publisher": "x"}, 409, {"publisher": CHANGE}),
    "a role that is none": ({"id": "wire", "role": "suport"}, 422, {"role": ""}),
    "a claim that is none": ({"id": "wire", "claims": ["x"]}, 422, {"claims.0": ""}),
    "no date": ({**SECOND, "published": "8.11.2023"}, 422, {"published": ""}),
    "a list of sources": ({"sources": [SECOND]}, 422, {"sources": "is not a member here"}),
}


def test_what_is_refused_is_named_as_it_was_sent(desk: Desk) -> None:
    """By its own member, not by a place in the event; and nothing is stored."""
    event, before = desk.event(), desk.state
    wrong = []
    for what, (entry, status, messages) in REFUSED.items():
        answer = add(desk, event, entry)
        code = "conflict" if status == 409 else "invalid-body"
        said = faults(answer, status, code)
        fits = said.keys() == messages.keys() and all(
            said[name].startswith(message) for name, message in messages.items()
        )
        if not fits:
            wrong.append((what, said))
    assert wrong == []
    assert desk.state == before


def test_the_last_source_that_supports_an_event_stays(desk: Desk) -> None:
    """As in a patch; the refusal says how to go on."""
    event = desk.event(sources=[{"id": "wire"}, {**SECOND, "role": "context"}])
    said = faults(remove(desk, event, 0), 409, "conflict")
    assert list(said) == ["n"]
    assert "POST" in said["n"]
    patched = desk.send(
        "PATCH", event.path, {"sources": [{**SECOND, "role": "context"}]}, If_Match=event.tag
    )
    assert "/sources" in faults(patched, 409, "conflict")["sources"]
    assert remove(desk, event, 1).status_code == 200


def test_a_place_that_is_none_is_not_found(desk: Desk) -> None:
    """And what places there are is said."""
    event = desk.event(sources=[{"id": "wire"}, SECOND])
    for place in (2, 2**31 - 1):
        said = faults(remove(desk, event, place), 404, "not-found")
        assert said == {"n": f"there is no source {place}: they count from 0 to 1"}
    for number in ("-1", "x", "1.5", 2**31, "%00", "9" * 5000):
        assert list(faults(remove(desk, event, number), 422, "invalid-parameters")) == ["n"]
    assert desk.read(event.path) == event


def test_an_edit_needs_the_tag_of_the_state_that_was_read(desk: Desk) -> None:
    """Each without, with an old one, and with the new one; of an event that is there."""
    event = desk.event(sources=[{"id": "wire"}, SECOND])
    for method, path, body in (
        ("POST", f"{event.path}/sources", {"title": "Third"}),
        ("DELETE", f"{event.path}/sources/1", None),
    ):
        stale = desk.read(event.path).tag
        desk.patch(desk.read(event.path), summary=f"Before {method}")
        faults(desk.send(method, path, body), 428, "precondition-required")
        faults(desk.send(method, path, body, If_Match=stale), 412, "precondition-failed")
        fresh = desk.read(event.path).tag
        assert desk.send(method, path, body, If_Match=fresh).status_code == 200
        nowhere = path.replace(event.body["id"], "nothing")
        faults(desk.send(method, nowhere, body, If_Match=fresh), 404, "not-found")
    desk.delete(event)
    faults(add(desk, event, SECOND), 410, "gone")
    faults(remove(desk, event, 0), 410, "gone")


def test_an_event_has_a_bounded_number_of_sources(desk: Desk) -> None:
    """One more is refused in these words, and with one less there is room again."""
    entries = [{"title": f"Report {n}"} for n in range(schemas.MAX_SOURCES)]
    event = desk.event(sources=entries)
    said = faults(add(desk, event, SECOND), 409, "conflict")
    full = f"the event has {schemas.MAX_SOURCES} sources, and can have no more"
    assert said == {"body": full}
    removed = remove(desk, event, schemas.MAX_SOURCES - 1)
    room = Record(event.path, removed.json(), removed.headers["etag"])
    assert add(desk, room, SECOND).status_code == 200
