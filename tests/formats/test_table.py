"""CSV: its columns, its forms for people, its guard, and what is said of a damaged one."""

import csv
import io
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import schemas, seeding
from app.errors import Fault
from app.formats import COLUMNS, DERIVED_COLUMNS, READERS, Line, write_template
from app.formats.cells import LISTS, WRITTEN_QUALIFIERS, guard, unguard
from app.models import QUALIFIERS
from formats.documents import (
    ABOUT,
    EVENTS,
    LOSSLESS,
    RAW,
    Json,
    date,
    event,
    file_of,
    source,
    written,
)
from tiers import everything

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "files.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?")
HEADER = "type,title,date,actors,quantities,related,tags,source_claims,more_sources"


def read(text: str | bytes) -> list[Line]:
    """The lines of a CSV file."""
    file = text.encode() if isinstance(text, str) else text
    return list(READERS["csv"](io.BytesIO(file)))


def row(**cells: str) -> Line:
    """A row that holds these cells, and all that it must hold."""
    given = {"type": "visit", "title": "A visit", "date": "2023", **cells}
    text = io.StringIO()
    csv.writer(text).writerows([given, given.values()])
    (line,) = read(text.getvalue())
    return line


def exported(*events: Json, lossless: bool = False) -> list[dict[str, str]]:
    """The cells of the file that these events make, by column."""
    file = file_of("csv", events, LOSSLESS if lossless else ABOUT).decode()
    return list(csv.DictReader(io.StringIO(file, "")))


def faults(line: Line) -> list[tuple[str, str | None]]:
    """The names and suggestions of a line that is not read."""
    assert line.document == {}
    return [(fault.name, fault.suggestion) for fault in line.faults]


# -- the file -------------------------------------------------------------------------------------


def test_the_guide_lists_the_columns() -> None:
    """In their order, with their meaning."""
    section = GUIDE.split("\n## CSV\n")[1].split("\n## ")[0]
    columns = {**COLUMNS, **DERIVED_COLUMNS}
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)) == columns
    assert list(columns) == re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_the_lists_of_the_readme_read_as_they_are_meant() -> None:
    """Each example of a list cell is one."""
    examples = {
        column: match.group(1)
        for column, meaning in COLUMNS.items()
        if (match := re.match("List: `([^`]*)`", meaning))
    }
    assert examples.keys() == LISTS.keys()
    for column, example in examples.items():
        assert LISTS[column].read(example)


def test_every_member_of_an_event_has_a_column() -> None:
    """But for the moments of its edits; own fields have one for each name."""
    members = {*schemas.Event.model_fields} - {"created_at", "updated_at", "sources", "extra"}
    of_source = {f"source_{name}" for name in schemas.Citation.model_fields}
    assert {*COLUMNS} == {*members, "date_text", *of_source, "more_sources"}


def test_the_header_is_there_without_events_and_lines_end_as_the_rfc_says() -> None:
    """RFC 4180: CRLF."""
    header = ",".join((*COLUMNS, *DERIVED_COLUMNS)).encode() + b"\r\n"
    assert file_of("csv", []) == header
    assert file_of("csv", [event()]).count(b"\r\n") == 2


def test_the_template_is_the_gas_contract_of_the_example_chronology() -> None:
    """Its example says the same, so a seeded store finds nothing to change in it."""
    (line,) = read(write_template())
    assert line.faults == ()
    found = written(line.document)
    known = {e["id"]: e for e in seeding.read_seed("events")}["serbia-azerbaijan-gas-contract"]
    actors = {actor["id"]: actor["name"] for actor in seeding.read_seed("actors")}
    sources = {source["id"]: source for source in seeding.read_seed("sources")}
    named = {
        **known,
        "actors": [{"name": actors[a["id"]], "role": a["role"]} for a in known["actors"]],
        "sources": [{**sources[s["id"]], **s} for s in known["sources"]],
    }
    assert found == written(named)


# -- cells for people -----------------------------------------------------------------------------


