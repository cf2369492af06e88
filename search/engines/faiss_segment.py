"""A segment that is open: verified, mapped, searched until it has given every neighbour that was asked for.

An approximate index may answer with fewer neighbours than there are, above all when few rows are allowed; it is
then searched wider and wider, and at last scanned. Segments are mapped, so that all processes share their pages;
only the block-interleaved codes of FastScan types do not map, and are private memory of each process (an eighth
to a quarter of a byte a number). A segment is never changed: what has left the index is masked by its rows.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from search.datatypes import Ids, SegmentFile, Vectors
from search.files import sha256_file

from .base import BadEngineOptions, IndexDamaged
from .faiss_layers import Layers, layers_of, mask_selector, rows_selector

_FEW = 700
"""When one of so many rows is allowed, it is faster to compare these one by one than to pass over all the others."""

_GRAPH_STEP = 20
"""About how many vectors a graph search compares for each step of efSearch."""


@dataclass(frozen=True)
class OpenSegment:
    """A verified segment: the mapped index, its ids by row number, and which of them are masked."""

    file: SegmentFile
    layers: Layers
    ids: Ids
    second_run: int
    """The row from which the ids ascend anew: what a build held out to measure with is added last."""
    dead: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    def without(self, dead: Ids) -> "OpenSegment":
        """Return this segment with those of the ascending ids `dead` that it holds masked, and no others."""
        rows = self.rows_of(dead)
        held = dead[rows >= 0]
        if np.array_equal(held, self.dead):
            return self
        return OpenSegment(self.file, self.layers, self.ids, self.second_run, held)

    def rows_of(self, wanted: Ids) -> Ids:
        """Return for each wanted id its row number, or -1."""
        rows = rows_of(self.ids[: self.second_run], wanted)
        if self.second_run < len(self.ids):
            later = rows_of(self.ids[self.second_run :], wanted)
            rows = np.where(later >= 0, later + self.second_run, rows)
        return rows

    def live_rows_of(self, wanted: Ids) -> Ids:
        """Return for each wanted id its row number, or -1; masked rows are not there."""
        rows = self.rows_of(wanted)
        if len(self.dead):
            rows[rows_of(self.dead, wanted) >= 0] = -1
        return rows

    @property
    def live_ids(self) -> Ids:
        """The ids that can be found, in the order of their rows."""
        ids: Ids = self.ids[self.live]
        return ids

    @property
    def size(self) -> int:
        """How many rows can be found."""
        return len(self.ids) - len(self.dead)

    @cached_property
    def live(self) -> np.ndarray:
        """Which rows can be found, as booleans."""
        mask = np.ones(len(self.ids), dtype=bool)
        mask[self.rows_of(self.dead)] = False
        return mask

    @cached_property
    def live_selector(self) -> Any:
        """The FAISS selector of the rows that can be found, or None when all can."""
        return mask_selector(self.live) if len(self.dead) else None

    @cached_property
    def tuned(self) -> dict[str, float]:
        """The search parameters that reach the recall asked for when every row is allowed."""
        return dict(self.file.parameters)

    @cached_property
    def tuned_parameters(self) -> Any:
        """The FAISS object of a search among all rows that can be found; only ever read."""
        return self.layers.search_parameters(self.tuned, self.live_selector)

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[Ids, Vectors]:
        """Return ids and distances, shape (n, min(k, how many are allowed)): every place is filled."""
        rows = None if allowed is None else self.live_rows_of(allowed)
        rows = rows if rows is None else rows[rows >= 0]
        count = self.size if rows is None else len(rows)
        k = min(k, count)
        if not k:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        if rows is not None and count <= len(self.ids) // _FEW:
            return self._compared(queries, k, rows)
        if rows is None:
            selector = self.live_selector
            distances, found = self.layers.index.search(queries, k, params=self.tuned_parameters)
        else:
            selector = rows_selector(rows, len(self.ids))
            distances, found = self._among(queries, k, selector, count)
        self._complete(queries, k, selector, distances, found)
        return self.ids[found], distances

    def distances(self, query: Vectors, rows: Ids) -> Vectors:
        """Return the distance of a query, shape (d,), to each of these rows."""
        return self.layers.distances(query, rows)

    def _compared(self, queries: Vectors, k: int, rows: Ids) -> tuple[Ids, Vectors]:
        """Compare the queries with a few rows one by one."""
        ids = np.empty((len(queries), k), np.int64)
        distances = np.empty((len(queries), k), np.float32)
        for at, query in enumerate(queries):
            every = self.layers.distances(query, rows)
            nearest = np.argpartition(every, k - 1)[:k]
            ids[at], distances[at] = self.ids[rows[nearest]], every[nearest]
        return ids, distances

    def _among(self, queries: Vectors, k: int, selector: Any, count: int) -> tuple[Vectors, Ids]:
        """Search among `count` rows: as much wider as they are fewer, or by a scan when that is less work."""
        share = count / len(self.ids)
        values = {name: value if name == "k_factor" else value / share for name, value in self.tuned.items()}
        if self._is_scan(values, count):
            return self.layers.scan(queries, k, selector)
        found: tuple[Vectors, Ids] = self.layers.index.search(
            queries, k, params=self.layers.search_parameters(values, selector)
        )
        return found

    def _is_scan(self, values: dict[str, float], count: int) -> bool:
        """Return whether searching with these values costs no less than comparing with `count` rows."""
        if self.layers.kind == "ivf":
            return values.get("nprobe", 1) >= int(self.layers.leaf.nlist)
        if self.layers.kind == "graph":
            return values.get("efSearch", int(self.layers.leaf.hnsw.efSearch)) * _GRAPH_STEP >= count
        return self.layers.refine is None

    def _complete(self, queries: Vectors, k: int, selector: Any, distances: Vectors, found: Ids) -> None:
        """Fill the places of neighbours that were not found, in place: widen the search, and finally scan."""
        values = dict(self.tuned)
        name = next((name for name in self.layers.tunable if name != "k_factor"), None)
        while len(short := np.flatnonzero((found < 0).any(axis=1))):
            if name is not None:
                values[name] = 2 * max(values.get(name, 1), k if name == "efSearch" else 1)
            if name is None or self._is_scan(values, len(self.ids)):
                distances[short], found[short] = self.layers.scan(queries[short], k, selector)
                return
            parameters = self.layers.search_parameters(values, selector)
            distances[short], found[short] = self.layers.index.search(queries[short], k, params=parameters)


def open_segment(file: SegmentFile, dimension: int) -> OpenSegment:
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
        layers = layers_of(index)
    except (RuntimeError, OSError, ValueError, BadEngineOptions) as error:
        raise IndexDamaged(f"Index file {file.path.name} cannot be opened: {error}", file.path) from error
    if index.d != dimension or index.ntotal != len(ids) or len(ids) != file.rows:
        raise IndexDamaged(
            f"Index file {file.path.name} has {index.ntotal} vectors of dimension {index.d} and {len(ids)} ids; "
            f"{file.rows} of dimension {dimension} belong there.",
            file.path,
        )
    return OpenSegment(file, layers, ids, _second_run(ids))


def rows_of(sorted_ids: Ids, wanted: Ids) -> Ids:
    """Return for each wanted id its position in `sorted_ids`, or -1."""
    if not len(sorted_ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    rows = np.searchsorted(sorted_ids, wanted)
    rows[rows == len(sorted_ids)] = 0
    return np.where(sorted_ids[rows] == wanted, rows, -1)


def _second_run(ids: Ids) -> int:
    """Return the first row whose id is below the one before it, or the number of rows."""
    falls = np.flatnonzero(ids[1:] < ids[:-1])
    return int(falls[0]) + 1 if len(falls) else len(ids)
