"""Frames from a child that may lie: bounded in size, checked field by field."""

import io
import json
import os
import struct
import tracemalloc
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from search.readers.base import Record
from search.readers.child_process import frames


def frame(kind: bytes, value: Any, raw: bytes = b"") -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("!cII", kind, len(body), len(raw)) + body + raw


def received(data: bytes) -> frames.Frame | None:
    return frames.receive(io.BytesIO(data).read)


def sent(*records: Record) -> Iterator[Record]:
    """Send records through a pipe and yield what comes out of it."""
    out, into = os.pipe()
    thread = Thread(target=frames.send_records, args=(into, [frames.encode(record) for record in records], 0))
    thread.start()
    found = frames.receive(lambda size: os.read(out, size))
    thread.join()
    os.close(out)
    os.close(into)
    assert found is not None
    yield from frames.records_of(found)


def test_records_come_out_as_they_went_in() -> None:
    records = [
        Record(
            1, {"title": "Größe 🙂", "body": "Long text 🙂. " * 50_000, "metadata": {"a": [1, None, 2.5]}}, "row" * 900
        ),
        Record(2, {}, "short row", "It is broken."),
        Record(3, {"a": "\t\x7f\u2028", "": "no name"}),
    ]
    assert list(sent(*records)) == records


def test_what_no_database_stores_is_replaced() -> None:
    [record] = sent(Record(1, {"short": "a\x00b\ud800", "long": "a\x00" * 1_000}))
    assert record.values == {"short": "a b?", "long": "a " * 1_000}


@pytest.mark.parametrize("values", [
    {"a": [[] for _ in range(900_000)]},
    {"a": float("nan")},
    {"a": {str(n): "x" * 900 for n in range(4_000)}},
])  # fmt: skip
def test_a_row_that_cannot_travel_becomes_an_error_of_that_row(values: dict[str, Any]) -> None:
    [record, other] = sent(Record(7, values, "the row"), Record(8, {"a": 1}))
    assert (record.number, record.values, record.original) == (7, {}, "the row")
    assert record.error
    assert other.values == {"a": 1}


@pytest.mark.parametrize("data", [
    struct.pack("!cII", frames.RECORDS, 0xFFFFFFFF, 0),
    struct.pack("!cII", frames.RECORDS, 0, 0xFFFFFFFF),
    struct.pack("!cII", b"?", 1, 0) + b"1",
    frame(frames.RECORDS, b"no json"),
    frame(frames.RECORDS, b"\xff\xfe"),
    frame(frames.RECORDS, b"[0, [NaN]]"),
    frame(frames.RECORDS, b"[" * 100_000),
    frame(frames.RECORDS, b"9" * 100_000),
    frame(frames.DATA, None, b"x")[:-1],
    b"R\0\0",
])  # fmt: skip
def test_bytes_that_are_no_frame_are_refused(data: bytes) -> None:
    with pytest.raises(frames.BrokenProtocol):
        received(data)


@pytest.mark.parametrize("value", [
    7, [], [0], ["0", []], [0, 1], [0, [1]], [0, [[1, {}, "", ""]]], [0, [["1", {}, "", "", []]]],
    [0, [[1, [], "", "", []]]], [0, [[1, {}, None, "", []]]], [0, [[1, {}, "", "", [["a", 10]]]]],
    [0, [[1, {}, "", "", [["a", -1]]]]], [0, [[1, {}, "", "", [[]]]]], [0, [[1, {}, "", "", 5]]],
])  # fmt: skip
def test_frames_that_are_no_records_are_refused(value: Any) -> None:
    found = received(frame(frames.RECORDS, value, b"123"))
    assert found is not None
    with pytest.raises(frames.BrokenProtocol):
        assert frames.progress_of(found) == 0 and frames.records_of(found)


def test_no_frame_takes_more_memory_than_it_may() -> None:
    worst = frame(frames.RECORDS, b"[0,[" + b"[]," * (frames.JSON_BYTES // 3 - 10) + b"0]]")
    tracemalloc.start()
    try:
        found = received(worst)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert found is not None


def test_a_long_text_travels_even_where_its_row_does_not_fit_beside_it() -> None:
    text = "🦉" * (frames.TEXT_BYTES // 4 - 10_000)

    (found,) = sent(Record(1, {"body": text}, original=text))

    assert found.values == {"body": text}
    assert 0 < len(found.original) < 100_000


@pytest.mark.parametrize("value", [None, "utf-8", ["utf-8"], [1, []], ["utf-8", "all well"]])
def test_notes_of_another_shape_are_refused(value: Any) -> None:
    with pytest.raises(frames.BrokenProtocol):
        frames.notes_of(frames.Frame(frames.NOTES, value))


def test_notes_are_bounded() -> None:
    notes = frames.notes_of(frames.Frame(frames.NOTES, ["x" * 100, ["y" * 10_000] * 100]))
    assert (len(notes.encoding), len(notes.warnings), len(notes.warnings[0])) == (40, 20, 500)
