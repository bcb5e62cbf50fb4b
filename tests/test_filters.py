"""What each parameter of the filter finds: by a model on random events, by hand on the seed."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import schemas, writes
from app.filters import EventQuery
from app.main import create_app
from app.settings import Settings
from chronology import (
    SORTS,
    WITHOUT_DAYS,
    Chronology,
    Known,
    chronology,
    drawn,
    items,
    random_query,
    walk,
    windows_at,
)
from dates.model import dates, windows
from stores import PostgresqlStores, SqliteStores, Stores, left_out, migrated, opened, seeded


def found(client: TestClient, **parameters: Any) -> dict[str, str | None]:
    """The ids that a filter finds, in order, each with how it matched."""
    listed = items(walk(client, "/events", fields="id", limit=200, **parameters))
    ids = {item["id"]: item.get("match") for item in listed}
    assert len(ids) == len(listed), "an event stands twice in a list"
    return ids


# -- dates, judged by counting days ---------------------------------------------------------------


@pytest.fixture(scope="module")
def dated(stores: Stores, empty_template: str) -> Iterator[tuple[TestClient, dict[str, Known]]]:
    """A store with an event for each of many random dates, and what is known of them by id."""
    drawings = {text: Known.of(text, model) for text, model in drawn(dates(), 250, 1)}
    drawings |= {text: Known.of(text) for text in WITHOUT_DAYS}
    known = {f"event-{n}": of for n, of in enumerate(drawings.values())}
    url = stores.new(empty_template)
    with opened(url) as store, store.write() as session:
        writes.create_type(session, schemas.TypeWrite(id="thing", label="Thing"))
        source = writes.create_source(session, schemas.SourceWrite(title="A source"))
        writes.create_events(
            session,
            [
                schemas.EventWrite(
                    id=event_id,
                    type="thing",
                    title=edtf,
                    date=schemas.DateWrite(edtf=edtf),
                    sources=[schemas.SourceReference(id=source)],
                )
                for event_id, edtf in zip(known, drawings, strict=True)
            ],
        )
    with TestClient(create_app(Settings(database_url=url))) as client:
        yield client, known


def test_a_window_finds_what_may_overlap_it_and_says_what_does_for_certain(
    dated: tuple[TestClient, dict[str, Known]],
) -> None:
    """Possible: some day that the date allows lies in the window; certain: no doubt is left."""
    client, known = dated
    random = Random(2)
    edges = [window for of in known.values() for window in windows_at(of.bounds)]
    outcomes: Counter[str | None] = Counter()
    for text, first, last in [*drawn(windows(), 40, 3), *random.sample(edges, 40)]:
        expected = {event_id: of.match(first, last) for event_id, of in known.items()}
        possible = {event_id: match for event_id, match in expected.items() if match}
        assert found(client, date=text) == possible, text
        certain = {event_id for event_id, match in expected.items() if match == "certain"}
        assert found(client, date=text, match="certain").keys() == certain, text
        outcomes.update(expected.values())
    assert outcomes.total() >= 2000
    assert min(outcomes[outcome] for outcome in ("certain", "possible", None)) >= 500


# -- every filter, judged by a model that looks at each event -------------------------------------

FILTERS = 320


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A random chronology of 200 events."""
    return chronology(4)


@pytest.fixture(scope="module")
def told(stores: Stores, empty_template: str, story: Chronology) -> Iterator[TestClient]:
    """A client that reads the random chronology."""
    url = seeded(stores, empty_template, story.fill)
    with TestClient(create_app(Settings(database_url=url))) as client:
        yield client


