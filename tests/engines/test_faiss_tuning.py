"""Search parameters found for a recall, and whether what is said of them is true."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from search.engines import faiss_choice
from search.engines.faiss_build import SegmentBuild
from search.engines.faiss_choice import POOR_GRAPH_FROM
from search.engines.faiss_held_out import HeldOut, held_out
from search.engines.faiss_layers import layers_of
from search.engines.faiss_tuning import Tuned, tune
from search.engines.faiss_types import Recipe, make_index

from .near_duplicates import ArraySource, crowds, finish
from .test_faiss_held_out import by_hand

SOURCE = ArraySource(crowds(500, 20, 48, 0.15))


@pytest.fixture(autouse=True)
def graphs_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `auto` build graphs of so few vectors, too."""
    monkeypatch.setattr(faiss_choice, "GRAPH_FROM", 1_000)


@pytest.fixture(scope="module")
def sample() -> HeldOut:
    return finish(held_out(SOURCE))


def filled(factory: str, sample: HeldOut, **build: float) -> Any:
    index = make_index(Recipe(factory, tuple(build.items())), 48)
    vectors = SOURCE.read(sample.order[: sample.indexed])
    index.train(vectors)
    index.add(vectors)
    return index


def tuned(index: Any, sample: HeldOut, target: float, **fixed: float) -> Tuned:
    return finish(tune(index, tuple(fixed.items()), sample, target))


def recall_by_hand(index: Any, parameters: dict[str, float], sample: HeldOut) -> float:
    """Return the recall of all held-out queries, by numpy's own neighbours."""
    expected = by_hand(SOURCE, sample.order[: sample.indexed], sample.queries)
    _, found = index.search(sample.queries, 10, params=layers_of(index).search_parameters(parameters))
    pairs = zip(found.tolist(), expected.tolist(), strict=True)
    return sum(len(set(mine) & set(true)) for mine, true in pairs) / expected.size


@pytest.mark.parametrize("factory", ["HNSW16,Flat", "HNSW16_SQ8,Refine(SQfp16)", "IVF32,Flat", "IVF32,RaBitQ,RFlat"])
@pytest.mark.parametrize("target", [0.8, 0.95])
def test_the_target_is_reached_and_the_recall_is_true(factory: str, target: float, sample: HeldOut) -> None:
    index = filled(factory, sample)
    result = tuned(index, sample, target)
    assert result.recall >= target
    assert recall_by_hand(index, dict(result.parameters), sample) == pytest.approx(result.recall, abs=0.03)


def test_a_lower_target_searches_less(sample: HeldOut) -> None:
    index = filled("IVF32,Flat", sample)
    low, high = (dict(tuned(index, sample, target).parameters) for target in (0.6, 0.99))
    assert low["nprobe"] < high["nprobe"]


def test_a_target_out_of_reach_is_reported_as_missed(sample: HeldOut) -> None:
    index = filled("IVF32,PQ4x4", sample)
    result = tuned(index, sample, 0.98)
    assert dict(result.parameters) == {"nprobe": 32}
    assert result.recall < 0.9
    assert recall_by_hand(index, {"nprobe": 32}, sample) == pytest.approx(result.recall, abs=0.06)


def test_what_was_set_by_hand_is_not_tuned(sample: HeldOut) -> None:
    result = tuned(filled("IVF32,Flat", sample), sample, 0.98, nprobe=1)
    assert dict(result.parameters) == {"nprobe": 1}
    assert result.recall < 0.98


def test_an_exact_index_has_nothing_to_tune_and_misses_nothing(sample: HeldOut) -> None:
    result = tuned(filled("Flat", sample), sample, 0.98)
    assert dict(result.parameters) == {} and result.recall == 1.0


def test_the_queries_reported_on_are_not_those_tuned_on(sample: HeldOut) -> None:
    result = tuned(filled("Flat", sample), sample, 0.98)
    assert result.queries == len(sample.queries) // 2


def test_queries_of_people_count_for_themselves_when_they_are_harder() -> None:
    """Their vectors lie between the crowds, where two lists hold few of their neighbours."""
    asked = crowds(400, 1, 48, 0.0, seed=8)
    with_people = finish(held_out(SOURCE, asked))
    index = filled("IVF32,Flat", with_people)
    shares = with_people.hits(index.search(with_people.queries, 10)[1], np.arange(len(with_people.queries)))
    ours, theirs = shares[: with_people.sampled].mean(), shares[with_people.sampled :].mean()
    assert theirs < ours
    assert tuned(index, with_people, 0.98, nprobe=1).recall == pytest.approx(theirs, abs=0.05)


def test_near_duplicates_raise_the_construction_of_the_graph(tmp_path: Path) -> None:
    source = ArraySource(crowds(1, 6_000, 100, 0.1))
    file = finish(SegmentBuild(source, 100, tmp_path, {"recall": 0.995}).run())
    assert file.measured is not None
    first, second = file.measured.candidates[:2]
    assert dict(first.parameters)["efSearch"] > POOR_GRAPH_FROM
    assert first.index_type == second.index_type
    index = faiss.read_index(str(file.path))
    assert layers_of(index).leaf.hnsw.efConstruction == 400
    assert file.measured.recall >= 0.995


def test_vectors_that_lose_too_much_by_pca_are_kept_whole(tmp_path: Path) -> None:
    source = ArraySource(crowds(3, 3_400, 128, 0.1))
    file = finish(SegmentBuild(source, 128, tmp_path, {}).run())
    assert file.measured is not None
    assert file.measured.candidates[0].recall < 0.98 <= file.measured.recall
    assert (file.measured.candidates[0].index_type, file.index_type) == (
        "PCA64,HNSW32_SQ8,Refine(SQfp16)",
        "HNSW48_SQ8,Refine(SQfp16)",
    )
