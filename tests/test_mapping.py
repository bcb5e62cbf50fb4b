"""Spreadsheets of all shapes come in by a mapping: proposed, corrected, sent back and stored."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.formats import FORMATS, open_table
from app.formats.written_dates import DATE_FORMS as FORMS_OF_DATES
from app.formats.written_dates import find_forms, find_orders, read_date
from commands import call
from stores import SqliteStores, migrated
from tiers import examples
from writing import writing

Json = dict[str, Any]
XLSX = FORMATS["xlsx"].media_type
# Small files in the shapes of common exports: the file, how it is sent, at most three entries of
# the mapping to correct, and the dates, titles and actors that come of it.
SHAPES: Mapping[str, tuple[bytes, str, Json, list[tuple[str, str, list[str]]]]] = {
    "a data set of conflicts": (
        b"event_id_cnty,event_date,year,time_precision,event_type,actor1,actor2,location,country,"
        b"latitude,longitude,source,notes,fatalities\n"
        b'X1,14 March 2022,2022,1,Protests,Protesters (Exampleland),,Newtown,Serbia,44.81,20.46,"A;'
        b' B","On 14 March, a march.",0\n'
        b"X2,2 March 2011,2011,2,Battles,Army (2008-2014),Army (2009-),Newtown,Bulgaria,42.7,27.47,"
        b"C,,3\n",
        "text/csv",
        {"constants": {"title": "{event_type} in {location}"}},
        [
            (
                "[2011-02-28..2011-03-06]",
                "Battles in Newtown",
                ["Army (2008-2014)", "Army (2009-)"],
            ),
            ("2022-03-14", "Protests in Newtown", ["Protesters (Exampleland)"]),
        ],
    ),
    "a database of incidents": (
        b"_id,date,reports,Alleged deployer,Harmed parties,description,title\n"
        b'Obj(1),2019-06-02,"[1,2]","[""acme-transit""]",'
        b'"[""riders"",""cyclists""]",It stopped.,Stuck\n',
        "text/csv",
        {"constants": {"type": "incident", "source_title": "A database"}},
        [("2019-06-02", "Stuck", ["acme-transit", "riders", "cyclists"])],
    ),
    "the sheet of a timeline": (
        b"Year,Month,Day,Time,End Year,Display Date,Headline,Text,Media,Type,Background\n"
        b",,,,,,The bridge,<p>How,https://m.example.org/1.jpg,title,#fff\n"
        b"1928,4,,,1931,,Built,<p>Two &amp; <b>one</b></p>,,,\n"
        b"1944,10,3,06:30,,,Blown up,In the morning.,,,\n"
        b"1952,,,,,In the fifties,A ferry,,,,\n",
        "text/csv",
        {"constants": {"type": "event", "source_title": "A timeline"}},
        [
            ("1928-04/1931", "Built", []),
            ("1944-10-03T06:30", "Blown up", []),
            ("1952", "A ferry", []),
        ],
    ),
    "Excel in a German office": (
        b"sep=;\r\nDatum;Titel;Quelle;Art\r\n14.03.2022;Lehrer demonstrieren;Morgenpost;Protest\r\n"
        b"02.03.2011;Gefecht;Abendblatt;Gefecht\r\n",
        "text/csv",
        {},
        [("2011-03-02", "Gefecht", []), ("2022-03-14", "Lehrer demonstrieren", [])],
    ),
    "Unicode text of Excel": (
        "date\ttitle\tsource_publisher\ttype\r\n14/03/2022\tMarch\tPost\tprotest\r\n"
        "45234\tTalks\tPost\tmeeting\r\nNov-23\tDeal\tPost\tcontract\r\n2020/21\tYear\tPost\tother\r\n".encode(
            "utf-16"
        ),
        "text/tab-separated-values",
        {"date.forms": ["serial", "month-year", "years"]},
        [
            ("2020/2021", "Year", []),
            ("2022-03-14", "March", []),
            ("2023-11", "Deal", []),
            ("2023-11-04", "Talks", []),
        ],
    ),
}


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[SqliteStores, str]:
    """A migrated store to copy."""
    stores = SqliteStores(tmp_path_factory.mktemp("mapping"))
    return stores, migrated(stores)


@pytest.fixture
def url(empty_store: tuple[SqliteStores, str]) -> str:
    """An empty store of the test's own."""
    stores, empty = empty_store
    return stores.new(empty)


