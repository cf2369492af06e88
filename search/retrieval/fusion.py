"""Joins dense and lexical scores of the same candidates into one order. Pure arithmetic.

`standardised` divides each leg's scores by their standard deviation over the candidates before they are weighted: a
leg counts as much as it tells this query's candidates apart. `convex` is the convex combination of normalised scores:
the dense score min-max normalised over the candidates, the lexical score divided by its maximum there (Bruch, Gai and
Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023, compare such normalisations). `rrf` is reciprocal
rank fusion (Cormack, Clarke and Büttcher, 2009). Every score is between 0 and 1 but those of `rrf`, which are smaller.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from search.datatypes import Hit

_RRF_K = 60


def fuse(dense: Mapping[int, float], lexical: Mapping[int, float], *, method: str, dense_weight: float) -> list[Hit]:
    """Return every candidate of both legs, best first, by the method named; of one leg alone by its own scores."""
    if not dense or not lexical:
        return ranked(dense or lexical)
    if method == "rrf":
        return rrf(*([hit.chunk_id for hit in ranked(scores)] for scores in (dense, lexical)))
    return (convex if method == "convex" else standardised)(dense, lexical, dense_weight=dense_weight)


def standardised(dense: Mapping[int, float], lexical: Mapping[int, float], *, dense_weight: float) -> list[Hit]:
    """Return every candidate with `dense_weight` × dense / its deviation + (1 − `dense_weight`) × lexical / its own.

    A candidate that is missing in a leg is as good there as the worst (dense) or has nothing (lexical). What would be
    best in both legs has the score 1.
    """
    ids = np.array(sorted(dense.keys() | lexical.keys()), np.int64)
    if not len(ids):
        return []
    low = min(dense.values(), default=0.0)
    near = np.array([dense.get(pk, low) for pk in ids.tolist()]) - low
    words = np.array([lexical.get(pk, 0.0) for pk in ids.tolist()])
    near_share, words_share = dense_weight * _per_deviation(near), (1 - dense_weight) * _per_deviation(words)
    most = near_share * near.max() + words_share * words.max()
    scores = (near_share * near + words_share * words) / most if most > 0 else np.ones(len(ids))
    best = np.argsort(-scores, kind="stable")  # the ids ascend
    return list(map(Hit, ids[best].tolist(), scores[best].tolist()))


def _per_deviation(scores: np.ndarray) -> float:
    """Return what a leg's scores are to be multiplied with; nothing when it tells no candidate from another."""
    deviation = float(scores.std())
    return 1 / deviation if deviation > 1e-9 else 0.0


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
    ids = np.fromiter(scores.keys(), np.int64, len(scores))
    values = np.fromiter(scores.values(), np.float64, len(scores))
    best = np.lexsort((ids, -values))
    return list(map(Hit, ids[best].tolist(), values[best].tolist()))