def test_random_filters_find_what_the_model_finds_in_every_order(
    told: TestClient, story: Chronology
) -> None:
    """The same ids in the same order, the same matches and the same total, on both engines."""
    random = Random(5)
    sizes = []
    used: Counter[str] = Counter()
    for number in range(FILTERS):
        query, sort = random_query(random, story), SORTS[number % len(SORTS)]
        expected = story.find(query, sort)
        pages = walk(told, "/events", fields="id", limit=200, sort=sort, **query)
        listed = [(item["id"], item.get("match")) for item in items(pages)]
        assert listed == list(expected.items()), (query, sort)
        assert {page["total"] for page in pages} == {len(expected)}, query
        sizes.append(len(expected))
        used.update(query.keys())
        used.update("!" for values in query.values() for value in values if value[0] == "!")
    assert sum(1 for size in sizes if 0 < size < len(story.events)) >= 0.7 * FILTERS
    assert used.keys() == set(EventQuery.model_fields) - PAGING | {"!"}
    assert min(used.values()) >= 20


PAGING = {"sort", "limit", "cursor", "fields", "total"}


@pytest.mark.parametrize("sort", SORTS)
def test_an_unfiltered_list_holds_every_event_in_order(
    told: TestClient, story: Chronology, sort: str
) -> None:
    """By earliest day, or where that is open by latest, then by id; or by the last edit."""
    assert list(found(told, sort=sort)) == story.order[sort]


