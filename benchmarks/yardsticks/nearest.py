"""Nearest neighbours by one library: builds, widens its search until the recall is reached, and times single queries.

    python nearest.py LIBRARY FOLDER TARGET

FOLDER has vectors.npy, queries.npy and truth.npy (the ten nearest of each query). Prints one line of JSON. One thread.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "LANCE_CPU_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  it reads the number of threads when it is imported

K = 10
WIDTHS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


def faiss(vectors, folder):
    """IVFFlat by the rule of √n lists."""
    import faiss as library

    library.omp_set_num_threads(1)
    lists = int(len(vectors) ** 0.5)
    quantizer = library.IndexFlatIP(vectors.shape[1])
    index = library.IndexIVFFlat(quantizer, vectors.shape[1], lists, library.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)

    def search(query, width):
        index.nprobe = width
        return index.search(query[None], K)[1][0]

    return search, WIDTHS


def hnswlib(vectors, folder):
    """HNSW with its usual construction."""
    import hnswlib as library

    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors, num_threads=1)

    def search(query, width):
        index.set_ef(width)
        return index.knn_query(query, K, num_threads=1)[0][0]

    return search, WIDTHS


def usearch(vectors, folder):
    """HNSW with its defaults."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
    index.add(np.arange(len(vectors)), vectors, threads=1)

    def search(query, width):
        index.expansion_search = width
        return index.search(query, K, threads=1).keys

    return search, WIDTHS


def chromadb(vectors, folder):
    """A local persistent collection, at its own settings."""
    import chromadb as library

    client = library.PersistentClient(str(folder / "chroma"))
    collection = client.create_collection("vectors", configuration={"hnsw": {"space": "ip", "ef_search": 100}})
    for at in range(0, len(vectors), 5_000):
        part = vectors[at : at + 5_000]
        collection.add(ids=[str(at + row) for row in range(len(part))], embeddings=part)

    def search(query, width):
        return [int(found) for found in collection.query(query_embeddings=[query], n_results=K, include=[])["ids"][0]]

    return search, (100,)


def lancedb(vectors, folder):
    """IVF_HNSW_SQ, refined by the true vectors."""
    import lancedb as library
    import pyarrow

    rows = pyarrow.table({"id": np.arange(len(vectors)), "vector": pyarrow.FixedSizeListArray.from_arrays(
        pyarrow.array(vectors.ravel()), vectors.shape[1])})  # fmt: skip
    table = library.connect(str(folder / "lance")).create_table("vectors", rows)
    table.create_index(metric="dot", index_type="IVF_HNSW_SQ", vector_column_name="vector")

    def search(query, width):
        asked = table.search(query).metric("dot").nprobes(20).ef(max(width, 2 * K)).refine_factor(2).select(["id"])
        return asked.limit(K).to_arrow()["id"].to_numpy()

    return search, WIDTHS


def sqlite_vec(vectors, folder):
    """A virtual table, which looks at every vector."""
    import sqlite3

    import sqlite_vec as library

    connection = sqlite3.connect(folder / "vec.sqlite3")
    connection.enable_load_extension(True)
    library.load(connection)
    connection.execute(f"CREATE VIRTUAL TABLE v USING vec0(vector float[{vectors.shape[1]}] distance_metric=cosine)")
    rows = ((at, vector.tobytes()) for at, vector in enumerate(vectors))
    connection.executemany("INSERT INTO v(rowid, vector) VALUES (?, ?)", rows)
    connection.commit()

    def search(query, width):
        asked = "SELECT rowid FROM v WHERE vector MATCH ? AND k = ? ORDER BY distance"
        return [row[0] for row in connection.execute(asked, (query.tobytes(), K))]

    return search, (0,)


def qdrant_client(vectors, folder):
    """Its local mode, which looks at every vector."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    by_product = models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT)
    client.create_collection("vectors", vectors_config=by_product)
    client.upload_collection("vectors", vectors=vectors, ids=range(len(vectors)))

    def search(query, width):
        return [each.id for each in client.query_points("vectors", query=query, limit=K).points]

    return search, (0,)


def main():
    library, folder, target = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    vectors, queries, truth = (np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "truth"))
    begun = time.perf_counter()
    search, widths = globals()[library](vectors, folder)
    built = time.perf_counter() - begun
    for width in widths:
        found = [search(query, width) for query in queries]
        recall = float(np.mean([len({*map(int, a)} & {*map(int, b)}) / K for a, b in zip(found, truth, strict=True)]))
        if recall >= target:
            break
    times = []
    for _ in range(3):
        for query in queries:
            begun = time.perf_counter()
            search(query, width)
            times.append(time.perf_counter() - begun)
    said_by_kernel = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(said_by_kernel["VmHWM"].split()[0]) / 1e3  # getrusage begins with the peak of who started this
    said = {"library": f"{library} {version(library.replace('faiss', 'faiss-cpu'))}", "build_seconds": built}
    said |= {"recall": recall, "width": width, "p50_ms": 1e3 * float(np.percentile(times, 50))}
    print(json.dumps(said | {"p99_ms": 1e3 * float(np.percentile(times, 99)), "peak_mb": peak}))


if __name__ == "__main__":
    main()