def test_lists_are_written_for_people() -> None:
    """With `;` between, and what a name cannot say left out."""
    actor = {"id": "serbia", "name": "Serbia", "kind": "country", "country": "RS"}
    volume = {"measure": "gas volume", "qualifier": "at-least", "value": "4", "unit": "bcm"}
    length = {"measure": "length", "qualifier": "between", "value": "3", "unit": None}
    (cells,) = exported(
        event(
            actors=[{**actor, "role": "seller"}, {**actor, "name": "SOCAR", "role": None}],
            places=[{"id": "b", "name": "Belgrade", "country": None} | POINT],
            quantities=[
                {**volume, "max_value": None, "text": "over 4 bcm"},
                {**length, "max_value": "4.5", "text": None},
            ],
            tags=["natural gas", "energy"],
            related=[{"event": "e", "relation": "implements"}],
            sources=[source(claims=["date", "actors"])],
        )
    )
    assert cells["actors"] == "Serbia (seller); SOCAR"
    assert cells["places"] == "Belgrade"
    assert cells["quantities"] == "gas volume: at-least 4 bcm (over 4 bcm); length: 3 to 4.5"
    assert cells["tags"] == "natural gas; energy"
    assert cells["related"] == "implements e"
    assert cells["source_claims"] == "date; actors"
    assert cells["more_sources"] == ""


POINT = {"latitude": None, "longitude": None}


@pytest.mark.parametrize(
    "name", ["a; b", "Congo (DRC)", "[sic]", "{x}", " x", "x ", "a (b)", "a（b）", "F (2014-)"]
)
def test_a_name_that_people_would_read_otherwise_is_written_as_json(name: str) -> None:
    """Whole, as it is served."""
    known = [{"id": "a", "name": name, "kind": None, "country": None, "role": None}]
    (cells,) = exported(event(actors=known))
    assert json.loads(cells["actors"]) == known


@given(EVENTS)
def test_what_is_written_for_people_says_nothing_else(known: Json) -> None:
    """Less than was served, perhaps; the first source that supports stands first."""
    (line,) = read(file_of("csv", [known]))
    assert line.faults == ()
    found, whole = written(line.document), written(known)
    same = {"id", "type", "title", "summary", "date", "status", "quantities", "tags", "related"}
    assert found.model_dump(include=same) == whole.model_dump(include=same)
    for given_list, known_list in ((found.actors, whole.actors), (found.places, whole.places)):
        dumped = [entry.model_dump(include={"name", "role"}) for entry in given_list]
        assert dumped == [entry.model_dump(include={"name", "role"}) for entry in known_list]
    first = next(s for s in whole.sources if s.role == "supports")
    others = [s for s in whole.sources if s is not first]
    assert found.sources == [first, *others]


@pytest.mark.parametrize(
    ("column", "cell", "meant"),
    [
        ("actors", "Serbia(seller);; Baku ( buyer ) ;", [("Serbia", "seller"), ("Baku", "buyer")]),
        ("actors", "Bank (PLC) (seller)", [("Bank (PLC)", "seller")]),
        ("quantities", "gas volume: at least 400 m3", ["400", "at-least", "m3"]),
        ("quantities", "share: 12.5", ["12.5", "exactly"]),
        ("quantities", "flow: about 3 to 4 barrels a day", ["3", "4", "about", "barrels a day"]),
        ("quantities", "loss: -3 to -1 (a (few))", ["-3", "-1", "between", "a (few)"]),
    ],
)  # fmt: skip
def test_people_may_write_a_list_in_several_ways(column: str, cell: str, meant: list[Any]) -> None:
    """White space and empty entries do not count."""
    entries = row(**{column: cell}).document[column]
    if column == "actors":
        assert [(entry["name"], entry["role"]) for entry in entries] == meant
    else:
        (entry,) = entries
        assert sorted(v for name, v in entry.items() if name != "measure") == sorted(meant)


def test_the_qualifiers_of_people_are_those_of_the_model() -> None:
    """The other two show in the numbers."""
    assert {*WRITTEN_QUALIFIERS, "exactly", "between"} == {*QUALIFIERS}


