"""The API reference in a browser: the first click works, and nothing comes from another host."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.documentation import DESCRIPTION
from browser import Visit, chromium, visiting
from node import packages
from reference import DOCUMENT, OPERATIONS, READS
from servers import Server, serving
from stores import SqliteStores, migrated, seeded

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

EXAMPLES = re.findall(r"\]\(([^)]+)\)", DESCRIPTION)


def found_in(answer: Response) -> int:
    """How many events or counts an answer holds, whatever its format."""
    if answer.headers["content-type"].startswith("text/csv"):
        return len(answer.text.splitlines()) - 1
    if answer.headers["content-type"].startswith("text/html"):
        return len(set(re.findall(r"[?;&]event=([\w-]+)", answer.text)))
    lists = answer.json()
    lists.update(lists.pop("facets", {}))
    rows = next(value for value in lists.values() if isinstance(value, list))
    return sum(row.get("possible", 1) for row in rows)


@pytest.mark.parametrize("link", EXAMPLES)
def test_an_example_finds_something(client: TestClient, link: str) -> None:
    """Each link of the introduction, followed from where the reference stands."""
    answer = client.get(urljoin("/docs", link))
    assert answer.status_code == 200, answer.text
    assert found_in(answer) >= 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over the example chronology."""
    files = SqliteStores(tmp_path_factory.mktemp("docs"))
    with serving(seeded(files, migrated(files))) as server:
        yield server


@pytest.fixture(scope="module")
def chrome() -> Iterator["Browser"]:
    """Return a browser."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def docs(server: Server, chrome: "Browser") -> Iterator[Visit]:
    """Return a visit of the reference, just opened."""
    with visiting(chrome) as visit:
        visit.page.goto(f"{server.url}/docs")
        visit.page.wait_for_selector(".opblock")
        yield visit


def test_every_operation_can_be_found(docs: Visit) -> None:
    """By its method and path."""
    shown = [" ".join(row.split()[:2]) for row in docs.page.locator(".opblock").all_inner_texts()]
    assert sorted(shown) == sorted(map(str, OPERATIONS))


def test_the_examples_are_links(docs: Visit) -> None:
    """All of the introduction's, leading to this server."""
    links = docs.page.locator(".info .description a")
    shown = links.evaluate_all("(links) => links.map((link) => link.href)")
    assert [urljoin(docs.page.url, link) for link in EXAMPLES] == shown
    assert len(shown) >= 6


def test_the_first_try_finds_the_gas_contract(docs: Visit) -> None:
    """`GET /events` is sent as it stands, its examples filled in, and answers with an event."""
    (operation,) = (o for o in READS if o.path == "/events")
    block = docs.page.locator("#operations-Events-list_events")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table .response")
    answer.wait_for()
    assert answer.locator(".response-col_status").inner_text().strip() == "200"
    assert '"serbia-azerbaijan-gas-contract"' in answer.inner_text()
    sent = urlsplit(docs.requests[-1])
    filled_in = {name for name, p in operation.of("query").items() if "example" in p}
    assert set(operation.examples(*filled_in)) <= set(parse_qsl(sent.query))


def test_nothing_was_asked_of_another_host(docs: Visit) -> None:
    """The reference works on a machine without the internet."""
    assert any(url.endswith("/openapi.json") for url in docs.requests)
    assert docs.elsewhere(docs.page.url) == []


def test_the_browser_complains_of_nothing(docs: Visit) -> None:
    """No failed request, no error, not a line on the console."""
    assert docs.complaints == []


def test_events_stand_first(docs: Visit) -> None:
    """The sections are in the order of the document's tags."""
    shown = docs.page.locator("h3.opblock-tag").evaluate_all(
        "(all) => all.map((h) => h.dataset.tag)"
    )
    assert shown == [tag["name"] for tag in DOCUMENT["tags"]]
    assert shown[0] == "Events"


# A colour or width that is still on its way would be judged as if it stayed.
AT_REST = """async () => {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    await Promise.allSettled(document.getAnimations().map((running) => running.finished));
}"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_the_reference_is_for_everybody(
    server: Server, chrome: "Browser", width: int, colours: Literal["light", "dark"]
) -> None:
    """Axe finds nothing and nothing is wider than the page, with an answer and a schema open."""
    axe = (packages("axe-core@4.14.1") / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    size = {"width": width, "height": 900}
    with visiting(chrome, viewport=size, color_scheme=colours) as visit:
        page = visit.page
        page.goto(f"{server.url}/docs")
        page.wait_for_selector(".opblock")
        page.evaluate(axe)  # from outside: the policy lets no such script in
        for opened in (False, True):
            if opened:
                block = page.locator("#operations-Events-list_events")
                block.locator(".opblock-summary-control").click()
                block.locator("button.execute").click()
                block.locator(".live-responses-table .response").wait_for()
                page.locator(".models-control").click()
                page.locator(".models .json-schema-2020-12-accordion").first.click()
            page.wait_for_load_state("networkidle")
            page.evaluate(AT_REST)
            found = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
            assert [
                (v["id"], [node["target"] for node in v["nodes"]][:3]) for v in found["violations"]
            ] == []
            assert len(found["passes"]) > 10
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = (
            page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        )
        assert dark == (colours == "dark")
        assert (page.locator("main").count(), page.locator("html").get_attribute("lang")) == (
            1,
            "en",
        )
        assert visit.complaints == []
