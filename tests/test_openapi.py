"""The API reference holds what it says: complete, with examples that work, true to the answers."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.api import access
from app.api.heads import MAX_HEADER_BYTES, MAX_URL_BYTES
from app.errors import PROBLEM_TYPES
from app.main import create_app
from app.settings import Settings
from reference import (
    DOCUMENT,
    EACH_EXAMPLE,
    OPERATIONS,
    READS,
    WRITES,
    Operation,
    Query,
    example_of,
)
from servers import Answer
from stores import SqliteStores, Stores, key_of, migrated
from tables import check_each
from valid_writes import (
    Request,
    Send,
    Writer,
    bearer,
    example,
    refused,
    sending,
    through,
    unconditional,
)

# Parameters that can have no lasting example.
WITHOUT_EXAMPLE = {"cursor", "after", "Last-Event-ID"}  # they belong to one database

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_read = pytest.mark.parametrize("operation", READS, ids=str)
each_write = pytest.mark.parametrize("operation", WRITES, ids=str)


@dataclass(frozen=True)
class Without:
    """Two servers that refuse: one whose store went away, one that takes a request a minute."""

    store: Send
    patience: Send
    key: str  # of both


@pytest.fixture(scope="module")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty store in a file; copied, never written."""
    return migrated(SqliteStores(tmp_path_factory.mktemp("openapi")))


@pytest.fixture
def without(tmp_path: Path, migrated_file: str) -> Iterator[Without]:
    """Servers of the test's own."""
    files = SqliteStores(tmp_path)
    url = files.new(migrated_file)
    key = key_of(url)
    of_copy = Settings(database_url=files.new(url), reads_per_minute=1, writes_per_minute=1)
    impatient = create_app(of_copy)
    storeless = create_app(Settings(database_url=url))
    Path(url.removeprefix("sqlite:///")).unlink()
    with TestClient(storeless) as store, TestClient(impatient) as patience:
        yield Without(through(store), through(patience), key)


@pytest.fixture(autouse=True)
def any_number_of_wrong_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limit of wrong keys a minute: these tests send one for each operation."""
    monkeypatch.setattr(access, "MAX_FAILURES_PER_MINUTE", 0)


@pytest.fixture(scope="module")
def written(stores: Stores, seeded_template: str) -> Iterator[tuple[str, TestClient]]:
    """A store that tests write, and a client of it."""
    url = stores.new(seeded_template)
    with TestClient(create_app(Settings(database_url=url, writes_per_minute=0))) as made:
        yield url, made


@pytest.fixture(scope="module")
def writer(written: tuple[str, TestClient]) -> Writer:
    """Who writes it."""
    url, client = written
    return Writer(through(client), key_of(url))


@pytest.fixture(scope="module")
def reading_key(written: tuple[str, TestClient]) -> str:
    """A key of that store that may not write it."""
    return key_of(written[0], "a reader", "read")


def errors_of(schema: dict[str, Any], instance: Any) -> list[str]:
    """What the schema, whose references lead into the document, finds wrong."""
    from openapi_schema_validator import OAS31Validator  # it takes seconds to import

    validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


# -- complete -------------------------------------------------------------------------------------


def test_the_document_is_openapi() -> None:
    """OpenAPI 3.1, by the letter of its specification."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    from openapi_spec_validator import OpenAPIV31SpecValidator  # it takes seconds to import

    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_document_is_what_the_server_serves(client: TestClient) -> None:
    """At /openapi.json."""
    assert client.get("/openapi.json").json() == DOCUMENT


