"""Nothing given of an actor, place or source is lost: found, told apart, filled in, corrected."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from httpx2 import Response

from app import index
from app.words import make_slug
from app.writes.comparing import distance_km
from app.writes.report import MAX_LISTED_RECORDS, format_report
from app.writes.similar import are_alike
from commands import call
from stores import Stores, opened
from tables import check_each
from tiers import examples, share
from writing import Desk, Json, desk_over, event, furnish, key_of, unsound

pytestmark = pytest.mark.both_engines

LEBANON: Json = {"country": "LB", "latitude": 34.43, "longitude": 35.84}
LIBYA: Json = {"country": "LY", "latitude": 32.88, "longitude": 13.19}
NDJSON = "application/x-ndjson"


@pytest.fixture
def desk(empty: str) -> Iterator[Desk]:
    """A desk over a store with two types and a source; it is sound at the end."""
    furnish(empty)
    with desk_over(empty) as made:
        yield made
    with opened(empty) as store:
        assert unsound(store) == []


def send(desk: Desk, *events: Json, key: str | None = None, **options: Any) -> Response:
    """Import events as NDJSON."""
    lines = "\n".join(map(json.dumps, events))
    headers = {"Authorization": f"Bearer {key or desk.key}", "Content-Type": NDJSON}
    return desk.client.post("/import", params=options, content=lines, headers=headers)


def report(desk: Desk, *events: Json, **options: Any) -> Json:
    """Return what a good import did."""
    answer = send(desk, *events, **options)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


# -- every way to name a record -------------------------------------------------------------------


def post(desk: Desk, members: Json) -> Response:
    """POST an event."""
    return desk.send("POST", "/events", event(**members))


def put(desk: Desk, members: Json) -> Response:
    """PUT an event in place of one that names nothing."""
    old = desk.event()
    return desk.send("PUT", old.path, event(**members), If_Match=old.tag)


def patch(desk: Desk, members: Json) -> Response:
    """PATCH an event that names nothing."""
    old = desk.event()
    return desk.send("PATCH", old.path, members, If_Match=old.tag)


def bring(desk: Desk, members: Json) -> Response:
    """Import an event from NDJSON."""
    given = event(**members, id=desk.name("event"))
    answer = send(desk, given)
    return desk.client.get(f"/events/{given['id']}") if answer.status_code == 200 else answer


def bring_table(desk: Desk, members: Json) -> Response:
    """Import an event from CSV, lists as JSON."""
    row = {"id": desk.name("event"), "type": "visit", "title": "A visit", "date": "2023"}
    sources = members.get("sources", [{"id": "wire"}])
    lists = {name: json.dumps(value) for name, value in members.items() if name != "sources"}
    table = io.StringIO()
    writer = csv.DictWriter(table, [*row, *lists, "more_sources"])
    writer.writeheader()
    writer.writerow({**row, **lists, "more_sources": json.dumps(sources)})
    headers = {"Authorization": f"Bearer {desk.key}", "Content-Type": "text/csv"}
    answer = desk.client.post("/import", content=table.getvalue(), headers=headers)
    return desk.client.get(f"/events/{row['id']}") if answer.status_code == 200 else answer


WAYS: dict[str, Callable[[Desk, Json], Response]] = {
    f.__name__: f for f in (post, put, patch, bring, bring_table)
}

# -- namesakes ------------------------------------------------------------------------------------

NEAR = {"latitude": 34.5, "longitude": 35.84}  # 7.8 km from Tripoli in Lebanon
FAR = {"latitude": 34.53, "longitude": 35.84}  # 11.1 km
# Kind, what is stored of one name, what is given with the name, and what that is: the position of
# the stored one, `several`, `differs`, or the end of a new id.
NAMESAKES: list[tuple[str, list[Json], Json, int | str]] = [
    ("places", [LEBANON], LIBYA, "-ly"),
    ("places", [LEBANON], {"country": "LY"}, "-ly"),
    ("places", [LEBANON], {n: v for n, v in LIBYA.items() if n != "country"}, "-2"),
    ("places", [LEBANON], FAR, "-2"),
    ("places", [LEBANON], NEAR, "differs"),
    ("places", [LEBANON], {**FAR, "country": "LB"}, "-lb"),
    ("places", [LEBANON], {}, 0),
    ("places", [LEBANON], LEBANON, 0),
    ("places", [{}], LIBYA, 0),
    ("places", [LEBANON, LIBYA], LIBYA, 1),
    ("places", [LEBANON, LIBYA], {"country": "LB"}, 0),
    ("places", [LEBANON, LIBYA], {"latitude": 32.88, "longitude": 13.19}, 1),
    ("places", [LEBANON, LIBYA], {}, "several"),
    ("places", [LEBANON, LIBYA], {"country": "GR"}, "-gr"),
    ("places", [{}, LIBYA], LIBYA, 1),
    ("places", [{}, LIBYA], LEBANON, 0),
    ("places", [{"country": "LB"}, LEBANON], LEBANON, 1),
    ("places", [{"country": "LB"}, LEBANON], {"country": "LB"}, "several"),
    (
        "places",
        [{"latitude": 0, "longitude": 179.99}],
        {"latitude": 0, "longitude": -179.99},
        "differs",
    ),
    ("actors", [{"country": "US"}], {"country": "GB"}, "-gb"),
    ("actors", [{"country": "US"}], {"country": "US"}, 0),
    ("actors", [{"kind": "person"}], {"kind": "organisation"}, "-2"),
    ("actors", [{"kind": "person"}], {"kind": "organisation", "country": "GB"}, "-gb"),
    ("actors", [{"kind": "person"}], {"country": "GB"}, 0),
    ("actors", [{"kind": "person", "country": "US"}], {"kind": "person", "country": "GB"}, "-gb"),
    ("actors", [{"country": "US"}, {"country": "GB"}], {"country": "GB"}, 1),
    ("actors", [{"country": "US"}, {"country": "GB"}], {}, "several"),
    ("actors", [{"country": "US"}, {"country": "GB"}], {"kind": "person"}, "several"),
    ("actors", [{"country": "US", "kind": "person"}, {"country": "US"}], {"kind": "person"}, 0),
    ("actors", [{"country": "US"}], {"url": "https://example.org/"}, 0),
]


def outcome(
    desk: Desk, way: str, row: tuple[str, list[Json], Json, int | str], *, by_alias: bool = False
) -> int | str:
    """Return what the given name is taken for."""
    kind, stored, given, _ = row
    name = desk.name("Tripoli")
    own = {"name": desk.name("Other"), "aliases": [name]} if by_alias else {"name": name}
    ids = [desk.add(f"/{kind}", {**own, **members}).body["id"] for members in stored]
    answer = WAYS[way](desk, {kind: [{"name": name.upper(), **given}]})
    if answer.status_code >= 400:
        message = answer.json()["errors"][0]["message"]
        several = f"several {kind} fit: {', '.join(sorted(ids))};"
        return "several" if message.startswith(several) else message.split()[0]
    (part,) = answer.json()[kind]
    wrong = {n: part[n] for n, v in given.items() if n in part and part[n] != v}
    assert wrong == {}, row
    if part["id"] in ids:
        return ids.index(part["id"])
    assert all(part[n] == given.get(n) for n in ("country",)), row
    return str(part["id"]).removeprefix(make_slug(name))


@pytest.mark.parametrize("way", WAYS)
def test_a_namesake_is_another_record(desk: Desk, way: str) -> None:
    """Told apart by country, kind and coordinates; by name and by alias, in every request."""
    rows = [(row, False) for row in NAMESAKES]
    rows += [(row, True) for row in NAMESAKES if row[0] == "actors"]
    wrong = [
        (row, by_alias, found)
        for row, by_alias in share(rows, [*WAYS].index(way))
        if (found := outcome(desk, way, row, by_alias=by_alias))
        # The plain id of an alias is free.
        != ("" if by_alias and row[3] == "-2" else row[3])
    ]
    assert wrong == []


@pytest.mark.parametrize("apart", [0, index.BATCH + 10])
def test_namesakes_of_one_file_are_told_apart(desk: Desk, apart: int) -> None:
    """Those made further up in the file, in the same batch or another; and by a second file."""
    given: list[Json] = [LEBANON, LIBYA, {"country": "GR"}, LIBYA, LEBANON]
    between = [event(id=f"between-{n}") for n in range(apart)]
    events = [
        event(id=f"at-{n}", places=[{"name": "Tripoli", **place}], actors=[{"name": "J S", **of}])
        for n, place in enumerate(given)
        for of in [{"country": place["country"]}]
    ]
    lines = [events[0], *between, *events[1:]]
    told = report(desk, *lines)
    assert [(r["kind"], r["id"], r["namesake_of"]) for r in told["records"]] == [
        *(("actor", "j-s", []), ("place", "tripoli", [])),
        *(("actor", "j-s-ly", ["j-s"]), ("place", "tripoli-ly", ["tripoli"])),
        ("actor", "j-s-gr", ["j-s", "j-s-ly"]),
        ("place", "tripoli-gr", ["tripoli", "tripoli-ly"]),
    ]
    again = report(desk, *lines)
    assert (again["unchanged"], again["records"]) == (len(lines), [])
    for n, place in enumerate(given):
        (shown,) = desk.get(f"/events/at-{n}")["places"]
        assert {name: shown[name] for name in place} == place
    answer = send(desk, event(id="late", places=[{"name": "Tripoli"}]))
    assert "tripoli, tripoli-gr, tripoli-ly" in answer.json()["errors"][0]["message"]


def test_every_event_keeps_its_own_country_and_coordinates(desk: Desk) -> None:
    """Of 1,000 events at 300 places, 60 of which share a name with one in another country."""
    random = Random(16)
    places: list[Json] = [
        {"name": f"Town {n % 240}", "country": "RS" if n < 240 else "AZ"} for n in range(300)
    ]
    for place in places:
        place.update(latitude=round(random.uniform(-80, 80), 4), longitude=20.5)
    events = [event(id=f"event-{n}", places=[places[n % 300]]) for n in range(1000)]
    random.shuffle(events)
    told = report(desk, *events)
    assert told["totals"] == {"place": {"create": 300}}
    namesakes = [r for r in told["records"] if r["namesake_of"]]
    assert len(namesakes) == 60
    page: Json = {"next": "/events?limit=200"}
    shown: dict[str, list[Json]] = {}
    while page["next"]:
        page = desk.get(page["next"])
        shown |= {e["id"]: e["places"] for e in page["items"]}
    wrong = [
        (given["places"], shown[given["id"]])
        for given in events
        if [{**place, "id": shown[given["id"]][0]["id"]} for place in given["places"]]
        != shown[given["id"]]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 1), 111.19),
        ((0, 179.5), (0, -179.5), 111.19),
        ((90, 0), (90, 120), 0),
        ((0, 0), (0, 180), 20015.1),
        ((34.43, 35.84), (32.88, 13.19), 2115),
    ],
)
def test_the_distance_of_two_places(one: Any, other: Any, km: float) -> None:
    """On the sphere, across the antimeridian and the poles."""
    assert distance_km(one, other) == pytest.approx(km, rel=0.01, abs=0.01)


# -- what is lacking, differs, or was changed by somebody else -------------------------------------

URL = "https://example.org/{}"
# What finds a record, the field, the value that was there first, and another one.
FIELDS: list[tuple[str, str, str, Any, Any]] = [
    ("sources", "url", "publisher", "Tanjug", "Beta"),
    ("sources", "url", "title", "Gas", "Oil"),
    ("sources", "url", "author", "A. B.", "C. D."),
    ("sources", "url", "archive_url", "https://archive.example/1", "https://archive.example/2"),
    ("sources", "url", "published", "2023-11", "2023-11-15"),
    ("sources", "url", "accessed", "2024", "2024-02"),
    ("sources", "url", "language", "sr", "en"),
    ("sources", "url", "kind", "news", "official"),
    ("sources", "words", "author", "A. B.", "C. D."),
    ("sources", "id", "title", "Gas", "Oil"),
    ("sources", "id", "url", "https://example.org/i1", "https://example.org/i2"),
    ("actors", "name", "url", "https://example.org/a1", "https://example.org/a2"),
    ("actors", "name", "aliases", ["SG"], ["Gas of Serbia"]),
    ("actors", "id", "country", "RS", "AZ"),
    ("actors", "id", "kind", "person", "organisation"),
    ("actors", "id", "aliases", ["SG"], ["Gas of Serbia"]),
    ("places", "id", "country", "RS", "AZ"),
    ("places", "name", "country", "RS", None),
]
# State of the record, how it is given: what comes of it.
OUTCOMES = {
    ("lacking", "post"): "filled",
    ("lacking", "import"): "filled",
    ("lacking", "replace"): "filled",
    ("same", "post"): "kept",
    ("same", "import"): "kept",
    ("same", "replace"): "kept",
    ("differing", "post"): "refused",
    ("differing", "import"): "refused",
    ("differing", "replace"): "corrected",
    ("differing", "force"): "corrected",
    ("changed", "post"): "refused",
    ("changed", "import"): "refused",
    ("changed", "replace"): "refused for Bea",
    ("changed", "force"): "corrected",
    ("removed", "post"): "refused for Bea",
    ("removed", "import"): "refused for Bea",
    ("removed", "replace"): "refused for Bea",
    ("removed", "force"): "filled",
    ("null", "import"): "kept",
    ("null", "replace"): "kept",
    ("null", "force"): "kept",
    ("null", "post"): "refused",
}
OPTIONS: dict[str, Json] = {
    "import": {},
    "replace": {"replace": True},
    "force": {"replace": True, "force": True},
}


class Feed:
    """What is new in the feed each time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cursor: str | None = None

    def new(self) -> list[Json]:
        """Return the changes since the last call."""
        changes = self.desk.feed(self.cursor)
        self.cursor = changes[-1]["cursor"] if changes else self.cursor
        return changes


