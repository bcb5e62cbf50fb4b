"""The recipes for Grafana and spreadsheets ask for what is there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from documented import ADDRESS, section, text_of

RECIPES = text_of("docs/recipes.md")
PANELS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in section(RECIPES, "Grafana").splitlines()
    if f"`{ADDRESS}" in line and line.startswith("|")
]
ADDRESSES = sorted(set(re.findall(rf'{ADDRESS}[^\s"`]+', RECIPES)))
INTERVAL = re.compile(r"\$__customInterval\(60d,(\w+),1100d,(\w+),(\w+)\)")
# What Grafana writes in place of its variables, for a dashboard of some days, months and years.
DAYS = (("2023-11-15", "2023-12-14"), ("2023-01-01", "2023-12-31"), ("2020-01-01", "2024-12-31"))
SHOWN = dict(zip(INTERVAL.findall(RECIPES)[0], DAYS, strict=True))


def target(url: str, interval: str = "year") -> str:
    """What is asked of the server while these days are shown."""
    start, end = SHOWN[interval]
    url = url.removeprefix(ADDRESS).replace("${__from:date:YYYY-MM-DD}", start)
    url = url.replace("${__to:date:YYYY-MM-DD}", end).replace("${days}", f"{start}/{end}")
    return INTERVAL.sub(interval, url)


def within(value: Any, path: str) -> Any:
    """What stands at a path such as `$.items` or `date.label`."""
    for name in path.removeprefix("$").strip(".").split("."):
        value = value[name] if name else value
    return value


def code(cell: str) -> Iterator[str]:
    """The code words of a cell."""
    yield from re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("url", ADDRESSES)
def test_every_address_answers(client: TestClient, url: str) -> None:
    """Of every recipe, as it stands but for the days, which the reader fills in."""
    if url.startswith(f"{ADDRESS}/oembed"):
        url = url.replace(f"={ADDRESS}", "=")  # the test's server has another name
    answer = client.get(target(url))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("interval", SHOWN)
@pytest.mark.parametrize(("name", "url", "root", "columns"), PANELS, ids=[p[0] for p in PANELS])
def test_a_panel_has_all_its_columns(
    client: TestClient, name: str, url: str, root: str, columns: str, interval: str
) -> None:
    """Under its root there are rows, and each column has a value in one of them."""
    found = within(client.get(target(url.strip("`"), interval)).json(), root.strip("`"))
    rows = found if isinstance(found, list) else [found]
    empty = [c for c in code(columns) if all(within(row, c) is None for row in rows)]
    assert rows
    assert empty == []


def test_a_variable_has_its_columns(client: TestClient) -> None:
    """Of a dashboard: the vocabulary's label and id."""
    told = re.search(r"`([^`]+/types[^`]*)`, root `([^`]+)`.*?columns (.*?)\.", RECIPES, re.DOTALL)
    assert told
    rows = within(client.get(target(told[1])).json(), told[2])
    assert all(row[column] for row in rows for column in code(told[3]))


def test_a_query_of_excel_has_its_columns(client: TestClient) -> None:
    """The list and the members that the counts are read from."""
    told = re.search(r'Contents\("([^"]+)"\)\),\n.*Answer\[(\w+)\], \{(.*)\}', RECIPES)
    assert told
    rows = client.get(target(told[1])).json()[told[2]]
    assert all(column.strip(' "') in row for row in rows for column in told[3].split(","))


@pytest.mark.parametrize("column", ["date", "date_text"])
def test_a_column_that_is_spoken_of_is_there(client: TestClient, column: str) -> None:
    """In the CSV that spreadsheets read."""
    header = client.get("/events.csv?type=contract").text.splitlines()[0].split(",")
    assert column in header
    assert f"`{column}`" in section(RECIPES, "Spreadsheets")
