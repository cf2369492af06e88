"""What a vector-index engine is, so that FAISS, an exact oracle and a distributed engine fit one house.

An engine with `capabilities.segments` writes immutable files from vectors that the database holds, and the
rows of the database say which files and which newest vectors make up an index (`IndexState`). An engine with
`capabilities.remote` keeps its own copy and is told of changes. Both open an `IndexReader`, which is never
changed: a newer state is a new reader. Distances are squared L2 of L2-normalised vectors, 0 to 4; the cosine
is `1 - distance / 2`. No Django here.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.datatypes import BuildStep, Ids, IndexState, SegmentFile, Vectors

NORM_TOLERANCE = 1e-3

UNFINISHED = "building-"
"""The names of files from which an unfinished build can go on begin so; they are worth keeping for a while."""


class BadVectors(ValueError):
    """Vectors or ids that must not enter an index; the message names the first bad one."""


class BadEngineOptions(ValueError):
    """Engine options that cannot be used; the message says which would do."""


class IndexDamaged(Exception):
    """An index file is missing, is not what the database says, or cannot be read; `path` names it."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class EngineCapabilities:
    """What an engine can do; callers ask these instead of its name."""

    exact: bool
    """A search returns the true nearest neighbours, not an approximation."""
    segments: bool
    """`build` writes immutable files, which readers of all processes on this host share."""
    remote: bool
    """It keeps its own copy of the vectors, on other hosts if it likes; `apply` feeds it."""
    filtered_search: bool
    """`allowed` restricts a search before the top k are chosen, so that k allowed ids come back if there are k."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The answer to one query, nearest first; never an id of -1."""

    ids: Ids
    distances: Vectors


@dataclass(frozen=True, slots=True)
class VectorChanges:
    """What happened to an index between two generations."""

    generation: int
    added_ids: Ids
    added_vectors: Vectors
    removed_ids: Ids


class VectorSource(Protocol):
    """Where the vectors of a segment come from, so that a build never needs all of them in memory."""

    @property
    def ids(self) -> Ids:
        """All ids that belong into the segment, ascending."""

    def read(self, ids: Ids) -> Vectors:
        """Return the vectors of some of these ids, in their order; ask for blocks, for each call may ask a database."""


class IndexReader(ABC):
    """One state of one index, safe to search from several threads."""

    generation: int
    dimension: int

    @property
    @abstractmethod
    def size(self) -> int:
        """How many vectors can be found."""

    @abstractmethod
    def ids(self) -> Ids:
        """Return the ids of all vectors that can be found, ascending."""

    @abstractmethod
    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Neighbours]:
        """Return for each row of `queries`, shape (n, dimension), its nearest vectors, at most `k`.

        `allowed`, ascending, restricts the answer to these ids. Fewer than `k` come back only when the index
        (or what is allowed of it) has fewer. Raises BadVectors for a wrong dimension or numbers not finite.
        """

    @abstractmethod
    def distances(self, query: Vectors, ids: Ids) -> Vectors:
        """Return the exact distance of `query`, shape (dimension,), to each id; NaN for an id that is not there."""

    @abstractmethod
    def changed(self, changes: VectorChanges) -> "IndexReader":
        """Return a reader of the state after `changes`; this one stays as it is."""


class Engine(ABC):
    """A way to index vectors. Holds no vectors itself; one object serves all collections."""

    capabilities: EngineCapabilities

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.validate(options)

    @classmethod
    @abstractmethod
    def validate(cls, options: dict[str, Any]) -> None:
        """Raise BadEngineOptions, before any work starts."""

    @abstractmethod
    def open(self, state: IndexState, previous: IndexReader | None = None) -> IndexReader:
        """Return a reader of `state`, taking over what `previous` has open already. Raises IndexDamaged."""

    @property
    def recall_target(self) -> float | None:
        """The recall@10 that an index of these options must reach; None when none was asked for."""
        return 1.0 if self.capabilities.exact else None

    def wider(self, parameters: dict[str, float]) -> dict[str, float] | None:
        """Return search parameters that look at more of a segment, or None where they are fixed or there are none."""
        return None

    def check(self, dimension: int, rows: int | None = None) -> None:
        """Raise BadEngineOptions when the options cannot work at this dimension, or with so many vectors.

        `validate` knows neither; `build` checks the dimension again.
        """
        self.validate(self.options)

    def build(
        self, source: VectorSource, dimension: int, folder: Path, *, queries: Vectors | None = None
    ) -> Generator[BuildStep, None, SegmentFile]:
        """Write a segment of all of the source's vectors below `folder`, in short steps; the last returns its file.

        The caller may do other work between two steps, or drop the generator. A build that was killed or dropped
        goes on from its last checkpoint when the same ids are built again by the same options. `queries`, shape
        (n, dimension), are what people asked: they are measured with, beside vectors of the source. Raises
        BadVectors, BadEngineOptions and OSError. Only for engines with `capabilities.segments`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no segments.")

    def apply(self, index_name: str, changes: VectorChanges) -> None:
        """Bring a remote copy to the state after `changes`; doing so twice does no harm.

        Only for engines with `capabilities.remote`.
        """
        raise NotImplementedError(f"{type(self).__name__} keeps no copy of its own.")

    def drop(self, index_name: str) -> None:
        """Forget a remote copy. Only for engines with `capabilities.remote`."""
        raise NotImplementedError(f"{type(self).__name__} keeps no copy of its own.")


def check_vectors(ids: NDArray[Any], vectors: NDArray[Any], dimension: int) -> None:
    """Raise BadVectors unless every vector may enter an index: right shape, finite, norm 1, ids unique."""
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise BadVectors(f"Vectors of shape {vectors.shape} do not fit an index of dimension {dimension}.")
    if len(ids) != len(vectors):
        raise BadVectors(f"{len(ids)} ids were given for {len(vectors)} vectors.")
    if len(np.unique(ids)) != len(ids):
        values, counts = np.unique(ids, return_counts=True)
        raise BadVectors(f"Id {int(values[counts > 1][0])} is given twice.")
    if len(ids) and int(np.min(ids)) < 0:
        raise BadVectors(f"Id {int(np.min(ids))} is negative.")
    norms = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1.0) <= NORM_TOLERANCE))
    if len(bad):
        raise BadVectors(f"The vector of id {int(ids[bad[0]])} has norm {norms[bad[0]]:.4g}; it must be 1.")


def check_queries(queries: NDArray[Any], dimension: int) -> Vectors:
    """Return the queries as contiguous float32. Raises BadVectors for a wrong dimension or numbers not finite."""
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise BadVectors(f"A query of shape {queries.shape} does not fit an index of dimension {dimension}.")
    if not np.isfinite(queries).all():
        raise BadVectors("A query vector has numbers that are not finite.")
    return np.ascontiguousarray(queries, dtype=np.float32)