@pytest.fixture(scope="module")
def both(
    postgresql: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Chronology, list[TestClient]]]:
    """A random chronology, and clients of it on SQLite and on PostgreSQL."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
    assert postgresql is not None
    server = PostgresqlStores(postgresql)
    server.numbers = count(1_000_000)  # the names that the fixture `stores` gives are taken
    story = chronology(8, 60)
    made: list[Stores] = [SqliteStores(tmp_path_factory.mktemp("both")), server]
    urls = [seeded(stores, migrated(stores), story.fill) for stores in made]
    one, other = (create_app(Settings(database_url=url)) for url in urls)
    with TestClient(one) as sqlite, TestClient(other) as postgres:
        yield story, [sqlite, postgres]


def test_both_engines_give_the_same_documents(
    both: tuple[Chronology, list[TestClient]],
) -> None:
    """Not only the same events: every member of each, and the same total."""
    story, clients = both
    random = Random(6)
    for number in range(30):
        query, sort = random_query(random, story), SORTS[number % len(SORTS)]
        answers = [walk(client, "/events", limit=25, sort=sort, **query) for client in clients]
        one, other = ([(p["items"], p["total"]) for p in pages] for pages in answers)
        assert one == other, (query, sort)


# -- the grammar of a query, on the seed data -----------------------------------------------------

TIMELINE = [
    "serbia-azerbaijan-trade-growth",  # 2013/
    "second-karabakh-war-begins",  # 2020~
    "serbia-azerbaijan-crisis-2020",  # 2020
    "serbia-azerbaijan-relations-normalised",  # [2020-08..]
    "serbian-arms-investigation",  # 2020-08~
    "serbian-envoy-sent-to-baku",  # 2020-08~
    "serbian-weapons-in-armenian-use",  # 2020-08
    "tovuz-tavush-skirmishes",  # 2020-08
    "azerbaijan-multi-vector-diplomacy",  # [2021-01-01..2023-05-23]
    "serbia-azerbaijan-trade-2021",  # 2021
    "military-technical-cooperation-agreement",  # [..2021-10-11]
    "aliyev-territorial-integrity-statement",  # 2022
    "aliyev-vucic-meeting-2022",  # 2022
    "strategic-partnership-council",  # 2022
    "aliyev-visit-belgrade-2022",  # 2022-11
    "first-reports-of-defence-contract",  # [2022-11-01..2022-11-23]
    "aliyev-visit-belgrade-2023",  # 2023
    "aliyev-vucic-meeting-2023",  # 2023
    "aliyev-weapons-presentation-belgrade",  # 2023
    "presidents-praise-gas-interconnector",  # 2023
    "vucic-territorial-integrity-statement",  # 2023
    "serbia-pillar-of-azerbaijani-soft-power",  # [..2023-09-30]
    "azerbaijan-gas-deliveries-to-serbia",  # 2023-11/2024-12
    "serbia-azerbaijan-gas-contract",  # 2023-11
    "slepcevic-badovinci-highway-construction",  # 2023-11
    "vucic-bayramov-talks",  # [..2023-11-11]
    "vucic-bayramov-territorial-integrity-statement",  # [..2023-11-11]
    "serbia-bulgaria-gas-interconnector-opening",  # 2023-12-10
    "serbia-azerbaijan-artillery-contract",  # [..2024-02-06]
    "vucic-confirms-artillery-contract",  # 2024-02-06
    "aliyev-re-election-2024",  # 2024-02-07
    "vucic-congratulates-aliyev",  # 2024-02-07
    "serbia-plans-to-join-southern-gas-corridor",  # [2024-02-28..]
]
GAS, ARTILLERY = "serbia-azerbaijan-gas-contract", "serbia-azerbaijan-artillery-contract"
DELIVERIES, HIGHWAY = (
    "azerbaijan-gas-deliveries-to-serbia",
    "slepcevic-badovinci-highway-construction",
)
INTERCONNECTOR = "serbia-bulgaria-gas-interconnector-opening"
CORRIDOR = "serbia-plans-to-join-southern-gas-corridor"
GROWTH, NORMALISED = "serbia-azerbaijan-trade-growth", "serbia-azerbaijan-relations-normalised"
OF_2023 = {
    "aliyev-visit-belgrade-2023",
    "aliyev-vucic-meeting-2023",
    "aliyev-weapons-presentation-belgrade",
    "presidents-praise-gas-interconnector",
    "vucic-territorial-integrity-statement",
}
IN_BELGRADE = {
    *("aliyev-visit-belgrade-2022", "aliyev-visit-belgrade-2023", "aliyev-vucic-meeting-2022"),
    *("aliyev-vucic-meeting-2023", "aliyev-weapons-presentation-belgrade"),
    *("presidents-praise-gas-interconnector", "strategic-partnership-council"),
    "aliyev-territorial-integrity-statement",
}
ARMS_TRADE = {
    *("vucic-confirms-artillery-contract", ARTILLERY, "first-reports-of-defence-contract"),
    *("aliyev-weapons-presentation-belgrade", "serbian-weapons-in-armenian-use"),
    "serbian-arms-investigation",
}
WITH_ARMENIA = {
    *("second-karabakh-war-begins", "tovuz-tavush-skirmishes", "serbian-weapons-in-armenian-use"),
}
IN_NEW_YORK = "vucic-territorial-integrity-statement"
AL_JAZEERA = {"tovuz-tavush-skirmishes", "serbian-weapons-in-armenian-use"}
OF_UNKNOWN_AGE = {  # [..a day]: it may have been long before
    *("military-technical-cooperation-agreement", "serbia-pillar-of-azerbaijani-soft-power"),
    *("vucic-bayramov-talks", "vucic-bayramov-territorial-integrity-statement", ARTILLERY),
}
OF_THE_SEED: dict[str, set[str]] = {
    "": set(TIMELINE),
    "type=visit": {
        *("aliyev-visit-belgrade-2022", "aliyev-visit-belgrade-2023"),
        "serbian-envoy-sent-to-baku",
    },
    "type=contract&type=gas-delivery": {GAS, ARTILLERY, DELIVERIES},
    "type=infrastructure&type=!visit": {HIGHWAY, INTERCONNECTOR, CORRIDOR},
    "type=contract&actor=!socar": {ARTILLERY},
    "actor=socar": {GAS, DELIVERIES},
    "actor=azvirt&actor=european-union": {HIGHWAY, INTERCONNECTOR},
    "actor=jeyhun-bayramov": {
        *("vucic-bayramov-talks", "vucic-bayramov-territorial-integrity-statement"),
    },
    "role=seller": {ARTILLERY, GAS, DELIVERIES},
    "role=seller&role=contractor": {ARTILLERY, GAS, DELIVERIES, HIGHWAY},
    "actor=serbia&role=seller": {ARTILLERY},
    "actor=azerbaijan&role=buyer": {ARTILLERY},
    "actor=serbia&role=buyer": set(),
    "actor=serbia&actor=socar&role=seller": {ARTILLERY, GAS, DELIVERIES},
    "actor=!serbia&role=contractor": {HIGHWAY},
    "type=infrastructure&role=!party": {HIGHWAY, CORRIDOR},
    "type=infrastructure&role=!party&actor=serbia": {INTERCONNECTOR, CORRIDOR},
    "place=belgrade": IN_BELGRADE,
    "place=tovuz&place=new-york": {*AL_JAZEERA, IN_NEW_YORK},
    "place=!belgrade&type=meeting": {"vucic-bayramov-talks"},
    "country=US": {IN_NEW_YORK},
    "country=BG&country=US": {IN_NEW_YORK, INTERCONNECTOR},
    "country=AM": WITH_ARMENIA,
    "country=!AZ": {INTERCONNECTOR, CORRIDOR},
    "country=!RS": {
        *("second-karabakh-war-begins", "tovuz-tavush-skirmishes", "aliyev-re-election-2024"),
    },
    "country=AM&country=!RS": {"second-karabakh-war-begins", "tovuz-tavush-skirmishes"},
    "country=JP": set(),
    "country=!JP&status=ongoing": {GROWTH},
    "tag=arms-trade": ARMS_TRADE,
    "tag=arms%20trade": ARMS_TRADE,
    "tag=arms+trade": ARMS_TRADE,
    "tag=Arms+Trade": set(),
    "tag=transport&tag=elections": {
        *(HIGHWAY, "aliyev-re-election-2024", "vucic-congratulates-aliyev"),
    },
    "tag=arms-trade&tag=!defence": {"serbian-arms-investigation"},
    "tag=no-such-tag": set(),
    "tag=no-such-tag&tag=transport": {HIGHWAY},
    "tag=transport&tag=!no-such-tag": {HIGHWAY},
    "publisher=turan": {"strategic-partnership-council"},
    "publisher=Turan": {"strategic-partnership-council"},
    "publisher=CeEnergy+News": {INTERCONNECTOR},
    "publisher=ceenergy-news&publisher=al-jazeera": {INTERCONNECTOR, *AL_JAZEERA},
    "publisher=!Eurasia+Daily+Monitor": set(),
    "publisher=No+Such+Paper": set(),
    "type=contract&publisher=!balkan-insight": {ARTILLERY},
    "source=unknown-publisher-2022-11-23": {
        *("aliyev-visit-belgrade-2022", "first-reports-of-defence-contract"),
    },
    "type=contract&source=!unknown-publisher-2023-12-13": {GAS},
    "status=planned": {DELIVERIES, CORRIDOR},
    "status=planned&status=ongoing": {DELIVERIES, CORRIDOR, GROWTH},
    "status=!completed": {DELIVERIES, CORRIDOR, GROWTH},
    "status=cancelled": set(),
    "related_to=aliyev-visit-belgrade-2022": {
        *("first-reports-of-defence-contract", "aliyev-visit-belgrade-2023"),
        *("strategic-partnership-council", "aliyev-vucic-meeting-2022"),
        "aliyev-territorial-integrity-statement",
    },
    f"related_to={ARTILLERY}": {
        *("military-technical-cooperation-agreement", "first-reports-of-defence-contract"),
        "vucic-confirms-artillery-contract",
    },
    "related_to=azerbaijan-multi-vector-diplomacy": set(),
    "updated_since=2020-01-01T00:00:00Z": set(TIMELINE),
    "updated_since=2020-01-01T00:00:00-01:30": set(TIMELINE),
    "updated_since=2020-01-01T00:00:00+01:30": set(TIMELINE),  # + is a space in a query string
    "updated_since=2020-01-01T00:00:00%2B01:30": set(TIMELINE),
    "updated_since=9999-12-31T23:59:59Z": set(),
    "date=../2012": OF_UNKNOWN_AGE,
    "date=../2012&match=certain": set(),
    "date=2013-01-01": OF_UNKNOWN_AGE | {GROWTH},
    "date=2023-11&type=contract": {GAS, ARTILLERY},
    "date=2023-11&match=certain": {GAS, HIGHWAY, DELIVERIES},
    "date=2023-11&match=certain&actor=srbijagas&actor=azvirt&status=!planned": {GAS, HIGHWAY},
    "date=2023-11-20&match=certain": set(),
    "date=2024-02-06/2024-02-07&match=certain": {
        *(DELIVERIES, "vucic-confirms-artillery-contract", "aliyev-re-election-2024"),
        "vucic-congratulates-aliyev",
    },
    "date=2020&match=certain": {  # 2020~ and 2020-08~ are never certain
        *("serbia-azerbaijan-crisis-2020", "tovuz-tavush-skirmishes"),
        "serbian-weapons-in-armenian-use",
    },
}


@pytest.mark.parametrize("query", OF_THE_SEED)
def test_a_filter_finds_exactly(client: TestClient, query: str) -> None:
    """The events that `seed/events.toml` says, in timeline order, and their number."""
    answer = client.get(f"/events?limit=200&{query}".rstrip("&"))
    assert answer.status_code == 200, answer.text
    expected = [event_id for event_id in TIMELINE if event_id in OF_THE_SEED[query]]
    assert [item["id"] for item in answer.json()["items"]] == expected
    assert answer.json()["total"] == len(expected)


ABOUT_NOVEMBER = dict.fromkeys([*OF_2023, ARTILLERY, NORMALISED, GROWTH], "possible")
BY_11_NOVEMBER = dict.fromkeys(
    ["vucic-bayramov-talks", "vucic-bayramov-territorial-integrity-statement"], "possible"
)
MATCHES: dict[str, dict[str, str]] = {
    "2023-11": ABOUT_NOVEMBER
    | BY_11_NOVEMBER
    | {GAS: "certain", HIGHWAY: "certain", DELIVERIES: "certain"},
    "2023-11-20": ABOUT_NOVEMBER | {GAS: "possible", HIGHWAY: "possible", DELIVERIES: "possible"},
    "2024-02-07/..": {
        GROWTH: "possible",
        NORMALISED: "possible",
        CORRIDOR: "certain",
        DELIVERIES: "certain",
        "aliyev-re-election-2024": "certain",
        "vucic-congratulates-aliyev": "certain",
    },
}


@pytest.mark.parametrize("date", MATCHES)
def test_each_item_says_how_it_matched_the_date(client: TestClient, date: str) -> None:
    """`certain` where no reading of the event's date lies outside, else `possible`."""
    assert found(client, date=date) == MATCHES[date]