class Trial:
    """A record with one field in some state, an event that shows it, and a second one to come."""

    def __init__(self, desk: Desk, bea: Desk, row: tuple[str, str, str, Any, Any], state: str):
        self.desk, self.field = desk, row[2]
        self.part, by, field, self.value, other = row
        number = desk.name("x")
        known: Json = {
            "url": {"url": URL.format(number)},
            "words": {"publisher": "Tanjug", "title": number, "published": "2023-10"},
            "id": {"publisher": number} if self.part == "sources" else {"name": number},
            "name": {"name": number},
        }[by]
        first = {"differing": other, "lacking": None}.get(state, self.value)
        members = {**known, **({} if first is None else {field: first})}
        self.record = desk.add(f"/{self.part}", members)
        base = [{"id": "wire"}] if self.part == "sources" else []
        self.shown = desk.event(**{self.part: [*base, {"id": self.record.body["id"]}]})
        if state in ("changed", "removed"):
            new = other if state == "changed" else None
            self.record = bea.patch(desk.read(self.record.path), **{field: new})
        self.before = desk.read(self.record.path).body[field]
        reference = {"id": self.record.body["id"]} if by == "id" else known
        given = (None if field != "aliases" else []) if state == "null" else self.value
        self.given = event(
            id=desk.name("event"), **{self.part: [*base, {**reference, field: given}]}
        )

    def outcome(self, how: str, changes: Feed) -> str:
        """Send the second event, and say what became of the record."""
        revisions = len(self.desk.revisions(self.record))
        changes.new()
        if how == "post":
            answer = self.desk.send("POST", "/events", self.given)
        else:
            answer = send(self.desk, self.given, **OPTIONS[how])
        feed = changes.new()
        now = self.desk.read(self.record.path).body[self.field]
        after = self.desk.revisions(self.record)
        causes = [e["cause"]["id"] for e in feed if e["id"] == self.shown.body["id"] and e["cause"]]
        if answer.status_code >= 400:
            assert (now, len(after), feed) == (self.before, revisions, [])
            return self.refusal(answer)
        assert answer.json().get("created", 1) == 1
        if now == self.before:
            assert (len(after), causes) == (revisions, [])
            return "kept"
        added = set(self.value) if self.field == "aliases" else {str(now)}
        assert added <= (set(now) if self.field == "aliases" else {str(self.value)})
        assert set(self.before or []) <= set(now) or self.field != "aliases"
        assert (len(after), after[0]["author"]) == (revisions + 1, "desk")
        shown = self.field not in ("aliases", "url") or self.part == "sources"
        assert causes == ([self.record.body["id"]] if shown else [])
        op = "filled" if self.before in (None, []) else "corrected"
        if how != "post":
            (entry,) = (r for r in answer.json()["records"] if r["op"] != "create")
            change = {"from": self.before, "to": now}
            assert entry["changes"] == {self.field: change}
            assert (entry["op"], entry["line"]) == ("fill" if op == "filled" else "correct", 1)
        return op

    def refusal(self, answer: Response) -> str:
        """Return for whom it is refused; the fault names the field, both values and the remedy."""
        (fault,) = answer.json()["errors"]
        assert fault["name"].endswith(f".{self.field}"), fault
        assert f"PATCH {self.record.path}" in fault["message"]
        part = self.given[self.part][-1][self.field]
        for value in (part, self.before):
            words = json.dumps(value) if value not in (None, []) else ""
            assert words in fault["message"], (value, fault)
        return "refused for Bea" if "before Bea " in fault["message"] else "refused"


