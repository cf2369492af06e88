"""Metrics: worked out by hand, and held against ir-measures, which computes them with trec_eval."""

import random
from collections.abc import Mapping, Sequence

import ir_measures
import pytest
from ir_measures import RR, Judged, P, R, nDCG

from search.evaluation import metrics

GRADES = {"a": 3, "b": 1, "c": 0, "d": 2}
IR_MEASURES = {
    metrics.NDCG: nDCG @ 10, "recall@100": R @ 100, metrics.MRR: RR @ 10, metrics.PRECISION: P @ 10,
    metrics.JUDGED: Judged @ 10,
}  # fmt: skip


def test_gains_are_discounted_by_the_logarithm_of_the_rank() -> None:
    # found: x 0, d 2 at rank 2, a 3 at rank 3; best: 3, 2, 1 at ranks 1 to 3
    found = 2 / 1.584962500721156 + 3 / 2
    best = 3 + 2 / 1.584962500721156 + 1 / 2
    assert metrics.ndcg(["x", "d", "a"], GRADES, 10) == pytest.approx(found / best)


def test_the_best_possible_order_is_worth_one() -> None:
    assert metrics.ndcg(["a", "d", "b", "c"], GRADES, 10) == 1.0


def test_what_stands_below_the_cut_off_counts_for_nothing() -> None:
    assert metrics.ndcg(["x", "y", "a"], GRADES, 2) == 0.0
    assert metrics.reciprocal_rank(["x", "y", "a"], GRADES, 2) == 0.0


def test_recall_is_the_share_of_the_relevant_and_precision_that_of_the_places() -> None:
    assert metrics.recall(["a", "x", "b"], GRADES, 100) == pytest.approx(2 / 3)
    assert metrics.precision(["a", "x", "b"], GRADES, 10) == pytest.approx(0.2)


def test_the_first_relevant_document_decides_the_reciprocal_rank() -> None:
    assert metrics.reciprocal_rank(["c", "x", "b", "a"], GRADES, 10) == pytest.approx(1 / 3)


def test_a_document_judged_as_not_relevant_is_judged() -> None:
    assert metrics.judged(["a", "c", "x", "y"], GRADES, 10) == 0.5


def test_no_results_and_no_relevant_documents_are_worth_nothing() -> None:
    assert set(metrics.of_query([], GRADES, 100).values()) == {0.0}
    assert metrics.of_query(["a"], {"a": 0}, 100)[metrics.NDCG] == 0.0


def test_every_metric_agrees_with_ir_measures() -> None:
    chance = random.Random(5)
    grades = {f"q{n}": _grades(chance) for n in range(300)}
    rankings = {query: chance.sample([f"d{n}" for n in range(400)], chance.randint(1, 150)) for query in grades}
    theirs = _by_ir_measures(rankings, grades)
    for query, ranked in rankings.items():
        ours = metrics.of_query(ranked[:100], grades[query], 100)
        for name, value in ours.items():
            assert value == pytest.approx(theirs[query, name], abs=1e-6), (query, name)


def _grades(chance: random.Random) -> dict[str, int]:
    """Grades of some documents, from 0 to 4, at least one of them relevant."""
    judged = {f"d{chance.randrange(400)}": chance.choice((0, 0, 1, 1, 2, 3, 4)) for _ in range(chance.randint(1, 120))}
    return {**judged, "d7": 1}


def _by_ir_measures(
    rankings: Mapping[str, Sequence[str]], grades: Mapping[str, Mapping[str, int]]
) -> dict[tuple[str, str], float]:
    run = {query: {doc: 1 / rank for rank, doc in enumerate(ranked, 1)} for query, ranked in rankings.items()}
    names = {str(measure): name for name, measure in IR_MEASURES.items()}
    found = ir_measures.iter_calc(list(IR_MEASURES.values()), grades, run)
    return {(metric.query_id, names[str(metric.measure)]): metric.value for metric in found}
