"""Statements spelt once for both engines."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from app.dialects import Prepared
from app.store import Database
from stores import Stores, opened

pytestmark = pytest.mark.both_engines

TYPES = Prepared("SELECT id FROM type WHERE id IN :ids ORDER BY id")


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


def test_the_first_row_or_none(store: Database) -> None:
    """Where nothing is found there is no row."""
    with store.read() as connection:
        assert tuple(TYPES.row(connection, ids=["visit", "contract"])) == ("contract",)
        assert TYPES.row(connection, ids=["no-such"]) is None


def test_an_error_of_the_engine_is_told_as_any_other(store: Database) -> None:
    """As SQLAlchemy's, which every room above knows."""
    with pytest.raises(DBAPIError), store.read() as connection:
        Prepared("SELECT no_such FROM type").rows(connection)
