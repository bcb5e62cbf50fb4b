"""What foreign clients send and expect: marks of tracking, line breaks of Windows, large events."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from app.addresses import TRACKING_NAMES, TRACKING_PREFIXES
from app.formats import COLUMNS, FORMATS, SUBSCRIPTIONS
from app.main import create_app
from app.settings import Settings
from documented import text_of
from stores import key_of

MARKS = [*TRACKING_NAMES, *(f"{prefix}source" for prefix in TRACKING_PREFIXES), "utm_campaign"]
SOURCES = 500


@pytest.fixture
def writer(seeded_store: str) -> Iterator[TestClient]:
    """A client that writes the example chronology."""
    settings = Settings(database_url=seeded_store, writes_per_minute=0)
    with TestClient(create_app(settings)) as client:
        client.headers["Authorization"] = f"Bearer {key_of(seeded_store)}"
        yield client


def test_subscriptions_ignore_marks_of_tracking(client: TestClient) -> None:
    """All of them, with the filter kept to the letter; other files, lists and names refuse."""
    marked = urlencode([(name, "a b&c") for name in MARKS])
    wrong = []
    for name in FORMATS:
        plain = client.get(f"/events.{name}?type=contract&q=%22gas%22")
        answer = client.get(f"/events.{name}?{marked}&type=contract&utm_medium&q=%22gas%22")
        if name in SUBSCRIPTIONS:
            right = (answer.status_code, answer.content) == (200, plain.content)
            right = right and answer.headers["ETag"] == plain.headers["ETag"]
        else:
            right = answer.status_code == 422
        slip = client.get(f"/events.{name}?utmsource=a")
        if not (right and slip.status_code == 422):
            wrong.append(name)
    assert wrong == []
    assert client.get("/events?utm_source=a").status_code == 422


BREAKS = {
    "one\r\ntwo": "one\ntwo",
    "one\rtwo": "one\ntwo",
    "one\n\r\ntwo\r\n": "one\n\ntwo\n",
    "one\ttwo": "one\ttwo",
}


def test_line_breaks_of_windows_are_line_breaks(writer: TestClient) -> None:
    """In every text of an event, sent as JSON or as a patch, stored as CSV stores them."""
    wrong = []
    for number, (sent, stored) in enumerate(BREAKS.items()):
        texts = {"quote": sent, "note": sent, "locator": sent, "title": f"{number} {sent}"}
        event = {
            "type": "visit",
            "title": f"{number} {sent}",
            "summary": sent,
            "date": {"edtf": "2023", "text": sent},
            "sources": [{"publisher": "Desk", **texts}],
        }
        made = writer.post("/events", json=event)
        condition = {"If-Match": made.headers["ETag"]}
        patch = {"summary": f"{sent}!", "tags": [f"{number} {sent}"]}
        path = f"/events/{made.json()['id']}"
        patched = writer.patch(path, json=patch, headers=condition).json()
        source = made.json()["sources"][0]
        expected = [
            (made.json()["title"], f"{number} {stored}"),
            (made.json()["summary"], stored),
            (made.json()["date"]["text"], stored),
            *((source[name], stored) for name in ("quote", "note", "locator")),
            (patched["summary"], f"{stored}!"),
            (patched["tags"], [f"{number} {stored}"]),
        ]
        wrong += [pair for pair in expected if pair[0] != pair[1]]
    assert wrong == []
    blank = writer.post("/types", json={"label": "\r\n"})
    address = writer.post("/sources", json={"url": "https://example.org/\r\nX: 1"})
    assert (blank.status_code, address.status_code) == (422, 422)


def large(number: int) -> dict[str, object]:
    """Return an event with so many sources, actors and quantities."""
    return {
        "id": f"large-{number}",
        "type": "incident",
        "title": f"An incident with {number} sources",
        "date": "2023-11",
        "actors": [{"name": f"Witness {n} of {number}", "role": "witness"} for n in range(number)],
        "quantities": [{"measure": "length", "value": str(n), "unit": "m"} for n in range(number)],
        "sources": [
            {"publisher": f"Desk {n % 40}", "url": f"https://example.org/{number}/{n}"}
            for n in range(number)
        ],
    }


def test_an_event_may_have_five_hundred_sources(writer: TestClient) -> None:
    """Written in a time that grows with them, and shown by every format and page; no more."""
    seconds = {}
    for number in (SOURCES // 4, SOURCES):
        begun = time.perf_counter()
        made = writer.post("/events", json=large(number))
        seconds[number] = time.perf_counter() - begun
        assert made.status_code == 201, made.text
    assert seconds[SOURCES] < 12 * seconds[SOURCES // 4] + 1  # four times, not sixteen
    document = made.json()
    sizes = [len(document[name]) for name in ("sources", "actors", "quantities")]
    assert sizes == [SOURCES] * 3
    paths = [f"/events.{name}?source={document['sources'][-1]['id']}" for name in FORMATS]
    paths += ["/events/large-500", "/?event=large-500", "/embed?event=large-500"]
    paths += ["/", "/embed", "/events/large-500/revisions", "/facets?by=source&limit=1000"]
    failing = [path for path in paths if writer.get(path).status_code != 200]
    assert failing == []
    csv = writer.get(f"/events.csv?lossless=true&source={document['sources'][-1]['id']}").text
    assert "https://example.org/500/499" in csv
    too_many = [
        writer.post("/events", json={**large(2), "id": "more", name: large(501)[name]})
        for name in ("sources", "actors", "quantities")
    ]
    assert [answer.status_code for answer in too_many] == [422] * 3
    assert all("500" in answer.text for answer in too_many)
    again = writer.get(f"/events.ndjson?source={document['sources'][-1]['id']}")
    assert [json.loads(line)["id"] for line in again.text.splitlines()] == ["large-500"]


def test_libreoffice_is_told_to_keep_every_column_as_text() -> None:
    """The fifth token of its CSV filter: pairs of a column and its format, of which 2 is text."""
    recipe = text_of("docs/recipes.md")
    (command,) = re.findall(r"^columns=\$\((.*)\)$", recipe, re.MULTILINE)
    assert 'soffice --headless --infilter="CSV:44,34,76,1,$columns" ' in recipe
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    numbers = [int(number) for number in ran.stdout.strip().split("/")]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    assert pairs == [(n, 2) for n in range(1, len(pairs) + 1)]
    assert len(pairs) >= len(COLUMNS) + 20  # also those that a filter adds