@pytest.mark.parametrize("how", ["post", *OPTIONS])
def test_a_field_is_filled_in_corrected_or_refused(desk: Desk, empty: str, how: str) -> None:
    """Each field, however the record is found, in every state; never silently against Bea."""
    bea, feed = Desk(desk.client, key_of(empty, "Bea")), Feed(desk)
    trials = [
        (row, state, expected)
        for row in FIELDS
        for (state, way), expected in OUTCOMES.items()
        if way == how and (row[4] is not None or state not in ("differing", "changed"))
    ]

    def check(trial: tuple[tuple[str, str, str, Any, Any], str, str]) -> None:
        row, state, expected = trial
        assert Trial(desk, bea, row, state).outcome(how, feed) == expected

    check_each(share(trials, ["post", *OPTIONS].index(how)), check)


REPEATED: list[tuple[str, Json, Json]] = [
    ("actors", {"name": "Serbia Gas", "aliases": ["SG", "Ser-Gas"]}, {"aliases": ["sg"]}),
    ("actors", {"name": "Serbia Gas", "aliases": ["SG"]}, {"aliases": ["SERBIA GAS"]}),
    ("actors", {"name": "Serbia Gas", "aliases": ["SG"]}, {"name": "SG"}),
    ("actors", {"name": "Vučić"}, {"name": "VUCIC"}),
    ("places", {"name": "Niš"}, {"name": "nis"}),
    ("sources", {"publisher": "Tanjug", "url": "https://example.org/1"}, {"publisher": "TANJUG"}),
]


