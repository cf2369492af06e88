"""The oracle: every vector in memory, every distance computed. Slow, small and right by construction.

The contract suite compares every other engine with it. It never writes a file.
"""

from typing import Any

import numpy as np

from search.datatypes import Ids, IndexState, Vectors

from .base import (
    BadEngineOptions,
    Engine,
    EngineCapabilities,
    IndexReader,
    Neighbours,
    VectorChanges,
    check_queries,
    check_vectors,
)


class ExactReader(IndexReader):
    """Vectors sorted by id, and the distance to each of them."""

    def __init__(self, generation: int, dimension: int, ids: Ids, vectors: Vectors) -> None:
        check_vectors(ids, vectors, dimension)
        order = np.argsort(ids, kind="stable")
        self.generation = generation
        self.dimension = dimension
        self._ids: Ids = ids[order]
        self._vectors: Vectors = vectors[order]

    @property
    def size(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        return self._ids.copy()

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Neighbours]:
        queries = check_queries(queries, self.dimension)
        keep = np.ones(len(self._ids), bool) if allowed is None else np.isin(self._ids, allowed)
        ids, vectors = self._ids[keep], self._vectors[keep]
        result = []
        for query in queries:
            distances = _distances(query, vectors)
            order = np.lexsort((ids, distances))[:k]
            result.append(Neighbours(ids[order], distances[order]))
        return result

    def distances(self, query: Vectors, ids: Ids) -> Vectors:
        query = check_queries(query[None], self.dimension)[0]
        result = np.full(len(ids), np.nan, dtype=np.float32)
        at = np.searchsorted(self._ids, ids)
        found = at < len(self._ids)
        found[found] = self._ids[at[found]] == ids[found]
        result[found] = _distances(query, self._vectors[at[found]])
        return result

    def changed(self, changes: VectorChanges) -> "ExactReader":
        check_vectors(changes.added_ids, changes.added_vectors, self.dimension)
        gone = np.concatenate([changes.removed_ids, changes.added_ids])
        keep = ~np.isin(self._ids, gone)
        added = ~np.isin(changes.added_ids, changes.removed_ids)
        ids = np.concatenate([self._ids[keep], changes.added_ids[added]])
        vectors = np.concatenate([self._vectors[keep], changes.added_vectors[added]])
        return ExactReader(changes.generation, self.dimension, ids, vectors)


class ExactEngine(Engine):
    """Keeps nothing on disk: a reader is made from the database's vectors alone."""

    capabilities = EngineCapabilities(exact=True, segments=False, remote=False, filtered_search=True)

    @classmethod
    def validate(cls, options: dict[str, Any]) -> None:
        if options:
            raise BadEngineOptions(f"The exact engine has no options; remove {min(options)!r}.")

    def open(self, state: IndexState, previous: IndexReader | None = None) -> ExactReader:
        if state.segments:
            raise BadEngineOptions("The exact engine reads no segments; rebuild the index with it.")
        return ExactReader(state.generation, state.dimension, state.tail_ids, state.tail_vectors)


def _distances(query: Vectors, vectors: Vectors) -> Vectors:
    difference = vectors - query
    result: Vectors = np.einsum("ij,ij->i", difference, difference)
    return result
