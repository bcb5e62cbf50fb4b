"""The command line: `dateline …`. Every failure is one line on stderr and exit code 1."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn
from urllib.parse import urlencode

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from sqlalchemy import Connection

from app import (
    __version__,
    copying,
    index,
    keys,
    reads,
    restoring,
    schemas,
    seeding,
    server,
    writes,
)
from app.api.routes import read_query
from app.dialects import AwayError, StoreError
from app.errors import Problem
from app.files import explain_os_error, write_whole_file
from app.filters import ExportQuery
from app.formats import FORMATS, READERS, About, FileReader, Format, nearest_format
from app.main import create_app
from app.models import SCOPES
from app.plain import count, describe
from app.seeding import SeedError
from app.settings import ENV_PREFIX, Settings
from app.store import Database

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
MAX_LINES = 20  # of faults
HOST, PORT = "127.0.0.1", 8000
SUFFIXES = {".jsonl": "ndjson", ".json": "timelinejs"}
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def run() -> None:
    """The entry point: what a person can mend is told in one line, never as a traceback."""
    try:
        cli()
    except Problem as problem:
        for line in _lines(problem):
            err.print(f"dateline: {line}", markup=False)
        sys.exit(1)
    except (StoreError, SeedError) as error:
        fail(str(error))
    except OSError as error:
        fail(explain_os_error(error))
    except UnicodeError:
        fail("the .env file, or the path of the database, is not UTF-8 text")
    except ValidationError as error:
        for detail in error.errors():
            where = ENV_PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
            said = describe(detail)
            err.print(
                f"dateline: {where}: {said}" if detail["loc"] else f"dateline: {said}", markup=False
            )
        sys.exit(1)


def _lines(problem: Problem) -> list[str]:
    """Return what is wrong, a fault a line, and how many more there are."""
    lines = [fault.sentence for fault in problem.faults[:MAX_LINES]] or [problem.detail]
    left = len(problem.faults) - len(lines)
    return [*lines, f"and {left} more"] if left > 0 else lines


def fail(message: str) -> NoReturn:
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
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = PORT,
) -> None:
    """Serve the chronology over HTTP until interrupted."""
    app = create_app(Settings())
    with closing(app.state.database) as database:
        try:
            database.schema.require_current()
        except AwayError as error:
            database.schema.logged = str(error)
            err.print(f"dateline: {error}; serving as soon as it is there", markup=False)
        # Whoever cannot write holds no lock: the name of none could be written.
        with nullcontext() if database.dialect.read_only else database.exclusive():
            if reason := database.dialect.hindrance():
                err.print(f"dateline: {database}: {reason}", markup=False)
            server.serve(app, host, port)


@cli.command()
def migrate() -> None:
    """Create the database, or bring an older one up to this version."""
    with closing(Database(Settings())) as database, database.exclusive(create=True):
        database.schema.migrate()
        database.schema.require_current()
    out.print(f"{database} is up to date.", markup=False)


@cli.command()
def seed() -> None:
    """Store the example chronology, Azerbaijan and Serbia 2013 to 2024; migrates first.

    What is there already is left as it is.
    """
    with closing(Database(Settings())) as database, database.exclusive(create=True):
        database.schema.migrate()
        database.schema.require_current()
        with database.write() as session:
            done = seeding.seed(session)
    for name, (new, total) in done.items():
        out.print(f"{name:<10}{new:>4} stored, {total - new} there already", markup=False)


@cli.command()
def check() -> None:
    """Check the store: sources, foreign keys, journal, and the read model against the rows.

    Prints a line a finding; exit code 1 where there is any.
    """
    found = 0
    with _current() as database:
        for finding in _findings(database):
            out.print(finding, markup=False)
            found += 1
    if found:
        fail(f"{count(found, 'finding')} in {database}")
    out.print(f"{database} is sound.", markup=False)


def _findings(database: Database) -> Iterator[str]:
    """What is wrong with a store, while it may be served."""
    with (
        database.read(patient=True) as connection,
        _progress(index.count_events(connection), "checking") as tell,
    ):
        yield from database.dialect.broken(connection)
        if altered := list(database.schema.differences(connection)):
            yield from altered
            return  # what follows asks these tables
        yield from writes.find_contradictions(connection)
        yield from index.find_faults(connection, tell)


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
) -> None:
    """Write the whole store to one file, while a server may be using it."""
    with _current() as database:
        database.dialect.backup(file)
    out.print(f"{database} is in {file}; `dateline restore {file}` makes it again.", markup=False)


def _sound(otherwise: str) -> Callable[[Database], None]:
    """Fails where what was made is not sound, and says what that means."""

    def verify(made: Database) -> None:
        findings = list(_findings(made))
        if findings:
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            fail(f"{otherwise}: {findings[0]}{more}")

    return verify


@cli.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")]) -> None:
    """Make the store from a backup, once it is checked; never over another store.

    The store is that of DATELINE_DATABASE_URL, which must not be there yet.
    """

    with closing(Database(Settings())) as database, database.exclusive():
        restoring.restore(database, file, _sound(f"{file} is not sound, nothing was made of it"))
    out.print(f"{database} is restored from {file}, and sound.", markup=False)


@cli.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Database URL of the store.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="That of an empty one.")],
) -> None:
    """Copy a whole store to another engine or machine, and verify it; FROM stays as it is.

    Broken off, the same command goes on where it was. Stop the servers first, and let them serve TO
    afterwards: both have the same feed. A password comes from PGPASSWORD or ~/.pgpass.
    """
    settings = Settings()
    stores = (Database(settings.model_copy(update={"database_url": u})) for u in (source, target))
    with ExitStack() as stack:
        origin, made = (stack.enter_context(closing(store)) for store in stores)
        origin.schema.require_current()
        if origin.dialect.url == made.dialect.url:
            fail("FROM and TO are one store")
        if not origin.dialect.read_only:
            stack.enter_context(origin.exclusive())
        stack.enter_context(made.exclusive(create=True))
        with origin.read(patient=True) as connection:
            total = copying.count_rows(connection)
        with _progress(total, "copying") as tell:
            verify = _sound(f"the copy in {made} is not sound, and will not be served")
            number = copying.copy(origin, made, verify, tell)
    out.print(f"{made} holds all of {origin}, {number} rows, and is sound.", markup=False)


@cli.command()
def reindex() -> None:
    """Build the read model anew from the stored rows."""
    with _current(write=True) as database, database.exclusive(), database.bulk_write() as session:
        connection = session.connection()
        with _progress(index.count_events(connection), "indexing") as tell:
            number = index.rebuild(connection, tell)
    out.print(f"{number} events indexed.", markup=False)


class ImportFlags(writes.ImportOptions):
    """How a file is taken in, in the words of the command line."""

    def spell(self, name: str, value: str = "true") -> str:
        """Return an option as it is written here."""
        flag = "--role" if name == "roles" else f"--{name.replace('_', '-')}"
        return flag if value == "true" else f"{flag} {value}"


@cli.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A file; its name tells the format.", exists=True)],
    format_name: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(READERS)}, where the name does not.")
    ] = None,
    create_types: Annotated[bool, typer.Option(help="Make types that are not there.")] = False,
    replace: Annotated[bool, typer.Option(help="Replace stored events that differ.")] = False,
    force: Annotated[
        bool, typer.Option(help="With --replace: also what somebody changed since the export.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Tell what would happen, store nothing.")] = False,
    type_id: Annotated[
        str | None, typer.Option("--type", help="Type of events that the file gives none.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="A word that is a role in parentheses behind an actor; repeatable."),
    ] = None,
    source_publisher: Annotated[
        str | None, typer.Option(help="Publisher of the source for events that bring none.")
    ] = None,
    source_title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    source_url: Annotated[str | None, typer.Option(help="Its address.")] = None,
    note: Annotated[str | None, typer.Option(help="Why; kept in the revisions.")] = None,
) -> None:
    """Import events, all or nothing: NDJSON, CSV, or TimelineJS as JSON."""
    named = {"publisher": source_publisher, "title": source_title, "url": source_url}
    options = schemas.validate(
        ImportFlags,
        {
            "create_types": create_types,
            "replace": replace,
            "force": force,
            "dry_run": dry_run,
            "type": type_id,
            "roles": role or [],
            **{f"source_{name}": value for name, value in named.items()},
        },
    )
    read = _reader(format_name or SUFFIXES.get(file.suffix.lower(), file.suffix.lstrip(".")))
    by = writes.By("dateline import", note)
    with (
        _current(write=True) as database,
        database.exclusive(),
        file.open("rb") as stream,
        database.bulk_write() as session,
        _progress(None, "importing") as tell,
    ):
        report = writes.import_lines(session, by, read(stream), options, tell)
    for what in ("created", "updated", "unchanged"):
        out.print(f"{what:<10}{getattr(report, what):>7}", markup=False)
    for told, times in report.notes.items():
        out.print(f"note: {told} ({times})", markup=False)
    for line in writes.format_report(report.records, report.totals):
        out.print(line, markup=False)
    if dry_run:
        out.print("Nothing was stored: this was a dry run.", markup=False)


@cli.command("export", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def export_file(
    context: typer.Context,
    format_name: Annotated[str, typer.Argument(metavar="FORMAT", help=f"{', '.join(FORMATS)}")],
    output: Annotated[Path | None, typer.Option(help="File to write; else to stdout.")] = None,
) -> None:
    """Write events to a file: feeds the 100 last updated, the others all, in timeline order.

    Takes the filter of the API by its names: --type contract --date 2023 --min-publishers 2;
    with csv, ndjson and geojson also --sort=-date, --limit 10 and --fields title,date, with csv
    --lossless true. Addresses in the file begin with DATELINE_PUBLIC_URL, or where that
    is not set with http://127.0.0.1:8000.
    """
    made = _format(format_name)
    pairs = _pairs(context.args)
    asked = read_query(ExportQuery, pairs).of(made)
    settings = Settings()
    base = settings.public_url or f"http://{HOST}:{PORT}"
    with (
        _output(output) as target,
        _current() as database,
        database.read(patient=True) as connection,
        reads.export(connection, asked) as documents,
        _progress(_number(connection, asked), "exporting") as tell,
    ):
        query = f"?{urlencode(pairs)}" if pairs else ""
        about = About(
            title=settings.title,
            base=base,
            address=f"{base}/events.{made.name}{query}",
            identity=reads.identity(connection),
            updated=reads.last_update(connection, asked) if made.dated else None,
            fields=asked.picked,
            lossless=asked.lossless,
            read_types=partial(reads.type_labels, connection),
            read_shared_names=partial(reads.shared_names, connection),
        )
        for chunk in made.write(_told(documents, tell), about):
            target.write(chunk)
        target.flush()


@contextmanager
def _output(file: Path | None) -> Iterator[BinaryIO]:
    """Yield a stream to a file, which is there once all of it is written, or to stdout."""
    if file is None:
        yield sys.stdout.buffer
        return
    with write_whole_file(file) as part, part.open("wb") as stream:
        yield stream


def _number(connection: Connection, asked: ExportQuery) -> int:
    """Return how many events a file will hold."""
    found = reads.count_matching(connection, asked)
    return found if asked.limit is None else min(found, asked.limit)


def _told(documents: Iterable[bytes], tell: Callable[[int], None]) -> Iterator[bytes]:
    for done, document in enumerate(documents, 1):
        yield document
        if done % 1000 == 0:
            tell(done)


def _format(name: str) -> Format:
    if name not in FORMATS:
        near = nearest_format(name)
        hint = f"; did you mean '{near}'?" if near else ""
        fail(f"'{name}' is not a format; known: {', '.join(FORMATS)}{hint}")
    return FORMATS[name]


def _reader(name: str) -> FileReader:
    if name not in READERS:
        why = "is only written" if name in FORMATS else "is not a format of imports"
        fail(f"'{name}' {why}; read are {', '.join(READERS)}")
    return READERS[name]


def _pairs(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of options, as a query string has them."""
    pairs: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest:
        name, is_joined, value = rest.pop(0).partition("=")
        if not name.startswith("--") or not (is_joined or rest):
            fail(f"{name} is not understood; options are --NAME VALUE, after the filter's names")
        pairs.append((name[2:].replace("-", "_"), value if is_joined else rest.pop(0)))
    return pairs


