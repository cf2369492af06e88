"""What `auto` builds for how many vectors, which recall and which memory, and what after a miss."""

import numpy as np
import pytest

from search.datatypes import Candidate
from search.engines.faiss_choice import GRAPH_FROM, choose
from search.engines.faiss_held_out import held_out
from search.engines.faiss_types import Recipe, make_index

from .near_duplicates import ArraySource, crowds, finish

GRAPH = "PCA192,HNSW32_SQ8,Refine(SQfp16)"


def tried(factory: str, recall: float, ef: int = 40) -> Candidate:
    return Candidate(factory, (("efSearch", ef), ("k_factor", 2)), recall, 80.0)


def factory(rows: int, target: float = 0.98, memory_mb: float | None = None, *before: Candidate) -> str | None:
    recipe = choose(rows, 384, target, memory_mb, before)
    return None if recipe is None else recipe.factory


def test_few_vectors_are_searched_exactly() -> None:
    assert factory(GRAPH_FROM - 1) == "Flat"


def test_many_vectors_become_a_graph_over_half_their_numbers() -> None:
    assert factory(100_000) == GRAPH


def test_short_vectors_keep_all_their_numbers() -> None:
    recipe = choose(100_000, 64, 0.98, None)
    assert recipe is not None and recipe.factory == "HNSW32_SQ8,Refine(SQfp16)"


def test_perfect_recall_is_an_exact_index() -> None:
    assert factory(100_000, 1.0) == "Flat"


def test_what_reached_the_target_is_kept() -> None:
    assert factory(100_000, 0.98, None, tried(GRAPH, 0.981)) is None


def test_a_graph_that_is_slow_to_search_is_built_again_with_more_construction() -> None:
    first, second = choose(100_000, 384, 0.98, None), choose(100_000, 384, 0.98, None, (tried(GRAPH, 0.981, 300),))
    assert first is not None and second is not None and first.factory == second.factory
    assert dict(second.build)["efConstruction"] > dict(first.build)["efConstruction"]


def test_a_miss_leads_to_a_denser_graph_over_whole_vectors_and_then_to_an_exact_index() -> None:
    denser = factory(100_000, 0.98, None, tried(GRAPH, 0.95))
    assert denser == "HNSW48_SQ8,Refine(SQfp16)"
    assert factory(100_000, 0.98, None, tried(GRAPH, 0.95), tried(denser, 0.97)) == "Flat"


def test_after_an_exact_index_nothing_is_left_to_try() -> None:
    before = (tried(GRAPH, 0.9), tried("HNSW48_SQ8,Refine(SQfp16)", 0.9), tried("Flat", 0.97))
    assert factory(100_000, 0.98, None, *before) is None


@pytest.mark.parametrize(
    ("memory_mb", "expected"),
    [
        (150, GRAPH),
        (100, "PCA192,HNSW32_SQ8,Refine(SQ8)"),
        (60, "HNSW16_SQ8"),
        (45, "IVF316,SQ8"),
        (32, "IVF316,SQ6"),
        (24, "IVF316,RaBitQ4"),
        (14, "IVF316,RaBitQ2"),
        (8, "IVF316,RaBitQ"),
    ],
)
def test_a_smaller_memory_budget_chooses_a_smaller_type(memory_mb: float, expected: str) -> None:
    assert factory(100_000, 0.98, memory_mb) == expected


def test_a_budget_is_never_exceeded_by_what_follows_a_miss() -> None:
    assert factory(100_000, 0.98, 45, tried("IVF316,SQ8", 0.97)) is None


@pytest.mark.parametrize("memory_mb", [15, 10, 6, 4.7, 3.5, 2.2])
def test_what_is_built_fits_the_budget_that_chose_it(memory_mb: float) -> None:
    source = ArraySource(crowds(100, 102, 384, 0.05))
    recipe = choose(len(source.ids), 384, 0.98, memory_mb)
    assert recipe is not None
    assert size_of(recipe, source) <= memory_mb * 2**20 * 1.1


def size_of(recipe: Recipe, source: ArraySource) -> int:
    import faiss

    sample = finish(held_out(source))
    index = make_index(recipe, 384)
    vectors = source.read(np.sort(sample.order))
    index.train(vectors)
    index.add(vectors)
    return int(faiss.serialize_index(index).nbytes) + source.ids.nbytes
