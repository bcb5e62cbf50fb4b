"""Writing, rule by rule: what is looked up, on which condition, what follows, and what is kept."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app import words
from app.writes.events import find_missing
from stores import Stores, opened
from writing import (
    AUTHOR,
    PATCHING,
    Desk,
    Json,
    Record,
    desk_over,
    event,
    faults,
    furnish,
    key_of,
    unsound,
)

pytestmark = pytest.mark.both_engines


@pytest.fixture(scope="module")
def desk(stores: Stores, empty_template: str) -> Iterator[Desk]:
    """A desk over a store that the tests of this file share, each with records of its own."""
    url = stores.new(empty_template)
    furnish(url)
    with desk_over(url) as made:
        yield made
    with opened(url) as store:
        assert unsound(store) == []


COUNTED = ("version", "updated_at")


def same_but(one: Json, other: Json, *members: str) -> bool:
    """Whether two documents differ in nothing but these members."""
    return {n: v for n, v in one.items() if n not in members} == {
        n: v for n, v in other.items() if n not in members
    }


# -- new records ----------------------------------------------------------------------------------


def test_a_new_event_is_answered_as_get_answers_it(desk: Desk) -> None:
    """201 with its address and its tag, every key there, nothing read in between."""
    event_id = desk.name("event")
    answer = desk.send("POST", "/events", event(id=event_id))
    read = desk.client.get(f"/events/{event_id}")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://testserver/events/{event_id}"
    assert answer.headers["etag"] == read.headers["etag"]
    assert answer.content == read.content
    assert answer.json()["version"] == 1
    assert answer.json()["created_at"] == answer.json()["updated_at"]
    assert answer.json()["summary"] is None
    assert answer.json()["actors"] == []


def test_an_event_without_an_id_is_named_after_date_and_title(desk: Desk) -> None:
    """And the next of that name gets a number; neither an id that is taken nor one that was."""
    title = f"Über Vučić, {desk.name('Nr')}!"
    base = words.make_slug(f"2023-11-06 {title}")
    made = [desk.add("/events", event(title=title)) for _ in range(2)]
    desk.delete(made[1])
    made += [desk.add("/events", event(title=title)) for _ in range(2)]
    assert [record.body["id"] for record in made] == [base, f"{base}-2", f"{base}-3", f"{base}-4"]


def test_an_id_that_is_taken_is_a_conflict(desk: Desk) -> None:
    """Of any kind; what is stored stays."""
    taken = desk.event()
    answer = desk.send("POST", "/events", event(id=taken.body["id"], title="Another"))
    assert "already" in faults(answer, 409, "conflict")["id"]
    answer = desk.send("POST", "/types", {"id": "visit", "label": "Another"})
    assert "already" in faults(answer, 409, "conflict")["id"]
    assert desk.read(taken.path) == taken


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("wrong", ["Ä", "two words", "", "a--b", "-a", "a" * 101])
def test_an_id_is_a_slug(desk: Desk, method: str, wrong: str) -> None:
    """Small letters and digits, joined by hyphens, 100 at most."""
    if method == "POST":
        answer = desk.send("POST", "/events", event(id=wrong))
    elif wrong:
        answer = desk.send("PUT", f"/events/{wrong}", event())
    else:
        return
    assert list(faults(answer, 422, "invalid-body")) == ["id"]


def test_the_id_in_a_body_is_that_of_the_path(desk: Desk) -> None:
    """Ids do not change; the error names the right one."""
    record = desk.event()
    for method in ("PUT", "PATCH"):
        body = event(id="another") if method == "PUT" else {"id": "another"}
        answer = desk.send(method, record.path, body, If_Match=record.tag)
        assert f"{record.body['id']}?" in faults(answer, 422, "invalid-body")["id"]


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/events", {"titel": "x"}, {"titel": "title?"}),
        ("/events", {"date": {"edtf": "2023", "txt": "x"}}, {"date.txt": "text?"}),
        ("/events", {"sources": [{"id": "wire", "ulr": "x"}]}, {"sources.0.ulr": "url?"}),
        ("/events", {"actors": [{"name": "x", "rol": "y"}]}, {"actors.0.rol": "role?"}),
        ("/actors", {"name": "x", "kin": "person"}, {"kin": "kind?"}),
        ("/sources", {"publishr": "x", "title": "y"}, {"publishr": "publisher?"}),
        ("/places", {"name": "x", "lattitude": 1}, {"lattitude": "latitude?"}),
        ("/types", {"label": "x", "colour": "red"}, {"colour": "label, description"}),
    ],
)
def test_an_unknown_member_is_named(desk: Desk, path: str, body: Json, wrong: Json) -> None:
    """With the nearest that is known."""
    answer = desk.send("POST", path, event(**body) if path == "/events" else body)
    told = faults(answer, 422, "invalid-body")
    assert list(told) == list(wrong)
    for name, said in wrong.items():
        assert said in told[name]


def test_a_type_must_exist(desk: Desk) -> None:
    """The error suggests the nearest."""
    told = faults(desk.send("POST", "/events", event(type="visits")), 422, "invalid-body")
    assert told == {"type": "there is no type 'visits' visit?"}


def test_an_event_needs_a_source_that_supports_it(desk: Desk) -> None:
    """Neither none nor one that only gives context."""
    for sources in ([], [{"id": "wire", "role": "context"}]):
        faults(desk.send("POST", "/events", event(sources=sources)), 422, "invalid-body")


def test_what_is_refused_leaves_nothing_behind(desk: Desk) -> None:
    """Not even what the event would have made on its way."""
    name = desk.name("Nobody")
    state = desk.state
    body = event(
        actors=[{"name": name}], tags=[name], related=[{"event": "no", "relation": "causes"}]
    )
    assert "related.0.event" in faults(desk.send("POST", "/events", body), 422, "invalid-body")
    assert desk.state == state
    assert desk.get(f"/actors?q={name}")["items"] == []
    assert desk.get(f"/tags?q={name}")["items"] == []


def test_any_number_of_ids_is_looked_up(stores: Stores, empty_template: str) -> None:
    """Engines take some ten thousand parameters; an import has as many events as it has."""
    with opened(stores.new(empty_template)) as store, store.write() as session:
        asked = {f"event-{number}" for number in range(70_000)}
        assert find_missing(session, asked) == asked


def test_an_event_does_not_relate_to_itself(desk: Desk) -> None:
    """Neither when it is made nor later."""
    loop = [{"event": "loop", "relation": "follows"}]
    answer = desk.send("PUT", "/events/loop", event(related=loop))
    assert list(faults(answer, 422, "invalid-body")) == ["related.0.event"]


def test_a_link_to_no_event_names_the_nearest(desk: Desk) -> None:
    """As every unknown value."""
    target = desk.event().body["id"]
    body = event(related=[{"event": f"{target}x", "relation": "follows"}])
    told = faults(desk.send("POST", "/events", body), 422, "invalid-body")
    assert told["related.0.event"].endswith(f"{target}?")


# -- what an event names --------------------------------------------------------------------------


def test_an_actor_or_place_is_found_by_its_name(desk: Desk) -> None:
    """Whatever its case and diacritics; used as it is stored."""
    name = desk.name("Vučić")
    actor = desk.add("/actors", {"name": name, "kind": "person"})
    place = desk.add("/places", {"name": name, "country": "RS"})
    made = desk.event(
        actors=[{"name": name.upper(), "kind": "person", "role": "host"}],
        places=[{"name": name.replace("č", "c").replace("ć", "c")}],
    )
    assert [part["id"] for part in made.body["actors"]] == [actor.body["id"]]
    assert (made.body["actors"][0]["name"], made.body["actors"][0]["kind"]) == (name, "person")
    assert [part["id"] for part in made.body["places"]] == [place.body["id"]]
    assert made.body["places"][0]["country"] == "RS"


def test_an_actor_is_found_by_an_alias(desk: Desk) -> None:
    """Folded likewise."""
    alias = desk.name("SOCAR Türkiye")
    actor = desk.add("/actors", {"name": desk.name("State Oil"), "aliases": ["x", alias]})
    made = desk.event(actors=[{"name": alias.lower()}])
    assert [part["id"] for part in made.body["actors"]] == [actor.body["id"]]


def test_a_name_that_several_bear_is_a_conflict(desk: Desk) -> None:
    """Which lists them; an id decides."""
    name = desk.name("Jovan")
    ids = [desk.add("/actors", {"name": name}).body["id"]]
    ids.append(desk.add("/actors", {"name": desk.name("J"), "aliases": [name]}).body["id"])
    answer = desk.send("POST", "/events", event(actors=[{"id": ids[0]}, {"name": name}]))
    assert ", ".join(sorted(ids)) in faults(answer, 409, "conflict")["actors.1"]
    made = desk.event(actors=[{"id": ids[1], "name": desk.read(f"/actors/{ids[1]}").body["name"]}])
    assert made.body["actors"][0]["id"] == ids[1]


def test_a_new_name_makes_an_actor_and_a_place(desk: Desk) -> None:
    """With all that is given of it, its first revision by the event's author."""
    name = desk.name("Name")
    made = desk.event(
        actors=[{"name": name, "country": "RS", "aliases": ["N."]}, {"name": name, "role": "host"}],
        places=[{"name": name, "latitude": 44.8125, "longitude": 20.4612}],
    )
    actor, again = made.body["actors"]
    assert actor["id"] == again["id"] == words.make_slug(name)
    stored = desk.read(f"/actors/{actor['id']}")
    assert (stored.body["country"], stored.body["aliases"]) == ("RS", ["N."])
    place = desk.read(f"/places/{made.body['places'][0]['id']}")
    assert (place.body["latitude"], place.body["longitude"]) == (44.8125, 20.4612)
    for record in (stored, place):
        assert [(r["op"], r["author"]) for r in desk.revisions(record)] == [("create", AUTHOR)]


