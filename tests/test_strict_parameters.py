"""No parameter is silently ignored: what an operation does not declare, it refuses by name."""

from collections.abc import Iterable

import pytest
from fastapi.testclient import TestClient

from reference import OPERATIONS, READS, WRITES, Operation, example_of
from tables import check_each


def assert_refused(client: TestClient, url: str, name: str, method: str = "GET") -> str | None:
    """A 422 whose only error names this parameter; gives its suggestion, where there is one."""
    answer = client.request(method, url)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert (fault["in"], fault["name"]) == ("query", name)
    assert fault["message"]
    suggestion: str | None = fault.get("suggestion")
    return suggestion


def misspelt(name: str) -> Iterable[str]:
    """A letter left out, two swapped, and other cases."""
    yield name.upper()
    if len(name) > 1:
        middle = len(name) // 2
        yield name.capitalize()
        yield name[:middle] + name[middle + 1 :]
        yield name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]


WITH_PARAMETERS = [operation for operation in READS if operation.of("query")]


def with_an_example(operation: Operation) -> list[str]:
    """Return the query parameters that have a documented example."""
    return [name for name, spec in operation.of("query").items() if example_of(spec)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_unknown_parameter_is_refused(client: TestClient, operation: Operation) -> None:
    """By every operation, also by those that take none, and before a key is asked for."""
    url = operation.url([("no_such_thing", "1")])
    assert assert_refused(client, url, "no_such_thing", operation.method) is None


# A stored mapping has no revisions, which a note would stand in.
NOTED = [operation for operation in WRITES if operation.path != "/mappings/{name}"]


@pytest.mark.parametrize("operation", NOTED, ids=str)
def test_a_misspelt_note_is_refused(client: TestClient, operation: Operation) -> None:
    """And the right one suggested: why something was done would be lost for good."""
    url = operation.url([("not", "Why")])
    assert assert_refused(client, url, "not", operation.method) == "note"


@pytest.mark.parametrize("operation", WRITES, ids=str)
def test_a_note_is_refused_twice(client: TestClient, operation: Operation) -> None:
    """Which one would be kept?"""
    url = operation.url([("note", "Why"), ("note", "Why")])
    assert assert_refused(client, url, "note", operation.method) is None


@pytest.mark.parametrize("operation", WITH_PARAMETERS, ids=str)
def test_a_misspelt_parameter_is_refused(client: TestClient, operation: Operation) -> None:
    """And the right one suggested."""

    def check(case: tuple[str, str]) -> None:
        name, slip = case
        assert assert_refused(client, operation.url([(slip, "1")]), slip) == name

    names = operation.of("query")
    check_each([(name, slip) for name in names for slip in misspelt(name)], check)


@pytest.mark.parametrize("operation", WITH_PARAMETERS, ids=str)
def test_a_parameter_with_one_value_is_refused_twice(
    client: TestClient, operation: Operation
) -> None:
    """Also with the same value: which one would count?"""

    def check(name: str) -> None:
        once = list(operation.alone(name))
        assert assert_refused(client, operation.url([*once, once[-1]]), name) is None

    types = {name: spec["schema"].get("type") for name, spec in operation.of("query").items()}
    check_each([n for n in with_an_example(operation) if types[n] != "array"], check)


ELSEWHERE = {
    "page": "cursor",
    "offset": "cursor",
    "start": "cursor",
    "search": "q",
    "query": "q",
    "text": "q",
    "from": "date",
    "to": "date",
    "since": "date",
    "after": "date",
    "before": "date",
    "year": "date",
    "order": "sort",
    "order_by": "sort",
    "orderby": "sort",
    "per_page": "limit",
    "page_size": "limit",
    "size": "limit",
    "count": "limit",
    "currency": "unit",
    "bounds": "bbox",
    "box": "bbox",
    "lang": None,
    "id": None,
}


@pytest.mark.parametrize("operation", READS, ids=str)
def test_what_other_interfaces_call_it_suggests_what_it_is_here(
    client: TestClient, operation: Operation
) -> None:
    """If the operation has it; never a name that merely looks alike."""
    own = operation.of("query")

    def check(case: tuple[str, str | None]) -> None:
        name, meant = case
        expected = meant if meant in own else None
        assert assert_refused(client, operation.url([(name, "1")]), name) == expected

    check_each(ELSEWHERE.items(), check)


@pytest.mark.parametrize("operation", READS, ids=str)
def test_each_of_several_faults_is_named(client: TestClient, operation: Operation) -> None:
    """A client mends all of them at once."""
    answer = client.get(operation.url([("first_slip", "1"), ("second_slip", "2")]))
    assert [fault["name"] for fault in answer.json()["errors"]] == ["first_slip", "second_slip"]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_a_parameter_without_a_value_is_refused_too(
    client: TestClient, operation: Operation
) -> None:
    """`?tpye` and `?tpye=` ask for something that is not there."""
    for query in ("no_such_thing", "no_such_thing="):
        assert assert_refused(client, f"{operation.url()}?{query}", "no_such_thing") is None


@pytest.mark.parametrize("operation", WITH_PARAMETERS, ids=str)
def test_what_is_documented_is_accepted(client: TestClient, operation: Operation) -> None:
    """Each parameter, with its documented example."""

    def check(name: str) -> None:
        answer = client.get(operation.url(operation.alone(name)))
        assert answer.status_code == 200, answer.text

    check_each(with_an_example(operation), check)
