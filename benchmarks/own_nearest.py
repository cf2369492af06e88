"""The product's engine as `yardsticks/nearest.py` runs the others: one process, one thread, one query at a time.

    python benchmarks/own_nearest.py NAME FOLDER TARGET

It is `index_type` auto, tuned by itself to the recall on vectors of its own, before it sees a query.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from search.datatypes import IndexState, Vectors
from search.engines.faiss_engine import FaissEngine

K = 10


class Source:
    """Vectors in memory, as a build reads them."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self.ids = np.arange(len(vectors), dtype=np.int64)

    def read(self, ids: np.ndarray) -> Vectors:
        """Return the vectors of some ids."""
        return self.vectors[ids]


def main() -> None:
    """Build, search, print one line of JSON."""
    folder, target = Path(sys.argv[2]), float(sys.argv[3])
    vectors, queries, truth = (np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "truth"))
    engine = FaissEngine({"index_type": "auto", "recall": target})
    begun = time.perf_counter()
    steps = engine.build(Source(vectors), vectors.shape[1], folder)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            file = end.value
            break
    built = time.perf_counter() - begun
    dimension, nothing = vectors.shape[1], np.empty(0, np.int64)
    reader = engine.open(IndexState(1, dimension, (file,), nothing, np.empty((0, dimension), np.float32), nothing))
    found = [reader.search(query[None], K)[0].ids for query in queries]
    recall = float(np.mean([len({*a.tolist()} & {*b.tolist()}) / K for a, b in zip(found, truth, strict=True)]))
    times = []
    for _ in range(3):
        for query in queries:
            begun = time.perf_counter()
            reader.search(query[None], K)
            times.append(time.perf_counter() - begun)
    said = {"library": f"semsearch {file.index_type}", "build_seconds": built, "recall": recall}
    said |= {"width": dict(file.parameters), "p50_ms": 1e3 * float(np.percentile(times, 50))}
    said |= {"p99_ms": 1e3 * float(np.percentile(times, 99))}
    said_by_kernel = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps(said | {"peak_mb": int(said_by_kernel["VmHWM"].split()[0]) / 1e3}))


if __name__ == "__main__":
    main()