def test_a_source_is_found_by_its_url(desk: Desk) -> None:
    """By the exact one alone."""
    url = f"https://news.example/{desk.name()}"
    known = desk.add("/sources", {"url": url, "title": "As stored"})
    found = desk.event(sources=[{"url": url, "title": "As stored"}])
    assert [(s["id"], s["title"]) for s in found.body["sources"]] == [
        (known.body["id"], "As stored")
    ]
    other = desk.event(sources=[{"url": f"{url}/"}])
    assert other.body["sources"][0]["id"] != known.body["id"]


def test_a_source_is_found_by_publisher_title_and_date(desk: Desk) -> None:
    """By all three, the publisher however spelt; two of them are another source."""
    said = {"publisher": desk.name("Turan"), "title": "Gas", "published": "2023-11"}
    known = desk.add("/sources", said).body["id"]
    found = desk.event(sources=[{**said, "publisher": said["publisher"].upper()}])
    assert found.body["sources"][0]["id"] == known
    for left_out in said:
        part = {name: value for name, value in said.items() if name != left_out}
        assert desk.event(sources=[part]).body["sources"][0]["id"] != known


@pytest.mark.parametrize("by", ["url", "words"])
def test_a_source_that_several_fit_is_a_conflict(desk: Desk, by: str) -> None:
    """Which lists them."""
    said: Json = {"url": f"https://twice.example/{desk.name()}"}
    if by == "words":
        said = {"publisher": desk.name("Twice"), "title": "T", "published": "2023"}
    ids = [desk.add("/sources", {**said, "language": "en"}).body["id"] for _ in range(2)]
    answer = desk.send("POST", "/events", event(sources=[{"id": "wire"}, said]))
    assert ", ".join(ids) in faults(answer, 409, "conflict")["sources.1"]


CONTRADICTIONS: dict[str, tuple[str, Json, Json]] = {
    "sources": ("sources", {"publisher": "P", "title": "T"}, {"title": "Another"}),
    "a null": ("sources", {"publisher": "P", "title": "T"}, {"title": None}),
    "actors": ("actors", {"name": "N", "country": "RS"}, {"country": "AZ"}),
    "aliases": ("actors", {"name": "N", "aliases": ["a"]}, {"aliases": ["b"]}),
    "places": ("places", {"name": "N", "latitude": 1.5, "longitude": 2}, {"latitude": 1.25}),
}


@pytest.mark.parametrize("of", CONTRADICTIONS)
def test_a_field_that_differs_from_the_stored_one_is_a_conflict(desk: Desk, of: str) -> None:
    """It names the field and where to change it: an event changes no shared record."""
    part, stored, wrong = CONTRADICTIONS[of]
    record = desk.add(f"/{part}", {"id": desk.name("own"), **stored})
    given = {"id": record.body["id"], **stored, **wrong}
    if part == "sources":
        given["role"] = "context"
    members = {part: [*([{"id": "wire"}] if part == "sources" else []), given]}
    told = faults(desk.send("POST", "/events", event(**members)), 409, "conflict")
    number = len(members[part]) - 1
    assert list(told) == [f"{part}.{number}.{name}" for name in wrong]
    assert f"PATCH {record.path}" in next(iter(told.values()))
    assert desk.read(record.path) == record


def test_an_id_with_what_is_stored_is_no_contradiction(desk: Desk) -> None:
    """Null and all, as GET answers it; new citations are the event's own."""
    actor = desk.add("/actors", {"name": desk.name("A"), "url": "https://a.example/"}).body
    source = desk.read("/sources/wire").body
    for record in (actor, source):
        del record["events"]
    made = desk.event(actors=[{**actor, "role": "x"}], sources=[{**source, "quote": "Q"}])
    assert made.body["actors"][0]["role"] == "x"
    assert made.body["sources"][0]["quote"] == "Q"


