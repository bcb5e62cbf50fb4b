"""`dateline import` and `dateline export`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from app.cli.opening import open_store
from app.cli.serving import HOST, PORT
from app.cli.terminal import fail, out, progress

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.filters import ExportQuery
    from app.formats import Format
    from app.writes import ImportOutcome

# A test compares them with app.formats, which a help text should not have to import.
FORMAT_NAMES = (
    "ndjson, csv, xlsx, timelinejs, ics, geojson, atom, jsonfeed, jsonld, html, csl, bib, ris"
)
READER_NAMES = "ndjson, csv, xlsx, timelinejs, ics, tsv, json, csl, bib, ris"
SUFFIXES = {".jsonl": "ndjson", ".txt": "tsv", ".tab": "tsv", ".bibtex": "bib"}
PROGRESS_EVENTS = 1000  # between two reports


def add_commands(cli: typer.Typer) -> None:
    """Add `import` and `export`."""
    cli.command("import")(import_file)
    any_filter = {"allow_extra_args": True, "ignore_unknown_options": True}
    cli.command("export", context_settings=any_filter)(export_file)


def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="A file; its suffix names the format, or its content.", exists=True),
    ],
    format_name: Annotated[
        str | None,
        typer.Option("--format", help=f"{READER_NAMES}, if suffix and content do not say."),
    ] = None,
    create_types: Annotated[bool, typer.Option(help="Create missing types.")] = False,
    replace: Annotated[bool, typer.Option(help="Replace stored events that differ.")] = False,
    force: Annotated[
        bool, typer.Option(help="With --replace: also events that changed since the export.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the report, but store nothing.")] = False,
    type_id: Annotated[
        str | None, typer.Option("--type", help="Type of events without one.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="A word in parentheses after an actor that is a role; repeatable."),
    ] = None,
    source_publisher: Annotated[
        str | None, typer.Option(help="Publisher of the source of events without one.")
    ] = None,
    source_title: Annotated[str | None, typer.Option(help="Title of that source.")] = None,
    source_url: Annotated[str | None, typer.Option(help="Address of that source.")] = None,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--map",
            help="Of a table: a file with its mapping, or the name of a stored one. With --dry-run,"
            " a file that does not exist is written: the proposed mapping, to correct.",
        ),
    ] = None,
    save_map: Annotated[
        str | None, typer.Option(help="Store the mapping under this name, for --map.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a table: windows-1252; UTF-8 and UTF-16 are recognised.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an XLSX file.")] = None,
    note: Annotated[str | None, typer.Option(help="Reason, kept in the revisions.")] = None,
) -> None:
    """Import events or sources, all or none: a table, JSON, a calendar, or a bibliography."""
    from app import schemas, writes
    from app.cli.import_options import CommandOptions
    from app.errors import Problem

    source = {"publisher": source_publisher, "title": source_title, "url": source_url}
    options = schemas.validate(
        CommandOptions,
        {
            "create_types": create_types,
            "replace": replace,
            "force": force,
            "dry_run": dry_run,
            "type": type_id,
            "roles": role or [],
            "mapping": _read_mapping(mapping),
            "save_mapping": save_map,
            "encoding": encoding,
            "sheet": sheet,
            **{f"source_{name}": value for name, value in source.items()},
        },
    )
    name = _find_reader(file, format_name)
    output = _find_output(mapping, dry_run=dry_run)
    if output is not None:
        options = options.model_copy(update={"mapping": None})
    by = writes.By("dateline import", note)
    with (
        open_store(write=True) as database,
        database.exclusive(),
        file.open("rb") as stream,
        database.bulk_write() as session,
        progress(None, "importing") as report_progress,
    ):
        try:
            report = writes.import_file(session, by, stream, name, options, report_progress)
        except Problem as problem:
            if problem.mapping is not None:
                _print_proposal(problem.mapping, output, "was not used; the file has faults")
            raise
    for name in ("created", "updated", "unchanged"):
        out.print(f"{name:<10}{getattr(report, name):>7}", markup=False)
    for note_text, times in report.notes.items():
        out.print(f"note: {note_text} ({times})", markup=False)
    for line in writes.format_report(report.records, report.totals):
        out.print(line, markup=False)
    _print_mapping(report, output)
    if dry_run:
        out.print("Nothing was stored: this was a dry run.", markup=False)


def _read_mapping(mapping: str | None) -> str | None:
    """Return the content of a mapping's file, or the name of a stored mapping."""
    if mapping is None or not Path(mapping).is_file():
        return mapping
    try:
        content = Path(mapping).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        fail(f"--map: {mapping} is not UTF-8")
    if not content.lstrip().startswith("{"):
        fail(f"--map: {mapping} holds no JSON object")
    return content


def _find_output(mapping: str | None, *, dry_run: bool) -> Path | None:
    """Return the file to which a dry run writes its proposal: one that does not exist yet."""
    path = None if mapping is None else Path(mapping)
    return path if dry_run and path and path.suffix and not path.exists() else None


