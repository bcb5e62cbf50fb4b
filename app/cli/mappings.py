"""`dateline mapping`: list, show and delete stored mappings of tables."""

from typing import Annotated

import typer

from app.cli.opening import open_store
from app.cli.terminal import out

Name = Annotated[str, typer.Argument(help="Name of the mapping.")]


def add_commands(cli: typer.Typer) -> None:
    """Add `mapping list`, `mapping show` and `mapping delete`."""
    mappings = typer.Typer(no_args_is_help=True, help="Stored mappings of tables, for imports.")
    mappings.command("list")(list_mappings)
    mappings.command("show")(show_mapping)
    mappings.command("delete")(delete_mapping)
    cli.add_typer(mappings, name="mapping")


def list_mappings() -> None:
    """Print name, author and day of every stored mapping."""
    from app import reads

    with open_store() as database, database.read(patient=True) as connection:
        for entry in reads.list_mappings(connection):
            line = f"{entry['name']}  ({entry['author']}, {entry['at'][:10]})"
            out.print(line, markup=False)


def show_mapping(name: Name) -> None:
    """Print a stored mapping as JSON, as --map of an import reads it."""
    import json

    from app import reads

    with open_store() as database, database.read(patient=True) as connection:
        mapping = json.loads(reads.mapping(connection, name))["mapping"]
    out.print(json.dumps(mapping, ensure_ascii=False, indent=2), markup=False)


def delete_mapping(name: Name) -> None:
    """Delete a stored mapping. What was imported with it stays."""
    from app import writes

    with open_store(write=True) as database, database.write(shared=True) as session:
        writes.delete_mapping(session, name)
    out.print(f"The mapping {name} is deleted.", markup=False)