def test_an_id_alone_that_nothing_has_names_the_nearest(desk: Desk) -> None:
    """An id with a name would make it."""
    answer = desk.send("POST", "/events", event(sources=[{"id": "wires"}]))
    assert faults(answer, 422, "invalid-body") == {
        "sources.0.id": "there is no source 'wires' wire?"
    }
    actor_id = desk.name("made")
    assert desk.event(actors=[{"id": actor_id, "name": "M"}]).body["actors"][0]["id"] == actor_id


def test_a_deleted_record_is_not_made_anew(desk: Desk) -> None:
    """It would lose its past; the error says how it comes back."""
    actor = desk.add("/actors", {"name": desk.name("Gone")})
    desk.delete(actor)
    body = event(actors=[{"id": actor.body["id"], "name": "Gone"}])
    told = faults(desk.send("POST", "/events", body), 409, "conflict")
    assert f"POST {actor.path}/restore" in told["actors.0.id"]


def test_an_unknown_publisher_is_null(desk: Desk) -> None:
    """Nobody's name is invented."""
    made = desk.event(sources=[{"title": desk.name("Untold"), "accessed": "2024-02"}])
    assert made.body["sources"][0]["publisher"] is None


def test_a_source_with_nothing_known_is_refused(desk: Desk) -> None:
    """Inline and by itself: an author alone does not find it again."""
    faults(desk.send("POST", "/sources", {"author": "A"}), 422, "invalid-body")
    faults(desk.send("POST", "/events", event(sources=[{"author": "A"}])), 422, "invalid-body")


# -- conditions -----------------------------------------------------------------------------------

CHANGING: dict[str, Json | None] = {"PUT": event(), "PATCH": {"title": "New"}, "DELETE": None}
changing = pytest.mark.parametrize("method", CHANGING)


def new(desk: Desk, kind: str) -> Record:
    """A record of any kind."""
    if kind == "event":
        return desk.event()
    name = desk.name("New")
    fields = {"source": {"title": name}, "type": {"label": name}}
    return desk.add(f"/{kind}s", fields.get(kind, {"name": name}))


@changing
@pytest.mark.parametrize("kind", ["event", "source", "actor", "place", "type"])
def test_a_change_needs_if_match(desk: Desk, kind: str, method: str) -> None:
    """428 without it, for every kind of record."""
    record = new(desk, kind)
    body = record.body if method == "PUT" else CHANGING[method]
    faults(desk.send(method, record.path, body), 428, "precondition-required")
    assert desk.read(record.path) == record


@changing
@pytest.mark.parametrize(
    "tags",
    [
        lambda tag: '"0123456789abcdef01234567"',
        lambda tag: f"W/{tag}",
        lambda tag: f'W/{tag}, "another"',
        lambda tag: tag.strip('"')[:-1],
        lambda tag: "",
    ],
    ids=["another", "weak", "several", "cut", "empty"],
)
def test_a_tag_that_is_not_the_record_s_own_is_stale(
    desk: Desk, method: str, tags: Callable[[str], str]
) -> None:
    """If-Match compares strongly (RFC 9110 section 13.1.1)."""
    record = desk.event()
    answer = desk.send(method, record.path, CHANGING[method], If_Match=tags(record.tag))
    faults(answer, 412, "precondition-failed")
    assert desk.read(record.path) == record


@changing
@pytest.mark.parametrize("tags", ["{}", '"another", {}', "*"])
def test_the_tag_may_be_one_of_several_or_any(desk: Desk, method: str, tags: str) -> None:
    """`*` takes the record as it is now."""
    record = desk.event()
    answer = desk.send(method, record.path, CHANGING[method], If_Match=tags.format(record.tag))
    assert answer.status_code in (200, 204), answer.text


@changing
def test_a_tag_of_what_is_not_there(desk: Desk, method: str) -> None:
    """404, but PUT would create: 412, also for `*`."""
    path = f"/events/{desk.name('none')}"
    for tag in ('"x"', "*"):
        answer = desk.send(method, path, CHANGING[method], If_Match=tag)
        if method == "PUT":
            faults(answer, 412, "precondition-failed")
        else:
            faults(answer, 404, "not-found")


def test_the_tag_of_an_earlier_state_is_stale(desk: Desk) -> None:
    """The second of two edits of one state is refused."""
    record = desk.event()
    desk.patch(record, title="First")
    answer = desk.send("PATCH", record.path, {"title": "Second"}, If_Match=record.tag)
    faults(answer, 412, "precondition-failed")
    assert desk.read(record.path).body["title"] == "First"


