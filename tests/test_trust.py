"""What operators and clients rely on from the first day: no secret leaks, answers can be traced."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings

Serve = Callable[..., TestClient]
KEY = "dln_" + "a1B2" * 12


@pytest.fixture
def serve(seeded_store: str) -> Iterator[Serve]:
    """Return a maker of clients over the example chronology, with settings of their own."""
    with ExitStack() as stack:

        def start(**settings: object) -> TestClient:
            app = create_app(Settings(database_url=seeded_store, **settings))
            return stack.enter_context(TestClient(app, follow_redirects=False))

        yield start


# -- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (f"/?key={KEY}&type=", "./?key=***"),
        (f"/?key={KEY}&utm_source=mail", "./?key=***"),
        (f"/embed?q={KEY}&type=", "embed?q=***"),
        (f"/?{KEY}=1&type=", "./?***=1"),
        ("/?access_token=abc&type=", "./?access_token=***"),
    ],
)
def test_a_redirect_of_a_page_repeats_no_key(serve: Serve, target: str, location: str) -> None:
    """It is logged by proxies, and kept by browsers."""
    answer = serve().get(target)
    assert answer.status_code == 303
    assert answer.headers["Location"].replace("%2A", "*") == location


@pytest.mark.parametrize("key", [KEY, KEY.replace("_", "%5F")])
def test_a_redirect_to_the_prefix_repeats_no_key(serve: Serve, key: str) -> None:
    """The same without its slash."""
    client = serve(public_url="http://testserver/timeline")
    answer = client.get(f"/timeline?key={key}&date=2023")
    assert answer.status_code == 308
    assert answer.headers["Location"].replace("%2A", "*") == "/timeline/?key=***&date=2023"