@each_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    """To people, in a place of the reference, and to generators of clients."""
    spec = operation.spec
    assert spec["summary"]
    assert spec["description"]
    assert spec["tags"]
    assert set(spec["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+|healthz|readyz", spec["operationId"])


@each_operation
def test_a_parameter_is_explained_and_exemplified(operation: Operation) -> None:
    """And the example fits its schema."""
    for parameter in operation.parameters:
        assert parameter["description"]
        if parameter["name"] not in WITHOUT_EXAMPLE:
            assert errors_of(parameter["schema"], example_of(parameter)) == []


@each_operation
def test_every_error_is_documented_as_a_problem(operation: Operation) -> None:
    """RFC 9457, for each status, with an example; a slip makes 422 possible everywhere."""
    refused = {s: r for s, r in operation.spec["responses"].items() if s >= "400"}
    assert "422" in refused
    schema = {"$ref": "#/components/schemas/Problem"}
    for status, response in refused.items():
        assert response["description"]
        ((media_type, content),) = response["content"].items()
        assert (media_type, content["schema"]) == ("application/problem+json", schema)
        for shown in content["examples"].values():
            assert errors_of(schema, shown["value"]) == []
            assert str(shown["value"]["status"]) == status


def test_a_header_that_must_be_there_is_required() -> None:
    """`If-Match` wherever its absence is 428, but for PUT, which may create."""
    wrong = [
        str(operation)
        for operation in OPERATIONS
        if "428" in operation.spec["responses"]
        and operation.of("header")["If-Match"]["required"] == (operation.method == "PUT")
    ]
    assert wrong == []


def test_every_operation_says_whether_it_needs_a_key() -> None:
    """An empty list where it needs none, for generators that would take its absence for a yes."""
    needed = {str(o): bool(o.spec["security"]) for o in OPERATIONS}
    assert needed == {str(o): o.method != "GET" for o in OPERATIONS}


def test_no_schema_is_left_over() -> None:
    """Whatever is defined, something refers to."""
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert set(DOCUMENT["components"]["schemas"]) == used


def test_every_member_is_described() -> None:
    """Of each shape, read or sent, and the shape itself."""
    wrong = []
    for name, schema in DOCUMENT["components"]["schemas"].items():
        members = schema.get("properties", {}).items()
        wrong += [name] if not schema.get("description") else []
        wrong += [f"{name}.{member}" for member, told in members if not told.get("description")]
    assert wrong == []


def test_every_word_of_a_closed_list_is_explained() -> None:
    """Each in code marks, in the list's own description."""
    wrong = [
        f"{name}: {word}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for word in schema.get("enum", [])
        if f"`{word}`" not in schema.get("description", "")
    ]
    assert wrong == []


def test_events_come_first() -> None:
    """The tags are in the order of the reference, each in one group; none is without a use."""
    names = [tag["name"] for tag in DOCUMENT["tags"]]
    assert names[0] == "Events"
    assert [tag for group in DOCUMENT["x-tagGroups"] for tag in group["tags"]] == names
    assert {tag for operation in OPERATIONS for tag in operation.spec["tags"]} == {*names}


def test_a_closed_list_has_one_name() -> None:
    """So that a generated client has one type for it, whatever member or parameter takes it."""
    named = DOCUMENT["components"]["schemas"]
    lists = [tuple(schema["enum"]) for schema in named.values() if "enum" in schema]
    members = [schema.get("properties") for schema in named.values()]
    queries = [parameter for o in OPERATIONS for parameter in o.of("query").values()]
    assert '"enum"' not in json.dumps([members, queries])
    assert len(set(lists)) == len(lists)


def test_what_is_sent_has_no_defaults() -> None:
    """Generators take a member with a default for one that is always given."""
    sent = {n: s for n, s in DOCUMENT["components"]["schemas"].items() if "properties" in s}
    with_default = {n for n, s in sent.items() if '"default"' in json.dumps(s)}
    assert with_default == {"Quantity"}  # which is served


def test_every_kind_of_problem_is_explained(client: TestClient) -> None:
    """Where its `type` leads, and all of them in one list."""
    listed = client.get("/problems").json()
    assert [kind["code"] for kind in listed] == list(PROBLEM_TYPES)
    for kind in listed:
        assert client.get(f"/problems/{kind['code']}").json() == kind
        assert kind["title"]
        assert kind["advice"]


# -- examples that work ---------------------------------------------------------------------------


def assert_answers(client: TestClient, url: str) -> None:
    """A 200 with something in it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document if isinstance(document, list) else document.get("items", document)


# The event that the examples of filters find is well sourced: of it there is nothing to say.
FINDING = [(o, name) for o, name in EACH_EXAMPLE if o.path != "/audit"]
WITH_EXAMPLES = [o for o in READS if any(one is o for one, _ in FINDING)]


@pytest.mark.parametrize("operation", WITH_EXAMPLES, ids=str)
def test_an_example_alone_finds_something(client: TestClient, operation: Operation) -> None:
    """On the example chronology, which whoever reads the reference for the first time has."""

    def check(name: str) -> None:
        assert_answers(client, operation.url(operation.alone(name)))

    check_each([name for one, name in FINDING if one is operation], check)


@each_read
def test_what_is_filled_in_finds_something(client: TestClient, operation: Operation) -> None:
    """The reference's page sends all of it: the first click must not end in nothing."""
    assert_answers(client, operation.url(together(operation)))


def together(operation: Operation) -> Query:
    """Every example that the reference fills in."""
    return operation.examples(*(n for n, p in operation.of("query").items() if "example" in p))


# -- true to the answers --------------------------------------------------------------------------


def assert_as_documented(operation: Operation, answer: Answer) -> None:
    """Content type, headers and shape are those that stand in the reference for this status."""
    documented = operation.spec["responses"][str(answer.status)]
    for header, told in documented.get("headers", {}).items():
        assert header in answer.headers or not told["required"]
    if "content" not in documented:
        assert answer.body == b""
        return
    content = documented["content"][answer.headers["Content-Type"]]
    assert errors_of(content["schema"], answer.json()) == []


@each_read
def test_every_success_has_the_documented_shape(client: TestClient, operation: Operation) -> None:
    """Plain, with each example, with all of them, and each record that a list leads to."""
    queries = [list(operation.plain()), list(together(operation))]
    queries += [list(operation.alone(n)) for o, n in EACH_EXAMPLE if o is operation]
    for query in queries:
        answer = through(client)(Request("GET", operation.url(query)))
        assert answer.status == 200
        assert_as_documented(operation, answer)


@pytest.mark.parametrize("record", [o for o in READS if o.path.endswith("/{id}")], ids=str)
def test_every_record_has_the_documented_shape(client: TestClient, record: Operation) -> None:
    """Each that the list of its kind names; the list shows it as it stands alone."""
    listed = client.get(record.path.removesuffix("/{id}"), params={"limit": 200}).json()
    assert listed["next"] is None
    for item in listed["items"]:
        answer = through(client)(Request("GET", record.url(path={"id": item["id"]})))
        assert_as_documented(record, answer)
        assert answer.json() == item


@pytest.mark.parametrize("place", ["/events", "/sources", "/actors", "/places", "/types"])
def test_every_revision_has_the_documented_shape(writer: Writer, place: str) -> None:
    """Of a record that was made, changed, deleted and restored, alone and in the list."""
    noun = place.strip("/").removesuffix("s")
    made = writer.made(noun)
    (patch,) = [o for o in WRITES if str(o) == f"PATCH {place}/{{id}}"]
    (delete,) = [o for o in WRITES if str(o) == f"DELETE {place}/{{id}}"]
    (whole,) = [o for o in READS if o.path == f"{place}/{{id}}/revisions/{{version}}"]
    (listing,) = [o for o in READS if o.path == f"{place}/{{id}}/revisions"]
    changed = replace(example(patch), target=made)
    for asked in (changed, replace(example(delete), target=made)):
        assert writer.ask(asked.given(If_Match=writer.tag(made))).status in (200, 204)
    assert writer.ask(Request("POST", f"{made}/restore")).status == 200
    listed = writer.ask(Request("GET", f"{made}/revisions"))
    assert_as_documented(listing, listed)
    items = listed.json()["items"]
    assert [item["op"] for item in items] == ["restore", "delete", "update", "create"]
    for item in items:
        revision = writer.ask(Request("GET", f"{made}/revisions/{item['version']}"))
        assert_as_documented(whole, revision)
        assert {**item, "document": revision.json()["document"]} == revision.json()


def sent(asked: Request, document: Any, media_type: str) -> Request:
    """The request with another body."""
    told = sending(document, media_type)
    return replace(asked, body=told["body"]).given(Content_Type=media_type)


@each_write
def test_what_a_write_answers_has_the_documented_shape(
    writer: Writer, operation: Operation
) -> None:
    """With the documented example, in each type of body; it is a success."""
    asked = writer.valid(operation)
    for media_type, content in (operation.bodies or {"none": {}}).items():
        said = asked if media_type == "none" else sent(asked, content["example"], media_type)
        bare = ("application/json", "text/calendar")  # their events have no type or source
        if media_type in bare and operation.noun == "import":
            said = replace(said, target=f"{said.target}?type=statement&source_title=A+chronology")
        if operation.method in ("PUT", "PATCH"):
            said = said.given(If_Match=writer.tag(said.target))
        answer = writer.ask(said)
        assert answer.status in (200, 201, 204), answer.body
        assert_as_documented(operation, answer)


@pytest.mark.parametrize("operation", [o for o in WRITES if o.method in ("PUT", "PATCH")], ids=str)
def test_a_write_that_is_filled_in_needs_only_its_tag(writer: Writer, operation: Operation) -> None:
    """The record that the reference names is there to be changed."""
    asked = example(operation)
    answer = writer.ask(asked.given(If_Match=writer.tag(asked.target)))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.bodies], ids=str)