def test_if_none_match_creates_only(desk: Desk) -> None:
    """`*` alone; another value is malformed."""
    path = f"/events/{desk.name('event')}"
    assert desk.send("PUT", path, event(), If_None_Match="*").status_code == 201
    answer = desk.send("PUT", path, event(title="x"), If_None_Match="*")
    faults(answer, 412, "precondition-failed")
    assert list(
        faults(desk.send("PUT", path, event(), If_None_Match='"x"'), 400, "bad-request")
    ) == ["If-None-Match"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events", event()),
        ("/sources", {"title": "T"}),
        ("/actors", {"name": "Put"}),
        ("/places", {"name": "Put"}),
        ("/types", {"label": "Put"}),
    ],
)
def test_put_creates_where_nothing_is(desk: Desk, path: str, body: Json) -> None:
    """201 with its address, under the id of the path."""
    record_id = desk.name("put")
    answer = desk.send("PUT", f"{path}/{record_id}", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["id"] == record_id
    assert answer.headers["location"].endswith(f"{path}/{record_id}")


# -- replacing ------------------------------------------------------------------------------------


def rich(desk: Desk) -> Record:
    """An event that has everything."""
    name = desk.name("Rich")
    target = desk.event().body["id"]
    return desk.event(
        summary="All there is.",
        date={"edtf": "2023-11-06/2023-11-08", "text": "from Monday to Wednesday"},
        status="completed",
        actors=[{"name": name, "role": "host"}, {"name": f"{name} B"}, {"name": name}],
        places=[
            {"name": name, "country": "RS", "latitude": 44.8125, "longitude": 20.4612},
            {"name": f"{name} C", "latitude": 0, "longitude": -0.1},
        ],
        quantities=[
            {"measure": "value", "value": "300000000.00", "unit": "USD", "qualifier": "at-least"},
            {"measure": "share", "value": "1.5", "max_value": "2", "qualifier": "between"},
        ],
        tags=[name, "gas"],
        related=[{"event": target, "relation": "follows"}, {"event": target, "relation": "causes"}],
        sources=[
            {
                "id": "wire",
                "claims": ["type", "date"],
                "quote": "Q",
                "locator": "p. 1",
                "note": "N",
            },
            {"publisher": name, "url": f"https://{name.lower()}.example/", "role": "contradicts"},
        ],
    )


@pytest.mark.parametrize("kind", ["event", "source", "actor", "place", "type"])
def test_a_document_that_is_put_back_as_it_was_read_changes_nothing(desk: Desk, kind: str) -> None:
    """No revision, no entry of the feed, no new tag, though it bears all that is derived."""
    event_read = rich(desk)
    named = {
        "source": f"/sources/{event_read.body['sources'][1]['id']}",
        "actor": f"/actors/{event_read.body['actors'][0]['id']}",
        "place": f"/places/{event_read.body['places'][0]['id']}",
        "type": "/types/contract",
    }
    record = desk.read(named.get(kind, event_read.path))
    state, revisions = desk.state, desk.revisions(record)
    with desk.watched() as seen:
        assert desk.put(record) == record
    assert (seen, desk.state, desk.revisions(record)) == ([], state, revisions)


def test_put_replaces_the_whole(desk: Desk) -> None:
    """What is left out is gone, created_at stays."""
    record = rich(desk)
    answer = desk.send("PUT", record.path, event(title="Bare"), If_Match=record.tag)
    bare = desk.event(title="Bare").body
    assert answer.status_code == 200
    assert same_but(answer.json(), bare, "id", "version", "created_at", "updated_at")
    assert (answer.json()["version"], answer.json()["created_at"]) == (2, record.body["created_at"])
    assert answer.json()["updated_at"] > record.body["updated_at"]
    assert answer.headers["etag"] == desk.read(record.path).tag != record.tag


def test_an_edited_document_is_put_back(desk: Desk) -> None:
    """The members that are derived repeat what was read; they follow the edit in the answer."""
    record = rich(desk)
    edited = {**record.body["date"], "edtf": "2023-12"}
    put = desk.put(record, date=edited, tags=["gas"])
    assert put.body["date"]["earliest"] == "2023-12-01"
    assert put.body["date"]["text"] == record.body["date"]["text"]
    assert same_but(put.body, record.body, "date", "tags", *COUNTED)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"version": 7}, ["version"]),
        ({"created_at": "2020-01-01T00:00:00Z"}, ["created_at"]),
        ({"date": {"edtf": "2023-11-06", "earliest": "2023-11-05"}}, ["date.earliest"]),
        ({"date": {"edtf": "2023-11-06", "label": "x"}, "updated_at": None}, None),
    ],
)
def test_put_refuses_a_derived_member_that_differs(
    desk: Desk, members: Json, named: list[str] | None
) -> None:
    """It would be lost in silence."""
    record = desk.event()
    body = {**record.body, **members}
    answer = desk.send("PUT", record.path, body, If_Match=record.tag)
    told = faults(answer, 422, "invalid-body")
    assert sorted(told) == (named or ["date.label", "updated_at"])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_derived_member_stands_nowhere_but_in_a_put_of_what_was_read(
    desk: Desk, method: str
) -> None:
    """Not even as it is."""
    record = desk.event()
    path = "/events" if method == "POST" else record.path
    body: Json = event() if method == "POST" else {}
    if method == "PUT":
        path, body = f"/events/{desk.name('event')}", event()
    body |= {"version": 1, "date": record.body["date"]}
    answer = desk.send(
        method, path, body, **({"If_Match": record.tag} if method == "PATCH" else {})
    )
    assert set(faults(answer, 422, "invalid-body")) >= {"version", "date.earliest", "date.label"}


def test_the_number_of_events_is_derived(desk: Desk) -> None:
    """Of a record that they bear."""
    actor = desk.add("/actors", {"name": desk.name("Counted")})
    answer = desk.send("PUT", actor.path, {**actor.body, "events": 5}, If_Match=actor.tag)
    assert list(faults(answer, 422, "invalid-body")) == ["events"]
    answer = desk.send("PATCH", actor.path, {"events": 0}, If_Match=actor.tag)
    assert list(faults(answer, 422, "invalid-body")) == ["events"]


def test_the_last_supporting_source_stays(desk: Desk) -> None:
    """409: an event without one is to be deleted instead."""
    record = desk.event()
    for sources in ([], [{"id": "wire", "role": "context"}]):
        put = desk.send("PUT", record.path, event(sources=sources), If_Match=record.tag)
        patched = desk.send("PATCH", record.path, {"sources": sources}, If_Match=record.tag)
        for answer in (put, patched):
            assert list(faults(answer, 409, "conflict")) == ["sources"]
    assert desk.read(record.path) == record


# -- patching -------------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names(desk: Desk) -> None:
    """And nothing else."""
    record = rich(desk)
    patched = desk.patch(record, title="Patched", status="cancelled")
    assert (patched.body["title"], patched.body["status"]) == ("Patched", "cancelled")
    assert same_but(patched.body, record.body, "title", "status", *COUNTED)
    assert patched.body["version"] == 2


def test_null_removes(desk: Desk) -> None:
    """A text is null, a list is empty; what every event needs cannot go."""
    record = rich(desk)
    patched = desk.patch(record, summary=None, actors=None, tags=None).body
    assert (patched["summary"], patched["actors"], patched["tags"]) == (None, [], [])
    for needed in ("title", "type", "date"):
        answer = desk.send("PATCH", record.path, {needed: None}, If_Match="*")
        assert list(faults(answer, 422, "invalid-body")) == [needed]


@pytest.mark.parametrize(
    ("path", "patch", "name"),
    [
        ("/events", {"sumary": None}, "sumary"),
        ("/events", {"date": {"txet": None}}, "date.txet"),
        ("/actors", {"nmae": None}, "nmae"),
        ("/actors", {"date": "2024"}, "date"),
        ("/types", {"date": {"edtf": "2024"}}, "date"),
    ],
)
def test_a_patch_names_only_what_there_is(desk: Desk, path: str, patch: Json, name: str) -> None:
    """Also where it would remove it: a slip must not pass for a change."""
    bodies = {"/actors": {"name": "A body"}, "/types": {"label": "Hearing"}}
    record = desk.add(path, bodies.get(path) or event(id=desk.name("event")))
    answer = desk.send("PATCH", record.path, patch, If_Match=record.tag)
    assert list(faults(answer, 422, "invalid-body")) == [name]


def test_a_list_is_replaced_whole(desk: Desk) -> None:
    """RFC 7396 knows no other way."""
    record = rich(desk)
    kept = record.body["actors"][1]
    assert desk.patch(record, actors=[kept]).body["actors"] == [kept]


def test_a_patch_that_alters_nothing_writes_nothing(desk: Desk) -> None:
    """Empty, or what is stored already, however it is put."""
    record = rich(desk)
    first = record.body["actors"][0]
    for members in (
        {},
        {"title": record.body["title"]},
        {"date": {"edtf": record.body["date"]["edtf"]}},
        {"tags": [tag.upper() for tag in record.body["tags"]] * 2},
        {"actors": [{"name": first["name"], "role": "host"}, *record.body["actors"][1:]]},
    ):
        with desk.watched() as seen:
            assert desk.patch(record, **members) == record
        assert seen == []
    assert len(desk.revisions(record)) == 1


