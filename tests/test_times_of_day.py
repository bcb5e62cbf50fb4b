"""Times of day over HTTP: they order a day, change no question, and are read in tables."""

import io
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from stores import Stores, opened
from tables import check_each
from test_identities import upgraded
from test_own_fields import Newsroom, body
from writing import PATCHING, desk_over, key_of, unsound

pytestmark = pytest.mark.both_engines
Json = dict[str, Any]

# By id and in the order of the timeline: by the clock as stated, then by id.
OF_A_DAY = {
    "z-all-day": "2031-02-06",
    "z-since": "2031-02-06/..",
    "y-midnight": "2031-02-06T00:00Z",
    "b-morning": "2031-02-06T09:15:30-05:00",
    "c-morning": "2031-02-06T09:15:30",
    "a-noon": "2031-02-06T12:00+14:00",
    "a-talks": "2031-02-06T14:30/2031-02-06T16:00",
    "b-until": "../2031-02-06T14:30",
    "a-late": "2031-02-06T23:59:59",
}


@pytest.fixture
def newsroom(stores: Stores, seeded_template: str) -> Iterator[Newsroom]:
    """A newsroom with the example chronology and a day with times, which came in another order."""
    url = stores.new(seeded_template)
    with desk_over(url) as desk:
        room = Newsroom(desk, key_of(url, "newsroom"))
        for event_id in sorted(OF_A_DAY, reverse=True):
            made = room.post(event_id, {}, date=OF_A_DAY[event_id])
            assert made.status_code == 201, made.text
        yield room
    with opened(url) as store:
        assert unsound(store) == []


