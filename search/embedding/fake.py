"""A deterministic encoder for unit tests: hashed words, no model, no meaning.

Texts that share words have near vectors. Journeys and benchmarks never use it.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from search.datatypes import Vectors
from search.storable import storable

from .base import Encoder, normalised

_TOKEN = re.compile(r"\w+|[^\w\s]")


class FakeEncoder(Encoder):
    """Sums a pseudo-random vector for each word. `calls` counts the texts that were encoded as documents."""

    def __init__(
        self,
        *,
        name: str = "fake",
        revision: str = "",
        device: str = "",
        batch_size: int = 32,
        cache_dir: Path | None = None,
        dimension: int = 32,
        window: int = 40,
    ) -> None:
        self.name = name or "fake"
        self.revision = revision
        self._dimension = dimension
        self._window = window
        self.calls = 0

    @property
    def fingerprint(self) -> str:
        parts = f"fake:{self.name}:{self.revision}:{self._dimension}:{self._window}"
        return hashlib.sha256(parts.encode()).hexdigest()[:32]

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def window_tokens(self) -> int:
        return self._window

    @property
    def is_loaded(self) -> bool:
        return True

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _TOKEN.finditer(storable(text))]

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.calls += len(texts)
        return self._encode(texts)

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._encode([text])[0]
        return vector

    def _encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row += 1e-3 * _word_vector("", self._dimension)
            for word in _TOKEN.findall(storable(text).lower()):
                row += _word_vector(word, self._dimension)
        return normalised(rows)


def _word_vector(word: str, dimension: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
