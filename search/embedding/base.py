"""What an encoder is: text in, normalised float32 vectors out, with a fingerprint of everything that decides them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from search.datatypes import Vectors


class EncoderUnavailable(Exception):
    """The encoder cannot be loaded: missing files, a broken model, no memory. Nothing is wrong with the texts."""


class EncodingFailed(Exception):
    """One text has no usable vector; `position` is its place among the texts given."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Encoder(ABC):
    """Turns texts into vectors. Loads what it needs at first use, in the process that uses it."""

    name: str

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """32 hexadecimal digits over weights, tokenizer, pooling, normalisation, prefixes, runtime and precision.

        Vectors may only be compared when their encoders' fingerprints are equal. Reads files, loads no weights
        into memory. Raises EncoderUnavailable.
        """

    @property
    @abstractmethod
    def dimension(self) -> int:
        """How many numbers a vector has."""

    @property
    @abstractmethod
    def window_tokens(self) -> int:
        """How many tokens of a text fit into one encoding, special tokens left out."""

    @property
    @abstractmethod
    def is_loaded(self) -> bool:
        """Whether the next encoding can start at once."""

    @abstractmethod
    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character range in `text` of each of its tokens, in order, special tokens left out.

        Ranges do not overlap, but the tokens of one letter (the parts of a Hangul syllable) have the same one.
        """

    def preview_window(self) -> tuple[Callable[[str], list[tuple[int, int]]], int]:
        """Return `token_spans` and `window_tokens` for showing chunks to people, who wait for it.

        Loads no weights where it can do without, and fetches nothing. Raises EncoderUnavailable.
        """
        return self.token_spans, self.window_tokens

    @abstractmethod
    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text, shape (len(texts), dimension), each of norm 1.

        Raises EncoderUnavailable when loading fails, EncodingFailed when a text gives no finite vector.
        """

    @abstractmethod
    def encode_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (dimension,), norm 1. Raises as `encode_documents`."""


def normalised(vectors: np.ndarray) -> Vectors:
    """Return the vectors as float32 of norm 1. Raises EncodingFailed for one that is not finite or is zero."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms < 1e-12))
    if len(bad):
        raise EncodingFailed("The encoder gave a vector that is zero or not finite.", int(bad[0]))
    result: Vectors = rows / norms[:, None]
    return result
