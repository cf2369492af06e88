"""A cross-encoder is read from a folder with safetensors, and what cannot be used is told as unavailable."""

from pathlib import Path

import pytest

from search.embedding.base import EncoderUnavailable
from search.embedding.cross_encoder import CrossEncoderModel
from tests.cross_encoders import tiny_cross_encoder


def test_each_text_gets_one_number_and_the_same_one_again(tmp_path: Path) -> None:
    model = CrossEncoderModel(name=str(tiny_cross_encoder(tmp_path)), device="cpu")
    first = model.scores("bees", ["bees make honey", "a ship sails", "bees make honey"])
    assert len(first) == 3 and first[0] == pytest.approx(first[2]) and first[0] != first[1]
    assert model.scores("bees", []) == []


def test_a_model_that_sorts_into_classes_is_refused(tmp_path: Path) -> None:
    model = CrossEncoderModel(name=str(tiny_cross_encoder(tmp_path, labels=3)), device="cpu")
    with pytest.raises(EncoderUnavailable, match="3 numbers"):
        model.scores("bees", ["bees make honey"])


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        CrossEncoderModel(name=str(folder), device="cpu").load()
