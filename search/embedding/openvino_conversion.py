"""Makes a model's files for OpenVINO, once, in a process of its own, and says how true they are.

The process that asks never imports torch. What comes out lies in a folder named by the model's files, complete or not
at all, with `about.json`: the least cosine of the converted model's vectors to those of torch in fp32, over texts of
many lengths and alphabets. A model that cannot be converted leaves its reason there, so that nobody tries again.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.files import fsync_path

from .base import EncoderUnavailable
from .openvino_model import BF16, F32, MODEL_FILE, OpenVinoModel, has_bf16
from .tokenizer_files import document_prompt, truncating_tokenizer

ABOUT_FILE = "about.json"
LEAST_COSINE = {F32: 0.9999, BF16: 0.999}
"""Under this a precision is not used for the model."""
_MODULES = {"Transformer", "Pooling", "Dense", "Normalize"}
_SECONDS = 600
_ATTEMPTS = 3
_CHECKED = (
    "",
    "a",
    "How many days of leave do I have?",
    "Wie viele Urlaubstage habe ich im Jahr, und wann verfallen sie?",
    "كم يوم إجازة لدي؟ 休暇は何日ありますか。 Сколько дней отпуска?",
    "def remove(items): return [each for each in items if each not in seen]",
    "Error 0x80070005: access denied (C:\\Windows\\System32\\drivers) 2024-05-17T08:00:00Z",
    "The quick brown fox jumps over the lazy dog. " * 6,
    "Ask for leave in the calendar at least two weeks before it begins; a single day needs two. " * 12,
    "word " * 600,
)


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a conversion. `refused` is why there is none; a precision that was not tried has no cosine."""

    model: str
    refused: str = ""
    query_prompt: str = ""
    document_prompt: str = ""
    f32: float | None = None
    bf16: float | None = None

    def is_true(self, precision: str) -> bool:
        """Tell whether vectors of that precision are as good as torch's."""
        cosine = self.bf16 if precision == BF16 else self.f32
        return cosine is not None and cosine >= LEAST_COSINE[precision]


def about(target: Path) -> About | None:
    """Return what is known of the conversion in a folder; None where nobody has tried yet."""
    try:
        return About(**json.loads((target / ABOUT_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def ensure_converted(folder: Path, target: Path) -> About:
    """Return what is known of the model's conversion in `target`, after making it where it is missing.

    One process makes it, others wait for that. Raises EncoderUnavailable where it cannot be tried now.
    """
    try:
        if found := about(target):
            return found
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return about(target) or _made(folder, target)
    except OSError as error:
        raise EncoderUnavailable(f"A model for OpenVINO cannot be kept in {target.parent}: {error}") from error


def _made(folder: Path, target: Path) -> About:
    command = [sys.executable, "-m", __name__, str(folder), str(target)]
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    home = Path(__file__).parents[2]
    for _ in range(_ATTEMPTS):
        try:
            done = subprocess.run(
                command, cwd=home, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            message = f"Converting {folder} for OpenVINO took longer than {_SECONDS} seconds."
            raise EncoderUnavailable(message) from error
        if found := about(target):
            return found
        if done.returncode > 0:  # it said why; what was killed, or crashed, may end well the next time
            break
    last = "".join(done.stderr.strip().splitlines()[-1:])
    raise EncoderUnavailable(f"Converting {folder} for OpenVINO ended with {done.returncode}: {last[:500]}")


def convert(folder: Path, target: Path) -> About:
    """Convert a model into `target`, which must not be there; in a process of its own, for it loads torch."""
    made = target.with_suffix(".new")
    shutil.rmtree(made, ignore_errors=True)  # of somebody who was killed
    made.mkdir()
    try:
        found = _convert(folder, made)
    except (MemoryError, OSError):  # of this machine as it is now, not of the model
        raise
    except Exception as error:
        found = About(str(folder), refused=f"{type(error).__name__}: {str(error)[:1_000]}")
    (made / ABOUT_FILE).write_text(json.dumps(asdict(found), indent=2), encoding="utf-8")
    for path in (*made.iterdir(), made):
        fsync_path(path)
    made.rename(target)
    return found


def _convert(folder: Path, made: Path) -> About:
    kinds = [str(module["type"]).rpartition(".")[2] for module in json.loads((folder / "modules.json").read_text())]
    tokenizer = truncating_tokenizer(folder)
    if tokenizer is None or not set(kinds) <= _MODULES:
        return About(str(folder), refused=f"It is made of {', '.join(kinds)}, or has no tokenizer.json.")
    from sentence_transformers import SentenceTransformer

    model: Any = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True, "dtype": "float32"}
    ).eval()
    _save(model, made / MODEL_FILE)
    prompts = {key: str(text) for key, text in (model.prompts or {}).items()}
    query = prompts.get("query", "")
    document = document_prompt(prompts)
    cosines: dict[str, float | None] = {F32: None, BF16: None}
    for precision in (F32, BF16) if has_bf16() else (F32,):
        dimension = int(model.get_embedding_dimension())
        converted = OpenVinoModel(made, tokenizer, precision=precision, dimension=dimension)
        cosines[precision] = min(
            _least_cosine(converted, query, model.encode_query),
            _least_cosine(converted, document, model.encode_document),
        )
    return About(str(folder), query_prompt=query, document_prompt=document, f32=cosines[F32], bf16=cosines[BF16])


def _save(model: Any, to: Path) -> None:
    """Trace the whole model, pooling and normalisation with it, and save it for OpenVINO."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # nothing of this machine is told to anybody
    import openvino  # type: ignore[import-untyped]
    import torch

    class Whole(torch.nn.Module):
        """Takes tensors by name and gives one: what a tracer can follow."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            for module in self.model:
                features = module(features)
            return features["sentence_embedding"]

    ids = torch.tensor([[101, 1037, 3793, 102], [101, 2178, 102, 0]])
    example = {"input_ids": ids % model.tokenizer.vocab_size, "attention_mask": (ids != 0).long()}
    with torch.no_grad():
        openvino.save_model(openvino.convert_model(Whole(), example_input=example), to, compress_to_fp16=False)


def _least_cosine(converted: OpenVinoModel, prompt: str, encode: Any) -> float:
    """Return how far the converted model is off, alone and with other texts beside, at worst."""
    expected = np.asarray(encode(list(_CHECKED), normalize_embeddings=True, show_progress_bar=False))
    texts = [prompt + text for text in _CHECKED]
    together = converted.encode(texts)
    alone = np.stack([converted.encode_one(text) for text in texts])
    least = 1.0
    for vectors in (together, alone):
        cosines = (vectors * expected).sum(axis=1) / np.linalg.norm(vectors, axis=1)
        least = min(least, float(cosines.min()))
    return least


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
