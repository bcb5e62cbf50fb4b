"""The command."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import measured, values
from benchmarks.kinds import KINDS
from benchmarks.prepared import prepared
from servers import Server, launched, serving


@contextmanager
def floor(answers: Path, dateline: Server) -> Iterator[Server]:
    """The floor, which logs its requests only where Dateline does."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.floor:app", "--port", "0"]
    if "GET /events" not in dateline.log.read_text():
        command.append("--no-access-log")
    path = os.pathsep.join(part for part in sys.path if part)
    environs = {**os.environ, "FLOOR_ANSWERS": str(answers), "PYTHONPATH": path}
    with launched(command, environs) as made:
        yield made


def main() -> None:
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("events", type=int, nargs="*", default=[10_000])
    options.add_argument("--only", default="")
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    kinds = [kind for kind in KINDS if given.only in kind.name]
    for number in given.events:
        with ExitStack() as stack:
            store = stack.enter_context(prepared(number, given.keep))
            folder = Path(stack.enter_context(TemporaryDirectory()))
            dateline = stack.enter_context(serving(store.url))
            found = values.read(dateline, number)
            asked = list(measured.asked(dateline, kinds, found))
            measured.write_answers(dateline, asked, folder / "answers")
            least = stack.enter_context(floor(folder / "answers", dateline))
            for made in asked:
                for connections in (1, 16):
                    servers = {
                        "dateline": (dateline, made.requests),
                        "floor": (least, made.requests),
                    }
                    times = measured.turns(servers, connections, measured.Plan())
                    told = measured.compared(times["dateline"], times["floor"], connections)
                    print(
                        f"{made.kind.name:45} {connections:3} {told['milliseconds'][1]:8.2f} {told['floor'][1]:8.2f} {told['ratio']:6.2f} ({told['quartiles'][0]:.2f}-{told['quartiles'][1]:.2f}) worst {told['worst']:.1f} {made.requests[told['worst_request']].target[:60]} {made.refused or ''}",
                        flush=True,
                    )


main()
