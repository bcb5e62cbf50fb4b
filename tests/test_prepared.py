"""Statements spelt once for both engines."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.dialects import Prepared
from stores import Stores, opened
from tiers import examples

pytestmark = pytest.mark.both_engines

TYPES = Prepared("SELECT id FROM type WHERE id IN :ids ORDER BY id")
EACH = Prepared("SELECT each.value FROM EACH :numbers ORDER BY each.value")


@pytest.fixture(scope="module")
def store(stores: Stores, seeded_template: str) -> Iterator[Database]:
    """The seed's."""
    with opened(stores.new(seeded_template)) as held:
        yield held


def test_a_list_of_texts(store: Database) -> None:
    """Whatever stands in them; of none nothing is found."""
    with store.read() as connection:
        wanted = ["visit", "contract", "no'such", 'a "word"', "100%", ":ids", "Đoković"]
        assert [row[0] for row in TYPES.rows(connection, ids=wanted)] == ["contract", "visit"]
        assert list(TYPES.rows(connection, ids=[])) == []


@settings(max_examples=examples(30), deadline=None)
@given(numbers=st.lists(st.integers(-(1 << 63), (1 << 63) - 1), unique=True))
def test_a_table_of_whole_numbers(store: Database, numbers: list[int]) -> None:
    """All that 64 bits hold, and none at all."""
    with store.read() as connection:
        found = EACH.rows(connection, numbers=numbers)
    assert [row[0] for row in found] == sorted(numbers)


def test_the_first_row_or_none(store: Database) -> None:
    """Where nothing is found there is no row."""
    with store.read() as connection:
        assert tuple(TYPES.row(connection, ids=["visit", "contract"])) == ("contract",)
        assert TYPES.row(connection, ids=["no-such"]) is None


def test_an_error_of_the_engine_is_told_as_any_other(store: Database) -> None:
    """As SQLAlchemy's, which every room above knows."""
    with pytest.raises(DBAPIError), store.read() as connection:
        Prepared("SELECT no_such FROM type").rows(connection)
