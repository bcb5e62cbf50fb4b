"""Chronologies of any size as NDJSON, the same at every run: skewed, imprecise, well sourced."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from app import writes
from app.formats import READERS
from app.settings import Settings
from app.store import Database

COUNTRIES = (
    *("RS", "AZ", "TR", "RU", "US", "DE", "HU", "BG", "IT", "GR", "RO", "FR", "CN", "GB", "AM"),
    *("GE", "UA", "AT", "HR", "BA", "ME", "MK", "AL", "SI", "PL", "IR", "IL", "KZ", "TM", "UZ"),
)
ROLES = ("party", "host", "guest", "seller", "buyer", "builder", "owner", "witness", "mediator")
STATUSES = ("completed", "planned", "ongoing", "cancelled")
# Measure, unit, and the order of magnitude of its values.
MEASURES = (
    *(("contract value", "USD", 6), ("contract value", "EUR", 6), ("length", "km", 1)),
    *(("gas volume", "m3", 7), ("gas volume", "bcm", -1), ("contract value", "RSD", 8)),
)
SYLLABLES = (
    *("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu"),
    *("va", "ze", "bri", "dra", "gro", "kla", "sta", "tre", "ška", "ćo", "vlad", "min", "ter"),
)
EVERYWHERE = "reported"  # stands in nearly every event
PHRASE = "memorandum of understanding"  # in one title of fifty
FIRST, LAST = date(1990, 1, 1), date(2025, 12, 31)
DAYS = (LAST - FIRST).days
IMPORTANCES = 10  # values of an own field
FEW = 4  # events bear each of the rare words


def word(number: int) -> str:
    """A word for each number, of three syllables or a few more; neighbours look nothing alike."""
    more, number = divmod(number, len(SYLLABLES) ** 3)
    number = number * 7919 % len(SYLLABLES) ** 3
    parts = []
    for _ in range(3):
        number, rest = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[rest])
    return "".join(parts) + (word(more) if more else "")


def rare(number: int) -> str:
    """A word that FEW events bear, one for each number."""
    return f"quo{word(number)}x"


class Skewed:
    """Draws from a list of which the first are by far the commonest."""

    def __init__(self, random: Random, values: Sequence[str], power: float = 1.0) -> None:
        self.random, self.values = random, values
        self.weights = list(accumulate((rank + 1) ** -power for rank in range(len(values))))

    def some(self, number: int) -> list[str]:
        """So many, not all different."""
        return self.random.choices(self.values, cum_weights=self.weights, k=number)

    def several(self, number: int) -> list[str]:
        """So many at most, all different."""
        return list(dict.fromkeys(self.some(number)))


class Generator:
    """Makes the events of a chronology of a given size."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.random = random = Random(f"{number} events")
        named = [word(serial * 7 + 3).title() for serial in range(max(60, number // 50))]
        actors = [self._actor(serial, name) for serial, name in enumerate(named)]
        self.actors = Skewed(random, actors)
        self.places = Skewed(random, [self._place(serial) for serial in range(300)])
        self.types = Skewed(random, [f"type-{serial}" for serial in range(24)])
        self.tags = Skewed(random, [word(serial * 31 + 5) for serial in range(400)])
        self.roles = Skewed(random, ROLES)
        self.words = Skewed(random, [word(serial) for serial in range(6000)], power=0.9)
        self.publishers = [f"{word(serial * 13 + 1).title()} Press" for serial in range(1000)]
        weights = list(accumulate((rank + 1) ** -1.0 for rank in range(1000)))
        self.shares = [weight / weights[-1] for weight in weights]
        self.sources = max(20, number // 3)

    def lines(self) -> Iterator[str]:
        """The events, a line of NDJSON each."""
        return map(self._event, range(self.number))

    # -- what events name -------------------------------------------------------------------------

    def _actor(self, serial: int, name: str) -> str:
        """An actor as JSON, open at its end for the role."""
        made = {
            "id": f"actor-{serial}",
            "name": f"{name} {('Company', 'Ministry', 'Group')[serial % 3]} {serial}",
            "kind": ("organisation", "person", "group")[serial % 3],
            "country": COUNTRIES[serial * serial % len(COUNTRIES)],
        }
        return dumped(made)[:-1]

    def _place(self, serial: int) -> str:
        made = {
            "id": f"place-{serial}",
            "name": f"{word(serial * 17 + 2).title()} {serial}",
            "country": COUNTRIES[serial % len(COUNTRIES)],
            "latitude": round(35 + serial * 0.0731 % 25, 4),
            "longitude": round(-5 + serial * 7.19 % 60, 4),
        }
        return dumped(made)

    def _source(self, serial: int, role: str) -> str:
        """A source with its citation; a source of a number is the same wherever it is cited."""
        share = serial * 2654435761 % 4294967296 / 4294967296
        publisher = bisect_left(self.shares, share)
        out = str(FIRST + timedelta(days=serial * DAYS // self.sources))
        kept = serial % 25  # a few lack one thing or another
        made = {
            "id": f"source-{serial}",
            "publisher": None if kept == 7 else self.publishers[publisher],
            "title": f"{word(serial * 3 + 1).title()} {word(serial * 5 + 2)} {serial}",
            "url": None if kept == 9 else f"https://example.org/{publisher}/{serial}",
            "published": None if kept in (11, 13) else out,
            "accessed": out if kept in (9, 11) else None,
            "language": ("en", "sr", "az")[serial % 3],
            "kind": ("news", "analysis", "official", "report")[serial % 4],
            "role": role,
            "claims": ["date", "title", "actors"][: 1 + serial % 3],
            "quote": " ".join(self.words.some(12)),
            "locator": f"page {serial % 90}",
        }
        return dumped(made)

    def _sources(self, day: int) -> str:
        """One to five sources from the weeks after a day, sometimes the yearbook of all years."""
        random = self.random
        number = random.choices((1, 2, 3, 4, 5), cum_weights=(40, 72, 88, 96, 100))[0]
        about = day * self.sources // DAYS
        nearby = {min(self.sources - 1, about + random.randrange(12)) for _ in range(number)}
        if random.random() < 0.05:
            nearby.add(random.randrange(36) * self.sources // 36)
        chosen = sorted(nearby)[:5]
        roles = ["supports", *random.choices(("supports", "context", "contradicts"), k=4)]
        return ",".join(map(self._source, chosen, roles))

    def _date(self, day: int) -> str:
        """EDTF about a day: known to the day, month or year, or something that lasts."""
        at = FIRST + timedelta(days=day)
        chance, short = self.random.random(), str(at)
        if chance < 0.55:
            return short
        if chance < 0.75:
            return short[:7]
        if chance < 0.86:
            return short[:4]
        if chance < 0.89:
            return f"{short[:7]}~" if day % 2 else f"{short}?"
        if chance < 0.91:
            return f"[..{short}]"
        if chance < 0.92:
            return f"{short[:7]}/.."
        years = self.random.randint(8, 60) if chance > 0.98 else 0
        end = at + timedelta(days=365 * years + self.random.randint(3, 500))
        return f"{short[: (4, 7, 10)[day % 3]]}/{str(end)[: (4, 7, 10)[day % 3]]}"

    def _event(self, serial: int) -> str:
        random = self.random
        day = int(DAYS * random.random() ** 0.6)  # more of what is recent
        roles = self.roles.some(4)
        actors = [
            f'{actor},"role":"{role}"}}'
            for actor, role in zip(self.actors.several(random.randint(1, 4)), roles, strict=False)
        ]
        places = self.places.several(random.randint(0, 2))
        title = self.words.some(random.randint(5, 8))
        summary = self.words.some(random.randint(15, 40))
        if random.random() < 0.97:
            summary.append(EVERYWHERE)
        if random.random() < 0.5:
            summary.insert(3, rare(random.randrange(self.number // (2 * FEW) + 1)))
        if random.random() < 0.02:
            title.insert(2, PHRASE)
        status = random.choices(STATUSES, cum_weights=(80, 88, 97, 100))[0]
        related = quantities = ""
        if serial and random.random() < 0.1:
            target = random.randrange(serial) if random.random() < 0.8 else serial // 1000
            if target != serial:
                related = f'{{"event":"event-{target}","relation":"follows"}}'
        if random.random() < 0.3:
            measure, unit, size = random.choice(MEASURES)
            value = f"{random.uniform(1, 100) * 10**size:.2f}"
            about = random.choice(("exactly", "about", "at-least"))
            quantities = (
                f'{{"measure":"{measure}","value":"{value}","qualifier":"{about}","unit":"{unit}"}}'
            )
        tags = '","'.join(self.tags.several(random.randint(1, 4)))
        return (
            f'{{"id":"event-{serial}","type":"{self.types.some(1)[0]}","title":"{" ".join(title)}",'
            f'"summary":"{" ".join(summary)}","date":{{"edtf":"{self._date(day)}",'
            f'"text":"{title[0]} {day}"}},"status":"{status}","actors":[{",".join(actors)}],'
            f'"places":[{",".join(places)}],"quantities":[{quantities}],"tags":["{tags}"],'
            f'"related":[{related}],"sources":[{self._sources(day)}],'
            f'"extra":{{"importance":{serial * 7919 % IMPORTANCES}}}}}\n'
        )


def dumped(value: object) -> str:
    """JSON in as few characters as it takes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_ndjson(path: Path, number: int) -> None:
    """Write so many events to a file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(Generator(number).lines())


def write(database_url: str, number: int) -> None:
    """Make a store with so many events."""
    options = writes.ImportOptions(create_types=True)
    with TemporaryDirectory(prefix="dateline-generated-") as folder:
        path = Path(folder) / "events.ndjson"
        write_ndjson(path, number)
        with closing(Database(Settings(database_url=database_url))) as store:
            store.schema.migrate()
            with path.open("rb") as file, store.write() as session:
                writes.import_lines(
                    session, writes.By("benchmark"), READERS["ndjson"](file), options
                )
