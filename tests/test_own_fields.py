"""Own fields: what is given is served, found, counted, exported and read back, or refused."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given

from app.formats.cells import read_own_cell, write_own_value
from formats.documents import OWN_VALUES
from formats.foreign import graph
from stores import Stores
from tables import check_each
from test_identities import upgraded
from writing import PATCHING, Desk, desk_over, key_of

pytestmark = pytest.mark.both_engines
Json = dict[str, Any]

OWN: Json = {"confirmed": True, "importance": 8, "note": "Près de l'église", "share": 0.5}


def body(event_id: str, extra: Any, **members: Any) -> Json:
    """Return an event with own fields."""
    source = {"publisher": "Desk", "title": "A report"}
    named = {"id": event_id, "type": "contract", "title": f"Event {event_id}", "date": "2023"}
    return {**named, "sources": [source], "extra": extra, **members}


class Newsroom:
    """A client with a key, over a store of its own with the seed."""

    def __init__(self, desk: Desk, key: str) -> None:
        self.client: TestClient = desk.client
        self.key = {"Authorization": f"Bearer {key}"}

    def post(self, event_id: str, extra: Any, **members: Any) -> Any:
        """Return the answer to a POST of an event with own fields."""
        return self.client.post("/events", json=body(event_id, extra, **members), headers=self.key)

    def patch(self, event_id: str, extra: Any) -> Any:
        """Return the answer to a PATCH of own fields."""
        tag = self.client.get(f"/events/{event_id}").headers["ETag"]
        headers = {**self.key, "If-Match": tag, "Content-Type": PATCHING}
        content = json.dumps({"extra": extra})
        return self.client.patch(f"/events/{event_id}", content=content, headers=headers)

    def load(self, file: bytes, media_type: str = "text/csv", **options: Any) -> Any:
        """Return the answer to an import."""
        headers = {**self.key, "Content-Type": media_type}
        return self.client.post("/import", params=options, content=file, headers=headers)

    def ids(self, **query: Any) -> set[str]:
        """Return the ids that a filter finds."""
        page = self.client.get("/events", params={"fields": "id", "limit": 200, **query}).json()
        return {item["id"] for item in page["items"]}


@pytest.fixture
def newsroom(stores: Stores, seeded_template: str) -> Iterator[Newsroom]:
    """A newsroom with the example chronology."""
    url = stores.new(seeded_template)
    with desk_over(url) as desk:
        yield Newsroom(desk, key_of(url, "newsroom"))


def test_own_fields_are_served_as_given_in_the_order_of_their_names(newsroom: Newsroom) -> None:
    """In the event, in its revision, and in the feed."""
    made = newsroom.post("a", dict(reversed(OWN.items())))
    assert made.status_code == 201, made.text
    assert list(made.json()["extra"].items()) == list(OWN.items())
    assert newsroom.client.get("/events/a").json()["extra"] == OWN
    revision = newsroom.client.get("/events/a/revisions/1").json()
    assert revision["document"]["extra"] == OWN
    last = newsroom.client.get("/changes", params={"limit": 200}).json()["items"][-1]
    assert last["event"]["extra"] == OWN


def test_a_patch_changes_adds_and_removes_single_fields(newsroom: Newsroom) -> None:
    """And the revision names them."""
    newsroom.post("a", OWN)
    patched = newsroom.patch("a", {"importance": 9, "share": None, "region": "North"})
    assert patched.status_code == 200, patched.text
    expected = {"confirmed": True, "importance": 9, "note": OWN["note"], "region": "North"}
    assert patched.json()["extra"] == expected
    (revision, *_) = newsroom.client.get("/events/a/revisions").json()["items"]
    changed = {(c["field"], c["before"], c["after"]) for c in revision["changes"]}
    assert changed == {
        ("extra.importance", 8, 9),
        ("extra.region", None, "North"),
        ("extra.share", 0.5, None),
    }


# What is given as `extra`, the name of the fault, what it says, and what it suggests.
REFUSED: list[tuple[Any, str, str, str | None]] = [
    ([], "extra", "object", None),
    ({"Importance": 8}, "extra", "a-z, 0-9 and hyphens", "importance"),
    ({"a b": 8}, "extra", "'a b' is no name", "a-b"),
    ({"": 8}, "extra", "is no name", None),
    ({"a": None}, "extra.a", "leave it out", None),
    ({"a": []}, "extra.a", "a text, a number", None),
    ({"a": {"b": 1}}, "extra.a", "a text, a number", None),
    ({"a": " "}, "extra.a", "is blank", None),
    ({"a": "x" * 10_001}, "extra.a", "10000 characters", None),
    ({"a": "\u0000"}, "extra.a", "U+0000", None),
    ({"a": 2**53}, "extra.a", "give it as a text", None),
    ({f"a{n}": n for n in range(51)}, "extra", "50 entries", None),
]


def test_what_is_no_own_field_is_refused_with_what_would_be_right(newsroom: Newsroom) -> None:
    """Name by name."""

    def check(case: tuple[Any, str, str, str | None]) -> None:
        extra, name, message, suggestion = case
        answer = newsroom.post("a", extra)
        assert answer.status_code == 422, answer.text
        (fault, *_) = answer.json()["errors"]
        assert fault["name"] == name
        assert message in fault["message"]
        if suggestion is not None:
            assert fault["suggestion"] == suggestion

    check_each(REFUSED, check)


def test_a_number_is_kept_to_its_last_digit_or_refused(newsroom: Newsroom) -> None:
    """A reader of JSON would round the others."""
    headers = {**newsroom.key, "Content-Type": "application/json"}
    text = json.dumps(body("a", {"n": 0}))
    for written, status in (
        ("0.1", 201),
        ("9007199254740991", 201),
        ("1e300", 201),
        ("0.12345678901234567890", 422),
        ("1e400", 422),
        ("123456789012345678", 422),
    ):
        document = text.replace('{"n": 0}', f'{{"n": {written}}}').replace('"a"', f'"x{status}"', 1)
        document = document.replace('"id": "x201"', f'"id": "n{abs(hash(written)) % 10**6}"')
        answer = newsroom.client.post("/events", content=document, headers=headers)
        assert answer.status_code == status, (written, answer.text)
        if status == 201:
            assert answer.json()["extra"]["n"] == json.loads(written)


def test_the_filter_finds_values_and_names(newsroom: Newsroom) -> None:
    """8 and 8.0 are one number; a text is found exactly."""
    for event_id, extra in (
        ("a", {"importance": 8, "region": "North"}),
        ("b", {"importance": 8.0}),
        ("c", {"importance": "high", "url": "https://example.org/a:b"}),
        ("d", {"importance": 9, "confirmed": False}),
    ):
        assert newsroom.post(event_id, extra).status_code == 201

    def check(case: tuple[Any, set[str]]) -> None:
        extra, expected = case
        assert newsroom.ids(extra=extra, type="contract") - {"serbia"} >= expected
        own = {"a", "b", "c", "d"}
        assert newsroom.ids(extra=extra) & own == expected

    check_each(
        [
            ("importance:8", {"a", "b"}),
            ("importance:8.0", {"a", "b"}),
            ("importance:high", {"c"}),
            ("importance", {"a", "b", "c", "d"}),
            ("!importance:8", {"c", "d"}),
            ("confirmed:false", {"d"}),
            ("url:https://example.org/a:b", {"c"}),
            (["importance:8", "importance:9"], {"a", "b", "d"}),
        ],
        check,
    )
    assert newsroom.ids(extra=["importance:8", "region:North"], all_of="extra") == {"a"}


def test_facets_count_names_and_values(newsroom: Newsroom) -> None:
    """A value is what the filter takes; a name that no event has is refused with the nearest."""
    newsroom.post("a", {"importance": 8, "region": "North"})
    newsroom.post("b", {"importance": 8.0})
    for narrowed in ({}, {"type": "contract"}):
        asked = {"by": ["extra", "extra.importance"], **narrowed}
        counted = newsroom.client.get("/facets", params=asked).json()["facets"]
        assert counted["extra.importance"] == [{"value": "importance:8", "label": "8", "count": 2}]
        names = {v["value"]: v["count"] for v in counted["extra"]}
        assert (names["importance"], names["region"]) == (2, 1)
    answer = newsroom.client.get("/facets", params={"by": "extra.importanse"})
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["name"]) == (422, "by")
    assert fault["suggestion"] == "extra.importance"


def test_texts_and_numbers_are_searched(newsroom: Newsroom) -> None:
    """Folded, like everything else."""
    newsroom.post("a", {"case": 471147, "note": "Près de l'église", "long": "word " * 1000})
    for q in ("471147", "eglise", '"pres de"', "word"):
        assert "a" in newsroom.ids(q=q)


def test_a_table_has_a_column_for_each_name_and_reads_them_back(newsroom: Newsroom) -> None:
    """Exactly, lossless or not; of the events in the file only."""
    texts = {"number": "8", "boolean": "true", "zeros": "007", "version": "1.10", "formula": "=1"}
    newsroom.post("a", {**texts, "importance": -8, "share": 0.5, "confirmed": False})
    served = newsroom.client.get("/events/a").json()["extra"]
    for options in ({}, {"lossless": "true"}):
        asked = {"extra": "importance:-8", **options}
        file = newsroom.client.get("/events.csv", params=asked).content
        (row,) = csv.DictReader(io.StringIO(file.decode()))
        own = {name: cell for name, cell in row.items() if name.startswith("extra.")}
        assert own["extra.number"] == '"8"'
        assert (own["extra.zeros"], own["extra.importance"]) == ("007", "-8")
        assert list(own) == [f"extra.{name}" for name in sorted(served)]
        again = newsroom.load(file)
        assert again.json()["unchanged"] == 1, again.text
    others = newsroom.client.get("/events.csv", params={"extra": "!importance"}).text
    assert "extra.importance" not in others.split("\n", 1)[0]


def test_fields_choose_own_columns(newsroom: Newsroom) -> None:
    """`extra` is all of them; one that no event has is refused with the nearest."""
    newsroom.post("a", {"importance": 8, "region": "North"})
    for fields, header in (
        ("id,extra.region", "id,extra.region"),
        ("id,extra", "id,extra.importance,extra.region"),
    ):
        file = newsroom.client.get("/events.csv", params={"extra": "region", "fields": fields})
        assert file.text.split("\r\n")[0] == header
    for fields, suggestion in (("id,extra.regon", "extra.region"), ("id,extra.A", None)):
        answer = newsroom.client.get("/events.csv", params={"fields": fields})
        assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "fields")
        if suggestion:
            assert answer.json()["errors"][0]["suggestion"] == suggestion


def test_a_header_that_is_nearly_one_is_refused_or_understood(newsroom: Newsroom) -> None:
    """Case does not count; a name that is no slug is a fault with the one that would do."""
    head = "type,title,date,source_title,"
    row = "contract,A table,2023,A report,8\r\n"
    answer = newsroom.load(f"{head}Extra.Importance\r\n{row}".encode())
    assert answer.json()["created"] == 1, answer.text
    assert newsroom.ids(extra="importance:8")
    (fault,) = newsroom.load(f"{head}extra.My Rank\r\n{row}".encode()).json()["errors"]
    assert (fault["name"], fault["suggestion"]) == ("extra.My Rank", "extra.my-rank")


def test_a_mapping_fills_own_fields(newsroom: Newsroom) -> None:
    """From a column, and from a constant; a proposal names the field that a column could be."""
    file = b"Datum,Titel,Importance,Quelle\r\n2023-05-01,A table,8,Morning Post\r\n"
    proposal = newsroom.load(file, dry_run=True, type="contract").json()
    assert "extra.importance" in json.dumps(proposal["questions"])
    mapping = {
        "Datum": "date",
        "Titel": "title",
        "Quelle": "source_publisher",
        "Importance": "extra.importance",
        "constants": {"type": "contract", "extra.origin": "the {Quelle}"},
    }
    answer = newsroom.load(file, mapping=json.dumps(mapping))
    assert answer.json()["created"] == 1, answer.text
    (event_id,) = newsroom.ids(extra="origin")
    served = newsroom.client.get(f"/events/{event_id}").json()["extra"]
    assert served == {"importance": 8, "origin": "the Morning Post"}
    wrong = {**mapping, "Importance": "extra.My Importance"}
    (fault,) = newsroom.load(file, mapping=json.dumps(wrong)).json()["errors"]
    assert fault["suggestion"] == "extra.my-importance"


def test_every_format_tells_them(newsroom: Newsroom) -> None:
    """As members where the format has a place, else in the text."""
    newsroom.post("a", {"importance": 8, "region": "North <b>"})
    for name, wanted in (
        ("ndjson", b'"extra":{"importance":8,"region":"North <b>"}'),
        ("geojson", b'"extra":{"importance":8,"region":"North <b>"}'),
        ("jsonfeed", b'"extra":{"importance":8,"region":"North <b>"}'),
        ("timelinejs", b'"extra":{"importance":8,"region":"North <b>"}'),
        ("atom", b"importance: 8"),
        ("ics", b"importance: 8"),
        ("html", b"North &lt;b&gt;"),
    ):
        file = newsroom.client.get(f"/events.{name}", params={"extra": "region"}).content
        assert wanted in file, name
    linked = newsroom.client.get("/events.jsonld", params={"extra": "region"}).content
    (event,) = [node for node in graph(linked) if "Event" in str(node.get("@type"))]
    (extra,) = [value for name, value in event.items() if name.endswith("/docs#extra")]
    assert '"importance": 8' in json.dumps(extra)


def test_an_own_calendar_brings_them_back(newsroom: Newsroom) -> None:
    """With types and values as they were, whatever a text holds."""
    extra = {**OWN, "lines": "a\n\nSources:\n- b; c, d"}
    newsroom.post("a", extra, summary="A summary.")
    file = newsroom.client.get("/events.ics", params={"extra": "share"}).content
    options = {"source_title": "A calendar"}
    answer = newsroom.load(file.replace(b"UID:a@", b"UID:b@"), "text/calendar", **options)
    assert answer.json()["created"] == 1, answer.text
    (again,) = (
        newsroom.client.get(f"/events/{i}").json()
        for i in newsroom.ids(q="summary", extra="share") - {"a"}
    )
    assert (again["extra"], again["summary"]) == (dict(sorted(extra.items())), "A summary.")


def test_own_slides_bring_them_back(newsroom: Newsroom) -> None:
    """TimelineJS, with the types and values as they were."""
    newsroom.post("a", OWN)
    file = newsroom.client.get("/events.timelinejs", params={"extra": "share"}).content
    slides = json.loads(file)
    slides["events"][0]["unique_id"] = "b"
    answer = newsroom.load(
        json.dumps(slides).encode(), "application/json", source_title="A timeline"
    )
    assert answer.json()["created"] == 1, answer.text
    assert newsroom.client.get("/events/b").json()["extra"] == OWN


def test_the_page_shows_them_and_leads_to_others_of_the_same_value(newsroom: Newsroom) -> None:
    """In the list and in the open event; as text, whatever it holds."""
    newsroom.post("a", {"importance": 8, "note": "<script>"})
    page = newsroom.client.get("/", params={"event": "a"}, headers={"Accept": "text/html"}).text
    assert "extra=importance:8" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    found = newsroom.client.get("/", params={"extra": "importance:8"})
    assert "own field: <bdi>importance: 8</bdi>" in found.text


def test_a_store_from_before_has_them_afterwards(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every document has the key, and sources may back own fields."""
    url = upgraded(stores, tmp_path, monkeypatch)
    with desk_over(url) as desk:
        newsroom = Newsroom(desk, key_of(url, "newsroom"))
        events = newsroom.client.get("/events", params={"limit": 200}).json()["items"]
        assert {json.dumps(event["extra"]) for event in events} == {"{}"}
        feed = newsroom.client.get("/changes", params={"limit": 200}).json()["items"]
        assert all(change["event"]["extra"] == {} for change in feed)
        source = {"publisher": "Desk", "title": "A report", "claims": ["extra"]}
        assert newsroom.post("a", OWN, sources=[source]).status_code == 201


@given(OWN_VALUES)
def test_a_cell_is_read_back_as_it_was(value: Any) -> None:
    """Whatever a text looks like, and to the last digit."""
    again = read_own_cell(write_own_value(value))
    assert (type(again), again) == (type(value), value)
