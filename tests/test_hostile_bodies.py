"""Whatever is sent to a route that writes: no 500, a problem that names it, and nothing stored."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, product
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app import writes
from app.api.bodies import MIB
from app.main import create_app
from app.models import TABLES
from app.settings import Settings
from commands import forked_server
from reference import DOCUMENT, Operation
from reference import WRITES as ALL_WRITES
from servers import Answer, Server
from stores import SqliteStores, Stores, key_of, migrated, opened, seeded
from tables import check_each
from tiers import share
from valid_writes import PATCH, Request, Writer, over_wire, through

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

Dump = Mapping[str, list[str]]
# A file is refused line by line: tests/test_files.py.
# A mapping is only deleted: tests/test_undo.py.
WRITES = tuple(operation for operation in ALL_WRITES if operation.noun not in ("import", "mapping"))
TAKING_DOCUMENTS = tuple(operation for operation in WRITES if operation.bodies)
OF_RECORDS = tuple(o for o in TAKING_DOCUMENTS if o.noun != "chronology")
DERIVED = ("version", "created_at", "updated_at")


def dump(url: str) -> Dump:
    """Every row of every table."""
    with opened(url) as store, store.read() as connection:
        return {
            name: sorted(repr(row) for row in connection.execute(text(f"SELECT * FROM {name}")))
            for name in TABLES
        }


@dataclass(frozen=True)
class Target:
    """A server that is written to, and one record of each kind that may be replaced."""

    url: str
    writer: Writer
    paths: Mapping[str, str]
    tags: Mapping[str, str]

    def request(self, operation: Operation, body: bytes) -> Request:
        """This body, sent by an operation in a way that would be right."""
        media_type = PATCH if operation.method == "PATCH" else "application/json"
        if operation.method == "POST" and "{id}" not in operation.path:
            return Request("POST", operation.path, {"Content-Type": media_type}, body)
        headers = {"Content-Type": media_type, "If-Match": self.tags[operation.noun]}
        return Request(operation.method, self.path(operation), headers, body)

    def path(self, operation: Operation) -> str:
        """The path of an operation, of the record of its kind where it is about one."""
        record_id = self.paths[operation.noun].rpartition("/")[2]
        path = operation.path.replace("{id}", record_id)
        return path.replace("{n}", "1").replace("{version}", "1")

    def answers(self, operations: Iterable[Operation], *bodies: bytes) -> Iterator[Answer]:
        """What each operation answers to each body."""
        for operation, body in product(operations, bodies):
            yield self.writer.ask(self.request(operation, body))

    def each(self, operations: Iterable[Operation], *bodies: bytes) -> Iterator[Answer]:
        """The same; nothing is stored."""
        with self.unchanged():
            yield from self.answers(operations, *bodies)

    def refuse_each(self, cases: Iterable[str], check: Callable[[str], None]) -> None:
        """Check each case; nothing is stored by any of them."""
        with self.unchanged():
            check_each(cases, check)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing is stored meanwhile, and the server serves on."""
        before = dump(self.url)
        yield
        assert dump(self.url) == before
        assert self.writer.ask(Request("GET", "/readyz")).status == 200


def target(url: str, writer: Writer) -> Target:
    """The records are as the documented examples make them."""
    paths = {kind: writer.made(kind) for kind in writes.RECORD_KINDS}
    paths["chronology"] = "/chronology"
    return Target(url, writer, paths, {kind: writer.tag(path) for kind, path in paths.items()})


