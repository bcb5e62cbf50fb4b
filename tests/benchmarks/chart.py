"""The chart: each kind's ratio to the floor as a bar, drawn as SVG for light and dark pages."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, log10
from typing import Any

from benchmarks.goals import LIMITS
from benchmarks.kinds import NEWEST

Json = dict[str, Any]
WIDTH, LEFT, RIGHT, TOP, ROW = 860, 280, 70, 74, 17
OTHERS = {
    "sqlmodel": "plain SQLModel",
    "datasette": "Datasette",
    "bare datasette": "without suggestions",
}
MARKS = {"kept": "Dateline, within its goal", "missed": "beyond it", "free": "without one"}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.quiet { fill: #59636e } .line { stroke: #d1d9e0 } .paper { fill: #ffffff }
.kept { fill: #2f81c4 } .missed { fill: #c4662f } .free { fill: #9aa4af }
.goal { stroke: #24292f; stroke-width: 2 } .spread { stroke: #24292f; stroke-width: 1 }
.sqlmodel { fill: #8250df } .datasette { fill: #1a7f37 } .bare { fill: #57b96f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .line { stroke: #3d444d }
  .paper { fill: #0d1117 } .kept { fill: #4493f8 } .missed { fill: #db8a52 }
  .free { fill: #656c76 }
  .goal, .spread { stroke: #f0f6fc } .sqlmodel { fill: #ab7df8 } .datasette { fill: #3fb950 }
  .bare { fill: #aff5b4 }
}
"""


def draw(kinds: Sequence[Json], size: str) -> str:
    """The chart of one size; of a kind in both orders of time the worse is drawn."""
    rows = list(shown(kinds))
    highest = max(
        [
            10.0,
            *(r["ratio"] for _, r, _ in rows),
            *(o for _, _, many in rows for o in many.values()),
        ]
    )
    scale = (WIDTH - LEFT - RIGHT) / ceil(log10(highest) * 2) * 2
    height = TOP + ROW * len(rows) + 12
    parts = [*head(size, height, scale, highest)]
    for number, (kind, told, others) in enumerate(rows):
        parts += row(TOP + ROW * number, kind, told, others, scale)
    return "\n".join([*parts, "</svg>", ""])


def shown(kinds: Sequence[Json]) -> Iterator[tuple[Json, Json, dict[str, float]]]:
    """The kinds that are drawn, with their figures over one connection and those of others."""
    timed = {kind["name"]: kind for kind in kinds if "1" in kind.get("at", {})}
    for name, kind in timed.items():
        group, base = kind["group"], timed.get(name.removesuffix(NEWEST))
        if name.endswith(NEWEST) and base and base["group"] == group:
            continue  # is drawn with the other order
        both = [k for k in (kind, timed.get(name + NEWEST)) if k and k["group"] == group]
        worse = max(both, key=lambda one: float(one["at"]["1"]["ratio"]))
        told = worse["at"]["1"]
        others = {n: told["ratio"] * o["ratio"] for n, o in told["others"].items()}
        yield {"name": name, "group": group}, told, others


def head(size: str, height: int, scale: float, highest: float) -> Iterator[str]:
    """Title, legend and the lines behind the bars."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Ratios to the floor">'
    )
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="paper" width="{WIDTH}" height="{height}"/>'
    title = f"Median time of a request over {int(size):,} events, as a multiple of the floor"
    yield f'<text x="12" y="20" font-weight="600">{title}</text>'
    x = 12.0
    for mark, label in MARKS.items():
        yield f'<rect class="{mark}" x="{x:.0f}" y="31" width="14" height="10"/>'
        yield f'<text class="quiet" x="{x + 19:.0f}" y="40">{label}</text>'
        x += 19 + 6.2 * len(label) + 12
    for name, label in OTHERS.items():
        yield f'<circle class="{name.partition(" ")[0]}" cx="{x + 5:.0f}" cy="36" r="4"/>'
        yield f'<text class="quiet" x="{x + 14:.0f}" y="40">{label}</text>'
        x += 14 + 6.2 * len(label) + 12
    yield f'<line class="goal" x1="{x:.0f}" x2="{x:.0f}" y1="30" y2="42"/>'
    yield f'<text class="quiet" x="{x + 6:.0f}" y="40">goal</text>'
    for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000):
        if tick <= highest:
            at = LEFT + log10(tick) * scale
            yield f'<line class="line" x1="{at:.1f}" x2="{at:.1f}" y1="62" y2="{height - 8}"/>'
            yield f'<text class="quiet" x="{at:.1f}" y="58" text-anchor="middle">{tick}×</text>'


def row(y: int, kind: Json, told: Json, others: dict[str, float], scale: float) -> Iterator[str]:
    """A kind's bar with its spread, its goal, and where the others stand."""

    def at(ratio: float) -> str:
        return f"{LEFT + max(0.0, log10(ratio)) * scale:.1f}"

    ratio, (low, high) = told["ratio"], told["quartiles"]
    limit = LIMITS.get(kind["group"])
    mark = "free" if not limit else "missed" if ratio > limit else "kept"
    middle = y + ROW // 2 - 2
    width = max(1.0, log10(max(ratio, 1.0)) * scale)
    yield f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(kind["name"])}</text>'
    yield f'<rect class="{mark}" x="{LEFT}" y="{y + 2}" width="{width:.1f}" height="{ROW - 7}"/>'
    yield (f'<line class="spread" x1="{at(low)}" x2="{at(high)}" y1="{middle}" y2="{middle}"/>')
    if limit:
        yield f'<line class="goal" x1="{at(limit)}" x2="{at(limit)}" y1="{y}" y2="{y + ROW - 3}"/>'
    for name, other in others.items():
        yield f'<circle class="{name.partition(" ")[0]}" cx="{at(other)}" cy="{middle}" r="4"/>'
    yield (
        f'<text class="quiet" x="{WIDTH - 12}" y="{y + 11}" text-anchor="end">{ratio:.2f}</text>'
    )
