"""Every change to the data, each within the transaction of the session it is given."""

from app.writes.citations import add_source, remove_source
from app.writes.events import EVENT, Kind, create_events
from app.writes.imports import ImportOptions, Report, load
from app.writes.journal import By, check, now
from app.writes.records import (
    KINDS,
    Condition,
    Saved,
    create,
    delete,
    patch,
    put,
    restore,
)
from app.writes.report import printed
from app.writes.retries import Answer, Request, once
from app.writes.vocabulary import ACTOR, PLACE, SOURCE, TYPE

__all__ = [
    "ACTOR",
    "EVENT",
    "KINDS",
    "PLACE",
    "SOURCE",
    "TYPE",
    "Answer",
    "By",
    "Condition",
    "ImportOptions",
    "Kind",
    "Report",
    "Request",
    "Saved",
    "add_source",
    "check",
    "create",
    "create_events",
    "delete",
    "load",
    "now",
    "once",
    "patch",
    "printed",
    "put",
    "remove_source",
    "restore",
]
