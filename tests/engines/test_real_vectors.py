"""Every index type, built of 5,000 vectors of real texts, against the exact oracle; each prints its recall (-rA).

The floors lie below what was measured, far enough for another sample of texts. What is asked are texts that are not
in the index.
"""

import zlib
from pathlib import Path

import numpy as np
import pytest

from search.datatypes import Ids, IndexState, SegmentFile, Vectors
from search.engines.base import IndexReader, Neighbours
from search.engines.exact_engine import ExactReader
from search.engines.faiss_engine import FaissEngine
from tests.engines.layouts import NO_IDS, Source, built

# The first test encodes the texts, in about a minute on two quiet cores.
pytestmark = [pytest.mark.xdist_group("real vectors"), pytest.mark.timeout(1_200)]

ASKED = 200
FLOORS = {
    "auto": 0.95,
    "rule": 1.0,
    "Flat": 1.0,
    "SQ8": 0.97,
    "IVFFlat": 0.95,
    "IVFPQ": 1.0,  # flat: 5,000 vectors are too few to train it
    "IVF70,PQ48x6": 0.5,
    "IVFPQFastScan": 0.95,
    "HNSW": 0.95,
    "HNSW,SQ8": 0.95,
    "RaBitQ": 0.95,
    "IVFRaBitQ": 0.95,
    "IVF64,SQ8": 0.95,
    "IVF64,RaBitQ4": 0.85,
    "IVF64,RaBitQfs,Refine(SQ8)": 0.9,
    "PCA192,HNSW32_SQ8,Refine(SQfp16)": 0.95,
    "PCA192,IVF64,PQ48x4fs,RFlat": 0.95,
    "IVF64_HNSW32,Flat": 0.95,
}


@pytest.fixture(scope="module")
def built_files() -> dict[str, tuple[FaissEngine, SegmentFile]]:
    """What the tests of this module have built so far, by index type."""
    return {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


@pytest.fixture(scope="module")
def source(real_vectors: Vectors) -> Source:
    """All vectors but those that are asked, under ids that are not their rows."""
    rows = len(real_vectors) - ASKED
    return Source(np.arange(rows, dtype=np.int64) * 2 + 11, real_vectors[:rows])


@pytest.fixture(scope="module")
def asked(real_vectors: Vectors) -> Vectors:
    return real_vectors[-ASKED:]


@pytest.fixture(scope="module")
def oracle(source: Source) -> ExactReader:
    return ExactReader(1, source.vectors.shape[1], source.ids, source.vectors)


@pytest.fixture(params=FLOORS)
def index_type(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def segment(
    index_type: str, source: Source, folder: Path, built_files: dict[str, tuple[FaissEngine, SegmentFile]]
) -> tuple[FaissEngine, SegmentFile]:
    """The engine of the index type and the segment that it built, once for all tests."""
    if index_type not in built_files:
        engine = FaissEngine({"index_type": index_type})
        file = built(engine, source, source.vectors.shape[1], folder / str(zlib.crc32(index_type.encode())))
        built_files[index_type] = engine, file
    return built_files[index_type]


def opened(segment: tuple[FaissEngine, SegmentFile], source: Source, dead: Ids = NO_IDS) -> IndexReader:
    engine, file = segment
    width = source.vectors.shape[1]
    return engine.open(IndexState(1, width, (file,), NO_IDS, np.empty((0, width), np.float32), dead))


def recall(found: list[Neighbours], expected: list[Neighbours]) -> float:
    """Return the share of the expected ids that were found."""
    pairs = zip(found, expected, strict=True)
    return float(np.mean([np.isin(wanted.ids, answer.ids).mean() for answer, wanted in pairs]))


def test_recall_is_not_below_the_type_s_floor(
    index_type: str,
    segment: tuple[FaissEngine, SegmentFile],
    source: Source,
    oracle: ExactReader,
    asked: Vectors,
) -> None:
    found = recall(opened(segment, source).search(asked, 10), oracle.search(asked, 10))

    measured = segment[1].measured
    assert measured is not None
    print(  # noqa: T201 - the report that this suite is for
        f"{index_type:34} {segment[1].index_type:36} recall@10 {found:.4f} (measured {measured.recall:.4f})"
        f" {measured.bytes_per_vector:6.0f} bytes a vector {dict(segment[1].parameters)}"
    )
    assert found >= FLOORS[index_type]


def test_as_many_neighbours_come_back_as_are_asked_for(
    segment: tuple[FaissEngine, SegmentFile], source: Source, asked: Vectors
) -> None:
    reader = opened(segment, source)

    for k in (1, 1_000, len(source.ids), len(source.ids) + 1):
        for answer in reader.search(asked[:3], k):
            assert len(np.unique(answer.ids)) == len(answer.ids) == min(k, len(source.ids))
            assert np.isin(answer.ids, source.ids).all()
            assert (np.diff(answer.distances) >= 0).all()


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5])
def test_a_search_among_allowed_ids_finds_as_many_and_as_good_ones(
    index_type: str,
    segment: tuple[FaissEngine, SegmentFile],
    source: Source,
    oracle: ExactReader,
    asked: Vectors,
    share: float,
) -> None:
    rng = np.random.default_rng(5)
    allowed = np.sort(rng.choice(source.ids, int(share * len(source.ids)), replace=False))
    expected = oracle.search(asked, 10, allowed=allowed)

    found = opened(segment, source).search(asked, 10, allowed=allowed)

    assert [len(np.unique(answer.ids)) for answer in found] == [len(answer.ids) for answer in expected]
    assert all(np.isin(answer.ids, allowed).all() for answer in found)
    assert recall(found, expected) >= FLOORS[index_type] - 0.02


def test_the_dead_are_not_found_and_the_living_all_are(
    segment: tuple[FaissEngine, SegmentFile], source: Source, asked: Vectors
) -> None:
    dead = source.ids[np.random.default_rng(6).random(len(source.ids)) < 0.95]
    living = np.setdiff1d(source.ids, dead)

    found = opened(segment, source, dead).search(asked[:5], len(source.ids))

    assert all(np.array_equal(np.sort(answer.ids), living) for answer in found)


def test_distances_are_those_of_the_search(
    segment: tuple[FaissEngine, SegmentFile], source: Source, asked: Vectors
) -> None:
    reader = opened(segment, source)

    for query, answer in zip(asked[:20], reader.search(asked[:20], 10), strict=True):
        np.testing.assert_allclose(reader.distances(query, answer.ids), answer.distances, atol=2e-3)


def test_many_threads_find_what_one_finds(
    segment: tuple[FaissEngine, SegmentFile], source: Source, asked: Vectors
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    reader = opened(segment, source)
    alone = [reader.search(query[None], 10)[0] for query in asked]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: reader.search(query[None], 10)[0], [*asked, *asked]))

    assert [answer.ids.tolist() for answer in together] == 2 * [answer.ids.tolist() for answer in alone]