def test_the_example_of_a_body_fits_its_schema(operation: Operation) -> None:
    """Whoever generates a client can send what the reference shows."""
    for content in operation.bodies.values():
        assert errors_of(content["schema"], content["example"]) == []


@each_read
def test_exactly_the_documented_answers_are_given_to_a_read(
    client: TestClient, without: Without, writer: Writer, operation: Operation
) -> None:
    """Each status of the reference can be had, in its shape, and no other."""
    plain = Request("GET", operation.url(operation.plain()))
    send = through(client)
    given = [
        send(plain),
        send(plain.given(If_None_Match="*")),
        send(plain.given(**bearer("no key"))),
        send(replace(plain, target=operation.url([("no_such_thing", "1")]))),
        send(replace(plain, target=operation.url([("no_such_thing", "1" * MAX_URL_BYTES)]))),
        send(plain.given(Accept="a" * MAX_HEADER_BYTES)),
        without.store(plain),
        *(without.patience(plain) for _ in range(2)),
    ]
    if operation.of("path"):
        unknown = {n: p["example"] for n, p in operation.of("path").items()}
        unknown[next(iter(unknown))] = "nothing-of-this-name"
        given.append(send(Request("GET", operation.url(path=unknown))))
    if "410" in operation.spec["responses"] and operation.path.endswith("/{id}"):
        given.append(writer.ask(Request("GET", writer.deleted(operation.noun))))
    for name in {"cursor", "after"} & set(operation.of("query")):
        cursor = foreign_cursor(writer, operation, name)
        given.append(send(Request("GET", operation.url([(name, cursor)]))))
    if operation.path == "/oembed":
        elsewhere = [("url", "https://elsewhere.example/")]
        other = [*operation.plain(), ("format", "xml")]
        given += [send(Request("GET", operation.url(query))) for query in (elsewhere, other)]
    assert {str(answer.status) for answer in given} == set(operation.spec["responses"])
    for answer in given:
        assert_as_documented(operation, answer)


