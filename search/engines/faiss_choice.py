"""Which index `auto` builds: the fastest that fits the memory budget, a better one when it missed the recall.

A pure function of numbers, so that a build that was killed chooses the same again. The order of the candidates
was measured (docs/index-types.md); how good they are on the vectors at hand is measured by each build.
"""

import math
from dataclasses import dataclass

from search.datatypes import Candidate

from .faiss_types import Recipe, ivf_lists

GRAPH_FROM = 10_000
"""Fewer vectors are searched exactly in two thirds of a millisecond, and are written in a fraction of a second."""

EXACT_FROM = 0.9995
"""Whoever asks for more recall gets an exact index."""

POOR_GRAPH_FROM = 128
"""A graph that needs a wider efSearch than this for its recall is built again with a higher efConstruction."""

_NARROWEST_PCA, _WIDEST_PCA = 128, 4_096
_PER_ROW_OVERHEAD = 8
"""The id beside each vector."""


@dataclass(frozen=True, slots=True)
class _Option:
    """An index type with its bytes for each vector."""

    factory: str
    bytes_per_vector: float
    ef_construction: int = 0

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.factory, (("efConstruction", self.ef_construction),) if self.ef_construction else ())


def choose(
    rows: int, dimension: int, target: float, memory_mb: float | None, tried: tuple[Candidate, ...] = ()
) -> Recipe | None:
    """Return what to build for a recall@10 of `target`, after the candidates tried so far; None to keep the last.

    The last of `tried` is kept when it reached the target, or when nothing that fits the budget would do better.
    """
    options = _options(rows, dimension, target, memory_mb)
    for candidate in tried:
        poor = dict(candidate.parameters).get("efSearch", 0) > POOR_GRAPH_FROM
        options = _after(options, reached=candidate.recall >= target, poor=poor)
    return options[0].recipe if options else None


def _after(options: list[_Option], *, reached: bool, poor: bool) -> list[_Option]:
    """Return what is left to build when the first of the options turned out so.

    More construction makes a graph quicker to search; what no search reaches needs another type.
    """
    same = [option for option in options[1:] if option.factory == options[0].factory]
    if reached:
        return same if poor else []
    return [option for option in options[1:] if option not in same]


def _options(rows: int, dimension: int, target: float, memory_mb: float | None) -> list[_Option]:
    """Return what may be built, in this order; all but the first only when it was not good enough."""
    budget = math.inf if memory_mb is None else memory_mb * 2**20 / max(rows, 1) - _PER_ROW_OVERHEAD
    exact = _Option("Flat", 4 * dimension)
    if rows < GRAPH_FROM or (target > EXACT_FROM and exact.bytes_per_vector <= budget):
        return [exact]
    ways = [*_graphs(dimension), *_small(rows, dimension)]
    fitting = next((way for way in ways if way[0].bytes_per_vector <= budget), ways[-1])
    last = [option for option in (exact, _Option("SQfp16", 2 * dimension)) if option.bytes_per_vector <= budget]
    return [fitting[0], *(option for option in fitting[1:] if option.bytes_per_vector <= budget), *last[:1]]


def _graphs(dimension: int) -> list[list[_Option]]:
    """Return the graphs, fastest first: of half as many numbers a vector, refined by the vectors as they are."""
    half = 16 * round(dimension / 32)
    walked, prefix = (half, f"PCA{half},") if _NARROWEST_PCA <= dimension <= _WIDEST_PCA else (dimension, "")
    ways = []
    for refinement, size in (("SQfp16", 2 * dimension), ("SQ8", dimension)):
        narrow, whole = (f"{start}_SQ8,Refine({refinement})" for start in (f"{prefix}HNSW32", "HNSW48"))
        ways.append(
            [
                _Option(narrow, walked + _links(32) + size, 100),
                _Option(narrow, walked + _links(32) + size, 400),
                _Option(whole, dimension + _links(48) + size, 400),
            ]
        )
    return [
        *ways,
        [_Option("HNSW16_SQ8", dimension + _links(16), 200), _Option("HNSW16_SQ8", dimension + _links(16), 800)],
    ]


def _links(links: int) -> float:
    """Return the bytes of a vector's links: twice as many on the ground floor, its level, and its place in the list."""
    return 4 * 2 * links + 4 * links / (links - 1) + 12


def _small(rows: int, dimension: int) -> list[list[_Option]]:
    """Return inverted lists of ever shorter codes, for budgets that no graph fits."""
    codes = {"SQ8": 1.0, "SQ6": 0.75, "RaBitQ4": 0.5, "RaBitQ2": 0.25, "RaBitQ": 0.125}
    return [[_Option(f"IVF{ivf_lists(rows)},{code}", size * dimension + 24)] for code, size in codes.items()]
