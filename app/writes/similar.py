"""Find records that are likely meant to be one: `ACME Steel Ltd` and `Acme Steel`."""

import re
from collections.abc import Iterator
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import text
from sqlmodel import Session

from app.addresses import list_spellings
from app.dialects import listed
from app.words import fold
from app.writes.vocabulary import SOURCE

MAX_NAME_NEIGHBOURS = 50  # names before a name and as many behind it, in the order of the alphabet
MIN_LETTERS = 6  # of a name that may be misspelt: shorter ones differ by too little
MIN_SCORE = 90.0  # of 100: two letters of twenty may differ
LEGAL_FORMS = {  # legal forms of companies
    *("ab", "ad", "ag", "ao", "as", "bv", "cjsc", "co", "company", "corp", "corporation", "dd"),
    *("doo", "gmbh", "inc", "incorporated", "jsc", "kft", "kg", "limited", "llc", "llp", "ltd"),
    *("nv", "oao", "ojsc", "ooo", "oy", "oyj", "pjsc", "plc", "pty", "sa", "sarl", "se", "spa"),
    *("sro", "srl", "zao", "zrt"),
}


def strip_legal_form(name: str) -> str:
    """Return the folded name without its legal form: `acme steel` for `ACME Steel, Ltd.`."""
    words = re.findall(r"\w+", re.sub(r"[./'’]", "", fold(name)))
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def are_alike(one: str, other: str) -> bool:
    """Return whether two names are the same but for their legal form or a slip or two."""
    first, second = strip_legal_form(one), strip_legal_form(other)
    if first == second:
        return True
    if min(len(first), len(second)) < MIN_LETTERS or _digits(first) != _digits(second):
        return False
    return fuzz.token_sort_ratio(first, second, score_cutoff=MIN_SCORE) > 0


def _digits(name: str) -> list[str]:
    return sorted(re.findall(r"\d+", name))


def _neighbours(columns: str, table: str) -> str:
    """Return SQL for the names around `:name`, as an index finds them."""
    before, behind = (
        f"SELECT {columns} FROM {table} WHERE n.folded {bound} LIMIT :most"
        for bound in ("< :name ORDER BY n.folded DESC", ">= :name ORDER BY n.folded")
    )
    return f"SELECT * FROM ({before}) AS before UNION ALL SELECT * FROM ({behind}) AS behind"


# By kind, the queries for ids, names and the spellings to compare.
NEIGHBOUR_QUERIES = {
    "actor": (
        _neighbours("n.id, n.name, n.folded", "actor n"),
        _neighbours("a.id, a.name, n.folded", "actor_alias n JOIN actor a ON a.id = n.actor_id"),
    ),
    **{
        kind: (_neighbours("n.id, n.name, n.folded", f"{kind} n"),)
        for kind in ("place", "publisher", "tag")
    },
    "type": ("SELECT id, label, label FROM type ORDER BY id LIMIT 20 * :most",),
}

SOURCES_AT = text(
    "SELECT s.id, p.name AS publisher, s.title, s.url, s.published, s.accessed FROM source s"
    " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.url IN :addresses ORDER BY s.id"
).bindparams(listed("addresses"))


def find_similar(session: Session, kind: str, record_id: str, name: str) -> list[tuple[str, str]]:
    """Return ids and names of stored records that one may be meant to be, itself perhaps included.

    Looks at some neighbours of its name in the alphabet, however many records there are. Sources
    have no name of their own: those at another spelling of the address are found.
    """
    if kind == SOURCE.name:
        return _find_at_spellings(session, record_id)
    near: dict[str, str] = {}
    for probe in dict.fromkeys((fold(name), strip_legal_form(name))):
        for record_id, stored, spelling in _candidates(session, kind, probe):
            if are_alike(name, spelling):
                near[record_id] = stored
    return sorted(near.items())


def _candidates(session: Session, kind: str, probe: str) -> Iterator[Any]:
    for query in NEIGHBOUR_QUERIES.get(kind, ()):
        yield from session.execute(text(query), {"name": probe, "most": MAX_NAME_NEIGHBOURS})


def _find_at_spellings(session: Session, source_id: str) -> list[tuple[str, str]]:
    own = "SELECT url FROM source WHERE id = :id AND url IS NOT NULL"
    address = session.execute(text(own), {"id": source_id}).scalar()
    spellings = list_spellings(address) if address else []
    rows = session.execute(SOURCES_AT, {"addresses": spellings}) if spellings else ()
    return [(row.id, SOURCE.called(row._asdict())) for row in rows]
