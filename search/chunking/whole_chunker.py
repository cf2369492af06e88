"""The whole document as one chunk; where it does not fit the encoder's window, as few and as even parts as possible.

Nothing is ever cut off: an encoder reads no more than its window, so a longer document must be several chunks. They
end where sentences do and do not overlap.
"""

from typing import Any

from .sentence_chunker import SentenceChunker
from .titled_chunker import Range


class WholeChunker(SentenceChunker):
    """Takes documents as they are. Options: `max_tokens`, `title_share`."""

    name = "whole"
    DEFAULTS: dict[str, Any] = {"max_tokens": None, "title_share": 0.25}

    def _ranges(self, text: str, budget: int) -> list[Range]:
        count = self.window.count(text)
        parts = -(-count // budget)
        even = -(-count // parts) if parts else budget
        packed = super()._ranges(text, budget)
        for spare in (8, 4, 2):  # even parts need some room to end where a sentence does
            evenly = super()._ranges(text, min(budget, even + even // spare))
            if len(evenly) <= len(packed):
                return evenly
        return packed
