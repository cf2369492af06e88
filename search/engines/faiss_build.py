"""Builds one segment in short steps: choose, train, add, measure, write; and goes on where a killed build was.

The index grows in memory from blocks of the source; nothing else of the corpus is held. Its files appear complete,
under the names of their hashes, or not at all. An index that is not fully trained, or does not hold exactly the
source's vectors, is never written. Searches nothing but to measure.
"""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from search.datatypes import BuildStep, Candidate, Ids, SegmentFile, SegmentMeasures, Vectors
from search.failpoints import failpoint
from search.files import move_into_place, scratch_file, sha256_file

from .base import BadVectors, VectorSource, check_vectors
from .faiss_checkpoint import Checkpoints, Progress, build_key
from .faiss_choice import choose
from .faiss_gpu import on_cpu, on_gpu
from .faiss_held_out import HeldOut, held_out
from .faiss_layers import layers_of, write_index
from .faiss_training import train
from .faiss_tuning import Tuned, tune
from .faiss_types import AUTO, Recipe, fitting, make_index, recall_of, recipe_for, type_of

_FIRST_ROWS, _FEWEST_ROWS, _MOST_ROWS = 256, 64, 16_384
_STEP_SECONDS = 0.5

Steps = Generator[BuildStep, None, Any]


class CheckedSource:
    """A source of which nothing gets into an index, not even into its training, that would spoil it."""

    def __init__(self, source: VectorSource, dimension: int) -> None:
        self._source = source
        self._dimension = dimension
        self.ids: Ids = np.ascontiguousarray(source.ids, dtype=np.int64)
        rises = np.diff(self.ids)
        if not len(self.ids) or (rises < 0).any():
            raise BadVectors("A segment needs at least one vector, and ids that ascend.")
        if not rises.all():
            raise BadVectors(f"Id {int(self.ids[1:][rises == 0][0])} is given twice.")

    def read(self, ids: Ids) -> Vectors:
        """Return the vectors of these ids, contiguous. Raises BadVectors."""
        vectors = np.ascontiguousarray(self._source.read(ids), dtype=np.float32)
        check_vectors(ids, vectors, self._dimension)
        return vectors


