"""The pages as they are served: every state is a URL, in plain HTML, for people who slip too."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from app import models
from app.filters import EventFilter
from app.formats import FORMATS
from app.languages import ENGLISH
from app.main import create_app
from app.settings import Settings
from app.web.pages import load_pages
from app.web.view import FACET_HEADINGS, INVERSE, PARAMETER_NAMES
from stores import SqliteStores, migrated, seeded

GAS = "serbia-azerbaijan-gas-contract"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "a type": {"type": "contract"},
    "two actors": {"actor": ["serbia", "socar"]},
    "what is excluded": {"type": "!statement", "actor": "!armenia"},
    "a window": {"date": "2023-11"},
    "a window for certain": {"date": "2023", "match": "certain"},
    "words": {"q": "gas"},
    "what was known": {"known_by": "2022-11-23"},
    "a publisher by name": {"publisher": "Balkan Insight"},
    "no field of the form": {"country": "AM", "min_publishers": "1", "role": "belligerent"},
    "nothing": {"date": "1850"},
}


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the words in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.said: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        """All that is said, white space folded."""
        return " ".join(" ".join(self.said).split())

    def of(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of the elements of this name that have these."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [own for name, own in self.found if name == tag and wanted.items() <= own.items()]

    @property
    def events(self) -> list[str]:
        """Ids of the events that are listed, in order."""
        listed = (own.get("id", "") for own in self.of("article"))
        return [name.removeprefix("event-") for name in listed if name.startswith("event-")]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Who reads the example chronology, and follows no redirect."""
    files = SqliteStores(tmp_path_factory.mktemp("pages"))
    settings = Settings(database_url=seeded(files, migrated(files)))
    with TestClient(create_app(settings), headers=BROWSER, follow_redirects=False) as made:
        yield made


def page(reader: TestClient, path: str = "/", **asked: Any) -> Elements:
    """A page that is there."""
    answer = reader.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Elements(answer.text)


# -- what it shows --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/embed"])
@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_it_lists_what_the_api_lists(reader: TestClient, path: str, asked: dict[str, Any]) -> None:
    """The same filter, the same events, in the same order, and the same total."""
    listed = reader.get("/events", params=asked).json()
    shown = page(reader, path, **asked)
    assert shown.events == [event["id"] for event in listed["items"]]
    said = "33 events" if listed["total"] == 33 else f"{listed['total']} of 33 events"
    assert said in shown.text


def test_an_event_is_told_with_its_sources(reader: TestClient) -> None:
    """Date, title, summary, actors with their parts, quantities, and who reported it."""
    said = page(reader, source="balkan-insight-2023-11-15").text
    for words in (
        "November 2023",
        "Srbijagas and SOCAR signed gas supply contract",
        "Srbijagas buyer",
        "gas volume 400 million cubic meters of natural gas",
        "Balkan Insight Balkan Green Energy News + 1 more sources of Srbijagas and SOCAR",
    ):
        assert words in said


def test_a_source_that_all_share_is_named_once(reader: TestClient) -> None:
    """Above the list; with two events each has its own."""
    shared = "Azerbaijan and Serbia Expand Defense Partnership"
    text = page(reader, view="list").text
    assert text.count(shared) == 1
    assert f"Every event here cites Eurasia Daily Monitor , {shared}" in text
    assert "+ 1 more" not in text
    assert "Every event here" not in page(reader, type="contract").text


def test_rows_are_full_or_compact(reader: TestClient) -> None:
    """Compact ones have dates, titles and sources; the switch keeps the filter."""
    full, compact = page(reader, type="visit"), page(reader, type="visit", rows="compact")
    assert compact.events == full.events
    assert "Aleksandar Vučić sender" in full.text
    assert "Aleksandar Vučić sender" not in compact.text
    links = [own["href"] for own in compact.of("a")]
    assert "./?type=visit" in links
    assert "./?type=visit&rows=compact" in [own["href"] for own in full.of("a")]
    assert reader.get("/?rows=short").status_code == 422


