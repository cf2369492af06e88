"""A model as OpenVINO runs it: token ids in, vectors out, in one precision, without torch.

Texts are put into batches of like length that hold about the same number of tokens each; every thread works on a batch
of its own, which on few cores is twice as fast as all of them on one batch.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import Vectors

MODEL_FILE = "model.xml"
BF16, F32 = "bf16", "f32"
_TOKENS_AT_ONCE = 2_048
_TEXTS_AT_ONCE = 64
_ROUND_TO = 16  # tokens
_IDS, _MASK = 0, 1  # the inputs, in the order in which the conversion names them


class OpenVinoModel:
    """A converted model, compiled for this machine's processor. Any number of threads may use it at once.

    `tokenizer` is one of the library tokenizers, with its truncation set and without padding. Raises RuntimeError for
    files that OpenVINO cannot read.
    """

    def __init__(self, folder: Path, tokenizer: Any, *, precision: str, dimension: int, threads: int = 0) -> None:
        import openvino  # type: ignore[import-untyped]

        threads = threads or usable_threads()
        self._tokenizer = tokenizer
        self._most = int(tokenizer.truncation["max_length"])
        self._dimension = dimension
        self._compiled: Any = openvino.Core().compile_model(
            str(folder / MODEL_FILE),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                "ENABLE_CPU_PINNING": False,  # processes would be pinned to the same cores
            },
        )
        self._queue: Any = openvino.AsyncInferQueue(self._compiled, threads)
        self._queue_lock = threading.Lock()
        self._own = threading.local()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a vector for each text, shape (len(texts), dimension), as the model gives it."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(ids), self._dimension), dtype=np.float32)

        def keep(request: Any, at: Any) -> None:
            vectors[at] = request.get_output_tensor(0).data

        with self._queue_lock:
            self._queue.set_callback(keep)
            for batch in _batches([len(each) for each in ids]):
                self._queue.start_async(_padded([ids[at] for at in batch], self._most), batch)
            self._queue.wait_all()
        return vectors

    def encode_one(self, text: str) -> Vectors:
        """Return the vector of one text, shape (dimension,), without waiting for what others encode."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        request.infer(_padded([self._tokenizer.encode(text).ids], self._most), share_inputs=True)
        vector: Vectors = request.get_output_tensor(0).data[0].copy()
        return vector


def has_bf16() -> bool:
    """Tell whether this machine's processor computes in bfloat16."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def usable_threads() -> int:
    """Return how many threads may compute in this process: OMP_NUM_THREADS, or as many cores as it may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _batches(lengths: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the positions of texts of like length, the longest first, so that no core waits long for the last batch."""
    begin, order = 0, np.argsort(lengths, kind="stable")[::-1]
    for end in range(1, len(order) + 1):
        size, longest = end - begin, lengths[order[begin]]
        if end == len(order) or size == _TEXTS_AT_ONCE or (size + 1) * longest > _TOKENS_AT_ONCE:
            yield order[begin:end]
            begin = end


def _padded(ids: Sequence[Sequence[int]], most: int) -> dict[int, np.ndarray]:
    """Return token ids and attention mask, each of shape (texts, tokens of the longest); ids are padded with 0.

    What stands where the mask is 0 has no part in any vector. Lengths are rounded up: the processor's matrices have 16
    rows, and for each length OpenVINO makes programs and keeps them. `most` is the model's window.
    """
    longest = max(len(each) for each in ids)
    longest = max(longest, min(most, -(-longest // _ROUND_TO) * _ROUND_TO))
    given, mask = np.zeros((2, len(ids), longest), dtype=np.int64)
    for row, each in enumerate(ids):
        given[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {_IDS: given, _MASK: mask}