def test_what_only_repeats_is_no_difference(desk: Desk) -> None:
    """An alias, or another case of a name: nothing is refused, and nothing written."""
    wrong = []
    for part, stored, given in REPEATED:
        record = desk.add(f"/{part}", {"id": desk.name("own"), **stored})
        base = [{"id": "wire"}] if part == "sources" else []
        members = {part: [*base, {"id": record.body["id"], **given}]}
        answers = [post(desk, members), bring(desk, members)]
        if [a.is_success for a in answers] != [True, True] or len(desk.revisions(record)) > 1:
            wrong.append((part, stored, given))
    assert wrong == []


def test_what_several_events_of_a_file_add_is_one_revision(desk: Desk) -> None:
    """A record that all of a batch fill in has one more revision, and each event one entry."""
    actor = desk.add("/actors", {"name": "Srbijagas"})
    shown = desk.event(actors=[{"id": actor.body["id"]}])
    given = [
        *({"country": "RS"}, {"country": "RS", "kind": "organisation"}),
        {"url": "https://example.org/"},
    ]
    with desk.watched() as feed:
        events = [
            event(id=f"event-{n}", actors=[{"name": "Srbijagas", **more}])
            for n, more in enumerate(given)
        ]
        told = report(desk, *events)
    assert [(r["version"], r["op"]) for r in desk.revisions(actor)] == [
        (2, "update"),
        (1, "create"),
    ]
    assert [e["id"] for e in feed] == [shown.body["id"], "event-0", "event-1", "event-2"]
    assert feed[0]["cause"] == {"kind": "actor", "id": actor.body["id"]}
    assert feed[0]["event"]["actors"][0]["country"] == "RS"
    (entry,) = told["records"]
    assert (entry["op"], entry["line"], sorted(entry["changes"])) == (
        *("fill", 1),
        ["country", "kind", "url"],
    )


