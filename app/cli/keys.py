"""`dateline key`: create, list and revoke API keys."""

from typing import Annotated

import typer

from app.cli.opening import open_store
from app.cli.terminal import fail, out

# A test compares them with app.models, which takes as long to import as all the rest.
SCOPE_NAMES = ("read", "write")


def add_commands(cli: typer.Typer) -> None:
    """Add `key create`, `key list` and `key revoke`."""
    keys = typer.Typer(no_args_is_help=True, help="API keys, for writing or reading.")
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    cli.add_typer(keys, name="key")


def create_key(
    name: Annotated[str, typer.Argument(help="Public name, the author of changes with the key.")],
    scope: Annotated[str, typer.Option(help="`read`, or `write`, which includes `read`.")],
    days: Annotated[
        int | None, typer.Option(help="Days until it expires; without it, never.", min=1)
    ] = None,
) -> None:
    """Create a key and print it, and nothing else. It cannot be printed again."""
    from datetime import UTC, datetime, timedelta

    from pydantic import TypeAdapter, ValidationError

    from app import keys, texts
    from app.plain import describe

    try:
        name = TypeAdapter(texts.OneLine).validate_python(name)
    except ValidationError as error:
        fail(f"NAME {describe(error.errors()[0])}")
    if name.startswith("dateline"):
        fail("names that begin with 'dateline' are reserved for its own commands")
    if scope not in SCOPE_NAMES:
        fail(f"--scope takes {' or '.join(SCOPE_NAMES)}")
    now = datetime.now(UTC)
    try:
        expires_at = None if days is None else texts.format_timestamp(now + timedelta(days=days))
    except OverflowError:
        fail("--days goes beyond the year 9999")
    with open_store(write=True) as database, database.write_rows() as connection:
        key = keys.create(connection, name, scope, texts.format_timestamp(now), expires_at)
    out.print(key, markup=False)


def list_keys() -> None:
    """Print id, scope, name and days of every key ever created, never the key itself."""
    from app import keys

    with open_store() as database, database.read(patient=True) as connection:
        for key in keys.list_keys(connection):
            ends = [
                f"{verb} {key[column][:10]}"
                for verb, column in (("expires", "expires_at"), ("revoked", "revoked_at"))
                if key[column]
            ]
            days = ", ".join((f"created {key['created_at'][:10]}", *ends))
            out.print(f"{key['id']}  {key['scope']:<5}  {key['name']}  ({days})", markup=False)


def revoke_key(name: Annotated[str, typer.Argument(help="Name or id of the key.")]) -> None:
    """Revoke a key, at once and for good."""
    from datetime import UTC, datetime

    from app import keys, texts

    with open_store(write=True) as database, database.write_rows() as connection:
        keys.revoke(connection, name, texts.format_timestamp(datetime.now(UTC)))
    out.print(f"The key {name} is revoked.", markup=False)
