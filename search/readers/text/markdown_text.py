"""The text of one document while it is put together: blocks with a blank line between them, and anchors.

Every reader of whole documents ends here, so that line ends, NULs and the limit on a text's length are the same
for all formats. It never cuts a text: one that is too long is refused.
"""

import re
from collections.abc import Iterable

from search.readers.base import Limits, UnreadableFile
from search.storable import storable

Anchors = list[list[int | str]]

_LINE_END = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_SPACES = re.compile(r"[ \t\f\v\xa0]+")


def plain_lines(text: str) -> str:
    """Return `text` with `\\n` line ends only, and nothing that the database cannot hold."""
    return storable(_LINE_END.sub("\n", text))


def one_line(text: str) -> str:
    """Return `text` as a title or a label wants it: no line breaks, no runs of spaces."""
    return " ".join(storable(text).split())


def paragraph(text: str) -> str:
    """Return `text` with runs of spaces made one and none at the lines' ends; line breaks stay."""
    lines = (_SPACES.sub(" ", line).strip() for line in plain_lines(text).split("\n"))
    return "\n".join(lines).strip()


def heading(level: int, text: str) -> str:
    """Return a heading's line; levels outside 1 to 6 are brought there."""
    return f"{'#' * min(max(level, 1), 6)} {one_line(text)}"


def table_row(cells: Iterable[str]) -> str:
    """Return one row as text; empty when all its cells are."""
    cleaned = [one_line(cell) for cell in cells]
    return " | ".join(cleaned).strip() if any(cleaned) else ""


class Body:
    """Collects blocks of a text and the places where its parts begin."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.anchors: Anchors = []
        self._parts: list[str] = []
        self._length = 0
        self._label: str | None = None

    def begin(self, label: str) -> None:
        """Let a part with this label begin at the next block that is added; one without blocks leaves no trace."""
        self._label = one_line(label)

    def add(self, block: str) -> None:
        """Add a block of text after a blank line; nothing when it is empty."""
        block = plain_lines(block).strip("\n").rstrip()
        if not block:
            return
        if self._parts:
            self._append("\n\n")
        if self._label is not None:
            self.anchors.append([self._length, self._label])
            self._label = None
        self._append(block)

    def text(self) -> str:
        return "".join(self._parts)

    def _append(self, part: str) -> None:
        self._length += len(part)
        refuse_too_long(self._length, self.limits)
        self._parts.append(part)


def refuse_too_long(length: int, limits: Limits) -> None:
    """Raise UnreadableFile for a text of more characters than one document may have."""
    if length > limits.text_chars:
        raise UnreadableFile(
            f"Its text is longer than the {limits.text_chars:,} characters that one document may have; split the file."
        )