keys_cli = typer.Typer(no_args_is_help=True, help="API keys: who may write, or read.")
cli.add_typer(keys_cli, name="key")


@keys_cli.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Public, as the author of what the key changes.")],
    scope: Annotated[str, typer.Option(help="`read`, or `write`, which includes it.")],
    days: Annotated[
        int | None, typer.Option(help="Days after which it expires; without, never.", min=1)
    ] = None,
) -> None:
    """Make a key and print it, alone, for the only time: no one can read it again."""
    try:
        name = TypeAdapter(schemas.LineText).validate_python(name)
    except ValidationError as error:
        fail(f"NAME {describe(error.errors()[0])}")
    if name.startswith("dateline"):
        fail("names that begin with 'dateline' are those of its own commands")
    if scope not in SCOPES:
        fail(f"--scope takes {' or '.join(SCOPES)}")
    now = datetime.now(UTC)
    try:
        expires_at = None if days is None else schemas.format_timestamp(now + timedelta(days=days))
    except OverflowError:
        fail("--days goes beyond the year 9999")
    with _current(write=True) as database, database.write(shared=True) as session:
        key = keys.create(session, name, scope, schemas.format_timestamp(now), expires_at)
    out.print(key, markup=False)


@keys_cli.command("list")
def list_keys() -> None:
    """Print every key ever made: id, name, scope, and its days; never the key itself."""
    with _current() as database, database.read(patient=True) as connection:
        for key in keys.list_keys(connection):
            ends = [
                f"{what} {key[column][:10]}"
                for what, column in (("expires", "expires_at"), ("revoked", "revoked_at"))
                if key[column]
            ]
            told = ", ".join((f"made {key['created_at'][:10]}", *ends))
            out.print(f"{key['id']}  {key['scope']:<5}  {key['name']}  ({told})", markup=False)


@keys_cli.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="Name or id of the key.")]) -> None:
    """End a key, at once and for good."""
    with _current(write=True) as database, database.write(shared=True) as session:
        keys.revoke(session, name, writes.current_timestamp())
    out.print(f"The key {name} is revoked.", markup=False)


@contextmanager
def _current(*, write: bool = False) -> Iterator[Database]:
    """Yield the store, which must be of this version; close it at the end."""
    with closing(Database(Settings())) as database:
        database.schema.require_current(write=write)
        yield database


class Rate(ProgressColumn):
    """How many come a second."""

    def render(self, task: Task) -> str:
        """From the last half minute."""
        return f"{task.speed or 0:,.0f}/s"


@contextmanager
def _progress(total: int | None, verb: str) -> Iterator[Callable[[int], None]]:
    """A bar over so many events, or over as many as come; drawn on a terminal only."""
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Rate())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda done: bar.update(task, completed=done)