@pytest.mark.parametrize("media", [PATCHING, "application/json"])
def test_both_media_types_patch(desk: Desk, media: str) -> None:
    """RFC 7396 and what most clients send."""
    record = desk.event()
    answer = desk.send(
        "PATCH", record.path, {"title": "x"}, If_Match=record.tag, Content_Type=media
    )
    assert answer.json()["title"] == "x"


@pytest.mark.parametrize(
    ("method", "media"),
    [("PATCH", "application/json-patch+json"), ("PATCH", "text/plain"), ("PUT", PATCHING)],
)
def test_another_media_type_is_refused(desk: Desk, method: str, media: str) -> None:
    """415; a merge patch is no whole document."""
    record = desk.event()
    answer = desk.send(method, record.path, event(), If_Match=record.tag, Content_Type=media)
    faults(answer, 415, "unsupported-media-type")


def test_another_date_forgets_what_was_said_of_this_one(desk: Desk) -> None:
    """`text` is cleared where `edtf` changes without it, however the date is given."""
    for given in ({"edtf": "2024"}, "2024"):
        record = rich(desk)
        date = desk.patch(record, date=given).body["date"]
        assert (date["edtf"], date["text"], date["label"]) == ("2024", None, "2024")


def test_the_text_of_a_date_stays_with_it(desk: Desk) -> None:
    """Where the date stays, and where another text is given with another date."""
    record = rich(desk)
    same = desk.patch(record, date={"edtf": record.body["date"]["edtf"]}, title="x")
    assert same.body["date"] == record.body["date"]
    assert desk.patch(same, date=record.body["date"]["edtf"]).body == same.body
    other = desk.patch(same, date={"edtf": "2024", "text": "in 2024"})
    assert (other.body["date"]["edtf"], other.body["date"]["text"]) == ("2024", "in 2024")
    alone = desk.patch(other, date={"text": "that year"})
    assert (alone.body["date"]["edtf"], alone.body["date"]["text"]) == ("2024", "that year")
    assert desk.patch(alone, date={"text": None}).body["date"]["text"] is None


@pytest.mark.parametrize("patch", [[], "x", 5, None])
def test_a_patch_is_an_object(desk: Desk, patch: Any) -> None:
    """Anything else would replace the whole."""
    record = desk.event()
    told = {"Authorization": f"Bearer {desk.key}", "If-Match": record.tag, "Content-Type": PATCHING}
    answer = desk.client.patch(record.path, content=json.dumps(patch), headers=told)
    assert list(faults(answer, 422, "invalid-body")) == ["body"]


# -- tags and publishers --------------------------------------------------------------------------


def test_a_tag_lives_as_long_as_an_event_bears_it(desk: Desk) -> None:
    """One however it is spelt; gone with the last that names it."""
    tag = desk.name("Żółw")
    first, second = desk.event(tags=[tag]), desk.event(tags=[tag.upper()])
    (found,) = desk.get(f"/tags?q={tag}")["items"]
    assert (found["name"], found["events"]) == (tag, 2)
    assert second.body["tags"] == [tag]
    desk.delete(first)
    assert desk.get(f"/tags/{found['id']}")["events"] == 1
    edited = desk.patch(second, tags=[f"{tag}-2"])
    assert desk.client.get(f"/tags/{found['id']}").status_code == 404
    (other,) = desk.get(f"/tags?q={tag}-2")["items"]
    desk.delete(edited)
    assert desk.client.get(f"/tags/{other['id']}").status_code == 404


def test_a_publisher_lives_as_long_as_a_source_names_it(desk: Desk) -> None:
    """Likewise, of sources."""
    name = desk.name("Publisher")
    first = desk.add("/sources", {"publisher": name})
    second = desk.add("/sources", {"publisher": name.upper(), "title": "T"})
    (found,) = desk.get(f"/publishers?q={name}")["items"]
    assert second.body["publisher"] == name
    desk.delete(second)
    assert desk.get(f"/publishers/{found['id']}")["name"] == name
    desk.patch(first, publisher=None, title="T")
    assert desk.client.get(f"/publishers/{found['id']}").status_code == 404


# -- deleting and restoring -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["event", "source", "actor", "place", "type"])
def test_what_was_deleted_is_gone(desk: Desk, kind: str) -> None:
    """410 with a link to its revisions; nobody changes it, and its id is not given again."""
    record = new(desk, kind)
    desk.delete(record)
    gone = desk.client.get(record.path)
    faults(gone, 410, "gone")
    assert gone.links["version-history"]["url"] == f"{record.path}/revisions"
    assert desk.client.get(gone.links["version-history"]["url"]).status_code == 200
    faults(desk.send("PATCH", record.path, {}, If_Match=record.tag), 410, "gone")
    faults(desk.send("DELETE", record.path, If_Match=record.tag), 410, "gone")
    body = {n: v for n, v in record.body.items() if n not in {"events", *COUNTED, "created_at"}}
    if kind == "event":
        body["date"] = "2023-11-06"
    for answer in (
        desk.send("POST", record.path.rpartition("/")[0], body),
        desk.send("PUT", record.path, body),
        desk.send("PUT", record.path, body, If_Match=record.tag),
        desk.send("PUT", record.path, body, If_None_Match="*"),
    ):
        assert f"POST {record.path}/restore" in faults(answer, 409, "conflict")["id"]


@pytest.mark.parametrize("kind", ["event", "source", "actor", "place", "type"])
def test_what_is_restored_is_as_it_was(desk: Desk, kind: str) -> None:
    """As its next version, with its first day."""
    record = new(desk, kind)
    desk.delete(record)
    back = desk.restore(record)
    assert same_but(back.body, record.body, *COUNTED)
    assert desk.read(record.path) == back
    told = [(r["version"], r["op"]) for r in desk.revisions(record)]
    assert told == [(3, "restore"), (2, "delete"), (1, "create")]
    if kind == "event":
        assert back.body["version"] == 3
        assert back.body["updated_at"] > record.body["updated_at"]


def test_a_rich_event_is_restored_whole(desk: Desk) -> None:
    """With citations, links, quantities and tags, as it was last edited."""
    record = desk.patch(rich(desk), title="Last edit")
    desk.delete(record)
    assert same_but(desk.restore(record).body, record.body, *COUNTED)


def test_to_the_feed_what_is_restored_is_new(desk: Desk) -> None:
    """A follower had let it go."""
    record = desk.event()
    with desk.watched() as seen:
        desk.delete(record)
        desk.restore(record)
    told = [(c["op"], c["version"], c["event"] and c["event"]["version"]) for c in seen]
    assert told == [("delete", 2, None), ("create", 3, 3)]


def test_what_is_not_deleted_cannot_be_restored(desk: Desk) -> None:
    """409 where it is there, 404 where it never was."""
    record = desk.event()
    faults(desk.send("POST", f"{record.path}/restore"), 409, "conflict")
    faults(desk.send("POST", f"/events/{desk.name('never')}/restore"), 404, "not-found")