def ids(newsroom: Newsroom, path: str = "/events", **query: Any) -> Sequence[str]:
    """The events of the day as a list has them, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = newsroom.client.get(path, params={"date": "2031-02-06", **query, **cursor}).json()
        found += [item["id"] for item in page["items"] if item["id"] in OF_A_DAY]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"].split("cursor=")[1].split("&")[0]}


def change(newsroom: Newsroom, event_id: str, edtf: str) -> None:
    """Give an event another date."""
    tag = newsroom.client.get(f"/events/{event_id}").headers["ETag"]
    headers = {**newsroom.key, "If-Match": tag, "Content-Type": PATCHING}
    document = {"date": {"edtf": edtf}}
    answer = newsroom.client.patch(f"/events/{event_id}", json=document, headers=headers)
    assert answer.status_code == 200, answer.text


def test_the_clock_orders_a_day_page_by_page(newsroom: Newsroom) -> None:
    """Forwards and backwards; an event whose clock changes moves, and back again."""
    order = list(OF_A_DAY)
    for limit in (1, 2, 200):
        assert ids(newsroom, limit=limit) == order
        assert ids(newsroom, limit=limit, sort="-date") == order[::-1]
    change(newsroom, "a-noon", "2031-02-06T23:59:59Z")
    assert ids(newsroom) == [*(i for i in order[:-1] if i != "a-noon"), "a-late", "a-noon"]
    change(newsroom, "a-noon", "2031-02-06")
    assert ids(newsroom, limit=1) == ["a-noon", *(i for i in order if i != "a-noon")]
    change(newsroom, "a-noon", OF_A_DAY["a-noon"])
    assert ids(newsroom) == order


def test_a_time_of_day_is_served_as_it_was_given(newsroom: Newsroom) -> None:
    """With a label, a precision, and bounds in days that no zone moves."""
    date = newsroom.client.get("/events/b-morning").json()["date"]
    assert date == {
        "edtf": "2031-02-06T09:15:30-05:00",
        "text": None,
        "earliest": "2031-02-06",
        "latest": "2031-02-06",
        "precision": "second",
        "uncertain": False,
        "approximate": False,
        "label": "6 February 2031, 09:15:30 (UTC\N{MINUS SIGN}5)",
    }
    talks = newsroom.client.get("/events/a-talks").json()["date"]
    assert (talks["precision"], talks["label"]) == ("interval", "6 February 2031, 14:30 to 16:00")


def test_questions_are_in_days(newsroom: Newsroom) -> None:
    """A time is certain on its day alone; in a query it is refused, with the day to ask for."""
    for event_id, day, verdict in (
        ("b-morning", "2031-02-06", True),
        ("a-noon", "2031-02-05", False),
        ("y-midnight", "2031-02-05", False),
        ("a-late", "2031-02-07", False),
    ):
        assert (event_id in newsroom.ids(date=day, match="certain")) == verdict

    def check(case: tuple[str, str, str]) -> None:
        name, value, day = case
        answer = newsroom.client.get("/events", params={name: value})
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["name"], fault["suggestion"]) == (name, day)
        assert "Queries are in days" in fault["message"]

    check_each(
        [
            ("date", "2031-02-06T14:30", "2031-02-06"),
            ("date", "2031-02-06T14:30:00 01:00", "2031-02-06"),  # a plus that was not encoded
            ("date", "2031-02-06T14:30Z/2031-03", "2031-02-06/2031-03"),
            ("known_by", "2031-02-06 14:30", "2031-02-06"),
        ],
        check,
    )


def test_only_the_date_of_an_event_has_a_time(newsroom: Newsroom) -> None:
    """Sources were published and read on days; a time that cannot be is refused by name."""
    for member in ("published", "accessed"):
        sources = [{"publisher": "Desk", "title": "T", member: "2031-02-06T14:30"}]
        answer = newsroom.client.post(
            "/events", json={**body("x", {}), "sources": sources}, headers=newsroom.key
        )
        (fault,) = answer.json()["errors"]
        assert (fault["name"], fault["suggestion"]) == (f"sources.0.{member}", "2031-02-06")
    answer = newsroom.post("x", {}, date="2031-02-06 14:30")
    (fault,) = answer.json()["errors"]
    assert (fault["name"], fault["suggestion"]) == ("date.edtf", "2031-02-06T14:30")


def test_every_format_has_the_time(newsroom: Newsroom) -> None:
    """Exactly, and in words or as each format writes a time."""
    for name, wanted in (
        ("csv", "2031-02-06T09:15:30-05:00"),
        ("ndjson", '"precision":"second"'),
        ("geojson", '"edtf":"2031-02-06T09:15:30-05:00"'),
        ("jsonfeed", '"edtf":"2031-02-06T09:15:30-05:00"'),
        ("jsonld", '"startDate":"2031-02-06T09:15:30-05:00"'),
        ("timelinejs", '"hour":9,"minute":15,"second":30'),
        ("ics", "DTSTART:20310206T141530Z"),
        ("atom", "09:15:30 (UTC\N{MINUS SIGN}5)"),
        ("html", "09:15:30 (UTC\N{MINUS SIGN}5)"),
        ("html", '<time datetime="2031-02-06T09:15:30-05:00"'),
    ):
        file = newsroom.client.get(f"/events.{name}", params={"q": "b-morning"}).text
        assert wanted in file, name
    page = newsroom.client.get("/", params={"q": "b-morning"}, headers={"Accept": "text/html"})
    assert "6 February 2031, 09:15:30 (UTC\N{MINUS SIGN}5)" in page.text
    assert '<time datetime="2031-02-06T09:15:30-05:00"' in page.text


def test_files_bring_it_back(newsroom: Newsroom) -> None:
    """Tables exactly; slides and calendars of our own, too."""
    query = {"q": "b-morning"}
    file = newsroom.client.get("/events.csv", params=query).content
    assert newsroom.load(file).json()["unchanged"] == 1
    for name, media_type, options in (
        ("timelinejs", "application/json", {"source_title": "A report"}),
        ("ics", "text/calendar", {"source_title": "A report"}),
    ):
        copied = newsroom.client.get(f"/events.{name}", params=query).content
        content = copied.replace(b"b-morning", f"from-{name}".encode())
        answer = newsroom.load(content, media_type, **options)
        assert answer.json()["created"] == 1, answer.text
        date = newsroom.client.get(f"/events/from-{name}").json()["date"]
        assert (date["edtf"], date["text"]) == (OF_A_DAY["b-morning"], None)


# Cells of the columns Day, Start, Until and End, and the date and text that they mean.
ROWS: list[tuple[tuple[Any, Any, Any, Any], str, str | None]] = [
    (("2030-03-05 14:30", None, None, None), "2030-03-05T14:30", None),
    (("2030-03-05T14:30:05+01:00", None, None, None), "2030-03-05T14:30:05+01:00", None),
    (("2030-03-05T14:30+0100", None, None, None), "2030-03-05T14:30+01:00", None),
    (("2030-03-05 2:30 PM", None, None, None), "2030-03-05T14:30", None),
    (("2030-03-05 00:00:00", None, None, None), "2030-03-05", None),
    (("2030-03-05", "14:30", None, None), "2030-03-05T14:30", None),
    (("2030-03-05", "9h05", None, None), "2030-03-05T09:05", None),
    (("2030-03-05", "14.30 Uhr", None, None), "2030-03-05T14:30", None),
    (("2030-03-05", "2:30 p.m.", None, None), "2030-03-05T14:30", None),
    (("2030-03-05", "0:00", None, None), "2030-03-05T00:00", None),
    (("2030-03-05", "14:30", None, "16:00"), "2030-03-05T14:30/2030-03-05T16:00", None),
    (("2030-03-05", "14:30", "2030-03-06", "01:00"), "2030-03-05T14:30/2030-03-06T01:00", None),
    (("2030-03-05", "14:30", "2030-03-05", None), "2030-03-05T14:30", None),
    (
        ("2030-03-05T14:30/2030-03-05T16:00", None, None, None),
        "2030-03-05T14:30/2030-03-05T16:00",
        None,
    ),
    (("2030-03-05", "in the evening", None, None), "2030-03-05", "2030-03-05 in the evening"),
    (("2030-03-05", "14:30:05.25", None, None), "2030-03-05", "2030-03-05 14:30:05.25"),
    (("2030-03", "14:30", None, None), "2030-03", "2030-03 14:30"),
    ((datetime(2030, 3, 5, 14, 30), None, None, None), "2030-03-05T14:30", None),
    ((datetime(2030, 3, 5, 14, 30, 5), None, None, None), "2030-03-05T14:30:05", None),
    ((datetime(2030, 3, 5), time(14, 30), None, None), "2030-03-05T14:30", None),
]
MAPPING = (
    '{"Day":"date","Start":"date.time","Until":"date.end","End":"date.end.time","Title":"title"}'
)


def test_cells_with_a_time_are_times_of_day(newsroom: Newsroom) -> None:
    """In one column or in two; what no date can hold stays in words."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Day", "Start", "Until", "End", "Title"])
        for number, (cells, _, _) in enumerate(ROWS):
            sheet.write_row(number + 1, 0, [*cells, f"Row {number}"])
    options = {"mapping": MAPPING, "type": "contract", "source_title": "A table"}
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = newsroom.load(file.getvalue(), media_type, **options)
    assert answer.json().get("created") == len(ROWS), answer.text
    page = newsroom.client.get("/events", params={"date": "2030-03", "limit": 200}).json()
    found = {e["title"]: (e["date"]["edtf"], e["date"]["text"]) for e in page["items"]}

    def check(case: tuple[tuple[Any, ...], str, str | None]) -> None:
        assert found[f"Row {ROWS.index(case)}"] == case[1:]

    check_each(ROWS, check)


