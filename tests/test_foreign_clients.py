"""Ten clients that are not ours read a real server: each says what it finds wrong."""

import csv
import io
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import feedparser  # type: ignore[import-untyped]
import geojson  # type: ignore[import-untyped]
import pytest
import re2  # type: ignore[import-untyped]
from icalendar import Calendar
from openapi_spec_validator import OpenAPIV31SpecValidator
from pyld import jsonld  # type: ignore[import-untyped]

from app.formats import FORMATS
from commands import serving
from stores import SqliteStores, left_out, migrated, seeded
from test_patterns import patterns

pytestmark = pytest.mark.slow

HOSTS = ("chronology.example.org", "192.0.2.7:8080")
EVENTS = 33  # in the example chronology


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over the example chronology."""
    folder = tmp_path_factory.mktemp("foreign")
    files = SqliteStores(folder)
    with serving(seeded(files, migrated(files)), folder) as (_, port):
        yield f"http://127.0.0.1:{port}"


def get(url: str, **headers: str) -> bytes:
    """Return what Python's own client gets."""
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        body: bytes = answer.read()
    return body


def program(name: str) -> str:
    """Return the path of a program; leave the test out if it is not installed."""
    found = shutil.which(name)
    if found is None:
        left_out(name, f"{name} is not installed on this machine")
        raise AssertionError
    return found


def at_two_hosts(url: str, read: Callable[[bytes], list[str]]) -> list[str]:
    """Return the identifiers that differ between two hosts, or that there are none."""
    first, second = (read(get(url, Host=host)) for host in HOSTS)
    return [*{*first} ^ {*second}] if first else ["nothing was read"]


# -- the clients ----------------------------------------------------------------------------------


def curl_of_http_1_0(server: str) -> list[str]:
    """Every format as it comes over the wire is the file itself, without chunks."""
    urls = [f"{server}/events.{name}" for name in FORMATS] + [f"{server}/events"]
    command = [program("curl"), "-0", "--raw", "-s", "--max-time", "20"]
    raw = {url: subprocess.run([*command, url], capture_output=True).stdout for url in urls}
    return [url for url in urls if raw[url] != get(url)]


def curl_compressed(server: str) -> list[str]:
    """What is compressed is the same file."""
    urls = [f"{server}/events.{name}" for name in FORMATS]
    command = [program("curl"), "--compressed", "-s", "--max-time", "20"]
    read = {url: subprocess.run([*command, url], capture_output=True).stdout for url in urls}
    return [url for url in urls if read[url] != get(url)]


def re2_of_the_reference(server: str) -> list[str]:
    """Go's syntax of regular expressions reads every pattern."""
    options, wrong = re2.Options(), []
    options.log_errors = False
    for place, pattern in patterns(json.loads(get(f"{server}/openapi.json"))):
        try:
            re2.compile(pattern, options)
        except re2.error:
            wrong.append(place)
    return wrong


def openapi_validator(server: str) -> list[str]:
    """The description is one, by the letter."""
    document = json.loads(get(f"{server}/openapi.json"))
    return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]


def icalendar_at_two_hosts(server: str) -> list[str]:
    """Entries keep their UIDs."""

    def uids(file: bytes) -> list[str]:
        return [str(entry["UID"]) for entry in Calendar.from_ical(file).walk("VEVENT")]

    return at_two_hosts(f"{server}/events.ics", uids)


def feedparser_at_two_hosts(server: str) -> list[str]:
    """The feed and its entries keep their ids."""

    def ids(file: bytes) -> list[str]:
        found: Any = feedparser.parse(file)
        return [found.feed.id, *(entry.id for entry in found.entries)]

    return at_two_hosts(f"{server}/events.atom?utm_source=mail", ids)


def json_feed_reader_at_two_hosts(server: str) -> list[str]:
    """Items keep their ids."""

    def ids(file: bytes) -> list[str]:
        return [item["id"] for item in json.loads(file)["items"]]

    return at_two_hosts(f"{server}/events.jsonfeed?fbclid=1", ids)


def pyld_at_two_hosts(server: str) -> list[str]:
    """Nodes keep their names."""

    def ids(file: bytes) -> list[str]:
        return [node["@id"] for node in jsonld.expand(json.loads(file))]

    return at_two_hosts(f"{server}/events.jsonld", ids)


def map_that_was_scrolled(server: str) -> list[str]:
    """Leaflet's bounds lead to the same places wherever around the earth the map stands."""
    found = {}
    for turn in (-720, -360, 0, 360):
        box = f"{turn + 18.5},42,{turn + 23},46.5"
        layer = geojson.loads(get(f"{server}/events.geojson?bbox={box}"))
        found[turn] = [feature["id"] for feature in layer["features"]]
    return [str(turn) for turn, ids in found.items() if not ids or ids != found[0]]


def keeping_a_connection(server: str) -> list[str]:
    """One connection reads a spreadsheet, a page after another and an error."""
    connection = HTTPConnection(server.removeprefix("http://"), timeout=20)
    wrong, target = [], "/events?limit=10"
    while target:
        connection.request("GET", target)
        page = json.loads(connection.getresponse().read())
        target = (page["next"] or "").removeprefix(server)
    connection.request("GET", "/events?tpye=visit")
    if connection.getresponse().read().find(b'"suggestion": "type"') < 0:
        wrong.append("no suggestion")
    connection.request("GET", "/events.csv")
    rows = list(csv.DictReader(io.StringIO(connection.getresponse().read().decode("utf-8-sig"))))
    connection.close()
    return wrong if len(rows) == EVENTS else [*wrong, f"{len(rows)} rows"]


CLIENTS: tuple[Callable[[str], list[str]], ...] = (
    *(curl_of_http_1_0, curl_compressed, re2_of_the_reference, openapi_validator),
    *(icalendar_at_two_hosts, feedparser_at_two_hosts, json_feed_reader_at_two_hosts),
    *(pyld_at_two_hosts, map_that_was_scrolled, keeping_a_connection),
)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_a_foreign_client_finds_nothing_wrong(
    server: str, client: Callable[[str], list[str]]
) -> None:
    """Behind a proxy with a prefix, see `test_prefix`."""
    assert client(server) == []
