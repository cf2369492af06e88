"""The lines of a text file with their numbers, each bounded, whatever the encoding and the file's size.

Never holds more of the file than one line, and of one that is too long only its beginning.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from search.readers.base import Limits, Notes

from .text_encoding import Encoding, seems_utf8

_UNDECODED = re.compile("[\udc80-\udcff]")
_OF_MANY_BYTES = ("utf", "cp932", "cp949", "euc", "gb", "big5", "iso2022", "shift")


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `too_long` when it is longer than a row may be, and `text` only its beginning."""

    number: int
    text: str
    too_long: bool = False


def lines(file: BinaryIO, encoding: Encoding, limits: Limits, newline: str | None = "") -> Iterator[Line]:
    """Yield the lines of a file from where it stands. `newline` is what TextIOWrapper takes: "" for all line ends."""
    text = io.TextIOWrapper(file, encoding=encoding.name, errors=encoding.errors, newline=newline)
    try:
        number = 0
        while piece := text.readline(limits.row_bytes + 1):
            number += 1
            too_long = len(piece) > limits.row_bytes and not piece.endswith(("\n", "\r"))
            if too_long:
                piece = piece[: excerpt_chars(limits)]
                _skip_line(text)
            yield Line(number, piece.rstrip("\r\n"), too_long)
    finally:
        text.detach()  # the file belongs to whoever opened it


def excerpt_chars(limits: Limits) -> int:
    """Return how much is shown of a row that is too long."""
    return min(1_000, limits.row_bytes - 1)


def undecoded(text: str, encoding: Encoding, notes: Notes) -> str:
    """Return why a line cannot be read when bytes in it have no meaning in the file's encoding, else "".

    One that can be read, but is in another encoding by all appearance, is noted.
    """
    if text.isascii():
        return ""
    if not (match := _UNDECODED.search(text)):
        notes.like_utf8 += of_one_byte(encoding.name) and seems_utf8(text.encode(encoding.name, "replace"))
        return ""
    name = encoding.name.upper()
    byte = ord(match[0]) - 0xDC00
    return f"Its character {match.start() + 1:,} (byte 0x{byte:02X}) is not valid in {name}, the encoding of this file."


def of_one_byte(name: str) -> bool:
    """Whether an encoding has one byte for each character: only then is UTF-8 in it told for certain."""
    return not name.startswith(_OF_MANY_BYTES)


def _skip_line(text: io.TextIOWrapper) -> None:
    while piece := text.readline(1 << 16):
        if piece.endswith(("\n", "\r")):
            break
