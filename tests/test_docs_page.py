"""The API reference in a browser: the first click works, and nothing comes from another host."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.documentation import DESCRIPTION
from browser import Visit, chromium, visiting
from reference import OPERATIONS, READS
from servers import serving
from stores import SqliteStores, migrated, seeded

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
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The reference of a server over the example chronology, just opened."""
    files = SqliteStores(tmp_path_factory.mktemp("docs"))
    store = seeded(files, migrated(files))
    with serving(store) as server, chromium() as browser, visiting(browser) as visit:
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
