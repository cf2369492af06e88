"""Chunks that keep to the sections of a Markdown text, each encoded with the headings above it.

Readers give headings of HTML, Word and EPUB files as Markdown too. A chunk never holds parts of two sections, but for
tiny ones: a heading with hardly any text of its own goes with what follows, and small neighbours go together.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace

from search.datatypes import TextChunk

from .markdown_sections import Section, sections
from .sentence_chunker import CHARS_PER_TOKEN, SentenceChunker

_TINY_SHARE = 8  # a section is tiny with fewer than an eighth of a chunk's tokens
_BARE_SHARE = 2  # headings without text of their own, with fewer than half of them


@dataclass(frozen=True, slots=True)
class _Group:
    """One section, or tiny ones taken together; `path` is what may be said of all their text."""

    start: int
    end: int
    path: tuple[str, ...]
    tokens: int
    bare: bool  # headings without text of their own
    mixed: bool = False  # there is text in it that is not on the way to the last section


class HeadingChunker(SentenceChunker):
    """Packs sentences within sections."""

    name = "heading"

    def _body_chunks(self, heading: str, body: str) -> list[TextChunk]:
        chunks: list[TextChunk] = []
        room = min(self.title_tokens, self.max_tokens // 2 - self.window.count(heading))
        for group in self._groups(body):
            context = "\n".join(part for part in (heading, self._line(group.path, room)) if part)
            chunks.extend(
                replace(chunk, start=chunk.start + group.start, end=chunk.end + group.start)
                for chunk in super()._body_chunks(context, body[group.start : group.end])
            )
        return chunks

    def _groups(self, body: str) -> list[_Group]:
        """Return the sections in order, tiny ones taken together where that says nothing wrong of them."""
        starts = [start for start, _ in self.window.spans(body)]
        result: list[_Group] = []
        for section in sections(body):
            tokens = bisect_left(starts, section.end) - bisect_left(starts, section.start)
            group = _Group(section.start, section.end, section.path, tokens, _is_bare(section, body))
            joined = self._joined(result[-1], group) if result else None
            if joined is None:
                result.append(group)
            else:
                result[-1] = joined
        return result

    def _joined(self, before: _Group, after: _Group) -> _Group | None:
        """Return two neighbours as one, or None where they stay apart."""
        if not self._is_tiny(before):
            return None
        below = after.path[: len(before.path)] == before.path and not before.mixed
        if not below and not before.bare and (after.bare or not self._is_tiny(after)):
            return None
        named = below or (before.bare and not after.bare)
        return _Group(
            before.start,
            after.end,
            after.path if named else _shared(before.path, after.path),
            before.tokens + after.tokens,
            bare=before.bare and after.bare,
            mixed=after.mixed or not named,
        )

    def _is_tiny(self, group: _Group) -> bool:
        return group.tokens < self.max_tokens // (_BARE_SHARE if group.bare else _TINY_SHARE)

    def _line(self, path: tuple[str, ...], room: int) -> str:
        """Return the headings above a chunk as one line, from the nearest upwards as far as there is room."""
        line = ""
        for name in reversed(path):
            longer = f"{name} > {line}" if line else name
            if len(longer) > room * CHARS_PER_TOKEN or self.window.count(longer) > room:
                break
            line = longer
        return line


def _is_bare(section: Section, body: str) -> bool:
    """Tell whether there is nothing below a section's heading; before the first one, whether there is nothing."""
    lines = body[section.start : section.end].strip().splitlines()
    return len(lines) <= (1 if section.path else 0) or (len(lines) == 2 and not lines[1].strip(" =-"))


def _shared(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Return the headings above both."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    return before[:same]
