"""What the database itself refuses, whoever writes: raw SQL against both engines."""

from collections.abc import Iterable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.store import Database
from stores import opened

pytestmark = pytest.mark.both_engines

EVENT = (
    "INSERT INTO event (id, type_id, title, date_edtf, version, created_at, updated_at,"
    " support_position, support_role) VALUES ('e', 'visit', 'T', '2023', 1, 'now', 'now', 0,"
    " 'supports')"
)
CITED = "aliyev-visit-belgrade-2022"

# What is tried, and the statements of one transaction that try it.
REFUSED = {
    "an event without a citation": [EVENT],
    "an event with a citation that does not support": [
        EVENT,
        "INSERT INTO citation (event_id, position, source_id, role)"
        " VALUES ('e', 0, 'unknown-publisher-2022-11-23', 'context')",
    ],
    "an event that calls another role its support": [
        EVENT.replace("'supports')", "'context')"),
        "INSERT INTO citation (event_id, position, source_id, role)"
        " VALUES ('e', 0, 'unknown-publisher-2022-11-23', 'context')",
    ],
    "removing the last supporting citation": [
        f"DELETE FROM citation WHERE event_id = '{CITED}' AND role = 'supports'"
    ],
    "turning the last supporting citation into context": [
        f"UPDATE citation SET role = 'context' WHERE event_id = '{CITED}'"
    ],
    "moving the last supporting citation to another event": [
        "UPDATE citation SET event_id = 'aliyev-re-election-2024', position = 9"
        f" WHERE event_id = '{CITED}' AND role = 'supports'"
    ],
    "pointing an event at no citation": [
        f"UPDATE event SET support_position = 7 WHERE id = '{CITED}'"
    ],
    "pointing an event at nothing": [
        f"UPDATE event SET support_position = NULL WHERE id = '{CITED}'"
    ],
    "a status that is none": [f"UPDATE event SET status = 'done' WHERE id = '{CITED}'"],
    "an empty title": [f"UPDATE event SET title = '' WHERE id = '{CITED}'"],
    "a version below one": [f"UPDATE event SET version = 0 WHERE id = '{CITED}'"],
    "a type that does not exist": [f"UPDATE event SET type_id = 'nothing' WHERE id = '{CITED}'"],
    "deleting a type in use": ["DELETE FROM type WHERE id = 'visit'"],
    "an actor that does not exist": [
        f"INSERT INTO event_actor (event_id, position, actor_id) VALUES ('{CITED}', 9, 'nobody')"
    ],
    "deleting an actor in use": ["DELETE FROM actor WHERE id = 'ilham-aliyev'"],
    "an actor's kind that is none": ["UPDATE actor SET kind = 'robot' WHERE id = 'serbia'"],
    "an actor of an event that does not exist": [
        "INSERT INTO event_actor (event_id, position, actor_id) VALUES ('no-event', 0, 'serbia')"
    ],
    "deleting a place in use": ["DELETE FROM place WHERE id = 'belgrade'"],
    "a latitude beyond the pole": ["UPDATE place SET latitude = 91 WHERE id = 'belgrade'"],
    "half a pair of coordinates": ["UPDATE place SET longitude = NULL WHERE id = 'belgrade'"],
    "deleting a source in use": ["DELETE FROM source WHERE id = 'balkan-insight-2023-11-15'"],
    "a source of which nothing is known": ["INSERT INTO source (id) VALUES ('ghost')"],
    "a source's kind that is none": [
        "UPDATE source SET kind = 'rumour' WHERE id = 'balkan-insight-2023-11-15'"
    ],
    "a source of a publisher that does not exist": [
        "UPDATE source SET publisher_id = 'nobody' WHERE id = 'balkan-insight-2023-11-15'"
    ],
    "a citation's role that is none": [
        f"UPDATE citation SET role = 'proves' WHERE event_id = '{CITED}' AND role = 'context'"
    ],
    "a citation of a source that does not exist": [
        f"UPDATE citation SET source_id = 'nothing' WHERE event_id = '{CITED}'"
    ],
    "a claim on a field that no event has": [
        "INSERT INTO citation_claim (event_id, citation_position, position, claim)"
        f" VALUES ('{CITED}', 0, 99, 'weather')"
    ],
    "a claim of no citation": [
        "INSERT INTO citation_claim (event_id, citation_position, position, claim)"
        f" VALUES ('{CITED}', 99, 0, 'date')"
    ],
    "a relation that is none": ["UPDATE relation SET relation = 'likes'"],
    "a relation to an event that does not exist": ["UPDATE relation SET target_id = 'nothing'"],
    "a relation to itself": ["UPDATE relation SET target_id = event_id"],
    "a quantity's qualifier that is none": ["UPDATE quantity SET qualifier = 'roughly'"],
    "a range with one end": ["UPDATE quantity SET qualifier = 'between', max_value = NULL"],
    "an upper end of no range": ["UPDATE quantity SET qualifier = 'exactly', max_value = '9'"],
    "a tag that does not exist": [
        f"INSERT INTO event_tag (event_id, position, tag_id) VALUES ('{CITED}', 9, 'nothing')"
    ],
    "two publishers of one name": [
        "INSERT INTO publisher (id, name, folded) VALUES ('x', 'Balkan insight', 'balkan insight')"
    ],
    "a second row of the store": ["INSERT INTO store (id, epoch, position) VALUES (2, 'x', 0)"],
}


def commit(store: Database, statements: Iterable[str]) -> None:
    """Run the statements in one transaction."""
    with store.write() as session:
        for statement in statements:
            session.execute(text(statement))


@pytest.mark.parametrize("attempt", REFUSED)
def test_is_refused_at_commit_at_the_latest(seeded_store: str, attempt: str) -> None:
    """The transaction does not commit, and the store is as it was."""
    with opened(seeded_store) as store, pytest.raises(DBAPIError, match=r"(?i)constraint"):
        commit(store, REFUSED[attempt])


def test_the_same_event_with_a_supporting_citation_is_accepted(seeded_store: str) -> None:
    """The refusals above are about what they say, not about raw SQL."""
    citation = (
        "INSERT INTO citation (event_id, position, source_id, role)"
        " VALUES ('e', 0, 'unknown-publisher-2022-11-23', 'supports')"
    )
    with opened(seeded_store) as store:
        commit(store, [EVENT, citation])
        with store.read() as connection:
            found = connection.execute(text("SELECT title FROM event WHERE id = 'e'"))
            assert found.scalar() == "T"
