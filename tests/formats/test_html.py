"""A document to read, to print, to send: every event with its sources, in a file of its own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.html import amount, machine_date, shape
from formats.documents import ABOUT, EVENTS, Json, date, event, file_of, source
from formats.read_back import Shown


def shown(*events: Json) -> Shown:
    """The document of some events."""
    return Shown(file_of("html", events).decode())


def words(*events: Json) -> str:
    """All its words, white space folded."""
    return " ".join(" ".join(shown(*events).texts).split())


def test_it_needs_nothing_else() -> None:
    """No script, no picture, no style from elsewhere; links lead to the server and to sources."""
    cited = source(publisher="Example News", url="https://example.org/gas")
    found = shown(event(sources=[cited]))
    assert found.running == []
    assert all(link.startswith((f"{ABOUT.base}/", "https://example.org/")) for link in found.links)
    assert ABOUT.page_of("gas-contract") in found.links


def test_an_event_is_told_with_its_sources() -> None:
    """Date in words, title, amounts, and who reported it."""
    quantity = {"measure": "volume", "value": "400000000", "max_value": None, "unit": "m3"}
    told = event(
        quantities=[{**quantity, "qualifier": "at-least", "text": None}],
        sources=[source(publisher=None, title="Gas", published="2023-11-15", role="context")],
    )
    said = words(told)
    for part in ("November 2023", "Gas contract", "volume at least 400,000,000 m3"):
        assert part in said
    assert "publisher unknown , Gas , 15 November 2023 context" in said


@pytest.mark.parametrize(
    ("edtf", "marks"),
    [
        ("2023-11-15", "point"),
        ("2023-11", "within"),
        ("[..2024-02-06]", "within open-start"),
        ("[2024-02-28..]", "within open-end"),
        ("2023-11/2024-12", "lasting"),
        ("2023/..", "lasting open-end"),
        ("2020-08~", "within vague"),
        ("2020-08-01?", "point vague"),
    ],
)
def test_a_date_has_the_shape_of_what_is_known(edtf: str, marks: str) -> None:
    """A month is no point, and what is open has no end."""
    assert shape(edtf) == marks


@pytest.mark.parametrize(
    ("edtf", "machine"),
    [
        ("2023", "2023"),
        ("2023-11", "2023-11"),
        ("2023-11-15", "2023-11-15"),
        ("2023-22", None),
        ("2020~", None),
        ("-0043", None),
        ("0000", None),
        ("2023/2024", None),
    ],
)
def test_machines_are_told_what_html_can_say(edtf: str, machine: str | None) -> None:
    """In `<time datetime>`: a year, a month or a day, after Christ."""
    assert machine_date(date(edtf, None)) == machine


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (("-0.50", None, "exactly", "km", None), "-0.50 km"),
        (("1500000", "2000000", "between", "USD", None), "1,500,000 to 2,000,000 USD"),
        (("7", None, "about", None, None), "about 7"),
        (("7", None, "at-most", "t", "no more than seven tonnes"), "no more than seven tonnes"),
    ],
)
def test_an_amount_is_said_as_it_was_written(quantity: tuple[Any, ...], said: str) -> None:
    """No digit more or less."""
    names = ("value", "max_value", "qualifier", "unit", "text")
    assert amount(dict(zip(names, quantity, strict=True))) == said


@given(st.lists(EVENTS, max_size=4))
def test_any_text_is_text(events: list[Json]) -> None:
    """Nothing of it runs, and every event is there."""
    found = shown(*events)
    assert found.running == []
    assert found.ids == [told["id"] for told in events]
    assert all(link.startswith(("http://", "https://")) for link in found.links)
