"""The signs of Markdown in a text: what is left out, or said otherwise, where the text is shown on one line. Pure.

Readers write Markdown, and so do many people; in three lines of a result its signs are only in the way. Only what is
clearly Markdown counts: an asterisk between numbers, a pipe of a shell or a name with underscores stays.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

INLINE = re.compile(
    r"`(?P<code>[^`\n]{1,500})`"
    r"|!?\[(?P<text>[^\[\]\n]{0,500})\]\((?P<href>[^()\s]{0,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?)\)"
    r"|(?<![\w*])\*\*(?=\S)(?P<strong>[^\n]{1,500}?)(?<=\S)\*\*(?![\w*])"
    r"|(?<![\w*])\*(?=[^\s*])(?P<em>[^*\n]{1,500}?)(?<=\S)\*(?![\w*])"
)
FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
ROW = re.compile(r"\|.*\|\s*")
ROW_LINE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+\s*")
_HEADING = re.compile(r"#{1,6}[ \t]+(?=\S)")
_QUOTE = re.compile(r">[ \t]?(?!>)")
_ITEM = re.compile(r"[ \t]*([-*+])[ \t]+(?=\S)")
_CELL_END = re.compile(r"(?<!\\)\|")
_LINE_CHARS = 2_000  # a longer line is looked at around the place that is shown


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of Markdown, and what stands for it: nothing, or one character."""

    start: int
    end: int
    instead: str = ""


def inside(kind: str) -> str:
    """Return which group of INLINE holds what is shown of a find, by its last group."""
    return "text" if kind == "href" else kind


def signs(text: str, start: int, end: int) -> list[Sign]:
    """Return the signs within `text[start:end]`, in order and without overlaps; lines are read from their beginning."""
    at = max(text.rfind("\n", max(0, start - _LINE_CHARS), start) + 1, start - _LINE_CHARS, 0)
    line_end = text.find("\n", end, end + _LINE_CHARS)
    last = line_end if line_end >= 0 else min(len(text), end + _LINE_CHARS)
    found = [each for each in _of_lines(text, at, last) if each.end > start and each.start < end]
    return [Sign(max(each.start, start), min(each.end, end), each.instead) for each in found]


def _of_lines(text: str, at: int, last: int) -> Iterator[Sign]:
    fenced = False
    while at < last:
        line_end = text.find("\n", at, last)
        line_end = line_end if line_end >= 0 else last
        line = text[at:line_end]
        if FENCE.match(line):
            fenced = not fenced
            yield Sign(at, line_end)
        elif not fenced:
            yield from _of_line(text, line, at, line_end)
        at = line_end + 1


def _of_line(text: str, line: str, at: int, line_end: int) -> Iterator[Sign]:
    if ROW_LINE.fullmatch(line):
        yield Sign(at, line_end)
    elif ROW.fullmatch(line):
        yield from _of_row(text, at, at + line.rindex("|"))
    elif sign := _HEADING.match(line) or _QUOTE.match(line):
        yield Sign(at, at + sign.end())
        yield from _inline(text, at + sign.end(), line_end)
    elif sign := _ITEM.match(line):
        yield Sign(at + sign.start(1), at + sign.end(1), "•")
        yield from _inline(text, at + sign.end(), line_end)
    else:
        yield from _inline(text, at, line_end)


def _of_row(text: str, at: int, last: int) -> Iterator[Sign]:
    """A row of a table: a bullet before it, and a dot between its cells."""
    yield Sign(at, at + 1, "•")
    cell = at + 1
    for between in _CELL_END.finditer(text, at + 1, last):
        yield from _inline(text, cell, between.start())
        yield Sign(between.start(), between.end(), "·")
        cell = between.end()
    yield from _inline(text, cell, last)
    yield Sign(last, last + 1)


def _inline(text: str, start: int, end: int) -> Iterator[Sign]:
    for found in INLINE.finditer(text, start, end):
        kind = found.lastgroup or ""
        first, last = found.span(inside(kind))
        yield Sign(found.start(), first)
        if kind != "code":
            yield from _inline(text, first, last)
        yield Sign(last, found.end())
