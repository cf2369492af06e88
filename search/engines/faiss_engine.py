"""FAISS on one host: immutable, memory-mapped segments plus an exactly searched tail.

A segment is two content-addressed files, the FAISS index and its int64 ids. Both are hashed before they are
opened, because FAISS loads damaged files without a word; they are opened mapped, so that all processes share their
pages, and never written again. The newest vectors, the tail, are searched exactly; ids that have left the index are
masked. FAISS is imported in the process and at the time that first needs it. How a segment is built is not said
here: `faiss_types` names what can be built, `faiss_build` builds it.
"""

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import BuildStep, Ids, IndexState, SegmentFile, Vectors

from . import faiss_types
from .base import (
    Engine,
    EngineCapabilities,
    IndexReader,
    Neighbours,
    VectorChanges,
    VectorSource,
    check_queries,
    check_vectors,
)
from .faiss_segment import OpenSegment, open_segment, rows_of

_WIDER = 1.5


class FaissReader(IndexReader):
    """Segments and tail of one generation."""

    def __init__(
        self, generation: int, dimension: int, segments: tuple[OpenSegment, ...], tail_ids: Ids, tail_vectors: Vectors
    ) -> None:
        check_vectors(tail_ids, tail_vectors, dimension)
        order = np.argsort(tail_ids, kind="stable")
        self.generation = generation
        self.dimension = dimension
        self.segments = segments
        self._tail_ids: Ids = tail_ids[order]
        self._tail_vectors: Vectors = np.ascontiguousarray(tail_vectors[order], dtype=np.float32)

    @property
    def size(self) -> int:
        return len(self._tail_ids) + sum(segment.size for segment in self.segments)

    def ids(self) -> Ids:
        parts = [self._tail_ids, *(segment.live_ids for segment in self.segments)]
        return np.sort(np.concatenate(parts))

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Neighbours]:
        queries = check_queries(queries, self.dimension)
        parts = [segment.search(queries, k, allowed) for segment in self.segments]
        parts.append(self._search_tail(queries, k, allowed))
        ids = np.concatenate([part[0] for part in parts], axis=1)
        distances = np.concatenate([part[1] for part in parts], axis=1)
        result = []
        for row_ids, row_distances in zip(ids, distances, strict=True):
            order = np.lexsort((row_ids, row_distances))[:k]
            result.append(Neighbours(row_ids[order], row_distances[order]))
        return result

    def distances(self, query: Vectors, ids: Ids) -> Vectors:
        query = check_queries(query[None], self.dimension)[0]
        result = np.full(len(ids), np.nan, dtype=np.float32)
        rows = rows_of(self._tail_ids, ids)
        difference = self._tail_vectors[rows[rows >= 0]] - query
        result[rows >= 0] = np.einsum("ij,ij->i", difference, difference)
        for segment in self.segments:
            rows = segment.live_rows_of(ids)
            result[rows >= 0] = segment.distances(query, rows[rows >= 0])
        return result

    def changed(self, changes: VectorChanges) -> "FaissReader":
        check_vectors(changes.added_ids, changes.added_vectors, self.dimension)
        gone = np.concatenate([changes.removed_ids, changes.added_ids])
        keep = ~np.isin(self._tail_ids, gone)
        added = ~np.isin(changes.added_ids, changes.removed_ids)
        segments = tuple(segment.without(np.union1d(segment.dead, gone)) for segment in self.segments)
        return FaissReader(
            changes.generation,
            self.dimension,
            segments,
            np.concatenate([self._tail_ids[keep], changes.added_ids[added]]),
            np.concatenate([self._tail_vectors[keep], changes.added_vectors[added]]),
        )

    def _search_tail(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[Ids, Vectors]:
        import faiss

        ids, vectors = self._tail_ids, self._tail_vectors
        if allowed is not None:
            keep = np.isin(ids, allowed, assume_unique=True)
            ids, vectors = ids[keep], np.ascontiguousarray(vectors[keep])
        if not len(ids):
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        distances, rows = faiss.knn(queries, vectors, min(k, len(ids)), metric=faiss.METRIC_L2)
        return ids[rows], distances


class FaissEngine(Engine):
    """Options: `index_type` (auto, rule, a name, or a FAISS factory string), `recall`, `memory_mb`, and parameters.

    See `faiss_types` for all of them. A segment with too few vectors for its type is built `Flat`, which is exact.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        exact = faiss_types.type_of(options) == "Flat"
        self.capabilities = EngineCapabilities(exact=exact, segments=True, remote=False, filtered_search=True)

    @classmethod
    def validate(cls, options: dict[str, Any]) -> None:
        faiss_types.validate(options)

    @property
    def recall_target(self) -> float | None:
        return faiss_types.target_of(self.options)

    def wider(self, parameters: dict[str, float]) -> dict[str, float] | None:
        if faiss_types.is_fixed(self.options):
            return None
        wider: dict[str, float] = {name: math.ceil(value * _WIDER) for name, value in parameters.items()}
        return wider if wider != parameters else None

    def check(self, dimension: int, rows: int | None = None) -> None:
        faiss_types.check(self.options, dimension, rows)

    def open(self, state: IndexState, previous: IndexReader | None = None) -> FaissReader:
        already = {s.file: s for s in previous.segments} if isinstance(previous, FaissReader) else {}
        # A tail read just before a seal and segments read just after it both hold the sealed ids.
        dead = np.union1d(state.dead_ids, state.tail_ids)
        segments = tuple(
            (already.get(file) or open_segment(file, state.dimension)).without(dead) for file in state.segments
        )
        return FaissReader(state.generation, state.dimension, segments, state.tail_ids, state.tail_vectors)

    def build(
        self, source: VectorSource, dimension: int, folder: Path, *, queries: Vectors | None = None
    ) -> Generator[BuildStep, None, SegmentFile]:
        from .faiss_build import SegmentBuild

        self.check(dimension)
        return (yield from SegmentBuild(source, dimension, folder, self.options, queries).run())