def test_without_a_date_no_item_says_how_it_matched(client: TestClient) -> None:
    """There is nothing that it could have matched."""
    assert all("match" not in item for item in items(walk(client, "/events")))


def test_an_act_without_a_first_day_stands_at_its_last(client: TestClient) -> None:
    """The artillery contract, [..2024-02-06], comes with the day on which it was confirmed."""
    order = list(found(client))
    assert order == TIMELINE
    at = order.index(ARTILLERY)
    assert order[at + 1] == "vucic-confirms-artillery-contract"
    artillery = items(walk(client, "/events", fields="date"))[at]["date"]
    assert (artillery["edtf"], artillery["earliest"]) == ("[..2024-02-06]", None)
    assert artillery["latest"] == "2024-02-06"


# A query, the parameter that the error names, and what it suggests.
UNKNOWN = [
    ("type=contarct", "type", "contract"),
    ("actor=sebia", "actor", "serbia"),
    ("place=belgrad", "place", "belgrade"),
    ("source=turan-2022-11-22", "source", "turan-2022-11-21"),
    ("status=complete", "status", "completed"),
    ("country=rs", "country", "RS"),
    ("role=sellr", "role", "seller"),
]


@pytest.mark.parametrize("mark", ["", "!"])
@pytest.mark.parametrize(("query", "name", "suggestion"), UNKNOWN)
def test_a_value_that_does_not_exist_is_an_error_with_the_nearest_that_does(
    client: TestClient, query: str, name: str, suggestion: str, mark: str
) -> None:
    """Also after `!`, and beside a value that exists."""
    for beside in ("", f"{name}={suggestion}&"):
        (fault,) = refused(client, beside + query.replace("=", f"={mark}"))
        assert (fault["name"], fault["suggestion"]) == (name, suggestion)


