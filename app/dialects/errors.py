"""Errors of the store: for the person at the command line, and as problems for clients."""

from sqlalchemy import Connection

from app.errors import OperatorError, Problem

TOO_COSTLY = "query-too-costly"
FULL = "The disk is full."


class StoreError(OperatorError):
    """The store cannot be used."""


class NoBackupError(StoreError):
    """A file is not a backup that can be restored; the message says why."""


class FullError(StoreError):
    """A disk is full."""


class AwayError(StoreError):
    """The store does not answer now, and may come back."""


def too_costly() -> Problem:
    """Return the Problem for a read that ran out of time."""
    return Problem(
        TOO_COSTLY,
        "The query took longer than a query may. Narrow it with `date` or one more filter, "
        "or ask for `total=none`.",
    )


def require_slow(connection: Connection) -> None:
    """Raise Problem `query-too-costly` in a quick read, which then begins again as a slow one."""
    if connection.get_execution_options().get("quick"):
        raise too_costly()


def unavailable(detail: str) -> Problem:
    """Return the Problem while the store cannot be used; the client may try again."""
    return Problem("store-unavailable", detail, headers={"Retry-After": "5"})


def lost() -> Problem:
    """Return the Problem for a store without the row that says which store it is."""
    return unavailable("The database has lost its epoch or identity; `dateline check` tells more.")


def unfinished() -> Problem:
    """Return the Problem while a store is being copied to this place."""
    return unavailable("The database is not whole yet: a copy is under way.")