@pytest.mark.parametrize(
    ("column", "cell", "suggestion"),
    [
        ("actors", "Serbia ()", "Serbia"),
        ("actors", "A; Serbia (); B", "A; Serbia; B"),
        ("actors", "A (seller) (buyer)", "A (seller); A (buyer)"),
        ("quantities", "400 million", None),
        ("quantities", "gas volume: 400,000 m3", None),
        ("quantities", "x: 1; gas volume: atleast 4 m3", "x: 1; gas volume: at-least 4 m3"),
        ("related", "serbia-azerbaijan-gas-contract", None),
        ("tags", '["energy"', None),
        ("tags", '{"name": "energy"}', None),
        ("more_sources", "Balkan Insight", None),
    ],
)
def test_a_cell_that_cannot_be_read_says_what_would_be_right(
    column: str, cell: str, suggestion: str | None
) -> None:
    """By its column, in its line."""
    line = row(**{column: cell})
    assert faults(line) == [(column, suggestion)]
    assert line.faults[0].line == 2


def test_every_fault_of_a_row_is_said() -> None:
    """Not only the first."""
    assert [name for name, _ in faults(row(actors="A ()", related="x"))] == ["actors", "related"]


# -- the guard ------------------------------------------------------------------------------------


@given(st.one_of(RAW.map("".join), st.text(), st.text("'=+-@\t\r\n＝x")), st.booleans())
def test_reading_takes_off_what_writing_put_on(cell: str, lossless: bool) -> None:
    """In either kind of file, with no switch that says which."""
    assert unguard(guard(cell, lossless=lossless)) == cell


@given(st.text("'=+-@\t\r\n＝－＋＠x", max_size=5))
def test_a_guarded_cell_begins_with_nothing_that_calculates(cell: str) -> None:
    """Not in full width either, which some spreadsheets fold."""
    first = unicodedata.normalize("NFKC", guard(cell, lossless=False)[:1])
    assert first not in set("=+-@\t\r\n")


@given(st.lists(EVENTS, max_size=3))
def test_no_cell_of_a_file_for_people_is_a_formula(events: list[Json]) -> None:
    """Whichever column it stands in; the number of an own field is none, with whatever sign."""
    for cells in exported(*events):
        for cell in cells.values():
            if NUMBER.fullmatch(cell):
                continue
            assert unicodedata.normalize("NFKC", cell[:1]) not in set("=+-@\t\r\n")


def test_a_lossless_file_has_no_apostrophe_of_ours() -> None:
    """But in front of one that is no guard."""
    known = event(title="=1+1", summary="'=1+1", date=date("-0500", "''text"))
    (cells,) = exported(known, lossless=True)
    assert [cells[name] for name in ("title", "summary", "date", "date_text")] == [
        *("=1+1", "''=1+1", "-0500", "''text")
    ]
    (cells,) = exported(known)
    assert [cells[name] for name in ("title", "summary", "date", "date_text")] == [
        *("'=1+1", "''=1+1", "'-0500", "''text")
    ]


# -- the order of sources -------------------------------------------------------------------------


def test_the_first_source_that_supports_has_columns_of_its_own() -> None:
    """Where that would change the order, a lossless file leaves them empty instead."""
    known = event(sources=[source(id="a", role="context"), source(id="b"), source(id="c")])
    (cells,) = exported(known)
    assert cells["source_id"] == "b"
    assert [s["id"] for s in json.loads(cells["more_sources"])] == ["a", "c"]
    (cells,) = exported(known, lossless=True)
    assert [cell for name, cell in cells.items() if name.startswith("source_") and cell] == []
    assert [s["id"] for s in json.loads(cells["more_sources"])] == ["a", "b", "c"]


# -- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_spreadsheets_write_csv_in_many_ways(delimiter: str, mark: bytes, end: str) -> None:
    """What parts cells and lines is found; an empty cell says nothing."""
    rows = [
        ["date", "title", " type ", "summary", "tags", ""],
        [" 2023 ", '" a ""b"", c;\td "', "visit", "", "x; y", ""],
    ]
    rows = [[f'"{c}"' if "; " in c and c[0] != '"' else c for c in cells] for cells in rows]
    file = mark + end.join(delimiter.join(cells) for cells in rows).encode()
    (line,) = read(file)
    assert line.faults == ()
    assert line.document == {
        "date": {"edtf": "2023"},
        "title": ' a "b", c;\td ',
        "type": "visit",
        "tags": ["x", "y"],
    }


