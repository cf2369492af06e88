"""Lets a GPU train and fill an index when FAISS was built for one and finds one; without it nothing changes.

An index comes back to the CPU before it is written, because segments are mapped by processes without a GPU. Types
that FAISS cannot move stay on the CPU. Never decides what is built.
"""

from typing import Any

from search.datatypes import Ids, Vectors

from .faiss_layers import name_of

_MOVABLE = ("IndexFlatL2", "IndexFlat", "IndexIVFFlat", "IndexIVFPQ", "IndexIVFScalarQuantizer")


def has_gpu() -> bool:
    """Return whether this FAISS can use a GPU of this machine."""
    import faiss

    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def on_gpu(index: Any) -> Any:
    """Return the index on the first GPU, if there is one and the type can be there; or else the index itself."""
    import faiss

    if not has_gpu() or name_of(faiss.downcast_index(index)) not in _MOVABLE:
        return index
    return faiss.index_cpu_to_gpu(_resources(), 0, index)


def on_cpu(index: Any) -> Any:
    """Return an index of the CPU with what the index holds, wherever it is."""
    import faiss

    return faiss.index_gpu_to_cpu(index) if name_of(index).startswith("GpuIndex") else index


def nearest_centroid(vectors: Vectors, centroids: Vectors) -> Ids:
    """Return for each vector the number of the centroid nearest to it."""
    import faiss

    found = faiss.knn_gpu(_resources(), vectors, centroids, 1) if has_gpu() else faiss.knn(vectors, centroids, 1)
    nearest: Ids = found[1][:, 0]
    return nearest


_kept: list[Any] = []


def _resources() -> Any:
    """Return the process's GPU resources; an index on the GPU lives only as long as they do."""
    import faiss

    if not _kept:
        _kept.append(faiss.StandardGpuResources())
    return _kept[0]
