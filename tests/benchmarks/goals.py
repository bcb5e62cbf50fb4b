"""What the figures are to be, a row a goal, and which of them hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from benchmarks.writes import SLOWER

Json = dict[str, Any]
Figure = tuple[float, str]  # with where it was measured
QUICK = ("page", "one", "filter", "overlap", "text")
LIMITS = {  # of the ratio to the floor, by group of kinds; an export has a rate instead
    "page": 2.0,
    "one": 2.0,
    "filter": 3.0,
    "overlap": 3.0,
    "text": 3.0,
    "histogram": 3.0,
    "poll": 1.2,
    "export": 2.0,
}


@dataclass(frozen=True)
class Goal:
    """A figure of the largest size that is run, or None where it was left out, and its limit."""

    what: str
    limit: float
    against: str
    figure: Callable[[Json], Figure | None]
    least: bool = False  # the limit is the least, not the most

    def holds(self, value: float) -> bool:
        """Whether a figure keeps it."""
        return value >= self.limit if self.least else value <= self.limit


def largest(run: Json) -> Json:
    """The figures of the largest size."""
    sizes = run["sizes"]
    found: Json = sizes[max(sizes, key=int)]
    return found


def ratios(size: Json, *groups: str) -> Iterator[Figure]:
    """The ratio of each kind and number of connections; no goal holds where one was refused."""
    for kind in size["kinds"]:
        if kind["group"] in groups:
            if kind["refused"]:
                yield inf, f"{kind['name']}, {len(kind['refused'])} values refused"
            for connections, told in kind.get("at", {}).items():
                where = f"{kind['name']}, {connections} at once"
                if told["failed"]:
                    where = f"{where}, {told['failed']} answers failed"
                yield inf if told["failed"] else told["ratio"], where


def worst(*groups: str) -> Callable[[Json], Figure | None]:
    """The highest ratio among kinds."""
    return lambda run: max(ratios(largest(run), *groups), default=None)


def growth(run: Json) -> Figure | None:
    """The highest quotient of the ratios at the two largest sizes."""
    if len(run["sizes"]) < 2:
        return None
    *_, small, large = sorted(run["sizes"], key=int)
    before = {name: ratio for ratio, name in ratios(run["sizes"][small], *QUICK)}
    found = [
        (ratio if ratio == inf else ratio / before[name], f"{name}, {small} to {large}")
        for ratio, name in ratios(run["sizes"][large], *QUICK)
        if ratio == inf or name in before
    ]
    return max(found, default=None)


def in_process(name: str) -> Callable[[Json], Figure | None]:
    """The ratio of a part in process."""
    return lambda run: next(
        (
            (part["ratio"], f"p{part['percentile']} of {part['queries']} queries")
            for part in largest(run)["in process"]
            if part["name"].startswith(name)
        ),
        None,
    )


def faster_than_datasette(run: Json) -> Figure | None:
    """The lowest quotient among the pages that it serves too."""
    found = [
        (told["others"]["datasette"]["ratio"], kind["name"])
        for kind in largest(run)["kinds"]
        for told in kind.get("at", {}).values()
        if kind["group"] == "page" and "datasette" in told["others"]
    ]
    return min(found, default=None)


def rate_of_export(run: Json) -> Figure | None:
    """The lowest share of the floor's rate."""
    found = [(1 / ratio, name) for ratio, name in ratios(largest(run), "export")]
    return min(found, default=None)


def imported(run: Json) -> Figure | None:
    """The time of the import against that of `executemany`."""
    told = largest(run)["import"]
    where = f"{told['import']:.0f} s against {told['executemany']:.0f} s"
    return told["import"] / told["executemany"], where


def written(run: Json) -> Figure | None:
    """The ratio of a single write."""
    told = largest(run).get("single write")
    return told and (told["ratio"], f"{told['milliseconds'][1]:.1f} ms")


def renamed(run: Json) -> Figure | None:
    """How reads go on while an actor is renamed."""
    told = largest(run).get("rename")
    return told and (told["ratio"], f"{told['seconds']:.1f} s for {told['events']} events")


def memory(run: Json) -> Figure | None:
    """Megabytes at the end."""
    told = largest(run)["memory"]
    return told and (told["VmRSS"], f"at most {told['VmHWM']:.0f} MB")


FLOOR, BY_KEY = "× floor", "× one event by its key"
GOALS = (
    Goal("page of 50 with sources and actors, any sort", LIMITS["page"], FLOOR, worst("page")),
    Goal("one event", LIMITS["one"], FLOOR, worst("one")),
    Goal(
        "single filter, overlap, newest-first text",
        LIMITS["text"],
        FLOOR,
        worst("filter", "overlap", "text"),
    ),
    Goal("growth of all these to the largest size", 1.5, "×", growth),
    Goal("two terms, p99, in process", 250, BY_KEY, in_process("two terms")),
    Goal("three terms, p99, in process", 250, BY_KEY, in_process("three terms")),
    Goal("total of up to three terms, p95, in process", 250, BY_KEY, in_process("exact total")),
    Goal("facet under any one filter, p95, in process", 250, BY_KEY, in_process("facet")),
    Goal("histogram under no or one filter", LIMITS["histogram"], FLOOR, worst("histogram")),
    Goal("unchanged poll (304)", LIMITS["poll"], "× the floor's 304", worst("poll")),
    Goal("page against Datasette's flat one", 10, "× faster", faster_than_datasette, least=True),
    Goal(
        "export", 1 / LIMITS["export"], "× a stream of the same bytes", rate_of_export, least=True
    ),
    Goal("import, everything indexed", 4, "× executemany of the same rows", imported),
    Goal("single durable write", 3, "× a plain insert of the same rows", written),
    Goal("reads while the commonest actor is renamed", SLOWER, "× their usual time", renamed),
    Goal("memory of the server after the suite", 600, "MB", memory),
)


def told(run: Json) -> list[Json]:
    """Each goal with its figure and whether it holds: None where it was left out.

    Where an answer was refused there is no figure, and the goal does not hold.
    """
    rows = []
    for goal in GOALS:
        value, where = goal.figure(run) or (None, "not measured")
        holds = None if value is None else goal.holds(value)
        limit = f"at {'least' if goal.least else 'most'} {goal.limit:g} {goal.against}"
        figure = None if value == inf else value
        rows.append(
            {"what": goal.what, "limit": limit, "figure": figure, "where": where, "holds": holds}
        )
    return rows
