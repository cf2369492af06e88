"""sentence-transformers cross-encoders: a query and a text are read together, which tells more than two vectors do.

Weights are read from safetensors only, code that comes with a model is never run, and torch is imported at the first
scoring. Nothing is fetched while somebody waits for an answer: a model is a folder, or on this machine by its name.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .base import EncoderUnavailable


class CrossEncoderModel:
    """One model in one process, loaded at its first use. `device` empty: CUDA when torch sees it, else the CPU."""

    def __init__(self, *, name: str, device: str = "") -> None:
        self.name = name
        self.device = device
        self._lock = threading.Lock()
        self._model: Any = None

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the query, higher is better. Raises EncoderUnavailable."""
        if not texts:
            return []
        model = self._loaded()
        try:
            found = model.predict([(query, text) for text in texts], show_progress_bar=False, convert_to_numpy=True)
        except (MemoryError, RuntimeError, ValueError, IndexError) as error:
            raise EncoderUnavailable(f"Cross-encoder {self.name!r} cannot score: {error}") from error
        if found.ndim != 1:
            raise EncoderUnavailable(f"Cross-encoder {self.name!r} gives {found.shape[1]} numbers for a text, not one.")
        return [float(score) for score in found]

    def load(self) -> None:
        """Load the model now, so that no query waits for it. Raises EncoderUnavailable."""
        self._loaded()

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._load()
        return self._model

    def _load(self) -> Any:
        path = Path(self.name).expanduser()
        try:
            from sentence_transformers import CrossEncoder

            model = CrossEncoder(
                str(path) if path.is_dir() else self.name,
                device=self.device or None,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:
            raise EncoderUnavailable(
                f"Cross-encoder {self.name!r} cannot be loaded: {error}. Give the path of a folder with its files."
            ) from error
        model.eval()
        return model
