"""Reads from the rows what a version's dense index consists of: the one place that turns rows into engine values."""

import numpy as np
from django.db.models import Q

from search.datatypes import Ids, IndexState, SegmentFile, Vectors
from search.engines.base import VectorChanges
from search.models import Chunk, Embedding, IndexVersion, MissingEmbedding, Segment

_SQL_PARAMETERS = 500


def read_state(version: IndexVersion) -> IndexState:
    """Return everything needed to open the version's dense index. Raises MissingEmbedding."""
    tail = list(Chunk.objects.tail(version).order_by("id").values_list("id", "text_hash"))
    dead = Chunk.objects.dead(version).order_by("id").values_list("id", flat=True)
    ids, vectors = vectors_of(version, tail)
    return IndexState(
        generation=version.generation,
        dimension=version.dimension,
        segments=tuple(segment_file(version, segment) for segment in version.segments.all()),
        tail_ids=ids,
        tail_vectors=vectors,
        dead_ids=np.fromiter(dead, np.int64),
    )


def read_changes(version: IndexVersion, since: int) -> VectorChanges:
    """Return what changed after generation `since`, for an index whose segments are still the same."""
    touched = Chunk.objects.filter(version=version)
    added = list(touched.live().filter(added_generation__gt=since).order_by("id").values_list("id", "text_hash"))
    removed = touched.filter(Q(removed_generation__gt=since)).order_by("id").values_list("id", flat=True)
    ids, vectors = vectors_of(version, added)
    return VectorChanges(version.generation, ids, vectors, np.fromiter(removed, np.int64))


def vectors_of(version: IndexVersion, rows: list[tuple[int, str]]) -> tuple[Ids, Vectors]:
    """Return ids and vectors of (chunk id, text hash) rows, in their order. Raises MissingEmbedding."""
    ids = np.fromiter((chunk_id for chunk_id, _ in rows), np.int64, len(rows))
    hashes = [text_hash for _, text_hash in rows]
    return ids, Embedding.objects.vectors(version.encoder_fingerprint, hashes, version.dimension)


def segment_file(version: IndexVersion, segment: Segment) -> SegmentFile:
    """Return the files that a segment's row describes."""
    folder = version.folder / "segments"
    return SegmentFile(
        path=folder / segment.path,
        sha256=segment.sha256,
        ids_path=folder / segment.ids_path,
        ids_sha256=segment.ids_sha256,
        rows=segment.rows,
        size_bytes=segment.size_bytes,
        index_type=segment.index_type,
        parameters=tuple(sorted(segment.parameters.items())),
    )


class StoredVectors:
    """The vectors of some of a version's chunks, read from the database: what an engine builds a segment from.

    `ids` are chunk ids, int64, ascending.
    """

    def __init__(self, version: IndexVersion, ids: Ids) -> None:
        self.version = version
        self.ids = ids

    def read(self, ids: Ids) -> Vectors:
        """Return the float32 vectors of these ids, in their order. Raises MissingEmbedding."""
        wanted = [int(chunk_id) for chunk_id in ids]
        hashes: dict[int, str] = {}
        for at in range(0, len(wanted), _SQL_PARAMETERS):
            rows = Chunk.objects.filter(pk__in=wanted[at : at + _SQL_PARAMETERS])
            hashes.update(rows.values_list("pk", "text_hash"))
        gone = next((chunk_id for chunk_id in wanted if chunk_id not in hashes), None)
        if gone is not None:
            raise MissingEmbedding(f"Chunk {gone} of {self.version} is not in the database any more.")
        return vectors_of(self.version, [(chunk_id, hashes[chunk_id]) for chunk_id in wanted])[1]
