"""Joins dense and lexical scores of the same candidates into one order. Pure arithmetic.

`convex` is the convex combination of normalised scores: the dense score min-max normalised over the
candidates, the lexical score divided by its maximum there (Bruch, Gai and Ingber, "An Analysis of Fusion
Functions for Hybrid Retrieval", 2023, compare such normalisations). `rrf` is reciprocal rank fusion (Cormack,
Clarke and Büttcher, 2009).
"""

from collections.abc import Mapping, Sequence

from search.datatypes import Hit

_RRF_K = 60


def convex(dense: Mapping[int, float], lexical: Mapping[int, float], *, dense_weight: float) -> list[Hit]:
    """Return every candidate with `dense_weight` × dense + (1 − `dense_weight`) × lexical, best first.

    Both mappings go from chunk id to raw score; a candidate that is missing in one has nothing there.
    """
    low, high = min(dense.values(), default=0.0), max(dense.values(), default=0.0)
    top = max(lexical.values(), default=0.0)
    scores = {}
    for chunk_id in dense.keys() | lexical.keys():
        near = 0.0
        if chunk_id in dense:
            near = (dense[chunk_id] - low) / (high - low) if high > low else 1.0
        words = lexical.get(chunk_id, 0.0) / top if top > 0 else 0.0
        scores[chunk_id] = dense_weight * near + (1 - dense_weight) * words
    return ranked(scores)


def rrf(*rankings: Sequence[int]) -> list[Hit]:
    """Return every candidate with the sum of 1 / (60 + rank) over the rankings (ids, best first)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + 1 / (_RRF_K + rank)
    return ranked(scores)


def ranked(scores: Mapping[int, float]) -> list[Hit]:
    """Return the candidates by score, highest first; equal scores by chunk id, so that the order is stable."""
    return [Hit(chunk_id, score) for chunk_id, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]
