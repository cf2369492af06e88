"""Queries put together by meaning, on hand-made vectors."""

import numpy as np

from search.analytics.grouping import groups_of
from search.datatypes import Vectors


def vectors(*degrees: float) -> Vectors:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_what_points_the_same_way_is_one_group_led_by_the_heaviest() -> None:
    assert groups_of(vectors(0, 90, 10, 95), [1, 5, 3, 2], similarity=0.9) == [[1, 3], [2, 0]]


def test_a_query_goes_to_the_nearest_leader_and_not_to_the_first() -> None:
    assert groups_of(vectors(0, 50, 30), [9, 8, 1], similarity=0.85) == [[0], [1, 2]]


def test_without_vectors_each_stands_alone() -> None:
    assert groups_of(None, [1, 3, 2], similarity=0.5) == [[1], [2], [0]]


def test_no_queries_make_no_groups() -> None:
    assert groups_of(None, [], similarity=0.5) == []