@each_write
def test_exactly_the_documented_answers_are_given_to_a_write(
    writer: Writer, reading_key: str, without: Without, operation: Operation
) -> None:
    """Each status of the reference can be had, in its shape, and no other."""
    valid = writer.valid(operation)
    stale = valid.given(If_Match='"stale"')
    given = [
        writer.send(valid),
        writer.send(valid.given(**bearer(reading_key))),
        writer.send(valid.given(Accept="a" * MAX_HEADER_BYTES)),
        without.store(valid.given(**bearer(without.key))),
        *(without.patience(stale.given(**bearer(without.key))) for _ in range(2)),
    ]
    given += [writer.ask(asked) for asked in refused(writer, operation, valid)]
    given.append(done := writer.ask(valid))
    if operation.method == "PUT" and operation.of("path"):
        fresh = replace(unconditional(valid), target=f"{valid.target}-of-this-test")
        given.append(writer.ask(fresh))
    assert {str(answer.status) for answer in given} == set(operation.spec["responses"]), done.body
    for answer in given:
        assert_as_documented(operation, answer)


def foreign_cursor(writer: Writer, operation: Operation, name: str) -> str:
    """A cursor of the same list in another database."""
    target = operation.url([("limit", "1")])
    if "{id}" in operation.path:  # a record with two revisions
        target = f"{writer.deleted(operation.noun)}/revisions?limit=1"
    following = writer.ask(Request("GET", target)).json()["next"]
    cursor = httpx2.URL(following).params[name]
    _, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    told = json.dumps(["another-epoch", *rest]).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")
