"""What each parameter of the filter finds: by a model on random events, by hand on the seed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as day
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from app import schemas, writes
from app.filters import EventFilter, EventQuery
from app.main import create_app
from app.settings import Settings
from chronology import (
    FACETS,
    INTERVALS,
    OWN_FIELDS,
    SORTS,
    SPELLS,
    WITHOUT_DAYS,
    Chronology,
    Known,
    Query,
    chronology,
    drawn,
    fitting,
    items,
    random_query,
    walk,
    windows_at,
)
from dates.model import dates, windows
from stores import BY, PostgresqlStores, SqliteStores, Stores, left_out, migrated, opened, seeded
from tables import check_each
from tiers import everything

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("small_blocks")]


def found(client: TestClient, **parameters: Any) -> dict[str, str | None]:
    """The ids that a filter finds, in order, each with how it matched."""
    listed = items(walk(client, "/events", fields="id", limit=200, **parameters))
    ids = {item["id"]: item.get("match") for item in listed}
    assert len(ids) == len(listed), "an event stands twice in a list"
    return ids


# -- dates, judged by counting days ---------------------------------------------------------------


def events_of(session: Session, dates: Sequence[tuple[str, str]]) -> Iterator[schemas.EventWrite]:
    """Events with these dates and tags, `event-0` and so on, and all that they name."""
    writes.TYPE.save(session, BY, schemas.TypeWrite(id="thing", label="Thing"), "create")
    source = writes.SOURCE.save(session, BY, schemas.SourceWrite(title="A source"), "create")
    for number, (edtf, tag) in enumerate(dates):
        yield schemas.EventWrite(
            id=f"event-{number}",
            type="thing",
            title=edtf,
            date=schemas.DateWrite(edtf=edtf),
            tags=[tag],
            sources=[schemas.SourceReference(id=source)],
        )


@pytest.fixture(scope="module")
def dated(stores: Stores, empty_template: str) -> Iterator[tuple[TestClient, dict[str, Known]]]:
    """A store with an event for each of many random dates, and what is known of them by id."""
    drawings = {text: Known.of(text, model) for text, model in drawn(dates(), 250, 1)}
    drawings |= {text: Known.of(text) for text in WITHOUT_DAYS}
    known = {f"event-{n}": of for n, of in enumerate(drawings.values())}
    url = stores.new(empty_template)
    with opened(url) as store, store.write() as session:
        tagged = [(edtf, "thing") for edtf in drawings]
        writes.create_events(session, BY, list(events_of(session, tagged)))
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

EVENTS, FILTERS = (5000, 500) if everything() else (1500, 100)
SOME = 20 * FILTERS // 350  # questions at least of each kind
Counts = list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A random filter with what the model answers."""

    query: Query
    sort: str
    found: Mapping[str, str | None]
    facets: Mapping[str, Counts]
    over: Query  # the filter of the histogram
    interval: str
    undated: int
    buckets: Counts | None  # None where they are too many
    fitting: Sequence[str]  # intervals, the finest last


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A random chronology."""
    return chronology(4, EVENTS)


@pytest.fixture(scope="module")
def questions(story: Chronology) -> list[Question]:
    """What both engines are asked."""
    seeds = map("2 {}".format, range(FILTERS))  # no question depends on the ones before it
    return [
        asked_at_random(Random(seed), story, SORTS[n % len(SORTS)]) for n, seed in enumerate(seeds)
    ]


def asked_at_random(random: Random, story: Chronology, sort: str) -> Question:
    """A question; most of its histograms show some years that are not too many."""
    query = random_query(random, story)
    found = story.find(query, sort)
    own = [f"extra.{Random(str(query)).choice(list(OWN_FIELDS))}"]
    together = [name for name in ("actor", "role") if name in query]
    by = dict.fromkeys([*random.sample(FACETS, 3), *own, *together])
    facets = {name: story.facet(query, found, name) for name in by}
    over = query
    if "date" not in query and random.random() < 0.8:
        over = {**query, "date": [random.choice(list(SPELLS))]}
    within = found if over is query else story.find(over)
    fit = fitting(story.extent(over, within))
    weighed = [*fit, *fit[:1], *fit[-5:] * 2]  # the ends come more seldom
    interval = random.choice(weighed if random.random() < 0.8 else ["week", "day"])
    buckets = story.histogram(over, within, interval) if interval in fit else None
    undated = story.undated(over, within)
    return Question(query, sort, found, facets, over, interval, undated, buckets, fit)


@pytest.fixture(scope="module")
def told(stores: Stores, empty_template: str, story: Chronology) -> Iterator[TestClient]:
    """A client that reads the random chronology."""
    url = seeded(stores, empty_template, story.fill_at_once)
    # However slow the machine that runs the tests.
    with TestClient(create_app(Settings(database_url=url, query_seconds=60))) as client:
        yield client


def test_random_filters_find_what_the_model_finds_in_every_order(
    told: TestClient, questions: list[Question]
) -> None:
    """The same ids in the same order, the same matches and the same total, on both engines."""
    for asked in questions:
        parameters: Any = {**asked.query, "fields": "id", "limit": 200, "sort": asked.sort}
        page = told.get("/events", params=parameters).json()
        listed = [(item["id"], item.get("match")) for item in page["items"]]
        assert listed == list(asked.found.items())[:200], asked.query
        assert page["total"] == len(asked.found), asked.query
        assert (page["next"] is None) == (len(asked.found) <= 200), asked.query


def test_the_pages_of_random_filters_are_the_list_cut_up(
    told: TestClient, questions: list[Question]
) -> None:
    """Whatever the filter, the sort and the size of a page."""
    random = Random(7)
    walked = [asked for asked in questions if 10 < len(asked.found) < 1000]
    for asked in random.sample(walked, 25):
        limit = random.choice([200, 50, len(asked.found) // 7, len(asked.found)])
        limit = max(1, min(limit, 200))
        pages = walk(told, "/events", fields="id", limit=limit, sort=asked.sort, **asked.query)
        assert [item["id"] for item in items(pages)] == list(asked.found), asked.query
        assert {page["total"] for page in pages} == {len(asked.found)}, asked.query


def test_facets_of_random_filters_count_what_the_model_counts(
    told: TestClient, questions: list[Question]
) -> None:
    """Values, labels and counts, the commonest first; and the same total as the list's."""
    for asked in questions:
        parameters: Any = {**asked.query, "by": list(asked.facets), "limit": 1000}
        answer = told.get("/facets", params=parameters)
        expected = {"total": len(asked.found), "facets": asked.facets}
        assert answer.json() == expected, asked.query


