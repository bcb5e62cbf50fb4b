"""What is wrong with a document, in plain words and by the columns of its own file."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from app import schemas, writes
from app.errors import from_validation
from app.filters import EventQuery, ExportQuery, FacetQuery, RevisionsQuery
from app.plain import OWN_ERROR_TYPES, WORDS, count, describe
from app.settings import Settings
from commands import call
from writing import Desk, desk_over, event, furnish

pytestmark = pytest.mark.both_engines

Json = dict[str, Any]
PYDANTIC = re.compile(
    r"Input should|Field required|valid (string|dictionary|list|integer|number|boolean)|instance of"
    r"|should (have|match)|[Ee]xtra inputs|unable to parse|at (least|most) \d+ (item|character)"
    r"|after validation|Value error|Assertion failed"
)
MODELS: tuple[type[BaseModel], ...] = (
    *(schemas.EventWrite, schemas.ActorWrite, schemas.PlaceWrite, schemas.SourceWrite),
    *(schemas.TypeWrite, writes.ImportOptions, EventQuery, ExportQuery, FacetQuery),
    *(RevisionsQuery, Settings),
)
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, float("nan"), float("inf"), "", " ", "x y", "x" * 20_000),
    *([], [None], ["Serbia"], [1], [[]], [{}], [{"name": 1}], [{"x": 1}], ["a"] * 1000),
    *({}, {"x": 1}, {"edtf": 1}, b"\xff", object()),
    *([{"latitude": "x"}], [{"latitude": 91, "longitude": -999}], [{"measure": 1, "value": "x"}]),
)


def details() -> Iterator[Any]:
    """Yield what pydantic says of odd values in every member of every model."""
    for model in MODELS:
        for name in model.model_fields:
            for value in ODD:
                try:
                    model.model_validate({name: value})
                except ValidationError as error:
                    yield from error.errors()


def test_nothing_is_said_in_the_words_of_pydantic() -> None:
    """Every kind of error that our models raise has words of its own."""
    seen = {detail["type"]: describe(detail) for detail in details()}
    assert len(seen) > 15
    assert sorted(seen.keys() - WORDS.keys() - {*OWN_ERROR_TYPES}) == []
    assert {kind: said for kind, said in seen.items() if PYDANTIC.search(said)} == {}


def test_words_are_for_errors_that_there_are() -> None:
    """And no error of pydantic has its own words, whether our models raise it or not."""
    known = {error["type"]: error for error in list_all_errors()}
    assert WORDS.keys() - known.keys() == set()
    for kind, error in known.items():
        if kind in OWN_ERROR_TYPES:
            continue
        detail = {
            "type": kind,
            "loc": ("body", "x"),
            "msg": error["example_message_python"],
            "ctx": {"pattern": "^x$", **(error["example_context"] or {})},
        }
        (fault,) = from_validation([detail])
        assert not PYDANTIC.search(fault.message), fault


BAD_MEMBERS: list[tuple[Json, str, str]] = [
    ({"actors": ["Serbia"]}, "actors.0", 'write {"name": "Serbia"}'),
    ({"places": ["Belgrade"]}, "places.0", 'write {"name": "Belgrade"}'),
    ({"sources": ["A"]}, "sources.0", '"title"'),
    ({"quantities": ["4"]}, "quantities.0", '"measure"'),
    ({"related": ["x"]}, "related.0", '"relation"'),
    ({"actors": "Serbia"}, "actors", "is not a list; write [ and ]"),
    ({"date": 2023}, "date", '"2023-11"'),
    ({"title": 5}, "title", "give a text"),
    ({"title": "x" * 501}, "title", "has more than 500 characters"),
    ({"id": "Not A Slug"}, "id", "use a-z, 0-9 and single hyphens"),
    ({"sources": []}, "sources", "is empty"),
    ({"titel": "x"}, "titel", "is not a member here; known: id, type, title"),
]


@pytest.fixture
def desk(empty: str) -> Iterator[Desk]:
    """A newsroom with types and a source."""
    furnish(empty)
    with desk_over(empty) as desk:
        yield desk


def send(desk: Desk, file: str, kind: str = "text/csv", **options: Any) -> list[Json]:
    """Return the errors of a file."""
    headers = {"Content-Type": kind, "Authorization": f"Bearer {desk.key}"}
    answer = desk.client.post("/import", params=options, content=file.encode(), headers=headers)
    errors: list[Json] = answer.json().get("errors", [])
    return errors


def test_a_document_is_told_what_belongs_there(desk: Desk) -> None:
    """In NDJSON by the path, as in a body; with its line."""
    wrong = []
    for members, name, part in BAD_MEMBERS:
        row = json.dumps(event(**members))
        errors = send(desk, row, "application/x-ndjson")
        fits = [e for e in errors if e["name"] == name and part in e["message"] and e["line"] == 1]
        if not fits:
            wrong.append((members, errors))
    assert wrong == []


def table(**cells: str) -> str:
    """Return a CSV file of one row."""
    row = {"type": "visit", "title": "A", "date": "2023", "source_id": "wire", **cells}
    row = {name: cell for name, cell in row.items() if cell != "-"}
    text = io.StringIO()
    csv.writer(text).writerows([row, row.values()])
    return text.getvalue()


NEW_SOURCE = {"source_id": "", "source_title": "New"}
CELLS: list[tuple[Json, str, str | None]] = [  # cells, the name of the fault, its suggestion
    ({"date": "2023-13"}, "date", None),
    ({"date_text": "x" * 600}, "date_text", None),
    ({"status": "compelted"}, "status", "completed"),
    ({**NEW_SOURCE, "source_published": "2023-13"}, "source_published", None),
    ({**NEW_SOURCE, "source_kind": "nwes"}, "source_kind", "news"),
    ({**NEW_SOURCE, "source_claims": "date; actros"}, "source_claims", "date; actors"),
    ({"source_id": "wier"}, "source_id", "wire"),
    ({"actors": "A; " + "x" * 600}, "actors", None),
    ({"actors": '[{"name": "A", "kind": "contry"}]'}, "actors, entry 1, kind", "country"),
    ({"actors": '[{"name": "A"}, "Serbia"]'}, "actors, entry 2", None),
    ({"related": "folows x; implements y"}, "related", "follows x; implements y"),
    ({"tags": '["a", 5]'}, "tags, entry 2", None),
    (
        {"more_sources": '[{"id": "wire"}, {"published": "x"}]'},
        "more_sources, entry 2, published",
        None,
    ),
    (
        {"source_id": "", "more_sources": '[{"title": "A"}, {"title": "B", "claims": ["dat"]}]'},
        "more_sources, entry 2, claims, entry 1",
        "date",
    ),
    ({"type": ""}, "type", None),
    ({"type": "vist"}, "type", "visit"),
    ({"source_id": ""}, "source_title", None),
    ({"id": "Not A Slug"}, "id", None),
]  # fmt: skip


def test_a_table_is_told_by_its_columns(desk: Desk) -> None:
    """Each fault by its column and line; a suggestion is the cell as it should be."""
    wrong: list[Any] = []
    for cells, name, suggestion in CELLS:
        errors = send(desk, table(**cells))
        found = [(e["name"], e.get("suggestion"), e["line"]) for e in errors]
        if (name, suggestion, 2) not in found:
            wrong.append((cells, found))
        if suggestion is not None and name in cells:
            again = send(desk, table(**{**cells, name: suggestion}))
            if any(e["name"] == name and e["message"] == errors[0]["message"] for e in again):
                wrong.append((cells, again))
    assert wrong == []


def test_what_is_missing_is_told_with_the_option(desk: Desk) -> None:
    """As the user would write it here."""
    (fault,) = send(desk, table(type=""))
    assert "type=…" in fault["message"]
    (fault,) = send(desk, table(source_id=""))
    assert "source_title=…" in fault["message"]


def test_the_command_line_prints_a_fault_a_line(desk: Desk, empty: str, tmp_path: Any) -> None:
    """Twenty at most, with the flags that would help; a column that is missing is named once."""
    if empty.startswith("sqlite"):
        desk.client.__exit__()
    rows = "\n".join(f"A {number},2023,wire" for number in range(81))
    files = {
        "none.csv": f"type,title,date,source_id\n{rows.replace('A ', ',A ')}\n",
        "odd.csv": "titel,dat,typ\n",
        "one.csv": "type,title,date,source_id\n,A,2023,wire\n",
    }
    errs = {}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        ran = call("import", name, folder=tmp_path, settings={"database_url": empty})
        assert (ran.code, ran.out) == (1, "")
        errs[name] = ran.err.splitlines()
    many = errs["none.csv"]
    assert (len(many), many[-1]) == (21, "dateline: and 61 more")
    assert many[0].startswith("dateline: line 2: type: is missing")
    assert "--type …" in many[0]
    assert len(errs["odd.csv"]) == 2
    assert errs["odd.csv"][0].startswith("dateline: line 1: date: no column is the date; map one")
    assert len(errs["one.csv"]) == 1


def test_numbers_agree_with_their_nouns() -> None:
    """One fault, two faults."""
    assert [count(number, "fault") for number in range(3)] == ["0 faults", "1 fault", "2 faults"]
