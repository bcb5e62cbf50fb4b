"""Pages in other languages: which one is chosen, what stays with it, and that no word is left."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.formats import BIBLIOGRAPHIES, FORMATS
from app.languages import LANGUAGES
from app.main import create_app
from app.settings import Settings
from stores import SqliteStores, migrated, seeded
from tables import check_each
from writing import Desk, desk_over

BROWSER = {"Accept": "text/html"}
GAS = "serbia-azerbaijan-gas-contract"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Who reads the example chronology, which is in English."""
    files = SqliteStores(tmp_path_factory.mktemp("languages"))
    settings = Settings(database_url=seeded(files, migrated(files)))
    with TestClient(create_app(settings), headers=BROWSER) as made:
        yield made


def language_of(html: str) -> tuple[str, ...]:
    """Return the language and the direction of a page."""
    found = re.search(r'<html lang="([^"]+)" dir="([^"]+)"', html)
    assert found
    return found.groups()


# -- the choice ----------------------------------------------------------------------------------


def test_the_language_is_that_of_the_address_then_of_the_browser(reader: TestClient) -> None:
    """Then that of the chronology; a browser's wishes are ranked by their weights."""
    table: dict[tuple[str, str], tuple[str, str]] = {
        ("/", ""): ("en", "ltr"),
        ("/", "de"): ("de", "ltr"),
        ("/", "tlh, ar-EG;q=0.8, de;q=0.5"): ("ar", "rtl"),
        ("/", "de;q=0, ar;q=0.1"): ("ar", "rtl"),
        ("/", "tlh, *"): ("en", "ltr"),
        ("/", "de;q=nonsense,,;;"): ("en", "ltr"),
        ("/?lang=ar", "de"): ("ar", "rtl"),
        ("/?lang=de-AT", "ar"): ("de", "ltr"),
        ("/embed?lang=de", ""): ("de", "ltr"),
        (f"/?present={GAS}", "ar"): ("ar", "rtl"),
    }

    def check(case: tuple[tuple[str, str], tuple[str, str]]) -> None:
        (path, accepted), wanted = case
        answer = reader.get(path, headers={"Accept-Language": accepted})
        assert answer.status_code == 200
        assert language_of(answer.text) == wanted

    check_each(table.items(), check)


def test_a_server_may_be_set_to_one_language(tmp_path: Any) -> None:
    """Whatever the browser asks for; the address still wins."""
    settings = Settings(database_url=migrated(SqliteStores(tmp_path)), language="de-DE")
    with TestClient(create_app(settings), headers={**BROWSER, "Accept-Language": "ar"}) as made:
        assert language_of(made.get("/").text)[0] == "de"
        assert language_of(made.get("/?lang=ar").text)[0] == "ar"
        assert "Accept-Language" not in made.get("/").headers.get("Vary", "")


def test_a_setting_that_is_no_language_is_refused() -> None:
    with pytest.raises(ValueError, match="give a language of the pages: en, ar, "):
        Settings(language="tlh")


def test_a_language_that_pages_do_not_have_is_refused(reader: TestClient) -> None:
    """With those that they have."""
    answer = reader.get("/?lang=tlh")
    assert answer.status_code == 422
    assert f"is no language of these pages; they have {', '.join(LANGUAGES)}" in answer.text


def test_other_parts_of_the_api_have_no_language(reader: TestClient) -> None:
    """Their words are English, and `lang` is refused there as any unknown parameter."""
    german = {"Accept-Language": "de"}
    events = reader.get("/events?q=artillery", headers=german)
    assert '"label":"by 6 February 2024"' in events.text
    assert "Accept-Language" not in events.headers.get("Vary", "")
    assert reader.get("/events?lang=de").status_code == 422


# -- caches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/embed", f"/?present={GAS}"])
def test_each_language_has_a_tag_of_its_own(reader: TestClient, path: str) -> None:
    """And Vary says that it was chosen by the browser's wishes, also with 304."""
    pages = {tag: reader.get(path, headers={"Accept-Language": tag}) for tag in ("en", "de", "ar")}
    tags = {tag: answer.headers["ETag"] for tag, answer in pages.items()}
    assert len(set(tags.values())) == len(tags)
    for tag, etag in tags.items():
        again = reader.get(path, headers={"Accept-Language": tag, "If-None-Match": etag})
        assert again.status_code == 304
        for answer in (again, pages[tag]):
            vary = {name.strip() for name in answer.headers["Vary"].split(",")}
            assert vary >= {"Accept-Language", "Accept-Encoding"}
    other = reader.get(path, headers={"Accept-Language": "de", "If-None-Match": tags["ar"]})
    assert other.status_code == 200


