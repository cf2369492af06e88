"""The queries that segments are measured with, and their exact neighbours, against numpy alone."""

import numpy as np

from search.datatypes import Ids, Vectors
from search.engines.faiss_held_out import held_out

from .near_duplicates import ArraySource, crowds, finish


def by_hand(source: ArraySource, ids: Ids, queries: Vectors) -> Ids:
    """Return the rows of the 10 nearest, by every distance in 64 bits."""
    vectors = source.read(ids).astype(np.float64)
    distances = ((queries.astype(np.float64)[:, None, :] - vectors[None, :, :]) ** 2).sum(axis=2)
    result: Ids = np.argsort(distances, axis=1)[:, :10]
    return result


def test_the_sample_is_added_last_and_only_once() -> None:
    source = ArraySource(crowds(50, 20, 16, 0.3))
    sample = finish(held_out(source))
    assert sample.indexed == 950
    np.testing.assert_array_equal(np.sort(sample.order), source.ids)
    np.testing.assert_array_equal(sample.queries, source.read(sample.order[sample.indexed :]))


def test_both_parts_of_the_order_ascend() -> None:
    sample = finish(held_out(ArraySource(crowds(50, 20, 16, 0.3))))
    falls = np.flatnonzero(np.diff(sample.order) <= 0)
    assert falls.tolist() == [sample.indexed - 1]


def test_the_same_ids_give_the_same_sample() -> None:
    vectors = crowds(50, 20, 16, 0.3)
    first, second = (finish(held_out(ArraySource(vectors))) for _ in range(2))
    np.testing.assert_array_equal(first.order, second.order)


def test_neighbours_are_those_that_numpy_finds() -> None:
    source = ArraySource(crowds(50, 200, 16, 0.3))  # more rows than are read at once
    sample = finish(held_out(source))
    expected = by_hand(source, sample.order[: sample.indexed], sample.queries[:40])
    np.testing.assert_array_equal(sample.neighbours[:40, :10], expected)


def test_queries_of_people_come_after_the_sample() -> None:
    asked = crowds(1, 30, 16, 0.5, seed=9)
    sample = finish(held_out(ArraySource(crowds(50, 20, 16, 0.3)), asked))
    assert sample.sampled == 50
    np.testing.assert_array_equal(sample.queries[50:], asked)


def test_hits_are_the_share_of_the_true_ten() -> None:
    sample = finish(held_out(ArraySource(crowds(50, 20, 16, 0.3))))
    found = sample.neighbours[:2, :10].copy()
    found[0, 7:] = -1
    found[1, 0] = sample.neighbours[1, 30]
    np.testing.assert_allclose(sample.hits(found, np.arange(2)), [0.7, 0.9])


def test_any_copy_of_the_same_vector_is_right() -> None:
    source = ArraySource(crowds(10, 200, 16, 0.0))
    sample = finish(held_out(source))
    rows = np.stack([by_crowd(sample.order, sample.indexed, query) for query in range(5)])
    np.testing.assert_allclose(sample.hits(rows, np.arange(5)), 1.0)


def by_crowd(order: Ids, indexed: int, query: int) -> Ids:
    """Return the last ten rows of the query's own crowd, which are not the ten that a search met first."""
    crowd = (order[indexed + query] - 7) // 3 // 200
    rows = np.flatnonzero((order[:indexed] - 7) // 3 // 200 == crowd)
    result: Ids = rows[-10:]
    return result


def test_a_handful_of_rows_ask_for_themselves() -> None:
    source = ArraySource(crowds(6, 2, 16, 0.3))
    sample = finish(held_out(source))
    assert sample.indexed == 12
    np.testing.assert_array_equal(sample.neighbours[:, 0], np.arange(12))