@pytest.fixture
def desk(url: str) -> Iterator[TestClient]:
    """A client that may write to it."""
    with writing(url) as client:
        yield client


def send(desk: TestClient, file: bytes, media_type: str = "text/csv", **options: Any) -> Any:
    """What an import is answered; a mapping may be JSON."""
    if isinstance(options.get("mapping"), dict):
        options["mapping"] = json.dumps(options["mapping"])
    headers = {"Content-Type": media_type}
    return desk.post("/import", params=options, content=file, headers=headers)


def report(desk: TestClient, file: bytes, media_type: str = "text/csv", **options: Any) -> Json:
    """The report of a good import."""
    answer = send(desk, file, media_type, **options)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def faults(answer: Any) -> list[tuple[str, int | None, str]]:
    """Name, line and message of each fault."""
    assert answer.status_code == 422, answer.text
    return [(e["name"], e.get("line"), e["message"]) for e in answer.json()["errors"]]


def events(desk: TestClient) -> list[Json]:
    """All events, in timeline order."""
    found: list[Json] = desk.get("/events").json()["items"]
    return found


# -- propose, correct, import ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_comes_in_by_correcting_at_most_three_entries(desk: TestClient, shape: str) -> None:
    """Nothing is stored before the mapping is sent back; then the file comes twice unchanged."""
    file, media_type, corrections, expected = SHAPES[shape]
    assert len(corrections) + len(corrections.get("constants", {})) <= 3
    proposal = report(desk, file, media_type, dry_run=True, create_types=True)
    assert proposal["mapping_proposed"]
    assert proposal["questions"] != []
    assert (proposal["created"], events(desk)) == (0, [])
    refused = send(desk, file, media_type, create_types=True)
    assert "dry_run=true proposes a mapping" in refused.json()["detail"]
    assert faults(refused) != []
    mapping = {**proposal["mapping"], **corrections}
    options = {"create_types": True, "mapping": mapping}
    done = report(desk, file, media_type, save_mapping="mine", **options)
    assert (done["created"], done["questions"]) == (len(expected), [])
    assert not done["mapping_proposed"]
    assert done["ignored"] == [
        column for column, field in done["mapping"].items() if field is None and "." not in column
    ]
    found = [
        (e["date"]["edtf"], e["title"], [actor["name"] for actor in e["actors"]])
        for e in events(desk)
    ]
    assert found == expected
    again = report(desk, file, media_type, create_types=True, mapping="mine")
    assert (again["created"], again["unchanged"]) == (0, len(expected))
    assert again["mapping"] == done["mapping"]


def test_what_a_shape_says_besides_is_read_too(desk: TestClient) -> None:
    """Namesakes by country, several sources of a cell, quantities, roles, HTML, times of day."""

    def load(shape: str) -> None:
        file, media_type, corrections, _ = SHAPES[shape]
        proposal = report(desk, file, media_type, dry_run=True)
        mapping = {**proposal["mapping"], **corrections}
        report(desk, file, media_type, create_types=True, mapping=mapping)

    for shape in list(SHAPES)[:3]:
        load(shape)
    by_title = {event["title"]: event for event in events(desk)}
    march, battle = by_title["Protests in Newtown"], by_title["Battles in Newtown"]
    assert [p["country"] for e in (march, battle) for p in e["places"]] == ["RS", "BG"]
    assert [p["latitude"] for e in (march, battle) for p in e["places"]] == [44.81, 42.7]
    assert [s["publisher"] for s in march["sources"]] == ["A", "B"]
    assert [(q["measure"], q["value"]) for q in battle["quantities"]] == [("fatalities", "3")]
    roles = [(a["name"], a["role"]) for a in by_title["Stuck"]["actors"]]
    assert roles[0] == ("acme-transit", "alleged-deployer")
    assert roles[2] == ("cyclists", "harmed-parties")
    assert by_title["Built"]["summary"] == "Two & one"
    assert by_title["Blown up"]["date"]["edtf"] == "1944-10-03T06:30"
    assert by_title["A ferry"]["date"]["text"] == "In the fifties"


