"""Measures index types through the product's own engine, with hnswlib and usearch as yardsticks.

    python benchmarks/index_types.py --vectors FILE.npy|synthetic --n 100000 [--types Flat HNSW auto@memory_mb=60 …]
        [--recall 0.98] [--queries 4000] [--format json]

FILE.npy holds float32 vectors, shape (n, dimension); they are normalised. Some of them become queries and are not
indexed. On one half of these the yardsticks are tuned, as the product tunes itself on vectors that it holds out; all
are measured on the other half, in one thread, one query at a time, in turns, because machines are noisy. Recall@10 is
counted against every distance. The yardsticks are no part of the product: pip install hnswlib usearch.
"""

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from search.datatypes import Ids, IndexState, SegmentFile, Vectors
from search.engines.faiss_engine import FaissEngine

K = 10
ALWAYS = ("rule", "IVFFlat", "auto")
ROUNDS = 9
Search = Callable[[Vectors], Any]


@dataclass
class Row:
    """One line of the table."""

    name: str
    index_type: str
    parameters: str
    build_seconds: float
    peak_mb: float
    bytes_per_vector: float
    recall: float = 0.0
    us: float = 0.0
    reader_us: float | None = None


@dataclass
class Contender:
    """Something that is measured: `search` answers one query, `found` gives the ids that it answered many with."""

    row: Row
    search: Search
    found: Callable[[Vectors], Ids]
    reader: Search | None = None


@dataclass(frozen=True)
class Data:
    """Vectors to index, and queries with their true neighbours' distances."""

    vectors: Vectors
    tuning: Vectors
    queries: Vectors

    def recall(self, queries: Vectors, found: Ids) -> tuple[float, float]:
        """Return the share of the true 10 nearest that were found, and its standard error; ties count."""
        limits = np.empty(len(queries), np.float32)
        for at in range(0, len(queries), 100):
            cosines = queries[at : at + 100] @ self.vectors.T
            limits[at : at + 100] = np.partition(cosines, -K, axis=1)[:, -K]
        cosines = np.einsum("qd,qkd->qk", queries, self.vectors[np.maximum(found, 0)])
        shares = ((cosines >= limits[:, None] - 1e-6) & (found >= 0)).mean(axis=1)
        return float(shares.mean()), float(shares.std() / np.sqrt(len(shares)))


class Source:
    """The vectors as the engine reads them; the ids are row numbers."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self.ids: Ids = np.arange(len(vectors), dtype=np.int64)

    def read(self, ids: Ids) -> Vectors:
        """Return the vectors of these ids."""
        result: Vectors = self.vectors[ids]
        return result


def main() -> None:
    """Build, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", required=True, help="an .npy file, or synthetic")
    parser.add_argument("--n", type=int, default=0, help="only so many vectors (synthetic: 100,000 unless told)")
    parser.add_argument("--types", nargs="*", default=[], help="beside rule, IVFFlat and auto; options follow an @")
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--queries", type=int, default=4_000)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    data = prepared(arguments.vectors, arguments.n, arguments.queries)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # All are built before anything is searched: a process that has searched with OpenMP must not fork.
        contenders = [
            built(kind, data, arguments.recall, folder) for kind in dict.fromkeys([*ALWAYS, *arguments.types])
        ]
        yardsticks = [make(data, arguments.recall, folder) for make in (hnswlib_graph, usearch_graph)]
        contenders += [contender for contender in yardsticks if contender is not None]
        ratios = measure(contenders, data)
    show([contender.row for contender in contenders], ratios, data, arguments.format)


