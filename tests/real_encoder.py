"""The real encoder as a fixture, loaded once for each test process; test packages that use it import it in conftest."""

import os
import tempfile
from pathlib import Path

import pytest

from search.embedding.sentence_transformer import SentenceTransformerEncoder


@pytest.fixture(scope="session")
def real_encoder() -> SentenceTransformerEncoder:
    """The installation's default model, by torch."""
    return SentenceTransformerEncoder(name="")


def converted_models() -> Path:
    """Return where tests keep models for OpenVINO, so that not every installation of a journey converts its own."""
    return Path(tempfile.gettempdir()) / f"semsearch-models-{os.getuid()}"
