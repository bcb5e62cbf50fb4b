"""Random sequences of writes against a dictionary that knows what each must do."""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection
from sqlmodel import Session
from werkzeug.http import parse_etags

from app import reads, writes
from app.errors import Problem
from app.filters import ChangesQuery, EventQuery, RevisionsQuery, VocabularyQuery
from app.settings import Settings
from app.store import Database
from app.words import fold, make_slug
from stores import SqliteStores, Stores, seeded
from tiers import examples
from writing import Json, unsound

pytestmark = pytest.mark.both_engines

RUNS = {"sqlite": examples(200), "postgresql": 12}
STEPS = 30
# A failure is told as it was found: to shrink one takes minutes. Add Phase.shrink to look into it.
PHASES = [Phase.reuse, Phase.generate]

# -- what is written ------------------------------------------------------------------------------

IDS = {
    "event": ["e0", "e1", "e2", "e3"],
    "actor": ["a0", "a1", "ana"],
    "source": ["s0", "s1", "s2"],
}
# What an event names is mostly there.
OFTEN = {kind: st.sampled_from([*ids[:1] * 6, *ids[1:2] * 3, *ids]) for kind, ids in IDS.items()}
NAMES = ["Ana", "ANA", "Bojan"]
PUBLISHERS = ["Turan", "TURAN", "Blic", None]
URLS = ["https://one.example/", "https://two.example/", None]
OF_DATES: dict[str, Json] = {
    edtf: {
        "edtf": edtf,
        "text": None,
        "earliest": earliest,
        "latest": latest,
        "precision": precision,
        "uncertain": False,
        "approximate": edtf.endswith("~"),
        "label": label,
    }
    for edtf, earliest, latest, precision, label in (
        ("2023-11-06", "2023-11-06", "2023-11-06", "day", "6 November 2023"),
        ("2023-11", "2023-11-01", "2023-11-30", "month", "November 2023"),
        ("2020~", "2020-01-01", "2020-12-31", "year", "about 2020"),
    )
}
OF_ACTOR: Json = {"name": None, "kind": None, "country": None, "aliases": [], "url": None}
OF_SOURCE: Json = dict.fromkeys(
    ("publisher", "title", "author", "url", "archive_url", "published", "accessed", "language")
) | {"kind": None}
OF_CITATION: Json = {"claims": [], "quote": None, "locator": None, "note": None}
OF_EVENT: Json = {
    "type": "visit",
    "summary": None,
    "status": None,
    "places": [],
    "quantities": [],
    "media": [],
    "extra": {},
}


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    """Up to two of the values."""
    return st.lists(st.sampled_from(values), max_size=2)


actors = st.one_of(
    st.fixed_dictionaries({"id": OFTEN["actor"], "role": st.just("host")}),
    st.fixed_dictionaries({"name": st.sampled_from(NAMES)}),
)
sources = st.one_of(
    st.fixed_dictionaries(
        {"id": OFTEN["source"], "role": st.sampled_from(["context", "supports"])}
    ),
    st.fixed_dictionaries({"url": st.sampled_from(URLS[:2]), "publisher": st.just("Turan")}),
)
dates = st.one_of(
    st.sampled_from([*OF_DATES]),
    st.fixed_dictionaries({"edtf": st.sampled_from([*OF_DATES]), "text": st.just("then")}),
)
parts = {
    "summary": st.sampled_from([None, "All there is."]),
    "actors": st.lists(actors, max_size=2),
    "tags": some(["gas", "GAS", "oil"]),
    "related": st.lists(
        st.fixed_dictionaries({"event": OFTEN["event"], "relation": st.just("follows")}),
        max_size=1,
    ),
    "extra": st.dictionaries(
        st.sampled_from(["importance", "region"]), st.sampled_from([8, 8.5, True, "North"])
    ),
}
several = st.lists(sources, max_size=2).map(lambda some: [{"id": "s0"}, *some])
bodies = st.fixed_dictionaries(
    {
        "type": st.just("visit"),
        "title": st.sampled_from(["One", "Two"]),
        "date": dates,
        "sources": st.one_of(*[several] * 7, st.lists(sources, max_size=2)),
    },
    optional=parts,
)
patches = st.fixed_dictionaries(
    {},
    optional={
        **parts,
        "title": st.sampled_from(["One", "Two"]),
        "date": st.one_of(
            dates,
            st.sampled_from(
                [{"edtf": "2023-11"}, {"edtf": "2020~"}, {"text": "once"}, {"text": None}]
            ),
        ),
        "sources": several,
    },
)
vocabulary = {
    "actor": st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES)},
        optional={"country": st.sampled_from(["RS", None]), "url": st.sampled_from(URLS)},
    ),
    "source": st.fixed_dictionaries(
        {"published": st.just("2023")},
        optional={
            "publisher": st.sampled_from(PUBLISHERS),
            "url": st.sampled_from(URLS),
            "title": st.sampled_from(["T", None]),
        },
    ),
}
CONDITIONS = st.sampled_from([*["right"] * 5, "any", "stale", "weak", "none", "create"])
KINDS = st.sampled_from(["actor", "source"])
NOTES = st.sampled_from([None, "why"])
KEYS = st.sampled_from([None, None, "k0", "k1", "k2"])
COUNTED = ("version", "created_at", "updated_at")
Named = tuple[str, str]  # kind and id
Revision = tuple[int, str, str | None, Json | None]  # version, op, note, document


