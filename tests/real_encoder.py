"""The real encoder as a fixture, loaded once for each test process; test packages that use it import it in conftest."""

import pytest

from search.embedding.sentence_transformer import SentenceTransformerEncoder


@pytest.fixture(scope="session")
def real_encoder() -> SentenceTransformerEncoder:
    """The installation's default encoder."""
    return SentenceTransformerEncoder(name="")
