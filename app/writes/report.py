"""The report of an import: the records that it creates, fills in and corrects."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlmodel import Session

from app.json_types import Json
from app.writes.similar import find_similar

MAX_LISTED_RECORDS = 200  # of one kind for each op, and as many namesakes
MAX_PRINTED_RECORDS = 20
MAX_SIMILAR = 3
OP_WORDS = {"create": "new", "fill": "filled in", "correct": "corrected"}  # each op for people


@dataclass
class RecordEntry:
    """One record that the file creates, fills in or corrects."""

    op: str
    kind: str
    id: str
    name: str
    line: int
    changes: dict[str, Json] = field(default_factory=dict)
    namesake_of: list[str] = field(default_factory=list)
    similar: list[Json] = field(default_factory=list)


class RecordReport:
    """The records that a file creates, fills in or corrects: exact totals, the first of each."""

    def __init__(self) -> None:
        self._listed: dict[tuple[str, str], RecordEntry] = {}  # in the order of the file
        self._room: dict[tuple[str, str, bool], int] = defaultdict(lambda: MAX_LISTED_RECORDS)
        self._changed: dict[tuple[str, str], str] = {}  # op by stored record
        self._made: dict[str, int] = defaultdict(int)

    def add(self, entry: RecordEntry) -> None:
        """Count a new record, and list it if there is room."""
        self._made[entry.kind] += 1
        self._list(entry)

    def change(self, entry: RecordEntry) -> None:
        """Count a stored record once, as corrected if a value is replaced anywhere in the file."""
        key = entry.kind, entry.id
        listed = self._listed.get(key)
        op = "correct" if "correct" in (entry.op, self._changed.get(key)) else "fill"
        self._changed[key] = op
        if listed is None:
            self._list(entry)
        else:
            listed.op = op
            listed.changes |= entry.changes

    def number_of(self, kind: str) -> int:
        """Return how many records the file has changed so far, with those created of a kind."""
        return self._made[kind] + len(self._changed)

    def _list(self, entry: RecordEntry) -> None:
        group = entry.kind, entry.op, bool(entry.namesake_of)
        if self._room[group] > 0:
            self._room[group] -= 1
            self._listed[entry.kind, entry.id] = entry

    def find_similar(self, session: Session) -> None:
        """Find the records that each new one may be meant to be: stored, or earlier in the file."""
        new = [entry for entry in self._listed.values() if entry.op == "create"]
        position = {(entry.kind, entry.id): n for n, entry in enumerate(new)}
        for entry in new:
            own = position[entry.kind, entry.id]
            entry.similar = [
                {"id": record_id, "name": name}
                for record_id, name in find_similar(session, entry.kind, entry.id, entry.name)
                if record_id not in {entry.id, *entry.namesake_of}
                and position.get((entry.kind, record_id), -1) < own
            ][:MAX_SIMILAR]

    @property
    def totals(self) -> dict[str, dict[str, int]]:
        """Return how many records of each kind the file creates, fills in and corrects."""
        counts: dict[str, dict[str, int]] = {}
        for kind, number in self._made.items():
            counts.setdefault(kind, {})["create"] = number
        for (kind, _), op in self._changed.items():
            of_kind = counts.setdefault(kind, {})
            of_kind[op] = of_kind.get(op, 0) + 1
        return counts

    @property
    def records(self) -> list[Json]:
        """Return the listed records, in the order of the file."""
        return [asdict(entry) for entry in self._listed.values()]


def format_report(
    records: Sequence[Json], totals: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """Yield the report as lines for people: by kind and op, the first of each."""
    for kind, counts in totals.items():
        for op, number in counts.items():
            yield f"{kind}: {number} {OP_WORDS[op]}"
            entries = [r for r in records if (r["kind"], r["op"]) == (kind, op)]
            notable = [r for r in entries if r["namesake_of"] or r["similar"]]
            plain = [r for r in entries if r not in notable]
            first = (notable + plain)[:MAX_PRINTED_RECORDS]
            yield from map(_line, first)
            if number > len(first):
                yield f"  and {number - len(first)} more"


def _line(record: Json) -> str:
    parts = [f"  line {record['line']}: {record['name']} ({record['id']})"]
    parts += [
        f"{name}: {_text(change['from'])} -> {_text(change['to'])}"
        for name, change in record["changes"].items()
    ]
    if record["namesake_of"]:
        parts.append(f"a namesake of {', '.join(record['namesake_of'])}")
    if record["similar"]:
        names = ", ".join(f"{near['name']} ({near['id']})" for near in record["similar"])
        parts.append(f"did you mean {names}?")
    return "; ".join(parts)


def _text(value: Any) -> str:
    if value is None or value == []:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
