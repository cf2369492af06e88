"""Which queries a segment is measured with, and their exact neighbours.

The sample is really held out: a vector that is part of a graph finds itself and, by its own links, its
neighbours, so that it would measure .99 where a new query gets .955. So the sample's rows are added only after
the measuring. Reads each vector once, in blocks; never holds more than a block and what is kept for each query.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.datatypes import BuildStep, Ids, Vectors

from .base import VectorSource

K = 10
"""Recall is measured on this many neighbours."""

FEWEST_ROWS = 20
MOST_QUERIES = 4_000
ONE_OF = 20
"""At most one row of so many is held out."""

_KEPT = 48
_TIE = 2e-6
_BLOCK = 8_192


@dataclass(frozen=True)
class HeldOut:
    """Queries that an index of the first `indexed` ids of `order` has not seen, and what it should find for them.

    `neighbours` and `distances`, shape (queries, up to 48), are row numbers of that index and squared L2 distances,
    nearest first. The first `sampled` queries are rows of the segment, the others are people's. `marks` has a number
    for each row of that index; rows of equal vectors have equal ones.
    """

    order: Ids
    indexed: int
    queries: Vectors
    neighbours: Ids
    distances: Vectors
    marks: Ids
    sampled: int

    def hits(self, found: Ids, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return for each of the `chosen` queries the share of its true nearest 10 in its row of `found`.

        Whatever is as near as the tenth counts: which of several equal texts comes back makes no difference.
        """
        k = min(K, self.indexed)
        limits = self.distances[chosen, k - 1 : k] + _TIE
        right = np.where(self.distances[chosen] <= limits, self.marks[self.neighbours[chosen]], -1)
        got = np.where(found[:, :k] >= 0, self.marks[found[:, :k]], -2)
        matches = (got[:, :, None] == right[:, None, :]).any(axis=2)
        shares: NDArray[np.float64] = matches.sum(axis=1) / k
        return shares


def held_out(source: VectorSource, queries: Vectors | None = None) -> Generator[BuildStep, None, HeldOut]:
    """Choose a sample of the source's rows, the same for the same ids, and search for it and `queries` exactly.

    Fewer than 20 rows are not worth holding out: they ask for themselves.
    """
    ids = source.ids
    sample = _sample(ids)
    rest = ids if len(ids) < FEWEST_ROWS else np.delete(ids, np.searchsorted(ids, sample))
    order = rest if len(rest) == len(ids) else np.concatenate([rest, sample])
    asked = source.read(sample)
    logged = np.empty((0, asked.shape[1]), np.float32) if queries is None else _spread(queries, MOST_QUERIES // 2)
    everything = np.ascontiguousarray(np.concatenate([asked, logged]), dtype=np.float32)
    neighbours, distances, marks = yield from _exact(source, rest, everything)
    return HeldOut(order, len(rest), everything, neighbours, distances, marks, len(sample))


def _sample(ids: Ids) -> Ids:
    if len(ids) < FEWEST_ROWS:
        return ids
    seed = [len(ids), int(ids[0]), int(ids[-1]), int(ids.sum() & 0x7FFFFFFFFFFFFFFF)]
    count = min(MOST_QUERIES, len(ids) // ONE_OF)
    return np.sort(np.random.default_rng(seed).choice(ids, count, replace=False))


def _spread(queries: Vectors, most: int) -> Vectors:
    """Return at most so many of the queries, from all over."""
    return queries[np.linspace(0, len(queries) - 1, min(most, len(queries))).astype(np.int64)]


def _exact(source: VectorSource, ids: Ids, queries: Vectors) -> Generator[BuildStep, None, tuple[Ids, Vectors, Ids]]:
    """Return neighbours' rows and distances of each query, and the marks of all rows."""
    import faiss

    best = np.empty((len(queries), 0), np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    marks = np.empty(len(ids), np.int64)
    for start in range(0, len(ids), _BLOCK):
        block = np.ascontiguousarray(source.read(ids[start : start + _BLOCK]), dtype=np.float32)
        # Half of hash()'s numbers are negative; -1 and -2 mean no row at all.
        marks[start : start + len(block)] = [hash(vector.tobytes()) & 0x7FFFFFFFFFFFFFFF for vector in block]
        near, at = faiss.knn(queries, block, min(_KEPT, len(block)), metric=faiss.METRIC_L2)
        best, rows = np.concatenate([best, near], axis=1), np.concatenate([rows, at + start], axis=1)
        nearest = np.argsort(best, axis=1, kind="stable")[:, :_KEPT]
        best, rows = np.take_along_axis(best, nearest, 1), np.take_along_axis(rows, nearest, 1)
        yield BuildStep("measuring", start + len(block), len(ids))
    return rows, best, marks
