"""A parenthesis behind an actor in a table: a role, or part of the name."""

import csv
import io
from typing import Any

from commands import call
from writing import desk_over, event, furnish

HEADER = ("id", "type", "title", "date", "source_id", "actors")
Json = dict[str, Any]
PART, ROLE = "read as part of the name", "read as a role"


def table(*cells: str, header: tuple[str, ...] = HEADER) -> str:
    """Return a CSV file with a row for each cell of actors."""
    text = io.StringIO()
    rows = (
        {
            "id": f"row-{number}",
            "type": "visit",
            "title": "A visit",
            "date": "2023-11",
            "source_id": "wire",
            "actors": cell,
        }
        for number, cell in enumerate(cells)
    )
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def send(desk: Any, file: str, **options: Any) -> Any:
    """Return the answer to an import of CSV."""
    headers = {"Content-Type": "text/csv", "Authorization": f"Bearer {desk.key}"}
    return desk.client.post("/import", params=options, content=file.encode(), headers=headers)


ONE: list[tuple[str, list[tuple[str, str | None]]]] = [  # a store has the role `host`
    (
        "Forces (2008-2014); Forces (2014-)",
        [("Forces (2008-2014)", None), ("Forces (2014-)", None)],
    ),
    ("Anna (freelance)", [("Anna (freelance)", None)]),
    ("Radio (Serbia)", [("Radio (Serbia)", None)]),
    ("Srbijagas (seller)", [("Srbijagas", "seller")]),
    ("Baku(buyer) ; Serbia ( party )", [("Baku", "buyer"), ("Serbia", "party")]),
    ("Belgrade (host)", [("Belgrade", "host")]),
    ("Belgrade（host）", [("Belgrade", "host")]),
    ("Radio（Serbia）", [("Radio（Serbia）", None)]),
    ("Serbia (Host)", [("Serbia (Host)", None)]),
    ("A (b (c))", [("A (b (c))", None)]),
    ("A ((seller))", [("A ((seller))", None)]),
    ("Bank (PLC) (seller)", [("Bank (PLC)", "seller")]),
    ("House (plc) (host)", [("House (plc)", "host")]),
    ("Bank (seller) (plc)", [("Bank (seller) (plc)", None)]),
    ("(seller)", [("(seller)", None)]),
    ('[{"name": "Anna (host)"}]', [("Anna (host)", None)]),
    ('[{"name": "Anna", "role": "freelance"}]', [("Anna", "freelance")]),
]


def actors(answer: Any, desk: Any, event_id: str) -> list[tuple[str, str | None]]:
    """Return names and roles of an event that was imported."""
    assert answer.status_code == 200, answer.text
    return [(a["name"], a["role"]) for a in desk.get(f"/events/{event_id}")["actors"]]


def test_a_parenthesis_is_a_role_only_if_the_word_is_one(empty: str) -> None:
    """Row by row, and what the report says of it."""
    furnish(empty)
    wrong = []
    with desk_over(empty) as desk:
        desk.add("/events", event(id="old", actors=[{"name": "Baku", "role": "host"}]))
        for number, (cell, meant) in enumerate(ONE):
            row = table(cell).replace("row-0", f"one-{number}")
            found = actors(send(desk, row), desk, f"one-{number}")
            if found != meant:
                wrong.append((cell, meant, found))
            desk.delete(desk.read(f"/events/one-{number}"))
        assert wrong == []
        file = table("Anna (freelance); Radio (Serbia)", "Bo (freelance); Srbijagas (seller)")
        assert send(desk, file, dry_run=True).json()["notes"] == {
            f"(freelance) in actors was {PART}; import with roles=freelance if it is a role": 2,
            f"(Serbia) in actors was {PART}": 1,
            f"(seller) in actors was {ROLE}": 1,
        }
        named = send(desk, file, roles=["freelance", "seller"])
        assert named.json()["notes"] == {f"(Serbia) in actors was {PART}": 1}
        assert actors(named, desk, "row-0") == [("Anna", "freelance"), ("Radio (Serbia)", None)]


def test_a_role_in_json_counts_for_the_whole_file(empty: str) -> None:
    """Also for the rows before it."""
    furnish(empty)
    file = table("Anna (freelance)", '[{"name": "Bo", "role": "freelance"}, "odd", {"role": 1}]')
    sound = table("Anna (freelance)", '[{"name": "Bo", "role": "freelance"}]')
    with desk_over(empty) as desk:
        assert send(desk, file).status_code == 422
        assert actors(send(desk, sound), desk, "row-0") == [("Anna", "freelance")]


def test_the_whole_template_says_what_a_parenthesis_is(empty: str) -> None:
    """A file with all its columns, as an export has them, has roles of any word."""
    furnish(empty)
    with desk_over(empty) as desk:
        header = desk.client.get("/import/template.csv").text.split("\r\n")[0].split(",")
        file = table("Anna (freelance); Radio (Serbia)", header=tuple(header))
        answer = send(desk, file)
        assert actors(answer, desk, "row-0") == [("Anna", "freelance"), ("Radio (Serbia)", None)]
        assert answer.json()["notes"] == {}
        exported = desk.client.get("/events.csv").text
        assert send(desk, exported).json()["unchanged"] == 1


def test_a_suggestion_ends_the_fault(empty: str) -> None:
    """Of a cell of actors; it is the whole cell as it should be."""
    furnish(empty)
    cells = (
        *("Serbia ()", "A; Serbia ( ); B", "A (seller) (buyer)", "C; A (host) (seller); D"),
        *("Serbia（）", "A (seller) (buyer); B (party) (host)"),
    )
    wrong = []
    with desk_over(empty) as desk:
        desk.add("/events", event(id="old", actors=[{"name": "Baku", "role": "host"}]))
        for cell in cells:
            mended, steps = cell, 0
            while (answer := send(desk, table(mended), dry_run=True)).status_code != 200:
                (fault,) = answer.json()["errors"]
                assert (fault["name"], fault["line"]) == ("actors", 2)
                mended, steps = fault["suggestion"], steps + 1
                assert steps < 4, cell
            if not steps or mended.count(";") < cell.count(";"):
                wrong.append((cell, mended))
    assert wrong == []


def test_many_parentheses_have_few_notes(empty: str) -> None:
    """A report names fifty, and counts the rest."""
    furnish(empty)
    with desk_over(empty) as desk:
        file = table(*(f"Forces ({year})" for year in range(1000, 1080)))
        notes = send(desk, file, dry_run=True).json()["notes"]
    assert (len(notes), sum(notes.values())) == (51, 80)


def test_the_command_line_names_roles(empty: str, tmp_path: Any) -> None:
    """With a flag that may be repeated, which the note names too."""
    furnish(empty)
    (tmp_path / "a.csv").write_text(table("Anna (freelance); Bo (editor)"))
    at = {"folder": tmp_path, "settings": {"database_url": empty}}
    ran = call("import", "a.csv", "--dry-run", "--role", "editor", **at)
    assert f"(freelance) in actors was {PART}; import with --role freelance" in ran.out
    assert "editor" not in ran.out
