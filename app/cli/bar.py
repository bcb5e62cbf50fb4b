"""The columns of a progress bar."""

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)


def columns(verb: str) -> tuple[ProgressColumn, ...]:
    """Return the columns of a bar: verb, bar, counts, time, and rate."""
    return TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Rate()


class Rate(ProgressColumn):
    """The number of items per second."""

    def render(self, task: Task) -> str:
        """Return the rate of the last half minute."""
        return f"{task.speed or 0:,.0f}/s"