def test_an_event_that_is_unchanged_fills_in_what_it_shows(desk: Desk) -> None:
    """By PUT and by an import: its own version stays, its document and tag are new."""
    actor = desk.add("/actors", {"name": "Srbijagas"})
    old = desk.event(actors=[{"id": actor.body["id"]}])
    members = {"country": "RS"}
    new = desk.put(old, actors=[{"id": actor.body["id"], **members}])
    assert (new.body["version"], new.body["actors"][0]["country"]) == (1, "RS")
    assert new.tag != old.tag
    sent = event(id=old.body["id"], actors=[{"name": "Srbijagas", "kind": "organisation"}])
    told = report(desk, sent)
    assert (told["unchanged"], told["totals"]) == (1, {"actor": {"fill": 1}})
    assert desk.read(old.path).body["actors"][0]["kind"] == "organisation"


def test_a_correction_that_would_be_no_record_is_refused(desk: Desk) -> None:
    """One coordinate without the other."""
    place = desk.add("/places", {"name": "Niš"})
    answer = post(desk, {"places": [{"id": place.body["id"], "latitude": 43.3}]})
    assert answer.status_code == 422
    assert "together" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("apart", [0, index.BATCH + 10])
@pytest.mark.parametrize("stored", [False, True])
def test_two_lines_that_say_two_things_of_one_source_are_refused(
    desk: Desk, options: Json, apart: int, stored: bool
) -> None:
    """The later line names the earlier one and both values, whatever may be replaced."""
    url = URL.format("twice")
    if stored:
        desk.add("/sources", {"url": url, "title": "Gas"})
    lines = [
        event(id=f"event-{n}", sources=[{"url": url, "title": title}])
        for n, title in enumerate(("Gas", "Oil"))
    ]
    between = [event(id=f"between-{n}") for n in range(apart)]
    answer = send(desk, lines[0], *between, lines[1], **options)
    (fault,) = answer.json()["errors"]
    assert (fault["line"], fault["name"]) == (apart + 2, "sources.0.title")
    assert '"Gas"' in fault["message"]
    assert '"Oil"' in fault["message"]
    if options or not stored:
        assert "in line 1 " in fault["message"]


