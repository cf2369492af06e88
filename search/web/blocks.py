"""A document's text as blocks to read: headings, paragraphs, lists, tables, code. Pure, and lossless about places.

Readers write Markdown, and so do many people. Everything shown is a slice of the text as it is stored: only the signs
between the slices are left out, so that places found in the text can be marked without counting again. Nothing is
turned into markup here, HTML in a text stays text, and what is not clearly Markdown is left as it stands.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from search.retrieval.markdown_signs import FENCE, ROW, ROW_LINE

from .runs import Run, runs_of, stripped

_HEADING = re.compile(r"(#{1,6})[ \t]+(?=\S)")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})\s*")
_RULE = re.compile(r"(?:(?:-\s?){3,}|(?:\*\s?){3,}|(?:_\s?){3,})")
_ITEM = re.compile(r"([ \t]*)(?:[-*+•]|(\d{1,9})[.)])[ \t]+(?=\S)")
_QUOTE = re.compile(r">[ \t]?(?!>)")
_CELL = re.compile(r"(?:\\\||[^|])*")
_FLOWING_CHARS = 60  # a line that is longer was broken by its margin, not by its author
_INDENT = 2


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `rows` has its runs by row and cell: one of one for all but lists (an item each) and tables.

    `level` is a heading's level below the page's own; `numbers` and `depths` are those of a list's items; a text that
    `flows` was wrapped at a margin, so that its line breaks mean nothing.
    """

    kind: str  # "heading", "text", "list", "quote", "code", "table", "rule" or "place"
    rows: tuple[tuple[tuple[Run, ...], ...], ...] = ()
    level: int = 0
    numbers: tuple[str, ...] = ()
    depths: tuple[int, ...] = ()
    flows: bool = False
    label: str = ""

    @property
    def start(self) -> int:
        """Where the first thing shown stands in the text; -1 where nothing is."""
        return next((run.start for row in self.rows for cell in row for run in cell), -1)


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str


def blocks_of(text: str, places: Sequence[tuple[int, str]] = ()) -> tuple[Block, ...]:
    """Return the blocks of a text; a `place` (offset, label), such as a page, begins a block of its own."""
    begins = [(min(max(0, at), len(text)), label) for at, label in places]
    ends = [at for at, _ in begins[1:]] + [len(text)]
    found = list(_blocks(text, 0, begins[0][0] if begins else len(text)))
    for (at, label), end in zip(begins, ends, strict=False):
        found.append(Block("place", label=label))
        found.extend(_blocks(text, at, end))
    return tuple(leveled(found))


def plain(text: str) -> tuple[Block, ...]:
    """Return a text as one block, as it stands."""
    return (Block("text", (((Run(0, len(text)),),),)),) if text else ()


def leveled(blocks: Iterable[Block]) -> Iterator[Block]:
    """Give each heading the level below the one that it stands under, so that no level is left out."""
    above: list[int] = []
    for block in blocks:
        if block.kind == "heading":
            above = [level for level in above if level < block.level]
            above.append(block.level)
            block = Block("heading", block.rows, min(len(above), 5))
        yield block


def _blocks(text: str, start: int, end: int) -> Iterator[Block]:
    lines = _lines(text, start, end)
    at = 0
    while at < len(lines):
        if not lines[at].text.strip():
            at += 1
            continue
        block, at = _block(text, lines, at)
        yield block


def _lines(text: str, start: int, end: int) -> list[_Line]:
    lines = []
    for line in text[start:end].split("\n"):
        lines.append(_Line(start, start + len(line), line))
        start += len(line) + 1
    return lines


def _block(text: str, lines: Sequence[_Line], at: int) -> tuple[Block, int]:
    """Return the block that begins at a line, and the line behind it."""
    line = lines[at]
    if fence := FENCE.match(line.text):
        return _fenced(lines, at, fence[1])
    if sign := _HEADING.match(line.text):
        shown = line.text.rstrip().rstrip("#").rstrip()
        return _heading(text, line.start + sign.end(), line.start + len(shown), len(sign[1])), at + 1
    if _RULE.fullmatch(line.text.strip()):
        return Block("rule"), at + 1
    if ROW.fullmatch(line.text) and at + 1 < len(lines) and ROW_LINE.fullmatch(lines[at + 1].text):
        return _table(text, lines, at)
    if _ITEM.match(line.text):
        return _list(text, lines, at)
    if _QUOTE.match(line.text):
        return _quote(text, lines, at)
    return _paragraph(text, lines, at)


