"""Every format is written in chunks, and what is read back is what was written."""

import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.formats import FORMATS, READERS, Line
from app.formats.lines import CHUNK_EVENTS
from formats.documents import ABOUT, EVENTS, LOSSLESS, Json, event, file_of, served, written


def through(name: str, events: list[Json], *, lossless: bool = True) -> list[Line]:
    """The lines of a file that these events make."""
    file = file_of(name, events, LOSSLESS if lossless else ABOUT)
    return list(READERS[name](io.BytesIO(file)))


@given(st.lists(EVENTS, max_size=4))
def test_ndjson_is_what_is_served(events: list[Json]) -> None:
    """A document a line, byte for byte."""
    bodies = [served(document) for document in events]
    file = file_of("ndjson", events)
    assert file == b"".join(body + b"\n" for body in bodies)
    lines = through("ndjson", events)
    assert [json.loads(json.dumps(line.document, default=float)) for line in lines] == events
    assert [line.number for line in lines] == list(range(1, len(events) + 1))


@given(st.lists(EVENTS, max_size=4))
def test_a_lossless_table_loses_nothing(events: list[Json]) -> None:
    """What it says when it is sent in is what was served, in the same order."""
    lines = through("csv", events)
    assert [line.faults for line in lines] == [()] * len(events)
    assert [written(line.document) for line in lines] == [written(known) for known in events]


@given(st.lists(EVENTS, max_size=4))
def test_timelinejs_keeps_what_its_readers_see(events: list[Json]) -> None:
    """Id, type, date, title and summary, of every event with a day."""
    shown = [e for e in events if e["date"]["earliest"] or e["date"]["latest"]]
    lines = through("timelinejs", shown)
    assert [(line.faults, line.notes) for line in lines] == [((), ())] * len(shown)
    for line, known in zip(lines, shown, strict=True):
        found = line.document
        assert found["date"] == {"edtf": known["date"]["edtf"]}
        assert [found[name] for name in ("id", "type")] == [known["id"], known["type"]]
        assert " ".join(found["title"].split()) == " ".join(known["title"].split())
        assert found.get("summary") == known["summary"]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "xlsx"])
def test_a_file_is_made_in_chunks_as_events_come(name: str) -> None:
    """None is asked for before the chunk before it went out, and a chunk holds many."""
    asked = 0

    def events() -> Iterator[bytes]:
        nonlocal asked
        for number in range(10 * CHUNK_EVENTS):
            asked = number + 1
            yield served(event(id=f"e{number}"))

    begun = []
    for chunk in FORMATS[name].write(events(), ABOUT):
        begun.append(asked)
        assert chunk
    assert begun[-1] == 10 * CHUNK_EVENTS
    assert 10 <= len(begun) <= 12
    assert (
        max(after - before for before, after in zip([0, *begun], begun, strict=False))
        == CHUNK_EVENTS
    )


@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_a_file_is_read_as_its_lines_are_asked_for(name: str) -> None:
    """The rest of a file is not read before it is needed."""
    file = io.BytesIO(b"".join(FORMATS[name].write([served(event())] * 20_000, LOSSLESS)))
    next(iter(READERS[name](file)))
    assert file.tell() < 10_000


@given(st.binary(max_size=200), st.sampled_from(sorted(READERS)))
def test_no_file_is_an_exception(file: bytes, name: str) -> None:
    """Whatever it holds, its lines say what is wrong."""
    for line in READERS[name](io.BytesIO(file)):
        assert line.document or line.faults


@pytest.mark.parametrize("name", sorted(READERS.keys() & FORMATS.keys()))
def test_no_events_are_a_file_too(name: str) -> None:
    """It reads as no events."""
    assert through(name, []) == []


def test_a_date_without_any_day_is_not_shown() -> None:
    """TimelineJS has no place for it."""
    edtf = "[..2020-01,2021-01..]"
    assert dates.parse(edtf).earliest is dates.parse(edtf).latest is None
    known = event()
    known["date"] = {**known["date"], "edtf": edtf, "earliest": None, "latest": None}
    assert through("timelinejs", [known, event(id="b")])[0].document["id"] == "b"