def test_a_source_found_by_all_that_is_said_counts_as_said(desk: Desk) -> None:
    """A source without URL and date, named in full by one line and corrected by the next."""
    source = {"publisher": "Old", "title": "Back"}
    report(desk, event(id="one", sources=[source]))
    other = {"id": "old-back", "publisher": "Other"}
    lines = [event(id=f"event-{n}", sources=[s]) for n, s in enumerate([source, other])]
    (fault,) = send(desk, *lines, replace=True).json()["errors"]
    assert (fault["line"], fault["name"]) == (2, "sources.0.publisher")
    assert "in line 1 " in fault["message"]


def test_one_event_that_says_two_things_of_one_source_is_refused(desk: Desk) -> None:
    """Not stored, and the error says that both stand in the event."""
    url = URL.format("both")
    answer = post(desk, {"sources": [{"url": url, "title": title} for title in ("Gas", "Oil")]})
    assert answer.status_code == 409
    (fault,) = answer.json()["errors"]
    assert (fault["name"], "further up in this event" in fault["message"]) == (
        *("sources.1.title",),
        True,
    )


def test_a_corrected_source_moves_what_is_known_when(desk: Desk) -> None:
    """Its new publisher and date count at once, and the old publisher is gone."""
    url = URL.format("moved")
    report(desk, event(id="one", sources=[{"url": url, "publisher": "Old", "published": "2023"}]))
    new = {"url": url, "publisher": "New", "published": "2021"}
    told = report(desk, event(id="one", sources=[new]), replace=True)
    assert told["totals"] == {"publisher": {"create": 1}, "source": {"correct": 1}}
    assert [p["name"] for p in desk.get("/publishers")["items"]] == ["New", "The Wire"]
    assert desk.get("/events?known_by=2022")["total"] == 1
    back = event(id="two", sources=[{"publisher": "Old", "title": "Back"}])
    report(desk, back)
    between = [event(id=f"between-{n}") for n in range(index.BATCH)]
    first = event(id="three", sources=[{"id": "old-back", "publisher": "Other"}])
    again = event(id="four", sources=[{"publisher": "Old", "title": "Once more"}])
    known = event(id="five", sources=[{"id": "old-back", "title": "Forth"}])
    report(desk, known, first, *between, again, replace=True)


# -- the report -----------------------------------------------------------------------------------

