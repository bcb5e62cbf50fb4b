"""Whatever the reference allows is answered, whatever it forbids is refused, and as documented.

Schemathesis makes the requests from the reference alone and applies every check that it has to the
answers of a real server. What JSON Schema cannot say stands in a table; requests of our own, made
from what the store holds, show that its parameters are accepted all the same.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from ipaddress import IPv4Address
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from app.errors import PROBLEM_TYPES
from app.schemas import SLUG
from reference import COMPANIONS, DOCUMENT, OPERATIONS, READS, WRITES, Operation
from servers import SECONDS, Server, serving
from stores import SqliteStores, key_of, migrated, seeded
from tiers import examples
from valid_writes import Request, Writer, over_wire, sending

pytest_plugins = ["schemathesis.pytest.plugin"]  # no other file needs it, and it imports slowly
pytestmark = pytest.mark.slow

EXAMPLES = 20  # an operation, beside those of each boundary of its schema
OWN_EXAMPLES = 40
WALKS = 10  # from answer to request to answer

# A 422 that names none but these may refuse what the schema allows.
BEYOND_JSON_SCHEMA = {
    "date": "the grammar of EDTF, and the lengths of months",
    "known_by": "the grammar of EDTF, the lengths of months, and that there is a last day",
    "updated_since": "the lengths of months, the hours of a day, the offset",
    "bbox": "the range of each of its four numbers, and south below north",
    "cursor": "only what a list gave, and only for that list",
    "type": "only ids in the store",
    "actor": "only ids in the store",
    "role": "only words that an actor bears",
    "place": "only ids in the store",
    "source": "only ids in the store",
    "related_to": "only ids in the store",
    **dict.fromkeys(("tag", "publisher"), "only those that an event or a source bears"),
    "country": "only codes in use: ISO 3166-1 grows and shrinks",
    "measure": "only words that a quantity bears",
    "unit": "only known units and those that a quantity bears",
    "match": "needs `date`",
    "all_of": "needs the parameter that it names",
    "min_value": "needs `unit`, and is not greater than `max_value`",
    "max_value": "needs `unit`",
    "sort": "`relevance` needs `q`",
    "interval": "5,000 spans at most lie in the time that is asked for",
}

# As much of a body, by the path of a member.
EDTF = "the grammar of EDTF, and the lengths of months"
IN_STORE = "only ids in the store"
TOGETHER = "members that need each other"
DECIMAL = "at most 30 digits on each side of the point, without an exponent"
CODE = "only codes in use: ISO 3166-1 grows and shrinks"
BEYOND_IN_BODIES = {
    **dict.fromkeys(("date.edtf", "published", "accessed"), EDTF),
    **dict.fromkeys(("sources.n.published", "sources.n.accessed"), EDTF),
    **dict.fromkeys(("country", "actors.n.country", "places.n.country"), CODE),
    **dict.fromkeys(("type", "sources.n.id", "actors.n.id", "places.n.id"), IN_STORE),
    "related.n.event": IN_STORE,
    "id": "that of the path",
    **dict.fromkeys(("body", "sources.n", "actors.n", "places.n", "quantities.n"), TOGETHER),
    **dict.fromkeys(("quantities.n.value", "quantities.n.max_value"), DECIMAL),
}

# What a schema of one request cannot say, and what then answers it, whatever else is right.
UNSAYABLE = {
    "404": "which ids are in the store",
    "410": "which were there, and which database a cursor is of",
    "409": "what is stored: ids that are taken, records that are used, names that several bear",
    "412": "the tag of what is stored now",
    "428": "If-Match is needed where something is there",
    "414": "a schema bounds each parameter, never all of a URL",
    "431": "nor all of a head",
}
NOT_READ = {
    "400": "no JSON, or a header that cannot be read",
    "404": "an id that can be none is not there",
    "409": "the state of a record is looked at before the document that is to replace it",
    "410": "the state of a record is looked at before the document that is to replace it",
    "412": "the state of a record is looked at before the document that is to replace it",
    "414": "a schema bounds each parameter, never all of a URL",
    "431": "nor all of a head",
    "415": "another type of body",
    "422": "everything else",
    "428": "the state of a record is looked at before the document that is to replace it",
}
CONFIG = {
    "generation": {
        "max-examples": EXAMPLES,
        "deterministic": True,
        "database": "none",
        "with-security-parameters": False,  # it has no key; `sent` has one
    },
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", *UNSAYABLE]},
        "negative_data_rejection": {"expected-statuses": list(NOT_READ)},
    },
}
Case = schemathesis.Case[Any]
# A copy: Schemathesis writes the links that it infers into the document.
API = schemathesis.openapi.from_dict(
    deepcopy(DOCUMENT), config=SchemathesisConfig.from_dict(CONFIG)
)


@API.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Whether a failure is one."""
    del context
    if isinstance(failure, UseAfterFree):  # revisions are kept of what was deleted
        return "/revisions" not in case.operation.path and is_deleted(response)
    return not isinstance(failure, RejectedPositiveData) or not refuses_the_unsayable(response)