def test_a_mapping_without_questions_is_used_and_the_report_says_so(desk: TestClient) -> None:
    """Headers in another language or spelling, and every cell of one meaning."""
    file = b"Datum;Titel;Quelle;Art\n2022-03-14;Lehrer;Post;protest\n"
    done = report(desk, file, create_types=True)
    assert (done["created"], done["mapping_proposed"], done["ignored"]) == (1, True, [])
    assert done["mapping"]["Titel"] == "title"
    own = b"TYPE, Title ,Source Publisher,date\nprotest,Teachers,Post,2023\n"
    done = report(desk, own)
    assert (done["created"], done["mapping"], done["mapping_proposed"]) == (1, None, False)


def test_a_cell_that_may_mean_two_dates_is_a_question(desk: TestClient) -> None:
    """With its line, its column and the choices; neither order is tried."""
    file = b"When,Title,Type,Source\n1/2/2023,a,visit,P\n"
    (question,) = report(desk, file, dry_run=True)["questions"]
    assert (question["name"], question["line"]) == ("When", 2)
    assert '"date.order": "dmy" or "mdy"' in question["message"]
    mapping = report(desk, file, dry_run=True)["mapping"]
    assert mapping["date.order"] is None
    ((name, line, message),) = faults(send(desk, file, mapping=mapping))
    assert (name, line) == ("When", 2)
    assert '"date.order": "dmy" (2023-02-01) or "mdy" (2023-01-02)' in message
    for order, edtf in (("dmy", "2023-02-01"), ("mdy", "2023-01-02")):
        given = {**mapping, "date.order": order}
        told = report(desk, file, mapping=given, create_types=True)
        assert told["created"] == 1
        assert edtf in {event["date"]["edtf"] for event in events(desk)}


def test_a_table_with_dateline_s_columns_and_foreign_dates_is_proposed_a_mapping(
    desk: TestClient,
) -> None:
    """Only in a dry run; an import is refused with the dates that would do."""
    file = b"type,title,date,source_title\nvisit,a,5 March 2019,S\n"
    ((name, line, message),) = faults(send(desk, file))
    assert (name, line) == ("date", 2)
    assert "2019-03-05" in message
    told = report(desk, file, dry_run=True)
    assert told["mapping"]["date.forms"] == ["month-name"]
    assert len(told["questions"]) == 1
    assert report(desk, file, mapping=told["mapping"], create_types=True)["created"] == 1


MESSY = """When,Title,Type,Source
ca. 2020,a,visit,P
März 2022,b,visit,P
3.4.22,c,visit,P
Frühjahr 2021,d,visit,P
14.-16.03.2022,e,visit,P
unbekannt,f,visit,P
,g,visit,P
31.02.2022,h,visit,P
2022,i,visit,
""".encode()


def test_a_dry_run_with_faults_still_proposes_the_mapping(desk: TestClient) -> None:
    """And does not ask for the dry run that it is."""
    refused = send(desk, MESSY, dry_run=True, create_types=True)
    assert [line for _, line, _ in faults(refused)] == [4, 5, 6, 7, 8, 9, 10]
    problem = refused.json()
    assert problem["mapping"]["When"] == "date"
    assert problem["mapping"]["date.forms"] == ["month-name", "circa"]
    assert problem["detail"] == (
        "Nothing was imported: 7 faults. `mapping` was proposed for the table: correct it or the"
        " table."
    )
    again = send(desk, MESSY, dry_run=True, create_types=True, mapping=problem["mapping"])
    assert len(faults(again)) == 7
    assert "mapping" not in again.json()
    assert again.json()["detail"] == "Nothing was imported: 7 faults."
    stored = send(desk, MESSY, create_types=True).json()
    assert "mapping" not in stored
    assert "dry_run=true proposes a mapping" in stored["detail"]


