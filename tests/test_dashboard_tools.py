"""The examples of the dashboards guide: other people's tools find what the server finds."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from app import writes
from caches import SECONDS
from documented import ADDRESS, files_in, text_of
from servers import Server, serving
from stores import BY, SqliteStores, migrated, seeded
from venvs import programs

pytestmark = pytest.mark.slow

GUIDE = text_of("docs/dashboards.md")
SCRIPTS = {n: t for n, t in files_in(GUIDE).items() if n.startswith("with_")}
SHOWN = dict(re.findall(r"```console\n\$ python3 (\S+)\n(.*?)```", GUIDE, re.DOTALL))
DATES = (
    *("XXXX", "XXXX-12", "-0044-03-15", "0007", "202X", "2023", "2023-12", "2023-22"),
    *("2022-12-31", "2023-01-01", "2023-12-31", "2024-01-01", "2023?", "2023-05~", "2023-05-01%"),
    *("[..2022-12-31]", "[..2023-01-01]", "[2023-12-31..]", "[2024..]", "[2023-02,2023-04]"),
    *("2022/2024", "2022-12/2023-01", "2023-02/2023-03", "2023-12/..", "../2023-02", "2023/"),
    *("/2022", "1999/2001", "2023-24"),
)

# Each prints what a script found to be possible and what certain, by title.
FOUND = {
    "with_pandas.py": "list(ran['possible']['title']), list(ran['certain']['title'])",
    "with_polars.py": "ran['possible']['title'].to_list(), ran['certain']['title'].to_list()",
    "with_duckdb.py": "[t for t, c in ran['found']], [t for t, c in ran['found'] if c]",
}
STREAMLIT = """
import json
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
app.slider[0].set_value((2023, 2023)).run()
numbers = [int(metric.value) for metric in app.metric]
print(json.dumps([len(app.exception), numbers, len(app.dataframe[0].value)]))
"""
DASH = """
import json
from dash_app import app

client = app.server.test_client()
asked = {
    "output": "..bars.figure...events.children..",
    "outputs": [{"id": "bars", "property": "figure"}, {"id": "events", "property": "children"}],
    "inputs": [{"id": "years", "property": "value", "value": [2023, 2023]}],
    "changedPropIds": ["years.value"],
}
answer = client.post("/_dash-update-component", json=asked).json["response"]
bars = {trace["name"]: trace["y"] for trace in answer["bars"]["figure"]["data"]}
print(json.dumps([client.get("/_dash-layout").status_code, list(bars),
                  len(answer["events"]["children"])]))
"""


@pytest.fixture(scope="module")
def frames() -> Path:
    """Return the programs of an environment with the tools for tables."""
    return programs("pandas==3.1.1", "duckdb==2.0.1", "polars==2.1.0")


@pytest.fixture(scope="module")
def apps() -> Path:
    """Return the programs of an environment with the tools for apps."""
    return programs("pandas==3.1.1", "streamlit==1.67.0", "dash==4.4.1", "plotly==7.1.0")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over the example chronology."""
    stores = SqliteStores(tmp_path_factory.mktemp("example"))
    with serving(seeded(stores, migrated(stores))) as server:
        yield server


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over an event for each of DATES, with the date as its title."""
    stores = SqliteStores(tmp_path_factory.mktemp("odd"))
    with serving(seeded(stores, migrated(stores), fill)) as server:
        yield server


def fill(session: Session) -> None:
    """Store the events."""
    writes.create_record(session, BY, writes.TYPE, {"id": "trial", "label": "Trial"})
    for edtf in DATES:
        source = {"publisher": "Desk", "title": edtf}
        event = {"type": "trial", "title": edtf, "date": edtf, "sources": [source]}
        writes.create_record(session, BY, writes.EVENT, event)


def run_script(bin_: Path, server: Server, folder: Path, *command: str) -> str:
    """Return what Python prints, in a folder with the guide's files and this server's address."""
    for name, text in files_in(GUIDE).items():
        (folder / name).write_text(text.replace(ADDRESS, server.url), encoding="utf-8")
    done = subprocess.run(
        [str(bin_ / "python"), *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def titles(server: Server, **query: str) -> list[str]:
    """Return the titles of the events that the server finds in 2023."""
    asked = "".join(f"&{name}={value}" for name, value in query.items())
    page: dict[str, Any] = server.ask(f"/events?limit=200&date=2023{asked}").json()
    return sorted(item["title"] for item in page["items"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_what_the_guide_shows(
    frames: Path, example: Server, tmp_path: Path, name: str
) -> None:
    """On the example chronology."""
    assert run_script(frames, example, tmp_path, name) == SHOWN[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_agrees_with_the_server_on_odd_dates(
    frames: Path, odd: Server, tmp_path: Path, name: str
) -> None:
    """What is possible exactly; what is certain, but for events that last beyond the year."""
    driver = (
        f"import json, runpy; ran = runpy.run_path({name!r}); print(json.dumps([{FOUND[name]}]))"
    )
    *_, printed = run_script(frames, odd, tmp_path, "-c", driver).splitlines()
    possible, certain = map(sorted, json.loads(printed))
    assert possible == titles(odd)
    missed = set(titles(odd, match="certain")) - set(certain)
    assert set(certain) <= set(titles(odd, match="certain"))
    assert missed == {"2022/2024", "2022-12/2023-01", "2023-12/..", "../2023-02", "2023/"}


def test_the_streamlit_app_runs(apps: Path, example: Server, tmp_path: Path) -> None:
    """Its slider moved to 2023: both numbers and the table are the server's."""
    certain, possible = titles(example, match="certain"), titles(example)
    *_, printed = run_script(apps, example, tmp_path, "-c", STREAMLIT).splitlines()
    assert json.loads(printed) == [0, [len(certain), len(possible)], len(possible)]


def test_the_dash_app_runs(apps: Path, example: Server, tmp_path: Path) -> None:
    """Its layout is served, and its slider at 2023 lists the server's events."""
    *_, printed = run_script(apps, example, tmp_path, "-c", DASH).splitlines()
    assert json.loads(printed) == [200, ["certain", "only possible"], len(titles(example))]


def test_the_versions_are_those_that_the_guide_names() -> None:
    """So that a reader knows what was tried."""
    told = GUIDE.split("## What is tested")[1]
    source = Path(__file__).read_text(encoding="utf-8")
    pinned = dict(re.findall(r'"(pandas|duckdb|polars|streamlit|dash)==([\d.]+)"', source))
    assert len(pinned) == 5
    named = re.findall(r"(pandas|DuckDB|Polars|Streamlit|Dash)\s+(\d[\d.]+\d)", told)
    assert {name.lower(): version for name, version in named} == pinned
