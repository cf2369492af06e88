"""The default chunker: as many whole sentences as fit the encoder's window, with some overlap.

The body is tokenized once, by the encoder's own tokenizer. A chunk ends at a paragraph's end if one lies in
its second half, else at a sentence's end, else between words, and inside a word only when nothing else is
left. The title is carried into what is encoded for every chunk, because a chunk from the middle of a text
seldom says what the text is about.
"""

import re
from dataclasses import replace
from enum import IntEnum
from itertools import pairwise
from typing import Any

from search.datatypes import TextChunk
from search.storable import storable

from .base import BadChunkingOptions, Chunker, TokenSpans, TokenWindow, text_hash

_CHARS_PER_TOKEN = 16  # a chunk's text is at most this long for each token of its budget
_OPAQUE_CHARS = 1_000  # longer tokens (a base64 blob is one unknown word) are cut into parts of this length
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*\Z")
_WIDE_SENTENCE_END = "。！？"


class Border(IntEnum):
    """How good a place to cut is, from inside a word to between paragraphs."""

    NONE = 0
    WORD = 1
    SENTENCE = 2
    PARAGRAPH = 3


class SentenceChunker(Chunker):
    """Packs sentences. Options: `max_tokens` (default: the window), `overlap_tokens` (32), `title_share` (0.25)."""

    DEFAULTS = {"max_tokens": None, "overlap_tokens": 32, "title_share": 0.25}

    def __init__(self, window: TokenWindow, options: dict[str, Any]) -> None:
        super().__init__(window, options)
        self.validate(options)
        merged = {**self.DEFAULTS, **{key: value for key, value in options.items() if value is not None}}
        self.max_tokens = min(merged["max_tokens"] or window.size, window.size)
        self.overlap_tokens = min(merged["overlap_tokens"], self.max_tokens // 2)
        self.title_tokens = int(self.max_tokens * merged["title_share"])

    @classmethod
    def validate(cls, options: dict[str, Any]) -> None:
        unknown = set(options) - set(cls.DEFAULTS) - {"chunker"}
        if unknown:
            raise BadChunkingOptions(f"Unknown chunking option {min(unknown)!r}; known: {', '.join(cls.DEFAULTS)}.")
        for key, lowest in (("max_tokens", 16), ("overlap_tokens", 0)):
            value = options.get(key)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < lowest):
                raise BadChunkingOptions(f"{key} is {value!r}; it must be a whole number of at least {lowest}.")
        share = options.get("title_share", 0.25)
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 0.5:
            raise BadChunkingOptions(f"title_share is {share!r}; it must be a number from 0 to 0.5.")

    @property
    def fingerprint(self) -> str:
        return f"sentence-1:{self.max_tokens}:{self.overlap_tokens}:{self.title_tokens}"

    def split(self, title: str, body: str) -> list[TextChunk]:
        title, body = storable(title), storable(body)
        heading, whole_title = self._heading(title)
        budget = max(1, self.max_tokens - self.window.count(heading))
        ranges = self._ranges(body, budget)
        chunks: list[TextChunk] = []
        if not whole_title or not ranges:
            chunks.extend(self._title_chunks(title))
        for start, end in ranges:
            chunks.extend(self._fitting(heading, body, start, end))
        return [replace(chunk, ordinal=ordinal) for ordinal, chunk in enumerate(chunks)]

    def _heading(self, title: str) -> tuple[str, bool]:
        """Return what of the title is carried into each chunk, and whether that is all of it."""
        spans = self.window.spans(title)
        if not spans:
            return "", True
        if len(spans) <= self.title_tokens:
            return title.strip(), True
        if self.title_tokens == 0:
            return "", False
        return title[spans[0][0] : spans[self.title_tokens - 1][1]], False

    def _title_chunks(self, title: str) -> list[TextChunk]:
        """Chunks of the title alone, for documents without a body and titles too long to be carried whole."""
        ranges = self._ranges(title, self.max_tokens)
        pieces = [piece for start, end in ranges for piece in self._fitting("", title, start, end)]
        return [replace(piece, start=0, end=0) for piece in pieces]

    def _fitting(self, heading: str, body: str, start: int, end: int) -> list[TextChunk]:
        """One chunk, or two halves where heading and text together have more tokens than each alone."""
        text = body[start:end]
        encoded = f"{heading}\n{text}" if heading else text
        tokens = self.window.count(encoded)
        if tokens > self.window.size and end - start > 1:
            middle = (start + end) // 2
            return self._fitting(heading, body, start, middle) + self._fitting(heading, body, middle, end)
        return [TextChunk(0, start, end, tokens, encoded, text_hash(encoded))]

    def _ranges(self, text: str, budget: int) -> list[tuple[int, int]]:
        """Return the character ranges of the chunks of `text`, each of at most `budget` tokens."""
        spans = _without_opaque(self.window.spans(text))
        borders = _borders(text, spans)
        result = []
        first = done = 0
        while first < len(spans):
            last = self._end(spans, borders, first, budget)
            if last <= done:  # the overlap leaves no room for anything new
                first = done
                last = self._end(spans, borders, first, budget)
            done = last
            result.append((spans[first][0], spans[last - 1][1]))
            first = len(spans) if last == len(spans) else self._restart(borders, first, last)
        return result

    def _end(self, spans: TokenSpans, borders: list[Border], first: int, budget: int) -> int:
        """Return the token index at which the chunk that begins at token `first` ends (exclusive)."""
        limit = min(first + budget, len(spans))
        most_chars = budget * _CHARS_PER_TOKEN
        while limit > first + 1 and spans[limit - 1][1] - spans[first][0] > most_chars:
            limit -= 1
        if limit == len(spans):
            return limit
        for wanted in (Border.PARAGRAPH, Border.SENTENCE, Border.WORD):
            earliest = first + max(1, (limit - first) // (2 if wanted > Border.WORD else 8))
            for at in range(limit, earliest - 1, -1):
                if borders[at] >= wanted:
                    return at
        return limit

    def _restart(self, borders: list[Border], first: int, last: int) -> int:
        """Return where the next chunk begins: some whole sentences back, or at `last` after a paragraph."""
        if borders[last] == Border.PARAGRAPH:
            return last
        earliest = last - min(self.overlap_tokens, (last - first) // 2)
        for wanted in (Border.SENTENCE, Border.WORD):
            for at in range(earliest, last):
                if borders[at] >= wanted:
                    return at
        return last


def _without_opaque(spans: TokenSpans) -> TokenSpans:
    if all(end - start <= _OPAQUE_CHARS for start, end in spans):
        return spans
    return [
        (at, min(at + _OPAQUE_CHARS, end))
        for start, end in spans
        for at in range(start, max(end, start + 1), _OPAQUE_CHARS)
    ]


def _borders(text: str, spans: TokenSpans) -> list[Border]:
    """Return for each token how good a cut before it is."""
    if not spans:
        return []
    result = [Border.PARAGRAPH]
    for (_, end), (next_start, _) in pairwise(spans):
        gap = text[end:next_start]
        before = text[max(0, end - 4) : end]
        if gap.count("\n") > 1:
            result.append(Border.PARAGRAPH)
        elif "\n" in gap or before[-1:] in _WIDE_SENTENCE_END or (gap and _SENTENCE_END.search(before)):
            result.append(Border.SENTENCE)
        else:
            result.append(Border.WORD if gap else Border.NONE)
    return result
