"""What the recipes ask for is there, also where no browser shows it."""

import re

import pytest
from fastapi.testclient import TestClient

from documented import ADDRESS, section, text_of

RECIPES = text_of("docs/recipes.md")
ADDRESSES = sorted(set(re.findall(rf'{ADDRESS}[^\s"`\']+', RECIPES)))
INTERVAL = re.compile(r"\$__customInterval\(60d,(\w+),1100d,(\w+),(\w+)\)")


def target(url: str, interval: str = "year") -> str:
    """What is asked of the server while these two months are shown."""
    url = url.removeprefix(ADDRESS).replace("${__from:date:YYYY-MM-DD}", "2023-11-01")
    url = url.replace("${__to:date:YYYY-MM-DD}", "2023-12-31")
    return INTERVAL.sub(interval, url.replace("${days}", "2023-11-01/2023-12-31"))


@pytest.mark.parametrize("url", ADDRESSES)
def test_every_address_answers(client: TestClient, url: str) -> None:
    """As it stands but for the days, which the reader fills in."""
    if url.startswith(f"{ADDRESS}/oembed"):
        url = url.replace(f"={ADDRESS}", "=")  # the test's server has another name
    answer = client.get(target(url))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("interval", INTERVAL.findall(RECIPES)[0])
def test_a_dashboard_of_any_length_has_bars(client: TestClient, interval: str) -> None:
    """By each of the intervals that Grafana chooses from."""
    (url,) = (url for url in ADDRESSES if INTERVAL.search(url))
    assert client.get(target(url, interval)).json()["buckets"]


def test_a_query_of_excel_has_its_columns(client: TestClient) -> None:
    """The list and the members that the counts are read from."""
    told = re.search(r'Contents\("([^"]+)"\)\)\n.*\n.*Answer\[(\w+)\], \{(.*)\}', RECIPES)
    assert told
    rows = client.get(target(told[1])).json()[told[2]]
    assert rows
    assert all(column.strip(' "') in row for row in rows for column in told[3].split(","))


@pytest.mark.parametrize("url", [url for url in ADDRESSES if "/events.csv" in url])
def test_a_spreadsheet_gets_events(client: TestClient, url: str) -> None:
    """More than the names of the columns, among them the one that is spoken of."""
    header, *events = client.get(target(url)).text.splitlines()
    assert events
    (spoken_of,) = re.findall(r"stands in `(\w+)`", section(RECIPES, "Spreadsheets"))
    assert spoken_of in header.split(",")
