"""The benchmark suite runs to its end, judges answers, and leaves no goal and no kind unsaid."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.filters import EventFilter
from benchmarks import chart, goals, measured, oracle, report, suite, values
from benchmarks.generated import Generator
from benchmarks.kinds import KINDS
from benchmarks.prepared import prepared
from servers import Server, serving

pytestmark = pytest.mark.slow

NUMBER = 300
Json = dict[str, Any]
TINY = suite.Options(
    events=(NUMBER,),
    plan=measured.Plan(rounds=1, turn=2, seconds=0.05),
    connections=(1, 2),
    others=("sqlmodel",),
    most=2,
    queries=6,
    seconds=0.5,
    reading=0.1,
)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose stores are used again."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def run(keep: Path) -> Json:
    """The figures of one run of everything, over few events."""
    return {"made": {"command": "a test"}, **suite.run(replace(TINY, keep=keep))}


@pytest.fixture(scope="module")
def server(run: Json, keep: Path) -> Iterator[Server]:
    """A server over the store that the run has left."""
    with prepared(NUMBER, keep) as store, serving(store.url) as running:
        yield running


@pytest.fixture(scope="module")
def asked(server: Server) -> list[measured.Asked]:
    """Two answers of each kind."""
    return list(measured.asked(server, KINDS, values.read(server, NUMBER), 2))


@pytest.fixture(scope="module")
def model(server: Server, keep: Path) -> oracle.Oracle:
    """What the answers must be."""
    exported = map(json.loads, server.ask("/events.ndjson").body.splitlines())
    updated = {event["id"]: event["updated_at"] for event in exported}
    return oracle.Oracle(Generator(NUMBER).lines(), updated, values.read(server, NUMBER))


def test_the_report_tells_every_goal_and_every_kind(run: Json, tmp_path: Path) -> None:
    """As Markdown and as JSON; the chart has a row for each pair of orders at least."""
    report.write(
        {**run, "made": dict.fromkeys(("command", "day", "machine", "versions"), "")}, tmp_path
    )
    told = (tmp_path / "benchmarks.md").read_text("utf-8")
    written = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    drawn = (tmp_path / "benchmarks.svg").read_text("utf-8")
    assert [goal.what for goal in goals.GOALS if f"| {goal.what} | at " not in told] == []
    assert [kind.name for kind in KINDS if f"| {kind.name} | " not in told] == []
    assert [kind["name"] for kind in written["sizes"][str(NUMBER)]["kinds"]] == [
        kind.name for kind in KINDS
    ]
    assert drawn.count('text-anchor="end"') == 2 * len(
        list(chart.shown(written["sizes"]["300"]["kinds"]))
    )


def test_every_goal_but_those_left_out_is_measured(run: Json) -> None:
    """One size does not grow, and Datasette takes too long to start for a test."""
    missing = {goal["what"] for goal in goals.told(run) if goal["holds"] is None}
    assert {name.split()[0] for name in missing} == {"growth", "page"}


def test_no_goal_holds_where_an_answer_failed(run: Json) -> None:
    """However soon it came."""
    failing = deepcopy(run)
    (page, *_) = (k for k in failing["sizes"][str(NUMBER)]["kinds"] if k["group"] == "page")
    page["at"]["2"]["failed"] = 1
    (told,) = (goal for goal in goals.told(failing) if goal["what"].startswith("page of 50"))
    assert (told["holds"], told["figure"]) == (False, None)
    assert told["where"] == f"{page['name']}, 2 at once, 1 answers failed"


def test_every_parameter_of_the_filter_is_asked_for(server: Server) -> None:
    """By some kind."""
    found = values.read(server, NUMBER)
    targets = [request.target for kind in KINDS for request in kind.requests(found)]
    given = {name for target in targets for name, _ in parse_qsl(urlsplit(target).query)}
    assert sorted(EventFilter.model_fields.keys() - given) == []


def test_the_oracle_finds_nothing_wrong(asked: list[measured.Asked], model: oracle.Oracle) -> None:
    """With what Dateline answers; the run itself would not have begun otherwise."""
    assert list(model.wrong(asked)) == []


def broken(body: bytes) -> bytes:
    """An answer of the same shape that is not true."""
    told = json.loads(body.splitlines()[0])
    if "facets" in told or "total" in told:
        told["total"] += 1
    elif "buckets" in told:
        told["buckets"] = told["buckets"][1:] or [{}]
    else:
        told["title"] = "Something else"
    return json.dumps(told).encode()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_oracle_catches_a_wrong_answer(
    kind: Any, asked: list[measured.Asked], model: oracle.Oracle
) -> None:
    """Of every kind."""
    made = next(made for made in asked if made.kind == kind)
    target, answer = next(iter(made.answers.items()))
    assert model.differs(target, replace(answer, body=broken(answer.body))) is not None


def test_the_generator_makes_the_same_events_again() -> None:
    """Whatever else was made before."""
    first = list(islice(Generator(NUMBER).lines(), 20))
    assert list(islice(Generator(NUMBER).lines(), 20)) == first
    assert {len(json.loads(line)["sources"]) for line in Generator(NUMBER).lines()} == {
        1,
        2,
        3,
        4,
        5,
    }
