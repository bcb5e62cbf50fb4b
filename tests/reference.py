"""The API reference as a client generator reads it: operations, their URLs, their examples."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.main import create_app
from app.settings import Settings

# Nothing is read from the store to make the document.
DOCUMENT: dict[str, Any] = create_app(Settings(database_url="sqlite:///none.db")).openapi()

# Parameters that say nothing alone, and what they belong to.
COMPANIONS = {"all_of": "tag", "match": "date", "min_value": "unit", "max_value": "unit"}

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Operation:
    """One path and method of the document."""

    path: str
    method: str
    spec: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Everything it takes, in path and query."""
        found: list[dict[str, Any]] = self.spec.get("parameters", [])
        return found

    def of(self, where: str) -> dict[str, dict[str, Any]]:
        """Its parameters in `path`, `query` or `header`, by name."""
        return {p["name"]: p for p in self.parameters if p["in"] == where}

    def url(self, query: Query = (), path: Mapping[str, str] | None = None) -> str:
        """Its URL; what stands in the path is the documented example unless given."""
        filled = path or {name: p["example"] for name, p in self.of("path").items()}
        return f"{self.path.format(**filled)}?{urlencode(list(query))}".rstrip("?")

    @property
    def bodies(self) -> dict[str, dict[str, Any]]:
        """What it takes as a body, by media type: each with its schema and its example."""
        found: dict[str, dict[str, Any]] = self.spec.get("requestBody", {}).get("content", {})
        return found

    @property
    def noun(self) -> str:
        """What it is about: `event` of /events/{id}/restore."""
        return self.path.split("/")[1].removesuffix("s")

    @property
    def part(self) -> str:
        """The part of a record: `/sources/1`, `/revisions/1/restore`; none if it is all of it."""
        if "/{version}/restore" in self.path:
            return "/revisions/1/restore"
        if not self.path.startswith("/events/{id}/sources"):
            return ""
        return self.url().removeprefix(f"/events/{self.of('path')['id']['example']}")

    def examples(self, *names: str) -> Query:
        """The documented examples of these query parameters, as a query says them."""
        for name in names:
            example = example_of(self.of("query")[name])
            for value in example if isinstance(example, list) else [example]:
                yield name, str(value)

    def plain(self) -> Query:
        """The least that it can be asked: what it requires."""
        return self.examples(*(name for name, p in self.of("query").items() if p["required"]))

    def alone(self, name: str) -> Query:
        """The example of one query parameter, with what it means nothing without."""
        companions = [COMPANIONS[name]] if name in COMPANIONS else []
        required = [value for value in self.plain() if value[0] != name]
        return [*required, *self.examples(*companions, name)]


def example_of(parameter: Mapping[str, Any]) -> Any:
    """The example that the reference fills in, else the one that it shows; None without any."""
    shown = parameter["schema"].get("examples", [None])
    return parameter.get("example", shown[0])


def operations() -> Iterator[Operation]:
    """Every operation that the document holds."""
    for path, methods in DOCUMENT["paths"].items():
        for method, spec in methods.items():
            yield Operation(path, method.upper(), spec)


OPERATIONS = tuple(operations())
READS = tuple(
    operation
    for operation in OPERATIONS
    if operation.method == "GET"
    and "$ref" in str(operation.spec["responses"]["200"]["content"].get("application/json"))
)
WRITES = tuple(operation for operation in OPERATIONS if operation.method != "GET")
EACH_PARAMETER = tuple((o, name) for o in READS for name in o.of("query"))
EACH_EXAMPLE = tuple((o, n) for o, n in EACH_PARAMETER if example_of(o.of("query")[n]))
