"""A run written down: JSON with every figure, Markdown with its tables, and the chart."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart, goals

Json = dict[str, Any]
ALONE = "1"  # connection
OTHERS = {
    "postgresql": "on PostgreSQL",
    "sqlmodel": "SQLModel",
    "datasette": "Datasette",
    "bare datasette": "without suggestions",
}


def write(run: Json, folder: Path) -> None:
    """`benchmarks.json`, `.md` and `.svg` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {**run, "goals": goals.told(run)}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "benchmarks.json").write_text(f"{text}\n", "utf-8")
    (folder / "benchmarks.md").write_text(markdown(whole), "utf-8")
    drawn = chart.draw(goals.largest(run)["kinds"], max(run["sizes"], key=int))
    (folder / "benchmarks.svg").write_text(drawn, "utf-8")


def markdown(run: Json) -> str:
    """The report."""
    return "\n".join(lines(run)) + "\n"


def lines(run: Json) -> Iterator[str]:
    """The report, line by line."""
    made, judged = run["made"], run["judged"]
    sizes = sorted(run["sizes"], key=int)
    yield "# Benchmarks\n"
    yield f"`{made['command']}` on {made['day']}: {made['machine']}. {made['versions']}.\n"
    yield (
        f"Before anything was timed, {judged['answers']:,} answers over {judged['events']:,} events"
        " were found equal to those of a model in plain Python.\n"
    )
    yield f"## Goals, at {int(sizes[-1]):,} events\n"
    yield from table(("what", "goal", "measured", "where", "holds"), map(goal_row, run["goals"]))
    if both := list(on_both_engines(goals.largest(run))):
        yield f"\n## On PostgreSQL, at {int(sizes[-1]):,} events\n"
        yield from table(("request", "SQLite ms", "PostgreSQL ms", "ratio"), both)
    for size in sizes:
        yield f"\n## {int(size):,} events\n"
        yield from of_size(run["sizes"][size])


def goal_row(goal: Json) -> Sequence[str]:
    """A row of the table of goals."""
    figure = "" if goal["figure"] is None else short(goal["figure"])
    return (
        goal["what"],
        goal["limit"],
        figure,
        goal["where"],
        {True: "yes", False: "**no**", None: ""}[goal["holds"]],
    )


def on_both_engines(told: Json) -> Iterator[Sequence[str]]:
    """Pages and single filters, over one connection, where PostgreSQL took part."""
    for kind in told["kinds"]:
        if kind["group"] in ("page", "filter") and ALONE in kind.get("at", {}):
            alone = kind["at"][ALONE]
            if its := alone["others"].get("postgresql"):
                times = (short(one["milliseconds"][1]) for one in (alone, its))
                yield [kind["name"], *times, f"{its['ratio']:.2f}"]
            elif why := kind["not compared"].get("postgresql"):
                yield [kind["name"], short(alone["milliseconds"][1]), why, ""]


def of_size(told: Json) -> Iterator[str]:
    """The tables of one size."""
    counts = sorted({n for kind in told["kinds"] for n in kind.get("at", {})}, key=int)
    many = [n for n in counts if n != ALONE]
    heads = ["request", "KB", "Dateline ms", "floor ms", "ratio", "(quartiles)", "worst value"]
    heads += [f"{n} at once" for n in many]
    yield from table([*heads, *OTHERS.values()], (kind_row(kind, many) for kind in told["kinds"]))
    yield (
        "\nTimes are medians over one connection; the ratio is to the floor, its quartiles are"
        " those of rounds, its worst that of the slowest value. Dateline itself on PostgreSQL"
        " stands where the answers are equal; Datasette and the plain SQLModel version"
        " stand where they find the same events, as multiples of Dateline's time; Datasette"
        " as it comes, and without the facets that it suggests beside a page.\n"
    )
    refused = [kind for kind in told["kinds"] if kind["refused"]]
    for kind in refused:
        some = ", ".join(f"`{target}` ({status})" for target, status in pairs(kind["refused"])[:3])
        yield f"- {kind['name']}: {len(kind['refused'])} values were refused: {some}"
    yield from table(
        ("in process", "queries", "percentile", "ms", "median ms", "one event ms", "ratio"),
        (
            (
                part["name"],
                f"{part['queries']}",
                f"p{part['percentile']}",
                *(short(part[name]) for name in ("milliseconds", "median", "unit", "ratio")),
            )
            for part in told["in process"]
        ),
    )
    yield ""
    yield from others(told)


def kind_row(kind: Json, many: Sequence[str]) -> Sequence[str]:
    """A row of the table of requests."""
    at = kind.get("at", {})
    if ALONE not in at:
        return [kind["name"], *[""] * (6 + len(many) + len(OTHERS))]
    told = at[ALONE]
    low, high = told["quartiles"]
    return [
        kind["name"],
        short(kind["bytes"] / 1000),
        short(told["milliseconds"][1]),
        short(told["floor"][1]),
        f"**{told['ratio']:.2f}**",
        f"{low:.2f} to {high:.2f}",
        short(told["worst"]),
        *(f"{at[n]['ratio']:.2f}" for n in many),
        *(f"{short(t['ratio'])} ×" if (t := told["others"].get(name)) else "" for name in OTHERS),
    ]


def others(told: Json) -> Iterator[str]:
    """What is no request and no query."""
    spent = told["import"]
    yield (
        f"- Import, when the store was made: {spent['import']:.1f} s,"
        f" executemany {spent['executemany']:.1f} s."
    )
    if write := told.get("single write"):
        yield (
            f"- Single write: {short(write['milliseconds'][1])} ms, a plain insert"
            f" {short(write['floor'][1])} ms, ratio {write['ratio']:.2f}"
            f" ({write['quartiles'][0]:.2f} to {write['quartiles'][1]:.2f})."
        )
    if renamed := told.get("rename"):
        yield (
            f"- Renaming the commonest actor, of {renamed['events']:,} events:"
            f" {renamed['seconds']:.1f} s. A read took {short(renamed['usual'])} ms before and"
            f" after, {short(renamed['meanwhile'])} ms meanwhile, the slowest"
            f" {short(renamed['slowest'])} ms."
        )
    if memory := told["memory"]:
        yield f"- Memory: {memory['VmRSS']:.0f} MB, at most {memory['VmHWM']:.0f} MB."


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def pairs(some: dict[str, int]) -> list[tuple[str, int]]:
    """Names and values."""
    return list(some.items())


def short(value: float) -> str:
    """A number in three digits or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
