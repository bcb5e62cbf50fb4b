"""Types by their label: in every file for people, and back out of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from writing import Desk, desk_over, event, furnish

Json = dict[str, Any]
LABELS = {
    "gas-delivery": "Gas delivery",
    "odd": "A & B <c>; \"d\", 'e'",
    "nato-act": "NATO act",
    "one-of-two": "Twin",
    "other-of-two": "twin",
    "visit": "contract",  # the id of another
    "contract": "Contract signed",
    "plain": "Plain",
    "arabic": "توصيل الغاز",
}


@pytest.fixture
def desk(empty: str) -> Iterator[Desk]:
    """A newsroom with an event of each type."""
    furnish(empty)
    with desk_over(empty) as desk:
        for type_id, label in LABELS.items():
            if type_id in ("visit", "contract"):
                desk.put(desk.read(f"/types/{type_id}"), label=label)
            else:
                desk.add("/types", {"id": type_id, "label": label})
            desk.add("/events", event(id=f"of-{type_id}", type=type_id, title=f"Of {type_id}"))
        yield desk


def send(desk: Desk, file: Json | str, **options: Any) -> Any:
    """Return the answer to an import of TimelineJS or NDJSON."""
    is_line = isinstance(file, str)
    kind = "application/x-ndjson" if is_line else "application/json"
    headers = {"Content-Type": kind, "Authorization": f"Bearer {desk.key}"}
    content = file if isinstance(file, str) else json.dumps(file)
    return desk.client.post("/import", params=options, content=content, headers=headers)


def test_files_for_people_say_the_label(desk: Desk) -> None:
    """As the page does; files for programs keep the id."""
    said = {
        "html": ">Gas delivery</a>",
        "timelinejs": '"group":"Gas delivery"',
        "ics": "CATEGORIES:Gas delivery",
        "jsonfeed": '"tags":["Gas delivery"',
        "atom": 'label="Gas delivery"',
        "csv": ",gas-delivery,",
        "ndjson": '"type":"gas-delivery"',
        "geojson": '"type":"gas-delivery"',
    }
    files = {name: desk.client.get(f"/events.{name}?type=gas-delivery").text for name in said}
    assert [name for name, part in said.items() if part not in files[name]] == []


def test_a_type_comes_back_out_of_timelinejs(desk: Desk) -> None:
    """Each to its own, also if two share a label or one is called as another's id."""
    timeline = desk.client.get("/events.timelinejs").json()
    groups = {
        slide["unique_id"].removeprefix("of-"): slide["group"] for slide in timeline["events"]
    }
    assert groups["one-of-two"] == "one-of-two"
    assert groups["visit"] == "visit"
    assert groups["nato-act"] == "NATO act"
    for slide in timeline["events"]:
        slide["unique_id"] = f"again-{slide['unique_id']}"
    assert send(desk, timeline, source_title="A").json()["created"] == len(LABELS)
    types = {name: desk.get(f"/events/again-of-{name}")["type"] for name in LABELS}
    assert types == {name: name for name in LABELS}


def test_a_type_by_its_name(desk: Desk) -> None:
    """By id or by label in any case; made with the label as it is; else the nearest is named."""
    table: list[tuple[str, Json, str]] = [
        ("gas-delivery", {}, "gas-delivery"),
        ("Gas delivery", {}, "gas-delivery"),
        ("GAS  DELIVERY", {}, "gas-delivery"),
        ("contract", {}, "contract"),
        ("Contract signed", {}, "contract"),
        ("Gas-delivery", {}, "gas-delivery"),
        ("Twin", {}, "several types are called 'Twin': one-of-two, other-of-two"),
        ("Gas delivry", {}, "there is no type 'Gas delivry' Gas delivery?"),
        ("EU summit", {"create_types": True}, "eu-summit"),
    ]
    wrong = []
    for number, (name, options, meant) in enumerate(table):
        row = json.dumps(event(id=f"row-{number}", type=name))
        answer = send(desk, row, **options)
        if answer.status_code == 200:
            result = desk.get(f"/events/row-{number}")["type"]
        else:
            (fault,) = answer.json()["errors"]
            near = f" {fault['suggestion']}?" if "suggestion" in fault else ""
            result = fault["message"] + near
        if not result.startswith(meant):
            wrong.append((name, meant, result))
    assert wrong == []
    assert desk.get("/types/eu-summit")["label"] == "EU summit"