class Refused(Exception):  # noqa: N818 - as Problem is no error
    """The model's refusal: the code of the problem."""

    @property
    def code(self) -> str:
        """Of the problem."""
        return str(self.args[0])


def again(document: Json) -> Json:
    """The body that means what an event is served as."""
    named = {
        part: [{"id": entry["id"], "role": entry["role"]} for entry in document[part]]
        for part in ("actors", "sources")
    }
    return {**document, **named}


# -- the model ------------------------------------------------------------------------------------


class Model:
    """What a store must hold after the same writes, in dictionaries; what is held never changes."""

    def __init__(self) -> None:
        self.live: dict[str, dict[str, Json]] = {kind: {} for kind in IDS}
        self.gone: dict[str, dict[str, Json]] = {kind: {} for kind in IDS}
        self.tags: dict[str, str] = {}
        self.publishers: dict[str, str] = {}
        self.revisions: dict[Named, list[Revision]] = {}
        self.feed: list[Json] = []
        self.note: str | None = None  # of the request at hand
        self.filled: dict[str, Json] = {}  # events as they were before sources were filled in
        self.fills: list[str] = []

    def copy(self) -> "Model":
        """One that can be written without this one."""
        other = Model()
        other.live = {kind: dict(held) for kind, held in self.live.items()}
        other.gone = {kind: dict(held) for kind, held in self.gone.items()}
        other.tags, other.publishers = dict(self.tags), dict(self.publishers)
        other.revisions = {path: list(told) for path, told in self.revisions.items()}
        other.feed = list(self.feed)
        return other

    def document(self, kind: str, record_id: str) -> Json:
        """A record as it is served."""
        held = self.live[kind][record_id]
        if kind != "event":
            return {"id": record_id, **held, "events": len(self.users(kind, record_id))}
        shown = ("name", "kind", "country")
        return {
            **held,
            "actors": [
                {"id": i, **{n: self.live["actor"][i][n] for n in shown}, "role": role}
                for i, role in held["actors"]
            ],
            "sources": [
                {"id": i, **self.live["source"][i], "role": role, **OF_CITATION}
                for i, role in held["sources"]
            ],
            "tags": [self.tags[tag] for tag in held["tags"]],
            "related": [{"event": target, "relation": "follows"} for target in held["related"]],
        }

    def users(self, kind: str, record_id: str) -> list[str]:
        """The events that name a record."""
        part = {"event": "related", "actor": "actors", "source": "sources"}[kind]
        return sorted(
            event_id
            for event_id, held in self.live["event"].items()
            if record_id in [n if isinstance(n, str) else n[0] for n in held[part]]
        )

    def version(self, kind: str, record_id: str) -> int:
        """Of the last revision."""
        return len(self.revisions.get((kind, record_id), ()))

    # What a request means.

    def require(self, kind: str, record_id: str, condition: str) -> None:
        """The condition of a request for a record."""
        exists = record_id in self.live[kind]
        if not exists:
            if condition not in ("none", "create"):
                raise Refused("precondition-failed")
        elif condition == "none":
            raise Refused("precondition-required")
        elif condition not in ("right", "any"):
            raise Refused("precondition-failed")

    def require_there(self, kind: str, record_id: str) -> None:
        """That a record is there."""
        if record_id not in self.live[kind]:
            raise Refused("gone" if record_id in self.gone[kind] else "not-found")

    def require_support(self, kind: str, given: Json, code: str) -> None:
        """A source that supports the event."""
        roles = [source.get("role", "supports") for source in given.get("sources", ())]
        if kind == "event" and "supports" not in roles:
            raise Refused(code)

    def create(self, kind: str, given: Json, note: str | None) -> bool:
        """POST."""
        self.require_support(kind, given, "invalid-body")
        if given["id"] in self.live[kind] or given["id"] in self.gone[kind]:
            raise Refused("conflict")
        return self.store(kind, given["id"], self.held(kind, given, given["id"]), "create", note)

    def put(self, kind: str, record_id: str, given: Json, condition: str, note: str | None) -> bool:
        """PUT."""
        if record_id in self.gone[kind]:
            raise Refused("conflict")
        self.require(kind, record_id, condition)
        exists = record_id in self.live[kind]
        self.require_support(kind, given, "conflict" if exists else "invalid-body")
        op = "update" if exists else "create"
        return self.store(kind, record_id, self.held(kind, given, record_id), op, note)

    def patch(
        self, kind: str, record_id: str, given: Json, condition: str, note: str | None
    ) -> bool:
        """PATCH."""
        self.require_there(kind, record_id)
        self.require(kind, record_id, condition)
        stored = self.document(kind, record_id)
        merged = {**stored, **given}
        if kind == "event":
            merged["extra"] = {**stored["extra"], **given.get("extra", {})}
            merged |= {part: again(stored)[part] for part in ("actors", "sources") - given.keys()}
            said: Any = merged["date"]
            date: Json = {"edtf": said} if isinstance(said, str) else said
            edtf = date.get("edtf", stored["date"]["edtf"])
            kept = stored["date"]["text"] if edtf == stored["date"]["edtf"] else None
            merged["date"] = {"edtf": edtf, "text": date.get("text", kept)}
            self.require_support(kind, merged, "conflict")
        else:
            del merged["id"], merged["events"]
        return self.store(kind, record_id, self.held(kind, merged, record_id), "update", note)

    def delete(self, kind: str, record_id: str, condition: str, note: str | None) -> None:
        """DELETE."""
        self.require_there(kind, record_id)
        self.require(kind, record_id, condition)
        if self.users(kind, record_id):
            raise Refused("conflict")
        self.gone[kind][record_id] = self.live[kind].pop(record_id)
        self.tell(kind, record_id, "delete", note, None)
        self.forget()

    def restore(self, kind: str, record_id: str, note: str | None) -> bool:
        """POST to its path + /restore."""
        if record_id in self.live[kind]:
            raise Refused("conflict")
        if record_id not in self.gone[kind]:
            raise Refused("not-found")
        held = self.gone[kind][record_id]
        if kind == "event":
            for part, named in (("actor", "actors"), ("source", "sources"), ("event", "related")):
                ids = [n if isinstance(n, str) else n[0] for n in held[named]]
                if not set(ids) <= {*self.live[part]}:
                    raise Refused("conflict")
            last = next(told for *_, told in reversed(self.revisions[kind, record_id]) if told)
            for tag in last["tags"]:
                self.tags.setdefault(fold(tag), tag)
            held = {name: value for name, value in held.items() if name not in COUNTED}
        else:
            held = self.written(kind, held)
        del self.gone[kind][record_id]
        return self.store(kind, record_id, held, "restore", note)

    def go_back(
        self, kind: str, record_id: str, version: int, condition: str, note: str | None
    ) -> bool:
        """POST to its path + /revisions/{version}/restore."""
        self.require_there(kind, record_id)
        self.require(kind, record_id, condition)
        told = self.revisions[kind, record_id]
        if version > len(told):
            raise Refused("not-found")
        document = told[version - 1][3]
        if document is None:
            raise Refused("conflict")
        if kind == "event":
            for part, names in (("actor", "actors"), ("source", "sources")):
                if not {e["id"] for e in document[names]} <= {*self.live[part]}:
                    raise Refused("conflict")
            if not {link["event"] for link in document["related"]} <= {*self.live["event"]}:
                raise Refused("conflict")
            document = again(document)
        held = self.held(kind, document, record_id)
        return self.store(kind, record_id, held, "update", note)

    def cite(self, event_id: str, entry: Json, condition: str, note: str | None) -> bool:
        """POST to its path + /sources."""
        self.require_there("event", event_id)
        self.require("event", event_id, condition)
        given = again(self.document("event", event_id))
        given["sources"].append(entry)
        held = self.held("event", given, event_id)
        *others, added = held["sources"]
        if added in others:
            raise Refused("conflict")
        return self.store("event", event_id, held, "update", note)

    def uncite(self, event_id: str, number: int, condition: str, note: str | None) -> bool:
        """DELETE of its path + /sources/{number}."""
        self.require_there("event", event_id)
        self.require("event", event_id, condition)
        given = again(self.document("event", event_id))
        if number >= len(given["sources"]):
            raise Refused("not-found")
        del given["sources"][number]
        self.require_support("event", given, "conflict")
        held = self.held("event", given, event_id)
        return self.store("event", event_id, held, "update", note)

    # What a body means.

    def held(self, kind: str, given: Json, record_id: str) -> Json:
        """A record as the model holds it."""
        return self.event(given, record_id) if kind == "event" else self.written(kind, given)

    def event(self, given: Json, event_id: str) -> Json:
        """Its parts are looked up or made, in the order in which the store does."""
        date = given["date"]
        text = None if isinstance(date, str) else date.get("text")
        edtf = date if isinstance(date, str) else date["edtf"]
        tags = given.get("tags", [])
        held = {
            "id": event_id,
            **OF_EVENT,
            "title": given["title"],
            "summary": given.get("summary"),
            "extra": given.get("extra", {}),
            "date": {**OF_DATES[edtf], "text": text},
            "actors": [(self.named("actor", a), a.get("role")) for a in given.get("actors", [])],
            "tags": list(dict.fromkeys(fold(tag) for tag in tags)),
            "related": list(dict.fromkeys(link["event"] for link in given.get("related", []))),
        }
        if event_id in held["related"]:
            raise Refused("invalid-body")
        held["sources"] = [
            (self.named("source", s), s.get("role", "supports")) for s in given["sources"]
        ]
        if not set(held["related"]) <= {*self.live["event"]}:
            raise Refused("invalid-body")
        for tag in tags:
            self.tags.setdefault(fold(tag), tag)
        self.show_filled()
        return held

    def named(self, kind: str, given: Json) -> str:
        """The id of what an event names by its id, or by a name or address."""
        if "id" in given:
            if given["id"] not in self.live[kind]:
                raise Refused("invalid-body")
            return str(given["id"])
        by, same = ("name", fold) if kind == "actor" else ("url", str)
        of_kind = self.live[kind].items()
        found = [i for i, held in of_kind if held[by] and same(held[by]) == same(given[by])]
        if len(found) > 1:
            raise Refused("conflict")
        if found:
            if kind == "source":
                self.fill(found[0], given["publisher"])
            return found[0]
        base = make_slug(given["name" if kind == "actor" else "publisher"])
        ever = {record_id for of, record_id in self.revisions if of == kind}
        numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, 99))
        made = next(record_id for record_id in numbered if record_id not in ever)
        self.store(kind, made, self.written(kind, given), "create", self.note)
        return made

    def fill(self, source: str, publisher: str) -> None:
        """Give a source the publisher that it lacks; another one is refused, or one taken away."""
        held = self.live["source"][source]
        if held["publisher"]:
            if fold(held["publisher"]) != fold(publisher):
                raise Refused("conflict")
            return
        for *_, document in self.revisions["source", source]:
            if (
                document
                and document["publisher"]
                and fold(document["publisher"]) == fold(publisher)
            ):
                raise Refused("conflict")
        for user in self.users("source", source):
            self.filled.setdefault(user, self.document("event", user))
        self.live["source"][source] = held = self.written(
            "source", {**held, "publisher": publisher}
        )
        self.tell("source", source, "update", self.note, {"id": source, **held})
        self.fills.append(source)

    def show_filled(self) -> None:
        """Enter the events that show what was filled in."""
        for user, was in sorted(self.filled.items()):
            now = self.document("event", user)
            if now != was:
                used = [i for i in sorted(self.fills) if user in self.users("source", i)]
                self.enter("update", user, now["version"], now, {"kind": "source", "id": used[0]})
        self.filled, self.fills = {}, []

    def written(self, kind: str, given: Json) -> Json:
        """A record of the vocabulary; of two spellings of a publisher the first one stays."""
        held = {**(OF_ACTOR if kind == "actor" else OF_SOURCE), **given}
        held.pop("id", None)
        if kind == "source" and held["publisher"]:
            name = held["publisher"]
            held["publisher"] = self.publishers.setdefault(fold(name), name)
        return held

    # What follows from a write.

    def store(self, kind: str, record_id: str, held: Json, op: str, note: str | None) -> bool:
        """Hold a record; whether that changes anything. Of an event `settle` does the rest."""
        before = self.live[kind].get(record_id)
        if before is not None and held == {n: v for n, v in before.items() if n not in COUNTED}:
            return False
        users = [] if kind == "event" else self.users(kind, record_id)
        shown = {user: self.document("event", user) for user in users}
        self.live[kind][record_id] = held
        if kind == "event":
            return True
        self.tell(kind, record_id, op, note, {"id": record_id, **held})
        for user, was in shown.items():
            now = self.document("event", user)
            if now != was:
                cause = {"kind": kind, "id": record_id}
                self.enter("update", user, now["version"], now, cause)
        self.forget()
        return True

    def settle(self, event_id: str, op: str, note: str | None, moment: str) -> None:
        """Write an event down, at a moment that the store alone knows."""
        path = ("event", event_id)
        began = self.revisions[path][0][3]["created_at"] if path in self.revisions else moment  # type: ignore[index]
        version = self.version(*path) + 1
        counted = {"version": version, "created_at": began, "updated_at": moment}
        self.live["event"][event_id] = {**self.live["event"][event_id], **counted}
        self.tell("event", event_id, op, note, self.document("event", event_id))
        self.forget()

    def tell(
        self, kind: str, record_id: str, op: str, note: str | None, document: Json | None
    ) -> None:
        """A revision, and an entry of the feed."""
        told = self.revisions.setdefault((kind, record_id), [])
        told.append((len(told) + 1, op, note, document))
        if kind == "event":
            public = "create" if op == "restore" else op
            self.enter(public, record_id, len(told), document, None)

    def enter(
        self, op: str, event_id: str, version: int, document: Json | None, cause: Json | None
    ) -> None:
        """An entry of the feed."""
        known = {"op": op, "id": event_id, "version": version}
        self.feed.append({**known, "event": document, "cause": cause})

    def forget(self) -> None:
        """Tags and publishers that nothing bears vanish."""
        borne = {tag for held in self.live["event"].values() for tag in held["tags"]}
        self.tags = {tag: name for tag, name in self.tags.items() if tag in borne}
        named = {held["publisher"] for held in self.live["source"].values()}
        self.publishers = {f: name for f, name in self.publishers.items() if name in named}