def is_deleted(answer: schemathesis.Response) -> bool:
    """Whether the journal says so of the record that an answer shows: it may be restored since."""
    address = urlsplit(str(answer.request.url))
    connection = HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)
    with closing(connection):
        connection.request("GET", f"{address.path}/revisions?limit=1")
        newest = json.loads(connection.getresponse().read())["items"][0]
    return bool(newest["op"] == "delete")


def refuses_the_unsayable(answer: schemathesis.Response) -> bool:
    """Whether this is a 422 that names only what JSON Schema cannot say."""
    if answer.status_code != 422:
        return False
    if answer.json()["type"] == "/problems/key-reused":  # which came with another request
        return True
    faults = answer.json().get("errors", [])
    # A pattern knows white space; that other characters are not seen either, it cannot say.
    others = [fault["name"] for fault in faults if not fault["message"].startswith("is blank")]
    named = {re.sub(r"\.[0-9]+(?=\.|$)", ".n", name) for name in others}
    return bool(faults) and named <= {*BEYOND_JSON_SCHEMA, *BEYOND_IN_BODIES}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the example chronology, which no test changes."""
    files = SqliteStores(tmp_path_factory.mktemp("served"))
    with serving(seeded(files, migrated(files))) as running:
        yield running


@dataclass
class Fuzzed:
    """Servers that are written: one at a time, each over a copy of its own."""

    files: SqliteStores
    template: str
    key: str
    label: str = ""
    server: Server | None = None
    running: ExitStack = field(default_factory=ExitStack)
    numbers: Iterator[int] = field(default_factory=count)

    def of(self, label: str) -> Server:
        """The server for the requests of one operation."""
        if self.server is None or label != self.label:
            self.running.close()
            store = serving(self.files.new(self.template), writes_per_minute="0")
            self.server, self.label = self.running.enter_context(store), label
        return self.server


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """Servers over the example chronology, with one key that may write."""
    files = SqliteStores(tmp_path_factory.mktemp("fuzzed"))
    template = seeded(files, migrated(files))
    made = Fuzzed(files, template, key_of(template))
    with made.running:
        yield made


def sent(case: Case, fuzzed: Fuzzed, label: str) -> dict[str, Any]:
    """How a request is sent: to its server, with the key, of whatever state it finds."""
    headers = dict(case.headers or {})
    if case.operation.method.upper() != "GET":
        headers.setdefault("Authorization", f"Bearer {fuzzed.key}")
    if case.operation.method.upper() in ("PUT", "PATCH", "DELETE"):
        headers.setdefault("If-Match", "*")
    # From an address of its own: the checks send bad keys, of which each address has only so many.
    number = next(fuzzed.numbers)
    headers["X-Forwarded-For"] = str(IPv4Address("10.0.0.0") + number)
    return {"base_url": fuzzed.of(label).url, "headers": headers}


@API.parametrize()
def test_every_answer_is_as_documented(case: Case, fuzzed: Fuzzed) -> None:
    """To allowed and forbidden requests, by every check of Schemathesis."""
    case.call_and_validate(**sent(case, fuzzed, case.operation.label))


def test_every_way_from_answer_to_request_is_as_documented(fuzzed: Fuzzed) -> None:
    """Ids out of lists lead to records, and what follows them is checked the same."""

    class Walk(API.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return sent(case, fuzzed, "walk")

    Walk.run(
        settings=settings(
            max_examples=examples(WALKS),
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
    )


def test_only_parameters_that_there_are_go_beyond_json_schema() -> None:
    """The table holds no name that is no longer needed by any operation."""
    assert set(BEYOND_JSON_SCHEMA) <= {name for o in OPERATIONS for name in o.of("query")}


# -- requests of our own --------------------------------------------------------------------------

Known = Mapping[str, Sequence[str]]
Values = st.SearchStrategy[list[str]]


@pytest.fixture(scope="module")
def known(server: Server) -> Known:
    """What the store holds, under the parameter that asks for it."""

    def listed(name: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = server.ask(f"/{name}?limit=200").json()["items"]
        return items

    events = listed("events")
    quantities = [quantity for event in events for quantity in event["quantities"]]
    actors = [actor for event in events for actor in event["actors"]]
    found: dict[str, set[str | None]] = {
        "id": {event["id"] for event in events},
        "measure": {quantity["measure"] for quantity in quantities},
        "unit": {quantity["unit"] for quantity in quantities},
        "role": {actor["role"] for actor in actors},
        "country": {actor["country"] for actor in actors},
        "word": {word for event in events for word in event["title"].split()},
        "title": {event["title"] for event in events},
    }
    found["extra"] = {f"{n}:{v}" for event in events for n, v in event["extra"].items()}
    for name in ("type", "actor", "place", "tag", "publisher", "source"):
        found[name] = {item["id"] for item in listed(f"{name}s")}
    for name in ("tag", "publisher"):
        found[name] |= {item["name"] for item in listed(f"{name}s")}
    return {name: sorted(filter(None, values)) for name, values in found.items()}


def dates() -> st.SearchStrategy[str]:
    """Dates that may be asked for, of few enough days for any histogram."""
    day = st.dates(datetime(2013, 1, 1).date(), datetime(2024, 12, 31).date()).map(str)
    one = st.builds(lambda day, length: day[:length], day, st.sampled_from((4, 7, 10)))
    two = st.tuples(day, day).map(sorted).map("/".join)
    return one | two | one.map("{}/..".format) | one.map("../{}".format)


def one(values: st.SearchStrategy[Any]) -> Values:
    """The values of a parameter that may be given once."""
    return values.map(lambda value: [str(value)])


def some(values: Sequence[str]) -> Values:
    """The values of a parameter that may be repeated, borne or not."""
    return st.lists(st.builds("{}{}".format, st.sampled_from(("", "!")), st.sampled_from(values)))


def valid(known: Known) -> dict[str, Values]:
    """Valid values of every query parameter there is, but for those of one operation alone."""
    word = st.sampled_from(known["word"])
    moments = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
    box = st.tuples(
        *(st.integers(-180, 180), st.integers(-90, 0), st.integers(-180, 180), st.integers(0, 90))
    )
    text = word | word.map("{:.3}*".format) | st.sampled_from(known["title"]).map('"{}"'.format)
    members = DOCUMENT["components"]["schemas"]["Event"]["properties"]
    repeated = ("type", "actor", "role", "place", "country", "tag", "publisher", "source", "extra")
    return {
        **{name: some(known[name]) for name in repeated},
        "status": some(("planned", "ongoing", "completed", "cancelled")),
        "date": one(dates()),
        "known_by": one(dates().filter(lambda date: not date.endswith("/.."))),
        "match": one(st.sampled_from(("possible", "certain"))),
        "q": one(text | st.text(st.characters(codec="utf-8"), min_size=1, max_size=500)),
        "bbox": one(box.map(lambda edges: ",".join(map(str, edges)))),
        "min_publishers": one(st.integers(1, 1000)),
        "measure": one(st.sampled_from(known["measure"])),
        "unit": one(st.sampled_from(known["unit"])),
        "min_value": one(st.decimals(-(10**9), 10**9, places=3)),
        "max_value": one(st.decimals(-(10**9), 10**9, places=3)),
        "related_to": one(st.sampled_from(known["id"])),
        "updated_since": one(moments.map(datetime.isoformat)),
        "limit": one(st.integers(1, 200)),
        "fields": one(
            st.lists(st.sampled_from(sorted(members)), min_size=1, unique=True).map(",".join)
        ),
        "total": one(st.sampled_from(("exact", "none"))),
        "all_of": one(st.just("tag")),
        "sort": one(st.sampled_from(("date", "-date", "updated", "-updated", "relevance"))),
        "by": st.lists(
            st.sampled_from(("type", "actor", "role", "country", "tag", "status")), min_size=1
        ),
        "finding": st.lists(st.sampled_from(("single-publisher", "planned-overdue"))),
        "interval": one(st.sampled_from(("year", "quarter", "month", "week", "day"))),
        "url": one(
            st.sampled_from(known["type"]).map(lambda name: f"/embed?{urlencode({'type': name})}")
        ),
        "maxwidth": one(st.integers(120, 10_000)),
        "maxheight": one(st.integers(120, 10_000)),
        "format": one(st.just("json")),
        "dnt": one(st.sampled_from(("0", "1"))),
    }


PLACES = {"cursor", "after"}  # in a list: only answers give them


def queries(operation: Operation, known: Known) -> st.SearchStrategy[dict[str, list[str]]]:
    """Valid queries of an operation; a cursor is had from answers alone."""
    values, taken = valid(known), operation.of("query")
    needed = {name: values[name] for name, parameter in taken.items() if parameter["required"]}
    optional = {name: values[name] for name in taken if name not in {*needed, *PLACES}}

    def complete(query: dict[str, list[str]]) -> dict[str, list[str]]:
        without = {name for name, other in COMPANIONS.items() if not query.get(other)}
        if query.get("sort") == ["relevance"] and "q" not in query:
            without.add("sort")
        if {"min_value", "max_value"} <= set(query):
            low, high = sorted((query["min_value"], query["max_value"]), key=lambda v: float(v[0]))
            query = {**query, "min_value": low, "max_value": high}
        return {name: given for name, given in query.items() if name not in without}

    return st.fixed_dictionaries(needed, optional=optional).map(complete)


def paths(operation: Operation, known: Known) -> st.SearchStrategy[dict[str, str]]:
    """Ids of records of an operation."""
    if operation.path == "/problems/{code}":
        return st.fixed_dictionaries({"code": st.sampled_from(sorted(PROBLEM_TYPES))})
    if "{id}" not in operation.path:
        return st.just({})
    ids = known["id" if operation.noun == "event" else operation.noun]
    filled = {"id": st.sampled_from([i for i in ids if re.fullmatch(SLUG, i)])}
    if "{version}" in operation.path:  # each has been stored once
        filled["version"] = st.just("1")
    return st.fixed_dictionaries(filled)


@pytest.mark.parametrize("operation", READS, ids=str)
def test_what_the_store_holds_can_be_asked_for(
    server: Server, known: Known, operation: Operation
) -> None:
    """Every combination of valid values is a success, and so is the page that follows."""

    @settings(max_examples=examples(OWN_EXAMPLES), derandomize=True, database=None)
    @given(queries(operation, known), paths(operation, known))
    def check(query: dict[str, list[str]], path: dict[str, str]) -> None:
        pairs = [(name, value) for name, values in query.items() for value in values]
        answer = server.ask(operation.url(pairs, path))
        assert answer.status == 200, answer.body
        following = answer.json()["next"] if "cursor" in operation.of("query") else None
        if following is not None:
            answer = server.ask(following.removeprefix(server.url))
            assert answer.status == 200, answer.body

    check()


# What a record is called.
NAMES = {
    "event": "title",
    "source": "title",
    "actor": "name",
    "place": "name",
    "type": "label",
    "chronology": "title",
}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=500)
LINES = TEXTS.filter(str.strip)


# A file holds lines, not one document: tests/test_files.py. A mapping takes no note.
DOCUMENTS = [operation for operation in WRITES if operation.noun not in ("import", "mapping")]


@pytest.mark.parametrize("operation", DOCUMENTS, ids=str)
def test_what_is_valid_is_stored(fuzzed: Fuzzed, operation: Operation) -> None:
    """Each documented write is a success, whatever record, name and note it is about."""
    writer = Writer(over_wire(fuzzed.of("valid")), fuzzed.key)
    name = NAMES[operation.noun]

    @settings(max_examples=examples(OWN_EXAMPLES // 4), derandomize=True, database=None)
    @given(LINES, LINES)
    def check(called: str, note: str) -> None:
        asked = writer.valid(operation)
        if operation.bodies:
            document = {**json.loads(asked.body or b""), name: called}
            asked = replace(asked, body=json.dumps(document).encode())
        answer = writer.ask(replace(asked, target=f"{asked.target}?{urlencode({'note': note})}"))
        assert answer.status in (200, 201, 204), answer.body
        if operation.part and operation.bodies:
            assert answer.json()["sources"][-1]["title"] == called
        elif operation.bodies:
            assert answer.json()[name] == called

    check()


@pytest.mark.parametrize("noun", NAMES)
def test_what_is_read_can_be_put_back(fuzzed: Fuzzed, noun: str) -> None:
    """Every record that the store holds, as it stands; nothing changes by it."""
    writer = Writer(over_wire(fuzzed.of("put back")), fuzzed.key)
    records = {"/chronology": writer.ask(Request("GET", "/chronology")).json()}
    if noun != "chronology":
        listed = writer.ask(Request("GET", f"/{noun}s?limit=200")).json()["items"]
        records = {f"/{noun}s/{item['id']}": item for item in listed}
    for path, item in records.items():
        asked = Request("PUT", path, **sending(item)).given(If_Match=writer.tag(path))
        answer = writer.ask(asked)
        assert (answer.status, answer.json()) == (200, item)
        assert answer.headers["ETag"] == asked.headers["If-Match"]
