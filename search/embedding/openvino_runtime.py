"""sentence-transformers models as encoders, by OpenVINO: several times as fast as torch on a CPU, and without it.

A model is converted once (openvino_conversion.py) and kept in `cache_dir`. The precision is part of the fingerprint, so
that the vectors of queries and of documents always come from the same one.
"""

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import Vectors

from .base import EncoderUnavailable, normalised
from .local_model import LocalModelEncoder
from .openvino_conversion import About, ensure_converted
from .openvino_model import BF16, F32, OpenVinoModel, has_bf16
from .preparation import prepared, spans_of
from .sentence_transformer import has_cuda
from .tokenizer_files import light_tokenizer, truncating_tokenizer

logger = logging.getLogger(__name__)

TORCH, OPENVINO, OPENVINO_BF16 = "torch", "openvino", "openvino-bf16"
_CACHE = Path("~/.cache/semsearch/models")


class OpenVinoEncoder(LocalModelEncoder):
    """One model in one process, in fp32."""

    runtime = "openvino-fp32"
    precision = F32

    def __init__(
        self, *, name: str, revision: str = "", device: str = "", batch_size: int = 32, cache_dir: Path | None = None
    ) -> None:
        super().__init__(name=name, revision=revision, device=device, batch_size=batch_size, cache_dir=cache_dir)
        self._model: OpenVinoModel | None = None

    @cached_property
    def about(self) -> About:
        """What is known of the model's conversion, which is made where it is missing. Raises EncoderUnavailable."""
        return ensure_converted(self.folder, self._converted)

    @property
    def _converted(self) -> Path:
        return (self.cache_dir or _CACHE.expanduser()) / self.digest("openvino-ir-1")

    @cached_property
    def window_tokens(self) -> int:
        return self._light[1]

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return spans_of(self._light[0], text)

    @cached_property
    def _light(self) -> tuple[Any, int]:
        light = light_tokenizer(self.folder)
        if light is None:
            raise EncoderUnavailable(f"Encoder {self.name!r} has no tokenizer.json; its runtime has to be {TORCH!r}.")
        return light

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        model = self._loaded()
        return normalised(model.encode([self.about.document_prompt + prepared(text)[0] for text in texts]))

    def encode_query(self, text: str) -> Vectors:
        model = self._loaded()
        vector: Vectors = normalised(model.encode_one(self.about.query_prompt + prepared(text)[0])[None])[0]
        return vector

    def _loaded(self) -> OpenVinoModel:
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._load()
        return self._model

    def _load(self) -> OpenVinoModel:
        if self.about.refused:
            raise EncoderUnavailable(
                f"Encoder {self.name!r} cannot be run by OpenVINO: {self.about.refused} Choose the runtime {TORCH!r}."
            )
        try:
            if self.precision == BF16 and not has_bf16():
                raise EncoderUnavailable(
                    "This machine's processor has no bfloat16, in which the index was made. Rebuild it with the "
                    f"runtime {OPENVINO!r}, which any processor can run."
                )
            model = OpenVinoModel(
                self._converted, truncating_tokenizer(self.folder), precision=self.precision, dimension=self.dimension
            )
            model.encode_one("")
        except (ImportError, RuntimeError) as error:
            raise EncoderUnavailable(f"Encoder {self.name!r} cannot be loaded by OpenVINO: {error}") from error
        return model


class OpenVinoBf16Encoder(OpenVinoEncoder):
    """One model in one process, in bfloat16: on processors that have it, as good and three times as fast again."""

    runtime = "openvino-bf16"
    precision = BF16


def quickest_runtime(*, name: str, revision: str, device: str, cache_dir: Path) -> str:
    """Return the name of the runtime that is best for a model on this machine: a GPU's, else the quickest that is true.

    Converts the model where nobody has. Torch, with a warning, where OpenVINO cannot.
    """
    if device not in ("", "cpu") or (not device and has_cuda()):
        return TORCH
    encoder = OpenVinoEncoder(name=name, revision=revision, cache_dir=cache_dir)
    try:
        about, bf16 = encoder.about, has_bf16()
    except (EncoderUnavailable, ImportError) as error:
        logger.warning("Encoder %r is run by torch: %s", name, error)
        return TORCH
    if bf16 and about.is_true(BF16):
        return OPENVINO_BF16
    if about.is_true(F32):
        return OPENVINO
    reason = about.refused or f"its vectors by OpenVINO have a cosine of only {about.f32} to those by torch"
    logger.warning("Encoder %r is run by torch: %s", name, reason)
    return TORCH
