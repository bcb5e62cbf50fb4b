"""Draws the picture in docs/concepts.md of the timeline from the events as they are served."""

from collections.abc import Sequence
from typing import Any

from app import dates

FIRST_YEAR, LAST_YEAR = 2020, 2024
SHOWN = (
    "serbian-weapons-in-armenian-use",
    "serbia-azerbaijan-trade-2021",
    "aliyev-visit-belgrade-2022",
    "first-reports-of-defence-contract",
    "aliyev-visit-belgrade-2023",
    "serbia-azerbaijan-gas-contract",
    "azerbaijan-gas-deliveries-to-serbia",
    "serbia-bulgaria-gas-interconnector-opening",
    "serbia-azerbaijan-artillery-contract",
    "vucic-confirms-artillery-contract",
)


def draw(events: Sequence[dict[str, Any]]) -> str:
    """A line an event, a column a month: a full block where certain, a light one where possible."""
    months = [f"{y}-{m:02d}" for y in range(FIRST_YEAR, LAST_YEAR + 1) for m in range(1, 13)]
    titles = {event["id"]: event["title"] for event in events}
    width = max(map(len, titles.values())) + 2
    lines = [" " * width + "".join(f"{year:<12}" for year in range(FIRST_YEAR, LAST_YEAR + 1))]
    for event in events:
        date = dates.parse(event["date"]["edtf"])
        marks = "".join(_mark(date, dates.parse_window(month)) for month in months)
        lines.append(f"{event['title']:<{width}}{marks}")
    return "\n".join(line.rstrip() for line in lines)


def _mark(date: dates.Date, month: dates.Window) -> str:
    if date.certain(month):
        return "█"
    return "░" if date.possible(month) else " "