def prepared(source: str, count: int, queries: int) -> Data:
    """Return the vectors, less those that become queries."""
    vectors = synthetic(count or 100_000) if source == "synthetic" else np.load(source)[: count or None]
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = min(queries, len(vectors) // 10)
    chosen = np.random.default_rng(7).permutation(len(vectors))[:queries]
    asked = vectors[chosen]
    return Data(np.delete(vectors, chosen, axis=0), asked[: queries // 2], asked[queries // 2 :])


def synthetic(count: int) -> Vectors:
    """Return vectors as hard to search as those of short texts: topics within subjects, few directions that matter."""
    random = np.random.default_rng(1)
    dimension, subjects = 384, 200
    scale = (1 + np.arange(dimension, dtype=np.float32)) ** -0.4
    rotation = np.linalg.qr(random.standard_normal((dimension, dimension)))[0].astype(np.float32)
    centres = random.standard_normal((subjects, dimension), dtype=np.float32)
    topics = max(subjects, count // 40)
    centres = centres[random.integers(subjects, size=topics)] + random.standard_normal((topics, dimension), np.float32)
    result = np.empty((count, dimension), np.float32)
    for at in range(0, count, 50_000):
        rows = result[at : at + 50_000]
        own = random.standard_normal(rows.shape, np.float32)
        rows[:] = ((0.5 * centres[random.integers(topics, size=len(rows))] + 0.9 * own) * scale) @ rotation
    return result


def built(name: str, data: Data, recall: float, folder: Path) -> Contender:
    """Build one of the product's types and open it as a web process would."""
    index_type, *rest = name.split("@")
    options: dict[str, Any] = {"index_type": index_type} | ({} if index_type == "rule" else {"recall": recall})
    options |= {key: json.loads(value) for key, value in (part.split("=") for part in rest)}
    engine, dimension = FaissEngine(options), data.vectors.shape[1]
    file = in_child(lambda: finished(engine, data, folder)).result
    measured = file.measured
    assert measured is not None
    no_ids = np.empty(0, np.int64)
    reader = engine.open(IndexState(1, dimension, (file,), no_ids, np.empty((0, dimension), np.float32), no_ids))
    # The index alone, as hnswlib's and usearch's calls are; what the reader adds is shown beside it.
    segment = reader.segments[0]
    index, parameters = segment.layers.index, segment.tuned_parameters
    row = Row(
        name,
        file.index_type,
        " ".join(f"{key}={value:g}" for key, value in file.parameters),
        measured.build_seconds,
        measured.peak_memory_mb,
        measured.bytes_per_vector,
    )
    progress(f"{name}: {file.index_type} {row.parameters}, {measured.build_seconds:.0f} s, recall {measured.recall}")
    return Contender(
        row,
        search=lambda queries: index.search(queries, K, params=parameters),
        found=lambda queries: np.stack([answer.ids for answer in reader.search(queries, K)]),
        reader=lambda queries: reader.search(queries, K),
    )


def finished(engine: FaissEngine, data: Data, folder: Path) -> SegmentFile:
    """Run a build to its end."""
    steps = engine.build(Source(data.vectors), data.vectors.shape[1], folder)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            file: SegmentFile = end.value
            return file


def hnswlib_graph(data: Data, recall: float, folder: Path) -> Contender | None:
    """Return hnswlib's graph, M 16 and ef_construction 200, tuned by the narrowest ef that reaches the recall."""
    if importlib.util.find_spec("hnswlib") is None:
        progress("hnswlib is missing: pip install hnswlib")
        return None
    hnswlib = importlib.import_module("hnswlib")
    path = folder / "hnswlib"
    index = hnswlib.Index("l2", data.vectors.shape[1])

    def build() -> None:
        index.init_index(len(data.vectors), ef_construction=200, M=16)
        index.add_items(data.vectors, num_threads=1)
        index.save_index(str(path))

    built = in_child(build)
    index.load_index(str(path))
    size = path.stat().st_size / len(data.vectors)
    row = Row("hnswlib", "M=16 ef_construction=200", "", built.seconds, built.grown_mb, size)
    contender = Contender(
        row,
        search=lambda queries: index.knn_query(queries, K, num_threads=1),
        found=lambda queries: index.knn_query(queries, K, num_threads=1)[0].astype(np.int64),
    )
    return narrowed(contender, index.set_ef, data, recall)


def usearch_graph(data: Data, recall: float, folder: Path) -> Contender | None:
    """Return usearch's graph over float32 with its defaults, tuned likewise."""
    if importlib.util.find_spec("usearch") is None:
        progress("usearch is missing: pip install usearch")
        return None
    usearch = importlib.import_module("usearch.index")
    path = folder / "usearch"
    index = usearch.Index(ndim=data.vectors.shape[1], metric="l2sq", dtype="f32")

    def build() -> None:
        index.add(np.arange(len(data.vectors)), data.vectors, threads=1)
        index.save(str(path))

    def found(queries: Vectors) -> Ids:
        return np.stack([np.resize(index.search(query, K, threads=1).keys.astype(np.int64), K) for query in queries])

    built = in_child(build)
    index.load(str(path))
    size = path.stat().st_size / len(data.vectors)
    row = Row("usearch", "f32", "", built.seconds, built.grown_mb, size)
    contender = Contender(row, lambda queries: index.search(queries, K, threads=1), found)
    return narrowed(contender, lambda width: setattr(index, "expansion_search", width), data, recall)


def narrowed(contender: Contender, widen: Callable[[int], None], data: Data, recall: float) -> Contender:
    """Set the narrowest search that reaches the recall by 1.5 standard errors, as the product's tuning does."""
    low, high = K, 4_096
    while low < high:
        middle = (low + high) // 2
        widen(middle)
        reached, error = data.recall(data.tuning, contender.found(data.tuning))
        if reached - 1.5 * error >= recall:
            high = middle
        else:
            low = middle + 1
    widen(high)
    contender.row.parameters = f"ef={high}"
    progress(f"{contender.row.name}: ef {high}, {contender.row.build_seconds:.0f} s")
    return contender


@dataclass(frozen=True)
class Done:
    """What a child process did: its result, its seconds, and the MB by which it had grown in the end."""

    result: Any
    seconds: float
    grown_mb: float


def in_child(work: Callable[[], Any]) -> Done:
    """Do the work in a process of its own, so that memory is measured from the same start for all."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)

    def run() -> None:
        before, begun = psutil.Process().memory_info().rss, time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begun
        sender.send(Done(result, seconds, (psutil.Process().memory_info().rss - before) / 2**20))

    child = fork.Process(target=run)
    child.start()
    sender.close()
    done: Done = receiver.recv()
    child.join()
    return done


def measure(contenders: list[Contender], data: Data) -> dict[str, float]:
    """Fill in recall and microseconds, round by round with all contenders in turn; return the ratios."""
    import faiss

    faiss.omp_set_num_threads(1)
    for contender in contenders:
        contender.row.recall, _ = data.recall(data.queries, contender.found(data.queries))
    parts = np.array_split(np.arange(len(data.queries)), ROUNDS)
    times = np.array([[each_of(contender.search, data.queries[part]) for contender in contenders] for part in parts])
    for contender, column in zip(contenders, times.T, strict=True):
        contender.row.us = float(np.median(column))
        if contender.reader is not None:
            contender.row.reader_us = each_of(contender.reader, data.queries[:200])
    names = [contender.row.name for contender in contenders]
    auto = times[:, names.index("auto")]
    against = {"the rule's IVFFlat at the same recall": "IVFFlat", "hnswlib": "hnswlib", "usearch": "usearch"}
    return {
        label: float(np.median(times[:, names.index(name)] / auto)) for label, name in against.items() if name in names
    }


def each_of(search: Search, queries: Vectors) -> float:
    """Return microseconds of computing for one query, one query a call, after a few that warm the caches."""
    for query in queries[:5]:
        search(query[None])
    begun = time.process_time()
    for at in range(len(queries)):
        search(queries[at : at + 1])
    return (time.process_time() - begun) / len(queries) * 1e6


def show(rows: list[Row], ratios: dict[str, float], data: Data, form: str) -> None:
    """Print the table, or JSON."""
    if form == "json":
        print(json.dumps({"vectors": len(data.vectors), "rows": [asdict(row) for row in rows], "ratios": ratios}))
        return
    print(f"{len(data.vectors):,} vectors of {data.vectors.shape[1]}, {len(data.queries):,} queries, one thread\n")
    print(
        "| type | built as | parameters | build s | peak MB | bytes a vector | recall@10 | µs a query | in the reader |"
    )
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        reader = "" if row.reader_us is None else f"{row.reader_us:,.0f}"
        print(
            f"| {row.name} | {row.index_type} | {row.parameters} | {row.build_seconds:,.1f} | {row.peak_mb:,.0f} | "
            f"{row.bytes_per_vector:,.0f} | {row.recall:.4f} | {row.us:,.0f} | {reader} |"
        )
    print()
    for label, ratio in ratios.items():
        print(f"auto answers {ratio:.2f} times the queries a second of {label}")


def progress(text: str) -> None:
    """Say on the error stream what is going on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
