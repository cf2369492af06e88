"""How sure a mean is, and whether a difference is more than chance."""

import random

import pytest

from search.evaluation import statistics


def test_the_interval_of_a_mean_holds_the_true_one_about_as_often_as_it_says() -> None:
    chance = random.Random(1)
    held = 0
    for _ in range(200):
        found = statistics.mean([chance.random() for _ in range(40)])
        held += found.low <= 0.5 <= found.high
    assert 0.90 <= held / 200 <= 0.99


def test_equal_values_leave_no_doubt() -> None:
    assert statistics.mean([0.5] * 8) == statistics.Mean(0.5, 0.5, 0.5, 8)


def test_no_values_have_no_mean_and_no_difference() -> None:
    assert statistics.mean([]).count == 0
    assert statistics.compare([], []).p_value == 1.0


def test_wins_ties_and_losses_are_those_of_the_second() -> None:
    found = statistics.compare([0.1, 0.5, 0.9, 0.2], [0.2, 0.5, 0.1, 0.9])
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.difference == pytest.approx(0.0)


def test_few_differences_are_tested_with_every_combination_of_signs() -> None:
    # five wins of the same size: of 32 combinations of signs two are as far from 0, all plus and all minus
    assert statistics.compare([0.0] * 5, [0.1] * 5).p_value == pytest.approx(2 / 32)


def test_queries_that_do_not_change_say_nothing_about_chance() -> None:
    assert statistics.compare([0.0] * 505, [0.1] * 5 + [0.0] * 500).p_value == pytest.approx(2 / 32)


def test_chance_alone_is_rarely_called_a_difference() -> None:
    chance = random.Random(2)
    called = 0
    for _ in range(100):
        first = [chance.random() for _ in range(30)]
        called += statistics.compare(first, [min(1.0, max(0.0, x + chance.gauss(0, 0.1))) for x in first]).significant
    assert called <= 12


def test_a_steady_loss_is_called_one() -> None:
    chance = random.Random(3)
    first = [chance.random() for _ in range(60)]
    found = statistics.compare(first, [value - 0.02 - 0.01 * chance.random() for value in first])
    assert found.significant and found.high < 0 and found.losses == 60


def test_values_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        statistics.compare([1.0], [1.0, 0.5])