def test_an_event_to_relate_to_must_exist(client: TestClient) -> None:
    """Else the error names the nearest id."""
    (fault,) = refused(client, f"related_to={GAS[:-1]}")
    assert (fault["name"], fault["suggestion"]) == ("related_to", GAS)


def refused(client: TestClient, query: str) -> list[dict[str, str]]:
    """The errors of a query that must be refused, as problem+json."""
    answer = client.get(f"/events?{query}")
    assert answer.status_code == 422, f"{query}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].endswith("/problems/invalid-parameters")
    assert all(fault["in"] == "query" and fault["message"] for fault in problem["errors"])
    errors: list[dict[str, str]] = problem["errors"]
    return errors


REFUSED = {
    **{f"{name}=": name for name in EventQuery.model_fields if name != "match"},
    "date=2023&match=": "match",
    "match=certain": "match",
    "match=possible": "match",
    "date=2023&match=perhaps": "match",
    "date=[2023,2024]": "date",
    "date={2023,2024}": "date",
    "date=[..2023]": "date",
    "date=2023?": "date",
    "date=2023~": "date",
    "date=2023%25": "date",
    "date=2023-02-29": "date",
    "date=2024/2023": "date",
    "date=1700000000": "date",
    "date=2023-11-15T12:00:00Z": "date",
    "date=2023&date=2024": "date",
    "type=!": "type",
    "type=visit&type=": "type",
    "tag=+": "tag",
    "related_to=!serbia-azerbaijan-gas-contract": "related_to",
    "updated_since=2024-02-06": "updated_since",
    "updated_since=2024-02-06T12:00:00": "updated_since",
    "updated_since=2024-02-06+12:00": "updated_since",
    "updated_since=0001-01-01T00:00:00%2B01:00": "updated_since",
    "updated_since=1707220800": "updated_since",
    "sort=title": "sort",
    "sort=date&sort=-date": "sort",
    "limit=0": "limit",
    "limit=201": "limit",
    "limit=many": "limit",
    "fields=id,tilte": "fields",
    "total=about": "total",
    "tpye=visit": "tpye",
    "TYPE=visit": "TYPE",
    "".join(f"type=visit{'&' * (n < 50)}" for n in range(51)): "type",
}


