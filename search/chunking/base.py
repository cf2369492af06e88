"""What a chunker is: a document's title and body in, chunks that fit the encoder's window out.

No Django here, and no encoder either: a chunker is given the encoder's way of counting tokens.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from search.datatypes import TextChunk

TokenSpans = list[tuple[int, int]]


class BadChunkingOptions(ValueError):
    """The collection's chunking options cannot be used; the message names the option."""


@dataclass(frozen=True, slots=True)
class TokenWindow:
    """The encoder's window: `spans` gives a text's tokens as character ranges; `size` is what fits in one encoding.

    `size` leaves out the special tokens that the encoder adds by itself.
    """

    spans: Callable[[str], TokenSpans]
    size: int

    def count(self, text: str) -> int:
        """Return how many tokens `text` has."""
        return len(self.spans(text))


class Chunker(ABC):
    """Splits documents. Two chunkers with the same `fingerprint` make the same chunks of the same text."""

    def __init__(self, window: TokenWindow, options: dict[str, Any]) -> None:
        self.window = window
        self.options = options

    @classmethod
    @abstractmethod
    def validate(cls, options: dict[str, Any]) -> None:
        """Raise BadChunkingOptions for options that cannot be used."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Everything that decides what the chunks look like, as one short text."""

    @abstractmethod
    def split(self, title: str, body: str) -> list[TextChunk]:
        """Return the chunks of a document, in order.

        Each fits the window with everything that is encoded with it; together they cover every token of title
        and body. A document without any token gives no chunk.
        """


def text_hash(encoded_text: str) -> str:
    """Return the key under which the vector of a text is kept: 128 bits of its SHA-256, hexadecimal."""
    return hashlib.sha256(encoded_text.encode()).hexdigest()[:32]
