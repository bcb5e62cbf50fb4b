"""What the requests ask for: values common and rare, the same at every run over the same store."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import parse_qs, urlsplit

from benchmarks import generated
from servers import Server

DIMENSIONS = ("type", "actor", "role", "place", "country", "tag", "publisher", "source", "status")
MANY = 40  # values a kind at most
STEP = 200  # events between two deep cursors
DEEPEST = 1000  # pages that are walked to have them
Query = dict[str, str]


@dataclass
class Values:
    """What a store of so many events can be asked for."""

    number: int
    counts: Mapping[str, Sequence[tuple[str, int]]]  # values with events, the commonest first
    cursors: Mapping[str, Sequence[str]]  # by sort
    moments: Sequence[str]
    random: Random = field(default_factory=lambda: Random("values"))

    def spread(self, dimension: str, most: int = MANY) -> list[str]:
        """Values from the commonest to the rarest, denser where they are common."""
        names = [name for name, _ in self.counts[dimension]]
        ranks = {round(len(names) ** (step / most)) - 1 for step in range(most + 1)}
        return [names[min(rank, len(names) - 1)] for rank in sorted(ranks)]

    def common(self, dimension: str) -> str:
        """One of the three commonest values."""
        return self.random.choice(self.counts[dimension][:3])[0]

    def any(self, dimension: str) -> str:
        """A value of any rank, common ones more often."""
        names = self.counts[dimension]
        return names[int(len(names) ** self.random.random()) - 1][0]

    def middling(self, dimension: str) -> str:
        """A value that is neither: together with another it leaves few hits."""
        names = self.counts[dimension]
        return names[int(len(names) * self.random.uniform(0.1, 0.5))][0]

    def events(self) -> list[str]:
        """Ids of events from all over."""
        return [
            f"event-{n}" for n in self.random.sample(range(self.number), min(MANY, self.number))
        ]

    def terms(self, number: int, *kinds: str, times: int = MANY) -> list[Query]:
        """Filters by so many different dimensions; `kinds` says how common each value is."""
        made = []
        for _ in range(times):
            names = self.random.sample(DIMENSIONS, number)
            pairs = zip(names, kinds, strict=True)
            made.append({name: str(getattr(self, kind)(name)) for name, kind in pairs})
        return made

    def windows(self) -> list[str]:
        """Days, months, years and longer, in every decade."""
        made = []
        for step in range(MANY):
            year = 1988 + step
            month, day = self.random.randint(1, 12), self.random.randint(1, 28)
            made.append(
                (
                    f"{year}-{month:02}-{day:02}",
                    f"{year}-{month:02}",
                    str(year),
                    f"{year}/{year + self.random.randint(1, 9)}",
                    f"{year}-{month:02}/..",
                    f"../{year}-{month:02}",
                )[step % 6]
            )
        return made

    def boxes(self) -> list[str]:
        """Boxes from a town to a continent."""
        made = []
        for step in range(MANY):
            west, south = self.random.uniform(-5, 50), self.random.uniform(35, 58)
            size = 0.3 * 1.12**step
            made.append(f"{west:.2f},{south:.2f},{min(west + size, 180):.2f},{south + size:.2f}")
        return made

    def rare_words(self) -> list[str]:
        """Words that few events bear."""
        most = self.number // (2 * generated.FEW) + 1
        return [generated.rare(self.random.randrange(most)) for _ in range(MANY)]

    def words(self) -> list[str]:
        """Words from common to rare."""
        return [generated.word(int(6000 ** (step / MANY)) - 1) for step in range(MANY)]


def read(server: Server, number: int) -> Values:
    """The values of the store that a server serves."""
    counts = {}
    for name in DIMENSIONS:
        told = server.ask(f"/facets?by={name}&limit=1000").json()
        counts[name] = [(v["value"], v["count"]) for v in told["facets"][name]]
    cursors = {sort: list(walked(server, sort)) for sort in ("date", "-date")}
    moments = [e["updated_at"] for e in sampled(server, ("updated", "-updated"))]
    return Values(number, counts, cursors, sorted(moments)[:: max(1, len(moments) // MANY)])


def walked(server: Server, sort: str) -> Iterator[str]:
    """The cursors behind each page of STEP events."""
    target: str | None = f"/events?sort={sort}&limit={STEP}&total=none"
    for _ in range(DEEPEST):
        assert target is not None
        body = server.ask(target).body
        following = json.loads(body[body.rindex(b'"next":') + 7 : -1])
        if following is None:
            return
        parts = urlsplit(following)
        target = f"{parts.path}?{parts.query}"
        yield parse_qs(parts.query)["cursor"][0]


def sampled(server: Server, sorts: Sequence[str]) -> Iterator[dict[str, str]]:
    """The first events of each order."""
    for sort in sorts:
        yield from server.ask(f"/events?sort={sort}&limit=200&fields=id,updated_at").json()["items"]