@pytest.mark.parametrize(("query", "name"), REFUSED.items())
def test_what_a_query_cannot_mean_is_an_error_that_names_the_parameter(
    client: TestClient, query: str, name: str
) -> None:
    """No filter is silently ignored."""
    assert [fault["name"] for fault in refused(client, query)] == [name]


HOSTILE = (
    *("%00", "a%00b", "%ff", "%ed%a0%80", "%f0%9f%98%80", "%0a", "%", "%zz", "\\", "!!", "!%00"),
    *("'", "%22", "';DROP+TABLE+event;--", "'+OR+1=1--", ":value", "%25s", "{0}", "(", "*"),
    *("-1", "1e999", "99999999999999999999999", "NaN", "null", "[]", "x" * 5000, "9" * 5000),
    *("%C4%B0", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "-9999/9999", "../9999"),
)


@pytest.mark.parametrize("name", EventQuery.model_fields)
def test_no_value_makes_the_server_fail(client: TestClient, name: str) -> None:
    """Whatever a parameter holds is found, not found, or refused by its name."""
    for value in HOSTILE:
        answer = client.get(f"/events?{name}={value}")
        assert answer.status_code in (200, 410 if name == "cursor" else 422, 422), (
            f"{value}: {answer.text}"
        )
        if answer.status_code == 422:
            assert {fault["name"] for fault in answer.json()["errors"]} == {name}


@pytest.mark.parametrize("name", EventQuery.model_fields)
def test_too_long_a_url_is_refused_as_such(client: TestClient, name: str) -> None:
    """Beyond 8 KiB, whatever the parameter."""
    assert client.get(f"/events?{name}={'x' * 8192}").status_code == 414
