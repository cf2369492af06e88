"""Steps through a JSON text of any size, value by value, without parsing what is in them.

A value is told from the next by its brackets and quotes alone, so that one that is broken inside does not keep
the following ones from being read. Holds one value at a time, and of one that is too long only its beginning.
"""

import re
from dataclasses import dataclass
from typing import TextIO

from search.readers.base import Limits
from search.readers.text.text_lines import excerpt_chars

_PIECE = 1 << 16
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)  # what is left of one
_AT_TOP = re.compile(r'(?:[^"{}\[\],:]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)  # strings and all that is no structure
_INSIDE = re.compile(r'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_SPACES = " \t\r\n"


@dataclass(frozen=True, slots=True)
class JsonPart:
    """The text of one value or key, without the spaces around it."""

    text: str
    too_long: bool = False
    cut_off: bool = False  # the file ends inside it


class JsonText:
    """A place in a JSON text: look at what comes next, take it, go on."""

    def __init__(self, text: TextIO, limits: Limits) -> None:
        self._source = text
        self._limits = limits
        self._buffer = ""
        self._position = 0

    def peek(self) -> str:
        """Return the next character that is no white space; "" at the end."""
        while True:
            while self._position < len(self._buffer):
                char = self._buffer[self._position]
                if char not in _SPACES:
                    return char
                self._position += 1
            if not self._more():
                return ""

    def take(self) -> str:
        """Return the next character that is no white space, and step behind it."""
        char = self.peek()
        self._position += 1 if char else 0
        return char

    def part(self) -> JsonPart:
        """Return what comes before the next `,`, `:`, `]` or `}` that belongs to what is around it."""
        self.peek()
        kept: list[str] = []
        chars, depth, in_string = 0, 0, False
        while True:
            end, depth, in_string, done = self._scan(depth, in_string)
            piece = self._buffer[self._position : end]
            self._position = end
            if chars <= self._limits.row_bytes:
                kept.append(piece)
            chars += len(piece)
            if done:
                break
            if not self._more():
                kept.append(self._rest())
                break
        text = "".join(kept)
        too_long = chars > self._limits.row_bytes
        if too_long:
            text = text[: excerpt_chars(self._limits)]
        return JsonPart(text.strip(_SPACES), too_long, cut_off=not done and (depth > 0 or in_string))

    def _scan(self, depth: int, in_string: bool) -> tuple[int, int, bool, bool]:
        """Return where the value or the buffer ends, the depth and state there, and whether the value does."""
        buffer, position = self._buffer, self._position
        while True:
            if in_string:
                position = _end_of(_STRING, buffer, position)
                if position >= len(buffer) or buffer[position] == "\\":
                    return position, depth, True, False
                position, in_string = position + 1, False
            position = _end_of(_INSIDE if depth else _AT_TOP, buffer, position)
            if position == len(buffer):
                return position, depth, False, False
            char = buffer[position]
            if char == '"':  # of a string that the buffer does not hold to its end
                in_string = True
            elif char in "{[":
                depth += 1
            elif depth == 0:
                return position, 0, False, True
            else:
                depth -= 1
            position += 1

    def _rest(self) -> str:
        """Return what is left when the file has ended: a backslash with nothing behind it."""
        rest, self._buffer, self._position = self._buffer[self._position :], "", 0
        return rest

    def _more(self) -> bool:
        """Read on; what is before the position is let go."""
        piece = self._source.read(_PIECE)
        self._buffer = self._buffer[self._position :] + piece
        self._position = 0
        return bool(piece)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
