"""The encoder by OpenVINO: torch's vectors without torch, converted once, and torch where it cannot be."""

import json
import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from search.embedding import openvino_conversion, openvino_runtime
from search.embedding.base import EncoderUnavailable
from search.embedding.openvino_model import has_bf16
from search.embedding.openvino_runtime import OpenVinoBf16Encoder, OpenVinoEncoder, quickest_runtime
from search.embedding.sentence_transformer import SentenceTransformerEncoder

pytestmark = pytest.mark.xdist_group("openvino")

TEXTS = [
    "wait until several threads have finished",
    "Remove duplicates but keep the order.",
    "Ein Satz auf Deutsch, mit Umlauten: äöü.",
    "検索は意味で探す。",
    "x",
    "",
    "a\x00b\ud800",
    "w" * 500,
    "A longer text. " * 20,
    "A text over the window. " * 80,
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the default model has been converted, beside what one left there who was killed at it."""
    folder = tmp_path_factory.mktemp("models")
    encoder = OpenVinoEncoder(name="", cache_dir=folder)
    half = encoder._converted.with_suffix(".new")
    half.mkdir()
    (half / "model.bin").write_text("half a model")
    assert encoder.about.refused == ""
    assert not half.exists()
    return folder


@pytest.fixture(scope="module")
def encoder(cache: Path) -> OpenVinoEncoder:
    """The default model in fp32."""
    return OpenVinoEncoder(name="", cache_dir=cache)


@pytest.fixture
def stranger(real_encoder: SentenceTransformerEncoder, tmp_path: Path) -> Path:
    """A model with a part that nobody has tried with OpenVINO."""
    folder = Path(shutil.copytree(real_encoder.folder, tmp_path / "model"))
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.WordWeights"
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


def test_vectors_are_those_of_torch(encoder: OpenVinoEncoder, real_encoder: SentenceTransformerEncoder) -> None:
    vectors, expected = encoder.encode_documents(TEXTS), real_encoder.encode_documents(TEXTS)

    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    np.testing.assert_allclose((vectors * expected).sum(axis=1), 1, atol=1e-5)
    queries = np.stack([encoder.encode_query(text) for text in TEXTS])
    np.testing.assert_allclose((queries * expected).sum(axis=1), 1, atol=1e-5)


@pytest.mark.skipif(not has_bf16(), reason="this processor has no bfloat16")
def test_vectors_in_bfloat16_are_nearly_those_of_torch(cache: Path, real_encoder: SentenceTransformerEncoder) -> None:
    encoder = OpenVinoBf16Encoder(name="", cache_dir=cache)

    vectors, expected = encoder.encode_documents(TEXTS), real_encoder.encode_documents(TEXTS)

    assert (vectors * expected).sum(axis=1).min() > openvino_conversion.LEAST_COSINE["bf16"]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_batches_and_threads_change_no_vector(encoder: OpenVinoEncoder) -> None:
    texts = [f"{text} {'word ' * (number % 60)}" for number, text in enumerate(TEXTS * 20)]
    expected = np.stack([encoder.encode_query(text) for text in texts])

    with ThreadPoolExecutor(4) as pool:
        documents = [pool.submit(encoder.encode_documents, texts) for _ in range(3)]
        queries = list(pool.map(encoder.encode_query, texts))

    for each in documents:
        np.testing.assert_allclose(each.result(), expected, atol=1e-4)
    np.testing.assert_allclose(np.stack(queries), expected, atol=1e-4)


def test_tokens_and_window_are_those_of_torch(
    encoder: OpenVinoEncoder, real_encoder: SentenceTransformerEncoder
) -> None:
    assert encoder.window_tokens == real_encoder.window_tokens
    assert [encoder.token_spans(text) for text in TEXTS] == [real_encoder.token_spans(text) for text in TEXTS]
    assert encoder.encode_documents([]).shape == (0, encoder.dimension)


def test_each_runtime_has_a_fingerprint_of_its_own(
    encoder: OpenVinoEncoder, real_encoder: SentenceTransformerEncoder
) -> None:
    others = {real_encoder.fingerprint, OpenVinoBf16Encoder(name="").fingerprint}

    assert len(others | {encoder.fingerprint}) == 3
    assert OpenVinoEncoder(name=str(real_encoder.folder)).fingerprint == encoder.fingerprint


def test_a_converted_model_is_run_without_torch(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from search.embedding.openvino_runtime import OpenVinoEncoder as E\n"
        f"e = E(name='', cache_dir=Path({str(cache)!r})); assert e.encode_query('text').shape == (e.dimension,)\n"
        "e.encode_documents(['text', 'another']); e.token_spans('text'); e.preview_window()\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_model_that_cannot_be_converted_is_run_by_torch_and_not_tried_again(
    stranger: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "models"
    with caplog.at_level(logging.WARNING):
        assert quickest_runtime(name=str(stranger), revision="", device="", cache_dir=cache) == "torch"
    assert "is run by torch: It is made of Transformer, WordWeights, Normalize" in caplog.text

    monkeypatch.setattr(openvino_conversion, "_made", lambda *of: pytest.fail("tried again"))
    with pytest.raises(EncoderUnavailable, match="cannot be run by OpenVINO.*Choose the runtime 'torch'"):
        OpenVinoEncoder(name=str(stranger), cache_dir=cache).encode_query("text")


def test_a_conversion_that_fails_says_why(real_encoder: SentenceTransformerEncoder, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(real_encoder.folder, tmp_path / "model"))
    (broken / "model.safetensors").write_bytes(b"nothing of the kind")

    assert "header too large" in OpenVinoEncoder(name=str(broken), cache_dir=tmp_path / "models").about.refused


@pytest.mark.parametrize(("ends_with", "tries"), [(-11, 3), (-9, 3), (1, 1)])
def test_a_conversion_that_crashes_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_with: int, tries: int
) -> None:
    ended: list[int] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        ended.append(ends_with)
        return subprocess.CompletedProcess(command, ends_with, "", "some warning\n")

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(EncoderUnavailable, match=f"ended with {ends_with}: some warning"):
        openvino_conversion.ensure_converted(tmp_path, tmp_path / "converted")
    assert len(ended) == tries


def test_where_nothing_can_be_kept_torch_does_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "models").write_text("no folder")

    with caplog.at_level(logging.WARNING):
        assert quickest_runtime(name="", revision="", device="cpu", cache_dir=tmp_path / "models") == "torch"
    assert "cannot be kept" in caplog.text


def test_without_bfloat16_a_model_is_run_in_fp32_and_one_made_in_it_is_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: False)

    assert quickest_runtime(name="", revision="", device="", cache_dir=cache) == "openvino"
    with pytest.raises(EncoderUnavailable, match="no bfloat16"):
        OpenVinoBf16Encoder(name="", cache_dir=cache).encode_query("text")


def test_on_a_gpu_torch_does_it(tmp_path: Path) -> None:
    assert quickest_runtime(name="", revision="", device="cuda:1", cache_dir=tmp_path) == "torch"
    assert list(tmp_path.iterdir()) == []
