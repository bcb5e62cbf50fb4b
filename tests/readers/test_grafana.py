"""What the recipes tell Grafana's Infinity data source to ask is there, in columns of that kind."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

from caches import SECONDS
from documented import ADDRESS, section, text_of
from node import packages
from readers.recipes import Json, Readers

pytestmark = pytest.mark.slow

JSONATA = "jsonata@2.2.2"
# The answer and the expression on stdin, what JSONata makes of them on stdout.
EVALUATE = """
const [answer, expression] = JSON.parse(require("fs").readFileSync(0));
require("jsonata")(expression).evaluate(answer).then((rows) => console.log(JSON.stringify(rows)));
"""
QUERIES = re.findall(
    r"<!-- grafana -->\n```text\nURL +(\S+)\nRoot selector +(.+)\nColumns +(.+)\n```",
    section(text_of("docs/recipes.md"), "Grafana"),
)
# What Grafana writes in place of its variables, for a dashboard of some years.
RANGE = {
    "${__from:date:YYYY-MM-DD}": "2020-01-01",
    "${__to:date:YYYY-MM-DD}": "2024-12-31",
    "$__customInterval(60d,day,1100d,month,year)": "year",
}


def rows(readers: Readers, url: str, selector: str) -> list[Json]:
    """What a panel is given: the answer to a URL, through a root selector."""
    for variable, value in RANGE.items():
        url = url.replace(variable, value)
    answer = readers.server.ask(url.removeprefix(ADDRESS)).json()
    done = subprocess.run(
        ["node", "-e", EVALUATE],
        cwd=packages(JSONATA).parent,
        input=json.dumps([answer, selector]),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    found: list[Json] = json.loads(done.stdout)
    return found


def kind_of(value: object) -> str:
    """What Infinity calls a value of this kind."""
    if isinstance(value, int):
        return "Number"
    try:
        return "Timestamp" if date.fromisoformat(str(value)) else ""
    except ValueError:
        return "String"


def test_there_are_six_queries() -> None:
    """They are found where the next test looks for them."""
    assert len(QUERIES) == 6


@pytest.mark.parametrize(("url", "selector", "columns"), QUERIES)
def test_a_query_fills_its_columns(readers: Readers, url: str, selector: str, columns: str) -> None:
    """Every row has each column and no other, of the type that Grafana is told."""
    found = rows(readers, url, selector)
    kinds = [{name: kind_of(value) for name, value in row.items()} for row in found]
    assert found
    assert kinds == [dict(told.rsplit(" ", 1) for told in columns.split(", "))] * len(found)


DASHBOARD: Json = json.loads(text_of("docs/grafana.json"))
TYPES = ("@grafana/schema@13.2.3", "typescript@5.9.3")


def test_the_dashboard_is_one_by_the_types_of_grafana(tmp_path: Path) -> None:
    """Its model compiles strictly; what only an import reads is not part of the model."""
    (tmp_path / "node_modules").symlink_to(packages(*TYPES))
    model = {name: value for name, value in DASHBOARD.items() if not name.startswith("__")}
    (tmp_path / "dashboard.ts").write_text(
        'import type { Dashboard } from "@grafana/schema";\n'
        f"export const dashboard: Dashboard = {json.dumps(model)};\n"
    )
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext"]
    done = subprocess.run(
        ["node_modules/.bin/tsc", *options, "--moduleResolution", "bundler", "dashboard.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout == ""


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_of_the_dashboard_is_filled(readers: Readers, panel: Json) -> None:
    """Its query gives each of its columns, of the type that Grafana is told."""
    (target,) = panel["targets"]
    url = target["url"].replace("${server}", ADDRESS)
    found = rows(readers, url, target["root_selector"])
    kinds = {column["text"]: column["type"].capitalize() for column in target["columns"]}
    assert found
    assert [{n: kind_of(v) for n, v in row.items()} for row in found] == [kinds] * len(found)


def test_the_panels_lie_side_by_side() -> None:
    """No two share an id or a place in Grafana's grid of 24 columns."""
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y)
        for at in places
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
