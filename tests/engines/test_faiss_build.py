"""A build is one of short steps, ends with what was asked for, and goes on where a killed one was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.datatypes import BuildStep, Candidate, Ids, IndexState, SegmentFile, Vectors
from search.engines import faiss_build, faiss_checkpoint
from search.engines.base import BadEngineOptions, BadVectors, IndexReader
from search.engines.faiss_build import check_complete
from search.engines.faiss_engine import FaissEngine
from search.engines.faiss_types import Recipe, make_index
from tests.engines.layouts import DIMENSION, NO_IDS, NO_VECTORS, Source, built, queries, vectors_of

Steps = Generator[BuildStep, None, SegmentFile]

KILLED = """
import os, signal, sys
from pathlib import Path
from search.engines import faiss_checkpoint
from search.engines.faiss_engine import FaissEngine
from tests.engines.test_faiss_build import clustered
from tests.engines.layouts import DIMENSION

faiss_checkpoint.EVERY_SECONDS = 0.0
faiss_checkpoint._SHARE_OF_TIME = 0
for step in FaissEngine({"index_type": sys.argv[1]}).build(clustered(6_000), DIMENSION, Path(sys.argv[2])):
    if step.phase == "adding" and step.done >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def clustered(count: int) -> Source:
    """Return a source of vectors around a hundred places, as texts have; ids are not row numbers."""
    rng = np.random.default_rng(1)
    middles = rng.standard_normal((100, DIMENSION))
    rows = middles[rng.integers(0, 100, count)] + 0.5 * rng.standard_normal((count, DIMENSION))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Source(np.arange(count, dtype=np.int64) * 3 + 7, rows.astype(np.float32))