def test_wishes_that_lead_to_one_language_share_a_tag(reader: TestClient) -> None:
    """A cache would else keep a copy for every browser."""
    wishes = ("de", "de-AT,de;q=0.9,en;q=0.8", "tlh, de")
    tags = {reader.get("/", headers={"Accept-Language": wish}).headers["ETag"] for wish in wishes}
    assert len(tags) == 1


def test_a_named_language_does_not_depend_on_the_browser(reader: TestClient) -> None:
    assert "Accept-Language" not in reader.get("/?lang=de").headers.get("Vary", "")


# -- what stays with it --------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page, and its words outside of code and of parts in another language."""

    SPOKEN = ("aria-label", "title", "placeholder", "alt")
    HANDED_TO_SCRIPTS = ("data-done", "data-start", "data-stop", "data-more", "data-name")
    VOID = ("meta", "link", "input", "br", "img", "hr")
    UNREAD = ("script", "style", "code", "textarea")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []  # whether it is read
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.elements.append((tag, own))
        other = own.get("lang", "ar") != "ar" or own.get("hreflang", "ar") != "ar"
        if not other:
            names = (*self.SPOKEN, *self.HANDED_TO_SCRIPTS)
            self.words += [value for name, value in own.items() if name in names]
        if tag not in self.VOID:
            self._open.append((tag, tag not in self.UNREAD and not other))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if all(is_read for _, is_read in self._open):
            self.words.append(data)


PLACES = ("/", "/?type=contract&date=2023&match=certain", f"/?event={GAS}", f"/?present={GAS}")


def test_links_keep_the_language(reader: TestClient) -> None:
    """Those to pages, with what the form sends; files, guides and data have none."""

    def check(path: str) -> None:
        html = reader.get(f"{path}{'&' if '?' in path else '?'}lang=de").text
        elements = Elements(html).elements
        links = [
            urlsplit(own["href"])
            for tag, own in elements
            if tag == "a" and "hreflang" not in own and "//" not in own.get("href", "//")
        ]
        pages = [link for link in links if link.path in ("./", "embed")]
        assert pages
        assert [link for link in pages if dict(parse_qsl(link.query)).get("lang") != "de"] == []
        assert [link for link in links if link not in pages and "lang=" in link.query] == []
        if "present" not in path:
            fields = [
                (own.get("name"), own.get("value")) for tag, own in elements if tag == "input"
            ]
            assert ("lang", "de") in fields

    check_each(PLACES, check)


def test_every_page_leads_to_itself_in_every_language(reader: TestClient) -> None:
    """For readers at its foot, and for search engines in its head."""
    elements = Elements(reader.get(f"/?type=contract&event={GAS}").text).elements
    for element in ("a", "link"):
        links = {
            own["hreflang"]: dict(parse_qsl(urlsplit(own["href"]).query))
            for tag, own in elements
            if tag == element and "lang=" in own.get("href", "")
        }
        assert list(links) == list(LANGUAGES)
        for tag, query in links.items():
            assert query == {"type": "contract", "event": GAS, "lang": tag}
    alternates = [own for _, own in elements if own.get("hreflang") == "x-default"]
    assert [own["href"] for own in alternates] == [f"http://testserver/?type=contract&event={GAS}"]


def test_a_picture_has_no_language(reader: TestClient) -> None:
    """A cache keeps one preview for all."""
    previews = [
        reader.get("/preview.png", headers={"Accept-Language": tag}) for tag in ("de", "ar")
    ]
    assert len({answer.headers["ETag"] for answer in previews}) == 1
    assert "Accept-Language" not in previews[0].headers.get("Vary", "")


def test_a_country_is_named_in_the_language(reader: TestClient) -> None:
    """In the filter in force."""
    assert "Land: nicht <bdi>Serbien</bdi>" in reader.get("/?lang=de&country=!RS").text


def test_texts_of_the_chronology_say_their_own_language(reader: TestClient) -> None:
    """A screen reader reads an English title in English, also on an Arabic page."""
    titles = [own for tag, own in Elements(reader.get("/?lang=ar&view=list").text).elements]
    assert {own["lang"] for own in titles if own.get("dir") == "auto" and "lang" in own} == {"en"}
    html = reader.get("/?lang=ar&view=list").text
    assert re.findall(r"<h3 [^>]*>", html)
    assert all('lang="en"' in tag for tag in re.findall(r"<h3 dir[^>]*>", html))
    assert "lang=" not in "".join(re.findall(r"<h3 dir[^>]*>", reader.get("/?view=list").text))