# At most so many values, or those of one event of so many, are counted by bits; the others event by
# event, or all at once, or without those that are not found, where of so many slots one is.
WAYS = {
    "by bits": (1 << 20, 0, 0, 0),
    "event by event": (0, 0, 0, 0),
    "all at once": (0, 0, 1 << 30, 0),
    "without the others": (0, 0, 1 << 30, 1 << 30),
    "by bits and event by event": (0, 10, 0, 0),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_facets_are_the_same_however_they_are_counted(
    told: TestClient,
    questions: list[Question],
    monkeypatch: pytest.MonkeyPatch,
    way: tuple[int, int, int, int],
) -> None:
    """Whatever is the shortest for what there is and what is found."""
    for name, value in zip(
        ("MAX_BITMAP_VALUES", "COMMON_SHARE", "SPARSE_HITS", "DENSE_HITS"), way, strict=True
    ):
        monkeypatch.setattr(f"app.reads.tallies.{name}", value)
    app: Any = told.app
    with TestClient(create_app(app.state.settings)) as client:
        for asked in questions[:20]:
            parameters: Any = {**asked.query, "by": list(asked.facets), "limit": 1000}
            assert client.get("/facets", params=parameters).json()["facets"] == asked.facets


def test_histograms_of_random_filters_count_what_the_model_counts(
    told: TestClient, questions: list[Question]
) -> None:
    """Every calendar span in order, or an error that names the finest interval that fits."""
    for asked in questions:
        parameters = {**asked.over, "interval": asked.interval}
        answer = told.get("/histogram", params=parameters)
        if asked.buckets is not None:
            assert answer.status_code == 200, answer.text
            assert answer.json()["undated"] == asked.undated, parameters
            counted = [{**bucket, "label": ""} for bucket in answer.json()["buckets"]]
            assert counted == [{**bucket, "label": ""} for bucket in asked.buckets], parameters
        else:
            (fault,) = answer.json()["errors"]
            assert fault["name"] == "interval"
            assert fault["suggestion"] == asked.fitting[-1]


def test_the_questions_are_many_and_different(questions: list[Question]) -> None:
    """Every parameter of the filter is used, and most filters find some events but not all."""
    used = Counter(name for asked in questions for name in asked.query)
    assert used.keys() == set(EventFilter.model_fields)
    assert min(used.values()) >= SOME, used
    values = [value for asked in questions for values in asked.query.values() for value in values]
    assert sum(value[0] == "!" for value in values) >= SOME
    assert sum(0 < len(asked.found) < EVENTS for asked in questions) >= 0.7 * FILTERS
    shown = Counter(asked.interval for asked in questions if asked.buckets and asked.found)
    assert min(shown[interval] for interval in INTERVALS) >= SOME, shown
    assert sum(asked.buckets is None for asked in questions) >= SOME
    assert sum(asked.undated > 0 and bool(asked.buckets) for asked in questions) >= SOME


@pytest.mark.parametrize("sort", SORTS)
def test_an_unfiltered_list_holds_every_event_in_order(
    told: TestClient, story: Chronology, sort: str
) -> None:
    """By earliest day, or where that is open by latest, then by id; or by the last edit."""
    assert list(found(told, sort=sort)) == story.order[sort]


def test_unfiltered_facets_count_every_event(told: TestClient, story: Chronology) -> None:
    """From the counts that are kept, which must not differ from counting."""
    answer = told.get("/facets", params={"by": FACETS, "limit": 1000}).json()
    assert answer["total"] == EVENTS
    assert answer["facets"] == {name: story.facet({}, story.events, name) for name in FACETS}


@pytest.mark.slow  # the small chronology has no thousand of them
def test_relevance_lists_the_newest_thousand_hits(told: TestClient, story: Chronology) -> None:
    """Each once, however many there are; the total counts all of them."""
    hits = list(story.find({"q": ["gas"]}, "-date"))
    assert len(hits) > 1200
    pages = walk(told, "/events", q="gas", sort="relevance", limit=170, fields="id")
    listed = [item["id"] for item in items(pages)]
    assert len(listed) == 1000
    assert set(listed) == set(hits[:1000])
    assert {page["total"] for page in pages} == {len(hits)}


@pytest.fixture(scope="module")
def both(
    postgresql: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Chronology, list[TestClient]]]:
    """A random chronology, and clients of it on SQLite and on PostgreSQL."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
    assert postgresql is not None
    story = chronology(8, 60)
    files = SqliteStores(tmp_path_factory.mktemp("both"))
    made: list[Stores] = [files, PostgresqlStores(postgresql)]
    fills = (story.fill, story.fill_at_once)  # which must come to the same
    urls = [seeded(s, migrated(s), fill) for s, fill in zip(made, fills, strict=True)]
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

IN_PARAGRAPH_3 = {"strategic-partnership-council"}
IN_PARAGRAPH_10 = {"aliyev-re-election-2024", "vucic-congratulates-aliyev"}
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
SUPPORTED_BY_TWO = {
    GAS,  # Balkan Insight and Balkan Green Energy News
    # The President of the Republic of Azerbaijan and Defense Mirror.
    *("aliyev-visit-belgrade-2023", "aliyev-vucic-meeting-2023"),
    *("aliyev-weapons-presentation-belgrade", "presidents-praise-gas-interconnector"),
}
SUPPORTED_BY_NOBODY_KNOWN = {
    *(ARTILLERY, HIGHWAY, "aliyev-visit-belgrade-2022", "first-reports-of-defence-contract"),
    "vucic-territorial-integrity-statement",
}
BY_THE_ANALYSIS_ALONE = {
    *("vucic-confirms-artillery-contract", "serbia-azerbaijan-crisis-2020", NORMALISED),
    *("second-karabakh-war-begins", "serbian-arms-investigation", "serbian-envoy-sent-to-baku"),
}
KNOWN_IN_TIME = set(TIMELINE) - BY_THE_ANALYSIS_ALONE
KNOWN_BY_11_DECEMBER = KNOWN_IN_TIME - {
    *(ARTILLERY, INTERCONNECTOR),  # 13 and 12 December
    *("aliyev-re-election-2024", "vucic-congratulates-aliyev"),
    *(GROWTH, "serbia-azerbaijan-trade-2021", CORRIDOR),  # accessed on 28 February
}
EAST_OF_BELGRADE = {*AL_JAZEERA, "serbian-envoy-sent-to-baku"}
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
    "actor=azvirt&actor=european-union&all_of=actor": set(),
    "actor=azerbaijan&actor=serbia&all_of=actor&role=seller": set(),
    "actor=azerbaijan&actor=serbia&all_of=actor&role=seller&role=buyer": {ARTILLERY},
    "actor=azerbaijan&actor=serbia&all_of=role&role=seller&role=buyer": {ARTILLERY},
    "actor=azerbaijan&actor=serbia&all_of=role&all_of=actor&role=seller&role=buyer": set(),
    "role=seller&role=contractor&all_of=role": set(),
    "role=seller": {ARTILLERY, GAS, DELIVERIES},
    "role=seller&role=contractor": {ARTILLERY, GAS, DELIVERIES, HIGHWAY},
    "actor=serbia&role=seller": {ARTILLERY},
    "actor=azerbaijan&role=buyer": {ARTILLERY},
    "actor=serbia&role=buyer": set(),
    "actor=serbia&actor=socar&role=seller": {ARTILLERY, GAS, DELIVERIES},
    "actor=!serbia&role=contractor": {HIGHWAY},
    "type=infrastructure&role=!party": {HIGHWAY, CORRIDOR},
    "type=infrastructure&role=!party&actor=serbia": {INTERCONNECTOR, CORRIDOR},
    "type=infrastructure&role=!party&actor=serbia&actor=bulgaria": {INTERCONNECTOR, CORRIDOR},
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
    "tag=transport&tag=elections": {
        *(HIGHWAY, "aliyev-re-election-2024", "vucic-congratulates-aliyev"),
    },
    "tag=arms-trade&tag=!defence": {"serbian-arms-investigation"},
    "publisher=turan": {"strategic-partnership-council"},
    "publisher=Turan": {"strategic-partnership-council"},
    "publisher=CeEnergy+News": {INTERCONNECTOR},
    "publisher=ceenergy-news&publisher=al-jazeera": {INTERCONNECTOR, *AL_JAZEERA},
    "publisher=!Eurasia+Daily+Monitor": set(),
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
    "known_by=2020-08-06": set(),
    "known_by=2020-08-07": AL_JAZEERA,
    "known_by=2020-08": AL_JAZEERA,
    "known_by=2023-12-11": KNOWN_BY_11_DECEMBER,
    "known_by=2023-12-12": KNOWN_BY_11_DECEMBER | {INTERCONNECTOR},
    "known_by=2023-12-13": KNOWN_BY_11_DECEMBER | {INTERCONNECTOR, ARTILLERY},
    "known_by=2024-02-28": KNOWN_IN_TIME,  # the day on which some sources were accessed
    "known_by=9999": KNOWN_IN_TIME,  # but never by the analysis, [2024-02-28..]
    "known_by=2023-12-11&type=contract": {GAS},
    "min_publishers=1": set(TIMELINE) - SUPPORTED_BY_NOBODY_KNOWN,
    "min_publishers=2": SUPPORTED_BY_TWO,
    "min_publishers=3": set(),
    "unit=USD": {ARTILLERY, "serbia-azerbaijan-trade-2021"},
    "unit=USD&min_value=100000000": {ARTILLERY},
    "unit=USD&min_value=56800000": {ARTILLERY, "serbia-azerbaijan-trade-2021"},
    "unit=USD&max_value=299999999.99": {"serbia-azerbaijan-trade-2021"},
    "unit=EUR&min_value=1": set(),  # no currency converts
    "unit=RSD": set(),
    "unit=bcm&min_value=0.3": {GAS, DELIVERIES},
    "unit=bcm&min_value=0.4&max_value=0.4": {GAS, DELIVERIES},
    "unit=mcm&min_value=400&max_value=400.0": {GAS, DELIVERIES},
    "unit=bcm&min_value=0.400000000000000000000000000001": set(),
    "unit=mcm&max_value=399.999999999": set(),
    "unit=mm&min_value=155&max_value=155": {ARTILLERY},
    "unit=mm&min_value=156": {HIGHWAY, INTERCONNECTOR},  # 15.4 and 109 km
    "unit=mi&min_value=9.56&max_value=9.57": {HIGHWAY},
    "measure=gas+volume": {GAS, DELIVERIES},
    "extra=paragraph": set(TIMELINE),
    "extra=!paragraph": set(),
    "extra=paragraph:10": IN_PARAGRAPH_10,
    "extra=paragraph:10.0": IN_PARAGRAPH_10,
    "extra=!paragraph:10": set(TIMELINE) - IN_PARAGRAPH_10,
    "extra=paragraph:10&extra=paragraph:3": IN_PARAGRAPH_10 | IN_PARAGRAPH_3,
    "extra=paragraph:10&extra=paragraph:3&all_of=extra": set(),
    "extra=paragraph:10&extra=paragraph&all_of=extra": IN_PARAGRAPH_10,
    "measure=GAS+Volume&unit=m3": {GAS, DELIVERIES},
    "measure=calibre&unit=USD": set(),  # of another quantity of the same event
    "measure=calibre&unit=m&min_value=0.155": {ARTILLERY},
    "measure=contract+value&unit=USD&max_value=1": set(),
    "bbox=20.4651,44.8040,20.4651,44.8040": IN_BELGRADE,
    "bbox=20.4652,44.8040,180,90": set(),
    "bbox=20.4652,-90,180,90": EAST_OF_BELGRADE,
    "bbox=18.8,42.2,23.0,46.2": IN_BELGRADE | {HIGHWAY},
    "bbox=170,-90,-70,90": {IN_NEW_YORK},  # across the antimeridian
    "bbox=-70,-90,170,90": IN_BELGRADE | {HIGHWAY} | EAST_OF_BELGRADE,
    "bbox=-180,-90,180,90": {IN_NEW_YORK, HIGHWAY} | IN_BELGRADE | EAST_OF_BELGRADE,
    "bbox=180,-90,-180,90": set(),  # the antimeridian itself
    # As maps send them that were scrolled around the earth.
    "bbox=-190,-90,-70,90": {IN_NEW_YORK},
    "bbox=170,-90,290,90": {IN_NEW_YORK},
    "bbox=-339.5349,44.8040,-339.5349,44.8040": IN_BELGRADE,
    "bbox=380.4651,44.8040,20.4651,44.8040": IN_BELGRADE,
    "bbox=-200,-90,-170,90": set(),
    "bbox=190,-90,-200,90": {IN_NEW_YORK, HIGHWAY} | IN_BELGRADE | EAST_OF_BELGRADE,
    "bbox=-3600,-90,3600,90": {IN_NEW_YORK, HIGHWAY} | IN_BELGRADE | EAST_OF_BELGRADE,
    "bbox=5,-90,365,90": {IN_NEW_YORK, HIGHWAY} | IN_BELGRADE | EAST_OF_BELGRADE,
    "bbox=5,-90,5,90": set(),
    "q=howitzers": {ARTILLERY, "vucic-confirms-artillery-contract"},
    "q=HOWITZERS+nora": {ARTILLERY},
    "q=B-52": {ARTILLERY},
    "q=%22nora+b+52%22": {ARTILLERY},
    "q=%2252+nora%22": set(),
    "q=%22gas+supply+contract": {GAS},  # a quote that nobody closes
    "q=how*": {ARTILLERY, "vucic-confirms-artillery-contract"},
    "q=ho*": set(),  # a whole word: too short for a prefix
    "q=slepcevic": {HIGHWAY},
    "q=socar+turan": set(),
    "q=ceenergy": {INTERCONNECTOR},  # a publisher
    "q=*": set(),
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


def test_a_filter_finds_exactly(client: TestClient) -> None:
    """The events that `seed/events.toml` says, in timeline order, and their number."""

    def check(query: str) -> None:
        answer = client.get(f"/events?limit=200&{query}".rstrip("&"))
        assert answer.status_code == 200, answer.text
        expected = [event_id for event_id in TIMELINE if event_id in OF_THE_SEED[query]]
        assert [item["id"] for item in answer.json()["items"]] == expected
        assert answer.json()["total"] == len(expected)

    check_each(OF_THE_SEED, check)


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
    ("tag=enrgy", "tag", "energy"),
    ("tag=Arms+Trade", "tag", "arms trade"),
    ("tag=armstrade", "tag", "arms trade"),
    ("publisher=Balkan+Insigh", "publisher", "Balkan Insight"),
    ("publisher=balkan-insigt", "publisher", "balkan-insight"),
]


UNKNOWN_AMOUNTS = [
    ("unit=bcmm", "unit", "bcm"),
    ("unit=usd&min_value=1", "unit", "USD"),
    ("measure=gas+volum", "measure", "gas volume"),
    ("measure=calbre&unit=mm", "measure", "calibre"),
]


@pytest.mark.parametrize(("query", "name", "suggestion"), UNKNOWN_AMOUNTS)
def test_a_unit_or_measure_that_nothing_is_counted_in_is_an_error(
    client: TestClient, query: str, name: str, suggestion: str
) -> None:
    """With the nearest that is known; case counts in a unit, and not in a measure."""
    (fault,) = refused(client, query)
    assert (fault["name"], fault["suggestion"]) == (name, suggestion)


@pytest.mark.parametrize("mark", ["", "!"])
def test_a_value_that_does_not_exist_is_an_error_with_the_nearest_that_does(
    client: TestClient, mark: str
) -> None:
    """Also after `!`, and beside a value that exists."""

    def check(case: tuple[str, str, str]) -> None:
        query, name, suggestion = case
        for beside in ("", f"{name}={suggestion}&"):
            (fault,) = refused(client, beside + query.replace("=", f"={mark}"))
            assert (fault["name"], fault["suggestion"]) == (name, suggestion)

    check_each(UNKNOWN, check)


# A query, the parameter that the error names, what the message says, what it suggests.
SAID: list[tuple[str, str, str, str | None]] = [
    ("q=", "q", "leave the parameter out", None),
    ("cursor=", "cursor", "leave the parameter out", None),
    ("measure=", "measure", "leave the parameter out", None),
    ("unit=+", "unit", "leave the parameter out", None),
    ("limit=201", "limit", "1 to 200", None),
    ("limit=many", "limit", "1 to 200", None),
    (f"limit={'9' * 5000}", "limit", "1 to 200", None),
    ("min_publishers=0", "min_publishers", "1 to 1000", None),
    (f"unit=m&min_value={'1' * 31}", "min_value", "30 digits", None),
    (f"unit=m&max_value=0.{'1' * 31}", "max_value", "30 digits", None),
    ("type=contract,visit", "type", "type=contract&type=visit", None),
    ("type=!contract,visit", "type", "type=contract&type=visit", None),
    ("status=planned,ongoing", "status", "status=planned&status=ongoing", None),
    ("country=RS,AZ", "country", "country=RS&country=AZ", None),
    ("role=seller,+buyer", "role", "role=seller&role=buyer", None),
    ("measure=!calibre", "measure", "excludes nothing", "calibre"),
    ("unit=!m", "unit", "excludes nothing", "m"),
    ("date=!2023", "date", "excludes nothing", "2023"),
    ("known_by=!2023", "known_by", "excludes nothing", "2023"),
    ("related_to=!a", "related_to", "excludes nothing", "a"),
    ("bbox=1,2,3", "bbox", "west,south,east,north", None),
    ("bbox=1,a,3,4", "bbox", "south", None),
    ("bbox=1,2,20037508,4", "bbox", "east is not within -3600", None),
    ("bbox=1,2,3,90.5", "bbox", "north", None),
    ("bbox=1,4,3,2", "bbox", "south, the second", None),
    ("date=2023-11-01/15", "date", "whole date", "2023-11-01/2023-11-15"),
    ("date=2020..2021", "date", "Two dots", "2020/2021"),
    ("date=..2020", "date", "Two dots", "../2020"),
    ("date=circa+2020", "date", "not an EDTF date", None),
    ("date=Nov+2023", "date", "numbers", "2023-11"),
    ("known_by=2020/..", "known_by", "no last day", None),
    ("sort=dtae", "sort", "-date", "date"),
    ("total=exacct", "total", "none", "exact"),
    ("date=2023&match=certian", "match", "possible", "certain"),
    ("fields=id,tilte", "fields", "'tilte'", "id,title"),
    ("fields=id,zzzzz", "fields", "'zzzzz'", None),
    ("extra=paragraph:11", "extra", "own fields: paragraph", "paragraph:1"),
    ("extra=paragraf", "extra", "own fields: paragraph", "paragraph"),
    ("extra=paragraph%3D10", "extra", "NAME:VALUE", "paragraph:10"),
    ("extra=paragraph:", "extra", "NAME:VALUE", None),
    ("extra=:10", "extra", "NAME:VALUE", None),
    ("extra=The+paragraph:10", "extra", "NAME:VALUE", None),
    ("country=Kosovo", "country", "alpha-2", "XK"),
    ("country=Serbia", "country", "alpha-2", "RS"),
    ("country=Atlantis", "country", "alpha-2", None),
    ("tag=xyzzy", "tag", "there is no tag 'xyzzy'", None),
    ("publisher=No+Such+Paper", "publisher", "there is no publisher 'No Such Paper'", None),
    ("publisher=Turan,Balkan+Insight", "publisher", "publisher=Turan&publisher=Balkan", None),
    ("unit=$", "unit", "ISO 4217", "USD"),
    ("unit=dollars", "unit", "ISO 4217", "USD"),
    ("unit=€", "unit", "ISO 4217", "EUR"),
    ("unit=Serbian+dinar", "unit", "ISO 4217", "RSD"),
    ("unit=tonnes", "unit", "bcm", "t"),
    ("unit=metres", "unit", "bcm", "m"),
    ("unit=KM2", "unit", "bcm", "km2"),
    ("unit=cubic+meters", "unit", "bcm", "m3"),
    ("unit=nonsense", "unit", "bcm", None),
]


def test_an_error_says_what_is_wrong_and_suggests_only_what_would_be_right(
    client: TestClient,
) -> None:
    """The suggestion is a value; without one that is near, there is none."""

    def check(case: tuple[str, str, str, str | None]) -> None:
        query, name, message, suggestion = case
        (fault,) = refused(client, query)
        assert fault["name"] == name
        assert message in fault["message"]
        assert fault.get("suggestion") == suggestion
        assert "did you mean" not in fault["message"]

    check_each(SAID, check)


def test_all_values_that_do_not_exist_are_told_at_once(client: TestClient) -> None:
    """A client mends them together."""
    query = "type=contarct&type=visti&actor=sebia&status=complete&unit=bcmm&related_to=none"
    faults = [(fault["name"], fault.get("suggestion")) for fault in refused(client, query)]
    assert sorted(faults, key=str) == [
        *(("actor", "serbia"), ("related_to", None), ("status", "completed")),
        *(("type", "contract"), ("type", "visit"), ("unit", "bcm")),
    ]


def test_blanks_around_the_numbers_of_a_box_are_forgiven(client: TestClient) -> None:
    """People write them behind commas."""
    assert found(client, bbox="18.8, 42.2, 23.0, 46.2") == found(client, bbox="18.8,42.2,23.0,46.2")


@pytest.mark.parametrize(("path", "allowed"), [("/facets", "publisher"), ("/histogram", "quarter")])
def test_a_parameter_that_is_needed_says_that_it_is_missing(
    client: TestClient, path: str, allowed: str
) -> None:
    """And what is allowed."""
    (fault,) = client.get(path).json()["errors"]
    assert "missing" in fault["message"]
    assert allowed in fault["message"]


def test_a_list_between_commas_says_how_to_repeat(client: TestClient) -> None:
    """Also of what to count by."""
    (fault,) = client.get("/facets?by=type,actor").json()["errors"]
    assert "by=type&by=actor" in fault["message"]


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


NO_DECIMALS = ("a", "1e3", "0x1", "1,5", "1.", ".5", "%2B1", "NaN", "Infinity", "1" * 31, "½", "٣")
NO_BOXES = (
    *("1,2,3", "1,2,3,4,5", "1,2,3,", "a,2,3,4", "1;2;3;4", "1 2 3 4", "NaN,0,1,1", ",,,"),
    *("0,0,Infinity,1", "-3600.1,0,1,1", "0,-90.1,1,1", "0,0,3600.1,1", "0,0,1,90.1", "0,2,1,1"),
)
REFUSED = {
    **{f"{name}=": name for name in EventQuery.model_fields if name != "match"},
    "date=2023&match=": "match",
    "match=certain": "match",
    "all_of=tag": "all_of",
    "tag=energy&all_of=tga": "all_of",
    "type=visit&type=contract&all_of=type": "all_of",
    "status=planned&all_of=status": "all_of",
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
    "known_by=2023?": "known_by",
    "known_by=[..2023]": "known_by",
    "known_by=yesterday": "known_by",
    "known_by=2024/..": "known_by",
    "known_by=2024/": "known_by",
    "date=XXXX-11": "date",
    "min_publishers=0": "min_publishers",
    "min_publishers=-1": "min_publishers",
    "min_publishers=two": "min_publishers",
    "min_publishers=1.5": "min_publishers",
    "min_value=1": "min_value",
    "max_value=1&measure=calibre": "max_value",
    **{f"unit=m&min_value={bad}": "min_value" for bad in NO_DECIMALS},
    **{f"unit=m&max_value={bad}": "max_value" for bad in NO_DECIMALS},
    "unit=m&min_value=2&max_value=1.999": "min_value",
    **{f"bbox={bad}": "bbox" for bad in NO_BOXES},
    "sort=relevance": "sort",
    "sort=relevance&date=2023": "sort",
    "sort=-relevance&q=gas": "sort",
    "q=gas&q=oil": "q",
    f"q={'x' * 501}": "q",
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


def test_what_a_query_cannot_mean_is_an_error_that_names_the_parameter(
    client: TestClient,
) -> None:
    """No filter is silently ignored."""

    def check(case: tuple[str, str]) -> None:
        query, name = case
        assert [fault["name"] for fault in refused(client, query)] == [name]

    check_each(REFUSED.items(), check)


# -- search, facets and histogram, on the seed data -----------------------------------------------


@pytest.mark.parametrize("spelt", ["Vučić", "VUČIĆ", "vučić", "Vuc\u030cic\u0301", "VUCIC"])
def test_two_spellings_are_one_word(client: TestClient, spelt: str) -> None:
    """Case and diacritics, however they are written down."""
    plain = found(client, q="vucic")
    assert {"vucic-congratulates-aliyev", "vucic-bayramov-talks"} <= plain.keys()
    assert found(client, q=spelt) == plain


def test_a_word_in_the_title_comes_first(client: TestClient) -> None:
    """By relevance; the same events as in any other order."""
    ranked = list(found(client, q="gas", sort="relevance"))
    assert sorted(ranked) == sorted(found(client, q="gas"))
    titles = {item["id"]: item["title"] for item in items(walk(client, "/events"))}
    named = ["gas" in titles[event_id].lower().split() for event_id in ranked]
    assert named == sorted(named, reverse=True)
    assert 0 < sum(named) < len(named)


def test_facets_say_how_many_events_each_value_would_find(client: TestClient) -> None:
    """Together with the filter; every event has one type and here one status."""
    answer = client.get("/facets?by=type&by=status&by=type&date=2023").json()
    assert list(answer["facets"]) == ["type", "status"]
    assert answer["total"] == len(found(client, date="2023"))
    for name, values in answer["facets"].items():
        assert sum(value["count"] for value in values) == answer["total"]
        for value in values:
            assert len(found(client, date="2023", **{name: value["value"]})) == value["count"]


DRILLED: list[tuple[dict[str, list[str]], str]] = [
    ({"actor": ["serbia"]}, "role"),
    ({"actor": ["serbia", "azerbaijan"]}, "role"),
    ({"actor": ["serbia", "azerbaijan"], "role": ["!party"]}, "role"),
    ({"role": ["seller"]}, "actor"),
    ({"role": ["seller", "party", "!visitor"]}, "actor"),
]


@pytest.mark.parametrize(("query", "by"), DRILLED, ids=str)
def test_a_count_of_roles_or_actors_is_what_asking_for_the_value_finds(
    client: TestClient, query: dict[str, list[str]], by: str
) -> None:
    """Of roles those of the actors asked for, of actors those in a role asked for."""
    answer = client.get("/facets", params={**query, "by": by}).json()
    assert answer["facets"][by]
    for value in answer["facets"][by]:
        further = {**query, by: [*query.get(by, []), value["value"]]}
        assert len(found(client, **further)) == value["count"], further


def test_facets_are_cut_at_their_limit(client: TestClient) -> None:
    """The commonest stay, and of equally common ones the first by their value."""
    whole = client.get("/facets?by=actor").json()["facets"]["actor"]
    assert whole == sorted(whole, key=lambda value: (-value["count"], value["value"]))
    assert whole[0]["label"] == whole[0]["value"].title()
    assert client.get("/facets?by=actor&limit=3").json()["facets"]["actor"] == whole[:3]


# An interval and a date, and the labels with first and last day of the first and the last bucket.
SPANS = {
    ("year", "2022-06/2023"): (
        ("2022", "2022-01-01", "2022-12-31"),
        ("2023", "2023-01-01", "2023-12-31"),
    ),
    ("quarter", "2023-06/2023-07"): (
        ("Q2 2023", "2023-04-01", "2023-06-30"),
        ("Q3 2023", "2023-07-01", "2023-09-30"),
    ),
    ("month", "2024-02/2024-03-01"): (
        ("February 2024", "2024-02-01", "2024-02-29"),
        ("March 2024", "2024-03-01", "2024-03-31"),
    ),
    ("week", "2021-01-03/2024-12-31"): (  # ISO 8601: a Sunday in 2020's last week, a Tuesday
        ("week 53 of 2020", "2020-12-28", "2021-01-03"),
        ("week 1 of 2025", "2024-12-30", "2025-01-05"),
    ),
    ("day", "2024-02-28/2024-03-01"): (
        ("28 February 2024", "2024-02-28", "2024-02-28"),
        ("1 March 2024", "2024-03-01", "2024-03-01"),
    ),
    ("decade", "2019-12/2023"): (
        ("2010–2019", "2010-01-01", "2019-12-31"),
        ("2020–2029", "2020-01-01", "2029-12-31"),
    ),
    ("century", "1999/2000"): (
        ("1900–1999", "1900-01-01", "1999-12-31"),
        ("2000–2099", "2000-01-01", "2099-12-31"),
    ),
    ("millennium", "-0001/2024"): (
        ("1001 BC–2 BC", "-1000-01-01", "-0001-12-31"),
        ("2000–2999", "2000-01-01", "2999-12-31"),
    ),
    ("century", "-9999/9999"): (  # as much as the calendar has of it
        ("10000 BC–9902 BC", "-9999-01-01", "-9901-12-31"),
        ("9900–9999", "9900-01-01", "9999-12-31"),
    ),
    ("year", "-0001/0001"): (
        ("2 BC", "-0001-01-01", "-0001-12-31"),
        ("AD 1", "0001-01-01", "0001-12-31"),
    ),
}


@pytest.mark.parametrize(("interval", "date"), SPANS)
def test_a_bucket_is_a_whole_calendar_span(client: TestClient, interval: str, date: str) -> None:
    """Also where the date asked for begins or ends within it."""
    answer = client.get("/histogram", params={"interval": interval, "date": date}).json()
    shown = [(b["label"], b["start"], b["end"]) for b in answer["buckets"]]
    assert (shown[0], shown[-1]) == SPANS[interval, date]


@pytest.mark.parametrize("date", ["9999-12-31", "-9999-01-01"])
def test_a_bucket_at_the_edge_of_the_calendar_can_be_asked_for(
    client: TestClient, date: str
) -> None:
    """The rest of its week lies where no date does."""
    asked = {"interval": "week", "date": date}
    (bucket,) = client.get("/histogram", params=asked).json()["buckets"]
    assert date in (bucket["start"], bucket["end"])
    span = f"{bucket['start']}/{bucket['end']}"
    assert client.get("/events", params={"date": span}).status_code == 200


def test_weeks_are_those_of_iso_8601(client: TestClient) -> None:
    """Monday to Sunday, none left out, numbered as `datetime` numbers them."""
    answer = client.get("/histogram?interval=week&date=1995/2030").json()
    assert len(answer["buckets"]) > 36 * 52
    monday = day.fromisoformat(answer["buckets"][0]["start"])
    for bucket in answer["buckets"]:
        year, week, weekday = monday.isocalendar()
        assert (bucket["start"], weekday) == (monday.isoformat(), 1)
        assert bucket["label"] == f"week {week} of {year}"
        monday += timedelta(days=7)


def test_a_histogram_counts_what_the_list_of_each_bucket_finds(client: TestClient) -> None:
    """Possible and certain, bucket by bucket; without a date from the first to the last day."""
    answer = client.get("/histogram?interval=year&actor=serbia").json()
    assert answer["interval"] == "year"
    assert [b["label"] for b in answer["buckets"]] == [str(y) for y in range(2013, 2025)]
    for bucket in answer["buckets"]:
        matches = Counter(found(client, actor="serbia", date=bucket["label"]).values())
        assert bucket["certain"] == matches["certain"]
        assert bucket["possible"] == matches.total()


def test_a_histogram_of_nothing_is_empty_or_zero(client: TestClient) -> None:
    """Without a date there is nothing to show; with one, zeros."""
    assert client.get("/histogram?interval=year&country=JP").json()["buckets"] == []
    buckets = client.get("/histogram?interval=month&country=JP&date=2023").json()["buckets"]
    assert [(b["certain"], b["possible"]) for b in buckets] == [(0, 0)] * 12


# Dates of a chronology; how many of them name no year, and the years that the others span.
YEARS = {
    ("XXXX", "2013", "2024"): (1, 2013, 2024),
    ("XXXX",): (1, None, None),
    ("-XXXX", "XXXX-12", "[..1983,1985..]", "../XXXX", "XXXX/..", "XXXX/XXXX"): (6, None, None),
    ("-XXXX/..", "2001-05-01"): (0, 2001, 2001),  # certain in 2001, and names no year
    ("1XXX",): (0, 1000, 1999),
    ("0XXX",): (0, 0, 999),
    ("9XXX",): (0, 9000, 9999),
    ("-1XXX",): (0, -1999, -1000),
    ("19XX", "20XX"): (0, 1900, 2099),
    ("[..2024]", "2020"): (0, 2020, 2024),
    ("2024/..", "XXXX"): (1, 2024, 2024),
    ("../2020", "/2021", "2019/"): (0, 2019, 2021),
    ("1984/XXXX",): (0, 1984, 1984),
    ("XXXX/2020",): (0, 2020, 2020),
    ("{1960,1961-12..}",): (0, 1960, 1960),
    ("[2022-11-21..2022-11-23]", "2020-08~", "2021?"): (0, 2020, 2022),
    ("-0500", "0500"): (0, -500, 500),
    ("0000", "9999"): (0, 0, 9999),
    ("0001/9999",): (0, 1, 9999),
    ("-9999", "2024"): (0, -9999, 2024),
}


def ends(bucket: Mapping[str, Any]) -> tuple[int, int]:
    """The years of its first and its last day."""
    first, last = (int(bucket[end][: -len("-01-01")]) for end in ("start", "end"))
    return first, last


def test_dates_that_name_no_year_are_counted_apart(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """They stretch no range; what a list of a span finds is `possible` and `undated` together."""
    files = SqliteStores(tmp_path_factory.mktemp("years"))
    url = files.new(migrated(files))
    tagged = [(edtf, f"row-{n}") for n, edtfs in enumerate(YEARS) for edtf in edtfs]
    with opened(url) as store, store.write() as session:
        writes.create_events(session, BY, list(events_of(session, tagged)))
    wrong = []
    with TestClient(create_app(Settings(database_url=url))) as client:
        for number, (edtfs, (undated, first, last)) in enumerate(YEARS.items()):
            asked = {"tag": f"row-{number}", "interval": "year"}
            answer = client.get("/histogram", params=asked)
            span = 1
            if first is not None and last is not None and last - first >= 5000:
                assert answer.json()["errors"][0]["suggestion"] == "decade", edtfs
                answer = client.get("/histogram", params={**asked, "interval": "decade"})
                span = 10
            told = answer.json()
            years = [ends(bucket) for bucket in told["buckets"]]
            shown = (told["undated"], *((years[0][0], years[-1][1]) if years else (None, None)))
            aligned = (
                undated,
                None if first is None else max(first // span * span, -9999),
                None if last is None else last // span * span + span - 1,
            )
            if shown != aligned:
                wrong.append((edtfs, shown))
            for bucket in (*told["buckets"][:1], *told["buckets"][-1:]):
                date = f"{bucket['start']}/{bucket['end']}"
                matches = Counter(found(client, tag=asked["tag"], date=date).values())
                if matches.total() != bucket["possible"] + told["undated"]:
                    wrong.append((edtfs, bucket))
                if matches["certain"] != bucket["certain"]:
                    wrong.append((edtfs, bucket))
    assert wrong == []


TOO_MANY = [
    ("day", "2000/2013", "week"),
    ("day", "0001/1000", "quarter"),
    ("week", "1000/3000", "year"),
    ("year", "-9999/9999", "decade"),
]


@pytest.mark.parametrize(("interval", "date", "suggestion"), TOO_MANY)
def test_too_many_buckets_are_an_error_that_names_an_interval_that_fits(
    client: TestClient, interval: str, date: str, suggestion: str
) -> None:
    """The finest that makes 5,000 at most."""
    answer = client.get("/histogram", params={"interval": interval, "date": date})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["name"], fault["suggestion"]) == ("interval", suggestion)
    fitting = client.get("/histogram", params={"interval": suggestion, "date": date})
    assert fitting.status_code == 200


def test_five_thousand_buckets_are_not_too_many(client: TestClient) -> None:
    """One more is."""
    for last, number in (("2013-09-08", 5000), ("2013-09-09", None)):
        answer = client.get(f"/histogram?interval=day&date=2000-01-01/{last}")
        assert answer.status_code == (422 if number is None else 200)
        assert number is None or len(answer.json()["buckets"]) == number


NOT_COUNTED = {
    "/facets": ("by", None),
    "/facets?by=": ("by", None),
    "/facets?by=tpye": ("by", "type"),
    "/facets?by=type&by=actors": ("by", "actor"),
    "/facets?by=type&limit=0": ("limit", None),
    "/facets?by=type&sort=date": ("sort", None),
    "/facets?by=type&tpye=visit": ("tpye", "type"),
    "/facets?by=type&match=certain": ("match", None),
    "/histogram": ("interval", None),
    "/histogram?interval=": ("interval", None),
    "/histogram?interval=yaer": ("interval", "year"),
    "/histogram?interval=year&interval=month": ("interval", None),
    "/histogram?interval=year&by=type": ("by", None),
    "/histogram?interval=year&unit=bcmm": ("unit", "bcm"),
}


@pytest.mark.parametrize("address", NOT_COUNTED)
def test_what_cannot_be_counted_is_an_error_that_names_the_parameter(
    client: TestClient, address: str
) -> None:
    """With what would be right, where something is near."""
    answer = client.get(address)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    name, near = NOT_COUNTED[address]
    assert fault["name"] == name
    assert fault.get("suggestion") == near


VOCABULARY = {
    "/actors?q=SERB*": {"serbia"},
    "/actors?q=vucic": {"aleksandar-vucic"},
    "/places?q=sabac": {"sabac"},
    "/tags?q=%22natural+gas%22": {"natural-gas"},
    "/publishers?q=balkan+insight": {"balkan-insight"},
    "/publishers?q=balk": {"balkan-insight", "balkan-green-energy-news"},
    "/publishers?q=balk+insight": set(),  # not the last word
    "/publishers?q=ba*+insi": {"balkan-insight"},
    "/publishers?q=insight+balk": {"balkan-insight"},
    "/publishers?q=%22balkan+insi%22": set(),
    "/publishers?q=%22balkan+insi": {"balkan-insight"},
    "/actors?q=ser": {"serbia"},
    "/actors?q=SER+-": {"serbia"},
    "/actors?q=aleksandar+v": {"aleksandar-vucic"},
    "/actors?q=aleksandar+V%C5%BE": set(),
    "/places?q=%C5%A1": {"sabac", "slepcevic"},
    "/places?q=%25": set(),
    "/places?q=_": set(),
    "/types?q=nothing": set(),
}


@pytest.mark.parametrize("address", VOCABULARY)
def test_a_vocabulary_is_searched_as_events_are(client: TestClient, address: str) -> None:
    """By the words of each record; the total counts what is found."""
    answer = client.get(address).json()
    assert {item["id"] for item in answer["items"]} == VOCABULARY[address]
    assert answer["total"] == len(VOCABULARY[address])


@pytest.mark.parametrize("name", ["types", "actors", "places", "tags", "publishers", "sources"])
def test_an_empty_parameter_of_a_vocabulary_is_an_error(client: TestClient, name: str) -> None:
    """As of events: leave out what is not meant."""
    for parameter in ("q", "cursor", "limit", "total"):
        answer = client.get(f"/{name}?{parameter}=")
        assert answer.status_code == 422, answer.text
        assert [fault["name"] for fault in answer.json()["errors"]] == [parameter]


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
