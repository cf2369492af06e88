"""Chunks that keep to the sections of a Markdown text, each encoded with the headings above it.

Readers give headings of HTML, Word and EPUB files as Markdown too. A chunk never holds parts of two sections, but for
headings with hardly any text of their own, which go with the section after them.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from search.datatypes import TextChunk

from .sentence_chunker import SentenceChunker

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_TINY_SHARE = 8  # sections of fewer than an eighth of a chunk's tokens go with the next one


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text up to the next one; `path` are the headings above it and itself."""

    start: int
    end: int
    path: tuple[str, ...] = ()


class HeadingChunker(SentenceChunker):
    """Packs sentences within sections."""

    name = "heading"

    def _body_chunks(self, heading: str, body: str) -> list[TextChunk]:
        chunks: list[TextChunk] = []
        for section in self._sections(body):
            context = "\n".join(part for part in (heading, self._path(section)) if part)
            text = body[section.start : section.end]
            moved = [
                replace(chunk, start=chunk.start + section.start, end=chunk.end + section.start)
                for chunk in super()._body_chunks(context, text)
            ]
            chunks.extend(moved)
        return chunks

    def _sections(self, body: str) -> list[Section]:
        """Return the sections in order, tiny ones together with the one after them."""
        least = self.max_tokens // _TINY_SHARE
        result: list[Section] = []
        waiting: Section | None = None
        for section in sections(body):
            if waiting is not None:
                section = Section(waiting.start, section.end, _shared(waiting.path, section.path))
            text = body[section.start : section.end]
            bare = bool(section.path) and "\n" not in text.strip()  # a heading and nothing else
            tiny = bare or self.window.count(text) < least
            waiting = section if tiny else None
            if not tiny:
                result.append(section)
        if waiting is not None:
            result.append(waiting)
        return result

    def _path(self, section: Section) -> str:
        """Return the headings above a chunk as one line, from the nearest upwards as far as there is room."""
        parts: list[str] = []
        for name in reversed(section.path):
            if self.window.count(" > ".join([name, *parts])) > self.title_tokens:
                break
            parts.insert(0, name)
        return " > ".join(parts)


def sections(body: str) -> list[Section]:
    """Return the sections of a Markdown text in order; `#` lines inside fenced code are no headings."""
    starts: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    path: list[tuple[int, str]] = []
    fence, at = "", 0
    for line in body.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip(" \t\r\n" + fence[0]):
            fence = ""
        elif not fence and (heading := _HEADING.match(line.rstrip("\r\n"))):
            level = len(heading[1])
            path = [item for item in path if item[0] < level] + [(level, heading[2].strip())]
            starts.append((at, tuple(name for _, name in path if name)))
        at += len(line)
    ends = [*starts, (len(body), ())]
    return [Section(start, end, names) for (start, names), (end, _) in pairwise(ends) if start < end]


def _shared(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of two sections taken together: the deeper one, or what both lie under."""
    if after[: len(before)] == before:
        return after
    together = 0
    while together < min(len(before), len(after)) and before[together] == after[together]:
        together += 1
    return before[:together]
