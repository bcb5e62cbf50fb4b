"""The API reference holds what it says: complete, with examples that work, true to the answers."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api.middleware import MAX_URL
from app.errors import KINDS
from app.main import create_app
from app.settings import Settings
from reference import (
    DOCUMENT,
    EACH_EXAMPLE,
    OPERATIONS,
    READS,
    Operation,
    Query,
    example_of,
)
from stores import SqliteStores, migrated

# Parameters that can have no lasting example.
WITHOUT_EXAMPLE = {"cursor"}  # it belongs to one state of one database

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_read = pytest.mark.parametrize("operation", READS, ids=str)


@pytest.fixture(scope="module")
def without_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server whose store went away."""
    url = migrated(SqliteStores(tmp_path_factory.mktemp("gone")))
    Path(url.removeprefix("sqlite:///")).unlink()
    with TestClient(create_app(Settings(database_url=url))) as made:
        yield made


def errors_of(schema: dict[str, Any], instance: Any) -> list[str]:
    """What the schema, whose references lead into the document, finds wrong."""
    validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


# -- complete -------------------------------------------------------------------------------------


def test_the_document_is_openapi() -> None:
    """OpenAPI 3.1, by the letter of its specification."""
    assert DOCUMENT["openapi"].startswith("3.1.")
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
        for example in content["examples"].values():
            assert errors_of(schema, example["value"]) == []
            assert str(example["value"]["status"]) == status


def test_no_schema_is_left_over() -> None:
    """Whatever is defined, something refers to."""
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert set(DOCUMENT["components"]["schemas"]) == used


def test_every_kind_of_problem_is_explained(client: TestClient) -> None:
    """Where its `type` leads, and all of them in one list."""
    listed = client.get("/problems").json()
    assert [kind["code"] for kind in listed] == list(KINDS)
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


@pytest.mark.parametrize(("operation", "name"), EACH_EXAMPLE, ids=str)
def test_an_example_alone_finds_something(
    client: TestClient, operation: Operation, name: str
) -> None:
    """On the example chronology, which whoever reads the reference for the first time has."""
    assert_answers(client, operation.url(operation.alone(name)))


@each_read
def test_what_is_filled_in_finds_something(client: TestClient, operation: Operation) -> None:
    """The reference's page sends all of it: the first click must not end in nothing."""
    assert_answers(client, operation.url(together(operation)))


def together(operation: Operation) -> Query:
    """Every example that the reference fills in."""
    return operation.examples(*(n for n, p in operation.of("query").items() if "example" in p))


# -- true to the answers --------------------------------------------------------------------------


def assert_as_documented(operation: Operation, answer: httpx2.Response) -> None:
    """Content type, headers and shape are those that stand in the reference for this status."""
    documented = operation.spec["responses"][str(answer.status_code)]
    for header in documented.get("headers", {}):
        assert header in answer.headers
    if "content" not in documented:
        assert answer.content == b""
        return
    ((media_type, content),) = documented["content"].items()
    assert answer.headers["Content-Type"] == media_type
    assert errors_of(content["schema"], answer.json()) == []


@each_read
def test_every_success_has_the_documented_shape(client: TestClient, operation: Operation) -> None:
    """Plain, with each example, with all of them, and each record that a list leads to."""
    queries = [list(operation.plain()), list(together(operation))]
    queries += [list(operation.alone(n)) for o, n in EACH_EXAMPLE if o is operation]
    for query in queries:
        answer = client.get(operation.url(query))
        assert answer.status_code == 200
        assert_as_documented(operation, answer)


@pytest.mark.parametrize("record", [o for o in READS if "id" in o.of("path")], ids=str)
def test_every_record_has_the_documented_shape(client: TestClient, record: Operation) -> None:
    """Each that the list of its kind names; the list shows it as it stands alone."""
    listed = client.get(record.path.removesuffix("/{id}"), params={"limit": 200}).json()
    assert listed["next"] is None
    for item in listed["items"]:
        answer = client.get(record.url(path={"id": item["id"]}))
        assert_as_documented(record, answer)
        assert answer.json() == item


@each_read
def test_exactly_the_documented_answers_are_given(
    client: TestClient, without_store: TestClient, operation: Operation
) -> None:
    """Each status of the reference can be had, in its shape, and no other."""
    plain = operation.url(operation.plain())
    given = [
        client.get(plain),
        client.get(plain, headers={"If-None-Match": "*"}),
        client.get(operation.url([("no_such_thing", "1")])),
        client.get(operation.url([("no_such_thing", "1" * MAX_URL)])),
        without_store.get(plain),
    ]
    if operation.of("path"):
        unknown = dict.fromkeys(operation.of("path"), "nothing-of-this-name")
        given.append(client.get(operation.url(path=unknown)))
    if "cursor" in operation.of("query"):
        given.append(client.get(operation.url([("cursor", foreign_cursor(client, operation))])))
    assert {str(answer.status_code) for answer in given} == set(operation.spec["responses"])
    for answer in given:
        assert_as_documented(operation, answer)


def foreign_cursor(client: TestClient, operation: Operation) -> str:
    """A cursor of the same list in another database."""
    following = client.get(operation.url([("limit", "1")])).json()["next"]
    cursor = httpx2.URL(following).params["cursor"]
    _, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    told = json.dumps(["another-epoch", *rest]).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")
