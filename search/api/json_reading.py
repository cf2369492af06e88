"""JSON as clients send it: one value, lines of values, or a list handed on item by item.

Python's own JSON reader accepts what no answer and no database can hold: NaN, 1e999, nesting without end.
Here each of these is an error that says where. Nothing here knows requests, or what a document is.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 1_000
_CHUNK_BYTES = 256 * 1024
_BLANK = re.compile(r"[ \t\n\r]*")


class MalformedJson(ValueError):
    """The text is not JSON, or JSON that cannot be stored; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Line:
    """One of many documents: its line (or place in the list, from 1), and its value or why it has none."""

    number: int
    value: Any = None
    error: str = ""
    raw: bytes = field(default=b"", compare=False)  # as it was sent; empty for the items of a list


def ndjson_lines(read: Callable[[int], bytes], *, max_line_bytes: int) -> Iterator[Line]:
    """Yield each line that is not blank; a line that is not JSON, or is too long, has an error and stops nothing.

    `read(size)` gives the next bytes. However many there are, no more than one line and a quarter of a MiB is held.
    """
    for number, raw in enumerate(_split(read, max_line_bytes), start=1):
        if raw is None:
            yield Line(number, error=_("The line has more than %d bytes, the most that is read.") % max_line_bytes)
        elif raw.strip():
            try:
                yield Line(number, parsed(decoded(raw)), raw=raw)
            except MalformedJson as error:
                yield Line(number, error=str(error), raw=raw)


def _split(read: Callable[[int], bytes], max_bytes: int) -> Iterator[bytes | None]:
    """Yield the lines of a stream without their ends, and None in place of each that is too long."""
    parts: list[bytes] = []  # of a line that has not ended yet
    size = 0
    while chunk := read(_CHUNK_BYTES):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            parts.append(piece)
            yield b"".join(parts) if size + len(piece) <= max_bytes else None
            parts, size = [], 0
        size += len(rest)
        parts = [*parts, rest] if size <= max_bytes else []
    if size:
        yield b"".join(parts) if size <= max_bytes else None


def list_items(text: str) -> Iterator[Line]:
    """Return an iterator over the items of the JSON list `text`. Raises MalformedJson when it is no list.

    Where an item cannot be read, the place at which the next one begins is unknown: it is the last.
    """
    start = _skip_blank(text, 0)
    if text[start : start + 1] != "[":
        raise MalformedJson(_("Expected a JSON list of documents: [{…}, {…}]."))
    return _items(text, _skip_blank(text, start + 1))


def decoded(raw: bytes) -> str:
    """Return the text of `raw`. Raises MalformedJson when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedJson(
            _("Not UTF-8: byte 0x%(byte)02x at position %(at)d.") % {"byte": raw[error.start], "at": error.start}
        ) from None


def parsed(text: str) -> Any:
    """Return the JSON value in `text`. Raises MalformedJson when it is none or cannot be stored."""
    try:
        value = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(_reason(error)) from None
    flaw = _flaw(value)
    if flaw:
        raise MalformedJson(flaw)
    return value


def _items(text: str, at: int) -> Iterator[Line]:
    decoder = json.JSONDecoder(parse_int=_integer)
    number = 0
    closed = text[at : at + 1] == "]"
    while not closed:
        number += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield Line(number, error=_unreadable_from_here(_reason(error)))
            return
        flaw = _flaw(value)
        yield Line(number, error=flaw) if flaw else Line(number, value)
        at = _skip_blank(text, at)
        closed = text[at : at + 1] == "]"
        if not closed and text[at : at + 1] != ",":
            yield Line(number + 1, error=_unreadable_from_here(_("expected , or ] at character %d") % at))
            return
        at = _skip_blank(text, at + 1)
    if _skip_blank(text, at if number else at + 1) != len(text):
        yield Line(number + 1, error=_unreadable_from_here(_("text after the end of the list")))


def _unreadable_from_here(reason: str) -> str:
    return _("Malformed JSON: %(reason)s. From here on the list was not read.") % {"reason": reason.rstrip(".")}


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else math.inf


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return _too_deep()
    return _("Malformed JSON: %s.") % error


def _too_deep() -> str:
    return _("JSON nested deeper than %d levels is not accepted.") % MAX_DEPTH


def _flaw(value: Any) -> str:
    """Return why a JSON value cannot be stored or sent back, or "". Walks level by level, without recursion."""
    level = [value]
    for _depth in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, float) and not math.isfinite(item):
                return _("NaN, infinite and astronomically large numbers are not accepted.")
        if not below:
            return ""
        level = below
    return _too_deep()
