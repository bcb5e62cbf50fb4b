"""The API reference in a browser: the first click works, and nothing comes from another host."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from browser import Visit, chromium, visiting
from reference import OPERATIONS, READS
from servers import serving
from stores import SqliteStores, migrated, seeded


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