def _heading(text: str, start: int, end: int, level: int) -> Block:
    return Block("heading", ((runs_of(text, start, end),),), level)


def _fenced(lines: Sequence[_Line], at: int, fence: str) -> tuple[Block, int]:
    last = at + 1
    while last < len(lines) and not lines[last].text.strip().startswith(fence):
        last += 1
    within = lines[at + 1 : last]
    runs = (Run(within[0].start, within[-1].end),) if within else ()
    return Block("code", ((runs,),)), last + 1


def _table(text: str, lines: Sequence[_Line], at: int) -> tuple[Block, int]:
    rows = [_cells(text, lines[at])]
    at += 2
    while at < len(lines) and ROW.fullmatch(lines[at].text):
        rows.append(_cells(text, lines[at]))
        at += 1
    return Block("table", tuple(rows)), at


def _cells(text: str, line: _Line) -> tuple[tuple[Run, ...], ...]:
    cells = []
    at, end = line.start + 1, line.start + line.text.rindex("|")
    while at < end:
        cell = _CELL.match(text, at, end)
        last = cell.end() if cell else end
        cells.append(runs_of(text, *stripped(text, at, last)))
        at = last + 1
    return tuple(cells)


def _list(text: str, lines: Sequence[_Line], at: int) -> tuple[Block, int]:
    items: list[tuple[str, int, int, int]] = []  # number, depth, start, end
    while at < len(lines):
        line = lines[at]
        if sign := _ITEM.match(line.text):
            depth = min(len(sign[1].expandtabs(4)) // _INDENT, 3)
            items.append((sign[2] or "", depth, line.start + sign.end(), line.end))
        elif line.text.strip() and not _begins_something(line.text):
            number, depth, start, _ = items[-1]
            items[-1] = (number, depth, start, line.end)  # an item goes on
        elif line.text.strip() or not _item_follows(lines, at):
            break
        at += 1
    rows = tuple((runs_of(text, start, end),) for _, _, start, end in items)
    return Block("list", rows, numbers=tuple(each[0] for each in items), depths=tuple(each[1] for each in items)), at


def _item_follows(lines: Sequence[_Line], at: int) -> bool:
    return at + 1 < len(lines) and bool(_ITEM.match(lines[at + 1].text))


def _quote(text: str, lines: Sequence[_Line], at: int) -> tuple[Block, int]:
    runs: list[Run] = []
    while at < len(lines) and (sign := _QUOTE.match(lines[at].text)):
        line = lines[at]
        runs.extend(runs_of(text, line.start + sign.end(), line.end))
        runs.append(Run(line.end, min(line.end + 1, len(text))))  # the line break
        at += 1
    return Block("quote", ((tuple(runs),),)), at


def _paragraph(text: str, lines: Sequence[_Line], at: int) -> tuple[Block, int]:
    first = at
    at += 1
    while at < len(lines) and lines[at].text.strip() and not _begins_something(lines[at].text):
        if at == first + 1 and _UNDERLINE.fullmatch(lines[at].text):
            level = 1 if lines[at].text[0] == "=" else 2
            return _heading(text, *stripped(text, lines[first].start, lines[first].end), level), at + 1
        at += 1
    within = lines[first:at]
    start, end = within[0].start, within[-1].end
    if within[0].text.startswith(">>>") or all(line.text.startswith(("    ", "\t")) for line in within):
        return Block("code", (((Run(start, end),),),)), at
    flows = all(len(line.text) >= _FLOWING_CHARS and not line.text[0].isspace() for line in within[:-1])
    return Block("text", ((runs_of(text, start, end),),), flows=flows and len(within) > 1), at


def _begins_something(line: str) -> bool:
    """True when a line ends the paragraph before it without a blank line between them."""
    return bool(FENCE.match(line) or _ITEM.match(line) or _HEADING.match(line) or _QUOTE.match(line))
