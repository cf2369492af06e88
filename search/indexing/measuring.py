"""Measures a version's dense index as readers will use it: recall against exact search, time, size.

Queries are vectors of the version's own chunks, each without itself, and what people really searched for when
searches are logged. The truth is computed from the database's vectors, not from any index file.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from search import registry
from search.datatypes import BuildStep, Ids, Vectors
from search.engines.base import IndexReader
from search.failpoints import failpoint
from search.files import folder_bytes
from search.index_state import StoredVectors, read_state
from search.indexing.leases import Lease
from search.indexing.logged_queries import logged_query_vectors
from search.indexing.segments import next_generation
from search.models import Chunk, IndexVersion, Segment

K = 10
_CHUNK_QUERIES = 200
_BLOCK_ROWS = 4_000
_SEARCHES_A_STEP = 25
_ROUNDS = 6
_TIE = 1e-5  # distances closer than this are one distance; float32 sums differ by the order of adding


@dataclass(slots=True)
class _Measurement:
    segments: tuple[tuple[int, str], ...]
    steps: Generator[BuildStep, None, dict[str, Any]]


_running: dict[int, _Measurement] = {}


def step(version: IndexVersion, lease: Lease) -> bool:
    """Do one short step of measuring a version whose main segment has not been measured; False when it has."""
    shape = _shape(version)
    running = _running.get(version.pk)
    if running is None or running.segments != shape:
        if not wanted(version):
            _running.pop(version.pk, None)
            return False
        running = _running[version.pk] = _Measurement(shape, measure_steps(version))
    lease.renew()
    try:
        failpoint("measure.step")
        progress = next(running.steps)
    except StopIteration as finished:
        del _running[version.pk]
        with transaction.atomic():
            lease.renew()
            _keep(version, finished.value)
        failpoint("measure.kept")
    except BaseException:
        del _running[version.pk]
        raise
    else:
        version.note_step(f"measuring: {progress.phase}", progress.done, progress.total)
    version.refresh_from_db()
    return True


def _shape(version: IndexVersion) -> tuple[tuple[int, str], ...]:
    return tuple((pk, str(parameters)) for pk, parameters in version.segments.values_list("pk", "parameters"))


def wanted(version: IndexVersion) -> bool:
    """Tell whether the segment that holds most is another one than when the version was measured last."""
    if version.measured_at is None:
        return bool(version.chunks) or version.state != IndexVersion.State.ACTIVE
    if version.recall is None and version.chunks:  # it was empty when it was measured, and may not be now
        return bool(version.measurements.get("generation") != version.generation)
    main = version.segments.order_by("-rows", "pk").first()
    seen = {(s["id"], str(s["parameters"])) for s in version.measurements.get("segments", [])}
    return main is not None and (main.pk, str(main.parameters)) not in seen


def _keep(version: IndexVersion, columns: dict[str, Any]) -> None:
    """Write down what was measured; where it misses its target, let searches look further and measure again."""
    rounds = version.measurements.get("rounds", 0) if "rounds" in version.measurements else 0
    recall = columns.get("recall")
    columns["measurements"]["rounds"] = 0
    target = columns.get("recall_target")
    if recall is not None and target is not None and recall < target and rounds < _ROUNDS and _look_further(version):
        columns["measurements"]["rounds"] = rounds + 1
    columns["disk_bytes"] = folder_bytes(version.folder)
    IndexVersion.objects.filter(pk=version.pk).update(
        step="", step_done=0, step_total=0, step_since=None, **columns
    )  # fmt: skip


def _look_further(version: IndexVersion) -> bool:
    """Raise the search parameters that were tuned, by half; False where a curator has fixed them or there are none."""
    engine = registry.engine_for(version.engine, version.engine_options)
    raised = False
    for segment in version.segments.all():
        wider = engine.wider(segment.parameters)
        if wider is not None:
            segment.pk, segment.parameters = None, wider  # a new row, so that readers open it anew
            with transaction.atomic():
                version.segments.filter(first_id=segment.first_id).delete()
                segment.save(force_insert=True)
            raised = True
    if raised:
        next_generation(version)
    return raised


def measure_steps(version: IndexVersion) -> Generator[BuildStep, None, dict[str, Any]]:
    """Measure in short steps; return what belongs into the version's columns."""
    live = Chunk.objects.filter(version=version).live().order_by("pk").values_list("pk", flat=True)
    ids: Ids = np.fromiter(live.iterator(10_000), np.int64)
    if not len(ids):
        return {"measured_at": timezone.now(), "measurements": {"queries": 0, "generation": version.generation}}
    source = StoredVectors(version, ids)
    own = _sample(ids, version)
    logged = logged_query_vectors(version)
    queries = source.read(own) if logged is None else np.concatenate([source.read(own), logged])
    excluded = np.concatenate([own, np.full(len(queries) - len(own), -1, np.int64)])
    kth, nearest = yield from _truth(source, queries, excluded)
    reader = registry.engine_for(version.engine, version.engine_options).open(read_state(version))
    recalls, times = yield from _ask(reader, source, queries, excluded, kth, nearest)
    return _columns(version, reader.size, recalls, times, chunks=len(own))


