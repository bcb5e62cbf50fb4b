"""The command line: `dateline …`. Every failure is one line on stderr and exit code 1."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, text

from app import __version__, index, seeding, server
from app.db import Database
from app.dialects import StoreError
from app.errors import Problem
from app.main import create_app
from app.seeding import SeedError
from app.settings import PREFIX, Settings

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def run() -> None:
    """The entry point: what a person can mend is told in one line, never as a traceback."""
    try:
        cli()
    except (StoreError, SeedError, Problem, OSError) as error:
        fail(str(error))
    except UnicodeError:
        fail("the .env file, or the path of the database, is not UTF-8 text")
    except ValidationError as error:
        for detail in error.errors():
            where = PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
            said = str(detail["msg"]).removeprefix("Value error, ")
            err.print(
                f"dateline: {where}: {said}" if detail["loc"] else f"dateline: {said}", markup=False
            )
        sys.exit(1)


def fail(message: str) -> None:
    """Say what is wrong and leave."""
    err.print(f"dateline: {message}", markup=False)
    sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        out.print(__version__, markup=False)
        raise typer.Exit


@cli.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """A server for sourced chronologies: dated events, each with its sources."""


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
) -> None:
    """Serve the chronology over HTTP until interrupted."""
    app = create_app(Settings())
    with closing(app.state.database) as database:
        database.require_current()
        with database.alone():
            server.serve(app, host, port)


@cli.command()
def migrate() -> None:
    """Create the database, or bring an older one up to this version."""
    with closing(Database(Settings())) as database, database.alone():
        database.migrate()
    out.print(f"{database} is up to date.", markup=False)


@cli.command()
def seed() -> None:
    """Store the example chronology, Azerbaijan and Serbia 2013 to 2024; migrates first.

    What is there already is left as it is.
    """
    with closing(Database(Settings())) as database, database.alone():
        database.migrate()
        with database.write() as session:
            done = seeding.seed(session)
    for name, (new, total) in done.items():
        out.print(f"{name:<10}{new:>4} stored, {total - new} there already", markup=False)


@cli.command()
def check() -> None:
    """Check the store: sources, foreign keys, and the read model against the rows.

    Prints a line a finding; exit code 1 where there is any.
    """
    found = 0
    with (
        _current() as database,
        database.read(patient=True) as connection,
        _progress(connection, "checking") as tell,
    ):
        findings = (
            database.dialect.broken(connection),
            database.altered(connection),
            index.check(connection, tell),
        )
        for finding in chain.from_iterable(findings):
            out.print(finding, markup=False)
            found += 1
    if found:
        fail(f"{found} findings in {database}")
    out.print(f"{database} is sound.", markup=False)


@cli.command()
def reindex() -> None:
    """Build the read model anew from the stored rows."""
    with _current() as database, database.alone(), database.write() as session:
        connection = session.connection()
        with _progress(connection, "indexing") as tell:
            number = index.rebuild(connection, tell)
    out.print(f"{number} events indexed.", markup=False)


@contextmanager
def _current() -> Iterator[Database]:
    """The store, which must be of this version; closed at the end."""
    with closing(Database(Settings())) as database:
        database.require_current()
        yield database


@contextmanager
def _progress(connection: Connection, verb: str) -> Iterator[Callable[[int], None]]:
    """A bar over all events; drawn on a terminal only."""
    total = connection.execute(text("SELECT count(*) FROM event")).scalar_one()
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda done: bar.update(task, completed=done)
