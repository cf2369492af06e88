"""What the chunkers share: the title is carried into every chunk, and no token of a document is left out.

The body is tokenized once, by the encoder's own tokenizer. The title is carried into what is encoded for every chunk,
because a chunk from the middle of a text seldom says what the text is about.
"""

from abc import abstractmethod
from dataclasses import replace
from typing import Any

from search.datatypes import TextChunk
from search.storable import storable

from .base import BadChunkingOptions, Chunker, TokenWindow, text_hash

Range = tuple[int, int]
"""Character offsets into a text, the end exclusive."""


class TitledChunker(Chunker):
    """Options: `max_tokens` (default: the window), `overlap_tokens`, `title_share` (0.25). Subclasses cut the body."""

    name = ""
    DEFAULTS: dict[str, Any] = {"max_tokens": None, "overlap_tokens": 32, "title_share": 0.25}

    def __init__(self, window: TokenWindow, options: dict[str, Any]) -> None:
        super().__init__(window, options)
        self.validate(options)
        merged = {**self.DEFAULTS, **{key: value for key, value in options.items() if value is not None}}
        self.max_tokens = min(merged["max_tokens"] or window.size, window.size)
        self.overlap_tokens = min(merged.get("overlap_tokens", 0), self.max_tokens // 2)
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
        return f"{self.name}-1:{self.max_tokens}:{self.overlap_tokens}:{self.title_tokens}"

    def split(self, title: str, body: str) -> list[TextChunk]:
        title, body = storable(title), storable(body)
        heading, whole_title = self._heading(title)
        chunks = self._body_chunks(heading, body)
        if not whole_title or not chunks:
            chunks = self._title_chunks(title) + chunks
        return [replace(chunk, ordinal=ordinal) for ordinal, chunk in enumerate(chunks)]

    def _body_chunks(self, heading: str, body: str) -> list[TextChunk]:
        """Return the chunks of the body, each encoded with `heading` before it."""
        budget = max(1, self.max_tokens - self.window.count(heading))
        return [
            piece for start, end in self._ranges(body, budget) for piece in self._fitting(heading, body, start, end)
        ]

    @abstractmethod
    def _ranges(self, text: str, budget: int) -> list[Range]:
        """Return the ranges of the chunks of a text, each of at most `budget` tokens, together all of them."""

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