def test_a_source_without_a_publisher_gets_no_invented_one(reader: TestClient) -> None:
    """It is said to be unknown."""
    assert "unknown publisher" in page(reader, source="unknown-publisher-2023-12-13").text


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_counts_are_those_that_a_choice_would_find(
    reader: TestClient, asked: dict[str, Any]
) -> None:
    """Each value's, with it in place of what is chosen of its kind."""
    shown = page(reader, **asked)
    boxes = [own for own in shown.of("input", type="checkbox") if own["name"] in FACET_HEADINGS]
    counts = [
        int(n) for n in re.findall(r'class="count">(\d+)<', reader.get("/", params=asked).text)
    ]
    assert len(boxes) == len(counts)
    for own, count in list(zip(boxes, counts, strict=True))[::5]:
        excluded = [v for v in [asked.get(own["name"], "")] if str(v).startswith("!")]
        chosen = {**asked, own["name"]: [own["value"], *excluded]}
        assert reader.get("/events", params=chosen).json()["total"] == count


def test_a_chosen_value_stays_where_nothing_bears_it(reader: TestClient) -> None:
    """Or it could not be taken back."""
    (box,) = page(reader, type="contract", date="1850").of("input", name="type", value="contract")
    assert "checked" in box


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_the_form_says_the_whole_filter(reader: TestClient, asked: dict[str, Any]) -> None:
    """Sent as it stands it asks the same again, also for what it has no field for."""
    sent = []
    for own in page(reader, **asked).of("input"):
        if own.get("name") and (own["type"] != "checkbox" or "checked" in own):
            sent.append((own["name"], own.get("value", "")))
    again = reader.get(f"/?{urlencode(sent)}")
    target = dict.fromkeys(parse_qsl(urlsplit(again.headers.get("Location", "")).query))
    wanted = [
        (n, v) for n, given in asked.items() for v in ([given] if isinstance(given, str) else given)
    ]
    assert set(target or sent) - {pair for pair in sent if not pair[1]} >= set(wanted)
    assert {pair for pair in target or sent if pair[1]} == set(wanted)


def test_each_filter_in_force_can_be_taken_back(reader: TestClient) -> None:
    """By a link to the same state without it."""
    answer = reader.get(
        "/", params={"type": ["contract", "visit"], "date": "2023", "match": "certain"}
    )
    chips = answer.text.split('id="chips"')[1].split("</ul>")[0]
    links = [own["href"] for own in Elements(chips).of("a")]
    assert "./?date=2023&match=certain&type=visit" in links
    assert "./?type=contract&type=visit" in links


def test_every_parameter_has_words_for_a_reader() -> None:
    """Its name if that is a word, or else some in PARAMETER_NAMES; they name no other."""
    names = {name for name in EventFilter.model_fields if "_" in name}
    assert sorted(names - PARAMETER_NAMES.keys()) == []
    assert sorted(PARAMETER_NAMES.keys() - EventFilter.model_fields) == []


@pytest.mark.parametrize(
    ("asked", "date"),
    [
        ("from=2023-01-01&until=2023-12-31", "2023"),
        ("from=2023-11-15", "2023-11-15/.."),
        ("until=2023-12-31", "../2023"),
        ("from=&until=&date=2023-11", "2023-11"),
        ("from=2023-01-01&until=&date=19XX", "19XX"),  # what is written out is meant
    ],
)
def test_the_days_of_the_form_are_one_date(reader: TestClient, asked: str, date: str) -> None:
    """Which a redirect says; the form has them again, as far as a date field can say them."""
    answer = reader.get(f"/?{asked}&type=visit")
    assert answer.status_code == 303
    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert query == {"date": date, "type": "visit"}