def steps_of(steps: Steps) -> tuple[list[BuildStep], SegmentFile]:
    """Run a build to its end; return its steps and its file."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def reader_of(engine: FaissEngine, file: SegmentFile) -> IndexReader:
    return engine.open(IndexState(1, DIMENSION, (file,), NO_IDS, NO_VECTORS, NO_IDS))


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- What is built


@pytest.mark.parametrize(
    ("index_type", "expected"),
    [
        ("Flat", "Flat"),
        ("SQ8", "SQ8"),
        ("HNSW", "HNSW32,Flat"),
        ("HNSW,SQ8", "HNSW32,SQ8"),
        ("IVFFlat", "IVF45,Flat"),
        ("IVFPQFastScan", "IVF45,PQ16x4fs,Refine(SQfp16)"),
        ("RaBitQ", "RaBitQ,Refine(SQfp16)"),
        ("IVFRaBitQ", "IVF45,RaBitQ,Refine(SQfp16)"),
        ("rule", "Flat"),
        ("PCA8,SQ8", "PCA8,SQ8"),
        ("IVF16,SQ4", "IVF16,SQ4"),
    ],
)
def test_the_named_type_is_built_and_finds_what_is_near(tmp_path: Path, index_type: str, expected: str) -> None:
    engine, source = FaissEngine({"index_type": index_type, "recall": 0.9}), clustered(2_000)

    file = built(engine, source, DIMENSION, tmp_path)

    assert (file.index_type, file.rows) == (expected, 2_000)
    assert file.measured is not None and file.measured.candidates[-1].index_type == expected
    assert sorted(reader_of(engine, file).ids().tolist()) == source.ids.tolist()


def test_too_few_vectors_for_a_type_are_built_flat(tmp_path: Path) -> None:
    file = built(FaissEngine({"index_type": "IVFPQ"}), clustered(9_983), DIMENSION, tmp_path)

    assert file.index_type == "Flat"


def test_enough_vectors_for_a_type_are_built_as_that_type(tmp_path: Path) -> None:
    file = built(FaissEngine({"index_type": "IVFPQ"}), clustered(9_984), DIMENSION, tmp_path)

    assert file.index_type == "IVF100,PQ16"


def test_fixed_parameters_are_kept_and_the_others_tuned(tmp_path: Path) -> None:
    engine = FaissEngine({"index_type": "IVFPQFastScan", "nprobe": 7})

    parameters = dict(built(engine, clustered(2_000), DIMENSION, tmp_path).parameters)

    assert parameters["nprobe"] == 7 and parameters["k_factor"] >= 1


def test_what_was_measured_is_told(tmp_path: Path) -> None:
    file = built(FaissEngine({"index_type": "IVFFlat", "recall": 0.9}), clustered(2_000), DIMENSION, tmp_path)

    measured = file.measured
    assert measured is not None
    assert measured.recall >= 0.9 == measured.target
    assert 0 < measured.median_us <= measured.p95_us and measured.build_seconds > 0 and measured.queries >= 50
    assert measured.bytes_per_vector == pytest.approx(file.size_bytes / 2_000)


def test_auto_says_what_it_tried_and_why_it_kept_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(*_: object) -> Recipe | None:
        tried = _[-1]
        assert isinstance(tried, tuple)
        return (Recipe("IVF40,RaBitQ", search=(("nprobe", 1),)), Recipe("SQ8"), None)[len(tried)]

    monkeypatch.setattr(faiss_build, "choose", choose)

    file = built(FaissEngine({}), clustered(2_000), DIMENSION, tmp_path)

    assert file.index_type == "SQ8" and file.measured is not None
    first, second = file.measured.candidates
    assert (first.index_type, first.note) == ("IVF40,RaBitQ", "missed the recall asked for")
    assert second.index_type == "SQ8" and second.recall > first.recall


def test_steps_tell_how_far_the_build_is(tmp_path: Path) -> None:
    seen, _ = steps_of(FaissEngine({"index_type": "IVFFlat"}).build(clustered(2_000), DIMENSION, tmp_path))

    assert {step.phase for step in seen} == {"training", "adding", "measuring", "writing"}
    adding = [step.done for step in seen if step.phase == "adding"]
    assert adding == sorted(adding) and adding[-1] == 2_000
    assert all(0 <= step.done <= step.total for step in seen)


# --- What is not built


def test_options_that_do_not_fit_the_dimension_stop_the_build_before_it_reads(tmp_path: Path) -> None:
    class Unread(Source):
        def read(self, ids: Ids) -> Vectors:
            raise AssertionError("read")

    steps = FaissEngine({"index_type": "IVF4,PQ5"}).build(Unread(clustered(10).ids, NO_VECTORS), DIMENSION, tmp_path)

    with pytest.raises(BadEngineOptions, match="PQ5 does not divide the 16 numbers of a vector; PQ4 would"):
        next(steps)


def test_an_undertrained_index_is_not_published() -> None:
    index = make_index(Recipe("IVF4,Flat"), DIMENSION)
    index.train(vectors_of(range(156)))
    index.add(vectors_of(range(156)))

    with pytest.raises(BadVectors, match="trained on 155 vectors and needs 156"):
        check_complete(index, 156, 155)


def test_an_untrained_index_is_not_published() -> None:
    with pytest.raises(BadVectors, match="build it again"):
        check_complete(make_index(Recipe("SQ8"), DIMENSION), 0, 0)


def test_an_index_that_lacks_a_vector_is_not_published() -> None:
    index = make_index(Recipe("Flat"), DIMENSION)
    index.add(vectors_of(range(9)))

    with pytest.raises(BadVectors, match="holds 9 vectors of 10"):
        check_complete(index, 10, 0)


def test_a_build_that_is_dropped_leaves_no_file(tmp_path: Path) -> None:
    steps = FaissEngine({"index_type": "Flat"}).build(clustered(2_000), DIMENSION, tmp_path)
    while next(steps).phase != "writing":
        pass

    steps.close()

    assert files_in(tmp_path) == []


# --- Going on after a crash


@pytest.mark.parametrize("index_type", ["HNSW", "IVFFlat", "PCA8,HNSW16_SQ8,Refine(SQfp16)", "IVFRaBitQ"])
def test_a_build_that_was_killed_goes_on_from_its_checkpoint(tmp_path: Path, index_type: str) -> None:
    _kill_when_adding(index_type, tmp_path / "killed", at_least=2_500)
    engine, source = FaissEngine({"index_type": index_type}), clustered(6_000)

    seen, file = steps_of(engine.build(source, DIMENSION, tmp_path / "killed"))

    assert min(step.done for step in seen if step.phase == "adding") > 2_000
    assert "training" not in {step.phase for step in seen}
    whole = built(engine, source, DIMENSION, tmp_path / "whole")
    assert sorted(reader_of(engine, file).ids().tolist()) == source.ids.tolist()
    # What an index answers is compared at the same search parameters: each build measures its own.
    asked_alike = replace(file, parameters=whole.parameters)
    assert _recall(engine, asked_alike, source) >= _recall(engine, whole, source) - 0.02
    left = [name for name in files_in(tmp_path / "killed") if not name.startswith(".writing-")]
    assert left == sorted([file.path.name, file.ids_path.name])


def _kill_when_adding(index_type: str, folder: Path, at_least: int) -> None:
    """Start a build as a process of its own that kills itself, as a power cut would, with so many rows added."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", KILLED, index_type, str(folder), str(at_least)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL


def _recall(engine: FaissEngine, file: SegmentFile, source: Source) -> float:
    """Return recall@10 of 100 new queries, against numpy's own neighbours."""
    asked = queries(100)
    true = source.ids[np.argsort(-(asked @ source.vectors.T), axis=1)[:, :10]]
    found = reader_of(engine, file).search(asked, 10)
    return float(
        np.mean([len({*answer.ids.tolist()} & {*row.tolist()}) / 10 for answer, row in zip(found, true, strict=True)])
    )


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the checkpoint of an HNSW build of 3,000 vectors, dropped at about a thousand."""
    monkeypatch.setattr(faiss_checkpoint, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(faiss_checkpoint, "_SHARE_OF_TIME", 0)
    steps = FaissEngine({"index_type": "HNSW"}).build(clustered(3_000), DIMENSION, tmp_path)
    for step in steps:
        if step.phase == "adding" and step.done >= 1_000:
            break
    steps.close()
    assert len(files_in(tmp_path)) == 2
    return tmp_path


def first_added(folder: Path, **options: object) -> int:
    """Build the rest and return how many rows the index held after the first step."""
    seen, _ = steps_of(FaissEngine({"index_type": "HNSW", **options}).build(clustered(3_000), DIMENSION, folder))
    return min(step.done for step in seen if step.phase == "adding")


def test_a_build_of_the_same_vectors_and_options_goes_on(interrupted: Path) -> None:
    assert first_added(interrupted) > 1_000


def test_a_build_by_other_options_begins_anew(interrupted: Path) -> None:
    assert first_added(interrupted, efConstruction=50) <= 256


@pytest.mark.parametrize("suffix", [".faiss", ".json"])
def test_a_damaged_checkpoint_is_deleted_and_not_used(interrupted: Path, suffix: str) -> None:
    (path,) = interrupted.glob(f"building-*{suffix}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    assert first_added(interrupted) <= 256
    assert list(interrupted.glob("building-*")) == []


def test_a_checkpoint_without_its_index_is_not_used(interrupted: Path) -> None:
    next(interrupted.glob("building-*.faiss")).unlink()

    assert first_added(interrupted) <= 256


def test_what_another_build_left_is_deleted_after_a_day_and_not_before(interrupted: Path) -> None:
    old, young = interrupted / "building-old.faiss", interrupted / "building-young.faiss"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))

    first_added(interrupted)

    assert (old.exists(), young.exists()) == (False, True)


def test_what_was_tried_before_is_remembered(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (note,) = interrupted.glob("building-*.json")
    tried = Candidate("SQ8", (("k_factor", 2),), 0.5, 10.0, "missed")
    written = json.loads(note.read_text())
    note.write_text(json.dumps({**written, "tried": [{**_asdict(tried), "parameters": [["k_factor", 2]]}]}))

    file = built(FaissEngine({"index_type": "HNSW"}), clustered(3_000), DIMENSION, interrupted)

    assert file.measured is not None and file.measured.candidates[0] == tried


def _asdict(candidate: Candidate) -> dict[str, object]:
    return {name: getattr(candidate, name) for name in ("index_type", "recall", "median_us", "note")}


def test_the_seconds_of_both_parts_of_a_build_are_counted(interrupted: Path) -> None:
    (note,) = interrupted.glob("building-*.json")
    written = json.loads(note.read_text())
    note.write_text(json.dumps({**written, "seconds": 1_000.0}))

    file = built(FaissEngine({"index_type": "HNSW"}), clustered(3_000), DIMENSION, interrupted)

    assert file.measured is not None and file.measured.build_seconds > 1_000


def test_a_file_s_identity_does_not_depend_on_how_fast_it_was_measured(tmp_path: Path) -> None:
    file = built(FaissEngine({"index_type": "Flat"}), clustered(200), DIMENSION, tmp_path)

    assert replace(file, measured=None) == file
