"""What differs between two texts, in pieces that a page can show. Pure; never reads or writes a row.

Lines are compared first, then the words of those that differ: a changed word of a long text is shown as that word.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_COMPARED_CHARS = 200_000  # of either text: comparing is quadratic in the worst case
_COMPARED_WORDS = 2_000
_KEPT_CHARS = 120  # of what is equal, before and after a difference


class Kind(StrEnum):
    """What became of a piece on the way from one text to the other."""

    EQUAL = "equal"
    REMOVED = "removed"
    ADDED = "added"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; for LEFT_OUT, of what is equal and too far from any difference, no text."""

    kind: Kind
    text: str


def differences(before: str, after: str) -> list[Piece]:
    """Return the pieces that lead from one text to the other. Texts of over 200,000 characters differ as a whole."""
    if max(len(before), len(after)) > _COMPARED_CHARS:
        pieces = [Piece(Kind.REMOVED, before[:_KEPT_CHARS] + "…"), Piece(Kind.ADDED, after[:_KEPT_CHARS] + "…")]
        return pieces if before != after else []
    return list(_shortened(_joined(_by_lines(before.splitlines(keepends=True), after.splitlines(keepends=True)))))


def _by_lines(before: list[str], after: list[str]) -> Iterator[Piece]:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after).get_opcodes():
        old, new = "".join(before[a:b]), "".join(after[c:d])
        words = (_WORDS.findall(old), _WORDS.findall(new))
        if tag == "equal":
            yield Piece(Kind.EQUAL, old)
        elif tag != "replace" or max(map(len, words)) > _COMPARED_WORDS:
            yield from (Piece(Kind.REMOVED, old), Piece(Kind.ADDED, new))
        else:
            yield from _by_words(*words)


def _by_words(before: list[str], after: list[str]) -> Iterator[Piece]:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece(Kind.EQUAL, "".join(before[a:b]))
        else:
            yield from (Piece(Kind.REMOVED, "".join(before[a:b])), Piece(Kind.ADDED, "".join(after[c:d])))


def _joined(pieces: Iterator[Piece]) -> list[Piece]:
    """Return them without empty ones, neighbours of one kind as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].kind is piece.kind:
            joined[-1] = Piece(piece.kind, joined[-1].text + piece.text)
        elif piece.text:
            joined.append(piece)
    return joined


def _shortened(pieces: list[Piece]) -> Iterator[Piece]:
    """Leave out what is equal and far from any difference."""
    for at, piece in enumerate(pieces):
        if piece.kind is not Kind.EQUAL:
            yield piece
            continue
        head = _KEPT_CHARS if at > 0 else 0
        tail = _KEPT_CHARS if at < len(pieces) - 1 else 0
        if len(piece.text) <= head + tail:
            yield piece
            continue
        if head:
            yield Piece(Kind.EQUAL, piece.text[:head])
        yield Piece(Kind.LEFT_OUT, "")
        if tail:
            yield Piece(Kind.EQUAL, piece.text[-tail:])
