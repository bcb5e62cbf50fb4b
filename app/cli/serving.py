"""`dateline serve`."""

from contextlib import closing, nullcontext
from typing import Annotated

import typer

from app.cli.terminal import err

HOST, PORT = "127.0.0.1", 8000


def add_commands(cli: typer.Typer) -> None:
    """Add `serve`."""
    cli.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = PORT,
) -> None:
    """Serve the chronology over HTTP until interrupted."""
    from app import server
    from app.dialects import AwayError
    from app.main import create_app
    from app.settings import Settings

    app = create_app(Settings())
    with closing(app.state.database) as database:
        try:
            database.schema.require_current()
        except AwayError as error:
            database.schema.logged = str(error)
            err.print(f"dateline: {error}; serving as soon as it is there", markup=False)
        # A server that cannot write holds no lock, since it could not create the lock file.
        with nullcontext() if database.dialect.read_only else database.exclusive():
            if reason := database.dialect.hindrance():
                err.print(f"dateline: {database}: {reason}", markup=False)
            server.serve(app, host, port)