def test_a_restored_event_shows_what_it_names_as_it_is_now(desk: Desk) -> None:
    """What was corrected meanwhile stays corrected."""
    record = rich(desk)
    actor = f"/actors/{record.body['actors'][0]['id']}"
    desk.delete(record)
    desk.patch(desk.read(actor), name="Corrected", country="AZ")
    back = desk.restore(record)
    assert (back.body["actors"][0]["name"], back.body["actors"][0]["country"]) == (
        "Corrected",
        "AZ",
    )
    assert back.body["actors"][0]["role"] == "host"


def test_what_a_deleted_event_names_comes_back_before_it(desk: Desk) -> None:
    """409 names each record that is gone and how it comes back: aliases would be lost otherwise."""
    kinds = {
        "type": "/types",
        "actors.0": "/actors",
        "places.0": "/places",
        "sources.0": "/sources",
    }
    names = {part: desk.name("gone") for part in kinds}
    target = desk.event()
    desk.add("/types", {"id": names["type"], "label": "L"})
    record = desk.event(
        type=names["type"],
        actors=[{"id": names["actors.0"], "name": "A", "aliases": ["B"]}],
        places=[{"id": names["places.0"], "name": "P"}],
        sources=[{"id": names["sources.0"], "title": "T"}],
        related=[{"event": target.body["id"], "relation": "follows"}],
    )
    named = {part: desk.read(f"{path}/{names[part]}") for part, path in kinds.items()}
    named["related.0"] = target
    desk.delete(record)
    for gone in named.values():
        desk.delete(gone)
    told = faults(desk.send("POST", f"{record.path}/restore"), 409, "conflict")
    assert {
        part: f"POST {gone.path}/restore" in told.get(part, "") for part, gone in named.items()
    } == dict.fromkeys(named, True)
    for gone in named.values():
        desk.restore(gone)
    assert same_but(desk.restore(record).body, record.body, *COUNTED)
    assert desk.read(named["actors.0"].path).body["aliases"] == ["B"]


def test_what_is_used_cannot_be_deleted(desk: Desk) -> None:
    """409 names the events that use it; of many, the first."""
    target = desk.event()
    kind = desk.add("/types", {"label": desk.name("Used")})
    actor = desk.add("/actors", {"name": desk.name("Used")})
    place = desk.add("/places", {"name": desk.name("Used")})
    source = desk.add("/sources", {"title": desk.name("Used")})
    users = [
        desk.event(
            type=kind.body["id"],
            actors=[{"id": actor.body["id"], "role": role} for role in ("a", "b")],
            places=[{"id": place.body["id"]}],
            sources=[{"id": "wire"}, {"id": source.body["id"], "role": "context"}],
            related=[{"event": target.body["id"], "relation": "follows"}],
        )
        for _ in range(2)
    ]
    used = (target, kind, actor, place, source)
    for record in used:
        answer = desk.send("DELETE", record.path, If_Match=desk.read(record.path).tag)
        faults(answer, 409, "conflict")
        for user in users:
            assert user.body["id"] in answer.text
        assert "2 event" in answer.json()["detail"]
    for user in users:
        desk.delete(user)
    for record in used:
        desk.delete(record)


def test_events_that_relate_to_each_other_are_parted_first(desk: Desk) -> None:
    """Neither can go before one of them lets go."""
    first = desk.event()
    link = {"relation": "related"}
    second = desk.event(related=[{**link, "event": first.body["id"]}])
    first = desk.patch(first, related=[{**link, "event": second.body["id"]}])
    for record in (first, second):
        faults(desk.send("DELETE", record.path, If_Match=record.tag), 409, "conflict")
    desk.patch(first, related=[])
    desk.delete(second)
    desk.delete(first)


# -- what a change of the vocabulary does to events -----------------------------------------------

SHARED: dict[str, tuple[Json, Json]] = {
    "source": ({"publisher": "Old", "title": "T"}, {"publisher": "New"}),
    "actor": ({"name": "Old"}, {"name": "New", "country": "RS"}),
    "place": ({"name": "Old"}, {"latitude": 1.5, "longitude": 2.5}),
}


@pytest.mark.parametrize("kind", SHARED)
def test_a_change_of_what_events_show_rewrites_them(desk: Desk, kind: str) -> None:
    """Each with a new tag and an entry of the feed that names the cause."""
    before, change = SHARED[kind]
    shared = desk.add(f"/{kind}s", {**before, "id": desk.name(kind)})
    entry = {"id": shared.body["id"]}
    support = [{"id": "wire"}] if kind == "source" else []
    users = [desk.event(**{f"{kind}s": [*support, entry]}) for _ in range(2)]
    other = desk.event()
    with desk.watched() as seen:
        desk.patch(desk.read(shared.path), **change)
    now = [desk.read(user.path) for user in users]
    told = [(c["op"], c["id"], c["version"], c["cause"], c["event"]) for c in seen]
    cause = {"kind": kind, "id": shared.body["id"]}
    assert told == [("update", user.body["id"], 1, cause, user.body) for user in now]
    for was, user in zip(users, now, strict=True):
        assert user.tag != was.tag
        assert same_but(user.body, was.body, f"{kind}s")
        shown = user.body[f"{kind}s"][-1]
        assert {name: shown[name] for name in change} == change
        assert len(desk.revisions(user)) == 1
    assert desk.read(other.path) == other


@pytest.mark.parametrize("kind", SHARED)
def test_events_are_found_by_what_their_vocabulary_says_now(desk: Desk, kind: str) -> None:
    """The read model follows, not only the document."""
    word = desk.name("word").replace("-", "")
    name = "title" if kind == "source" else "name"
    shared = desk.add(f"/{kind}s", {name: word})
    support = [{"id": "wire"}] if kind == "source" else []
    user = desk.event(**{f"{kind}s": [*support, {"id": shared.body["id"]}]})
    desk.patch(desk.read(shared.path), **{name: f"other{word}"})
    assert desk.get(f"/events?q={word}")["items"] == []
    assert desk.get(f"/events?q=other{word}")["items"] == [desk.read(user.path).body]


def test_an_alias_is_searched_and_not_shown(desk: Desk) -> None:
    """Events are found by it, and stay as they are."""
    alias = desk.name("alias").replace("-", "")
    actor = desk.add("/actors", {"name": desk.name("Actor")})
    user = desk.event(actors=[{"id": actor.body["id"]}])
    with desk.watched() as seen:
        desk.patch(desk.read(actor.path), aliases=[alias])
    assert seen == []
    assert desk.read(user.path) == user
    assert [e["id"] for e in desk.get(f"/events?q={alias}")["items"]] == [user.body["id"]]


def test_a_type_s_label_is_not_part_of_an_event(desk: Desk) -> None:
    """So events stay as they are."""
    kind = desk.add("/types", {"label": desk.name("Type")})
    user = desk.event(type=kind.body["id"])
    with desk.watched() as seen:
        desk.patch(desk.read(kind.path), label="Another")
    assert seen == []
    assert desk.read(user.path) == user


