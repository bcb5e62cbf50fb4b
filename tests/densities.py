"""The density of dates, for tests of pictures."""

import numpy as np

from app import dates
from app.dates import Window
from app.reads import Density
from app.reads.spans import named_days
from app.reads.tallies import Spans


def density(*edtfs: str, window: Window | None = None, undated: int = 0) -> Density:
    """Of some dates."""
    bounds = []
    for edtf in edtfs:
        date = dates.parse(edtf)
        ends = (date.start_earliest, date.start_latest, date.end_earliest, date.end_latest)
        bounds.append((*ends, not (date.uncertain or date.approximate)))
    shared = np.array(bounds, dtype=np.int32).reshape(-1, 5)
    named, events = named_days(shared.T), np.ones(len(bounds), dtype=np.int64)
    spans = Spans(shared.T, named, events, undated)
    return Density(window or spans.extent, spans)
