"""A preview counts tokens as the encoder does, without loading it."""

import json
import shutil
from pathlib import Path

import pytest

from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.embedding.sentence_transformer import SentenceTransformerEncoder

TEXTS = [
    "",
    "Ein Satz, äöü.",
    "検索は意味で探す。",
    "x" * 500,
    "https://example.org/" + "a-b/" * 60,
    "\x00 \ud800",
    "👩‍👩‍👧‍👦 é",
]


@pytest.fixture
def copy(real_encoder: SentenceTransformerEncoder, tmp_path: Path) -> Path:
    """The encoder's files without its weights' content, to be changed."""
    ignored = shutil.ignore_patterns("*.safetensors", "*.bin")
    return Path(shutil.copytree(real_encoder.folder, tmp_path / "model", ignore=ignored))


def change(path: Path, **values: object) -> None:
    """Set keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_preview_counts_as_the_encoder_does(real_encoder: SentenceTransformerEncoder) -> None:
    encoder = SentenceTransformerEncoder(name="")

    spans, size = encoder.preview_window()

    assert size == real_encoder.window_tokens
    assert [spans(text) for text in TEXTS] == [real_encoder.token_spans(text) for text in TEXTS]
    assert not encoder.is_loaded


def test_the_prompt_of_documents_takes_its_part_of_the_window(copy: Path) -> None:
    size = SentenceTransformerEncoder(name=str(copy)).preview_window()[1]
    change(copy / "config_sentence_transformers.json", prompts={"document": "two words"})

    assert SentenceTransformerEncoder(name=str(copy)).preview_window()[1] == size - 2


def test_without_a_window_of_its_own_a_model_has_that_of_its_positions(copy: Path) -> None:
    (copy / "sentence_bert_config.json").unlink()
    change(copy / "tokenizer_config.json", model_max_length=10**30)

    assert SentenceTransformerEncoder(name=str(copy)).preview_window()[1] == 512 - 2


def test_a_preview_fetches_nothing() -> None:
    encoder = SentenceTransformerEncoder(name="sentence-transformers/none-of-that-name")

    with pytest.raises(EncoderUnavailable, match="not on this machine yet"):
        encoder.preview_window()


def test_an_encoder_without_a_light_tokenizer_counts_by_itself() -> None:
    encoder = FakeEncoder(window=7)

    spans, size = encoder.preview_window()

    assert (spans("two words"), size) == ([(0, 3), (4, 9)], 7)
