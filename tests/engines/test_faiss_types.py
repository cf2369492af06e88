"""Options are refused before any work, with what is wrong and what would do; names become what was measured."""

from typing import Any

import pytest

from search.engines.base import BadEngineOptions
from search.engines.faiss_layers import layers_of
from search.engines.faiss_types import (
    NAMED,
    Recipe,
    check,
    fitting,
    ivf_lists,
    make_index,
    pq_parts,
    recall_of,
    recipe_for,
    validate,
)

GOOD: list[dict[str, Any]] = [
    {},
    {"index_type": "auto", "recall": 0.95, "memory_mb": 512},
    {"index_type": "rule"},
    {"index_type": "rule", "nprobe": 20},
    *({"index_type": name} for name in NAMED),
    {"index_type": "IVFFlat", "nprobe": 16},
    {"index_type": "IVFPQFastScan", "nprobe": 16, "k_factor": 8},
    {"index_type": "HNSW", "efSearch": 64, "efConstruction": 100},
    {"index_type": "IVF1024_HNSW32,Flat"},
    {"index_type": "OPQ48_192,IVF256,PQ48x4fs,RFlat"},
    {"index_type": "PCA192,HNSW32_SQ8,Refine(SQfp16)"},
    {"index_type": "IVF256,PQ7"},
    {"index_type": "PCA700,SQ8"},
    {"index_type": "SQfp16"},
    {"index_type": "IVF256,RaBitQ4"},
]


@pytest.mark.parametrize("options", GOOD, ids=str)
def test_good_options_are_accepted(options: dict[str, Any]) -> None:
    validate(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nlists": 100}, "Unknown engine option 'nlists'; known: index_type, recall"),
        ({"index_type": "Flatt"}, "'Flatt' cannot be used: .*Known: auto, rule, Flat, .* factory string"),
        ({"index_type": 7}, "index_type is 7; known: auto"),
        ({"index_type": "IDMap,Flat"}, "ids of its own.*Remove IDMap"),
        ({"index_type": "IDMap2,HNSW32"}, "Remove IDMap"),
        ({"index_type": "BIVF64"}, "binary index.*Use RaBitQ"),
        ({"index_type": "BHNSW32"}, "binary index"),
        ({"index_type": "LSH"}, "IndexLSH cannot be a segment's index type.*Use Flat, SQ8"),
        ({"index_type": "NSG32,Flat"}, "IndexNSGFlat cannot be"),
        ({"index_type": "PQ48"}, "IndexPQ cannot be"),
        ({"index_type": "PQ48x4fs"}, "IndexPQFastScan cannot be"),
        ({"index_type": "HNSW32,PQ48"}, "IndexHNSWPQ cannot be"),
        ({"index_type": "IMI2x5,Flat"}, "coarse quantizer.*Use IVF<n>"),
        ({"index_type": "IVF64,Flat,Refine(PQ48)"}, "refinement.*Use RFlat"),
        ({"index_type": "ITQ64,Flat"}, "transform.*Use PCA or OPQ"),
        ({"index_type": "SQ8_direct"}, "cuts numbers to whole ones.*Use SQ8"),
        ({"index_type": "IVF0,Flat"}, "has no lists. Use IVFFlat"),
        ({"index_type": "IVF64,PQ0"}, "PQ0 does not divide"),
        ({"index_type": "PCA192,IVF64,PQ7"}, "PQ7 does not divide the 192 numbers of a vector; PQ6 would"),
        ({"index_type": "IVF64,PQ48x30"}, "more than 12 bits. Use PQ48"),
        ({"index_type": "HNSW0,Flat"}, "gives each vector 0 links; at least 4"),
        ({"index_type": "HNSW1"}, "gives each vector 1 links"),
        ({"index_type": "IVF4_HNSW1,Flat"}, "gives each vector 1 links"),
        ({"index_type": "PCA96,HNSW0"}, "gives each vector 0 links"),
        ({"index_type": "IVF4,PQ48x0"}, "codes of 0 bits; 8 do well"),
        ({"index_type": "RR0,Flat"}, "keeps 0 of the 384 numbers"),
        ({"index_type": "PCA0,Flat"}, "keeps 0 of the 384 numbers"),
        ({"index_type": "HNSW", "memory_mb": 5}, "memory_mb is for index_type 'auto'"),
        ({"index_type": "HNSW100000"}, "more than 512 links.*HNSW32"),
        ({"index_type": "IVF99999999999,Flat"}, "number above 10,000,000"),
        ({"index_type": "SQ8," * 100}, "too long"),
        ({"recall": 0.4}, "recall is 0.4; it must be a number from 0.5 to 1"),
        ({"recall": 1.01}, "recall is 1.01"),
        ({"recall": "0.9"}, "recall is '0.9'"),
        ({"recall": float("nan")}, "recall is nan"),
        ({"recall": True}, "recall is True"),
        ({"memory_mb": 0}, "memory_mb is 0; it must be a number from 1"),
        ({"memory_mb": None}, "memory_mb is None"),
        ({"index_type": "IVFFlat", "nprobe": 0}, "nprobe is 0; it must be a whole number from 1"),
        ({"index_type": "IVFFlat", "nprobe": 2.5}, "nprobe is 2.5; it must be a whole number"),
        ({"index_type": "HNSW", "efSearch": "64"}, "efSearch is '64'"),
        ({"index_type": "IVFPQFastScan", "k_factor": 0.5}, "k_factor is 0.5"),
        ({"index_type": "HNSW", "nprobe": 10}, "'nprobe' does not belong to index_type 'HNSW': it has efSearch"),
        ({"index_type": "Flat", "efSearch": 10}, "'efSearch' does not belong to index_type 'Flat': it has none"),
        ({"index_type": "IVFFlat", "efConstruction": 10}, "'efConstruction' does not belong"),
        ({"index_type": "rule", "efSearch": 10}, "'efSearch' does not belong to index_type 'rule': it has nprobe"),
        ({"nprobe": 10}, "'nprobe' does not belong to index_type 'auto': it sets them itself, to reach `recall`"),
    ],
    ids=str,
)
def test_bad_options_are_refused_with_what_would_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadEngineOptions, match=message):
        validate(options)


