"""The sums are worked out by hand: 16 × how far above the background + 9 × share of the words − 7."""

import math

import pytest

from search.retrieval.calibration import Calibration, Leads, Signals, Strength

MILD = Calibration(background=0.2)


def test_the_confidence_rises_with_both_signals() -> None:
    # (0.6 - 0.2) / 0.8 = 0.5: 8 + 4.5 - 7 = 5.5
    assert MILD.confidence(Signals(0.6, 0.5)) == pytest.approx(1 / (1 + math.exp(-5.5)))
    assert MILD.confidence(Signals(0.5, 0.5)) < MILD.confidence(Signals(0.6, 0.5)) < MILD.confidence(Signals(0.6, 0.6))


@pytest.mark.parametrize(
    ("cosine", "shared", "strength"),
    [
        (0.6, 0.2, Strength.STRONG),  # 8 + 1.8 - 7 = 2.8
        (0.4, 0.3, Strength.POSSIBLE),  # 4 + 2.7 - 7 = -0.3
        (0.2, 0.6, Strength.POSSIBLE),  # 0 + 5.4 - 7 = -1.6
        (0.2, 0.5, Strength.WEAK),  # 0 + 4.5 - 7 = -2.5
        (0.0, 1.0, Strength.WEAK),  # -4 + 9 - 7 = -2
        (0.1, 1.0, Strength.POSSIBLE),  # -2 + 9 - 7 = 0
    ],
)
def test_strength_is_the_confidence_in_a_word(cosine: float, shared: float, strength: Strength) -> None:
    assert MILD.strength(Signals(cosine, shared)) == strength


def test_the_same_cosine_says_less_where_the_background_is_nearer() -> None:
    found = Signals(0.75, 0.2)

    assert MILD.strength(found) == Strength.STRONG
    assert Calibration(background=0.7).strength(found) == Strength.WEAK


def test_without_words_the_cosine_decides_and_without_meaning_nothing_is_sure() -> None:
    assert MILD.strength(Signals(0.7, None)) == Strength.STRONG
    assert MILD.strength(Signals(0.2, None)) == Strength.WEAK
    assert MILD.strength(Signals(None, 1.0)) == MILD.strength(Signals(None, 0.1)) == Strength.POSSIBLE


def test_a_version_that_was_not_calibrated_has_none() -> None:
    assert Calibration.from_json({}) is None
    assert Calibration.from_json({"background": 0.25, "chunks": 60}) == Calibration(0.25)


@pytest.mark.parametrize("background", [1.0, -1.0])
def test_an_impossible_background_is_borne(background: float) -> None:
    assert 0 <= Calibration(background).confidence(Signals(0.5, 0.5)) <= 1


@pytest.mark.parametrize(
    ("lead", "strength"),
    [
        (0.04, Strength.WEAK),  # as questions usually have that the collection does not answer
        (0.059, Strength.WEAK),
        (0.061, Strength.POSSIBLE),
        (0.095, Strength.STRONG),  # -1.75 + 2.5 * (0.095 - 0.06) / 0.02 = 2.6
    ],
)
def test_of_a_foreign_query_it_counts_how_far_the_answer_is_ahead(lead: float, strength: Strength) -> None:
    calibration = Calibration(0.8, leads=Leads(over=50, usual=0.04, high=0.06))
    assert calibration.strength(Signals(0.78, None, lead)) == strength
    assert MILD.strength(Signals(0.7, None, lead)) == Strength.STRONG  # not measured there: the cosine decides
