"""NDJSON: what is forgiven, and what is said of a line that cannot be read."""

import io

import pytest

from app.formats import READERS, Line


def read(file: bytes) -> list[Line]:
    """The lines of an NDJSON file."""
    return list(READERS["ndjson"](io.BytesIO(file)))


def test_blank_lines_carriage_returns_and_a_byte_order_mark_are_passed_over() -> None:
    """The numbers are those of the lines in the file."""
    lines = read(b'\xef\xbb\xbf{"id":"a"}\r\n\r\n  \n{"id":"b"}')
    assert lines == [Line(1, {"id": "a"}), Line(4, {"id": "b"})]
    assert read(b"\xef\xbb\xbf\n") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a":}', "is not JSON: Expecting value at column 6"),
        (b'{"a":1,"a":2}', 'names the member "a" twice'),
        (b'{"a":NaN}', "holds NaN, which is not a JSON number"),
        (b'{"a":1e99999999999999999999}', "holds a number that is too large"),
        (b'{"a":"\xff"}', "is not UTF-8: byte 6 begins no character"),
        (b"[1]", "is not a JSON object; write an event a line"),
        (b"[" * 3000, "is nested too deeply"),
    ],
)
def test_a_line_says_what_is_wrong_with_it_and_the_next_is_read(line: bytes, said: str) -> None:
    """One damaged line is no damaged file."""
    good, bad, after = read(b"{}\n" + line + b'\n{"id":"c"}\n')
    assert (good.document, after) == ({}, Line(3, {"id": "c"}))
    (fault,) = bad.faults
    assert (bad.document, fault.line, fault.name, fault.message) == ({}, 2, "body", said)


def test_a_line_without_end_is_not_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another kind may have no line breaks at all."""
    monkeypatch.setattr("app.formats.ndjson.MAX_EVENT_BYTES", 10)
    file = io.BytesIO(b"{}\n" + b" " * 1000)
    *_, last = READERS["ndjson"](file)
    assert [fault.line for fault in last.faults] == [2]
    assert file.tell() == 13
