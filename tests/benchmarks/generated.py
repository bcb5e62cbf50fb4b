"""Chronologies of any size, the same at every run, with events as rich as those of the seed."""

from collections.abc import Iterator
from random import Random

from app import writes
from app.db import Database
from app.schemas import EventWrite, TypeWrite
from app.settings import Settings

BATCH = 500
BY = writes.By("benchmark")
TYPES = tuple(f"type-{number}" for number in range(12))
WORDS = (
    *("agreement", "border", "company", "contract", "delegation", "delivery", "energy", "factory"),
    *("gas", "howitzer", "investment", "minister", "parliament", "pipeline", "president", "treaty"),
)


def write(database_url: str, number: int) -> None:
    """Make a store with so many events."""
    store = Database(Settings(database_url=database_url))
    try:
        store.migrate()
        with store.write() as session:
            for type_id in TYPES:
                given = TypeWrite(id=type_id, label=type_id)
                writes.TYPE.save(session, BY, given, "create")
        events = list(made(number))
        for start in range(0, number, BATCH):
            with store.write() as session:
                writes.create_events(session, BY, events[start : start + BATCH])
    finally:
        store.close()


def made(number: int) -> Iterator[EventWrite]:
    """So many events between 1990 and 2025, to the day, month or year, some lasting."""
    random = Random(number)
    for serial in range(number):
        year, month, day = random.randint(1990, 2025), random.randint(1, 12), random.randint(1, 28)
        date = random.choice((f"{year}", f"{year}-{month:02}", f"{year}-{month:02}-{day:02}"))
        if random.random() < 0.1:
            date = f"{year}/{year + random.randint(1, 3)}"
        yield EventWrite.model_validate(
            {
                "id": f"event-{serial}",
                "type": random.choice(TYPES),
                "title": " ".join(random.choices(WORDS, k=7)),
                "summary": " ".join(random.choices(WORDS, k=30)),
                "date": {"edtf": date, "text": f"in {year}"},
                "status": "completed",
                "actors": [
                    {"name": f"Actor {n}", "kind": "organisation", "country": "RS", "role": "party"}
                    for n in random.sample(range(200), k=3)
                ],
                "places": [{"name": f"Place {random.randrange(50)}", "country": "AZ"}],
                "tags": random.sample(WORDS, k=2),
                "sources": [
                    {
                        "publisher": f"Publisher {n}",
                        "title": f"Report {n}",
                        "published": f"{year}-12-{1 + n % 28:02}",
                        "role": role,
                        "claims": ["date", "title", "actors"],
                        "quote": " ".join(random.choices(WORDS, k=20)),
                        "locator": f"page {n}",
                    }
                    for n, role in zip(
                        random.sample(range(300), k=2), ("supports", "context"), strict=True
                    )
                ],
            }
        )
