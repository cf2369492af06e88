"""A part of a line of text as runs, each in one style: code, strong, emphasised or a link. Pure.

A run is a slice of the text as it is stored; the signs of Markdown between the runs belong to none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from search.retrieval.markdown_signs import INLINE, inside


@dataclass(frozen=True, slots=True)
class Run:
    """A slice of the text that is shown in one style."""

    start: int
    end: int
    code: bool = False
    strong: bool = False
    em: bool = False
    href: str = ""


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the borders of `text[start:end]` without the blanks around it."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def runs_of(text: str, start: int, end: int) -> tuple[Run, ...]:
    """Return `text[start:end]` as runs, without the signs of their styles."""
    return tuple(_styled(text, Run(start, end)))


def _styled(text: str, whole: Run) -> Iterator[Run]:
    """Cut a run where its style changes; the signs that say so fall out between the parts."""
    at = whole.start
    for found in INLINE.finditer(text, whole.start, whole.end):
        if at < found.start():
            yield Run(at, found.start(), whole.code, whole.strong, whole.em, whole.href)
        kind = found.lastgroup or ""
        first, last = found.span(inside(kind))
        styled = Run(
            first,
            last,
            kind == "code",
            whole.strong or kind == "strong",
            whole.em or kind == "em",
            (found["href"] if found[0][0] == "[" else "") if kind == "href" else whole.href,
        )
        yield from [styled] if kind == "code" else _styled(text, styled)
        at = found.end()
    if at < whole.end:
        yield Run(at, whole.end, whole.code, whole.strong, whole.em, whole.href)