ALIKE = [
    ("ACME Steel Ltd", "Acme Steel", True),
    ("Acme Steel, Inc.", "ACME STEEL", True),
    ("Srbijagas d.o.o.", "Srbijagas", True),
    ("The Acme Steel Company", "Acme Steel", True),
    ("Gazprom Export LLC", "Gazprom-Export", True),
    ("Ministry of Defense", "Ministry of Defence", True),
    ("Société Générale S.A.", "Societe Generale", True),
    ("Alexander Novak", "Aleksander Novak", True),
    ("Austria", "Australia", False),
    ("Iran", "Iraq", False),
    ("Unit 731", "Unit 732", False),
    ("Slovakia", "Slovenia", False),
    ("North Korea", "South Korea", False),
    ("Niger", "Nigeria", False),
    ("Acme Steel", "Acme Oil", False),
    ("Ltd", "Inc", False),
]


def test_names_that_are_likely_one() -> None:
    """But for legal forms, case, and a slip in a longer name; numbers tell apart."""
    wrong = [
        row
        for row in ALIKE
        if are_alike(*row[:2]) is not row[2] or are_alike(row[1], row[0]) is not row[2]
    ]
    assert wrong == []


def test_the_report_names_what_a_record_may_be_meant_to_be(desk: Desk) -> None:
    """A stored one, or one further up in the file, but none further down."""
    desk.add("/actors", {"id": "acme", "name": "Acme Steel"})
    desk.add("/actors", {"id": "gas", "name": "Srbijagas", "aliases": ["Serbia Gas Works"]})
    names = ["ACME Steel Ltd", "Serbia Gas Work", "Beta Energy", "Beta Energy GmbH"]
    told = report(desk, *(event(id=f"e-{n}", actors=[{"name": a}]) for n, a in enumerate(names)))
    assert {r["name"]: [s["id"] for s in r["similar"]] for r in told["records"]} == {
        "ACME Steel Ltd": ["acme"],
        "Serbia Gas Work": ["gas"],
        "Beta Energy": [],
        "Beta Energy GmbH": ["beta-energy"],
    }
    assert told["records"][0]["similar"] == [{"id": "acme", "name": "Acme Steel"}]


def test_the_report_names_the_source_at_another_spelling_of_an_address(desk: Desk) -> None:
    """It is a source of its own: whether it is the same page is for people to say."""
    near = (
        "http://www.example.org/gas/",
        "https://EXAMPLE.org/gas#top",
        "https://example.org/gas?",
    )
    far = ("https://example.org/gas2", "https://example.org/gas?page=2", "https://example.com/gas")
    known = {"id": "gas", "title": "Gas", "url": "https://example.org/gas"}
    desk.add("/sources", known)
    sent = [
        *near,
        f"{known['url']}?utm_source=x&fbclid=1",
        *far,
        f"{known['url']}#/part",
        "http://[",
    ]
    told = report(
        desk,
        *(event(id=f"e-{n}", sources=[{"url": url}]) for n, url in enumerate(sent)),
    )
    made = [r for r in told["records"] if r["kind"] == "source"]
    assert [r["similar"][:1] == [{"id": "gas", "name": "Gas"}] for r in made] == [
        *[True] * 4,
        *[False] * 5,
    ]


def test_every_kind_of_record_is_in_the_report(desk: Desk) -> None:
    """With the first line that made it."""
    rich = {
        "type": "gas-delivery",
        "actors": [{"name": "Srbijagas"}],
        "places": [{"name": "Niš"}],
        "tags": ["energy"],
        "sources": [{"publisher": "Tanjug", "title": "Gas"}],
    }
    events = [event(id="plain"), event(id="one", **rich), event(id="two", **rich)]
    told = report(desk, *events, create_types=True)
    assert sorted((r["kind"], r["id"], r["op"], r["line"]) for r in told["records"]) == [
        ("actor", "srbijagas", "create", 2),
        ("place", "nis", "create", 2),
        ("publisher", "tanjug", "create", 2),
        ("source", "tanjug-gas", "create", 2),
        ("tag", "energy", "create", 2),
        ("type", "gas-delivery", "create", 2),
    ]
    assert told["totals"] == {r["kind"]: {"create": 1} for r in told["records"]}


def test_a_long_report_is_cut_and_counts_all(desk: Desk) -> None:
    """The command line shows twenty of each."""
    number = MAX_LISTED_RECORDS + 50
    told = report(desk, *(event(id=f"e-{n}", tags=[f"tag {n}"]) for n in range(number)))
    assert len(told["records"]) == MAX_LISTED_RECORDS
    assert told["totals"] == {"tag": {"create": number}}
    lines = list(format_report(told["records"], told["totals"]))
    assert (lines[0], len(lines), lines[-1]) == (
        f"tag: {number} new",
        22,
        f"  and {number - 20} more",
    )


