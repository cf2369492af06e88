"""Queries that mean the same, put together. Pure: takes vectors, gives places."""

from collections.abc import Sequence

import numpy as np

from search.datatypes import Vectors


def groups_of(vectors: Vectors | None, weights: Sequence[int], *, similarity: float) -> list[list[int]]:
    """Return the places of `weights` in groups: each with the first one it is as near to as `similarity` asks.

    The heavier ones found groups and lead them, so that a group bears the name that most people gave it; rows of
    `vectors` have norm 1. Without vectors everything stands alone.
    """
    order = sorted(range(len(weights)), key=lambda place: -weights[place])
    if vectors is None:
        return [[place] for place in order]
    leaders: list[int] = []
    groups: dict[int, list[int]] = {}
    for place in order:
        nearest = _nearest(vectors, place, leaders)
        if nearest is not None and float(vectors[nearest] @ vectors[place]) >= similarity:
            groups[nearest].append(place)
        else:
            leaders.append(place)
            groups[place] = [place]
    return sorted(groups.values(), key=lambda group: -sum(weights[place] for place in group))


def _nearest(vectors: Vectors, place: int, leaders: Sequence[int]) -> int | None:
    if not leaders:
        return None
    return leaders[int(np.argmax(vectors[list(leaders)] @ vectors[place]))]
