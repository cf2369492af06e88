"""The sections of a Markdown text: where each begins, and the headings above it. Reads line by line, in linear time.

Headings are lines with `#`, and single lines underlined with `===` or `---`; inside fenced code there are none.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(?=\S)")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*\Z")
_UNDERLINED = re.compile(r" {0,3}(?![>|<#=-]|[*+][ \t]|\d{1,9}[.)][ \t])\S")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text up to the next one; `path` are the headings above it and itself."""

    start: int
    end: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    level: int
    text: str


def sections(body: str) -> list[Section]:
    """Return the sections in order; together they are the whole text."""
    starts: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    path: list[_Heading] = []
    for heading in _headings(body):
        path = [above for above in path if above.level < heading.level] + [heading]
        starts.append((heading.start, tuple(above.text for above in path)))
    ends = [*starts, (len(body), ())]
    return [Section(start, end, names) for (start, names), (end, _) in pairwise(ends) if start < end]


def _headings(body: str) -> list[_Heading]:
    found: list[_Heading] = []
    fence, at = "", 0
    title: tuple[int, str] | None = None  # a line that the next one may underline
    blank = True
    for whole_line in body.splitlines(keepends=True):
        line = whole_line.rstrip("\r\n")
        before, title = title, None
        fenced, fence = bool(fence), _fence_after(fence, line)
        if not fenced and not fence:
            if heading := _ATX.match(line):
                found.append(_Heading(at, len(heading[1]), _closed(line[heading.end() :])))
            elif before and (under := _UNDERLINE.match(line)):
                found.append(_Heading(before[0], 1 if under[1][0] == "=" else 2, before[1]))
            elif blank and _UNDERLINED.match(line):
                title = (at, line.strip())
        blank = not line.strip()
        at += len(whole_line)
    return found


def _fence_after(fence: str, line: str) -> str:
    """Return the fence that is open after a line, given the one before it; "" for none."""
    mark = _FENCE.match(line)
    if mark is None:
        return fence
    rest = line[mark.end() :]
    if fence:
        return "" if mark[1].startswith(fence) and not rest.strip() else fence
    return "" if mark[1][0] == "`" and "`" in rest else mark[1]  # ```code``` within a line is no fence


def _closed(text: str) -> str:
    """Return a heading's text without the `#` that may end it."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text