def test_a_type_that_fits_some_dimension_is_refused_once_the_dimension_is_known() -> None:
    with pytest.raises(BadEngineOptions, match="PQ48 does not divide the 100 numbers of a vector; PQ50 would"):
        check({"index_type": "IVF64,PQ48"}, 100, None)


def test_a_projection_to_more_numbers_than_there_are_is_refused() -> None:
    with pytest.raises(BadEngineOptions, match="makes 700 numbers of the 384 that a vector has; use 192"):
        check({"index_type": "PCA700,Flat"}, 384, None)


@pytest.mark.parametrize("name", [*NAMED, "auto", "rule"])
@pytest.mark.parametrize("dimension", [1, 7, 100, 384, 768, 1_024])
def test_every_named_type_fits_every_dimension(name: str, dimension: int) -> None:
    check({"index_type": name}, dimension, 10)


def test_more_lists_than_the_vectors_can_train_are_refused() -> None:
    with pytest.raises(
        BadEngineOptions, match="needs at least 39,936 vectors.*there are 10,000. nlist may be at most 256"
    ):
        check({"index_type": "IVF1024,Flat"}, 384, 10_000)


def test_as_many_lists_as_the_vectors_can_train_are_accepted() -> None:
    check({"index_type": "IVF256,Flat"}, 384, 256 * 39)


@pytest.mark.parametrize(
    ("rows", "expected"), [(1, 1), (39, 1), (78, 2), (1_000, 25), (1_600, 40), (117_659, 343), (10_000_000, 3_162)]
)
def test_nlist_is_the_square_root_and_never_above_a_39th(rows: int, expected: int) -> None:
    assert ivf_lists(rows) == expected


@pytest.mark.parametrize(("dimension", "expected"), [(384, 48), (768, 48), (100, 50), (16, 16), (7, 7), (97, 1)])
def test_pq_has_48_parts_or_the_nearest_divisor(dimension: int, expected: int) -> None:
    assert pq_parts(dimension) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Flat", "Flat"),
        ("IVFFlat", "IVF343,Flat"),
        ("IVFPQ", "IVF343,PQ48"),
        ("IVFPQFastScan", "IVF343,PQ48x4fs,Refine(SQfp16)"),
        ("HNSW", "HNSW32,Flat"),
        ("HNSW,SQ8", "HNSW32,SQ8"),
        ("SQ8", "SQ8"),
        ("IVF64,SQ8", "IVF64,SQ8"),
    ],
)
def test_a_name_becomes_a_factory_string(name: str, expected: str) -> None:
    assert recipe_for({"index_type": name}, 117_659, 384) == Recipe(expected)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (99_999, Recipe("Flat")),
        (100_000, Recipe("IVF316,Flat", search=(("nprobe", 10),))),
        (9_999_999, Recipe("IVF3162,Flat", search=(("nprobe", 10),))),
        (10_000_000, Recipe("IVF3162,PQ48", search=(("nprobe", 10),))),
    ],
)
def test_the_rule_of_thumb_is_the_published_one(rows: int, expected: Recipe) -> None:
    assert recipe_for({"index_type": "rule"}, rows, 384) == expected


def test_auto_has_no_recipe_of_its_own() -> None:
    assert recipe_for({}, 1_000, 384) is None


@pytest.mark.parametrize(
    ("factory", "needed"),
    [
        ("Flat", 0),
        ("SQ8", 0),
        ("HNSW32,SQ8", 0),
        ("IVF64,Flat", 64 * 39),
        ("IVF64,PQ48", 256 * 39),
        ("IVF64,PQ48x4fs", 64 * 39),
        ("IVF2,PQ48x4fs", 16 * 39),
        ("PCA192,HNSW32_SQ8", 384),
        ("OPQ48_192,IVF64,PQ48x4fs", 256 * 39),
    ],
)
def test_a_type_needs_39_vectors_for_each_centroid(factory: str, needed: int) -> None:
    recipe = Recipe(factory)

    assert layers_of(make_index(recipe, 384)).vectors_needed == needed
    assert fitting(recipe, needed, 384) == recipe
    assert needed == 0 or fitting(recipe, needed - 1, 384) == Recipe("Flat")


def test_construction_parameters_reach_the_index() -> None:
    index = make_index(Recipe("HNSW32,SQ8", build=(("efConstruction", 123),)), 384)

    assert layers_of(index).leaf.hnsw.efConstruction == 123


def test_the_recall_asked_for_is_98_percent_unless_said_otherwise() -> None:
    assert (recall_of({}), recall_of({"recall": 0.9})) == (0.98, 0.9)