def test_counts_have_the_right_plural(reader: TestClient) -> None:
    """In captions that are read aloud, too."""
    german = reader.get("/?lang=de&type=contract&view=list").text
    assert re.search(r"<title>[^<]*: 1 Ereignis(?:, \d sicher)?</title>", german)
    assert not re.search(r"[^\d]1 Ereignisse", german)
    arabic = reader.get("/?lang=ar").text
    assert "33 حدثًا" in arabic
    assert "19 مصدرًا" in arabic


# -- no word is left -----------------------------------------------------------------------------

ARABIC: dict[str, Any] = {
    "id": "meeting",
    "type": "talks",
    "title": "لقاء في بلغراد",
    "summary": "تباحث الوفدان.",
    "date": {"edtf": "2023-11~", "text": "في نوفمبر"},
    "status": "planned",
    "actors": [{"id": "envoy"}],
    "places": [{"id": "city"}],
    "quantities": [
        {"measure": "الحجم", "value": "400.50", "max_value": "500", "qualifier": "between"},
        {"measure": "الطول", "value": "1200", "qualifier": "about"},
    ],
    "tags": ["طاقة"],
    "media": [{"url": "https://example.org/1.jpg", "kind": "image", "caption": "الوفدان"}],
    "related": [{"relation": "responds-to", "event": "letter"}],
    "sources": [
        {"id": "paper", "claims": ["date", "title"], "quote": "التقيا", "locator": "ص 2"},
        {"id": "archive", "role": "context"},
        {"id": "other", "role": "contradicts", "note": "ينفي"},
    ],
}
# Names that stay as they are: of formats, of the standard of dates, of this program.
KEPT = {"EDTF", "JSON", "API", "Dateline", "desk", "number", "XX", "TimelineJS", "Feed"} | {
    word
    for each in (*FORMATS.values(), *BIBLIOGRAPHIES.values())
    for word in re.findall(r"[A-Za-z]{2,}", each.label.partition("(")[2])
}


@pytest.fixture(scope="module")
def arabic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Who reads a chronology in which everything is in Arabic."""
    url = migrated(SqliteStores(tmp_path_factory.mktemp("arabic")))
    with desk_over(url) as desk:
        write_arabic(desk)
        desk.client.headers.update(BROWSER)
        yield desk.client


def write_arabic(desk: Desk) -> None:
    """Store a chronology with an event that has something of everything."""
    records: dict[str, dict[str, Any]] = {
        "/types": {"id": "talks", "label": "محادثات"},
        "/actors": {"id": "envoy", "name": "المبعوث", "kind": "person"},
        "/places": {"id": "city", "name": "بلغراد", "latitude": 44.8, "longitude": 20.5},
    }
    for path, record in records.items():
        desk.add(path, record)
    for source in (
        {"id": "paper", "publisher": "الصحيفة", "title": "خبر", "published": "2023-11-07"},
        {"id": "archive", "title": "ملف", "accessed": "2024-01"},
        {"id": "other", "publisher": "الموقع", "author": "كاتب", "published": "[..2024-02-06]"},
    ):
        desk.add("/sources", source)
    desk.add(
        "/events",
        {
            "id": "letter",
            "type": "talks",
            "title": "رسالة",
            "date": "../2022",
            "sources": [{"id": "paper"}],
        },
    )
    desk.add("/events", ARABIC)
    desk.send("PUT", "/chronology", {"title": "تسلسل", "language": "ar", "about": "عن"})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?event=meeting",
        "/?present=meeting",
        "/?view=map&bbox=20,44,21,45",
        "/?view=list&rows=compact&status=planned&actor=!envoy",
        "/?date=2023&match=certain&status=planned&lanes=publisher",
        "/?known_by=2023-12&all_of=tag&tag=طاقة",
        "/?q=11111",
        "/embed",
        "/embed?view=strip",
        "/nothing",
    ],
)
def test_no_word_of_a_page_is_left_in_english(arabic: TestClient, path: str) -> None:
    """In what is seen, what is read aloud, and what scripts write."""
    accept = {"Accept-Language": "ar"} if path == "/nothing" else {}
    html = arabic.get(path, headers=accept).text
    assert language_of(html) == ("ar", "rtl")
    words = re.findall(r"[A-Za-z]{2,}", " ".join(Elements(html).words))
    assert sorted({*words} - KEPT) == []
