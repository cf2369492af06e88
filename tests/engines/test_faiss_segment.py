"""An open segment gives every neighbour that was asked for, however poor its index, and changes for nobody."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from search.datatypes import Ids, SegmentFile
from search.engines.faiss_engine import FaissEngine
from search.engines.faiss_segment import OpenSegment, open_segment
from search.files import sha256_file
from tests.engines.layouts import DIMENSION, Source, built, queries, vectors_of

ROWS = 3_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(np.arange(ROWS, dtype=np.int64) * 2)


_built: dict[str, SegmentFile] = {}


@pytest.fixture(autouse=True, scope="module")
def _each_type_is_built_once() -> Iterator[None]:
    yield
    _built.clear()


def segment_of(source: Source, folder: Path, index_type: str, **parameters: float) -> OpenSegment:
    """Open a segment of a type with these search parameters, however poor."""
    if index_type not in _built:
        _built[index_type] = built(FaissEngine({"index_type": index_type}), source, DIMENSION, folder)
    file = _built[index_type]
    poor = dict(file.parameters) | parameters
    return open_segment(replace(file, parameters=tuple(sorted(poor.items()))), DIMENSION)


@pytest.mark.parametrize(
    ("index_type", "parameters"),
    [("IVFFlat", {"nprobe": 1}), ("IVFRaBitQ", {"nprobe": 1, "k_factor": 1}), ("HNSW", {"efSearch": 1})],
)
@pytest.mark.parametrize("k", [10, 500, ROWS])
def test_a_search_that_finds_too_little_is_widened_until_all_are_found(
    folder: Path, source: Source, index_type: str, parameters: dict[str, float], k: int
) -> None:
    segment = segment_of(source, folder, index_type, **parameters)

    ids, distances = segment.search(queries(4), k, None)

    assert ids.shape == distances.shape == (4, k)
    assert [len(np.unique(row)) for row in ids] == [k] * 4
    assert np.isin(ids, source.ids).all()


def test_a_graph_in_two_pieces_gives_up_both(folder: Path, source: Source) -> None:
    """What no link leads to is found by the scan that ends the widening."""
    segment = segment_of(source, folder, "HNSW")
    index: Any = faiss.read_index(str(segment.file.path))
    links = faiss.vector_to_array(index.hnsw.neighbors)
    links[len(links) // 2 :] = -1
    faiss.copy_array_to_vector(links, index.hnsw.neighbors)
    cut = folder / "cut.faiss"
    faiss.write_index(index, str(cut))
    file = replace(segment.file, path=cut, sha256=sha256_file(cut))

    ids, _ = open_segment(file, DIMENSION).search(queries(2), ROWS, None)

    assert [np.sort(row).tolist() for row in ids] == [source.ids.tolist()] * 2


@pytest.mark.parametrize("count", [1, 4, 5, 1_000, 2_000])
@pytest.mark.parametrize("index_type", ["IVFFlat", "HNSW", "IVFRaBitQ", "SQ8"])
def test_what_is_allowed_is_found_and_nothing_else(folder: Path, source: Source, index_type: str, count: int) -> None:
    segment = segment_of(source, folder, index_type)
    allowed: Ids = np.sort(np.random.default_rng(count).choice(source.ids, count, replace=False))

    ids, _ = segment.search(queries(3), ROWS, allowed)

    assert [np.sort(row).tolist() for row in ids] == [allowed.tolist()] * 3


def test_rows_held_out_of_the_measuring_are_found_by_their_ids(folder: Path, source: Source) -> None:
    segment = segment_of(source, folder, "HNSW")

    assert 0 < segment.second_run < ROWS
    rows = segment.rows_of(np.array([0, 1, 2 * (ROWS - 1), 2 * ROWS, *segment.ids[-3:]]))
    assert segment.ids[rows[rows >= 0]].tolist() == [0, 2 * (ROWS - 1), *segment.ids[-3:].tolist()]
    assert (rows < 0).tolist() == [False, True, False, True, False, False, False]


def test_the_dead_of_both_runs_are_masked(folder: Path, source: Source) -> None:
    segment = segment_of(source, folder, "HNSW")
    dead = np.sort(segment.ids[[0, 5, -1]])

    masked = segment.without(dead)

    assert masked.size == ROWS - 3
    assert np.setdiff1d(source.ids, masked.live_ids).tolist() == dead.tolist()
    assert not np.isin(dead, masked.search(queries(1), ROWS, None)[0]).any()
    assert (masked.live_rows_of(dead) == -1).all()


def test_masking_changes_nothing_for_those_who_hold_the_segment(folder: Path, source: Source) -> None:
    segment = segment_of(source, folder, "IVFFlat")
    before = segment.search(queries(3), 10, None)[0]

    segment.without(source.ids[:2_000]).search(queries(3), 10, None)

    np.testing.assert_array_equal(segment.search(queries(3), 10, None)[0], before)


@pytest.mark.parametrize("index_type", ["PCA8,HNSW16_SQ8,Refine(SQfp16)", "IVFRaBitQ", "IVFPQFastScan"])
def test_parts_of_an_index_live_as_long_as_the_segment(folder: Path, source: Source, index_type: str) -> None:
    segment = segment_of(source, folder, index_type)
    expected = segment.search(queries(5), 10, None)[0]
    gc.collect()
    junk = [np.full(100_000, -1, np.int64) for _ in range(50)]

    np.testing.assert_array_equal(segment.search(queries(5), 10, None)[0], expected)
    assert np.isfinite(segment.distances(queries(1)[0], np.arange(50))).all() and len(junk) == 50


def test_a_closed_segment_lets_its_file_go(folder: Path, source: Source) -> None:
    segment = segment_of(source, folder, "PCA8,HNSW16_SQ8,Refine(SQfp16)")
    name = segment.file.path.name
    segment.search(queries(5), 10, None)
    assert name in Path("/proc/self/maps").read_text()

    del segment
    gc.collect()

    assert name not in Path("/proc/self/maps").read_text()


def test_distances_in_bare_lists_come_in_the_order_of_the_rows(folder: Path, source: Source) -> None:
    segment = segment_of(source, folder, "IVFFlat")
    rows = np.array([2_999, 3, 3, 17])

    found = segment.distances(queries(1)[0], rows)

    expected = ((vectors_of(segment.ids[rows]) - queries(1)[0]) ** 2).sum(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_of_an_index_that_is_no_segment_s_is_damaged(folder: Path, source: Source) -> None:
    from search.engines.base import IndexDamaged

    file: SegmentFile = segment_of(source, folder, "Flat").file
    other = folder / "other.faiss"
    faiss.write_index(faiss.IndexLSH(DIMENSION, 16), str(other))

    with pytest.raises(IndexDamaged, match="other.faiss cannot be opened"):
        open_segment(replace(file, path=other, sha256=sha256_file(other)), DIMENSION)
