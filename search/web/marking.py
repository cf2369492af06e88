"""Blocks of a text with what a search found in them: passages shaded, the query's words marked. Pure.

Cuts slices where something begins or ends; never changes a character and never makes markup.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from search.retrieval.passages import Passage

from .blocks import Block
from .runs import Run


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text in one style. `passage` is its number from 1 in the order of the text, 0 outside of all.

    The first piece of a passage `begins` it; `best` tells the passage that answers best.
    """

    text: str
    run: Run
    passage: int = 0
    begins: bool = False
    best: bool = False
    is_word: bool = False


Row = tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class MarkedBlock:
    """A block whose cells are pieces."""

    block: Block
    rows: tuple[Row, ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All of a block that is one cell."""
        return self.rows[0][0] if self.rows and self.rows[0] else ()

    @property
    def items(self) -> list[tuple[str, int, tuple[Piece, ...]]]:
        """A list's items as (number, depth, pieces)."""
        cells = [row[0] for row in self.rows]
        return list(zip(self.block.numbers, self.block.depths, cells, strict=True))

    @property
    def is_numbered(self) -> bool:
        """True for a list of which every item has a number."""
        return all(self.block.numbers)


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    passage: int
    best: bool
    is_word: bool


def marked(
    text: str, blocks: Sequence[Block], passages: Sequence[Passage], *, shade: bool = True
) -> tuple[MarkedBlock, ...]:
    """Return the blocks with the passages, given best first, shaded and their words marked; without `shade` only these.

    Where passages overlap, the later part belongs to the earlier one.
    """
    spans = _spans(passages, shade)
    begun: set[int] = set()

    def pieces(runs: Iterable[Run]) -> tuple[Piece, ...]:
        return tuple(_piece(text, run, span, begun) for run in runs for run, span in _cut(run, spans))

    return tuple(MarkedBlock(block, tuple(tuple(map(pieces, row)) for row in block.rows)) for block in blocks)


def _spans(passages: Sequence[Passage], shade: bool) -> list[_Span]:
    """Return what is marked, in the order of the text and without overlaps."""
    spans: list[_Span] = []
    at = 0
    for number, passage in enumerate(sorted(passages, key=lambda each: each.start), 1):
        best = passage is passages[0]
        at = max(at, passage.start)
        for start, end in [*passage.words, (passage.end, passage.end)]:
            if shade and at < min(start, passage.end):
                spans.append(_Span(at, start, number, best, False))
            if max(at, start) < end:
                spans.append(_Span(max(at, start), end, number if shade else 0, best, True))
            at = max(at, end)
    return spans


def _cut(run: Run, spans: Sequence[_Span]) -> list[tuple[Run, _Span | None]]:
    parts: list[tuple[Run, _Span | None]] = []
    at = run.start
    for span in spans[_first_ending_after(run.start, spans) :]:
        if span.start >= run.end:
            break
        if at < span.start:
            parts.append((_part(run, at, span.start), None))
        at = max(at, span.start)
        parts.append((_part(run, at, min(span.end, run.end)), span))
        at = min(span.end, run.end)
    if at < run.end:
        parts.append((_part(run, at, run.end), None))
    return parts


def _first_ending_after(place: int, spans: Sequence[_Span]) -> int:
    return bisect_right(spans, place, key=lambda span: span.end)


def _part(run: Run, start: int, end: int) -> Run:
    return replace(run, start=start, end=end)


def _piece(text: str, run: Run, span: _Span | None, begun: set[int]) -> Piece:
    shown = text[run.start : run.end]
    if span is None:
        return Piece(shown, run)
    begins = bool(span.passage) and span.passage not in begun and bool(shown.strip())
    if begins:
        begun.add(span.passage)
    return Piece(shown, run, span.passage, begins, begins and span.best, span.is_word)
