"""What is suggested for a slip: the right word, at a bounded cost, however large the store."""

import json
import time
from random import Random
from string import ascii_lowercase
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient

from app import rows
from app.candidates import MAX_COMPARED, MAX_SUGGESTIONS, Candidates, SearchedColumn
from app.filters import FACETS, EventQuery
from app.filters.strict import members
from app.models import TABLES
from app.suggestions import nearest
from reference import OPERATIONS
from stores import opened
from writing import Desk, Json, desk_over, event, furnish

pytestmark = pytest.mark.both_engines

PARAMETERS = tuple(EventQuery.model_fields)
# What is given, what is known, and what is suggested.
NEAREST = [
    ("tpye", PARAMETERS, "type"),
    ("yb", ("by", "limit"), "by"),
    ("b", ("by", "limit"), "by"),
    ("x", ("q", "by"), None),
    ("format", PARAMETERS, None),
    ("lang", PARAMETERS, None),
    ("month", FACETS, None),
    ("date_desc", ("date", "-date", "updated"), None),
    ("CONTRACT", ("contact", "contract"), "contract"),
    ("contarct", ("contact", "contract"), "contract"),
    ("visits", ("visit", "visa"), "visit"),
    ("vucic", ("ana-brnabic", "aleksandar-vucic"), "aleksandar-vucic"),
    ("", ("a", "b"), None),
    ("a" * 100_000, ("a", "b"), None),
    ("ž", ("Ž", "z"), "Ž"),
]


def test_the_nearest_word_is_suggested() -> None:
    """Or none, if none is near."""
    wrong = [
        (value[:50], near, meant)
        for value, known, meant in NEAREST
        if (near := nearest(value, known)) != meant
    ]
    assert wrong == []


SOURCES = MAX_COMPARED + 500
LETTERS = Random(17)


def long_id() -> str:
    """An id of 80 characters."""
    return "-".join("".join(LETTERS.choices(ascii_lowercase, k=15)) for _ in range(5))[:80]


@pytest.fixture(scope="module")
def source_ids() -> list[str]:
    """Ids of more sources than are compared with one."""
    return [long_id() for _ in range(SOURCES)]


@pytest.fixture
def store(empty: str, source_ids: list[str]) -> str:
    """The URL of a store with these sources."""
    furnish(empty)
    columns = TABLES["source"].columns.keys()
    with opened(empty) as store, store.write() as session:
        known = ({"id": source_id, "title": "A report", "words": ""} for source_id in source_ids)
        made = [tuple(source.get(name) for name in columns) for source in known]
        rows.insert(session.connection(), "source", made)
    return empty


def slips(word: str) -> dict[str, str]:
    """One edit of each kind, at the beginning, in the middle and at the end."""
    places = {"first": 0, "second": 1, "middle": 40, "last": len(word) - 2}
    return {
        f"{kind} at the {place}": word[:n] + edited
        for place, n in places.items()
        for kind, edited in {
            "left out": word[n + 1 :],
            "doubled": word[n] + word[n:],
            "replaced": ("x" if word[n] != "x" else "y") + word[n + 1 :],
            "swapped": word[n + 1] + word[n] + word[n + 2 :],
        }.items()
    }