NAMES = [
    "Acme Steel",
    "ACME Steel Ltd",
    "Acme",
    "Beta Gas",
    "Beta Gas d.o.o.",
    "Tripoli",
    "TRIPOLI",
]


def random_file(random: Random) -> tuple[list[Json], Json]:
    """Return events that name few records in many ways, and the options to import them with."""

    def some(**fields: list[Any]) -> Json:
        return {n: random.choice(v) for n, v in fields.items() if random.random() < 0.3}

    events = [
        event(
            id=f"event-{random.randrange(60)}",
            type=random.choice(["visit", "contract", "gas-delivery"]),
            tags=random.sample(["gas", "GAS", "oil", "oils"], random.randint(0, 2)),
            actors=[
                {"name": random.choice(NAMES), **some(country=["RS", "AZ"], kind=["organisation"])}
                for _ in range(random.randint(0, 2))
            ],
            places=[
                {"name": random.choice(NAMES), **random.choice([{}, {}, LEBANON, LIBYA])}
                for _ in range(random.randint(0, 1))
            ],
            sources=[
                {
                    "url": URL.format(random.randrange(20)),
                    **some(title=["Gas"] * 15 + ["Oil"], published=["2023"], language=["sr"]),
                }
            ],
        )
        for _ in range(random.randint(1, 3))
    ]
    options = {
        "create_types": True,
        "replace": random.random() < 0.9,
        "force": random.random() < 0.3,
    }
    return events, options


def test_a_dry_run_reports_what_the_import_does(desk: Desk, stores: Stores) -> None:
    """Line for line, faults too, on random files into a store that fills."""
    random = Random(5)
    desk.client.headers["X-Request-ID"] = "the-same"  # which errors repeat
    files = examples(100) if "Sqlite" in type(stores).__name__ else 25
    done = refused = changed = 0
    for _ in range(files):
        events, options = random_file(random)
        options["force"] = options["force"] and options["replace"]
        before = desk.state
        tried = send(desk, *events, **options, dry_run=True)
        assert desk.state == before
        answer = send(desk, *events, **options)
        assert answer.status_code == tried.status_code
        told = tried.json()
        assert answer.json() == (told | {"dry_run": False} if "dry_run" in told else told)
        done += answer.status_code == 200
        refused += answer.status_code == 422
        changed += any(r["op"] != "create" for r in told.get("records", ()))
    assert min(done, refused, changed) >= files // 10, (done, refused, changed)


def test_the_command_line_prints_the_same_report(empty: str, tmp_path: Path) -> None:
    """By kind and op, with what differs, namesakes, and what may be meant."""
    furnish(empty)
    with desk_over(empty) as desk:
        desk.add("/actors", {"id": "acme", "name": "Acme Steel"})
        desk.add("/places", {"name": "Tripoli", **LEBANON})
        desk.add("/sources", {"id": "page", "url": URL.format(1), "title": "Gas"})
    sent = event(
        id="one",
        actors=[{"name": "ACME Steel Ltd"}, {"id": "acme", "country": "US"}],
        places=[{"name": "Tripoli", **LIBYA}],
        sources=[{"url": URL.format(1), "title": "Oil"}],
    )
    (tmp_path / "file.ndjson").write_text(json.dumps(sent))
    settings = {"database_url": empty}
    printed = [
        call("import", "file.ndjson", "--replace", *more, folder=tmp_path, settings=settings)
        for more in (["--dry-run"], [])
    ]
    assert [(ran.code, ran.err) for ran in printed] == [(0, ""), (0, "")]
    tried, real = (ran.out.splitlines() for ran in printed)
    assert tried == [*real, "Nothing was stored: this was a dry run."]
    assert real[3:] == [
        "actor: 1 new",
        "  line 1: ACME Steel Ltd (acme-steel-ltd); did you mean Acme Steel (acme)?",
        "actor: 1 filled in",
        "  line 1: Acme Steel (acme); country: nothing -> US",
        "place: 1 new",
        "  line 1: Tripoli (tripoli-ly); a namesake of tripoli",
        "source: 1 corrected",
        "  line 1: Gas (page); title: Gas -> Oil",
    ]