def _sample(ids: Ids, version: IndexVersion) -> Ids:
    random = np.random.default_rng([version.pk, version.generation])
    return np.sort(random.choice(ids, min(_CHUNK_QUERIES, len(ids)), replace=False))


def _truth(
    source: StoredVectors, queries: Vectors, excluded: Ids
) -> Generator[BuildStep, None, tuple[Vectors, list[set[int]]]]:
    """Return for each query the distance of its K-th neighbour and the ids of the K nearest, by brute force."""
    count = len(queries)
    best = np.full((count, 0), np.inf, np.float32)
    best_ids = np.full((count, 0), -1, np.int64)
    for at in range(0, len(source.ids), _BLOCK_ROWS):
        ids = source.ids[at : at + _BLOCK_ROWS]
        distances = 2.0 - 2.0 * (queries @ source.read(ids).T)
        distances[excluded[:, None] == ids[None, :]] = np.inf
        best = np.concatenate([best, distances], axis=1)
        best_ids = np.concatenate([best_ids, np.broadcast_to(ids, distances.shape)], axis=1)
        keep = np.argsort(best, axis=1, kind="stable")[:, :K]
        best, best_ids = np.take_along_axis(best, keep, 1), np.take_along_axis(best_ids, keep, 1)
        yield BuildStep("truth", min(at + _BLOCK_ROWS, len(source.ids)), len(source.ids))
    kth = np.where(np.isfinite(best), best, -np.inf).max(axis=1)
    found = [
        {int(i) for i, d in zip(row, far, strict=True) if np.isfinite(d)}
        for row, far in zip(best_ids, best, strict=True)
    ]
    return kth.astype(np.float32), found


def _ask(
    reader: IndexReader,
    source: StoredVectors,
    queries: Vectors,
    excluded: Ids,
    kth: Vectors,
    nearest: list[set[int]],
) -> Generator[BuildStep, None, tuple[list[float], list[float]]]:
    """Search with every query; return recall and microseconds of each. One as near as the K-th counts as found."""
    recalls: list[float] = []
    times: list[float] = []
    for number, query in enumerate(queries):
        started = time.perf_counter()
        answer = reader.search(query[None], K + 1)[0]
        times.append((time.perf_counter() - started) * 1e6)
        found = answer.ids[answer.ids != excluded[number]][:K]
        wanted = nearest[number]
        others = np.array([i for i in found if int(i) not in wanted], np.int64)
        hits = len(found) - len(others)
        if len(others):  # judged by the stored vectors, not by what the index says of them
            hits += int((2.0 - 2.0 * (source.read(others) @ query) <= kth[number] + _TIE).sum())
        if wanted:
            recalls.append(min(hits, len(wanted)) / len(wanted))
        if number % _SEARCHES_A_STEP == _SEARCHES_A_STEP - 1:
            yield BuildStep("measuring", number + 1, len(queries))
    return recalls, times


def _held_out_recall(segments: list[Segment]) -> tuple[float, int]:
    """Return the recall that the builds measured with vectors that were not in the index yet, and with how many.

    It is the harder test: a vector that is in a graph is linked to its neighbours.
    """
    rows = sum(segment.rows for segment in segments)
    lost = sum(segment.rows * (1.0 - segment.measured.get("recall", 1.0)) for segment in segments)
    queries = sum(segment.measured.get("queries", 0) for segment in segments)
    return (1.0 - lost / rows if rows else 1.0), queries


def _columns(
    version: IndexVersion, rows: int, recalls: list[float], times: list[float], *, chunks: int
) -> dict[str, Any]:
    segments = list(version.segments.all())
    recall = float(np.mean(recalls)) if recalls else 1.0
    held_out, held_out_queries = _held_out_recall(segments)
    size = sum(segment.size_bytes for segment in segments)
    sealed = sum(segment.rows for segment in segments)
    return {
        "recall": min(recall, held_out),
        "recall_target": registry.engine_for(version.engine, version.engine_options).recall_target,
        "median_us": float(np.median(times)),
        "p95_us": float(np.percentile(times, 95)),
        "bytes_per_vector": size / sealed if sealed else 4.0 * version.dimension,
        "measured_at": timezone.now(),
        "measurements": {
            "k": K,
            "queries": held_out_queries if held_out < recall else len(times),
            "chunk_queries": chunks,
            "logged_queries": len(times) - chunks,
            "rows": rows,
            "generation": version.generation,
            "segments": [
                {"id": s.pk, "rows": s.rows, "index_type": s.index_type, "parameters": s.parameters} for s in segments
            ],
        },
    }