def test_of_a_large_table_the_right_one_is_suggested(store: str, source_ids: list[str]) -> None:
    """With any one edit, though not all of the table is compared."""
    wrong: list[tuple[object, ...]] = []
    with opened(store) as opened_store, opened_store.read(patient=True) as connection:
        for word in source_ids[:: SOURCES // 2]:
            for what, slip in slips(word).items():
                near = Candidates(connection).nearest(SearchedColumn("source"), slip)
                if near != word:
                    wrong.append((what, slip, near))
    assert wrong == []


CPU_SECONDS = 1.0  # a request; some 15 to 70 if each suggestion looks at the whole store


def suggestions(desk: Desk, method: str, path: str, body: Json | None = None) -> list[str | None]:
    """The suggestions of a refusal, in its order; fails if it took long."""
    began = time.process_time()
    answer = desk.send(method, path, body)
    assert time.process_time() - began < CPU_SECONDS
    assert answer.status_code == 422, answer.text
    return [fault.get("suggestion") for fault in answer.json()["errors"]]


def test_a_request_gets_a_few_suggestions(store: str, source_ids: list[str]) -> None:
    """However many of its values are unknown: of all others it is said that they do not exist."""
    words = source_ids[:50]
    asked = [slips(word)["replaced at the middle"] for word in words]
    with desk_over(store) as desk:
        desk.event(id="meeting-in-belgrade")
        in_query = suggestions(desk, "GET", f"/events?{urlencode([('source', a) for a in asked])}")
        links = [{"event": f"meeting-in-belgrad-{n}", "relation": "follows"} for n in range(200)]
        in_body = suggestions(desk, "POST", "/events", event(related=links))
        twice = suggestions(desk, "GET", "/events?type=vist&actor=serbai&type=!vist&type=contrat")
    assert in_query == [*words[:MAX_SUGGESTIONS], *[None] * (50 - MAX_SUGGESTIONS)]
    some = ["meeting-in-belgrade"] * MAX_SUGGESTIONS
    assert in_body == [*some, *[None] * (200 - MAX_SUGGESTIONS)]
    assert sorted(filter(None, twice)) == ["contract", "visit"]


def test_a_file_gets_a_few_suggestions(empty: str) -> None:
    """Whatever it links to, and however many columns it has that are none."""
    furnish(empty)
    lines = [
        event(id=f"visit-{n}", related=[{"event": f"visits-{n}", "relation": "follows"}])
        for n in range(2000)
    ]
    columns = ",".join(f"titel{n}" for n in range(100_000))
    with desk_over(empty) as desk:
        key = {"Authorization": f"Bearer {desk.key}"}
        for media_type, body in (
            ("application/x-ndjson", "\n".join(map(json.dumps, lines))),
            ("text/csv", f"{columns}\n1"),
        ):
            headers = {**key, "Content-Type": media_type}
            answer = desk.client.post("/import", content=body, headers=headers)
            assert answer.status_code == 422, answer.text
            assert len(answer.json()["errors"]) == 100


REPEATABLE = (
    *(("/events", name) for name in EventQuery.model_fields if members(EventQuery)[name]),
    *(("/facets", "by"), ("/audit", "finding"), ("/facets?by=type", "tag")),
)


def test_a_parameter_has_a_bounded_number_of_values(client: TestClient) -> None:
    """One more than fifty is an error that says so, also if all of them are the same."""
    wrong: list[tuple[object, ...]] = []
    for path, name in REPEATABLE:
        query = urlencode([(name, "tag")] * 51)
        answer = client.get(f"{path}{'&' if '?' in path else '?'}{query}")
        message = "has 51 values; give at most 50"
        if [(e["name"], e["message"]) for e in answer.json().get("errors", ())] != [
            (name, message)
        ]:
            wrong.append((path, name, answer.text[:300]))
    assert wrong == []


# What is asked, the parameter that the refusal names, what is suggested, and a part of the message.
SLIPS: list[tuple[str, str, str | None, str]] = [
    ("/events?sort=date_desc", "sort", "-date", ""),
    ("/events?sort=date_asc", "sort", "date", ""),
    ("/events?sort=date:desc", "sort", "-date", ""),
    ("/events?sort=desc(date)", "sort", "-date", ""),
    ("/events?sort=-start_date", "sort", "-date", ""),
    ("/events?sort=%2Bdate", "sort", "date", ""),
    ("/events?sort=date+DESC", "sort", "-date", ""),
    ("/events?sort=asc", "sort", "date", ""),
    ("/events?sort=desc", "sort", "-date", ""),
    ("/events?sort=descending", "sort", "-date", ""),
    ("/events?sort=newest", "sort", "-date", ""),
    ("/events?sort=oldest", "sort", "date", ""),
    ("/events?sort=updated_at", "sort", "updated", ""),
    ("/events?sort=-updated_at", "sort", "-updated", ""),
    ("/events?sort=updated.desc", "sort", "-updated", ""),
    ("/events?q=gas&sort=relevence", "sort", "relevance", ""),
    ("/events?sort=title", "sort", None, "none of those allowed"),
    ("/events?sort=created_at", "sort", None, "none of those allowed"),
    ("/events?sort=random", "sort", None, "none of those allowed"),
    ("/facets?by=month", "by", None, "/histogram?interval=month"),
    ("/facets?by=years", "by", None, "/histogram?interval=year"),
    ("/facets?by=date", "by", None, "/histogram?interval=year"),
    ("/facets?by=actors", "by", "actor", ""),
    ("/facets?by=category", "by", "type", ""),
    ("/facets?by=location", "by", "place", ""),
    ("/facets?by=id", "by", None, ""),
    ("/facets?facet=type&by=type", "facet", "by", ""),
    ("/facets?interval=month&by=type", "interval", None, ""),
    ("/histogram?interval=monthly", "interval", "month", ""),
    ("/histogram?interval=1M", "interval", "month", ""),
    ("/histogram?interval=yearly", "interval", "year", ""),
    ("/histogram?interval=hour", "interval", None, ""),
    ("/histogram?interval=year&granularity=month", "granularity", "interval", ""),
    ("/events?format=csv", "format", None, "/events.csv"),
    ("/events?format=xlsx", "format", None, "/events."),
    ("/events?output=ical", "output", None, "/events.ics"),
    ("/events?format=json", "format", None, "without it the answer is JSON"),
    ("/events?year=2023", "year", "date", ""),
    ("/events?from=2020", "from", "date", "date=2023-01/2023-06"),
    ("/events?start_date=2020-01-01", "start_date", "date", "date=2023-01/2023-06"),
    ("/events?since=2020", "since", "date", "`2023/..`"),
    ("/events?per_page=10", "per_page", "limit", ""),
    ("/events?order=desc", "order", "sort", ""),
    ("/events?lang=sr", "lang", None, "the language they were written in"),
    ("/events?page=2", "page", "cursor", "follow `next`"),
    ("/events?page[size]=10", "page[size]", "limit", ""),
    ("/events?page%5Bnumber%5D=2", "page[number]", "cursor", "follow `next`"),
    ("/events?filter[type]=visit", "filter[type]", "type", ""),
    ("/events?filter[actor][eq]=serbia", "filter[actor][eq]", "actor", ""),
    ("/events?fields[events]=title", "fields[events]", "fields", ""),
    ("/events?$filter=type+eq+visit", "$filter", None, "a parameter of its own"),
    ("/events?$top=10", "$top", "limit", ""),
    ("/events?$skip=10", "$skip", "cursor", "follow `next`"),
    ("/events?$orderby=date", "$orderby", "sort", ""),
    ("/events?$select=title", "$select", "fields", ""),
    ("/events?$count=true", "$count", "total", ""),
    ("/events?$limit=10", "$limit", "limit", ""),
    ("/events?$where=1", "$where", None, "a parameter of its own"),
    ("/events?$q=gas", "$q", "q", ""),
    ("/events?size=10", "size", "limit", ""),
    ("/events?_source=title", "_source", "fields", ""),
    ("/events?hitsPerPage=10", "hitsPerPage", "limit", ""),
    ("/events?query=gas", "query", "q", ""),
    ("/events?tags=energy", "tags", "tag", ""),
    ("/events?type[]=visit", "type[]", "type", ""),
    ("/events?type__in=visit", "type__in", "type", ""),
    ("/events?category=visit", "category", "type", ""),
    ("/events?location=belgrade", "location", "place", ""),
    ("/events?first=10", "first", "limit", ""),
    ("/events?api_key=x", "api_key", None, "Authorization: Bearer"),
    ("/events?callback=x", "callback", None, "CORS"),
    ("/events?id=x", "id", None, "address of its own"),
    ("/events?sortBy=date", "sortBy", "sort", ""),
    ("/events?knownBy=2022", "knownBy", "known_by", ""),
    ("/events?q=vu%E8i%E6", "q", None, "vu%C4%8Di%C4%87 (vučić) or vu%C3%A8i%C3%A6 (vuèiæ)"),
    ("/events?publisher=caf%E9", "publisher", "café", "caf%C3%A9 (café)"),
    ("/events?q=%ff%fe%00", "q", None, "percent-encode UTF-8: %C4%8D for č"),
    ("/events?%E8=1", "\ufffd", None, "percent-encode UTF-8"),
    ("/actors/vu%E8i%E6", "id", None, "vu%C4%8Di%C4%87"),
    ("/events?q=a&q%E8=1", "q\ufffd", None, "percent-encode UTF-8"),
]


def test_a_slip_gets_the_right_suggestion(client: TestClient) -> None:
    """Or none; a value that is suggested is right when it is given, and a name is one that is."""
    wrong: list[tuple[object, ...]] = []
    for address, name, meant, message in SLIPS:
        answer = client.get(address)
        faults = [(e["name"], e.get("suggestion")) for e in answer.json().get("errors", ())]
        said = answer.json().get("errors", [{"message": ""}])[0]["message"]
        if (answer.status_code, faults) != (422, [(name, meant)]) or message not in said:
            wrong.append((address, answer.status_code, faults, said[:150]))
            continue
        if meant is None or "UTF-8" in said:
            continue
        path, _, query = address.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        operation = next(o for o in OPERATIONS if str(o) == f"GET {path}")
        if name in operation.of("query"):
            mended = [(n, meant if n == name else value) for n, value in pairs]
            if client.get(f"{path}?{urlencode(mended)}").status_code != 200:
                wrong.append((address, "is refused again with", meant))
        elif meant not in operation.of("query"):
            wrong.append((address, "no parameter", meant))
    assert wrong == []


PATHS: list[tuple[str, str | None]] = [
    ("/events/", "/events"),
    ("/events/?type=visit", "/events"),
    ("/Events", "/events"),
    ("/event", "/events"),
    ("/event/serbia-azerbaijan-gas-contract", "/events/serbia-azerbaijan-gas-contract"),
    ("/events/serbia-azerbaijan-gas-contract/", "/events/serbia-azerbaijan-gas-contract"),
    ("/events//serbia-azerbaijan-gas-contract", "/events/serbia-azerbaijan-gas-contract"),
    ("/events.CSV", "/events.csv"),
    ("/Events.csv", "/events.csv"),
    ("/events.json", "/events"),
    ("/api/events", "/events"),
    ("/v1/events", "/events"),
    ("/api/v2/events/", "/events"),
    ("/actors/", "/actors"),
    ("/actor/serbia", "/actors/serbia"),
    ("/facet", "/facets"),
    ("/histogramm", "/histogram"),
    ("/docs/", "/docs"),
    ("/swagger", "/docs"),
    ("/openapi.yaml", "/openapi.json"),
    ("/health", "/healthz"),
    ("/feed", "/events.atom"),
    ("/nope", None),
    ("/wp-login.php", None),
    ("/events/a/b/c", None),
    ("/api", "/openapi.json"),
    (f"/{'a' * 7000}", None),
    ("/%00", None),
    ("/..%2f..%2fetc/passwd", None),
]


def test_a_wrong_path_says_which_is_meant(client: TestClient) -> None:
    """If one is near; it is answered."""
    wrong: list[tuple[object, ...]] = []
    for path, meant in PATHS:
        answer = client.get(path)
        detail = answer.json()["detail"]
        _, asks, near = detail.partition("Did you mean ")
        if (answer.status_code, near.rstrip("?") if asks else None) != (404, meant):
            wrong.append((path, answer.status_code, detail[-200:]))
        elif meant and client.get(meant).status_code == 404:
            wrong.append((path, "leads nowhere", meant))
    assert wrong == []


ADDRESSES: list[tuple[str, str | None, str]] = [
    ("https://example.org/a b", "https://example.org/a%20b", "%20"),
    ("https://example.org/a\tb", "https://example.org/a%09b", "%20"),
    (" https://example.org/a", "https://example.org/a", "spaces around"),
    ("https://example.org/a\n", "https://example.org/a", "spaces around"),
    (" https://example.org/a b", "https://example.org/a%20b", "%20"),
    ("www.example.org", "https://www.example.org", "http:// or https://"),
    ("example.org/a?b=c", "https://example.org/a?b=c", "http:// or https://"),
    ("//example.org/a", "https://example.org/a", "http:// or https://"),
    ("example.org:8000/a", "https://example.org:8000/a", "http:// or https://"),
    ("ftp://example.org/a", None, "`ftp:` is neither"),
    ("javascript:alert(1)", None, "`javascript:` is neither"),
    ("mailto:a@example.org", None, "`mailto:` is neither"),
    ("https://", None, "names no host"),
    ("https:///a", None, "names no host"),
    ("https:example.org", None, "names no host"),
    ("HTTP:/x", None, "names no host"),
    ("https://?a", None, "names no host"),
    ("page 7", None, "http:// or https://"),
    ("p" * 2000, None, "http:// or https://"),
]


def test_a_wrong_web_address_says_why(empty: str) -> None:
    """What is suggested is one."""
    furnish(empty)
    wrong: list[tuple[object, ...]] = []
    with desk_over(empty) as desk:
        for url, meant, message in ADDRESSES:
            (fault,) = desk.send("POST", "/sources", {"url": url}).json()["errors"]
            if fault.get("suggestion") != meant or message not in fault["message"]:
                wrong.append((url, fault))
            elif meant and desk.send("POST", "/actors", {"name": url, "url": meant}).is_error:
                wrong.append((url, "is refused again as", meant))
        kept = "HTTPS://Example.org/%C4%8D?a=b#c"
        assert desk.send("POST", "/sources", {"url": kept}).json()["url"] == kept
    assert wrong == []
