"""With a GPU, training and filling happen there and the index comes back; without one nothing changes.

No GPU is needed: a stand-in for FAISS's GPU functions says what was asked of it and computes on the CPU.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from search.engines import faiss_gpu
from search.engines.faiss_engine import FaissEngine
from search.engines.faiss_types import Recipe, make_index
from tests.engines.layouts import DIMENSION, Source, built, queries, vectors_of


class GpuIndexStandIn:
    """An index that says it is on a GPU."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One GPU, as FAISS shows it; gives the list of what was done with it."""
    done: list[str] = []

    def to_gpu(_resources: object, _device: int, index: Any) -> GpuIndexStandIn:
        done.append(f"to GPU: {type(index).__name__}")
        return GpuIndexStandIn(index)

    def to_cpu(index: GpuIndexStandIn) -> Any:
        done.append("to CPU")
        return index.index

    def knn(_resources: object, vectors: Any, centroids: Any, k: int) -> Any:
        done.append("knn")
        return faiss.knn(vectors, centroids, k)

    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    for name, stand_in in (
        ("StandardGpuResources", object),
        ("index_cpu_to_gpu", to_gpu),
        ("index_gpu_to_cpu", to_cpu),
        ("knn_gpu", knn),
    ):
        monkeypatch.setattr(faiss, name, stand_in, raising=False)
    monkeypatch.setattr(faiss_gpu, "name_of", lambda index: type(index).__name__.replace("StandIn", ""))
    monkeypatch.setattr(faiss_gpu, "_kept", [])
    return done


def test_without_a_gpu_an_index_stays_where_it_is() -> None:
    index = make_index(Recipe("Flat"), DIMENSION)

    assert not faiss_gpu.has_gpu()
    assert faiss_gpu.on_gpu(index) is index
    assert faiss_gpu.on_cpu(index) is index


def test_lists_are_trained_and_filled_on_the_gpu_and_come_back(gpu: list[str], tmp_path: Path) -> None:
    source = Source(np.arange(400, dtype=np.int64))

    file = built(FaissEngine({"index_type": "IVFFlat"}), source, DIMENSION, tmp_path)

    assert (file.index_type, file.rows) == ("IVF10,Flat", 400)
    assert "knn" in gpu
    assert [entry for entry in gpu if entry != "knn"] == ["to GPU: IndexIVFFlat", "to CPU"]


def test_a_graph_stays_on_the_cpu(gpu: list[str], tmp_path: Path) -> None:
    source = Source(np.arange(100, dtype=np.int64))

    built(FaissEngine({"index_type": "HNSW"}), source, DIMENSION, tmp_path)

    assert gpu == []


def test_the_nearest_centroid_is_the_same_on_both(gpu: list[str]) -> None:
    vectors, centroids = queries(50), vectors_of(range(5))

    expected = np.argmin(((vectors[:, None] - centroids[None]) ** 2).sum(axis=2), axis=1)

    np.testing.assert_array_equal(faiss_gpu.nearest_centroid(vectors, centroids), expected)
    assert gpu == ["knn"]
