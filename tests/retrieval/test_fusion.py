"""Every number here is worked out by hand."""

import pytest

from search.datatypes import Hit
from search.retrieval.fusion import convex, fuse, ranked, rrf, standardised


def test_convex_adds_the_normalised_scores_by_their_weights() -> None:
    # dense: (0.8-0.2)/0.6 = 1, (0.5-0.2)/0.6 = 0.5, 0.  lexical: 4/8 = 0.5, 8/8 = 1
    # 1: 0.6·1 + 0.4·0.5 = 0.8;  2: 0.6·0.5 = 0.3;  3: 0.6·0 + 0.4·1 = 0.4
    hits = convex({1: 0.8, 2: 0.5, 3: 0.2}, {1: 4.0, 3: 8.0}, dense_weight=0.6)

    assert [hit.chunk_id for hit in hits] == [1, 3, 2]
    assert [hit.score for hit in hits] == pytest.approx([0.8, 0.4, 0.3])


def test_convex_has_nothing_for_a_candidate_that_a_leg_does_not_know() -> None:
    hits = convex({1: 0.9, 2: 0.1}, {3: 5.0}, dense_weight=0.6)

    assert {hit.chunk_id: round(hit.score, 6) for hit in hits} == {1: 0.6, 3: 0.4, 2: 0.0}


@pytest.mark.parametrize(("weight", "order"), [(1.0, [1, 2]), (0.0, [2, 1])])
def test_a_weight_of_one_or_zero_leaves_one_leg(weight: float, order: list[int]) -> None:
    hits = convex({1: 0.9, 2: 0.1}, {1: 1.0, 2: 2.0}, dense_weight=weight)

    assert [hit.chunk_id for hit in hits] == order


def test_negative_cosines_are_normalised_like_others() -> None:
    # (-0.1 + 0.5) / (0.3 + 0.5) = 0.5
    hits = convex({1: 0.3, 2: -0.1, 3: -0.5}, {}, dense_weight=1.0)

    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.5, 0.0])


def test_candidates_all_equally_near_are_all_as_near_as_can_be() -> None:
    assert convex({1: 0.4, 2: 0.4}, {}, dense_weight=0.6) == [Hit(1, 0.6), Hit(2, 0.6)]


def test_lexical_scores_of_zero_add_nothing() -> None:
    assert convex({}, {1: 0.0, 2: 0.0}, dense_weight=0.6) == [Hit(1, 0.0), Hit(2, 0.0)]


def test_nothing_fuses_to_nothing() -> None:
    assert convex({}, {}, dense_weight=0.6) == rrf() == rrf([], []) == []


def test_rrf_adds_the_reciprocal_ranks() -> None:
    hits = rrf([1, 2, 3], [3, 1])

    # 1: 1/61 + 1/62;  3: 1/63 + 1/61;  2: 1/62
    assert [hit.chunk_id for hit in hits] == [1, 3, 2]
    assert [hit.score for hit in hits] == pytest.approx([1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62])


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    assert ranked({9: 0.5, 3: 0.5, 7: 0.9}) == [Hit(7, 0.9), Hit(3, 0.5), Hit(9, 0.5)]


def test_standardised_divides_each_leg_by_its_deviation() -> None:
    # dense 0.2, 0.6 above the lowest: 0, 0.4, deviation 0.2;  lexical: 8, 0, deviation 4
    # 0.5·0.4/0.2 = 1 for the nearest, 0.5·8/4 = 1 for the words; the most that there could be is 2
    hits = standardised({1: 0.2, 2: 0.6}, {1: 8.0}, dense_weight=0.5)

    assert [hit.score for hit in hits] == pytest.approx([0.5, 0.5])
    assert [hit.chunk_id for hit in standardised({1: 0.2, 2: 0.6}, {1: 8.0}, dense_weight=0.6)] == [2, 1]


def test_a_leg_with_one_score_that_stands_out_decides_over_one_that_hardly_tells_candidates_apart() -> None:
    # flat: the last is 19 steps of 1 behind the first, the deviation of 20 of them is 5.77: 3.3; peaked: 8 / 1.74 = 4.6
    flat = {pk: 0.5 - pk / 100 for pk in range(20)}
    peaked = dict.fromkeys(flat, 1.0) | {19: 9.0}

    assert standardised(flat, peaked, dense_weight=0.5)[0].chunk_id == 19
    assert standardised(flat, dict.fromkeys(flat, 1.0), dense_weight=0.5)[0].chunk_id == 0


@pytest.mark.parametrize(("weight", "order"), [(1.0, [1, 2]), (0.0, [2, 1])])
def test_a_weight_of_one_or_zero_leaves_one_leg_when_standardised(weight: float, order: list[int]) -> None:
    hits = standardised({1: 0.9, 2: 0.1}, {1: 1.0, 2: 2.0}, dense_weight=weight)

    assert [hit.chunk_id for hit in hits] == order


@pytest.mark.parametrize("dense", [{1: 0.7}, {1: 0.7, 2: 0.7}])
def test_candidates_that_nothing_tells_apart_are_all_best(dense: dict[int, float]) -> None:
    assert standardised(dense, dict.fromkeys(dense, 3.0), dense_weight=0.5) == [Hit(pk, 1.0) for pk in dense]


def test_one_leg_alone_keeps_its_own_scores() -> None:
    assert fuse({1: 0.2, 2: 0.4}, {}, method="standardised", dense_weight=0.5) == [Hit(2, 0.4), Hit(1, 0.2)]
    assert fuse({}, {1: 7.0}, method="convex", dense_weight=0.5) == [Hit(1, 7.0)]


def test_fusing_goes_by_the_method_named() -> None:
    dense, lexical = {1: 0.9, 2: 0.1, 3: 0.4}, {2: 4.0, 3: 1.0}

    by = {name: fuse(dense, lexical, method=name, dense_weight=0.6) for name in ("standardised", "convex", "rrf")}
    assert by["standardised"] == standardised(dense, lexical, dense_weight=0.6)
    assert by["convex"] == convex(dense, lexical, dense_weight=0.6)
    assert by["rrf"] == rrf([1, 3, 2], [2, 3])
