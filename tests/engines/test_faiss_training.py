"""Centroids are found in short steps, on a sample that is the same after a crash and never too small."""

from collections.abc import Generator
from typing import Any

import faiss
import numpy as np
import pytest

from search.datatypes import BuildStep
from search.engines.faiss_layers import layers_of
from search.engines.faiss_training import kmeans, sample_size, train
from search.engines.faiss_types import Recipe, make_index
from tests.engines.layouts import DIMENSION, Source, vectors_of


def ended(steps: Generator[BuildStep, None, Any]) -> Any:
    """Run steps to their end and return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_centroids_are_the_means_of_separate_groups() -> None:
    groups = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    vectors = np.repeat(groups, 20, axis=0) + np.tile(np.array([[0.5, 0], [-0.5, 0]], np.float32), (30, 1))

    centroids = ended(kmeans(vectors, 3, 20, np.random.default_rng(4)))

    np.testing.assert_allclose(sorted(centroids.tolist()), sorted(groups.tolist()), atol=1e-5)


def test_a_centroid_that_nothing_is_near_to_is_not_lost() -> None:
    vectors = np.repeat(vectors_of([1, 2]), 50, axis=0)

    centroids = ended(kmeans(vectors, 4, 5, np.random.default_rng(0)))

    assert np.isfinite(centroids).all() and len(centroids) == 4


def test_centroids_are_as_good_as_those_of_faiss() -> None:
    vectors = vectors_of(range(2_000))
    theirs = faiss.Kmeans(DIMENSION, 20, niter=10, seed=1)
    theirs.train(vectors)

    ours = ended(kmeans(vectors, 20, 10, np.random.default_rng(1)))

    def error(centroids: Any) -> float:
        return float(faiss.knn(vectors, centroids, 1)[0].mean())

    assert error(ours) <= error(theirs.centroids) * 1.05


@pytest.mark.parametrize(
    ("factory", "rows", "expected"),
    [
        ("SQ8", 1_000_000, 20_000),
        ("IVF1000,Flat", 1_000_000, 256_000),
        ("IVF2000,Flat", 4_000_000, 262_144),
        ("IVF10000,Flat", 100_000_000, 390_000),
        ("IVF100,Flat", 10_000, 10_000),
        ("IVF100,PQ8", 1_000_000, 65_536),
    ],
)
def test_the_sample_has_256_vectors_a_centroid_within_the_memory_and_never_too_few(
    factory: str, rows: int, expected: int
) -> None:
    layers = layers_of(make_index(Recipe(factory), DIMENSION))

    assert sample_size(layers, rows) == expected >= layers.vectors_needed


@pytest.mark.parametrize("factory", ["IVF16,Flat", "IVF16,SQ8", "PCA8,IVF16,PQ4x4fs,RFlat", "IVF4,PQ4", "IVF16,RaBitQ"])
def test_every_layer_is_trained_and_says_on_how_many_vectors(factory: str) -> None:
    source = Source(np.arange(10_000, dtype=np.int64))
    index = make_index(Recipe(factory), DIMENSION)

    trained_on = ended(train(layers_of(index), source, source.ids))

    assert index.is_trained and trained_on == 10_000
    index.add(source.vectors)
    assert (index.search(source.vectors[:5], 1)[1] >= 0).all()


def test_codes_trained_in_steps_are_as_good_as_those_of_faiss() -> None:
    source = Source(np.arange(10_000, dtype=np.int64))
    ours, theirs = (make_index(Recipe("IVF4,PQ4"), DIMENSION) for _ in range(2))
    ended(train(layers_of(ours), source, source.ids))
    theirs.train(source.vectors)

    def error(index: Any) -> float:
        return float(((index.sa_decode(index.sa_encode(source.vectors)) - source.vectors) ** 2).mean())

    assert error(ours) <= error(theirs) * 1.05


def test_the_same_ids_train_the_same_index() -> None:
    source = Source(np.arange(1_000, dtype=np.int64))
    indexes = [make_index(Recipe("IVF8,Flat"), DIMENSION) for _ in range(2)]
    for index in indexes:
        ended(train(layers_of(index), source, source.ids))

    first, second = (faiss.downcast_index(index.quantizer).reconstruct_n(0, 8) for index in indexes)

    np.testing.assert_array_equal(first, second)
