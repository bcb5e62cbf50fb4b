"""Files in and out, over HTTP and on the command line, on both engines."""

import csv
import gc
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from app import checking, seeding
from app.api.files import IMPORT_MEDIA_TYPES, MAX_IMPORT_BYTES
from app.cli.files import _read_pairs
from app.filters import EventFilter, ExportQuery
from app.filters.strict import read_query
from app.formats import BIBLIOGRAPHIES, COLUMNS, DERIVED_COLUMNS, FORMATS, MAX_FEED_EVENTS, READERS
from app.main import create_app
from app.reads import counts
from app.settings import Settings
from app.store import Database
from chronology import Chronology, chronology, items, walk
from commands import MEASURABLE, Ran, call, run
from formats.foreign import feed, ids_in, shows
from stores import SqliteStores, Stores, migrated, opened, seeded
from tables import check_each
from writing import writing

pytestmark = pytest.mark.both_engines

Json = dict[str, Any]

COUNTED = ("version", "created_at", "updated_at")
GAS = "serbia-azerbaijan-gas-contract"
TYPE_OF = {name: media_type for media_type, name in IMPORT_MEDIA_TYPES.items()}
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "a type": {"type": "contract"},
    "a window": {"date": "2023-11", "match": "certain"},
    "words": {"q": "gas"},
    "what is excluded": {"actor": ["!serbia", "azerbaijan"], "tag": "!energy"},
    "a number": {"min_publishers": 2},
    "nothing": {"date": "1850"},
}
# What somebody asks for, and the format that is meant.
SLIPS = {"rss": "atom", "ical": "ics", "cvs": "csv", "ndjsn": "ndjson", "xls": "xlsx"}
ONLY_WRITTEN = [name for name in FORMATS if name not in READERS]
FEEDS = [name for name, made in FORMATS.items() if made.latest]
# What a filter needs beside it.
NEEDED = {"all_of": ["tag"], "match": ["date"], "min_value": ["unit"], "max_value": ["unit"]}


@pytest.fixture
def desk(seeded_store: str) -> Iterator[TestClient]:
    """A client that may write to the example chronology."""
    with writing(seeded_store) as client:
        yield client


@pytest.fixture
def blank(empty: str) -> Iterator[TestClient]:
    """A client that may write to an empty store."""
    with writing(empty) as client:
        yield client


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store that is only read."""
    files = SqliteStores(tmp_path_factory.mktemp("files"))
    return seeded(files, migrated(files))


def sheet_rows(file: bytes) -> list[dict[str, str]]:
    """The events of a workbook, by column."""
    header, *rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()
    )
    texts = [[str(cell) for cell in row] for row in rows]
    return [dict(zip(map(str, header), row, strict=True)) for row in texts]


def text_of_file(file: Path) -> bytes:
    """What a file says, unpacked if it is XLSX."""
    if file.suffix != ".xlsx":
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def send(
    client: TestClient, file: bytes | str, media_type: str = "application/x-ndjson", **options: Any
) -> Any:
    """What an import of a file is answered."""
    headers = {"Content-Type": media_type}
    return client.post("/import", params=options, content=file, headers=headers)


def report(client: TestClient, file: bytes | str, *args: str, **options: Any) -> Json:
    """What a good import did."""
    answer = send(client, file, *args, **options)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def numbers(told: Json) -> tuple[int, int, int]:
    """How many events were created, updated, and left alone."""
    return told["created"], told["updated"], told["unchanged"]


def faults(answer: Any) -> list[tuple[int | None, str, str | None]]:
    """Line, name and suggestion of all that was wrong with a file."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [(e.get("line"), e["name"], e.get("suggestion")) for e in answer.json()["errors"]]


def position(client: TestClient) -> int:
    """Of the last change."""
    database: Database = client.app.state.database  # type: ignore[attr-defined]
    with database.read() as connection:
        found: int = connection.execute(text("SELECT position FROM store")).scalar_one()
        changes = connection.execute(text("SELECT count(*) FROM change")).scalar_one()
        assert changes == found
        return found


def assert_sound(client: TestClient) -> None:
    """`check` finds nothing."""
    assert list(checking.find_damage(client.app.state.database)) == []  # type: ignore[attr-defined]