# -- the machine ----------------------------------------------------------------------------------

AUTHOR = "machine"
EVENT: Json = {"type": "visit", "title": "One", "date": "2023-11", "sources": [{"id": "s0"}]}
FIRST: tuple[tuple[str, Json], ...] = (
    ("source", {"id": "s0", "publisher": "Turan"}),
    ("source", {"id": "s1", "title": "T"}),
    ("actor", {"id": "a0", "name": "Ana"}),
    ("actor", {"id": "a1", "name": "Ceca"}),
    ("event", EVENT | {"id": "e0", "actors": [{"id": "a0"}], "tags": ["gas"]}),
    ("event", EVENT | {"id": "e1", "sources": [{"id": "s0"}, {"id": "s1"}]}),
)


def fill(session: Session) -> None:
    """What every run begins with."""
    by = writes.By(AUTHOR)
    writes.create_record(session, by, writes.TYPE, {"id": "visit", "label": "Visit"})
    for kind, given in FIRST:
        writes.create_record(session, by, writes.RECORD_KINDS[kind], given)


class Newsroom(RuleBasedStateMachine):
    """Writes both the store and the model, and compares."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.store = Database(Settings(database_url=url))
        self.model = Model()
        with self.store.read() as connection:
            for kind, given in FIRST:
                self.model.create(kind, given, None)
                if kind == "event":
                    document = json.loads(reads.served(connection, kind, given["id"]))
                    self.model.settle(given["id"], "create", None, document["updated_at"])
        self.shown: dict[Named, tuple[Json, str]] = {}
        self.tags: dict[Named, list[str]] = {}  # that each record ever had
        self.answered: dict[str, tuple[str, writes.WriteAnswer]] = {}
        self.posted: list[tuple[str, Json, str]] = []

    def teardown(self) -> None:
        try:
            self.compare_all()
        finally:
            self.store.close()
            if self.store.dialect.url.drivername.startswith("sqlite"):
                for end in ("", "-wal", "-shm"):
                    Path(f"{self.store.dialect.url.database}{end}").unlink(missing_ok=True)

    # What is done.

    def pick(self, data: st.DataObject, kind: str, likely: Collection[str]) -> str:
        """An id, mostly one of the likely ones."""
        return data.draw(st.sampled_from([*sorted(likely) * 4, *IDS[kind]]))

    def free(self, kind: str) -> set[str]:
        """Ids that nothing has or had."""
        return {*IDS[kind]} - {*self.model.live[kind]} - {*self.model.gone[kind]}

    def attempt(
        self,
        work: Callable[[Session], writes.WriteAnswer | None],
        expect: Callable[[Model], bool | None],
        op: str,
        note: str | None,
    ) -> writes.WriteAnswer | None:
        """Write both; gives the answer, None where it is a refusal."""
        model = self.model.copy()
        model.note = note
        refusal = changed = None
        try:
            changed = expect(model)
        except Refused as refused:
            refusal = refused.code
        answer = problem = None
        try:
            with self.store.write() as session:
                answer = work(session)
        except Problem as raised:
            problem = raised.code
        assert problem == refusal
        if refusal is not None:
            return None
        if answer is not None:
            document = json.loads(answer.body)
            if changed and "title" in document and "date" in document:
                model.settle(document["id"], op, note, document["updated_at"])
        self.model = model
        return answer

    def conditioned(self, kind: str, record_id: str, condition: str) -> writes.Precondition:
        """What a client sends."""
        _, tag = self.shown.get((kind, record_id), ({}, "0"))
        earlier = [t for t in self.tags.get((kind, record_id), ()) if t != tag]
        sent = {
            "right": f'"{tag}"',
            "any": "*",
            "weak": f'W/"{tag}"',
            "stale": f'"{earlier[-1] if earlier else "none"}"',
        }.get(condition)
        match = None if sent is None else parse_etags(sent)
        return writes.Precondition(match, only_create=condition == "create")

    def post(self, kind: str, given: Json, key: str | None, note: str | None) -> None:
        """POST, with a key or without."""
        by, of = writes.By(AUTHOR, note), writes.RECORD_KINDS[kind]
        said = json.dumps([kind, given, note])
        request = None if key is None else writes.RepeatableRequest(AUTHOR, key, said)
        held = self.answered.get(key or "")

        def expect(model: Model) -> bool:
            if held is None:
                return model.create(kind, given, note)
            if held[0] != said:
                raise Refused("key-reused")
            return False

        def work(session: Session) -> writes.WriteAnswer:
            raw = json.loads(json.dumps(given))
            return writes.answer_once(
                session, request, lambda: writes.create_record(session, by, of, raw).answer
            )

        answer = self.attempt(work, expect, "create", note)
        if answer is None:
            return
        if held is not None:
            assert answer == held[1]
        elif key is not None:
            self.answered[key] = said, answer
            self.posted.append((kind, given, key))
        if held is None:
            assert (answer.status, answer.location) == (201, f"/{kind}s/{given['id']}")

    @rule(data=st.data(), given=bodies, key=KEYS, note=NOTES)
    def create_event(
        self, data: st.DataObject, given: Json, key: str | None, note: str | None
    ) -> None:
        event_id = self.pick(data, "event", self.free("event"))
        self.post("event", {"id": event_id, **given}, key, note)

    @rule(data=st.data(), kind=KINDS, key=KEYS)
    def create_entry(self, data: st.DataObject, kind: str, key: str | None) -> None:
        record_id = self.pick(data, kind, self.free(kind))
        self.post(kind, {"id": record_id, **data.draw(vocabulary[kind])}, key, None)

    @rule(number=st.integers(0, 5))
    def send_again(self, number: int) -> None:
        if self.posted:
            kind, given, key = self.posted[number % len(self.posted)]
            self.post(kind, given, key, None)

    def change(
        self, method: str, kind: str, record_id: str, given: Json, condition: str, note: str | None
    ) -> None:
        """PUT or PATCH."""
        if method == "patch" and condition == "create":
            condition = "none"
        by, of = writes.By(AUTHOR, note), writes.RECORD_KINDS[kind]
        sent = self.conditioned(kind, record_id, condition)
        existed = record_id in self.model.live[kind]
        own = {"put": writes.put_record, "patch": writes.patch_record}[method]
        modelled = {"put": Model.put, "patch": Model.patch}[method]

        def work(session: Session) -> writes.WriteAnswer:
            raw = json.loads(json.dumps(given))
            return own(session, by, of, record_id, raw, sent).answer

        answer = self.attempt(
            work,
            lambda model: modelled(model, kind, record_id, given, condition, note),
            "update" if existed else "create",
            note,
        )
        if answer is not None:
            assert answer.status == (200 if existed else 201)

    @rule(data=st.data(), given=bodies, condition=CONDITIONS, note=NOTES)
    def put_event(self, data: st.DataObject, given: Json, condition: str, note: str | None) -> None:
        event_id = self.pick(data, "event", self.model.live["event"])
        self.change("put", "event", event_id, given, condition, note)

    @rule(data=st.data(), given=patches, condition=CONDITIONS, note=NOTES)
    def patch_event(
        self, data: st.DataObject, given: Json, condition: str, note: str | None
    ) -> None:
        event_id = self.pick(data, "event", self.model.live["event"])
        self.change("patch", "event", event_id, given, condition, note)

    @rule(
        data=st.data(), kind=KINDS, condition=CONDITIONS, method=st.sampled_from(["put", "patch"])
    )
    def change_entry(self, data: st.DataObject, kind: str, condition: str, method: str) -> None:
        record_id = self.pick(data, kind, self.model.live[kind])
        self.change(method, kind, record_id, data.draw(vocabulary[kind]), condition, None)

    @rule(event_id=st.sampled_from(IDS["event"]))
    def put_back(self, event_id: str) -> None:
        """What was just read changes nothing."""
        if event_id in self.model.live["event"]:
            document, tag = self.shown["event", event_id]
            by, sent = writes.By(AUTHOR), writes.Precondition(parse_etags(f'"{tag}"'))
            with self.store.write() as session:
                saved = writes.put_record(session, by, writes.EVENT, event_id, document, sent)
            assert json.loads(saved.body) == document

    @rule(data=st.data(), kind=st.sampled_from([*IDS]), condition=CONDITIONS, note=NOTES)
    def delete(self, data: st.DataObject, kind: str, condition: str, note: str | None) -> None:
        live = self.model.live[kind]
        record_id = self.pick(data, kind, [i for i in live if not self.model.users(kind, i)])
        self.remove(kind, record_id, "none" if condition == "create" else condition, note)

    def remove(self, kind: str, record_id: str, condition: str, note: str | None) -> None:
        """DELETE."""
        by, of = writes.By(AUTHOR, note), writes.RECORD_KINDS[kind]
        sent = self.conditioned(kind, record_id, condition)

        def work(session: Session) -> None:
            writes.delete_record(session, by, of, record_id, sent)

        self.attempt(
            work, lambda model: model.delete(kind, record_id, condition, note), "delete", note
        )

    @rule(data=st.data(), kind=st.sampled_from([*IDS, "event"]))
    def delete_what_nothing_uses(self, data: st.DataObject, kind: str) -> None:
        free = [i for i in self.model.live[kind] if not self.model.users(kind, i)]
        if free:
            self.remove(kind, data.draw(st.sampled_from(sorted(free))), "right", None)

    @precondition(lambda self: any(self.model.gone.values()))
    @rule(data=st.data(), note=NOTES)
    def restore(self, data: st.DataObject, note: str | None) -> None:
        kind = data.draw(st.sampled_from([kind for kind, gone in self.model.gone.items() if gone]))
        record_id = self.pick(data, kind, self.model.gone[kind])
        by, of = writes.By(AUTHOR, note), writes.RECORD_KINDS[kind]
        answer = self.attempt(
            lambda session: writes.restore_record(session, by, of, record_id).answer,
            lambda model: model.restore(kind, record_id, note),
            "restore",
            note,
        )
        assert answer is None or answer.status == 200

    @rule(
        data=st.data(),
        kind=st.sampled_from([*IDS]),
        version=st.integers(1, 4),
        condition=CONDITIONS,
        note=NOTES,
    )
    def go_back(
        self, data: st.DataObject, kind: str, version: int, condition: str, note: str | None
    ) -> None:
        """To an earlier version of a record."""
        record_id = self.pick(data, kind, self.model.live[kind])
        by, of = writes.By(AUTHOR, note), writes.RECORD_KINDS[kind]
        sent, condition = self.edited(kind, record_id, condition)
        said = note or f"Version {version} again"
        self.attempt(
            lambda session: (
                writes.restore_revision(session, by, of, record_id, version, sent).answer
            ),
            lambda model: model.go_back(kind, record_id, version, condition, said),
            "update",
            said,
        )

    @rule(data=st.data(), entry=sources, condition=CONDITIONS, note=NOTES)
    def cite(self, data: st.DataObject, entry: Json, condition: str, note: str | None) -> None:
        """One more source."""
        event_id = self.pick(data, "event", self.model.live["event"])
        by = writes.By(AUTHOR, note)
        sent, condition = self.edited("event", event_id, condition)
        self.attempt(
            lambda session: writes.add_source(session, by, event_id, dict(entry), sent).answer,
            lambda model: model.cite(event_id, entry, condition, note),
            "update",
            note,
        )

    @rule(data=st.data(), number=st.integers(0, 2), condition=CONDITIONS, note=NOTES)
    def uncite(self, data: st.DataObject, number: int, condition: str, note: str | None) -> None:
        """A source less."""
        event_id = self.pick(data, "event", self.model.live["event"])
        by = writes.By(AUTHOR, note)
        sent, condition = self.edited("event", event_id, condition)
        self.attempt(
            lambda session: writes.remove_source(session, by, event_id, number, sent).answer,
            lambda model: model.uncite(event_id, number, condition, note),
            "update",
            note,
        )

    def edited(self, kind: str, record_id: str, condition: str) -> tuple[writes.Precondition, str]:
        """The condition of an edit, which creates nothing, and what it comes to."""
        condition = "none" if condition == "create" else condition
        return self.conditioned(kind, record_id, condition), condition

    # What must hold.

    @invariant()
    def every_record_is_as_modelled(self) -> None:
        with self.store.read() as connection:
            for kind, live in self.model.live.items():
                for record_id in {*IDS[kind], *live}:
                    self.compare(connection, kind, record_id)

    def compare(self, connection: Connection, kind: str, record_id: str) -> None:
        """A record's document, and its tag, which changes when the document does."""
        path = (kind, record_id)
        try:
            body = reads.served(connection, kind, record_id)
        except Problem as problem:
            code = problem.code
        else:
            code = ""
        if record_id not in self.model.live[kind]:
            assert code == ("gone" if path in self.model.revisions else "not-found")
            self.shown.pop(path, None)
            return
        document, tag = json.loads(body), reads.tag(body)
        assert document == self.model.document(kind, record_id)
        if path in self.shown:
            assert (document == self.shown[path][0]) == (tag == self.shown[path][1])
        self.shown[path] = document, tag
        if tag not in self.tags.setdefault(path, []):
            self.tags[path].append(tag)

    def compare_all(self) -> None:
        """What the run leaves: lists, revisions, the feed, and a store without a fault."""
        model = self.model
        with self.store.read() as connection:
            now = reads.position(connection)
            events = [model.document("event", event_id) for event_id in model.live["event"]]
            events.sort(key=lambda event: (event["date"]["earliest"], event["id"]))
            listed = reads.page(connection, now, EventQuery())
            assert [json.loads(item) for item in listed.items] == events
            for name in ("tags", "publishers"):
                found = reads.vocabulary(connection, now, name, VocabularyQuery())
                names = [json.loads(item)["name"] for item in found.items]
                assert sorted(names) == sorted(getattr(model, name).values())
            feed = list(self.feed(connection))
            for path, told in model.revisions.items():
                self.compare_revisions(connection, path, told)
        followed: dict[str, Json] = {}
        for change in feed:
            del change["cursor"], change["at"]
            if change["event"] is None:
                del followed[change["id"]]
            else:
                assert (change["op"] == "create") == (change["id"] not in followed)
                followed[change["id"]] = change["event"]
        assert feed == model.feed
        assert followed == {event["id"]: event for event in events}
        assert unsound(self.store) == []

    def feed(self, connection: Connection) -> Iterator[Json]:
        """The feed, a few changes at a time."""
        asked = ChangesQuery(limit=7)
        while True:
            after, items = reads.changes_after(connection, asked)
            if not items:
                return
            yield from map(json.loads, items)
            asked = ChangesQuery(limit=7, after=after)

    def compare_revisions(self, connection: Connection, path: Named, told: list[Revision]) -> None:
        """Versions without a gap, each with what it did and what the record was."""
        asked = RevisionsQuery(limit=200)
        page = reads.revisions(connection, reads.position(connection), *path, asked)
        found = [json.loads(item) for item in page.items]
        expected = [(version, op, note, AUTHOR) for version, op, note, _ in reversed(told)]
        assert [(r["version"], r["op"], r["note"], r["author"]) for r in found] == expected
        for version, *_, document in told:
            whole = json.loads(reads.revision(connection, *path, version))
            assert whole["document"] == document


def test_any_sequence_of_writes(stores: Stores, empty_template: str) -> None:
    """Answers, versions, tags, lists, the feed and the revisions are those of the model."""
    template = seeded(stores, empty_template, fill)
    sqlite = isinstance(stores, SqliteStores)
    run_state_machine_as_test(
        lambda: Newsroom(stores.new(template)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=RUNS["sqlite" if sqlite else "postgresql"],
            stateful_step_count=STEPS,
            deadline=None,
            phases=PHASES,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
