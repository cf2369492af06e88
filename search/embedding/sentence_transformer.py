"""sentence-transformers models as encoders, by torch in fp32.

torch is imported at the first encoding, never at import and never before a fork.
"""

import copy
import logging
import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import Vectors

from .base import EncoderUnavailable, EncodingFailed, normalised
from .local_model import LocalModelEncoder
from .preparation import prepared, spans_of
from .tokenizer_files import document_prompt

logger = logging.getLogger(__name__)

# Where the processor's own caches hold a batch, encoding is quickest: 32 texts of 256 tokens at once take half as long
# again as 4 do, and 256 texts of 20 tokens half as long again as 32. A batch is cut to so many tokens for each text.
_TOKENS_PER_TEXT = 32


class SentenceTransformerEncoder(LocalModelEncoder):
    """One model in one process. `device` empty: CUDA when torch sees it, else the CPU."""

    runtime = "torch-fp32"

    def __init__(
        self, *, name: str, revision: str = "", device: str = "", batch_size: int = 32, cache_dir: Path | None = None
    ) -> None:
        super().__init__(name=name, revision=revision, device=device, batch_size=batch_size, cache_dir=cache_dir)
        self._model: Any = None
        self._tokenizer: Any = None
        self._counting: Any = None

    @cached_property
    def window_tokens(self) -> int:
        model = self._loaded()
        prompt = document_prompt(model.prompts or {})
        own = int(self._tokenizer.num_special_tokens_to_add()) + len(self.token_spans(prompt))
        return int(model.max_seq_length or 512) - own

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        self._loaded()
        return spans_of(self._counting, text)

    def _tokens(self, text: str) -> Any:
        """Return the tokens of a text, special ones left out, as the tokenizer's Rust part gives them.

        Through its Python part the same takes several times as long, for which a short document waits four times.
        """
        return self._counting.encode(text, add_special_tokens=False)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._loaded().encode_document)

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._encode([text], self._loaded().encode_query)[0]
        return vector

    def _encode(self, texts: Sequence[str], encode: Any) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        ready = [prepared(text)[0] for text in texts]
        counts = np.array([len(self._tokens(text)) for text in ready])
        order = np.argsort(counts, kind="stable")
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        at_once = self.batch_size
        for batch in np.split(order, self._borders(counts[order].tolist())):
            try:
                vectors[batch], at_once = self._encode_batch([ready[at] for at in batch], encode, at_once)
            except EncodingFailed as error:
                raise EncodingFailed(str(error), int(batch[error.position])) from error
        return vectors

    def _borders(self, counts: Sequence[int]) -> list[int]:
        """Return where to cut texts of ascending token counts into batches; a device of its own takes any length."""
        most_tokens = self.batch_size * _TOKENS_PER_TEXT if self._model.device.type == "cpu" else math.inf
        borders: list[int] = []
        begin = 0
        for at, count in enumerate(counts):
            size = at + 1 - begin
            if size > 1 and (size > self.batch_size or size * min(count, self.window_tokens) > most_tokens):
                borders.append(at)
                begin = at
        return borders

    def _encode_batch(self, texts: Sequence[str], encode: Any, at_once: int) -> tuple[Vectors, int]:
        """Return the vectors, and how many texts there was memory for at once."""
        batch_size = min(at_once, len(texts))
        while True:
            try:
                vectors = encode(
                    texts,
                    batch_size=batch_size,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
                return normalised(vectors), at_once
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                if batch_size == 1:
                    raise EncoderUnavailable(f"Not enough memory to encode even one text: {error}") from error
                batch_size = at_once = batch_size // 2
                logger.warning("Out of memory while encoding; going on with batches of %d.", batch_size)

    def _loaded(self) -> Any:
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._load()
        return self._model

    def _load(self) -> None:
        folder = self.folder
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            model = SentenceTransformer(
                str(folder),
                device=self.device or None,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )
        except Exception as error:
            raise EncoderUnavailable(f"Encoder {self.name!r} in {folder} cannot be loaded: {error}") from error
        model.eval()
        # A tokenizer holds its truncation as state: counting with the one that encodes would, in another
        # thread, let that one encode too much or too little.
        self._tokenizer = copy.deepcopy(model.tokenizer)
        self._counting = self._tokenizer.backend_tokenizer
        self._counting.no_truncation()
        self._counting.no_padding()
        model.encode_query("")
        self._model = model


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "alloc" in str(error).lower()


def has_cuda() -> bool:
    """Tell whether torch can use a GPU; torch is asked only where there is a driver, for its import takes seconds."""
    if not Path("/proc/driver/nvidia/version").exists():
        return False
    import torch

    return torch.cuda.is_available()