@pytest.mark.parametrize(
    ("date", "fields"),
    [
        ("2023", ["2023-01-01", "2023-12-31", ""]),
        ("2023-11/..", ["2023-11-01", "", ""]),
        ("-0044/2023", ["", "", "-0044/2023"]),
        ("0000", ["", "", "0000"]),
    ],
)
def test_a_date_stands_in_the_form_once(reader: TestClient, date: str, fields: list[str]) -> None:
    """As two days, or else as it was written."""
    shown = page(reader, date=date)
    inputs = {own.get("name"): own["value"] for own in shown.of("input") if "value" in own}
    assert [inputs[name] for name in ("from", "until", "date")] == fields


def test_all_of_several_values_can_be_asked_for(reader: TestClient) -> None:
    """Then each count is that of events with the chosen ones, too."""
    both: dict[str, Any] = {"actor": ["ilham-aliyev", "serbia"]}
    assert "Events with any of these" in page(reader, **both).text
    html = reader.get("/", params={**both, "all_of": "actor"}).text
    assert "Events with all of these" in html
    for value in ("azerbaijan", "aleksandar-vucic"):
        number = re.search(rf'value="{value}".*?class="count">(\d+)<', html, re.S)
        assert number
        asked = {"actor": [*both["actor"], value], "all_of": "actor"}
        assert int(number[1]) == reader.get("/events", params=asked).json()["total"]


@pytest.mark.parametrize(
    "asked",
    [
        *("unit=m3&min_value=5&max_value=1000000000", "q=gas&sort=relevance"),
        *("date=2023&match=certain", "tag=energy&all_of=tag", "tag=energy&tag=trade&all_of=tag"),
    ],
)
def test_what_is_taken_back_takes_along_what_needs_it(reader: TestClient, asked: str) -> None:
    """No link of the page leads to an error."""
    chips = reader.get(f"/?{asked}").text.split('id="chips"')[1].split("</ul>")[0]
    links = [own["href"] for own in Elements(chips).of("a")]
    assert [link for link in links if reader.get(urljoin("/", link)).status_code != 200] == []


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_what_is_chosen_can_be_taken_back_in_the_form(reader: TestClient, status: str) -> None:
    """Also where nothing bears it, and it has no other name."""
    (box,) = page(reader, status=status, date="1850").of("input", name="status", value=status)
    assert "checked" in box


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_the_steps_of_the_replay_count_what_is_found(
    reader: TestClient, asked: dict[str, Any]
) -> None:
    """By each day, with the rest of the filter."""
    rest = {name: value for name, value in asked.items() if name != "known_by"}
    for own in [own for own in page(reader, **asked).of("li") if own.get("data-day")][-3:]:
        found = reader.get("/events", params={**rest, "known_by": own["data-day"]}).json()
        assert found["total"] == int(own["data-known"])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"date": "2023"},
        {"date": "2023-11-15/2024-02-03"},
        {"date": "2010-05-17/2023-03-02", "type": "visit"},
        {"date": "2023-11-10/.."},
        {"actor": "socar", "match": "certain", "date": "2023-06-15/2024"},
    ],
)
def test_a_bar_says_what_its_click_finds(reader: TestClient, asked: dict[str, str]) -> None:
    """Those at the edges, too, and the names below them."""
    html = reader.get("/", params=asked).text
    said = r": (\d+) events?(?:, (\d+) surely)?"
    told = re.findall(rf'href="([^"]*date=[^"]*)"[^>]*>\s*<title>[^<]*{said}', html)
    told += re.findall(rf'href="([^"]*date=[^"]*)" aria-label="[^"]*{said}', html)
    assert told
    for link, possible, certain in [*told[:20], *told[-16:]]:
        query = dict(parse_qsl(urlsplit(unescape(link)).query))
        number = int(certain or possible if query.get("match") == "certain" else possible)
        assert reader.get("/events", params=query).json()["total"] == number


