"""Commands for a whole store, such as `migrate`, `check` and `backup`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.opening import open_any_version, open_store
from app.cli.terminal import fail, out, progress

if TYPE_CHECKING:
    from app.store import Database


def add_commands(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (migrate, seed, check, backup, restore, copy, reindex):
        cli.command()(command)


def migrate() -> None:
    """Create the database, or bring an older one up to this version."""
    with open_any_version() as database, database.exclusive(create=True):
        database.schema.migrate()
        database.schema.require_current()
    out.print(f"{database} is up to date.", markup=False)


def seed() -> None:
    """Store the example chronology, Azerbaijan and Serbia 2013 to 2024; migrate first.

    Existing records are not changed.
    """
    from app import seeding

    with open_any_version() as database, database.exclusive(create=True):
        database.schema.migrate()
        database.schema.require_current()
        with database.write() as session:
            counts = seeding.seed(session)
    for name, (new, total) in counts.items():
        out.print(f"{name:<10}{new:>4} stored, {total - new} there already", markup=False)


def check() -> None:
    """Check the store: sources, foreign keys, journal, and the read model against the rows.

    Prints a line for each finding; the exit code is 1 if there is any.
    """
    from app.plain import count

    findings = 0
    with open_store() as database:
        for finding in _find_damage(database):
            out.print(finding, markup=False)
            findings += 1
    if findings:
        fail(f"{count(findings, 'finding')} in {database}")
    out.print(f"{database} is sound.", markup=False)


def _find_damage(database: "Database") -> Iterator[str]:
    """Yield a line for each fault of a store, and show the progress."""
    from app import checking

    with progress(checking.count_events(database), "checking") as report:
        yield from checking.find_damage(database, report)


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")],
) -> None:
    """Write the whole store to one file; a server may be using it."""
    with open_store() as database:
        database.dialect.backup(file)
    out.print(f"{database} is in {file}; restore it with `dateline restore {file}`.", markup=False)


def _require_sound(consequence: str) -> Callable[["Database"], None]:
    """Return a check that fails with the first fault and its consequence."""

    def verify(store: "Database") -> None:
        findings = list(_find_damage(store))
        if findings:
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            fail(f"{consequence}: {findings[0]}{more}")

    return verify


def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")]) -> None:
    """Make the store from a backup and check it; never overwrite a store.

    The store is DATELINE_DATABASE_URL, which must not exist yet.
    """
    from app import restoring

    with open_any_version() as database, database.exclusive():
        verify = _require_sound(f"{file} is not sound, and was not restored")
        restoring.restore(database, file, verify)
    out.print(f"{database} is restored from {file}, and sound.", markup=False)


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Database URL of the store.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Database URL of an empty store.")],
) -> None:
    """Copy a whole store to another engine or machine, and verify it; FROM stays as it is.

    If it is interrupted, run the same command again to resume. Stop the servers first, and let them
    serve TO afterwards: both have the same feed. Passwords come from PGPASSWORD or ~/.pgpass.
    """
    from app import copying
    from app.settings import Settings
    from app.store import Database

    settings = Settings()
    stores = (Database(settings.model_copy(update={"database_url": u})) for u in (source, target))
    with ExitStack() as stack:
        original, duplicate = (stack.enter_context(closing(store)) for store in stores)
        original.schema.require_current()
        if original.dialect.url == duplicate.dialect.url:
            fail("FROM and TO are the same store")
        if not original.dialect.read_only:
            stack.enter_context(original.exclusive())
        stack.enter_context(duplicate.exclusive(create=True))
        with original.read(patient=True) as connection:
            total = copying.count_rows(connection)
        with progress(total, "copying") as report:
            verify = _require_sound(f"the copy in {duplicate} is not sound, and cannot be served")
            number = copying.copy(original, duplicate, verify, report)
    out.print(f"{duplicate} has all {number} rows of {original}, and is sound.", markup=False)


def reindex() -> None:
    """Build the read model again from the stored rows."""
    from app import index

    with open_store(write=True) as database, database.exclusive(), database.bulk_write() as session:
        connection = session.connection()
        with progress(index.count_indexed_events(connection), "indexing") as report:
            number = index.rebuild(connection, report)
    out.print(f"{number} events indexed.", markup=False)