def test_numbers_are_those_of_the_lines_that_rows_begin_in() -> None:
    """Where cells hold line breaks, and rows are blank."""
    lines = read(
        '\n\ntype,title,date,summary\r\na,t,1,"x\r\ny"\r\n,,\r\n\r\nb,t,2,"""\n\n"\nc,t,3,\n'
    )
    assert [(line.number, line.document["type"]) for line in lines] == [
        (4, "a"),
        (8, "b"),
        (11, "c"),
    ]
    assert lines[0].document["summary"] == "x\ny"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("type,title,date,sumary", [("sumary", "summary")]),
        ("type,titlle,date", [("titlle", "title"), ("title", None)]),
        ("type,date", [("title", None)]),
        ("type,title,date,type", [("type", None)]),
        ("type,,title,date", [("column 2", None)]),
        (",,", [("type", None), ("title", None), ("date", None)]),
        ("x#y#z", [("x#y#z", None), ("type", None), ("title", None), ("date", None)]),
    ],
)
def test_a_header_that_is_not_understood_ends_the_reading(
    header: str, said: list[tuple[str, str | None]]
) -> None:
    """All that is wrong with it, once."""
    (line,) = read(f"\n{header}\na,b,c,d\n")
    assert faults(line) == said
    assert {fault.line for fault in line.faults} == {2}


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        (b"visit,a,2023,x\nvisit,b,2023,,\n", [2, None]),  # too many cells, and two blank ones
        (b"visit,\xe8,2023\nvisit,b,2023\n", [2, None]),  # Latin-1
        (b'visit,b,2023\nvisit,"a" b,2023\nvisit,c,2023\n', [None, 3]),
        (b'visit,b,2023\nvisit,"a,2023\nvisit,c,2023\n', [None, 3]),
    ],
)
def test_a_damaged_row_is_named_by_its_line(rows: bytes, numbers: list[int | None]) -> None:
    """After a broken quote nothing is certain, and the reading ends."""
    lines = read(b"type,title,date\n" + rows)
    assert [next((f.line for f in line.faults), None) for line in lines] == numbers


@pytest.mark.parametrize(
    "file", [b"", b"\n \n", b"\xff\xfet", b'"type', b"PK\x03\x04", b"\xd0\xcf\x11\xe0"]
)
def test_a_file_that_is_no_table_is_one_fault(file: bytes) -> None:
    """Empty, in another encoding, or broken in its header."""
    (line,) = read(file)
    assert [name for name, _ in faults(line)] == ["file"]


def test_a_missing_cell_is_a_missing_member() -> None:
    """What an event needs is for the schema to say."""
    (line,) = read("type,title,date,date_text\nvisit\n")
    assert line == Line(2, {"type": "visit"})


@given(st.lists(st.text(), min_size=9, max_size=9))
def test_no_row_is_an_exception(cells: list[str]) -> None:
    """Whatever its cells hold."""
    text = io.StringIO()
    csv.writer(text).writerows([HEADER.split(","), cells])
    for line in read(text.getvalue().encode("utf-8", "surrogatepass")):
        assert line.document or line.faults


def test_as_many_sources_as_an_event_may_have_fit_into_a_cell() -> None:
    """Each of them as long as it may be."""
    long = dict.fromkeys(("quote", "note"), '"' * 10_000)
    url = f"https://example.org/{'x' * 1900}"
    sources = [
        source(id=f"s{n}", **long, url=url, archive_url=url) for n in range(schemas.MAX_SOURCES)
    ]
    known = event(sources=sources)
    for lossless in (True, False) if everything() else (True,):
        (line,) = read(file_of("csv", [known], LOSSLESS if lossless else ABOUT))
        assert written(line.document) == written(known)


def test_a_fault_reads_as_a_sentence() -> None:
    """With its line, its column, and what was meant."""
    (line,) = read("type,title,date,actros\n")
    (fault,) = line.faults
    assert fault == Fault("body", "actros", fault.message, "actors", 1)
    start = "line 1: actros: is not a column; known: id, version, type, title,"
    assert fault.sentence.startswith(start)
    assert fault.sentence.endswith("did you mean 'actors'?")