def test_later_pages_follow_by_a_link(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the end, each event once."""
    monkeypatch.setattr("app.web.query.PAGE_EVENTS", 10)
    seen, target = [], "/"
    while target:
        shown = Elements(reader.get(target).text)
        seen += shown.events
        target = next((urljoin("/", own["href"]) for own in shown.of("a", rel="next")), "")
    listed = reader.get("/events", params={"limit": 200}).json()["items"]
    assert seen == [event["id"] for event in listed]


def test_a_store_without_events_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    """How to bring events in, by links that lead somewhere; and its form speaks of no example."""
    url = migrated(SqliteStores(tmp_path_factory.mktemp("empty")))
    with TestClient(create_app(Settings(database_url=url)), headers=BROWSER) as empty:
        for path in ("/", "/embed"):
            shown = page(empty, path)
            assert "No events yet. Import a file , or add one ." in shown.text
            assert "passes all of these filters" not in shown.text
        guides = [own["href"] for own in shown.of("a") if own["href"].startswith("docs#")]
        assert len(guides) == 2
        operations = {
            operation["operationId"]
            for path in empty.get("/openapi.json").json()["paths"].values()
            for operation in path.values()
        }
        assert {guide.split("/")[-1] for guide in guides} <= operations
        assert "gas" not in empty.get("/").text


def test_a_long_number_can_be_read() -> None:
    """By thousands, in the heading of a list and in its counts."""
    parts: Any = load_pages(ENGLISH).get_template("parts.html").make_module()
    view = SimpleNamespace(total=10033, all_events=1234567)
    assert "10,033 of 1,234,567 events" in str(parts.found(view))


def test_the_links_of_a_frame_lead_out_of_it(reader: TestClient) -> None:
    """But for zooming, which has a way back: a frame narrowed by a click was a dead end."""
    shown = page(reader, "/embed", type="visit")
    inside = [own["href"] for own in shown.of("a") if own.get("target") != "_blank"]
    kept = {"type": "visit"}
    for link in inside:
        asked = dict(parse_qsl(urlsplit(link).query))
        assert {**asked, **kept} == asked
        assert set(asked) <= {"type", "date"}
    outside = [own["href"] for own in shown.of("a", target="_blank")]
    assert "./?type=visit&actor=serbia" in outside


# -- the open event -------------------------------------------------------------------------------


def test_an_open_event_is_told_to_the_letter(reader: TestClient) -> None:
    """What the source said, the bounds, the quote, what each source backs, and its history."""
    said = page(reader, event=GAS).text
    for words in (
        "“In November 2023”",
        "Not before 1 November 2023 Not after 30 November 2023 EDTF 2023-11",
        "in November 2023, both countries signed a new energy deal",
        "Volume 21, Issue 31, paragraphs 1 and 5",
        "Backs type, date, actors",
        "Sources 2 independent publishers",
        "28 February 2024 or later for context",
        "implemented by Azerbaijani gas due in Serbia until the end of 2024",
        "Version 1 : created by dateline seed",
    ):
        assert words in said


def test_an_open_event_leads_to_its_neighbours(reader: TestClient) -> None:
    """In the order of the list, under the same filter; the first has none before it."""
    events = reader.get("/events", params={"type": "visit"}).json()["items"]
    ids = [event["id"] for event in events]
    for number, event_id in enumerate(ids):
        html = reader.get("/", params={"type": "visit", "event": event_id}).text
        shown = Elements(html.split('class="neighbours"')[1].split("</nav>")[0])
        near = [ids[n] for n in (number - 1, number + 1) if 0 <= n < len(ids)]
        assert [own["href"] for own in shown.of("a")] == [
            f"./?type=visit&event={other}" for other in near
        ]


def test_an_open_event_leaves_the_list_as_it_is(reader: TestClient) -> None:
    """The filter goes on, and closing leads back to it."""
    shown = page(reader, type="visit", event=GAS)
    assert GAS not in shown.events
    assert shown.events == page(reader, type="visit").events
    (close,) = [own["href"] for own in shown.of("a") if "data-close" in own]
    assert close == f"./?type=visit#event-{GAS}"


def test_an_event_is_presented_in_its_place(reader: TestClient) -> None:
    """With its number in the list, whatever its order, and links to those beside it."""
    events = reader.get("/events", params={"type": "visit", "sort": "-date"}).json()["items"]
    ids = [event["id"] for event in events]
    for number, event_id in enumerate(ids):
        shown = page(reader, type="visit", sort="-date", present=event_id)
        assert f"{number + 1} / {len(ids)}" in shown.text
        hrefs = {own.get("id"): own["href"] for own in shown.of("a")}
        for name, beside in (("to-previous", number - 1), ("to-next", number + 1)):
            there = 0 <= beside < len(ids)
            link = f"./?sort=-date&type=visit&present={ids[beside]}" if there else None
            assert sorted(hrefs.get(name, "")) == sorted(link or "")


def test_what_is_presented_need_not_be_in_the_list(reader: TestClient) -> None:
    """Then it has no number; an event that is not there is refused, in a page with a way on."""
    assert " / " not in page(reader, type="visit", present=GAS).text
    assert "No event passes" in page(reader, "/embed", view="present", q="nothing of it").text
    missing = reader.get("/", params={"present": "no-such-event", "type": "visit"})
    assert missing.status_code == 404
    assert 'href="./?type=visit"' in missing.text
    assert reader.get("/", params={"view": "present"}).status_code == 422


def test_a_frame_presents_from_the_first_event_on(reader: TestClient) -> None:
    """Within the frame."""
    shown = page(reader, "/embed", view="present")
    assert "1 / 33" in shown.text
    (following,) = shown.of("a", id="to-next")
    assert following["href"].startswith("embed?view=present&present=")
    assert "target" not in following


def test_every_relation_has_its_other_end() -> None:
    """A link is told from either side."""
    assert set(INVERSE) == set(models.RELATIONS)


def test_an_event_that_is_not_there_is_an_error(reader: TestClient) -> None:
    """With the nearest that is."""
    answer = reader.get("/", params={"event": "serbia-azerbaijan-gas-contrakt"})
    assert answer.status_code == 404
    assert GAS in Elements(answer.text).text


# -- for people who slip --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("q=&date=&known_by=&sort=date", "./"),
        ("q=gas&date=&type=contract&sort=date", "./?q=gas&type=contract"),
        ("match=certain&date=", "./"),
        ("all_of=tag&tag=", "./"),
        ("q=&sort=relevance&type=visit", "./?type=visit"),
        ("date=2023&match=possible", "./?date=2023"),
        ("utm_source=letter&type=visit&fbclid=x&gclid=y", "./?type=visit"),
        ("date=2023-11/..&q=", "./?date=2023-11/.."),
    ],
)
def test_empty_fields_and_marks_of_tracking_are_forgiven(
    reader: TestClient, sent: str, clean: str
) -> None:
    """By sending on to the clean URL, which then answers."""
    answer = reader.get(f"/?{sent}")
    assert (answer.status_code, answer.headers["Location"]) == (303, clean)
    assert reader.get(urljoin("/", clean)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/embed"])
@pytest.mark.parametrize(
    ("asked", "status", "remedy"),
    [
        ("tpye=contract", 422, "type=contract"),
        ("type=contrakt", 422, "type=contract"),
        ("date=2023-13", 422, ""),
        ("known_by=2023&known_by=2024", 422, ""),
        ("event=nothing-like-it", 404, ""),
        ("min_value=5", 422, ""),
    ],
)
def test_a_bad_filter_is_a_page_that_says_what_to_do(
    reader: TestClient, path: str, asked: str, status: int, remedy: str
) -> None:
    """With its status, and a link to what was meant, which works."""
    answer = reader.get(f"{path}?{asked}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    links = [own["href"] for own in Elements(answer.text).of("a")]
    assert all(reader.get(urljoin("/", link)).status_code == 200 for link in links)
    assert any(remedy in link for link in links)


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Nov 2023", "date : Months are written as numbers: write 2023-11. Try 2023-11"),
        ("2023..", "or at the open end of an interval: write 2023/... Try 2023/.."),
    ],
)
def test_what_is_wrong_is_said_in_sentences(reader: TestClient, date: str, said: str) -> None:
    """Each with one full stop."""
    assert said in Elements(reader.get("/", params={"date": date}).text).text


def test_who_does_not_ask_for_html_gets_problem_json(reader: TestClient) -> None:
    """As everywhere else."""
    answer = reader.get("/?tpye=contract", headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["suggestion"] == "type"


@pytest.mark.parametrize("path", ["/nothing", "/nothing/like/it", "/nothing/"])
def test_a_path_that_is_not_there_is_a_page_for_people(reader: TestClient, path: str) -> None:
    """With its style, and a way to what is there; and problem+json for everybody else."""
    answer = reader.get(path)
    assert (answer.status_code, answer.headers["Vary"].split(", ")[0]) == (404, "Accept")
    found = Elements(answer.text)
    assert "Not found" in found.text
    links = [own["href"] for own in (*found.of("link"), *found.of("a"))]
    assert len(links) == 3
    assert all(reader.get(urljoin(path, link)).status_code == 200 for link in links)
    for accepted in ("application/json", "*/*"):
        told = reader.get(path, headers={"Accept": accepted})
        assert told.status_code == 404
        assert told.headers["Content-Type"] == "application/problem+json"


# -- as HTTP --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/", "/embed", "/?type=visit", f"/?event={GAS}"])
def test_a_page_that_is_known_is_not_sent_again(reader: TestClient, target: str) -> None:
    """Its tag is weak, as it is compressed."""
    tag = reader.get(target).headers["ETag"]
    assert tag.startswith('W/"')
    assert reader.get(target, headers={"If-None-Match": tag}).status_code == 304


def test_a_page_is_sent_again_where_its_settings_changed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Or a browser would keep the old addresses, and who may frame it."""
    url = migrated(SqliteStores(tmp_path_factory.mktemp("tags")))
    tags = set()
    given = Settings(database_url=url)
    for more in ({}, {"public_url": "https://news.example"}, {"frame_ancestors": "'none'"}):
        with TestClient(create_app(given.model_copy(update=more))) as client:
            tags.add(client.get("/embed").headers["ETag"])
    assert len(tags) == 3


def test_nothing_inline_may_run(reader: TestClient) -> None:
    """Scripts and styles come from this server alone, in files."""
    for target in ("/", "/embed", "/?tpye=x", f"/?event={GAS}"):
        answer = reader.get(target)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        shown = Elements(answer.text)
        assert shown.of("style") == []
        assert all(own.get("src") for own in shown.of("script"))
        assert not [
            own for _, own in shown.found if "style" in own or any(n.startswith("on") for n in own)
        ]


@pytest.mark.parametrize("allowed", ["*", "'none'", "https://a.example https://*.b.example:8443"])
def test_who_may_frame_it_is_a_setting(
    tmp_path_factory: pytest.TempPathFactory, allowed: str
) -> None:
    """Of the embedded timeline; the page itself is framed by nobody else."""
    files = SqliteStores(tmp_path_factory.mktemp("framed"))
    settings = Settings(database_url=migrated(files), frame_ancestors=allowed)
    with TestClient(create_app(settings)) as client:
        policies = [client.get(p).headers["Content-Security-Policy"] for p in ("/embed", "/")]
    framed = [policy.partition("frame-ancestors ")[2] for policy in policies]
    # `*` would keep out pages that are opened as files.
    assert framed == ["" if allowed == "*" else allowed, "'self'"]


@pytest.mark.parametrize("wrong", ["", "https://a.example; script-src *", "a\nb", "javascript:"])
def test_a_setting_cannot_widen_the_policy(wrong: str) -> None:
    """What is no list of sources is refused at the start."""
    with pytest.raises(ValueError, match="give \\*"):
        Settings(frame_ancestors=wrong)


def test_the_files_of_a_page_are_kept_for_ever(reader: TestClient) -> None:
    """Their names change with what is in them."""
    shown = page(reader)
    styles, scripts = shown.of("link", rel="stylesheet"), shown.of("script")
    names = [*(own["href"] for own in styles), *(own["src"] for own in scripts)]
    assert len(names) == 2
    for name in names:
        answer = reader.get(f"/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert reader.get("/assets/dateline-000000000000.css").status_code == 404


def test_feeds_oembed_and_calendar_are_announced(reader: TestClient) -> None:
    """Under the same filter, where browsers, other sites and calendar programs look for them."""
    shown = page(reader, type="visit")
    links = {own["type"]: own["href"] for own in shown.of("link", rel="alternate") if "type" in own}
    assert links["application/atom+xml"] == "events.atom?type=visit"
    assert links["application/feed+json"] == "events.jsonfeed?type=visit"
    told = reader.get(links["application/json+oembed"]).json()
    assert "/embed?type=visit" in told["html"]
    assert "http://testserver/events.ics?type=visit" in reader.get("/?type=visit").text


def test_every_format_is_offered_under_the_same_filter(reader: TestClient) -> None:
    """And can be had."""
    offered = [
        own["href"]
        for own in page(reader, type="visit").of("a")
        if own["href"].startswith("events.")
    ]
    assert len(offered) == len(FORMATS)
    for target in offered:
        assert target.endswith("?type=visit")
        assert reader.get(f"/{target}").status_code == 200


def test_a_link_to_a_page_has_a_picture_and_a_description(reader: TestClient) -> None:
    """For sites that show what a link leads to: of the chronology, and of an event."""
    for query, title in (({}, "Azerbaijan and Serbia"), ({"event": GAS}, "Srbijagas and SOCAR")):
        shown = page(reader, **query)
        told = {
            own.get("property", own.get("name")): own["content"] for own in shown.of("meta")[2:]
        }
        assert told["og:title"].startswith(title)
        assert told["description"] == told["og:description"]
        (canonical,) = shown.of("link", rel="canonical")
        assert told["og:url"] == canonical["href"]
        assert dict(parse_qsl(urlsplit(canonical["href"]).query)) == query
        picture = reader.get(told["og:image"])
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


def test_a_frame_shows_what_it_is_asked_for(reader: TestClient) -> None:
    """The overview alone, the list alone with a limit, or the strip alone."""
    parts = ("overview", "strip", "events")
    for view, there in (
        ("overview", ["overview"]),
        ("list", ["strip", "events"]),
        ("strip", ["strip"]),
    ):
        text = reader.get("/embed", params={"view": view}).text
        assert [part for part in parts if f'id="{part}"' in text] == there
    assert len(page(reader, "/embed", view="list", limit=3).events) == 3
    assert "All 33 events" in page(reader, "/embed", view="list", limit=3).text
    assert reader.get("/embed?limit=51").status_code == 422
    assert reader.get("/?limit=3").status_code == 422


def test_the_overview_has_every_title(reader: TestClient) -> None:
    """Each with its date, as a link that opens it; in lanes by whatever is asked for."""
    titles = [event["title"] for event in reader.get("/events?limit=200").json()["items"]]
    for query in ({}, {"lanes": "actor"}, {"lanes": "place"}, {"lanes": "publisher"}):
        picture = reader.get("/", params=query).text.split('id="overview"')[1]
        picture = unescape(picture.split('id="strip"')[0])
        assert [title for title in titles if f"<title>{title}, " not in picture] == []
    assert 'id="overview" data-live></div>' in reader.get("/?view=list").text


# -- oEmbed ---------------------------------------------------------------------------------------


def oembed(reader: TestClient, url: str, **more: Any) -> Any:
    """What is answered for an address."""
    return reader.get("/oembed", params={"url": url, **more})


@pytest.mark.parametrize(
    "url", ["http://testserver/", "http://TestServer:80", "http://testserver/embed", "/"]
)
@pytest.mark.parametrize("asked", [{}, {"type": "visit"}, {"q": '"B-52" <gas>', "date": "2023/.."}])
def test_oembed_shows_the_timeline_of_an_address(
    reader: TestClient, url: str, asked: dict[str, str]
) -> None:
    """In a frame with the same filter."""
    told = oembed(reader, f"{url}?{urlencode(asked)}" if asked else url).json()
    assert (told["version"], told["type"], told["title"]) == (
        "1.0",
        "rich",
        "Azerbaijan and Serbia",
    )
    (frame,) = Elements(told["html"]).of("iframe")
    target = urlsplit(frame["src"])
    assert (target.netloc, target.path) == ("testserver", "/embed")
    assert dict(parse_qsl(target.query)) == asked


@pytest.mark.parametrize("path", ["/", "/embed"])
def test_oembed_of_an_event_shows_that_event(reader: TestClient, path: str) -> None:
    """Whole, alone, and as its own page announces it."""
    event = "serbia-azerbaijan-gas-contract"
    told = oembed(reader, f"http://testserver{path}?event={event}&type=contract", dnt="true").json()
    (frame,) = Elements(told["html"]).of("iframe")
    shown = reader.get(frame["src"]).text
    assert f'data-event="{event}"' in shown
    assert shown.count("<article") == 1
    (link,) = page(reader, event=event).of("link", type="application/json+oembed")
    announced = reader.get(link["href"]).json()
    assert f"/embed?event={event}" in announced["html"]


def test_every_time_can_be_read_by_machines(reader: TestClient) -> None:
    """A year, a month or a day of the common era; what HTML cannot say is no `<time>`."""
    texts = [reader.get(path).text for path in ("/", "/embed", "/events.html")]
    ids = [event["id"] for event in reader.get("/events?limit=200").json()["items"]]
    texts += [reader.get(f"/?event={event}").text for event in ids[:5]]
    times = [own.get("datetime") for text in texts for own in Elements(text).of("time")]
    valid = r"(?!0000)\d{4}(-\d\d(-\d\d)?)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
    assert len(times) > 20
    assert [own for own in times if not re.fullmatch(valid, own or "")] == []


def test_oembed_keeps_to_the_size_that_is_asked_for(reader: TestClient) -> None:
    """oEmbed 1.0 section 2.2: neither is exceeded."""
    told = oembed(reader, "http://testserver/", maxwidth=300, maxheight=200).json()
    assert (told["width"], told["height"]) == (300, 200)
    assert 'width="300" height="200"' in told["html"]


@pytest.mark.parametrize(
    ("url", "more", "status"),
    [
        ("https://elsewhere.example/", {}, 404),
        ("http://testserver/events", {}, 404),
        ("http://testserver.elsewhere.example/", {}, 404),
        ("http://testserver@elsewhere.example/", {}, 404),
        ("http://elsewhere.example@testserver/", {}, 404),
        ("http://testserver:8080/", {}, 404),
        ("http://testserver:port/", {}, 404),
        ("javascript:alert(1)", {}, 404),
        ("http://[broken/", {}, 404),
        ("http://testserver/?tpye=visit", {}, 422),
        ("http://testserver/?type=visits", {}, 422),
        ("http://testserver/?date=2023-13", {}, 422),
        ("http://testserver/?event=nothing", {}, 404),
        ("http://testserver/", {"format": "xml"}, 501),
        ("http://testserver/", {"format": "yaml"}, 422),
        ("http://testserver/", {"format": "XML"}, 422),
        ("http://testserver/", {"dnt": "yes"}, 422),
        ("http://testserver/", {"dnt": ""}, 422),
        ("http://testserver/", {"maxwidth": "0"}, 422),
    ],
)
def test_oembed_says_why_not(
    reader: TestClient, url: str, more: dict[str, str], status: int
) -> None:
    """An address that is not ours, a filter that is none, a format that is not offered."""
    answer = oembed(reader, url, **more)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