@pytest.mark.parametrize("kind", [*SHARED, "type"])
def test_a_change_of_the_vocabulary_that_alters_nothing_writes_nothing(
    desk: Desk, kind: str
) -> None:
    """Neither a revision nor an event anew."""
    record = new(desk, kind)
    state = desk.state
    assert desk.patch(record) == record
    assert (desk.state, len(desk.revisions(record))) == (state, 1)


def test_another_spelling_of_a_publisher_is_no_change(desk: Desk) -> None:
    """Two spellings are one publisher, the first one is kept, also in the revisions."""
    name = desk.name("Spelt")
    desk.add("/sources", {"publisher": name})
    source = desk.add("/sources", {"publisher": name.upper(), "title": "T"})
    assert desk.patch(source, publisher=name.lower()) == source
    (only,) = desk.revisions(source)
    assert desk.get(f"{source.path}/revisions/{only['version']}")["document"]["publisher"] == name


# -- revisions ------------------------------------------------------------------------------------


def test_a_revision_says_who_when_and_why(desk: Desk) -> None:
    """The author is the key's name, the note the request's."""
    record = desk.patch(desk.event(), "Typo in title", title="Right")
    last, first = desk.revisions(record)
    assert (last["author"], last["note"], first["note"]) == (AUTHOR, "Typo in title", None)
    assert (last["at"], first["at"]) == (record.body["updated_at"], record.body["created_at"])
    assert (last["op"], last["changes"]) == (
        "update",
        [{"field": "title", "before": "A visit", "after": "Right"}],
    )
    assert (first["op"], first["changes"]) == ("create", [])


def test_a_note_is_kept_of_every_kind_of_write(desk: Desk) -> None:
    """Also of deleting and restoring; a blank one is an error."""
    path = f"/events/{desk.name('noted')}"
    desk.send("PUT", f"{path}?note=put", event())
    desk.send("DELETE", f"{path}?note=delete", If_Match="*")
    desk.send("POST", f"{path}/restore?note=restore")
    told = [r["note"] for r in desk.get(f"{path}/revisions")["items"]]
    assert told == ["restore", "delete", "put"]
    faults(desk.send("DELETE", f"{path}?note=%20", If_Match="*"), 422, "invalid-parameters")


def test_each_author_stands_by_its_own_edits(desk: Desk) -> None:
    """Two keys, two names."""
    name = desk.name("second")
    other = Desk(desk.client, key_of(str(desk.client.app.state.settings.database_url), name))  # type: ignore[attr-defined]
    record = other.patch(desk.event(), title="Theirs")
    assert [r["author"] for r in desk.revisions(record)] == [name, AUTHOR]


def differences(desk: Desk, record: Record, **members: Any) -> list[tuple[str, Any, Any]]:
    """What the revision of a patch says."""
    last = desk.revisions(desk.patch(record, **members))[0]
    return [(c["field"], c["before"], c["after"]) for c in last["changes"]]


def test_a_difference_of_the_date_names_its_part(desk: Desk) -> None:
    """Not what follows from it."""
    found = differences(desk, rich(desk), date={"edtf": "2024"})
    assert found == [
        ("date.edtf", "2023-11-06/2023-11-08", "2024"),
        ("date.text", "from Monday to Wednesday", None),
    ]


def test_a_difference_of_a_list_names_the_entry_by_its_id(desk: Desk) -> None:
    """Changed, added and removed."""
    record = rich(desk)
    wire, other = record.body["sources"]
    name = desk.name("Third")
    sources = [{**wire, "quote": "Another", "claims": []}, {"title": name}]
    found = differences(desk, record, sources=sources)
    third = desk.read(record.path).body["sources"][1]
    assert found == [
        ("sources.wire.claims", ["type", "date"], []),
        ("sources.wire.quote", "Q", "Another"),
        (f"sources.{other['id']}", other, None),
        (f"sources.{third['id']}", None, third),
    ]


def test_another_order_is_a_difference_of_the_list(desk: Desk) -> None:
    """By ids; the entries are the same."""
    record = rich(desk)
    places = record.body["places"]
    ids = [place["id"] for place in places]
    found = differences(desk, record, places=list(reversed(places)))
    assert found == [("places", ids, list(reversed(ids)))]


def test_entries_without_an_id_differ_as_one_list(desk: Desk) -> None:
    """Tags, quantities, links; and actors where one stands there twice."""
    record = rich(desk)
    actors = record.body["actors"]
    tags = record.body["tags"]
    found = differences(desk, record, tags=tags[:1], actors=actors[:1])
    assert found == [("actors", actors, actors[:1]), ("tags", tags, tags[:1])]


def test_a_revision_shows_the_whole_record_as_it_was(desk: Desk) -> None:
    """Byte for byte what was served then; a deleted one had no more to show."""
    record = rich(desk)
    edited = desk.patch(record, title="Edited")
    desk.delete(edited)
    shown = [desk.get(f"{record.path}/revisions/{version}") for version in (1, 2, 3)]
    assert [one["document"] for one in shown] == [record.body, edited.body, None]
    assert shown[1]["changes"] == desk.revisions(record)[1]["changes"]
    faults(desk.client.get(f"{record.path}/revisions/4"), 404, "not-found")


def test_a_change_of_the_vocabulary_is_no_revision_of_an_event(desk: Desk) -> None:
    """Yet the next one tells what the event showed then."""
    actor = desk.add("/actors", {"name": "Before", "id": desk.name("actor")})
    record = desk.event(actors=[{"id": actor.body["id"]}])
    desk.patch(desk.read(actor.path), name="After")
    edited = desk.patch(desk.read(record.path), title="Edited")
    assert [r["version"] for r in desk.revisions(record)] == [2, 1]
    names = [
        desk.get(f"{record.path}/revisions/{version}")["document"]["actors"][0]["name"]
        for version in (1, 2)
    ]
    assert (names, edited.body["version"]) == (["Before", "After"], 2)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
