"""Asking over HTTP."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fastapi.testclient import TestClient


def walk(client: TestClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """All pages of a list, following `next` to its end; no page but the last may lack it."""
    pages = []
    answer = client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if pages[-1]["next"] is None:
            break
        answer = client.get(pages[-1]["next"])
        assert len(pages) < 2000, "the walk does not end"
    return pages


def items(pages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items of all pages, in order."""
    return [item for page in pages for item in page["items"]]


def ascending(values: Sequence[Any]) -> bool:
    """Whether each value is greater than the one before it."""
    return all(one < other for one, other in pairwise(values))
