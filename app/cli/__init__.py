"""The command line, `dateline …`. Every failure is one line on stderr and exit code 1.

A command imports its libraries when it runs: `dateline --help` must not wait for the API.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from app import __version__
from app.cli import files, keys, mappings, serving, stores
from app.cli.terminal import fail, fail_with, out

if TYPE_CHECKING:
    from pydantic_core import ValidationError

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
MAX_LINES = 20  # of faults


def run() -> None:
    """Run the command line; print one line, not a traceback, for an error the user can fix."""
    try:
        cli()
    except (OSError, UnicodeError) as error:
        from app.files import explain_os_error

        not_text = "the .env file, or the path of the database, is not UTF-8 text"
        fail(explain_os_error(error) if isinstance(error, OSError) else not_text)
    except Exception as error:
        lines = _explain(error)
        if lines is None:
            raise
        fail_with(lines)


def _explain(error: Exception) -> list[str] | None:
    """Return lines that explain an error, or None if the user cannot fix it."""
    from pydantic_core import ValidationError

    from app.errors import OperatorError, Problem

    if isinstance(error, OperatorError):
        return [str(error)]
    if isinstance(error, Problem):
        lines = [fault.sentence for fault in error.faults[:MAX_LINES]] or [error.detail]
        left = len(error.faults) - len(lines)
        return [*lines, f"and {left} more"] if left > 0 else lines
    return _explain_settings(error) if isinstance(error, ValidationError) else None


def _explain_settings(error: "ValidationError") -> list[str]:
    """Return a line for each setting that is not valid."""
    from app.plain import describe
    from app.settings import ENV_PREFIX

    lines = []
    for detail in error.errors():
        name = "_".join(str(part) for part in detail["loc"]).upper()
        lines.append(f"{ENV_PREFIX}{name}: {describe(detail)}" if name else describe(detail))
    return lines


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(__version__, markup=False)
        raise typer.Exit


@cli.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A server for sourced chronologies: dated events, each with its sources."""


serving.add_commands(cli)
stores.add_commands(cli)
files.add_commands(cli)
keys.add_commands(cli)
mappings.add_commands(cli)

__all__ = ["cli", "run"]
