"""Vectors of real texts that every machine has: sentences of the standard library's documentation, really encoded.

They are encoded once and kept in pytest's cache. `SEMSEARCH_TEST_VECTORS` may name an .npy file of float32 vectors of
norm 1 to be used instead, 5,200 of them.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from search.datatypes import Vectors
from search.embedding.sentence_transformer import SentenceTransformerEncoder
from search.sample.stdlib_reader import read_entries

VARIABLE = "SEMSEARCH_TEST_VECTORS"
COUNT = 5_200


@pytest.fixture(scope="session")
def real_vectors(request: pytest.FixtureRequest, real_encoder: SentenceTransformerEncoder) -> Vectors:
    """5,200 vectors of the default encoder, no two alike, in no order."""
    given = os.environ.get(VARIABLE)
    vectors = np.load(given)[: 2 * COUNT] if given else _encoded(real_encoder, request.config.cache.mkdir("vectors"))
    unique = np.unique(vectors, axis=0)
    order = np.random.default_rng(3).permutation(len(unique))[:COUNT]
    result: Vectors = np.ascontiguousarray(unique[order], dtype=np.float32)
    return result


def _encoded(encoder: SentenceTransformerEncoder, folder: Path) -> Vectors:
    texts = [text for _, text in zip(range(COUNT + 100), _sentences(), strict=False)]
    key = hashlib.sha256("\n".join([encoder.fingerprint, *texts]).encode()).hexdigest()[:16]
    path = folder / f"{key}.npy"
    if not path.exists():
        np.save(path, encoder.encode_documents(texts))
    vectors: Vectors = np.load(path)
    return vectors


def _sentences() -> Iterator[str]:
    """Yield sentences, as long as search results are, each once."""
    seen = set()
    for entry in read_entries():
        for sentence in re.split(r"(?<=[.!?])\s+|\n\n+", entry.body):
            text = " ".join(sentence.split())
            if 30 <= len(text) <= 100 and text not in seen:
                seen.add(text)
                yield text
