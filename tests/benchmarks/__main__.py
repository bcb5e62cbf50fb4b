"""The command: run the suite, print what it finds, and write the report."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks import goals, machine, measured, profiled, report, suite, values
from benchmarks.prepared import prepared
from servers import serving


def options(arguments: list[str]) -> argparse.Namespace:
    """What is asked for."""
    asked = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="How fast Dateline is, against the least that could do the same.",
    )
    asked.add_argument("events", type=int, nargs="*", default=[10_000])
    asked.add_argument(
        "--only", nargs="+", default=[""], metavar="KIND", help="parts of names, or groups"
    )
    asked.add_argument("--keep", type=Path, help="keep the stores here, and use those there are")
    asked.add_argument("--out", type=Path, help="write benchmarks.md, .json and .svg here")
    asked.add_argument("--rounds", type=int, default=10, help="turns of each server a kind")
    asked.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    asked.add_argument("--alone", action="store_true", help="without other servers")
    asked.add_argument("--profile", action="store_true", help="only show where the time goes")
    return asked.parse_args(arguments)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Run what is asked for."""
    asked = options(arguments)
    chosen = suite.Options(
        events=tuple(asked.events),
        only=tuple(asked.only),
        keep=asked.keep and asked.keep.resolve(),  # servers run elsewhere
        plan=measured.Plan(rounds=asked.rounds),
        connections=tuple(asked.connections),
        others=() if asked.alone else suite.Options.others,
        say=say,
    )
    if asked.profile:
        profile(chosen)
        return
    started = time.monotonic()
    try:
        run = {"made": machine.told(), **suite.run(chosen)}
    except suite.WrongAnswerError as error:
        sys.exit(f"Nothing was timed further, as answers are wrong:\n{error}")
    for goal in goals.told(run):
        say(" · ".join(report.goal_row(goal)))
    say(f"{time.monotonic() - started:.0f} seconds in all")
    if asked.out:
        report.write(run, asked.out)


def profile(chosen: suite.Options) -> None:
    """Profile the requests of the chosen kinds at each size."""
    for number in chosen.events:
        with prepared(number, chosen.keep) as store:
            with serving(store.url) as server:
                found = values.read(server, number)
                asked = list(measured.asked(server, chosen.kinds, found, chosen.most))
            targets = [request.target for made in asked for request in made.requests]
            profiled.profile(store.url, targets)


if __name__ == "__main__":
    main(sys.argv[1:])