def _print_mapping(report: "ImportOutcome", output: Path | None) -> None:
    """Print the mapping of a table if it was proposed, with its questions, or write it."""
    if report.ignored:
        out.print(f"columns left out: {', '.join(report.ignored)}", markup=False)
    for question in report.questions:
        line = f"line {question['line']}: " if "line" in question else ""
        out.print(f"{line}{question['name']}: {question['message']}", markup=False)
    if report.mapping is not None and report.mapping_proposed:
        state = (
            "was not used; correct it, and import with --map" if report.questions else "was used"
        )
        _print_proposal(report.mapping, output, state)


def _print_proposal(mapping: Mapping[str, Any], output: Path | None, state: str) -> None:
    """Write a proposed mapping to a file, or print it and its state if there is no file."""
    import json

    document = json.dumps(mapping, ensure_ascii=False, indent=2)
    if output is not None:
        output.write_text(f"{document}\n", encoding="utf-8")
        out.print(
            f"The proposed mapping is in {output}: correct it, and import with --map.", markup=False
        )
    else:
        out.print(f"This mapping was proposed, and {state}:\n{document}", markup=False)


def export_file(
    context: typer.Context,
    format_name: Annotated[str, typer.Argument(metavar="FORMAT", help=FORMAT_NAMES)],
    output: Annotated[Path | None, typer.Option(help="File to write; without it, stdout.")] = None,
) -> None:
    """Write events to a file: feeds have the 100 updated last, other files all, in timeline order.

    csl, bib and ris have the sources of these events.
    Takes the filters of the API by name: --type contract --date 2023 --min-publishers 2;
    with csv, ndjson and geojson also --sort=-date, --limit 10 and --fields title,date, with csv
    --lossless true. Addresses in the file begin with DATELINE_PUBLIC_URL, or with
    http://127.0.0.1:8000 if that is not set.
    """
    from urllib.parse import urlencode

    from app import reads
    from app.filters import ExportQuery
    from app.filters.strict import read_query
    from app.settings import Settings

    file_format = _find_format(format_name)
    pairs = _read_pairs(context.args)
    query = read_query(ExportQuery, pairs).of(file_format)
    settings = Settings()
    base = settings.public_url or f"http://{HOST}:{PORT}"
    with (
        _open_output(output) as target,
        open_store() as database,
        database.read(patient=True) as connection,
        reads.export(connection, query) as documents,
        progress(_count_events(connection, query), "exporting") as report,
    ):
        suffix = f"?{urlencode(pairs)}" if pairs else ""
        about = reads.describe_file(
            connection,
            query,
            file_format,
            base=base,
            address=f"{base}/{file_format.filename.split('.')[0]}.{file_format.name}{suffix}",
        )
        for chunk in file_format.write(_watch(documents, report), about):
            target.write(chunk)
        target.flush()


@contextmanager
def _open_output(file: Path | None) -> Iterator[BinaryIO]:
    """Yield a stream to stdout, or to a file that appears only once it is complete."""
    from app.files import write_whole_file

    if file is None:
        yield sys.stdout.buffer
        return
    with write_whole_file(file) as part, part.open("wb") as stream:
        yield stream


def _count_events(connection: "Connection", query: "ExportQuery") -> int:
    """Return how many events a file will have."""
    from app import reads

    number = reads.count_matching(connection, query)
    return number if query.limit is None else min(number, query.limit)


def _watch(documents: Iterable[bytes], report: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the documents and report their number."""
    for number, document in enumerate(documents, 1):
        yield document
        if number % PROGRESS_EVENTS == 0:
            report(number)


def _find_format(name: str) -> "Format":
    """Return a format by its name, or fail."""
    from app.formats import BIBLIOGRAPHIES, FORMATS, nearest_format

    known = {**FORMATS, **BIBLIOGRAPHIES}
    if name not in known:
        near = nearest_format(name)
        hint = f"; did you mean '{near}'?" if near else ""
        fail(f"'{name}' is not a format; known: {', '.join(known)}{hint}")
    return known[name]


def _find_reader(file: Path, name: str | None) -> str:
    """Return the name of a format that can be imported, or fail.

    That is `name`, or what the suffix of the file says; a file of another suffix is looked into.
    """
    from app.formats import FORMATS, READERS, SNIFFED_BYTES, sniff_format

    if name is None:
        suffix = file.suffix.lower()
        name = SUFFIXES.get(suffix, suffix.lstrip("."))
        if name not in READERS and name not in FORMATS:
            with file.open("rb") as stream:
                name = sniff_format(stream.read(SNIFFED_BYTES)) or name
    if name not in READERS:
        reason = "can only be exported" if name in FORMATS else "is not a format of imports"
        fail(f"'{name}' {reason}; imports are {', '.join(READERS)}")
    return name


def _read_pairs(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Return options as the names and values of a query string, or fail."""
    pairs: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest:
        name, is_joined, value = rest.pop(0).partition("=")
        if not name.startswith("--") or not (is_joined or rest):
            fail(f"{name} is not understood; options are --NAME VALUE, named as the filters")
        pairs.append((name[2:].replace("-", "_"), value if is_joined else rest.pop(0)))
    return pairs
