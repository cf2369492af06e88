"""How a reading child speaks to its parent: frames of bounded size, JSON and raw text, never pickles.

The child may be in the hands of the file that it reads. So a frame's announced sizes are checked before a byte of it
is taken, bytes are only held once they have come, and what is inside is checked field by field. JSON grows some
twenty times when it becomes objects, texts do not: hence JSON is kept small, and long texts travel beside it.
"""

import json
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search.readers.base import FileNotes, Record, UnreadableFile
from search.storable import storable_json

JSON_BYTES = 2 << 20  # of one frame; as empty objects they take some 50 MB
TEXT_BYTES = 64 << 20  # of one frame
_LONG_CHARS = 1_000  # a string above it travels as raw text
_SHOWN_CHARS = 10_000  # of a row that is too large to be sent
_WARNINGS, _WARNING_CHARS = 20, 500

_HEADER = struct.Struct("!cII")

OPENED, RECORDS, NOTES, DATA, ENTRY, FAILED, DONE = b"O", b"R", b"N", b"D", b"E", b"F", b"Z"
_KINDS = frozenset((OPENED, RECORDS, NOTES, DATA, ENTRY, FAILED, DONE))

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode


class BrokenProtocol(UnreadableFile):
    """What the child sent is not what it may send; the details are for programmers."""

    def __init__(self, details: str) -> None:
        super().__init__(
            "What reads it has answered with something else than texts. The file is perhaps made to do harm."
        )
        self.details = details


class CutOff(BrokenProtocol):
    """The child ended in the middle of a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the child."""

    kind: bytes
    value: Any
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record as it travels."""

    row: str
    texts: Sequence[bytes]

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.row) + sum(map(len, self.texts))


def encode(record: Record) -> EncodedRecord:
    """Return a record as it travels; one that is too large travels as an error of that row."""
    texts: list[bytes] = []
    moved: list[list[Any]] = []
    values = {}
    for name, value in record.values.items():
        if type(value) is str and len(value) > _LONG_CHARS:
            texts.append(value.encode("utf-8", "replace"))
            moved.append([name, len(texts[-1])])
        else:
            values[name] = value
    original = record.original
    if len(original) > _LONG_CHARS:
        texts.append(original.encode("utf-8", "replace"))
        moved.append([None, len(texts[-1])])
        original = ""
    try:
        row = _encode([record.number, values, original, record.error, moved, record.place])
    except (ValueError, TypeError, RecursionError) as error:
        return _refused(record, f"This row has values that cannot be stored: {str(error)[:100].rstrip('.')}.")
    if (
        len(record.original) > _SHOWN_CHARS and sum(map(len, texts)) > TEXT_BYTES
    ):  # its values are worth more than how they stood
        return encode(replace(record, original=record.original[:_SHOWN_CHARS]))
    too_large = len(row) > JSON_BYTES // 4 and len(row.encode("utf-8", "replace")) > JSON_BYTES - 100
    if too_large or sum(map(len, texts)) > TEXT_BYTES:
        return _refused(record, "This row has more, or longer, values than a row may have. Split it.")
    return EncodedRecord(row, texts)


def _refused(record: Record, reason: str) -> EncodedRecord:
    return EncodedRecord(_encode([record.number, {}, record.original[:_SHOWN_CHARS], reason, [], record.place]), ())


def send(fd: int, kind: bytes, value: Any, raw: Sequence[bytes] = ()) -> None:
    """Write one frame; waits while the parent does not read."""
    _send(fd, kind, _encode(value).encode("utf-8", "replace"), raw)


def send_records(fd: int, records: Iterable[EncodedRecord], skipped: int) -> None:
    """Write a frame of records, and how many were passed over so far."""
    records = list(records)
    rows = ",".join(record.row for record in records)
    body = f"[{skipped},[{rows}]]".encode("utf-8", "replace")
    _send(fd, RECORDS, body, [text for record in records for text in record.texts])


def _send(fd: int, kind: bytes, body: bytes, raw: Sequence[bytes]) -> None:
    _write(fd, _HEADER.pack(kind, len(body), sum(map(len, raw))) + body)
    for part in raw:
        _write(fd, part)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def receive(read: Callable[[int], bytes]) -> Frame | None:
    """Return the next frame, None at the end. `read` gives at most so many bytes, none at the end.

    Raises BrokenProtocol.
    """
    head = _exactly(read, _HEADER.size)
    if not head:
        return None
    if len(head) < _HEADER.size:
        raise CutOff("a frame's header is cut off")
    kind, json_bytes, raw_bytes = _HEADER.unpack(head)
    if kind not in _KINDS or json_bytes > JSON_BYTES or raw_bytes > TEXT_BYTES:
        raise BrokenProtocol(f"a frame of kind {kind!r} with {json_bytes:,} and {raw_bytes:,} bytes")
    body, raw = _exactly(read, json_bytes), _exactly(read, raw_bytes)
    if len(body) < json_bytes or len(raw) < raw_bytes:
        raise CutOff("a frame is cut off")
    return Frame(kind, _decoded(body), raw)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    held = bytearray()
    while len(held) < size:
        part = read(min(size - len(held), 1 << 20))
        if not part:
            break
        held += part
    return bytes(held)


def _decoded(body: bytes) -> Any:
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_refuse_constant)
        # Only escapes can still bring in what no database stores.
        return storable_json(value) if "\\u" in text else value
    except (ValueError, RecursionError) as error:
        raise BrokenProtocol(f"a frame is no JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a child takes a file for; it has ended already if its parser was not imported yet (`cold`)."""

    format: str
    tabular: bool
    cold: bool


