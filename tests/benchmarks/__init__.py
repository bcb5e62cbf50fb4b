"""How fast Dateline is, at up to a million events, against the least that could do the same.

    PYTHONPATH=tests python -m benchmarks [EVENTS …] [--only KIND] [--keep FOLDER] [--out FOLDER]

`generated` makes a chronology and `prepared` imports it; `kinds` lists the requests, `floor` is the
least that FastAPI can do for each, `against` what else serves the same; `measured` lets them take
turns. `inprocess` and `writes` measure what HTTP would hide, `oracle` holds the answers against a
model before anything is timed, and `report` says which of `goals` hold.
"""
