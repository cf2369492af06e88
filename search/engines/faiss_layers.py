"""What a FAISS index is made of, so that all types are searched, scanned and measured by the same few calls.

An index is, from the outside in, an optional refinement (`IndexRefine`), optional transforms (PCA, OPQ), and a
leaf that chooses candidates: flat codes, inverted lists, or a graph over flat codes. Types of other layers are
refused. Search parameters travel with each call; the shared index object is never changed, because other threads
search it at the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from search.datatypes import Ids, Vectors

from .base import BadEngineOptions

VECTORS_PER_CENTROID = 39

_FLAT = ("IndexFlatL2", "IndexFlat", "IndexScalarQuantizer", "IndexRaBitQ")
_IVF = (
    "IndexIVFFlat",
    "IndexIVFPQ",
    "IndexIVFScalarQuantizer",
    "IndexIVFPQFastScan",
    "IndexIVFRaBitQ",
    "IndexIVFRaBitQFastScan",
)
_GRAPH = ("IndexHNSWFlat", "IndexHNSWSQ")
_REFINE = ("IndexRefine", "IndexRefineFlat")
_TRANSFORMS = ("PCAMatrix", "OPQMatrix", "RandomRotationMatrix", "NormalizationTransform")
_COARSE = ("IndexFlatL2", "IndexFlat", "IndexHNSWFlat")


@dataclass(frozen=True)
class Layers:
    """Views of one index's parts. `index` owns them: they die with it."""

    index: Any
    refine: Any | None
    transforms: tuple[Any, ...]
    leaf: Any
    kind: Literal["flat", "ivf", "graph"]

    @property
    def exact(self) -> bool:
        """True when a plain search returns the true nearest neighbours."""
        return self.refine is None and not self.transforms and name_of(self.leaf) in _FLAT[:2]

    @property
    def tunable(self) -> tuple[str, ...]:
        """The names of the search parameters that trade time for recall."""
        of_leaf = {"flat": (), "ivf": ("nprobe",), "graph": ("efSearch",)}[self.kind]
        return of_leaf + (("k_factor",) if self.refine is not None else ())

    @property
    def stored(self) -> Any | None:
        """The index that holds each vector by its row number, in its best form; None for bare inverted lists."""
        if self.refine is not None:
            return self.refine
        if self.kind == "graph":
            return _storage(self.leaf)
        return self.leaf if self.kind == "flat" else None

    @property
    def vectors_needed(self) -> int:
        """How many vectors training needs at least, for centroids that mean something; 0 without any."""
        needed = [0]
        if self.kind == "ivf":
            needed.append(VECTORS_PER_CENTROID * self.leaf.nlist)
        quantizer = product_quantizer(self.leaf)
        if quantizer is not None:
            needed.append(VECTORS_PER_CENTROID * quantizer.ksub)
        for transform in self.transforms:
            if name_of(transform) == "PCAMatrix":
                needed.append(transform.d_in)
            elif name_of(transform) == "OPQMatrix":
                needed.append(max(transform.d_in, VECTORS_PER_CENTROID * 256))
        return max(needed)

    def search_parameters(self, values: Mapping[str, float], selector: Any = None) -> Any:
        """Return the FAISS object that searches with these values and among the selector's rows."""
        import faiss

        if self.kind == "ivf":
            lists = min(int(values.get("nprobe", 1)), self.leaf.nlist)
            result: Any = faiss.SearchParametersIVF(sel=selector, nprobe=lists)  # type: ignore[call-arg]
        elif self.kind == "graph":
            width = int(values.get("efSearch", self.leaf.hnsw.efSearch))
            result = faiss.SearchParametersHNSW(sel=selector, efSearch=width)  # type: ignore[attr-defined]
        else:
            result = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        if self.transforms:
            result = faiss.SearchParametersPreTransform(index_params=result)  # type: ignore[call-arg]
        if self.refine is not None:
            factor = float(values.get("k_factor", 1))
            result = faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=result)  # type: ignore[call-arg]
        return result

    def scan(self, queries: Vectors, k: int, selector: Any = None) -> tuple[Vectors, Ids]:
        """Return distances and rows of the k nearest of all rows (of the selector): nothing is left out."""
        import faiss

        stored = self.stored
        queries = self._inside(queries)
        if stored is not None:
            found = stored.search(queries, k, params=faiss.SearchParameters(sel=selector))  # type: ignore[call-arg]
            return found[0], found[1]
        # By hand, because a graph over the centroids would leave some lists out.
        lists = self.leaf.nlist
        gaps, nearest = coarse_centroids(self.leaf).search(queries, lists)
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=lists)  # type: ignore[call-arg]
        distances, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        given, answer = (queries, nearest, gaps), (distances, rows)
        x, assigned, apart, near, labels = (faiss.swig_ptr(array) for array in (*given, *answer))
        self.leaf.search_preassigned_c(len(queries), x, k, assigned, apart, near, labels, False, parameters)
        return distances, rows

    def distances(self, query: Vectors, rows: Ids) -> Vectors:
        """Return the distance of a query, shape (d,), to each row, in the rows' order, from their best form."""
        if not len(rows):
            return np.empty(0, np.float32)
        if self.stored is not None:
            difference = self.stored.reconstruct_batch(rows) - self._inside(query[None])[0]
            result: Vectors = np.einsum("ij,ij->i", difference, difference)
            return result
        unique, back = np.unique(rows, return_inverse=True)
        gaps, found = self.scan(query[None], len(unique), rows_selector(unique, self.index.ntotal))
        result = np.empty(len(unique), np.float32)
        result[np.searchsorted(unique, found[0])] = gaps[0]
        ordered: Vectors = result[back]
        return ordered

    def _inside(self, queries: Vectors) -> Vectors:
        """Return the queries as the stored codes see them; refinement stores vectors as they came."""
        if self.refine is None:
            for transform in self.transforms:
                queries = transform.apply(queries)
        return queries