def opened_of(frame: Frame | None) -> Opened:
    """Return what the first frame says. Raises BrokenProtocol."""
    value: Any = frame.value if frame is not None and frame.kind == OPENED else None
    try:
        opened = Opened(**value)
    except TypeError as error:
        raise BrokenProtocol("the first frame does not say what the file is") from error
    if type(opened.format) is not str or type(opened.tabular) is not bool or type(opened.cold) is not bool:
        raise BrokenProtocol("the first frame has fields of other types")
    return opened


def notes_of(frame: Frame) -> FileNotes:
    """Return what a frame of notes says of the file. Raises BrokenProtocol."""
    value = frame.value
    if not (type(value) is list and len(value) == 2 and type(value[0]) is str and type(value[1]) is list):
        raise BrokenProtocol("a frame of notes has none")
    warnings = tuple(str(warning)[:_WARNING_CHARS] for warning in value[1][:_WARNINGS])
    return FileNotes(value[0][:40], warnings)


def progress_of(frame: Frame) -> int:
    """Return how many records were passed over so far. Raises BrokenProtocol."""
    value = frame.value
    if not (type(value) is list and len(value) == 2 and type(value[0]) is int and type(value[1]) is list):
        raise BrokenProtocol("a frame of records has none")
    return value[0]


def records_of(frame: Frame) -> list[Record]:
    """Return the records of a frame. Raises BrokenProtocol."""
    if frame.kind != RECORDS:
        raise BrokenProtocol("a frame of another kind among records")
    found, offset = [], 0
    try:
        for row in frame.value[1]:
            record, offset = _record(row, frame.raw, offset)
            found.append(record)
    except (ValueError, TypeError) as error:
        raise BrokenProtocol(f"a record is not well formed: {error}") from error
    return found


def _record(row: Any, raw: bytes, offset: int) -> tuple[Record, int]:
    number, values, original, error, moved, place = row
    texts = (original, error, place)
    if not (type(number) is int and type(values) is dict and all(type(text) is str for text in texts)):
        raise BrokenProtocol("a record has fields of other types")
    for name, size in moved:
        if type(size) is not int or size < 0 or offset + size > len(raw):
            raise BrokenProtocol("a record's text lies outside its frame")
        text = storable_json(raw[offset : offset + size].decode())
        offset += size
        if name is None:
            original = text
        else:
            values[str(name)] = text
    return Record(number, values, original, error, place), offset
