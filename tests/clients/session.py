"""What a user does with the generated Python client, told as JSON; run by its test."""

import json
import sys
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from dateline_client import AuthenticatedClient, Client
from dateline_client.api.changes import list_changes
from dateline_client.api.events import (
    create_event,
    delete_event,
    get_event,
    get_event_revision,
    list_event_revisions,
    list_events,
    patch_event,
)
from dateline_client.api.files import export_events, export_sources, import_events
from dateline_client.models import (
    ActorReference,
    Change,
    ChangePage,
    DatePatch,
    DateWrite,
    Event,
    EventPage,
    EventPatch,
    EventRevision,
    EventWrite,
    ImportReport,
    ListedEvent,
    Problem,
    RevisionPage,
    SourceReference,
    SparseEventPage,
)
from dateline_client.types import UNSET, File, Unset

T = TypeVar("T")
AnyClient = Client | AuthenticatedClient
TALKS = EventWrite(
    type_="visit",
    title="Talks about more gas in Belgrade",
    date=DateWrite(edtf="2024-03", text="in March"),
    actors=[ActorReference(id="serbia", role="host"), ActorReference(name="SOCAR")],
    sources=[
        SourceReference(publisher="Example News", title="More gas", claims=["date"]),
        SourceReference(url="https://example.org/gas", accessed="2024-04-02", role="context"),
    ],
)


def the(shape: type[T], answer: object) -> T:
    """The answer, which must have this shape."""
    assert isinstance(answer, shape), answer
    return answer


def following(address: str | None, name: str) -> str | Unset:
    """The cursor of a page's `next`."""
    return parse_qs(urlsplit(address).query)[name][0] if address else UNSET


def filtered(client: Client) -> list[ListedEvent]:
    """A filter with a repeated parameter and a date."""
    page = list_events.sync(client=client, type_=["contract", "visit"], date="2023-11")
    return the(EventPage, page).items


def every(client: Client) -> Iterator[ListedEvent]:
    """All events, a page at a time."""
    cursor: str | Unset = UNSET
    while True:
        page = the(EventPage, list_events.sync(client=client, limit=10, cursor=cursor))
        yield from page.items
        cursor = following(page.next_, "cursor")
        if not cursor:
            return


def sparse(client: Client) -> list[str | Unset]:
    """Titles alone."""
    page = list_events.sync(client=client, type_=["contract"], fields="title")
    return [event.title for event in the(SparseEventPage, page).items]


def changes(client: AnyClient, after: str | Unset) -> list[Change]:
    """What happened after a cursor, to the end of the feed."""
    found: list[Change] = []
    while True:
        page = the(ChangePage, list_changes.sync(client=client, after=after, limit=2))
        found += page.items
        if page.next_ is None:
            return found
        after = following(page.next_, "after")


def told(problem: object) -> list[Any]:
    """A problem's status and kind, and of each error what was wrong and what would be right."""
    error = the(Problem, problem)
    faults = error.errors or []
    return [error.status, error.type_, [[fault.name, fault.suggestion or None] for fault in faults]]


def wrote(client: AuthenticatedClient) -> dict[str, Any]:
    """An event's life: created, corrected, refused, deleted."""
    seen = changes(client, UNSET)[-1].cursor
    made = the(Event, create_event.sync(client=client, body=TALKS, idempotency_key="talks"))
    tag = get_event.sync_detailed(made.id, client=client).headers["ETag"]
    patch = EventPatch(date=DatePatch(edtf="2024-03-12"), status="completed", summary=None)
    misspelt = EventPatch(date="2024-02-30")

    def corrected(body: EventPatch, if_match: str) -> Event | Problem | None:
        return patch_event.sync(
            made.id, client=client, body=body, if_match=if_match, note="The day is known"
        )

    now = the(Event, corrected(patch, tag))
    stale = corrected(patch, tag)
    fresh = get_event.sync_detailed(made.id, client=client).headers["ETag"]
    refused = corrected(misspelt, fresh)
    listed = list_event_revisions.sync(made.id, client=client)
    first = the(EventRevision, get_event_revision.sync(made.id, 1, client=client)).document
    deleted = delete_event.sync_detailed(made.id, client=client, if_match=fresh)
    return {
        "created": [made.id, made.date.text, [source.publisher for source in made.sources]],
        "corrected": [now.version, now.date.label, now.status],
        "stale": told(stale),
        "refused": told(refused),
        "revisions": [[item.op, item.note] for item in the(RevisionPage, listed).items],
        "first revision": first.date.edtf if first else None,
        "deleted": deleted.status_code.value,
        "gone": told(get_event.sync(made.id, client=client)),
        "changes": [
            [change.op, change.version, change.event.date.edtf if change.event else None]
            for change in changes(client, seen)
        ],
    }


def copied(client: AuthenticatedClient) -> list[list[int]]:
    """All events out as lines and as a table, all sources as a bibliography, and in again."""
    files = (
        export_events.sync("ndjson", client=client),
        export_events.sync("csv", client=client),
        export_sources.sync("bib", client=client),
    )
    reports = [
        the(ImportReport, import_events.sync(client=client, body=the(File, file))) for file in files
    ]
    return [[report.created, report.updated, report.unchanged] for report in reports]


def session(url: str, key: str) -> dict[str, Any]:
    """All of it."""
    reader = Client(base_url=url)
    writer = AuthenticatedClient(base_url=url, token=key)
    return {
        "filtered": [
            [event.id, event.date.edtf, event.match, len(event.sources)]
            for event in filtered(reader)
        ],
        "every": [event.id for event in every(reader)],
        "sparse": sparse(reader),
        "copied": copied(writer),
        "misspelt": told(list_events.sync(client=reader, date="2023-13")),
        **wrote(writer),
    }


json.dump(session(sys.argv[1], sys.argv[2]), sys.stdout)
