"""Every change to the data, each within the transaction of the session it is given."""

from app.writes.chronology import patch_chronology, put_chronology, restore_chronology
from app.writes.citations import add_source, remove_source
from app.writes.events import EVENT, StoredKind, create_events
from app.writes.imports import ImportOptions, ImportOutcome, import_lines
from app.writes.journal import By, current_timestamp, find_contradictions
from app.writes.records import (
    RECORD_KINDS,
    Precondition,
    Saved,
    create_record,
    delete_record,
    patch_record,
    put_record,
    restore_record,
    restore_revision,
)
from app.writes.report import format_report
from app.writes.retries import RepeatableRequest, WriteAnswer, answer_once
from app.writes.tables import delete_mapping, import_file
from app.writes.vocabulary import ACTOR, PLACE, SOURCE, TYPE

__all__ = [
    "ACTOR",
    "EVENT",
    "PLACE",
    "RECORD_KINDS",
    "SOURCE",
    "TYPE",
    "By",
    "ImportOptions",
    "ImportOutcome",
    "Precondition",
    "RepeatableRequest",
    "Saved",
    "StoredKind",
    "WriteAnswer",
    "add_source",
    "answer_once",
    "create_events",
    "create_record",
    "current_timestamp",
    "delete_mapping",
    "delete_record",
    "find_contradictions",
    "format_report",
    "import_file",
    "import_lines",
    "patch_chronology",
    "patch_record",
    "put_chronology",
    "put_record",
    "remove_source",
    "restore_chronology",
    "restore_record",
    "restore_revision",
]