def test_revisions_come_in_pages(desk: Desk, limit: int) -> None:
    """The last first, each with its own differences whatever the page."""
    record = desk.event()
    for number in range(6):
        record = desk.patch(record, title=f"Title {number}")
    pages = []
    address: str | None = f"{record.path}/revisions?limit={limit}"
    while address:
        pages.append(desk.get(address))
        address = pages[-1]["next"]
    found = [item for page in pages for item in page["items"]]
    assert [item["version"] for item in found] == [7, 6, 5, 4, 3, 2, 1]
    assert [len(item["changes"]) for item in found] == [1] * 6 + [0]
    assert {page["total"] for page in pages} == {7}
    assert len(pages) == -(-7 // limit)


@pytest.mark.parametrize("kind", ["source", "actor", "place", "type"])
def test_the_vocabulary_keeps_its_revisions(desk: Desk, kind: str) -> None:
    """Likewise, with the record as it was written."""
    record = new(desk, kind)
    name = {"source": "title", "type": "label"}.get(kind, "name")
    desk.patch(record, "why", **{name: "Renamed"})
    desk.delete(record)
    back = desk.restore(record)
    told = [(r["version"], r["op"], r["note"]) for r in desk.revisions(record)]
    assert told == [
        (4, "restore", None),
        (3, "delete", None),
        (2, "update", "why"),
        (1, "create", None),
    ]
    assert back.body[name] == "Renamed"
    edit = desk.get(f"{record.path}/revisions/2")
    assert edit["changes"] == [{"field": name, "before": record.body[name], "after": "Renamed"}]
    assert edit["document"] == {n: v for n, v in back.body.items() if n != "events"}


def test_revisions_of_what_never_was(desk: Desk) -> None:
    """404, and the nearest."""
    record = desk.event()
    answer = desk.client.get(f"{record.path}x/revisions")
    assert faults(answer, 404, "not-found")["id"].endswith(f"{record.body['id']}?")
    faults(desk.client.get(f"{record.path}x/revisions/1"), 404, "not-found")


# -- the feed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 200])
def test_the_feed_comes_in_stretches(desk: Desk, limit: int) -> None:
    """In commit order, and it goes on behind the last change that was seen."""
    before = desk.feed()[-1]["cursor"] if desk.feed() else None
    record = desk.event()
    edited = desk.patch(record, title="Edited")
    desk.delete(record)
    other = desk.event()
    seen: list[Json] = []
    address: str | None = f"/changes?limit={limit}" + (f"&after={before}" if before else "")
    while address:
        page = desk.get(address)
        assert len(page["items"]) <= limit
        assert "total" not in page
        seen += page["items"]
        address = page["next"]
    assert [(c["op"], c["id"], c["version"], c["event"]) for c in seen] == [
        ("create", record.body["id"], 1, record.body),
        ("update", record.body["id"], 2, edited.body),
        ("delete", record.body["id"], 3, None),
        ("create", other.body["id"], 1, other.body),
    ]
    assert desk.feed(seen[-1]["cursor"]) == []
    new = desk.event()
    assert [c["id"] for c in desk.feed(seen[-1]["cursor"])] == [new.body["id"]]


def test_every_change_of_the_feed_is_a_place_to_go_on_from(desk: Desk) -> None:
    """Also that of an event which is gone since."""
    with desk.watched() as seen:
        record = desk.event()
        desk.delete(record)
        desk.event()
    for number, change in enumerate(seen):
        assert desk.feed(change["cursor"]) == seen[number + 1 :]


def test_the_feed_tells_of_events_alone(desk: Desk) -> None:
    """New vocabulary comes with the events that show it."""
    with desk.watched() as seen:
        new(desk, "actor")
        new(desk, "type")
        desk.event(actors=[{"name": desk.name("Made")}])
    assert [c["op"] for c in seen] == ["create"]


def test_a_feed_cursor_of_another_database_says_start_again(desk: Desk) -> None:
    """410: positions mean nothing here."""
    desk.event()
    cursor = desk.get("/changes?limit=1")["items"][0]["cursor"]
    told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    foreign = base64.urlsafe_b64encode(json.dumps(["elsewhere", *told[1:]]).encode()).decode()
    faults(desk.client.get(f"/changes?after={foreign.rstrip('=')}"), 410, "start-again")


def test_a_cursor_of_another_list_is_no_place_in_the_feed(desk: Desk) -> None:
    """422, as for every list."""
    desk.event()
    desk.event()
    address = desk.get("/events?limit=1")["next"]
    cursor = address.rpartition("cursor=")[2]
    faults(desk.client.get(f"/changes?after={cursor}"), 422, "invalid-parameters")
    faults(desk.client.get("/changes?after=x"), 422, "invalid-parameters")


def test_the_feed_tells_what_is_wrong_with_its_own_parameter(desk: Desk) -> None:
    """Which is called `after`."""
    assert list(faults(desk.client.get("/changes?after=x"), 422, "invalid-parameters")) == ["after"]


# -- retries --------------------------------------------------------------------------------------


def test_a_retry_gets_the_first_answer(desk: Desk) -> None:
    """Status, address, tag and bytes, though the event was edited since."""
    body, key = event(id=desk.name("event")), desk.name("key")
    first = desk.send("POST", "/events", body, Idempotency_Key=key)
    desk.send("PATCH", f"/events/{body['id']}", {"title": "Edited"}, If_Match="*")
    again = desk.send("POST", "/events", body, Idempotency_Key=key)
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("etag", "location", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("change", ["body", "path", "note"])
def test_a_key_belongs_to_its_request(desk: Desk, change: str) -> None:
    """Another request under it is 422, and nothing is stored."""
    key = desk.name("key")
    desk.send("POST", "/actors", {"name": key}, Idempotency_Key=key)
    path = {"path": "/places", "note": "/actors?note=x"}.get(change, "/actors")
    body = {"name": "another" if change == "body" else key}
    state = desk.state
    faults(desk.send("POST", path, body, Idempotency_Key=key), 422, "key-reused")
    assert desk.state == state


def test_a_key_is_its_author_s_own(desk: Desk) -> None:
    """Two clients may think of the same one."""
    key, body = desk.name("key"), {"name": desk.name("A")}
    url = str(desk.client.app.state.settings.database_url)  # type: ignore[attr-defined]
    other = Desk(desk.client, key_of(url, desk.name("other")))
    ids = [
        one.send("POST", "/actors", body, Idempotency_Key=key).json()["id"] for one in (desk, other)
    ]
    assert ids[0] != ids[1]


def test_a_refusal_is_not_kept(desk: Desk) -> None:
    """What was refused is tried again."""
    key, kind = desk.name("key"), desk.name("kind")
    body = event(type=kind)
    faults(desk.send("POST", "/events", body, Idempotency_Key=key), 422, "invalid-body")
    desk.add("/types", {"id": kind, "label": "Now"})
    assert desk.send("POST", "/events", body, Idempotency_Key=key).status_code == 201


def test_restoring_is_retried_likewise(desk: Desk) -> None:
    """It is a POST too: the second is no conflict."""
    record = desk.event()
    desk.delete(record)
    path, key = f"{record.path}/restore", desk.name("key")
    first, again = (desk.send("POST", path, Idempotency_Key=key) for _ in range(2))
    assert (first.status_code, first.content) == (200, again.content)
    assert again.status_code == 200


def test_an_answer_is_kept_for_a_day(stores: Stores, empty_template: str) -> None:
    """Then the key is free again."""
    url = stores.new(empty_template)
    furnish(url)
    with desk_over(url) as desk, opened(url) as store:
        body = {"name": "Kept"}
        for moved, expected in (("2026-01-01T00:00:00.000000Z", "kept-2"), (None, "kept-2")):
            desk.send("POST", "/actors", body, Idempotency_Key="k")
            if moved:
                with store.write() as session:
                    session.execute(text("UPDATE answered SET at = :at"), {"at": moved})
            answer = desk.send("POST", "/actors", body, Idempotency_Key="k")
            assert answer.json()["id"] == expected