def layers_of(index: Any) -> Layers:
    """Return an index's layers. Raises BadEngineOptions for a type that segments cannot be made of."""
    import faiss

    part: Any = faiss.downcast_index(index)
    refine, transforms = None, []
    if name_of(part) in _REFINE:
        refine, part = faiss.downcast_index(part.refine_index), faiss.downcast_index(part.base_index)
        _require(refine, _FLAT[:3], "refinement", "RFlat or Refine(SQfp16)")
    if name_of(part) == "IndexPreTransform":
        transforms = [faiss.downcast_VectorTransform(part.chain.at(at)) for at in range(part.chain.size())]
        part = faiss.downcast_index(part.index)
        for transform in transforms:
            _require(transform, _TRANSFORMS, "transform", "PCA or OPQ")
    _require(part, _FLAT + _IVF + _GRAPH, "index type", "Flat, SQ8, IVFFlat, IVFPQ, HNSW or IVFRaBitQ")
    kind: Literal["flat", "ivf", "graph"] = "flat"
    if name_of(part) in _IVF:
        kind = "ivf"
        _require(faiss.downcast_index(part.quantizer), _COARSE, "coarse quantizer", "IVF<n> or IVF<n>_HNSW<m>")
    elif name_of(part) in _GRAPH:
        kind = "graph"
    return Layers(index, refine, tuple(transforms), part, kind)


def coarse_centroids(leaf: Any) -> Any:
    """Return the flat index of an inverted file's centroids."""
    import faiss

    quantizer: Any = faiss.downcast_index(leaf.quantizer)
    return _storage(quantizer) if name_of(quantizer) == "IndexHNSWFlat" else quantizer


def product_quantizer(leaf: Any) -> Any | None:
    """Return the product quantizer of inverted lists that have one."""
    return leaf.pq if name_of(leaf) in ("IndexIVFPQ", "IndexIVFPQFastScan") else None


def rows_selector(rows: Ids, total: int) -> Any:
    """Return the FAISS selector of these row numbers."""
    mask = np.zeros(total, dtype=bool)
    mask[rows] = True
    return mask_selector(mask)


def mask_selector(mask: np.ndarray) -> Any:
    """Return the FAISS selector of the rows that are True in `mask`."""
    import faiss

    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg,arg-type]


def name_of(part: Any) -> str:
    """Return the name of a FAISS object's class."""
    return type(part).__name__


def write_index(index: Any, path: Path) -> None:
    """Write an index. Raises OSError; FAISS's own writer tells of a full disk as a RuntimeError, or not at all when
    the file is closed."""
    import faiss

    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write, 1 << 20))  # type: ignore[attr-defined]


def _storage(graph: Any) -> Any:
    import faiss

    return faiss.downcast_index(graph.storage)


def _require(part: Any, known: tuple[str, ...], what: str, instead: str) -> None:
    if name_of(part) not in known:
        raise BadEngineOptions(
            f"{name_of(part)} cannot be a segment's {what}: it cannot be restricted to the allowed documents, added to "
            f"in steps, or measured by L2 distances. Use {instead}."
        )