# -- faults ---------------------------------------------------------------------------------------

COLUMNS = b"Wann,Was,Land,Ort,Wer,Link\n"
MAPPING = {
    "Wann": "date",
    "Was": "title",
    "Land": "place.country",
    "Ort": "places",
    "Wer": "actors (guest)",
    "Link": "source_url",
    "constants": {"type": "visit"},
}


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("nie,a,,,,https://e.org", "Wann", "is not an EDTF date"),
        ("14/03/22,a,,,,https://e.org", "Wann", "a year of two digits"),
        ("2023,,,,,https://e.org", "title", "is missing"),
        ("2023,a,Atlantis,Niš,,https://e.org", "Land", "is not a country"),
        ("2023,a,,,,ftp://e.org", "Link", "neither http"),
        ("2023,a,,," + "x" * 501 + ",https://e.org", "Wer", "more than 500 characters"),
        ("2023,a,RS,A; B,,https://e.org", "Ort", "has 2 places"),
        ("2023,a,,,,https://e.org,more", "file", "has 7 cells in this line and 6 columns"),
    ],
)
def test_a_fault_names_the_user_s_column_and_line(
    desk: TestClient, row: str, column: str, said: str
) -> None:
    """The second row, so in line 3."""
    file = COLUMNS + f"2023,ok,,,,https://e.org\n{row}\n".encode()
    ((name, line, message),) = faults(send(desk, file, mapping=MAPPING, create_types=True))
    assert (name, line) == (column, 3)
    assert said in message
    assert events(desk) == []


