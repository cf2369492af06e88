"""FAISS on one host: immutable, memory-mapped segments plus an exactly searched tail.

A segment is two content-addressed files, the FAISS index and its ascending int64 ids. Both are hashed before
they are opened, because FAISS loads damaged files without a word; they are opened mapped, so that all
processes share their pages, and never written again. The newest vectors, the tail, are searched exactly; ids
that have left the index are masked. This is the only module that imports faiss, and it does so in the process
and at the time that first needs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from search.datatypes import Ids, IndexState, SegmentFile, Vectors
from search.failpoints import failpoint
from search.files import move_into_place, scratch_file, sha256_file

from .base import (
    BadEngineOptions,
    BadVectors,
    Engine,
    EngineCapabilities,
    IndexDamaged,
    IndexReader,
    Neighbours,
    VectorChanges,
    check_queries,
    check_vectors,
)

INDEX_TYPES = ("Flat",)


@dataclass(frozen=True)
class OpenSegment:
    """A verified segment: the mapped index, its ids by row number, and which rows are masked."""

    file: SegmentFile
    index: Any
    ids: Ids
    dead: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    def without(self, dead: Ids) -> "OpenSegment":
        """Return this segment with those of the ascending ids `dead` that it holds masked, and no others."""
        rows = _rows_of(self.ids, dead)
        held = self.ids[rows[rows >= 0]]
        return self if np.array_equal(held, self.dead) else OpenSegment(self.file, self.index, self.ids, held)

    @cached_property
    def live(self) -> np.ndarray:
        """Which rows can be found, as booleans."""
        mask = np.ones(len(self.ids), dtype=bool)
        rows = _rows_of(self.ids, self.dead)
        mask[rows[rows >= 0]] = False
        return mask

    @cached_property
    def live_selector(self) -> Any:
        """The FAISS selector of the rows that can be found, or None when all can."""
        return _selector(self.live) if len(self.dead) else None


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
        return len(self._tail_ids) + sum(len(segment.ids) - len(segment.dead) for segment in self.segments)

    def ids(self) -> Ids:
        parts = [self._tail_ids, *(segment.ids[segment.live] for segment in self.segments)]
        return np.sort(np.concatenate(parts))

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Neighbours]:
        queries = check_queries(queries, self.dimension)
        parts = [self._search_segment(segment, queries, k, allowed) for segment in self.segments]
        parts.append(self._search_tail(queries, k, allowed))
        ids = np.concatenate([part[0] for part in parts], axis=1)
        distances = np.concatenate([part[1] for part in parts], axis=1)
        result = []
        for row_ids, row_distances in zip(ids, distances, strict=True):
            found = row_ids >= 0
            row_ids, row_distances = row_ids[found], row_distances[found]
            order = np.lexsort((row_ids, row_distances))[:k]
            result.append(Neighbours(row_ids[order], row_distances[order]))
        return result

    def distances(self, query: Vectors, ids: Ids) -> Vectors:
        query = check_queries(query[None], self.dimension)[0]
        result = np.full(len(ids), np.nan, dtype=np.float32)
        rows = _rows_of(self._tail_ids, ids)
        self._measure(result, rows, query, self._tail_vectors[rows[rows >= 0]])
        for segment in self.segments:
            rows = _rows_of(segment.ids, ids)
            rows[rows >= 0] = np.where(segment.live[rows[rows >= 0]], rows[rows >= 0], -1)
            if (rows >= 0).any():
                self._measure(result, rows, query, segment.index.reconstruct_batch(rows[rows >= 0]))
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

    @staticmethod
    def _measure(result: Vectors, rows: Ids, query: Vectors, vectors: Vectors) -> None:
        difference = vectors - query
        result[rows >= 0] = np.einsum("ij,ij->i", difference, difference)

    @staticmethod
    def _search_segment(segment: OpenSegment, queries: Vectors, k: int, allowed: Ids | None) -> tuple[Ids, Vectors]:
        import faiss

        selector = segment.live_selector
        if allowed is not None:
            selector = _selector(segment.live & np.isin(segment.ids, allowed, assume_unique=True))
        parameters = faiss.SearchParameters(sel=selector) if selector is not None else None  # type: ignore[call-arg]
        distances, rows = segment.index.search(queries, min(k, len(segment.ids)), params=parameters)
        return np.where(rows >= 0, segment.ids[rows], -1), distances

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
    """Option `index_type`: the FAISS index of a segment, so far `Flat` (IndexFlatL2, exact)."""

    capabilities = EngineCapabilities(exact=True, segments=True, remote=False, filtered_search=True)

    @classmethod
    def validate(cls, options: dict[str, Any]) -> None:
        unknown = set(options) - {"index_type"}
        if unknown:
            raise BadEngineOptions(f"Unknown engine option {min(unknown)!r}; known: index_type.")
        if options.get("index_type", "Flat") not in INDEX_TYPES:
            raise BadEngineOptions(f"index_type is {options['index_type']!r}; known: {', '.join(INDEX_TYPES)}.")

    def open(self, state: IndexState, previous: IndexReader | None = None) -> FaissReader:
        already = {s.file: s for s in previous.segments} if isinstance(previous, FaissReader) else {}
        # A tail read just before a seal and segments read just after it both hold the sealed ids.
        dead = np.union1d(state.dead_ids, state.tail_ids)
        segments = tuple((already.get(file) or _opened(file, state.dimension)).without(dead) for file in state.segments)
        return FaissReader(state.generation, state.dimension, segments, state.tail_ids, state.tail_vectors)

    def seal(self, blocks: Iterable[tuple[Ids, Vectors]], dimension: int, folder: Path) -> SegmentFile:
        import faiss

        index = faiss.IndexFlatL2(dimension)
        id_blocks: list[Ids] = []
        for ids, vectors in blocks:
            check_vectors(ids, vectors, dimension)
            index.add(np.ascontiguousarray(vectors, dtype=np.float32))
            id_blocks.append(np.asarray(ids, dtype=np.int64))
        all_ids = np.concatenate(id_blocks) if id_blocks else np.empty(0, np.int64)
        if not len(all_ids) or (np.diff(all_ids) <= 0).any():
            raise BadVectors("A segment needs at least one vector, and ids that ascend.")
        folder.mkdir(parents=True, exist_ok=True)
        failpoint("seal.before_write")
        with scratch_file(folder, ".faiss") as scratch, scratch_file(folder, ".npy") as ids_scratch:
            faiss.write_index(index, str(scratch))
            np.save(ids_scratch, all_ids)
            failpoint("seal.written")
            sha256, ids_sha256 = sha256_file(scratch), sha256_file(ids_scratch)
            path, ids_path = folder / f"{sha256}.faiss", folder / f"{ids_sha256}.ids.npy"
            move_into_place(scratch, path)
            move_into_place(ids_scratch, ids_path)
        size = path.stat().st_size + ids_path.stat().st_size
        return SegmentFile(path, sha256, ids_path, ids_sha256, len(all_ids), size)


def _opened(file: SegmentFile, dimension: int) -> OpenSegment:
    """Verify a segment's files against their hashes, then map them. Raises IndexDamaged."""
    import faiss

    for path, expected in ((file.path, file.sha256), (file.ids_path, file.ids_sha256)):
        try:
            actual = sha256_file(path)
        except OSError as error:
            raise IndexDamaged(f"Index file {path.name} cannot be read: {error.strerror}.", path) from error
        if actual != expected:
            raise IndexDamaged(f"Index file {path.name} is damaged: its SHA-256 is {actual[:12]}….", path)
    try:
        index = faiss.read_index(str(file.path), faiss.IO_FLAG_MMAP_IFC)
        ids = np.load(file.ids_path, mmap_mode="r")
    except (RuntimeError, OSError, ValueError) as error:
        raise IndexDamaged(f"Index file {file.path.name} cannot be opened: {error}", file.path) from error
    if index.d != dimension or index.ntotal != len(ids) or len(ids) != file.rows:
        raise IndexDamaged(
            f"Index file {file.path.name} has {index.ntotal} vectors of dimension {index.d} and {len(ids)} ids; "
            f"{file.rows} of dimension {dimension} belong there.",
            file.path,
        )
    return OpenSegment(file, index, ids)


def _rows_of(sorted_ids: Ids, wanted: Ids) -> Ids:
    """Return for each wanted id its position in `sorted_ids`, or -1."""
    if not len(sorted_ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    rows = np.searchsorted(sorted_ids, wanted)
    rows[rows == len(sorted_ids)] = 0
    return np.where(sorted_ids[rows] == wanted, rows, -1)


def _selector(mask: np.ndarray) -> Any:
    """Return the FAISS selector of the rows that are True in `mask`."""
    import faiss

    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg,arg-type]
