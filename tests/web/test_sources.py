"""The sources of an event in one line."""

from typing import Any

import pytest

from app.formats.citations import format_reference
from app.web.sources import count_publishers, summarize_sources


def source(number: int, publisher: str | None, role: str = "supports") -> dict[str, Any]:
    """A source as it is served, as far as a line shows it."""
    return {"id": f"source-{number}", "publisher": publisher, "role": role}


@pytest.mark.parametrize(
    ("sources", "named", "more"),
    [
        ([("A", "supports"), ("B", "supports"), ("C", "supports")], ["A", "B"], 1),
        ([("A", "context"), ("B", "supports"), ("C", "supports")], ["B", "C"], 1),
        ([("A", "supports"), ("A", "supports"), ("B", "supports")], ["A", "B"], 1),
        ([("A", "supports"), ("B", "supports"), ("C", "contradicts")], ["A", "B", "C"], 0),
        ([("A", "supports"), ("A", "contradicts")], ["A", "A"], 0),
        ([(None, "supports"), (None, "supports")], [None, None], 0),
        ([("Shared", "supports")], [], 0),
    ],
)
def test_two_publishers_are_named_and_who_contradicts(
    sources: list[tuple[str, str]], named: list[str | None], more: int
) -> None:
    """Those that support the event first, each publisher once, the shared source never."""
    given = [source(9 if name == "Shared" else n, name, r) for n, (name, r) in enumerate(sources)]
    line = summarize_sources(given, "source-9")
    assert [one["publisher"] for one in line.named] == named
    assert line.more == more


def test_publishers_are_counted_as_the_filter_counts_them() -> None:
    """Known ones that support it, each once."""
    cited = [source(1, "A"), source(2, "A"), source(3, "B"), source(4, "C", "context")]
    assert count_publishers({"sources": [*cited, source(5, None)]}) == 2


def test_a_citation_is_one_line_with_its_address() -> None:
    """Which is left out if a browser may not follow it."""
    cited = {"publisher": "Al Jazeera", "title": None, "published": "2020-08-07", "accessed": None}
    for url, written in (
        ("https://a.example/1", "Al Jazeera, 7 August 2020. https://a.example/1"),
        ("javascript:alert(1)", "Al Jazeera, 7 August 2020."),
    ):
        assert format_reference({**cited, "url": url}) == written