@pytest.mark.parametrize(
    ("change", "name", "said", "suggestion"),
    [
        ({"Wass": "title"}, "mapping.Wass", "neither a column of the file", "Was"),
        ({"Was": "titel"}, "mapping.Was", "mapped to no field", "title"),
        ({"Was": "title (x)"}, "mapping.Was", "have brackets", None),
        ({"Wer": "actors (Big Guest)"}, "mapping.Wer", "is not a role", "big-guest"),
        ({"Wer": {"field": "actors", "seperator": ","}}, "mapping.Wer", "no option", "separator"),
        ({"Wer": {"field": "actors", "separator": "/"}}, "mapping.Wer", "one of ; , | none", None),
        ({"Ort": "title"}, "mapping.Ort", "and so is 'Was'", None),
        ({"date.order": "dym"}, "mapping.date.order", "is one of dmy, mdy", None),
        ({"date.forms": ["serials"]}, "mapping.date.forms", "not a form of dates", "serial"),
        ({"date.forms": ["years", "season"]}, "mapping.date.forms", "keep one", None),
        ({"constants": {"typ": "x"}}, "mapping.constants.typ", "is not a field", "type"),
        ({"constants": {"title": "x"}}, "mapping.constants.title", "'Was' gives it already", None),
        ({"constants": {"summary": "{wo}"}}, "mapping.constants.summary", "the file has not", None),
        ({"date.precision": {"1": "hour"}}, "mapping.date.precision", "is an object such as", None),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_by_its_entry(
    desk: TestClient, change: Json, name: str, said: str, suggestion: str | None
) -> None:
    """With the nearest that would be right."""
    file = COLUMNS + b"2023,ok,,,,https://e.org\n"
    answer = send(desk, file, mapping={**MAPPING, **change})
    told = [fault for fault in faults(answer) if fault[0] == name]
    assert len(told) == 1, answer.text
    assert said in told[0][2]
    near = next(e.get("suggestion") for e in answer.json()["errors"] if e["name"] == name)
    assert near == suggestion


def test_a_mapping_that_is_none_is_refused(desk: TestClient) -> None:
    """JSON that is broken, a name that is not stored, a format that has no columns."""
    file = COLUMNS + b"2023,ok,,,,https://e.org\n"
    report(desk, file, mapping=MAPPING, create_types=True, save_mapping="trips")
    for mapping, said in (("{", "is not JSON"), ("tripz", "neither JSON nor"), ("[]", "neither")):
        ((name, _, message),) = faults(send(desk, file, mapping=mapping))
        assert (name, said in message) == ("mapping", True)
    assert send(desk, file, mapping="tripz").json()["errors"][0]["suggestion"] == "trips"
    ((name, _, message),) = faults(send(desk, b"", "application/x-ndjson", mapping="trips"))
    assert "works only for tables" in message
    own = b"type,title,date,source_title\nvisit,a,2023,S\n"
    ((name, _, message),) = faults(send(desk, own, save_mapping="own"))
    assert (name, "Dateline's own" in message) == ("save_mapping", True)


def test_a_dry_run_stores_no_mapping(desk: TestClient) -> None:
    """As it stores nothing else."""
    file = COLUMNS + b"2023,ok,,,,https://e.org\n"
    report(desk, file, mapping=MAPPING, create_types=True, save_mapping="trips", dry_run=True)
    assert faults(send(desk, file, mapping="trips")) != []


def test_an_empty_constant_is_a_fault_once(desk: TestClient) -> None:
    """Not in each row; it is none if a parameter of the import gives the value."""
    file = b"When,Title\n2023,a\n2024,b\n"
    mapping = report(desk, file, dry_run=True)["mapping"]
    assert mapping["constants"] == {"type": None, "source_title": None}
    told = "is missing; fill in constants.{0} in the mapping, or give {0}=…"
    assert faults(send(desk, file, mapping=mapping)) == [
        (f"mapping.constants.{name}", None, told.format(name)) for name in ("type", "source_title")
    ]
    given: Json = {"type": "visit", "source_url": "https://e.org", "create_types": True}
    assert report(desk, file, mapping=mapping, **given)["created"] == 2


# -- lists, constants, other files ----------------------------------------------------------------


def test_lists_are_parted_and_parentheses_read_as_the_mapping_says(desk: TestClient) -> None:
    """A comma parts only if it is named; a role is one only if it is said to be."""
    file = b'd;t;Who;Tags;Src\n2023;a;"Serbia (host), Baku";x, y;"A; B"\n'
    base: Json = {"d": "date", "t": "title", "constants": {"type": "visit"}}
    mapping = {
        **base,
        "Who": {"field": "actors", "separator": ",", "parentheses": "role"},
        "Tags": {"field": "tags", "separator": ","},
        "Src": {"field": "source_title", "separator": ";"},
    }
    report(desk, file, mapping=mapping, create_types=True)
    (event,) = events(desk)
    assert [(a["name"], a["role"]) for a in event["actors"]] == [("Serbia", "host"), ("Baku", None)]
    assert event["tags"] == ["x", "y"]
    assert [s["title"] for s in event["sources"]] == ["A", "B"]
    mapping = {
        **base,
        "Who": {"field": "actors", "separator": "none", "parentheses": "name"},
        "Src": "source_title",
        "constants": {"type": "visit", "id": "another"},
    }
    report(desk, file, mapping=mapping)
    other = desk.get("/events/another").json()
    assert [a["name"] for a in other["actors"]] == ["Serbia (host), Baku"]
    assert [s["title"] for s in other["sources"]] == ["A; B"]
    assert other["tags"] == []


def test_a_workbook_goes_out_and_comes_back(desk: TestClient) -> None:
    """Sheets of texts only, without a formula; the first one imports unchanged."""
    file, media_type, corrections, _ = SHAPES["a data set of conflicts"]
    proposal = report(desk, file, media_type, dry_run=True)["mapping"]
    report(desk, file, media_type, create_types=True, mapping={**proposal, **corrections})
    risky = b"type,title,date,summary,source_title\nbattles,=1+1,2023,'@x,S\n"
    report(desk, risky)
    answer = desk.get("/events.xlsx")
    assert answer.headers["content-type"] == XLSX
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    assert book.sheet_names == ["Events", "Sources", "Citations", "Quantities", "Actors"]
    sheets = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    cells = [cell for sheet in sheets for row in sheet for cell in row]
    assert {type(cell) for cell in cells} == {str}
    assert "=1+1" in cells
    assert len(book.get_sheet_by_name("Quantities").to_python()) == 3
    told = report(desk, answer.content, XLSX)
    assert (told["created"], told["unchanged"], told["notes"]) == (0, 3, {})


def test_csv_begins_with_a_byte_order_mark_on_request(desk: TestClient) -> None:
    """By which Excel knows UTF-8; it comes back without."""
    report(desk, b"type,title,date,source_title\nvisit,a,2023,S\n", create_types=True)
    marked = desk.get("/events.csv", params={"bom": "true"}).content
    assert marked == b"\xef\xbb\xbf" + desk.get("/events.csv").content
    assert report(desk, marked)["unchanged"] == 1


def test_a_json_array_and_a_saved_page_come_in(desk: TestClient) -> None:
    """Entries are counted; a page that is not the last says so."""
    event = {"type": "visit", "title": "a", "date": "2023", "sources": [{"title": "S"}]}
    entries = [event, {**event, "title": "b"}]
    told = report(desk, json.dumps(entries).encode(), "application/json", create_types=True)
    assert told["created"] == 2
    page = desk.get("/events", params={"limit": 1})
    told = report(desk, page.content, "application/json")
    assert told["unchanged"] == 1
    (note,) = told["notes"]
    assert "the page is not the last" in note
    broken = json.dumps([event, 7]).encode()
    ((name, line, message),) = faults(send(desk, broken, "application/json"))
    assert (name, line, "is not a JSON object" in message) == ("body", 2, True)


# -- the command line -----------------------------------------------------------------------------


def test_the_command_line_writes_reads_and_stores_a_mapping(url: str, tmp_path: Path) -> None:
    """A dry run writes what it proposes to a file that is not there yet."""
    file, _, corrections, expected = SHAPES["a database of incidents"]
    (tmp_path / "incidents.csv").write_bytes(file)
    settings = {"database_url": url}

    def load(*arguments: str) -> Any:
        return call("import", "incidents.csv", *arguments, folder=tmp_path, settings=settings)

    tried = load("--dry-run", "--map", "map.json")
    assert (tried.code, tried.err) == (0, "")
    assert "The proposed mapping is in map.json" in tried.out
    mapping = json.loads((tmp_path / "map.json").read_text())
    refused = load("--create-types")
    assert refused.code == 1
    assert "line 1: type: is missing" in refused.err
    (tmp_path / "map.json").write_text(json.dumps({**mapping, **corrections}))
    done = load("--map", "map.json", "--save-map", "incidents", "--create-types")
    assert (done.code, done.err) == (0, "")
    assert f"created         {len(expected)}" in done.out
    assert "columns left out: _id, reports" in done.out
    again = load("--map", "incidents")
    assert f"unchanged       {len(expected)}" in again.out


def test_a_dry_run_with_faults_still_writes_the_mapping(url: str, tmp_path: Path) -> None:
    """The faults are listed, the exit code is 1, and the command says where the mapping is."""
    (tmp_path / "messy.csv").write_bytes(MESSY)

    def load(*arguments: str) -> Any:
        options = ("--dry-run", "--create-types", *arguments)
        settings = {"database_url": url}
        return call("import", "messy.csv", *options, folder=tmp_path, settings=settings)

    printed = load()
    assert (printed.code, printed.err.count("line ")) == (1, 7)
    assert printed.out.startswith(
        'This mapping was proposed, and was not used; the file has faults:\n{\n  "When": "date"'
    )
    tried = load("--map", "messy.json")
    assert (tried.code, tried.err.count("line ")) == (1, 7)
    assert tried.out == (
        "The proposed mapping is in messy.json: correct it, and import with --map.\n"
    )
    assert json.loads((tmp_path / "messy.json").read_text())["When"] == "date"
    again = load("--map", "messy.json")
    assert (again.code, again.err.count("line "), again.out) == (1, 7, "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "mapping: there is no file nosuch.json, and no stored mapping of that name"),
        ("[]", "--map: nosuch.json holds no JSON object"),
    ],
)
def test_a_file_that_has_no_mapping_is_refused_by_its_name(
    url: str, tmp_path: Path, content: str | None, message: str
) -> None:
    """If it is not there, or is not a mapping."""
    (tmp_path / "messy.csv").write_bytes(MESSY)
    if content is not None:
        (tmp_path / "nosuch.json").write_text(content)
    options = ("messy.csv", "--map", "nosuch.json")
    refused = call("import", *options, folder=tmp_path, settings={"database_url": url})
    assert (refused.code, refused.err) == (1, f"dateline: {message}\n")


# -- any sheet ------------------------------------------------------------------------------------

DAYS = st.dates().map(lambda day: (day.isoformat(), {day.isoformat()}))
CELLS = st.one_of(
    DAYS,
    st.dates().map(lambda d: (f"{d.day}/{d.month}/{d.year:04}", set())),
    st.dates().map(lambda d: (f"{d.day} {d:%B} {d.year:04}", {d.isoformat()})),
    st.integers(10_000, 60_000).map(lambda n: (str(n), set())),
    st.sampled_from([("2020/21", set()), ("Nov-23", set()), ("2020-21", set()), ("", set())]),
    st.integers(1000, 2100).map(lambda year: (str(year), {str(year)})),
    st.text("0123456789-/. abcdef", max_size=12).map(lambda text: (text, set())),
)
HEADERS = st.sampled_from(["date", "Date", " DATUM ", "Event date", "fecha", "When"])
NOISE = st.sampled_from(["Remarks", "x y", "", "№", "Land"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@settings(max_examples=examples(2000))
@given(
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    header=HEADERS,
    noise=NOISE,
    rows=st.lists(st.tuples(CELLS, TEXTS, st.booleans()), min_size=1, max_size=6),
)
def test_any_sheet_is_read_right_or_refused_with_its_column(
    separator: str,
    encoding: str,
    header: str,
    noise: str,
    rows: list[tuple[tuple[str, set[str]], str, bool]],
) -> None:
    """Never an exception, and no date but the one that its cell has in any reading of it."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    columns = [header, "Title", "type", "source", noise]
    writer.writerow(columns)
    for (cell, _), remark, ragged in rows:
        writer.writerow([cell, f'a\n"b"{separator}', "visit", "P", remark][: 4 if ragged else 5])
    file = io.BytesIO(text.getvalue().encode(encoding))
    table = open_table(file)
    known = {*columns, *(c.strip() for c in columns), "column 5", "file", "title", "date"}
    for question in table.questions:
        assert question.name in known
        assert question.line is not None
    for document in (None, table.mapping and table.mapping.as_json()):
        for line in open_table(file, document).read():
            assert line.document or line.faults or line.skipped
            assert all(f.name in known and f.line for f in line.faults)
            edtf = line.document.get("date", {}).get("edtf")
            if edtf is not None:
                (cell, meanings), _, _ = rows[line.number // 2 - 1]  # two lines each
                assert edtf in readings(cell.strip(), meanings, document or {})


def readings(cell: str, meanings: set[str], mapping: Json) -> set[str]:
    """The dates that a cell may come in as: itself, to be checked, or its one meaning.

    Numbers that are a day in either order have one only if the mapping names their order.
    """
    forms = {form for form in find_forms(cell) if not FORMS_OF_DATES[form].doubtful}
    sure = {read_date(cell, None, (form,)).edtf for form in forms}
    orders = find_orders(cell)
    if len(orders) > 1:
        orders &= {mapping.get("date.order")}
    return {cell, *meanings, *sure, *(read_date(cell, order, ()).edtf for order in orders)}
