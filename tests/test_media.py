"""Media: addresses that come in and go out, and images that pages show only from some hosts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from stores import Stores
from tables import check_each
from test_identities import upgraded
from test_own_fields import Newsroom
from writing import desk_over, key_of

pytestmark = pytest.mark.both_engines
Json = dict[str, Any]

IMAGE: Json = {
    "url": "https://images.example.org/signing.jpg",
    "kind": "image",
    "caption": "The signing <in Baku>",
    "credit": "Photo: Example Agency",
    "alt": "Two men at a table",
    "licence": "CC BY 4.0",
    "thumbnail": None,
}
FILM: Json = {**dict.fromkeys(IMAGE), "url": "https://example.net/film", "kind": "video"}
MEDIA = [IMAGE, FILM]


@pytest.fixture
def newsroom(stores: Stores, seeded_template: str) -> Iterator[Newsroom]:
    """A newsroom with the example chronology and an event with media."""
    url = stores.new(seeded_template)
    with desk_over(url) as desk:
        room = Newsroom(desk, key_of(url, "newsroom"))
        made = room.post("a", {}, media=[IMAGE, {"url": FILM["url"], "kind": "video"}])
        assert made.status_code == 201, made.text
        yield room


def test_media_are_served_as_given_with_every_key(newsroom: Newsroom) -> None:
    """In order; words of the caption and the alt text are found."""
    assert newsroom.client.get("/events/a").json()["media"] == MEDIA
    for q in ('"signing in baku"', '"men at a table"', '"example agency"'):
        assert "a" in newsroom.ids(q=q), q


# What is given as a medium, the name of the fault, and what it says.
REFUSED: list[tuple[Any, str, str]] = [
    ("https://example.org/a.jpg", "media.0", '"url"'),
    ({}, "media.0.url", "is missing"),
    ({"url": "javascript:alert(1)"}, "media.0.url", "neither http:// nor https://"),
    ({"url": "data:image/png;base64,AAAA"}, "media.0.url", "neither http:// nor https://"),
    ({"url": "example.org/a.jpg"}, "media.0.url", "begins with http:// or https://"),
    ({"url": IMAGE["url"], "kind": "photo"}, "media.0.kind", "image, video, audio"),
    ({"url": IMAGE["url"], "thumbnail": "a.jpg"}, "media.0.thumbnail", "http://"),
    ({"url": IMAGE["url"], "caption": " "}, "media.0.caption", "is blank"),
    ({"url": IMAGE["url"], "license": "CC0"}, "media.0.license", "licence"),
]


def test_what_is_no_medium_is_refused_with_what_would_be_right(newsroom: Newsroom) -> None:
    """Each by its path."""

    def check(case: tuple[Any, str, str]) -> None:
        medium, name, message = case
        answer = newsroom.post("b", {}, media=[medium])
        assert answer.status_code == 422, answer.text
        (fault, *_) = answer.json()["errors"]
        assert (fault["name"], message in fault["message"]) == (name, True), fault

    check_each(REFUSED, check)


def page(newsroom: Newsroom, **settings: Any) -> tuple[str, str]:
    """Return the page of the event, and its policy, under some settings."""
    app: Any = newsroom.client.app
    changed = app.state.settings.model_copy(update=settings)
    with TestClient(create_app(changed)) as client:
        answer = client.get("/", params={"event": "a"}, headers={"Accept": "text/html"})
    return answer.text, answer.headers["Content-Security-Policy"]


def test_a_page_links_media_and_shows_images_of_named_hosts_alone(newsroom: Newsroom) -> None:
    """By default none; lazily, with the alt text; the policy lets in no other host."""
    plain, policy = page(newsroom)
    assert f'href="{IMAGE["url"]}"' in plain
    assert "The signing &lt;in Baku&gt;" in plain
    assert ("<img" in plain, "img-src 'self' data:;" in policy) == (False, True)
    for hosts in ("images.example.org", "*.example.org", "a.test,images.example.org"):
        shown, policy = page(newsroom, media_hosts=hosts)
        (image,) = [part.split(">")[0] for part in shown.split("<img")[1:]]
        assert f'src="{IMAGE["url"]}"' in image
        assert 'alt="Two men at a table" loading="lazy"' in image
        assert f"img-src 'self' data: {hosts.replace(',', ' ')};" in policy
    for hosts in ("example.org", "*.images.example.org", "images.example.org:8443"):
        assert "<img" not in page(newsroom, media_hosts=hosts)[0], hosts


def test_hosts_that_are_none_are_refused() -> None:
    """A policy must not be written by a setting."""
    for hosts in ("https://example.org", "a b", "a;script-src *", "*", "a.*.org"):
        with pytest.raises(ValueError, match="names of hosts"):
            Settings(media_hosts=hosts)
    assert Settings(media_hosts=" A.example , *.b.example:8443,").image_hosts == (
        "a.example",
        "*.b.example:8443",
    )


def test_every_format_with_a_place_for_them_has_them(newsroom: Newsroom) -> None:
    """Attachments, enclosures, ATTACH, images and linked data."""
    for name, wanted in (
        ("geojson", json.dumps(FILM, separators=(",", ":"))),
        ("jsonfeed", '"mime_type":"image/jpeg"'),
        ("jsonfeed", f'"image":"{IMAGE["url"]}"'),
        ("atom", 'rel="enclosure"'),
        ("ics", f"ATTACH:{FILM['url']}"),
        ("jsonld", f'"contentUrl":"{IMAGE["url"]}"'),
        ("html", f'href="{FILM["url"]}"'),
        ("timelinejs", f'"media":{{"url":"{IMAGE["url"]}"'),
    ):
        file = newsroom.client.get(f"/events.{name}", params={"q": '"signing in baku"'}).text
        assert wanted in file, name


def test_files_bring_them_back(newsroom: Newsroom) -> None:
    """Tables and our own slides exactly."""
    query = {"q": '"signing in baku"'}
    file = newsroom.client.get("/events.csv", params=query).content
    assert newsroom.load(file).json()["unchanged"] == 1
    slides = newsroom.client.get("/events.timelinejs", params=query).json()
    slides["events"][0]["unique_id"] = "b"
    content = json.dumps(slides).encode()
    answer = newsroom.load(content, "application/json", source_title="A timeline")
    assert answer.json()["created"] == 1, answer.text
    assert newsroom.client.get("/events/b").json()["media"] == MEDIA


# The `media` of a slide, what becomes of it, and a note on what is left out.
SLIDES: list[tuple[Any, Json | None, str | None]] = [
    (
        {"url": "//a.example/b.jpg", "caption": "<b>A</b> bridge", "credit": "C"},
        {"url": "https://a.example/b.jpg", "kind": "image", "caption": "A bridge", "credit": "C"},
        None,
    ),
    (
        {"url": "https://www.youtube.com/watch?v=1", "caption": ""},
        {"url": "https://www.youtube.com/watch?v=1", "kind": "video"},
        None,
    ),
    (
        {"url": "https://a.example/b.pdf"},
        {"url": "https://a.example/b.pdf", "kind": "document"},
        None,
    ),
    ({"url": "https://a.example/b"}, {"url": "https://a.example/b"}, None),
    ("https://a.example/b.mp3", {"url": "https://a.example/b.mp3", "kind": "audio"}, None),
    ({"url": "<blockquote>Words</blockquote>"}, None, "not an address"),
    ({"caption": "Nothing"}, None, "no url"),
    (
        {"url": "https://a.example/b", "link": "https://a.example/"},
        {"url": "https://a.example/b"},
        "media.link",
    ),
    ({"url": ""}, None, None),
]


def test_media_of_slides_come_in(newsroom: Newsroom) -> None:
    """With what is known of their kind; what no event can hold is noted."""

    def check(case: tuple[Any, Json | None, str | None]) -> None:
        medium, expected, note = case
        number = SLIDES.index(case)
        slide = {
            "unique_id": f"slide-{number}",
            "start_date": {"year": 2023},
            "text": {"headline": "A slide"},
            "media": medium,
        }
        content = json.dumps({"events": [slide]}).encode()
        options = {"source_title": "A timeline", "type": "contract"}
        answer = newsroom.load(content, "application/json", **options)
        assert answer.status_code == 200, answer.text
        assert (note or "") in " ".join(answer.json()["notes"])
        assert bool(note) == bool(answer.json()["notes"])
        media = newsroom.client.get(f"/events/slide-{number}").json()["media"]
        assert media == ([] if expected is None else [{**dict.fromkeys(IMAGE), **expected}])

    check_each(SLIDES, check)


def test_a_table_names_media_by_their_addresses(newsroom: Newsroom) -> None:
    """With spaces between, under any name that a mapping gives the column."""
    file = b"type,title,date,source_title,media\r\ncontract,A table,2023,R,https://a.example/1 https://a.example/2\r\n"
    assert newsroom.load(file).json()["created"] == 1
    foreign = b"Headline,Day,Photo,Paper\r\nA photo,2023-05-01,https://a.example/3,Post\r\n"
    mapping = {"Headline": "title", "Day": "date", "Photo": "media", "Paper": "source_publisher"}
    options = {"mapping": json.dumps(mapping), "type": "contract"}
    assert newsroom.load(foreign, **options).json()["created"] == 1
    events = newsroom.client.get("/events", params={"limit": 200}).json()["items"]
    urls = {m["url"] for event in events for m in event["media"]}
    assert urls >= {f"https://a.example/{n}" for n in (1, 2, 3)}
    wrong = file.replace(b"https://a.example/1", b"ftp://a.example/1")
    (fault,) = newsroom.load(wrong).json()["errors"]
    assert fault["name"].startswith("media")


def test_a_store_from_before_has_a_place_for_them(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every document has the key, also that of an event with own fields."""
    url = upgraded(stores, tmp_path, monkeypatch)
    with desk_over(url) as desk:
        events = desk.get("/events?limit=200")["items"]
        assert {json.dumps(event["media"]) for event in events} == {"[]"}
        assert Newsroom(desk, desk.key).post("a", {}, media=MEDIA).status_code == 201