def exported(client: TestClient, name: str = "ndjson", **asked: Any) -> bytes:
    """A file of events."""
    answer = client.get(f"/events.{name}", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[name].media_type
    return answer.content


def listed(client: TestClient, name: str, **asked: Any) -> list[str]:
    """The ids of the events that a file should hold, in its order, as /events has them."""
    latest = FORMATS[name].latest
    order = {} if latest is None else {"sort": "-updated"}
    found = items(walk(client, "/events", **asked, **order))
    return [told["id"] for told in found[:latest] if shows(name, told)]


def documents(file: bytes) -> list[Json]:
    """The events of an NDJSON file, but for what follows from the edits."""
    events = map(json.loads, file.splitlines())
    return [{n: v for n, v in event.items() if n not in COUNTED} for event in events]


def event(event_id: str | None, title: str = "A visit", **more: Any) -> Json:
    """The least that an event holds."""
    told = {"id": event_id, "type": "visit", "title": title, "date": "2023-11"}
    return {**told, "sources": [{"id": "balkan-insight-2023-11-15"}], **more}


def ndjson(*events: Json) -> bytes:
    """A file of events."""
    return b"".join(json.dumps(told).encode() + b"\n" for told in events)


# -- out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("asked", FILTERS)
def test_a_file_holds_what_the_list_holds(client: TestClient, name: str, asked: str) -> None:
    """The same events in the same order, whatever the filter and the format."""
    found = ids_in(name, exported(client, name, **FILTERS[asked]))
    assert found == listed(client, name, **FILTERS[asked])


CHOSEN: list[dict[str, Any]] = [
    {"sort": sort, "limit": limit, "q": "serbia*", **date}
    for sort, limit in (
        *(("date", 7), ("-date", 7), ("updated", 500), ("-updated", 3), ("relevance", 9)),
        *(("relevance", 10_000_000), ("date", 1)),
    )
    for date in ({}, {"date": "2023"}, {"date": "2023-11", "match": "certain"})
]


@pytest.mark.parametrize("name", [name for name, made in FORMATS.items() if made.options])
def test_a_file_in_an_order_and_of_a_length_is_the_beginning_of_that_list(
    crowd: TestClient, client: TestClient, name: str
) -> None:
    """`sort` and `limit` mean the same, whether one block or several are looked through."""
    wrong = []
    for desk in (crowd, client):
        for asked in CHOSEN:
            ids = {n: value for n, value in asked.items() if n != "limit"}
            listed = [told["id"] for told in items(walk(desk, "/events", fields="id", **ids))]
            if ids_in(name, exported(desk, name, **asked)) != listed[: asked["limit"]]:
                wrong.append((str(desk.base_url), asked))
    assert wrong == []


def rows(file: bytes) -> list[dict[str, str]]:
    """The rows of a table."""
    return list(csv.DictReader(io.StringIO(file.decode(), "")))


# The members of a file that say how its events match, one an event.
MATCHES: dict[str, Callable[[bytes], list[Any]]] = {
    "csv": lambda file: [row["match"] or None for row in rows(file)],
    "xlsx": lambda file: [row["match"] or None for row in sheet_rows(file)],
    "ndjson": lambda file: [json.loads(line).get("match") for line in file.splitlines()],
    "geojson": lambda file: [
        feature["properties"].get("match") for feature in json.loads(file)["features"]
    ],
    "jsonfeed": lambda file: [item["_dateline"].get("match") for item in json.loads(file)["items"]],
    "jsonld": lambda file: [
        node.get("match") for node in json.loads(file)["@graph"] if node["@type"] != "Dataset"
    ],
    "timelinejs": lambda file: [slide.get("match") for slide in json.loads(file)["events"]],
}
DOUBT = "possible but not certain in the dates asked for"
DOUBTS: dict[str, Callable[[bytes], int]] = {
    "ics": lambda file: file.replace(b"\r\n ", b"").count(DOUBT.replace(",", r"\,").encode()),
    "atom": lambda file: (
        file.count(b"<summary>") and sum(DOUBT in entry.summary for entry in feed(file).entries)
    ),
    "html": lambda file: file.count(b'<span class="match">may fall in this window</span>'),
}


@pytest.mark.parametrize("date", [{}, {"date": "2023-11"}, {"date": "2020/2022"}], ids=str)
def test_a_file_says_how_each_event_matches_the_date(
    client: TestClient, date: dict[str, str]
) -> None:
    """As a list does, in every format; without a date none says anything."""
    listed = items(walk(client, "/events", fields="id", **date))
    match = {told["id"]: told.get("match") for told in listed}
    assert {*MATCHES, *DOUBTS} == {*FORMATS}
    for name in FORMATS:
        file = exported(client, name, **date)
        shown = [match[event_id] for event_id in ids_in(name, file)]
        if name in MATCHES:
            assert (name, MATCHES[name](file)) == (name, shown)
        else:
            assert (name, DOUBTS[name](file)) == (name, shown.count("possible"))
    assert date == {} or {"certain", "possible"} <= {*match.values()}


def test_the_fields_of_a_file_are_those_asked_for_in_their_order(client: TestClient) -> None:
    """Columns of CSV, members of NDJSON, properties of GeoJSON; `match` comes with a date."""
    whole = {name: exported(client, name, date="2023") for name in ("csv", "ndjson", "geojson")}
    documents = [json.loads(line) for line in whole["ndjson"].splitlines()]
    features = json.loads(whole["geojson"])["features"]

    for fields in ("title,date", "date, id,date", "sources"):
        names = [*dict.fromkeys(name.strip() for name in fields.split(",")), "match"]
        file = exported(client, "ndjson", date="2023", fields=fields)
        lines = [list(json.loads(line).items()) for line in file.splitlines()]
        assert lines == [[(name, told[name]) for name in names] for told in documents]
    file = exported(client, "geojson", date="2023", fields="start,title")
    assert json.loads(file)["features"] == [
        {**f, "properties": {n: f["properties"][n] for n in ("start", "title", "match")}}
        for f in features
    ]
    for fields, header in (
        ("title,earliest", "title,earliest,match"),
        ("match,label,source_publisher", "match,label,source_publisher"),
    ):
        file = exported(client, "csv", date="2023", fields=fields)
        assert file.decode().splitlines()[0] == header
        expected = [{n: row[n] for n in header.split(",")} for row in rows(whole["csv"])]
        assert rows(file) == expected
    assert rows(exported(client, "csv", fields="id,match"))[0]["match"] == ""


def test_a_table_has_the_days_and_the_words_of_each_date(crowd: TestClient) -> None:
    """So that nobody who reads it needs to read EDTF; the columns are there whatever is asked."""
    for asked in ({}, {"date": "2020/.."}):
        documents = [json.loads(line) for line in exported(crowd, **asked).splitlines()]
        own = sorted({f"extra.{name}" for told in documents for name in told["extra"]})
        file = exported(crowd, "csv", lossless="true", **asked)
        for row, told in zip(rows(file), documents, strict=True):
            assert list(row) == [*COLUMNS, *own, *DERIVED_COLUMNS]
            days = {n: told["date"][n] or "" for n in ("earliest", "latest", "label")}
            assert {n: row[n] for n in DERIVED_COLUMNS} == {"match": told.get("match", ""), **days}


# What a format does not take, and what is said of it.
NOT_TAKEN = {
    "/events.ics?limit=5": (
        "limit",
        "works only for `ndjson`, `csv`, `xlsx`, `geojson`; ics always",
    ),
    "/events.html?sort=-date": ("sort", "html always holds all that the filter finds"),
    "/events.jsonld?fields=id": ("fields", "works only for `ndjson`, `csv`, `xlsx`, `geojson`"),
    "/events.atom?limit=5": ("limit", "atom always holds the 100 events that were last updated"),
    "/events.timelinejs?sort=date": ("sort", "timelinejs always holds all"),
    "/events.ndjson?lossless=true": (
        "lossless",
        "works only for `csv`, `xlsx`; leave it out for ndjson",
    ),
    "/events.xlsx?bom=true": ("bom", "works only for `csv`; leave it out for xlsx"),
    "/events.csv?cursor=abc": ("cursor", "a file has no pages: it holds all that the filter"),
    "/events.csv?total=exact": ("total", "a file does not count; /events and /facets say"),
    "/events.csv?limit=0": ("limit", "give a whole number from 1 to 10000000, in digits"),
    "/events.csv?limit=10000001": ("limit", "give a whole number from 1 to 10000000"),
    "/events.csv?sort=relevance": ("sort", "`relevance` needs `q`"),
    "/events.csv?sort=title": ("sort", ""),
    "/events.csv?fields=": ("fields", ""),
    "/events.csv?fields=title,sources": ("fields", "'sources': no field of csv; fields: id, "),
    "/events.ndjson?fields=title,earliest": ("fields", "'earliest': no field of ndjson"),
    "/events.geojson?fields=stat": ("fields", "'stat': no field of geojson"),
}


def test_what_a_file_cannot_be_asked_is_refused_with_a_reason(client: TestClient) -> None:
    """No option is silently ignored: the error says where it works."""
    wrong = []
    for address, (name, said) in NOT_TAKEN.items():
        answer = client.get(address)
        faults = answer.json()["errors"] if answer.status_code == 422 else []
        if [fault["name"] for fault in faults] != [name] or said not in faults[0]["message"]:
            wrong.append((address, answer.status_code, faults))
    assert wrong == []


@pytest.mark.parametrize("name", sorted(READERS.keys() & FORMATS.keys()))
def test_what_is_asked_under_a_date_imports_again_unchanged(desk: TestClient, name: str) -> None:
    """What a file says of the match, of days and in words is no part of an event."""
    if name == "timelinejs":  # holds less than an event: see formats/test_round_trips.py
        (slide, *_) = json.loads(exported(desk, name, date="2023"))["events"]
        assert {"match", "edtf"} <= slide.keys()
        lines = READERS[name](io.BytesIO(exported(desk, name, date="2023")))
        assert {(line.faults, line.notes) for line in lines} == {((), ())}
        return
    if name == "ics":  # neither: see formats/test_ics_reading.py
        lines = READERS[name](io.BytesIO(exported(desk, name, date="2023")))
        assert {line.faults for line in lines} == {()}
        return
    at, asked = position(desk), {"date": "2023", "sort": "-date"}
    file = exported(desk, name, **asked)
    number = len(exported(desk, **asked).splitlines())
    for replace in (False, True):
        assert numbers(report(desk, file, TYPE_OF[name], replace=replace)) == (0, 0, number)
    assert position(desk) == at
    part = exported(desk, name, fields="id,title,date", **asked)
    named = {told[1] for told in faults(send(desk, part, TYPE_OF[name]))}
    assert named == ({"type"} if name in {"csv", "xlsx"} else {"type", "sources"})


def test_ndjson_is_the_events_as_they_are_served(client: TestClient) -> None:
    """A line each, byte for byte."""
    found = listed(client, "ndjson")
    assert exported(client).splitlines() == [client.get(f"/events/{i}").content for i in found]


@pytest.mark.parametrize(
    ("file", "tables"),
    [
        *(("ndjson", []), ("geojson", []), ("jsonld", []), ("csv?lossless=true", [])),
        *(("csv", ["shared_names"]), ("ics", ["type_labels"]), ("html", ["type_labels"])),
        *(("timelinejs", ["type_labels"]), ("atom", ["type_labels"])),
    ],
)
def test_a_download_reads_only_the_tables_that_its_format_shows(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, file: str, tables: list[str]
) -> None:
    """Labels of types and names that several records share, once each if at all."""
    calls: list[str] = []

    def recorded(name: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def record(connection: Any) -> Any:
            calls.append(name)
            return read(connection)

        return record

    for name in ("shared_names", "type_labels"):
        monkeypatch.setattr(counts, name, recorded(name, getattr(counts, name)))
    assert client.get(f"/events.{file}").status_code == 200
    assert calls == tables


@pytest.mark.parametrize("name", FORMATS)
def test_a_download_is_named_and_has_a_tag(client: TestClient, name: str) -> None:
    """A browser stores it under its name; who has it already gets a 304 without the file."""
    answer = client.get(f"/events.{name}")
    suffix = FORMATS[name].suffix or name
    assert answer.headers["content-disposition"] == f'attachment; filename="events.{suffix}"'
    known = {"If-None-Match": answer.headers["etag"]}
    again = client.get(f"/events.{name}", headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", FORMATS)
def test_who_asks_for_the_head_is_told_as_much(client: TestClient, name: str) -> None:
    """The same headers, and nothing else."""
    head, whole = (client.request(method, f"/events.{name}") for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    for header in ("content-type", "content-disposition", "etag", "cache-control"):
        assert head.headers[header] == whole.headers[header]


def test_a_subscriber_gets_the_file_anew_once_something_changed(desk: TestClient) -> None:
    """The tag follows the feed of changes."""
    known = {"If-None-Match": desk.get("/events.ics").headers["etag"]}
    report(desk, ndjson(event("new")))
    answer = desk.get("/events.ics", headers=known)
    assert answer.status_code == 200
    assert "new" in ids_in("ics", answer.content)


@pytest.mark.parametrize(("slip", "meant"), SLIPS.items())
def test_an_unknown_format_is_not_found_with_the_nearest(
    client: TestClient, slip: str, meant: str
) -> None:
    """As any slip is answered, and all that there are."""
    answer = client.get(f"/events.{slip}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    said = f"as {', '.join(FORMATS)}. Did you mean /events.{meant}?"
    assert answer.json()["detail"].endswith(said)


def test_a_format_like_none_is_not_found(client: TestClient) -> None:
    """Nothing is suggested then."""
    assert client.get("/events.zzzzzzzz").json()["detail"].endswith(f"{', '.join(FORMATS)}.")


@pytest.mark.parametrize("asked", [{"tpye": "contract"}, {"cursor": "5"}, {"date": "2023-13"}])
def test_a_filter_that_is_wrong_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    """Before anything is sent: half a file would look like a whole one."""
    assert client.get("/events.csv", params=asked).status_code == 422


def test_a_spreadsheet_runs_nothing(desk: TestClient) -> None:
    """By default a title that looks like a formula has an apostrophe; a lossless file has none."""
    title = "=HYPERLINK(1)"
    report(desk, ndjson(event("formula", title)))
    shown, kept = (
        next(csv.DictReader(io.StringIO(exported(desk, "csv", q="hyperlink", **more).decode())))
        for more in ({}, {"lossless": "true"})
    )
    assert (shown["title"], kept["title"]) == (f"'{title}", title)


def test_a_download_that_is_broken_off_gives_its_connection_back(client: TestClient) -> None:
    """Many times over: connections are few."""
    for _ in range(40):
        with client.stream("GET", "/events.ndjson") as answer:
            assert answer.status_code == 200
    gc.collect()  # of what was left open, Python complains here
    assert exported(client)


def test_the_reference_describes_every_format(client: TestClient) -> None:
    """What each is, where the download is documented."""
    told = client.get("/openapi.json").json()["paths"]["/events.{format}"]["get"]["description"]
    assert [name for name in FORMATS if f"`{name}`" not in told] == []


# -- out, on the command line ---------------------------------------------------------------------


def command(url: str, folder: Path, *arguments: str, apart: bool = False, **settings: str) -> Ran:
    """Run `dateline` over a store; as a process of its own if it is to be measured."""
    told = {"database_url": url, **settings}
    if apart:
        return run(*arguments, folder=folder, settings=told, seconds=120)
    return call(*arguments, folder=folder, settings=told)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "xlsx"])
def test_the_command_line_writes_the_same_file(
    seeded_store: str, client: TestClient, tmp_path: Path, name: str
) -> None:
    """To stdout, under filters of all kinds; where it is told the address of the server."""
    told = ("--type", "contract", "--type=visit", "--min-publishers", "1", "--tag", "!trade")
    server = str(client.base_url)
    ran = command(seeded_store, tmp_path, "export", name, *told, public_url=server)
    asked = {"type": ["contract", "visit"], "min_publishers": 1, "tag": "!trade"}
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.replace("\r\n", "\n").encode() == exported(client, name, **asked).replace(
        b"\r\n", b"\n"
    )


def as_option(name: str) -> list[str]:
    """The example of a filter as it is written on the command line."""
    example = EventFilter.model_fields[name].examples[0]  # type: ignore[index]
    value = example[0] if isinstance(example, list) else example
    return [f"--{name.replace('_', '-')}", str(value)]


def query(options: list[str]) -> ExportQuery:
    """What options ask for."""
    return read_query(ExportQuery, _read_pairs(options))


@pytest.mark.parametrize("name", EventFilter.model_fields)
def test_every_filter_is_an_option(name: str) -> None:
    """By its name, with hyphens or with underscores."""
    names = [name, *NEEDED.get(name, [])]
    asked = {n: EventFilter.model_fields[n].examples[0] for n in names}  # type: ignore[index]
    options = [word for n in names for word in as_option(n)]
    assert query(options) == ExportQuery(**asked)
    assert query([word.replace("min-", "min_") for word in options]) == ExportQuery(**asked)


def test_the_command_line_takes_the_options_of_a_file(sqlite: str, tmp_path: Path) -> None:
    """With `=` or without; `-` begins a value there."""
    for sort in (["--sort=-date"], ["--sort", "-date"]):
        words = ["--date", "2023", "--limit", "3", *sort, "--fields", "date,match"]
        ran = command(sqlite, tmp_path, "export", "csv", *words)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.splitlines() == [
            "date,match",
            "[..2024-02-06],possible",
            "2023-12-10,certain",
            "[..2023-11-11],possible",
        ]


def test_all_filters_together_find_the_gas_contract(sqlite: str, tmp_path: Path) -> None:
    """As the examples of the reference do; it names no place."""
    names = [name for name in EventFilter.model_fields if name not in ("place", "bbox")]
    options = [word for name in names for word in as_option(name)]
    ran = command(sqlite, tmp_path, "export", "ndjson", *options)
    assert [told["id"] for told in documents(ran.out.encode())] == [GAS]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--tpye contract", "tpye: is not a parameter here; known: .*; did you mean 'type'?"),
        ("--min-publisher 2", "did you mean 'min_publishers'?"),
        ("--limit 0", "limit: give a whole number from 1 to 10000000"),
        ("--total none", "total: is not a parameter here: a file does not count"),
        ("--fields title,erliest", "did you mean 'title,earliest'?"),
        ("--type contarct", "did you mean 'contract'?"),
        ("--date 2023-13", "date: "),
        ("--date 2023 --date 2024", "date: "),
        ("--match certain", "needs `date`"),
        ("--type", "--type is not understood"),
        ("contract", "contract is not understood"),
    ],
)
def test_a_slip_on_the_command_line_is_refused(
    sqlite: str, tmp_path: Path, words: str, said: str
) -> None:
    """With what would be right, and nothing on stdout."""
    ran = command(sqlite, tmp_path, "export", "csv", *words.split())
    assert (ran.code, ran.out) == (1, "")
    first, _, last = said.partition(".*")
    assert first in ran.err
    assert last in ran.err


def test_a_file_that_is_there_is_never_overwritten(sqlite: str, tmp_path: Path) -> None:
    """A new one holds what stdout would have had."""
    for attempt in range(2):
        ran = command(sqlite, tmp_path, "export", "ndjson", "--output", "events.ndjson")
        assert ran.out == ""
        assert (ran.code, "nothing is overwritten" in ran.err) == (attempt, attempt == 1)
        held = (tmp_path / "events.ndjson").read_text()
    assert held == command(sqlite, tmp_path, "export", "ndjson").out


@pytest.mark.parametrize(("slip", "meant"), SLIPS.items())
def test_an_unknown_format_is_refused_by_name(
    sqlite: str, tmp_path: Path, slip: str, meant: str
) -> None:
    """With those that are known, and the likeliest."""
    ran = command(sqlite, tmp_path, "export", slip)
    assert (ran.code, ran.out) == (1, "")
    known = ", ".join((*FORMATS, *BIBLIOGRAPHIES))
    assert f"'{slip}' is not a format; known: {known}; did you mean '{meant}'?" in ran.err


@pytest.mark.parametrize("name", ONLY_WRITTEN)
def test_a_format_that_is_only_written_is_not_imported(
    sqlite: str, tmp_path: Path, name: str
) -> None:
    """By the suffix of the file or by its name; those that are read are named."""
    (tmp_path / f"events.{name}").touch()
    for arguments in ([f"events.{name}"], [f"events.{name}", "--format", name]):
        ran = command(sqlite, tmp_path, "import", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert f"'{name}' can only be exported; imports are {', '.join(READERS)}" in ran.err


def test_a_file_of_an_unknown_format_is_not_imported(sqlite: str, tmp_path: Path) -> None:
    """Those that are read are named."""
    (tmp_path / "events.docx").touch()
    ran = command(sqlite, tmp_path, "import", "events.docx")
    assert ran.code == 1
    assert f"'docx' is not a format of imports; imports are {', '.join(READERS)}" in ran.err


# -- out and in again -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A random chronology."""
    return chronology(11, 120)


@pytest.fixture(scope="module")
def filled(stores: Stores, empty_template: str, story: Chronology) -> str:
    """A store with the random chronology; copied, never written."""
    return seeded(stores, empty_template, story.fill)


@pytest.fixture(scope="module")
def crowd(stores: Stores, filled: str) -> Iterator[TestClient]:
    """A client that reads the random chronology."""
    with TestClient(create_app(Settings(database_url=stores.new(filled)))) as client:
        yield client


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("asked", [{}, {"date": "2023", "match": "certain"}, {"q": "gas"}])
def test_a_file_holds_any_events(crowd: TestClient, name: str, asked: dict[str, str]) -> None:
    """Those without places, without days, before Christ, with names of all scripts."""
    assert ids_in(name, exported(crowd, name, **asked)) == listed(crowd, name, **asked)


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_holds_the_last_updates(crowd: TestClient, story: Chronology, name: str) -> None:
    """A hundred, each once, the newest edit first, as the chronology was edited."""
    found = ids_in(name, exported(crowd, name))
    assert len(set(found)) == len(found) == MAX_FEED_EVENTS == 100
    moments = [story.updated[event_id] for event_id in found]
    assert moments == sorted(story.updated.values(), reverse=True)[:MAX_FEED_EVENTS]


def test_a_feed_was_updated_with_its_newest_entry(crowd: TestClient) -> None:
    """As far as the filter goes."""
    for asked in ({}, {"q": "gas"}):
        found = feed(exported(crowd, "atom", **asked))
        times = [entry.updated for entry in found.entries]
        assert (found.feed.updated, times) == (times[0], sorted(times, reverse=True))


@pytest.fixture(params=["seed", "chronology"])
def full(request: pytest.FixtureRequest, stores: Stores) -> Iterator[TestClient]:
    """A client of a store with many events."""
    name = {"seed": "seeded_template", "chronology": "filled"}[request.param]
    with writing(stores.new(request.getfixturevalue(name))) as client:
        yield client


@pytest.mark.parametrize(("name", "more"), [("ndjson", {}), ("csv", {"lossless": "true"})])
def test_a_store_is_made_again_from_its_file(
    full: TestClient, blank: TestClient, name: str, more: dict[str, str]
) -> None:
    """Into an empty one, exactly, versions and timestamps apart; and it is sound."""
    file, before = exported(full, name, **more), exported(full)
    told = report(blank, file, TYPE_OF[name], create_types=True)
    assert numbers(told) == (len(documents(before)), 0, 0)
    assert documents(exported(blank)) == documents(before)
    assert_sound(blank)


@pytest.mark.parametrize(("name", "more"), [("ndjson", {}), ("csv", {"lossless": "true"})])
def test_importing_what_is_there_writes_nothing(
    full: TestClient, name: str, more: dict[str, str]
) -> None:
    """No event, no revision, no entry of the feed; with `replace` or without."""
    file, before = exported(full, name, **more), exported(full)
    at = position(full)
    for replace in (False, True):
        told = report(full, file, TYPE_OF[name], replace=replace)
        assert numbers(told) == (0, 0, len(documents(before)))
    assert position(full) == at
    assert exported(full) == before


def test_a_readable_table_imports_again(desk: TestClient) -> None:
    """As a spreadsheet shows it, it names the same events."""
    number = len(documents(exported(desk)))
    at = position(desk)
    assert numbers(report(desk, exported(desk, "csv"), "text/csv")) == (0, 0, number)
    assert position(desk) == at


def test_the_command_line_does_the_same(seeded_store: str, empty: str, tmp_path: Path) -> None:
    """Out of one store and into another, and once more."""
    file = tmp_path / "all.ndjson"
    command(seeded_store, tmp_path, "export", "ndjson", "--output", str(file))
    number = len(seeding.read_seed("events"))
    for created in (number, 0):
        ran = command(empty, tmp_path, "import", str(file), "--create-types")
        assert (ran.code, ran.err) == (0, "")
        told = dict(line.split() for line in ran.out.splitlines()[:3])
        assert told == {"created": f"{created}", "updated": "0", "unchanged": f"{number - created}"}
    again = command(empty, tmp_path, "export", "ndjson")
    assert documents(again.out.encode()) == documents(file.read_bytes())


def test_the_template_is_an_event_to_begin_with(blank: TestClient) -> None:
    """All columns, and an example that imports."""
    template = blank.get("/import/template.csv")
    assert template.headers["content-type"] == FORMATS["csv"].media_type
    assert template.text.split("\r\n")[0] == ",".join((*COLUMNS, "extra.paragraph"))
    told = report(blank, template.content, "text/csv", create_types=True)
    assert numbers(told) == (1, 0, 0)
    assert blank.get(f"/events/{GAS}").json()["tags"] == [
        *("natural gas", "energy", "strategic partnership")
    ]


# -- what a line does -----------------------------------------------------------------------------


def test_an_event_that_differs_is_replaced_only_when_told(desk: TestClient) -> None:
    """Else it is an error that names what differs and what would be right."""
    report(desk, ndjson(event("new")))
    created = desk.get("/events/new").json()["created_at"]
    changed = ndjson(event("new", "Another visit", tags=["energy"]))
    answer = send(desk, changed)
    assert faults(answer) == [(1, "id", None)]
    said = answer.json()["errors"][0]["message"]
    written = desk.get("/events/new").json()["updated_at"]
    assert said == (
        f"'new' is stored already and differs in tags, title from what desk wrote at {written};"
        " import with replace=true to replace it"
    )
    assert numbers(report(desk, changed, replace=True)) == (0, 1, 0)
    found = desk.get("/events/new").json()
    assert (found["title"], found["version"]) == ("Another visit", 2)
    assert found["created_at"] == created


def test_a_deleted_event_does_not_come_back_by_an_import(desk: TestClient) -> None:
    """It was deleted for a reason; restoring it is another word. Also with `replace`."""
    report(desk, ndjson(event("new")))
    tag = desk.get("/events/new").headers["etag"]
    assert desk.delete("/events/new", headers={"If-Match": tag}).status_code == 204
    for replace in (False, True):
        answer = send(desk, ndjson(event("new")), replace=replace)
        assert faults(answer) == [(1, "id", None)]
        assert "was deleted; restore it first" in answer.json()["errors"][0]["message"]


def test_events_may_relate_to_later_ones(desk: TestClient) -> None:
    """Also to such as are 300 lines further down, and to each other."""
    first = event("first", related=[{"event": "last", "relation": "follows"}])
    last = event("last", related=[{"event": "first", "relation": "causes"}])
    file = ndjson(first, *(event(f"between-{n}") for n in range(300)), last)
    for done in ((302, 0, 0), (0, 0, 302)):
        assert numbers(report(desk, file)) == done
    assert desk.get("/events", params={"related_to": "first"}).json()["total"] == 1
    assert_sound(desk)


def test_a_relation_to_nothing_is_an_error(desk: TestClient) -> None:
    """With the line that it stands in, and the nearest id; of a new event or of a stored one."""
    file = ndjson(
        event("one"),
        event("two", related=[{"event": "serbia-azerbaijan-gas-contrat", "relation": "follows"}]),
        event("three", related=[{"event": "twoo", "relation": "follows"}]),
    )
    assert faults(send(desk, file)) == [(2, "related.0.event", GAS), (3, "related.0.event", "two")]


def test_a_relation_to_an_event_with_a_fault_is_no_fault_of_its_own(desk: TestClient) -> None:
    """Mending the one mends the other."""
    link = [{"event": "two", "relation": "follows"}]
    file = ndjson(event("one", related=link), event("two", date="2023-13"))
    assert [line for line, *_ in faults(send(desk, file))] == [2]


@pytest.mark.parametrize("apart", [0, 600])
@pytest.mark.parametrize("replace", [False, True])
def test_lines_of_one_file_do_not_replace_each_other(
    blank: TestClient, replace: bool, apart: int
) -> None:
    """Neither side by side nor far apart, also where what is stored may be replaced."""
    report(blank, ndjson(event("other", sources=[{"title": "Report"}])), create_types=True)
    between = [event(f"event-{n}", sources=[{"title": "Report"}]) for n in range(apart)]
    twins = [event("one", title, sources=[{"title": "Report"}]) for title in ("A", "A", "B")]
    answer = send(blank, ndjson(*twins[:2], *between, twins[2]), replace=replace)
    assert faults(answer) == [(apart + 3, "id", None)]
    assert "stands in this file before, and differs in title" in answer.text
    assert blank.get("/events/one").status_code == 404


def test_a_line_without_an_id_is_found_again(desk: TestClient) -> None:
    """By its date and title, of which the id is made."""
    file = ndjson(event(None, "Vučić visited Baku"))
    assert numbers(report(desk, file)) == (1, 0, 0)
    at = position(desk)
    assert numbers(report(desk, file)) == (0, 0, 1)
    assert position(desk) == at
    assert desk.get("/events/2023-11-vucic-visited-baku").status_code == 200


def test_a_type_is_made_only_when_told(desk: TestClient) -> None:
    """Else the nearest is named."""
    file = ndjson(event("one", type="contarct"), event("two", type="court-case"))
    assert faults(send(desk, file))[0] == (1, "type", "contract")
    assert numbers(report(desk, file, create_types=True)) == (2, 0, 0)
    assert desk.get("/types/court-case").json()["label"] == "Court case"


def test_the_note_stands_in_every_revision(desk: TestClient, tmp_path: Path) -> None:
    """With the name of the key."""
    report(desk, ndjson(event("one"), event("two")), note="From the archive")
    for event_id in ("one", "two"):
        (told,) = desk.get(f"/events/{event_id}/revisions").json()["items"]
        assert (told["author"], told["note"]) == ("desk", "From the archive")


def test_the_command_line_signs_its_revisions(seeded_store: str, tmp_path: Path) -> None:
    """And keeps the note."""
    (tmp_path / "one.jsonl").write_bytes(ndjson(event("one")))
    ran = command(seeded_store, tmp_path, "import", "one.jsonl", "--note", "By hand")
    assert ran.code == 0
    with opened(seeded_store) as store, store.read() as connection:
        query = text("SELECT author, note FROM change WHERE record_id = 'one'")
        assert tuple(connection.execute(query).one()) == ("dateline import", "By hand")


# -- all or nothing -------------------------------------------------------------------------------

FAULTY = ndjson(
    event("one"),
    event("two", titel="A visit"),
    event("three", date="2023-13"),
    event("four", type="contarct"),
    event("five", status="compelted"),
    event("six", actors=[{"id": "serbi"}]),
    event("seven", sources=[]),
)
FAULTY_TABLE = """\
id,type,title,date,status,actors,source_title
one,visit,A visit,2023-11,,Serbia,Report
two,contarct,A visit,2023-11,,,Report
three,visit,A visit,2023-13,compelted,Serbia (),Report
"""


def assert_nothing_stored(client: TestClient, at: int) -> None:
    """Nothing has changed since a position."""
    assert position(client) == at
    assert client.get("/events/one").status_code == 404


def test_nothing_is_stored_where_anything_is_wrong(desk: TestClient) -> None:
    """Every fault is named with its line, and with what would be right."""
    at = position(desk)
    answer = send(desk, FAULTY)
    assert faults(answer) == [
        (2, "titel", "title"),
        (3, "date.edtf", None),
        (4, "type", "contract"),
        (5, "status", "completed"),
        (6, "actors.0.id", "serbia"),
        (7, "sources", None),
    ]
    assert_nothing_stored(desk, at)


def test_faults_of_a_table_name_the_line_too(desk: TestClient) -> None:
    """The header is the first."""
    at = position(desk)
    assert faults(send(desk, FAULTY_TABLE, "text/csv")) == [
        (3, "type", "contract"),
        (4, "actors", "Serbia"),
    ]
    assert_nothing_stored(desk, at)


def test_faults_on_the_command_line_stand_in_a_line_each(seeded_store: str, tmp_path: Path) -> None:
    """With the lines of the file."""
    (tmp_path / "faulty.ndjson").write_bytes(FAULTY)
    ran = command(seeded_store, tmp_path, "import", "faulty.ndjson")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 6
    assert "line 2: titel: " in ran.err
    assert "line 4: type: there is no type 'contarct'; import with --create-types" in ran.err


def test_a_hundred_faults_are_enough(desk: TestClient) -> None:
    """The rest of such a file is not looked at."""
    file = ndjson(*(event(f"new-{n}", titel="x") for n in range(500)))
    answer = send(desk, file)
    assert [line for line, *_ in faults(answer)] == list(range(1, 101))
    assert answer.json()["detail"] == "Nothing was imported: 100 or more faults."


def test_a_dry_run_tells_the_same_and_stores_nothing(desk: TestClient) -> None:
    """What would be created, updated and left alone; faults, too."""
    report(desk, ndjson(event("old"), event("changed")))
    file = ndjson(event("one"), event("old"), event("changed", "Another", tags=["new tag"]))
    at = position(desk)
    tried = report(desk, file, dry_run=True, replace=True)
    assert_nothing_stored(desk, at)
    assert "new tag" not in desk.get("/tags").text
    assert report(desk, file, replace=True) == {**tried, "dry_run": False}
    assert numbers(tried) == (1, 1, 1)
    assert faults(send(desk, FAULTY, dry_run=True))[0] == (2, "titel", "title")


def test_a_dry_run_on_the_command_line(seeded_store: str, tmp_path: Path) -> None:
    """Says that nothing was stored, and nothing is."""
    (tmp_path / "one.ndjson").write_bytes(ndjson(event("one")))
    ran = command(seeded_store, tmp_path, "import", "one.ndjson", "--dry-run")
    assert "created         1" in ran.out
    assert "Nothing was stored" in ran.out
    with opened(seeded_store) as store, store.read() as connection:
        assert connection.execute(text("SELECT 1 FROM event WHERE id = 'one'")).first() is None


# -- sources --------------------------------------------------------------------------------------

SHEET = "type,title,date\nvisit,A visit,2023-11\nvisit,Another visit,2023-12\n"
NAMES = {
    "a title": {"source_title": "Notebook of the desk"},
    "a publisher and a title": {"source_publisher": "The Desk", "source_title": "Notebook"},
    "an address": {"source_url": "https://example.org/notebook"},
}


def test_rows_without_a_source_are_refused(desk: TestClient) -> None:
    """An event without one is none; the error says what to do."""
    at = position(desk)
    answer = send(desk, SHEET, "text/csv")
    assert faults(answer) == [(2, "source_title", None), (3, "source_title", None)]
    assert "source_title" in answer.json()["errors"][0]["message"]
    assert_nothing_stored(desk, at)


@pytest.mark.parametrize("named", NAMES)
def test_an_import_may_name_the_source_of_its_rows(desk: TestClient, named: str) -> None:
    """One source for all; and the same import again changes nothing."""
    assert numbers(report(desk, SHEET, "text/csv", **NAMES[named])) == (2, 0, 0)
    (source,) = desk.get("/events/2023-11-a-visit").json()["sources"]
    assert source["role"] == "supports"
    for name, value in NAMES[named].items():
        assert source[name.removeprefix("source_")] == value
    at = position(desk)
    assert numbers(report(desk, SHEET, "text/csv", **NAMES[named])) == (0, 0, 2)
    assert position(desk) == at
    (counted,) = [s for s in items(walk(desk, "/sources")) if s["id"] == source["id"]]
    assert counted["events"] == 2


def test_a_source_that_a_row_says_little_of_is_found_again(desk: TestClient) -> None:
    """Told by a publisher alone, it is the source that says just that, and no other."""
    sheet = (
        "type,title,date,source_publisher,source_published,source_kind\n"
        "visit,One,2023-11,Balkan Insight,,\nvisit,Two,2023-11,Balkan Insight,2023-11-20,news\n"
        "visit,Three,2023-11,Balkan Insight,2023-11-20,\n"
    )
    assert numbers(report(desk, sheet, "text/csv")) == (3, 0, 0)
    used = {
        desk.get(f"/events/2023-11-{name}").json()["sources"][0]["id"]
        for name in ("one", "two", "three")
    }
    assert len(used) == 3
    at = position(desk)
    assert numbers(report(desk, sheet, "text/csv")) == (0, 0, 3)
    assert position(desk) == at


# -- TimelineJS -----------------------------------------------------------------------------------

# As in https://timeline.knightlab.com/docs/json-format.html.
TIMELINE: Json = {
    "title": {"text": {"headline": "Whitney Houston", "text": "<p>1963 - 2012</p>"}},
    "eras": [{"start_date": {"year": "1980"}, "end_date": {"year": "1990"}}],
    "events": [
        {
            "media": {"url": "https://example.org/a.jpg", "caption": "A", "credit": "B"},
            "start_date": {"month": "8", "day": "9", "year": "1963"},
            "text": {"headline": "A <b>Musical</b> Heritage", "text": "<p>Born in New Jersey.</p>"},
        },
        {"start_date": {"year": "1978"}, "text": {"headline": "Early years"}},
        {"start_date": {"year": "1983", "month": "4"}, "text": {"headline": "Signs a contract"}},
        {
            "start_date": {"year": "1985", "month": "2", "day": "14", "hour": "20", "minute": "30"},
            "text": {"headline": "First album"},
        },
        {
            "start_date": {"year": "1987", "month": "6"},
            "end_date": {"year": "1988"},
            "text": {"headline": "On tour"},
            "group": "Tours",
        },
        {"start_date": {"year": "-44"}, "text": {"headline": "The Ides of March"}},
    ],
}
PRECISE = {
    "A Musical Heritage": ("1963-08-09", "day", None),
    "Early years": ("1978", "year", None),
    "Signs a contract": ("1983-04", "month", None),
    "First album": ("1985-02-14T20:30", "minute", None),
    "On tour": ("1987-06/1988", "interval", None),
    "The Ides of March": ("-0043", "year", None),
}


def test_a_timeline_imports_with_one_command(empty: str, tmp_path: Path) -> None:
    """As its makers document it; each date as precise as it was given, and nothing lost unsaid."""
    (tmp_path / "timeline.json").write_text(json.dumps(TIMELINE))
    options = ("--create-types", "--type", "chapter", "--source-title", "Whitney Houston")
    for _ in range(2):
        ran = command(empty, tmp_path, "import", "timeline.json", *options)
        assert (ran.code, ran.err) == (0, "")
    assert "unchanged       6" in ran.out
    assert "note: eras" in ran.out
    found = documents(command(empty, tmp_path, "export", "ndjson").out.encode())
    told = {e["title"]: e["date"] for e in found}
    assert {
        title: (date["edtf"], date["precision"], date["text"]) for title, date in told.items()
    } == PRECISE
    assert {e["type"] for e in found} == {"chapter"}
    (medium,) = (medium for e in found for medium in e["media"])
    assert (medium["kind"], medium["caption"], medium["credit"]) == ("image", "A", "B")
    assert [e["tags"] for e in found if e["title"] == "On tour"] == [["Tours"]]


def test_notes_are_counted_over_http(desk: TestClient) -> None:
    """The same ones, with how often each applies."""
    options = {"type": "statement", "source_title": "Whitney Houston"}
    told = report(desk, json.dumps(TIMELINE), "application/json", **options)
    assert numbers(told) == (6, 0, 0)
    assert any(note.startswith("eras") and times == 1 for note, times in told["notes"].items())


# -- calendars ------------------------------------------------------------------------------------

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Calendar 1.0//EN
BEGIN:VEVENT
UID:one@example.org
DTSTART;TZID=Europe/Belgrade:20240312T141500
DTEND;TZID=Europe/Belgrade:20240312T160000
SUMMARY:Talks on the pipeline
LOCATION:Belgrade
URL:https://news.example.org/talks
END:VEVENT
BEGIN:VEVENT
UID:two@example.org
DTSTART;VALUE=DATE:20240401
DTEND;VALUE=DATE:20240501
SUMMARY:Repairs of the compressor station
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_imports_with_a_type_and_a_source(empty: str, tmp_path: Path) -> None:
    """Its own address is the source of an entry; a second time finds the events by their UID."""
    (tmp_path / "calendar.ics").write_text(CALENDAR)
    options = ("--create-types", "--type", "meeting", "--source-publisher", "Example Calendar")
    for _ in range(2):
        ran = command(empty, tmp_path, "import", "calendar.ics", *options)
        assert (ran.code, ran.err) == (0, "")
    assert "unchanged       2" in ran.out
    found = documents(command(empty, tmp_path, "export", "ndjson").out.encode())
    assert [(e["id"], e["date"]["edtf"], e["date"]["text"]) for e in found] == [
        (
            "one-example-org",
            "2024-03-12T14:15+01:00/2024-03-12T16:00+01:00",
            "2024-03-12 14:15 to 16:00 Europe/Belgrade",
        ),
        ("two-example-org", "2024-04-01/2024-04-30", None),
    ]
    assert [e["sources"][0]["url"] for e in found] == ["https://news.example.org/talks", None]
    assert found[1]["sources"][0]["publisher"] == "Example Calendar"


def test_a_calendar_without_a_type_and_a_source_names_both(desk: TestClient) -> None:
    """With the parameters that give them, and the line of the entry."""
    told = faults(send(desk, CALENDAR, "text/calendar"))
    assert told == [(4, "type", None), (12, "type", None), (12, "sources", None)]


# -- bibliographies -------------------------------------------------------------------------------

LIBRARY = """@online{talks-2024,
  title = {Talks}, author = {Smith, Ann}, organization = {Example News},
  url = {https://news.example.org/talks}, date = {2024-03}
}
"""


def test_a_bibliography_makes_and_corrects_sources(desk: TestClient) -> None:
    """By their key or their address; the report lists them, and no event is touched."""
    media_type = "application/x-bibtex"
    told = report(desk, LIBRARY, media_type)
    assert (numbers(told), told["totals"]["source"]) == ((0, 0, 0), {"create": 1})
    assert (told["records"][1]["kind"], told["records"][1]["id"]) == ("source", "talks-2024")
    stored = desk.get("/sources/talks-2024").json()
    assert (stored["author"], stored["published"]) == ("Ann Smith", "2024-03")

    at = position(desk)
    for file in (LIBRARY, LIBRARY.replace("talks-2024", "Other_Key")):
        told = report(desk, file, media_type)
        assert told["notes"] == {"a source is stored already, as the file has it": 1}
    assert position(desk) == at

    later = LIBRARY.replace("2024-03", "2024-04")
    answer = send(desk, later, media_type)
    assert [(e["line"], e["name"]) for e in answer.json()["errors"]] == [(1, "date")]
    told = report(desk, later, media_type, replace=True)
    assert told["records"][0]["changes"] == {"published": {"from": "2024-03", "to": "2024-04"}}
    assert desk.get("/sources/talks-2024").json()["published"] == "2024-04"
    assert_sound(desk)


def test_a_bibliography_refuses_what_concerns_events(desk: TestClient) -> None:
    """A type of events means nothing to sources."""
    answer = send(desk, LIBRARY, "application/x-bibtex", type="visit")
    assert [e["name"] for e in answer.json()["errors"]] == ["type"]


@pytest.mark.parametrize("name", sorted(BIBLIOGRAPHIES))
def test_the_bibliography_of_a_filter_imports_again(
    desk: TestClient, empty: str, tmp_path: Path, name: str
) -> None:
    """It has exactly the sources that the events cite, and makes them in an empty store."""
    answer = desk.get(f"/sources.{name}", params={"type": "contract"})
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        BIBLIOGRAPHIES[name].media_type,
    )
    cited = {s["id"] for e in items(walk(desk, "/events", type="contract")) for s in e["sources"]}
    lines = list(READERS[name](io.BytesIO(answer.content)))
    assert {line.document["id"] for line in lines} == cited
    at = position(desk)
    media_type = BIBLIOGRAPHIES[name].media_type.partition(";")[0]
    told = report(desk, answer.content, media_type)
    assert told["notes"] == {"a source is stored already, as the file has it": len(cited)}
    assert position(desk) == at
    (tmp_path / f"library.{name}").write_bytes(answer.content)
    ran = command(empty, tmp_path, "import", f"library.{name}")
    assert (ran.code, ran.err) == (0, "")
    assert f"source: {len(cited)} new" in ran.out


def test_the_command_line_writes_bibliographies(sqlite: str, tmp_path: Path) -> None:
    """Under the same filters."""
    ran = command(sqlite, tmp_path, "export", "ris", "--type", "contract")
    assert (ran.code, ran.out.count("TY  - ")) == (0, ran.out.count("ER  - "))
    assert "TY  - " in ran.out


def test_a_record_comes_as_csl_to_whom_it_serves(client: TestClient) -> None:
    """An event as its sources, a source as one item; without that wish both are as always."""
    csl = BIBLIOGRAPHIES["csl"].media_type
    event_path = "/events/serbia-azerbaijan-gas-contract"
    sources = client.get(event_path).json()["sources"]
    answer = client.get(event_path, headers={"Accept": csl})
    assert (answer.headers["content-type"], "Accept" in answer.headers["vary"]) == (csl, True)
    assert [item["id"] for item in answer.json()] == [source["id"] for source in sources]
    own = client.get(f"/sources/{sources[0]['id']}", headers={"Accept": f"{csl}, */*;q=0.1"})
    assert own.json() == answer.json()[0]
    again = client.get(event_path, headers={"Accept": csl, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert client.get(event_path, headers={"Accept": "*/*"}).json()["sources"] == sources


def test_a_bibliography_of_another_kind_is_not_found(client: TestClient) -> None:
    """Those that are there are named."""
    for slip, meant in (("bibtex", "bib"), ("csl-json", "csl"), ("rsi", "ris")):
        detail = client.get(f"/sources.{slip}").json()["detail"]
        assert f"csl, bib, ris. Did you mean /sources.{meant}?" in detail


# -- a format that nobody names -------------------------------------------------------------------


def test_a_format_is_recognised_if_nobody_names_it(
    empty: str, desk: TestClient, tmp_path: Path
) -> None:
    """By its content, as `application/octet-stream` or in a file of another suffix."""
    options = {"type": "visit", "source_title": "A desk", "create_types": True, "dry_run": True}
    files: dict[str, bytes | str] = {
        "ics": CALENDAR,
        "ndjson": ndjson(event("a"), event("b")),
        "json": json.dumps([event("a"), event("b")]),
        "page": json.dumps({"items": [event("a"), event("b")], "next": None}),
        "timelinejs": json.dumps({"events": TIMELINE["events"][:2]}),
        "csv": "title,date\nA,2023\nB,2024\n",
        "xlsx": exported(desk, "xlsx", limit="2"),
    }

    def check(name: str) -> None:
        told = report(desk, files[name], "application/octet-stream", **options)
        assert told["created"] + told["unchanged"] == 2

    check_each(files, check)
    (tmp_path / "calendar.data").write_text(CALENDAR)
    arguments = ("--type", "visit", "--create-types", "--source-title", "A desk")
    ran = command(empty, tmp_path, "import", "calendar.data", *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert "created         2" in ran.out


# -- what is no file ------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "text/csv; charset=x"])
def test_another_content_type_is_refused(desk: TestClient, media_type: str) -> None:
    """Dateline does not guess."""
    assert send(desk, "type,title,date\n", media_type).status_code == 415


@pytest.mark.parametrize("name", ONLY_WRITTEN)
def test_a_format_that_is_only_written_is_refused(desk: TestClient, name: str) -> None:
    """As a content type that is not understood, with those that are."""
    answer = send(desk, exported(desk, name), FORMATS[name].media_type)
    assert answer.status_code == 415
    assert [kind for kind in IMPORT_MEDIA_TYPES if kind not in answer.json()["detail"]] == []


def test_a_body_over_http_has_a_limit(desk: TestClient) -> None:
    """Of 32 MiB; one byte more is refused, whether or not it is announced."""
    file = (b" " * (2**20 - 1) + b"\n") * 32
    assert len(file) == MAX_IMPORT_BYTES == 32 * 2**20
    assert numbers(report(desk, file)) == (0, 0, 0)
    assert send(desk, file + b"\n").status_code == 413

    def unannounced() -> Iterator[bytes]:
        yield file
        yield b"\n"

    headers = {"Content-Type": "application/x-ndjson"}
    assert desk.post("/import", content=unannounced(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("ndjson", b'{"id": '),
        ("ndjson", b"\xff\xfe\n"),
        ("ndjson", b"[]\n"),
        ("csv", b""),
        ("csv", b"id,titel\n"),
        ("csv", b"\x00\xff"),
        ("timelinejs", b""),
        ("timelinejs", b"[1]"),
        ("timelinejs", b'{"events": 5}'),
    ],
)
def test_what_is_no_file_of_its_format_is_refused(desk: TestClient, name: str, file: bytes) -> None:
    """In words, as any fault."""
    at = position(desk)
    assert faults(send(desk, file, TYPE_OF[name]))
    assert position(desk) == at


def test_a_reader_may_not_import(desk: TestClient) -> None:
    """It takes a key that may write."""
    answer = desk.post("/import", content=b"", headers={"Authorization": ""})
    assert answer.status_code == 401


def test_an_import_sent_again_is_answered_as_before(desk: TestClient) -> None:
    """By its Idempotency-Key."""
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "file 1"}
    first, again = (
        desk.post("/import", content=ndjson(event("one")), headers=headers) for _ in range(2)
    )
    assert numbers(first.json()) == (1, 0, 0)
    assert again.json() == first.json()


# -- memory ---------------------------------------------------------------------------------------

FEW, MANY = 1_000, 10_000
measured = pytest.mark.skipif(not MEASURABLE, reason="left out: memory is measured on Linux")


@dataclass(frozen=True)
class Large:
    """A store with many events, and by how much the process grew that imported them."""

    url: str
    events: int
    grown: int


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Large]:
    """Two stores, the second with ten times as many events as the first."""
    folder = tmp_path_factory.mktemp("large")
    files = SqliteStores(folder)
    empty = migrated(files)
    made = []
    for number in (FEW, MANY):
        with (folder / "events.ndjson").open("wb") as file:
            for n in range(number):
                source = [{"title": "Report"}]
                file.write(ndjson(event(f"event-{n}", summary=f"{n} " * 200, sources=source)))
        url = files.new(empty)
        done = run(
            *("import", file.name, "--create-types"),
            folder=folder,
            settings={"database_url": url},
            patched={"app.dialects.sqlite.BULK_CACHE_KIB": 2000},  # which has its own bound
            seconds=300,
        )
        made.append(Large(url, number, done.grown))
    return made


def assert_flat(few: int, many: int) -> None:
    """Ten times the events took hardly more, in KiB."""
    assert 0 < many < 1.5 * few + 2048, (few, many)


@measured
@pytest.mark.slow
def test_memory_does_not_grow_with_what_comes_in(large: list[Large]) -> None:
    """An import streams."""
    for store in large:
        with opened(store.url) as database, database.read() as connection:
            stored = connection.execute(text("SELECT count(*) FROM event")).scalar_one()
        assert stored == store.events
    assert_flat(*(store.grown for store in large))


@measured
@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_what_goes_out(
    large: list[Large], tmp_path: Path, name: str
) -> None:
    """Each format streams."""
    grown = []
    for store in large:
        file = tmp_path / f"{store.events}.{name}"
        done = command(store.url, tmp_path, "export", name, "--output", file.name, apart=True)
        assert done.code == 0, done.err
        held = store.events if FORMATS[name].latest is None else MAX_FEED_EVENTS
        assert len(set(re.findall(rb"\bevent-[0-9]+", text_of_file(file)))) == held
        grown.append(done.grown)
    assert_flat(*grown)