def test_a_table_with_a_time_that_ends_before_it_starts_names_the_column(
    newsroom: Newsroom,
) -> None:
    """As any date that is none."""
    file = b"Day,Start,Until,End,Title\n2030-03-05,23:00,,01:00,Night\n"
    options = {"mapping": MAPPING, "type": "contract", "source_title": "A table"}
    (fault,) = newsroom.load(file, **options).json()["errors"]
    assert (fault["line"], fault["name"]) == (2, "Day")
    assert "reversed: by the clock it ends before it starts" in fault["message"]


def test_a_store_from_before_has_no_times_of_day(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events keep their order, and one with a time falls in behind those of its day."""
    url = upgraded(stores, tmp_path, monkeypatch, "0006")
    with desk_over(url) as desk:
        events = desk.get("/events?limit=200&date=2023-11-15/..&match=certain")["items"]
        day = events[0]["date"]["earliest"]
        room = Newsroom(desk, desk.key)
        for event_id, edtf in (("a", f"{day}T10:00"), ("0", f"{day}T10:00:01"), ("zz", day)):
            assert room.post(event_id, {}, date=edtf).status_code == 201
        page = desk.get(f"/events?limit=200&date={day}&match=certain")["items"]
        assert [e["id"] for e in page][-3:] == ["zz", "a", "0"]
    with opened(url) as store:
        assert unsound(store) == []