@pytest.fixture(scope="module")
def here(stores: Stores, seeded_template: str) -> Iterator[Target]:
    """An application in this process, one an engine."""
    url = stores.new(seeded_template)
    with TestClient(create_app(Settings(database_url=url, writes_per_minute=0))) as client:
        yield target(url, Writer(through(client), key_of(url)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server."""
    files = SqliteStores(tmp_path_factory.mktemp("hostile"))
    with forked_server(seeded(files, migrated(files)), writes_per_minute="0") as running:
        yield running
        assert "Traceback" not in running.log.read_text()
        assert " 500 " not in running.log.read_text()


@pytest.fixture(scope="module")
def wire(server: Server) -> Target:
    """A real server, over sockets."""
    url = server.database_url
    return target(url, Writer(over_wire(server), key_of(url)))


def assert_problem(answer: Answer, *statuses: int) -> list[dict[str, Any]]:
    """RFC 9457, with one of these statuses; gives its errors."""
    assert answer.status in statuses, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = json.loads(answer.body.decode())
    assert document["status"] == answer.status
    assert document["detail"]
    assert len(answer.body) < 20_000
    errors: list[dict[str, Any]] = document.get("errors", [])
    for error in errors:
        assert error["in"] in ("body", "path", "query", "header")
        assert error["message"]
    return errors


# -- what is no JSON ------------------------------------------------------------------------------


def within(value: str) -> bytes:
    """A JSON text that holds a value where any document may hold one."""
    return b'{"x": ' + value.encode() + b"}"


DEEP = 100_000
NO_JSON = {
    "nothing": b"",
    "spaces": b" \t\r\n ",
    "NaN": b"NaN",
    "NaN in a member": within("NaN"),
    "Infinity": within("Infinity"),
    "minus Infinity": within("-Infinity"),
    "NaN in a list": within("[1, NaN]"),
    "nan": within("nan"),
    "undefined": within("undefined"),
    "True": within("True"),
    "a leading zero": within("01"),
    "a plus": within("+1"),
    "no digit before the point": within(".5"),
    "no digit after the point": within("1."),
    "no exponent": within("1e"),
    "a hexadecimal number": within("0x10"),
    "digits with underscores": within("1_000"),
    "Arabic digits": within("٣"),
    "an integer of 41 digits": within("9" * 41),
    "an integer of 5,000 digits": within("9" * 5000),
    "an integer of a million digits": within("-" + "9" * (MIB - 100)),
    "a trailing comma": b'{"x": 1,}',
    "a trailing comma in a list": within("[1,]"),
    "a comment": b'{"x": 1} // why',
    "a comment within": b'{/* why */ "x": 1}',
    "single quotes": b"{'x': 1}",
    "a bare name": b"{x: 1}",
    "two documents": b'{"x": 1}{"x": 2}',
    "lines of documents": b'{"x": 1}\n{"x": 2}\n',
    "an end too many": b'{"x": 1}}',
    "no end": b'{"x": {"y": 1}',
    "no end of a text": b'{"x": "y}',
    "a form": b"title=A+visit&type=visit",
    "XML": b"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>",
    "TOML": b'title = "A visit"\n',
    "gzip": bytes.fromhex("1f8b08000000000000ff") + b"\x00" * 20,
    "half a surrogate pair": b'{"label": "a\\ud800b"}',
    "the other half": b'{"label": "\\uDFFF"}',
    "two halves in the wrong order": b'{"label": "\\ude00\\ud83d"}',
    "half a surrogate pair as a name": b'{"\\ud800": 1}',
    "half a surrogate pair in a list": b'{"aliases": ["x", "\\ud800"]}',
    "half a surrogate pair in a name within": b'{"date": {"x\\udc00y": {}}}',
    "a NUL": b"\x00",
    "a NUL behind": b'{"x": 1}\x00',
    "a NUL in a text": b'{"x": "a\x00b"}',
    "a line break in a text": b'{"x": "a\nb"}',
    "an escape that is none": b'{"x": "\\x41"}',
    "half an escape": b'{"x": "\\u12"}',
    "a byte order mark alone": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"x": 1}'.encode("utf-16-le"),
    "UTF-32": '{"x": 1}'.encode("utf-32"),
    "Latin-1": '{"x": "é"}'.encode("latin-1"),
    "UTF-7": b'{"x": "+AOk-"}\xff',
    "half a character": b'{"x": "\xc3"}',
    "an overlong NUL": b'{"x": "\xc0\x80"}',
    "an overlong slash": b'{"x": "\xe0\x80\xaf"}',
    "a surrogate in UTF-8": b'{"x": "\xed\xa0\x80"}',
    "a pair of surrogates in UTF-8": b'{"x": "\xed\xa0\xbd\xed\xb8\x80"}',
    "beyond Unicode": b'{"x": "\xf4\x90\x80\x80"}',
    "a member twice": b'{"title": "a", "title": "b"}',
    "a member twice, once escaped": b'{"title": "a", "\\u0074itle": "b"}',
    "a member twice within": b'{"date": {"edtf": "2023", "edtf": "2024"}}',
    "a member twice in a list": b'{"sources": [{"url": "a", "url": "a"}]}',
    "an empty name twice": b'{"": 1, "": 2}',
    "a long name twice": b'{"%b": 1, "%b": 2}' % (b"n" * 10_000, b"n" * 10_000),
    "half a surrogate pair as a name twice": b'{"\\ud800": 1, "\\ud800": 2}',
    "lists 41 deep": within("[" * 41 + "]" * 41),
    "lists 100,000 deep": b"[" * DEEP + b"]" * DEEP,
    "lists 100,000 deep without an end": b"[" * DEEP,
    "lists 100,000 deep in a member": within("[" * DEEP + "]" * DEEP),
    "objects 100,000 deep": b'{"x":' * DEEP + b"1" + b"}" * DEEP,
    "objects 41 deep": b'{"x":' * 41 + b"1" + b"}" * 41,
    "objects in lists 60,000 deep": b'[{"x":' * 60_000 + b"1" + b"}]" * 60_000,
}


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_what_is_no_json_is_refused(here: Target, operation: Operation) -> None:
    """By every route that takes a document, and the answer says what is wrong with it."""

    def check(what: str) -> None:
        answer = here.writer.ask(here.request(operation, NO_JSON[what]))
        (fault,) = assert_problem(answer, 400)
        assert (fault["in"], fault["name"]) == ("body", "body")
        assert len(fault["message"]) < 300

    here.refuse_each(share(NO_JSON, TAKING_DOCUMENTS.index(operation)), check)


NO_DOCUMENT = {
    "null": b"null",
    "a truth": b"true",
    "a number": b"1",
    "a decimal beyond all floats": b"1e999999999",
    "a text": b'"event"',
    "a document in a text": b'"{\\"title\\": \\"A visit\\"}"',
    "no list": b"[]",
    "a list of documents": b'[{"title": "A visit"}]',
    "a list of nothing": b"[null]",
    "a JSON Patch": b'[{"op": "replace", "path": "/title", "value": "A visit"}]',
}


def test_what_is_no_object_is_refused(here: Target) -> None:
    """JSON, but no document and no patch."""

    def check(what: str) -> None:
        routes = share(OF_RECORDS, [*NO_DOCUMENT].index(what))
        for answer in here.answers(routes, NO_DOCUMENT[what]):
            (fault,) = assert_problem(answer, 422)
            assert (fault["in"], fault["name"]) == ("body", "body")
            assert "JSON object" in fault["message"]

    here.refuse_each(NO_DOCUMENT, check)


# -- members that there are not -------------------------------------------------------------------

NO_MEMBERS = {
    "__proto__": '"__proto__": {"admin": true}',
    "constructor": '"constructor": {"prototype": {}}',
    "__class__": '"__class__": "EventWrite"',
    "model_config": '"model_config": {"extra": "allow"}',
    "__dict__": '"__dict__": {}',
    "$ref": '"$ref": "#/components/schemas/Event"',
    "no name": '"": 1',
    "a space": '" ": 1',
    "a NUL": '"\\u0000": 1',
    "a line break": '"a\\r\\nX: 1": 1',
    "a name of a million letters": f'"{"n" * (MIB - 500)}": 1',
    "a name with points": '"date.edtf": "2023"',
    "a number": '"0": 1',
    "another case": '"ID": "x"',
    "a decimal beyond all floats": '"x": 1e999999999',
    "a decimal of no size": '"x": 1e-999999999',
    "a decimal of 100,000 digits": f'"x": 0.{"3" * 100_000}',
    "an emoji": '"😀": "😀"',
    "thousands of names": ", ".join(f'"x{n}": {n}' for n in range(20_000)),
    "a server's own": '"folded": "x", "words": "y", "publisher_id": 1',
}


def test_a_member_that_there_is_not_is_refused(here: Target) -> None:
    """Alone and named; nothing is ever left aside in silence."""

    def check(what: str) -> None:
        routes = share(OF_RECORDS, [*NO_MEMBERS].index(what))
        for answer in here.answers(routes, b"{%b}" % NO_MEMBERS[what].encode()):
            faults = assert_problem(answer, 422)
            assert any("is not a member here" in fault["message"] for fault in faults)

    here.refuse_each(NO_MEMBERS, check)


# A slip at each level of a document: what holds it, and what is suggested.
SLIPS: Mapping[str, tuple[str, Any, str, str]] = {
    "event": ("event", {"titel": "A visit"}, "titel", "title"),
    "date": ("event", {"date": {"edft": "2023"}}, "date.edft", "edtf"),
    "actors": ("event", {"actors": [{"nmae": "Serbia"}]}, "actors.0.nmae", "name"),
    "places": ("event", {"places": [{"latitud": 1}]}, "places.0.latitud", "latitude"),
    "quantities": ("event", {"quantities": [{"mesure": "x"}]}, "quantities.0.mesure", "measure"),
    "related": ("event", {"related": [{"evnt": "x"}]}, "related.0.evnt", "event"),
    "sources": ("event", {"sources": [{"publsher": "x"}]}, "sources.0.publsher", "publisher"),
    "source": ("source", {"publised": "2023"}, "publised", "published"),
    "actor": ("actor", {"alias": ["x"]}, "alias", "aliases"),
    "place": ("place", {"lattitude": 1}, "lattitude", "latitude"),
    "type": ("type", {"lable": "Visit"}, "lable", "label"),
}


@pytest.mark.parametrize("level", SLIPS)
def test_a_misspelt_member_is_refused(here: Target, level: str) -> None:
    """At each level, with the right one suggested."""
    noun, document, path, near = SLIPS[level]
    routes = [o for o in TAKING_DOCUMENTS if o.noun == noun and not o.part]
    for answer in here.each(routes, json.dumps(document).encode()):
        found = {fault["name"]: fault.get("suggestion") for fault in assert_problem(answer, 422)}
        assert found[path] == near


@pytest.mark.parametrize("path", ["version", "created_at", "updated_at", "date.earliest"])
def test_what_follows_from_the_rest_is_refused(here: Target, path: str) -> None:
    """A derived member that does not repeat what is stored."""
    top, _, below = path.partition(".")
    document = {top: {below: "1999-01-01"} if below else 7}
    routes = [o for o in TAKING_DOCUMENTS if o.noun == "event" and not o.part]
    for answer in here.each(routes, json.dumps(document).encode()):
        assert path in {fault["name"] for fault in assert_problem(answer, 422)}


@pytest.mark.parametrize("value", [0, 7, -1, None, "many", [], {}])
def test_a_count_of_events_is_refused(here: Target, value: Any) -> None:
    """It is counted, never told."""
    routes = [o for o in OF_RECORDS if o.noun != "event"]
    routes = [o for o in routes if value != 0 or o.method != "PUT"]  # which it would repeat
    for answer in here.each(routes, json.dumps({"events": value}).encode()):
        assert "events" in {fault["name"] for fault in assert_problem(answer, 422)}


# -- values of the wrong kind ---------------------------------------------------------------------

KINDS_OF_VALUE: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "a huge integer": 10**39,
    "a decimal": 1.5,
    "a list": [],
    "a list of lists": [[]],
    "a list of nothing": [None],
    "a list of numbers": [1],
    "an object": {},
    "an object of objects": {"a": {"b": {}}},
    "an empty text": "",
    "a blank text": " \t\n",
    "a text that is no slug": "No Slug",
    "a NUL": "a\0b",
    "an escape": "\x1b[31mred",
    "a delete": "\x7f",
    "a control of ISO 8859": "\x85",
    "a text of 100,001 letters": "a" * 100_001,
}
SHAPES = DOCUMENT["components"]["schemas"]


def members(name: str) -> Mapping[str, Mapping[str, Any]]:
    """The members of a shape of the reference, each with its schema."""
    found: Mapping[str, Mapping[str, Any]] = SHAPES[name]["properties"]
    return found


@cache
def wrong_for(schema: str) -> list[Any]:
    """The values that a schema of the reference does not allow."""
    from openapi_schema_validator import OAS31Validator  # it takes seconds to import

    validator = OAS31Validator({**json.loads(schema), "components": DOCUMENT["components"]})
    return [value for value in KINDS_OF_VALUE.values() if not validator.is_valid(value)]


def lists_of(noun: str) -> Mapping[str, str]:
    """The lists of a document whose entries are documents too, and the shape of those."""
    found = {}
    for name, schema in members(f"{noun.capitalize()}Write").items():
        reference = schema.get("items", {}).get("$ref")
        if reference:
            found[name] = reference.rpartition("/")[2]
    return found


def places_of_members() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each member of each document: its kind, its path, its schema."""
    for noun in writes.RECORD_KINDS:
        for name, schema in members(f"{noun.capitalize()}Write").items():
            yield noun, name, schema
        for name, shape in lists_of(noun).items():
            for inner, schema in members(shape).items():
                yield noun, f"{name}.0.{inner}", schema
    for inner, schema in members("DateWrite").items():
        yield "event", f"date.{inner}", schema


def around(path: str, value: Any) -> Any:
    """The document that has a value at this path, and nothing else."""
    name, _, rest = path.partition(".")
    if not name:
        return value
    return [around(rest, value)] if name == "0" else {name: around(rest, value)}


PLACES = {f"{noun}: {path}": (noun, path, schema) for noun, path, schema in places_of_members()}


@pytest.mark.parametrize("noun", writes.RECORD_KINDS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_value_of_the_wrong_kind_is_refused(here: Target, noun: str, method: str) -> None:
    """In each member at each level, and the answer names it."""
    routes = [o for o in TAKING_DOCUMENTS if (o.noun, o.method, o.part) == (noun, method, "")]
    starts = count()

    def check(place: str) -> None:
        _, path, schema = PLACES[place]
        if method == "PATCH" and path in members(f"{noun.capitalize()}Write"):
            schema = members(f"{noun.capitalize()}Patch").get(path, {})
        wrong = wrong_for(json.dumps(schema))
        if method == "PATCH":  # null removes
            wrong = [value for value in wrong if value is not None]
        tried = share(wrong, next(starts)) or wrong[:1]
        bodies = [json.dumps(around(path, value)).encode() for value in tried]
        for answer in here.answers(routes, *bodies):
            # An event that would lose its last source contradicts what is stored.
            allowed_too = (409,) if path == "sources" else ()
            named = [fault["name"] for fault in assert_problem(answer, 422, *allowed_too)]
            assert any(name == path or name.startswith(f"{path}.") for name in named), named

    here.refuse_each([name for name, place in PLACES.items() if place[0] == noun], check)


def event(**members_of_it: Any) -> bytes:
    """A valid event but for these members."""
    valid = {"type": "visit", "title": "A visit", "date": "2023", "sources": [{"title": "x"}]}
    return json.dumps({**valid, **members_of_it}).encode()


def nested(depth: int) -> Any:
    """An object of objects."""
    found: Any = 1
    for _ in range(depth):
        found = {"x": found}
    return found


# Events that no route stores, and the member that the answer names.
TOO_MUCH: Mapping[str, tuple[dict[str, Any], str]] = {
    "501 sources": ({"sources": [{"title": str(n)} for n in range(501)]}, "sources"),
    "501 actors": ({"actors": [{"name": str(n)} for n in range(501)]}, "actors"),
    "201 places": ({"places": [{"name": str(n)} for n in range(201)]}, "places"),
    "201 tags": ({"tags": [f"tag {n}" for n in range(201)]}, "tags"),
    "30,000 tags": ({"tags": [str(n) for n in range(30_000)]}, "tags"),
    "30,000 equal tags": ({"tags": ["a"] * 30_000}, "tags"),
    "201 links": ({"related": [{"event": "x", "relation": "causes"}] * 201}, "related"),
    "501 quantities": ({"quantities": [{"measure": "x", "value": 1}] * 501}, "quantities"),
    "many claims": ({"sources": [{"title": "x", "claims": ["date"] * 99}]}, "sources.0.claims"),
    "201 aliases": ({"actors": [{"name": "x", "aliases": ["y"] * 201}]}, "actors.0.aliases"),
    "a long title": ({"title": "t" * 501}, "title"),
    "a long summary": ({"summary": "s" * 10_001}, "summary"),
    "a long date": ({"date": "2023-" * 100_000}, "date.edtf"),
    "brackets without an end": ({"date": "[" * 64}, "date.edtf"),
    "a day that is none": ({"date": "2023-02-29"}, "date.edtf"),
    "a year beyond all": ({"date": "Y170000002"}, "date.edtf"),
    "a date with a NUL": ({"date": "2023\0"}, "date.edtf"),
    "a date in other digits": ({"date": "２０２３"}, "date.edtf"),
    "a value with an exponent": (
        {"quantities": [{"measure": "x", "value": "1e9"}]},
        "quantities.0.value",
    ),
    "a value in other digits": (
        {"quantities": [{"measure": "x", "value": "٣"}]},
        "quantities.0.value",
    ),
    "a value of 31 digits": (
        {"quantities": [{"measure": "x", "value": "9" * 31}]},
        "quantities.0.value",
    ),
    "a value that is not a number": (
        {"quantities": [{"measure": "x", "value": "NaN"}]},
        "quantities.0.value",
    ),
    "a script for an address": (
        {"sources": [{"url": "javascript:alert(1)"}]},
        "sources.0.url",
    ),
    "a file for an address": ({"sources": [{"url": "file:///etc/passwd"}]}, "sources.0.url"),
    "an address with a line break": (
        {"sources": [{"url": "https://example.org/\r\nX: 1"}]},
        "sources.0.url",
    ),
    "an address with a space": ({"sources": [{"url": "https://a b"}]}, "sources.0.url"),
    "a type that there is not": ({"type": "nothing-of-this-name"}, "type"),
    "an actor that there is not": ({"actors": [{"id": "no-one"}]}, "actors.0.id"),
    "an event that there is not": (
        {"related": [{"event": "no-event", "relation": "causes"}]},
        "related.0.event",
    ),
    "an unknown relation": (
        {"related": [{"event": "x", "relation": "likes"}]},
        "related.0.relation",
    ),
    "an unknown status": ({"status": "done"}, "status"),
    "an unknown country": ({"places": [{"name": "x", "country": "ZZ"}]}, "places.0.country"),
    "half a position": ({"places": [{"name": "x", "latitude": 1}]}, "places.0"),
    "beyond the pole": (
        {"places": [{"name": "x", "latitude": 91, "longitude": 0}]},
        "places.0.latitude",
    ),
    "a summary that is deep": ({"summary": nested(38)}, "summary"),
}


def test_an_event_that_is_too_much_is_refused(here: Target) -> None:
    """Whole or in a patch; what was made for it on the way is undone with it."""
    routes = [o for o in TAKING_DOCUMENTS if o.noun == "event" and not o.part]

    def check(what: str) -> None:
        changed, path = TOO_MUCH[what]
        for answer in here.answers(routes, event(**changed)):
            named = [fault["name"] for fault in assert_problem(answer, 422)]
            assert any(name.startswith(path) for name in named), named

    here.refuse_each(TOO_MUCH, check)


# -- ids ------------------------------------------------------------------------------------------

NO_IDS = (
    *("", " ", "-", "a--b", "-a", "a-", "A", "a b", "a_b", "a.b", "a/b", "../events", "a%2Fb", "é"),
    *("a\r\nX: 1", "a\n", "a\0", "a" * 101, "a" * 10_000, "'; DROP TABLE event; --", "٣"),
)


def test_what_is_no_id_is_refused_in_a_body(here: Target) -> None:
    """By every route that makes a record, and by those that keep its id."""

    def check(wrong: str) -> None:
        routes = share(OF_RECORDS, NO_IDS.index(wrong))
        for answer in here.answers(routes, json.dumps({"id": wrong}).encode()):
            assert "id" in {fault["name"] for fault in assert_problem(answer, 422)}

    here.refuse_each(NO_IDS, check)


def test_an_id_that_differs_from_the_path_is_refused(here: Target) -> None:
    """Ids do not change; the answer says which is meant."""
    routes = [o for o in TAKING_DOCUMENTS if o.method != "POST" and "{id}" in o.path]
    answers = here.each(routes, b'{"id": "another"}')
    for operation, answer in zip(routes, answers, strict=True):
        (fault,) = assert_problem(answer, 422)
        assert fault["name"] == "id"
        assert here.paths[operation.noun].endswith(f"/{fault['suggestion']}")


IN_PATHS = (
    *(
        "%00",
        "%ff",
        "%ED%A0%80",
        "a%00b",
        "%0d%0aX:%201",
        "a%0a",
        "a%2Fb",
        "..%2f..%2fetc",
        "%2e%2e",
    ),
    *("A", "a%20b", "a--b", "-", "%25", "%252e", "a;b", "a" * 101, "a" * 7000, "%C3%A9", "%27--"),
    *("%3F", "%23", "%5c..%5c", "*", "~", "%F0%9F%98%80"),
)


def ask_for_no_ids(to: Target, operation: Operation) -> None:
    """Each is answered as nothing that is there, or as no id, and writes no header of its own."""
    with to.unchanged():
        for wrong in share(IN_PATHS, WRITES.index(operation)):
            body = b'{"title": "A visit"}' if operation.bodies else None
            headers = {"Content-Type": "application/json"} if body else {}
            path = operation.path.replace("{id}", wrong)
            path = path.replace("{n}", "1").replace("{version}", "1")
            answer = to.writer.ask(Request(operation.method, path, headers, body))
            assert_problem(answer, 404, 405, 422)
            assert answer.headers["X"] is None


@pytest.mark.parametrize("operation", [o for o in WRITES if "{id}" in o.path], ids=str)
def test_what_is_no_id_is_refused_in_a_path(here: Target, operation: Operation) -> None:
    """By both engines."""
    ask_for_no_ids(here, operation)


@pytest.mark.parametrize("operation", [o for o in WRITES if "{id}" in o.path], ids=str)
def test_what_is_no_id_is_refused_on_the_wire(wire: Target, operation: Operation) -> None:
    """As it is sent, whatever servers before the application make of it."""
    ask_for_no_ids(wire, operation)


@pytest.mark.parametrize("kind", writes.RECORD_KINDS)
def test_revisions_of_what_is_no_id_are_not_found(here: Target, kind: str) -> None:
    """Reads of the journal are no way round."""

    def check(path: str) -> None:
        assert_problem(here.writer.ask(Request("GET", f"/{kind}s/{path}")), 404, 422)

    ends = ("revisions", "revisions/1")
    check_each([f"{wrong}/{end}" for wrong in IN_PATHS for end in ends], check)


# -- headers and notes, over sockets --------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """Headers of a request, and the status that they get."""

    lines: str
    status: int


TYPED = "Content-Type: application/json"
HEADERS = {
    "no content type": Bad("", 415),
    "an empty content type": Bad("Content-Type:", 415),
    "text": Bad("Content-Type: text/plain", 415),
    "a form": Bad("Content-Type: application/x-www-form-urlencoded", 415),
    "parts": Bad("Content-Type: multipart/form-data; boundary=x", 415),
    "another JSON": Bad("Content-Type: application/vnd.api+json", 415),
    "a JSON Patch": Bad("Content-Type: application/json-patch+json", 415),
    "JSON of old": Bad("Content-Type: text/json", 415),
    "anything": Bad("Content-Type: */*", 415),
    "a type with a tail": Bad("Content-Type: application/jsonx", 415),
    "a list of types": Bad("Content-Type: application/json, application/json", 415),
    "a type twice": Bad(f"{TYPED}\n{TYPED}", 415),
    "two types": Bad(f"{TYPED}\nContent-Type: text/plain", 415),
    "UTF-16": Bad(f"{TYPED}; charset=utf-16", 415),
    "Latin-1": Bad(f"{TYPED}; charset=iso-8859-1", 415),
    "UTF-7": Bad(f"{TYPED}; charset=utf-7", 415),
    "no charset": Bad(f"{TYPED}; charset=", 415),
    "two charsets": Bad(f"{TYPED}; charset=utf-8; charset=utf-16", 415),
    "another parameter": Bad(f"{TYPED}; boundary=x", 415),
    "a long type": Bad(f"Content-Type: application/{'j' * 7_000}", 415),
    "gzip": Bad(f"{TYPED}\nContent-Encoding: gzip", 415),
    "Brotli": Bad(f"{TYPED}\nContent-Encoding: br", 415),
    "a coding that is none": Bad(f"{TYPED}\nContent-Encoding: nonsense", 415),
    "two codings": Bad(f"{TYPED}\nContent-Encoding: identity, gzip", 415),
}


def lines(to: Target, operation: Operation, *more: str, target: str = "") -> str:
    """A request's head for the wire, with the key and these headers."""
    path = target or to.path(operation)
    condition = [f"If-Match: {to.tags[operation.noun]}"] if "{id}" in operation.path else []
    head = [f"{operation.method} {path} HTTP/1.1", "Host: h", "Connection: close"]
    head += [f"Authorization: Bearer {to.writer.key}", *condition, *filter(None, more)]
    return "\n".join(head) + "\n\n"


def kept_open(head: str) -> str:
    """The head of a request whose client would go on with the connection."""
    return head.replace("Connection: close\n", "")


def answered(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the first answer in these bytes."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in others)
    return int(first.split()[1]), headers, body


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_another_kind_of_body_is_refused(
    server: Server, wire: Target, operation: Operation
) -> None:
    """By every route that takes a document, before it is read."""
    body = event()

    def check(what: str) -> None:
        bad = HEADERS[what]
        head = lines(wire, operation, bad.lines, f"Content-Length: {len(body)}")
        status, headers, said = answered(server.raw(head, body))
        assert (status, headers["content-type"]) == (bad.status, "application/problem+json")
        assert json.loads(said)["type"] == "/problems/unsupported-media-type"

    with wire.unchanged():
        check_each(HEADERS, check)


ALSO_JSON = (
    *("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"),
    *('application/json; charset="utf-8"', "application/json ;  charset = utf-8"),
)


@pytest.mark.parametrize("said", ALSO_JSON)
def test_json_may_be_called_so_too(wire: Target, said: str) -> None:
    """What means the same is the same."""
    asked = Request("POST", "/types", {"Content-Type": said}, b'{"label": "Trial"}')
    assert wire.writer.ask(asked).status == 201


def test_a_byte_order_mark_before_a_document_is_left_aside(wire: Target) -> None:
    """Some editors begin a file with it (RFC 8259 section 8.1)."""
    body = b'\xef\xbb\xbf{"label": "Trial"}'
    asked = Request("POST", "/types", {"Content-Type": "application/json"}, body)
    assert wire.writer.ask(asked).json()["label"] == "Trial"


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_a_body_that_says_it_is_too_large_is_refused_unread(
    server: Server, wire: Target, operation: Operation
) -> None:
    """The answer comes though nothing follows, and ends the connection."""
    for length in (MIB + 1, 10**12, 10**18):
        head = kept_open(lines(wire, operation, TYPED, f"Content-Length: {length}"))
        status, headers, _ = answered(server.raw(head))
        assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_a_body_that_becomes_too_large_is_refused(
    server: Server, wire: Target, operation: Operation
) -> None:
    """In chunks, which say nothing of the whole."""
    with wire.unchanged():
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        head = kept_open(lines(wire, operation, TYPED, "Transfer-Encoding: chunked"))
        raw = b""
        with suppress(ConnectionError):  # what is sent on after the answer
            raw = server.raw(head, chunk * 17 + b"0\r\n\r\n")
        if raw:
            status, headers, _ = answered(raw)
            assert (status, headers["connection"]) == (413, "close")


def test_a_body_of_the_largest_size_is_taken(wire: Target) -> None:
    """1 MiB; a byte more is not."""
    document = b'{"label": "Trial"}'
    headers = {"Content-Type": "application/json"}
    for more, status in ((0, 201), (1, 413)):
        body = document + b" " * (MIB + more - len(document))
        assert wire.writer.ask(Request("POST", "/types", headers, body)).status == status


# Lies about what follows, and what may come of them.
FRAMES = {
    "too little": ("Content-Length: 5", b'{"label": "Trial"}'),
    "less than nothing": ("Content-Length: -1", b"{}"),
    "no number": ("Content-Length: many", b"{}"),
    "a decimal": ("Content-Length: 2.0", b"{}"),
    "a plus": ("Content-Length: +2", b"{}"),
    "other digits": ("Content-Length: \u00b2", b"{}"),
    "beyond all numbers": (f"Content-Length: {'9' * 5000}", b"{}"),
    "two that differ": ("Content-Length: 2\nContent-Length: 18", b'{"label": "Trial"}'),
    "a list that differs": ("Content-Length: 2, 18", b'{"label": "Trial"}'),
    "both ways": ("Content-Length: 4\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "chunks that are none": ("Transfer-Encoding: chunked", b'{"label": "Trial"}'),
    "a chunk of no size": ("Transfer-Encoding: chunked", b"\r\n\r\n"),
    "a chunk of less than nothing": ("Transfer-Encoding: chunked", b"-1\r\n\r\n"),
    "a chunk too large": ("Transfer-Encoding: chunked", b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"),
    "an unknown coding": ("Transfer-Encoding: gzip, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked twice": ("Transfer-Encoding: chunked, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    "no body": ("", b""),
}


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_a_lie_about_the_length_is_refused(
    server: Server, wire: Target, operation: Operation
) -> None:
    """As no HTTP or as no document; nothing is stored of it, and nothing is smuggled behind it."""

    def check(what: str) -> None:
        framing, body = FRAMES[what]
        raw = server.raw(lines(wire, operation, TYPED, framing), body, ended=True)
        if raw:
            status, _, _ = answered(raw)
            assert 400 <= status < 500
            assert raw.count(b"HTTP/1.1 ") == 1

    with wire.unchanged():
        check_each(FRAMES, check)


@pytest.mark.parametrize("operation", TAKING_DOCUMENTS, ids=str)
def test_half_a_body_is_forgotten(server: Server, wire: Target, operation: Operation) -> None:
    """A client that goes away in the middle leaves nothing behind."""
    with wire.unchanged():
        head = lines(wire, operation, TYPED, "Content-Length: 100").replace("\n", "\r\n")
        with server.connected() as sock:
            sock.sendall(head.encode() + b'{"label": "Tr')


CONDITIONS = (
    *("nonsense", '"', '""', 'W/"x"', "W/", ",", '"a", "b"', '"a" "b"', "*, *", "a" * 7000),
    *('"\xff"', '"%00"', '"\\"', '"*"', "null", "0"),
)


@pytest.mark.parametrize("said", CONDITIONS, ids=lambda said: repr(said)[:30])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_an_if_match_that_names_no_state_is_refused(wire: Target, method: str, said: str) -> None:
    """Whatever it is; only `*` and the tag let through."""
    with wire.unchanged():
        for operation in (o for o in WRITES if o.method == method):
            body = b'{"id": null}' if operation.bodies else None
            headers = {"Content-Type": "application/json", "If-Match": said}
            path = wire.path(operation)
            answer = wire.writer.ask(Request(method, path, headers, body))
            assert_problem(answer, 400, 412)


@pytest.mark.parametrize("said", ['"x"', "", "nonsense", "**", '"*"', "*, *"])
def test_an_if_none_match_that_is_not_a_star_is_refused(wire: Target, said: str) -> None:
    """In a write it means nothing else, and is never left aside."""
    with wire.unchanged():
        for operation in (o for o in WRITES if o.method == "PUT" and "{id}" in o.path):
            headers = {"Content-Type": "application/json", "If-None-Match": said}
            path = wire.paths[operation.noun]
            (fault,) = assert_problem(wire.writer.ask(Request("PUT", path, headers, b"{}")), 400)
            assert (fault["in"], fault["name"]) == ("header", "If-None-Match")


@pytest.mark.parametrize("said", ["", "k" * 201, "k" * 7000])
def test_an_idempotency_key_out_of_bounds_is_refused(wire: Target, said: str) -> None:
    """It is kept, so it has a length."""
    with wire.unchanged():
        for operation in (o for o in WRITES if "Idempotency-Key" in o.of("header")):
            headers = {"Content-Type": "application/json", "Idempotency-Key": said}
            path = wire.path(operation)
            (fault,) = assert_problem(wire.writer.ask(Request("POST", path, headers, b"{}")), 422)
            assert (fault["in"], fault["name"]) == ("header", "Idempotency-Key")


ODD_KEYS = (
    *("a/b", "../x", "%00", "%0d%0aX: 1", "'; DROP TABLE answered; --", '"x"', "é", "\xff"),
    *(" x ", "*", "a,b", "\t", "k" * 200, "{}", "null"),
)


@pytest.mark.parametrize("said", ODD_KEYS, ids=repr)
def test_any_text_may_be_an_idempotency_key(wire: Target, said: str) -> None:
    """The same request gets the same answer, and another is told so."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": said}
    asked = Request("POST", "/types", headers, b'{"label": "Trial"}')
    first, again = wire.writer.ask(asked), wire.writer.ask(asked)
    other = wire.writer.ask(replace(asked, body=b'{"label": "Another"}'))
    if said.strip():
        assert (first.status, first.body) == (201, again.body)
        assert assert_problem(other, 422) == []
    else:  # white space around a value is none of it
        for answer in (first, again, other):
            assert assert_problem(answer, 422)[0]["name"] == "Idempotency-Key"


@pytest.mark.parametrize("said", ["/", "%00", "'; DROP TABLE answered; --", "k" * 200, "null"])
def test_both_engines_keep_any_idempotency_key(here: Target, said: str) -> None:
    """As it was sent."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": said}
    asked = Request("POST", "/types", headers, b'{"label": "Trial"}')
    first, again = here.writer.ask(asked), here.writer.ask(asked)
    assert (first.status, first.body) == (201, again.body)


NO_NOTES = (
    *("", "+", "%20", "%00", "a%00b", "%1b[31m", "%0d", "%7f", "%C2%85", "n" * 501),
    *("%ff%00", "%ED%A0%80%00"),
)


@pytest.mark.parametrize("said", NO_NOTES)
def test_what_is_no_note_is_refused(here: Target, said: str) -> None:
    """By every route that writes; it would stand in the revision for good."""
    with here.unchanged():
        for operation in WRITES:
            path = here.path(operation)
            headers = {"Content-Type": "application/json", "If-Match": here.tags[operation.noun]}
            asked = Request(operation.method, f"{path}?note={said}", headers, b"{}")
            (fault,) = assert_problem(here.writer.ask(asked), 422)
            assert (fault["in"], fault["name"]) == ("query", "note")


@pytest.mark.parametrize("said", ["a/b", "%27; DROP TABLE change; --", "<script>", "%F0%9F%98%80"])
def test_any_text_may_be_a_note(here: Target, said: str) -> None:
    """It is kept as it is."""
    headers = {"Content-Type": "application/json"}
    made = here.writer.ask(Request("POST", f"/types?note={said}", headers, b'{"label": "Trial"}'))
    assert made.status == 201
    revisions = here.writer.ask(Request("GET", f"/types/{made.json()['id']}/revisions"))
    (revision,) = revisions.json()["items"]
    assert re.fullmatch(r"a/b|'; DROP TABLE change; --|<script>|😀", revision["note"])


# -- what is taken --------------------------------------------------------------------------------

TAKEN = (
    *("__proto__", "constructor", "<script>alert(1)</script>", "'; DROP TABLE event; --", "${x}"),
    *("\u202egnp.exe", "😀", "e\u0301", "\ufeffx", "\uffff", "a\tb\nc", "%s%n", "NULL", "{{7*7}}"),
)


@pytest.mark.parametrize("said", TAKEN, ids=repr)
def test_any_text_may_be_a_text(here: Target, said: str) -> None:
    """It is kept as it is, and nothing else comes of it."""
    asked = Request("POST", "/events", {"Content-Type": "application/json"}, b"")
    body = event(
        title=said, summary=said, tags=[said], sources=[{"title": said, "publisher": said}]
    )
    answer = here.writer.ask(replace(asked, body=body))
    assert answer.status == 201, answer.body
    stored = here.writer.ask(Request("GET", f"/events/{answer.json()['id']}")).json()
    assert (stored["title"], stored["summary"]) == (said, said)
    assert stored["sources"][0]["title"] == said


def test_what_is_refused_leaves_nothing_of_what_was_made_for_it(here: Target) -> None:
    """The new source, actor, place and tags of an event that fails at its last link."""
    links = [{"event": "no-such-event", "relation": "causes"}]
    body = event(
        related=links,
        actors=[{"name": "An actor of this test"}],
        places=[{"name": "A place of this test"}],
        tags=["a tag of this test"],
        sources=[{"publisher": "A publisher of this test", "title": "x"}],
    )
    routes = [o for o in TAKING_DOCUMENTS if o.noun == "event" and not o.part]
    for answer in here.each(routes, body):
        assert_problem(answer, 422)


def test_without_a_key_nothing_is_read(server: Server) -> None:
    """Whoever may not write cannot make the server read a body either."""
    for operation in TAKING_DOCUMENTS:
        head = f"{operation.method} {operation.url()} HTTP/1.1\nHost: h\nConnection: close\n"
        head += f"{TYPED}\nContent-Length: 1000000000\n\n"
        status, _, _ = answered(server.raw(head))
        assert status == 401
    assert server.ask("/readyz").status == 200


def test_the_server_still_serves(server: Server, wire: Target) -> None:
    """After all of it: it reads, it writes, and its log tells of no error."""
    assert server.ask("/events").json()["total"] > 0
    assert wire.writer.deleted("event")
    assert "Traceback" not in server.log.read_text()