@dataclass
class SegmentBuild:
    """The state of one build."""

    source: VectorSource
    dimension: int
    folder: Path
    options: Mapping[str, Any]
    queries: Vectors | None = None
    tried: tuple[Candidate, ...] = ()
    trained_on: int = 0
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    block_rows: int = _FIRST_ROWS
    checkpoints: Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self.source = CheckedSource(self.source, self.dimension)
        self.ids = self.source.ids
        self.checkpoints = Checkpoints(self.folder, build_key(self.ids, self.dimension, self.options))

    def run(self) -> Generator[BuildStep, None, SegmentFile]:
        """Build, counting only the time that is spent here, and the memory that it takes more than before."""
        process, steps = psutil.Process(), self._run()
        before = process.memory_info().rss
        while True:
            begun = time.perf_counter()
            try:
                step = next(steps)
            except StopIteration as end:
                file: SegmentFile = end.value
                return file
            self.seconds += time.perf_counter() - begun
            self.peak_memory_mb = max(self.peak_memory_mb, (process.memory_info().rss - before) / 2**20)
            yield step

    def _run(self) -> Generator[BuildStep, None, SegmentFile]:
        self.folder.mkdir(parents=True, exist_ok=True)
        recipe, index, rows = self._begun()
        sample = yield from held_out(self.source, self.queries)
        while True:
            index = yield from self._filled(recipe, index, rows, sample)
            tuned = yield from tune(index, recipe.search, sample, recall_of(self.options))
            failpoint("build.tuned")
            self.tried += (self._candidate(recipe, tuned),)
            following = self._choice()
            if following is None or following == recipe:
                yield from self._add(index, recipe, sample, sample.indexed, len(sample.order))
                return (yield from self._publish(index, recipe, sample.order, tuned))
            del index  # before the next one takes its memory
            recipe, index, rows, self.trained_on = following, make_index(following, self.dimension), 0, 0

    def _begun(self) -> tuple[Recipe, Any, int]:
        """Return what to build, the index so far and how many rows it holds: from the checkpoint, or from nothing."""
        loaded = self.checkpoints.load()
        if loaded is None:
            recipe = self._choice() or Recipe("Flat")
            return recipe, make_index(recipe, self.dimension), 0
        index, progress = loaded
        self.tried, self.trained_on = progress.tried, progress.trained_on
        self.seconds, self.peak_memory_mb = progress.seconds, progress.peak_memory_mb
        return progress.recipe, index, progress.rows

    def _choice(self) -> Recipe | None:
        """Return what to build next, after what was tried, or None when the last is to be kept."""
        rows = len(self.ids)
        if type_of(self.options) != AUTO:
            return None if self.tried else recipe_for(self.options, rows, self.dimension)
        recipe = choose(rows, self.dimension, recall_of(self.options), self.options.get("memory_mb"), self.tried)
        return None if recipe is None else fitting(recipe, rows, self.dimension)

    def _candidate(self, recipe: Recipe, tuned: Tuned) -> Candidate:
        reached = tuned.recall >= recall_of(self.options)
        built = [f"{name} {value:g}" for name, value in recipe.build]
        note = ", ".join([*built, "reached the recall asked for" if reached else "missed the recall asked for"])
        return Candidate(recipe.factory, tuned.parameters, tuned.recall, tuned.median_us, note)

    def _filled(self, recipe: Recipe, index: Any, rows: int, sample: HeldOut) -> Steps:
        """Return the index trained, on the CPU, and holding all rows but the held-out ones."""
        if rows == 0 and not index.is_trained:
            self.trained_on = yield from train(layers_of(index), self.source, sample.order)
            failpoint("build.trained")
        index = yield from self._add(on_gpu(index), recipe, sample, rows, sample.indexed)
        return on_cpu(index)

    def _add(self, index: Any, recipe: Recipe, sample: HeldOut, start: int, stop: int) -> Steps:
        """Add rows in blocks of about half a second, with a checkpoint now and then."""
        while start < stop:
            begun = time.perf_counter()
            ids = sample.order[start : min(start + self.block_rows, stop)]
            index.add(self.source.read(ids))
            start += len(ids)
            wanted = len(ids) * _STEP_SECONDS / max(time.perf_counter() - begun, 1e-3)
            self.block_rows = int(np.clip(wanted, _FEWEST_ROWS, max(_FEWEST_ROWS, min(2 * len(ids), _MOST_ROWS))))
            if self.checkpoints.due and start <= sample.indexed:
                self._checkpoint(index, recipe, start)
            yield BuildStep("adding", start, len(sample.order))
        return index

    def _checkpoint(self, index: Any, recipe: Recipe, rows: int) -> None:
        progress = Progress(recipe, rows, self.trained_on, self.seconds, self.peak_memory_mb, self.tried)
        self.checkpoints.save(on_cpu(index), progress)

    def _publish(self, index: Any, recipe: Recipe, order: Ids, tuned: Tuned) -> Generator[BuildStep, None, SegmentFile]:
        check_complete(index, len(order), self.trained_on)
        failpoint("seal.before_write")
        with scratch_file(self.folder, ".faiss") as scratch, scratch_file(self.folder, ".npy") as ids_scratch:
            yield BuildStep("writing", 0, 2)
            write_index(index, scratch)
            np.save(ids_scratch, order)
            failpoint("seal.written")
            yield BuildStep("writing", 1, 2)
            sha256, ids_sha256 = sha256_file(scratch), sha256_file(ids_scratch)
            path, ids_path = self.folder / f"{sha256}.faiss", self.folder / f"{ids_sha256}.ids.npy"
            move_into_place(scratch, path)
            move_into_place(ids_scratch, ids_path)
        self.checkpoints.remove()
        size = path.stat().st_size + ids_path.stat().st_size
        file = SegmentFile(path, sha256, ids_path, ids_sha256, len(order), size, recipe.factory, tuned.parameters)
        return replace(file, measured=self._measures(tuned, size / len(order)))

    def _measures(self, tuned: Tuned, bytes_per_vector: float) -> SegmentMeasures:
        return SegmentMeasures(
            recall=tuned.recall,
            target=recall_of(self.options),
            median_us=tuned.median_us,
            p95_us=tuned.p95_us,
            bytes_per_vector=bytes_per_vector,
            build_seconds=self.seconds,
            peak_memory_mb=self.peak_memory_mb,
            queries=tuned.queries,
            candidates=self.tried,
        )


def check_complete(index: Any, rows: int, trained_on: int) -> None:
    """Raise BadVectors for an index that must not be published: untrained, undertrained, or not holding all rows."""
    layers = layers_of(index)
    if not index.is_trained or trained_on < layers.vectors_needed:
        raise BadVectors(
            f"The index was trained on {trained_on:,} vectors and needs {layers.vectors_needed:,}; build it again."
        )
    if index.ntotal != rows:
        raise BadVectors(f"The index holds {index.ntotal:,} vectors of {rows:,}; build it again.")
