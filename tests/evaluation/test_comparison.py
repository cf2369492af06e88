"""Two runs side by side, by the judgments of now."""

import pytest

from search.evaluation import metrics
from search.evaluation.comparison import compare, scores_of
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet, EvaluationRun, RunQuery

pytestmark = pytest.mark.django_db

QUERIES = {"better": {"a": 1}, "worse": {"a": 1}, "same": {"b": 1}, "only the first": {"a": 1}}


@pytest.fixture
def query_set(collection: Collection) -> EvaluationQuerySet:
    """Four judged queries."""
    found = EvaluationQuerySet.objects.create(collection=collection, name="set")
    judgments.store(found, [JudgedQuery(name, name, grades) for name, grades in QUERIES.items()])
    return found


def _run(query_set: EvaluationQuerySet, rankings: dict[str, str], k: int = 100) -> EvaluationRun:
    """Make a finished run; each letter of a ranking is a document."""
    run = EvaluationRun.objects.create(query_set=query_set, state=EvaluationRun.State.FINISHED, k=k)
    for name, ranked in rankings.items():
        query = query_set.queries.get(external_id=name)
        RunQuery.objects.create(run=run, query=query, ranked=[[document, 1.0] for document in ranked])
    return run


@pytest.fixture
def runs(query_set: EvaluationQuerySet) -> tuple[EvaluationRun, EvaluationRun]:
    """The second one wins a query, loses one, and has not asked one."""
    first = _run(query_set, {"better": "xa", "worse": "a", "same": "b", "only the first": "a"})
    return first, _run(query_set, {"better": "a", "worse": "xxa", "same": "b"})


def test_queries_that_both_have_asked_are_compared_with_the_worst_loss_first(
    runs: tuple[EvaluationRun, EvaluationRun],
) -> None:
    found = compare(*runs)
    assert [query.text for query in found.queries] == ["worse", "same", "better"]
    assert found.queries[0].change == pytest.approx(0.5 - 1)
    difference = found.ndcg.difference
    assert (difference.wins, difference.ties, difference.losses) == (1, 1, 1)


def test_every_metric_has_both_means(runs: tuple[EvaluationRun, EvaluationRun]) -> None:
    found = {metric.name: metric for metric in compare(*runs).metrics}
    assert list(found) == list(metrics.names(100))
    assert found[metrics.MRR].first == pytest.approx((0.5 + 1 + 1) / 3)
    assert found[metrics.MRR].second == pytest.approx((1 + 1 / 3 + 1) / 3)


def test_new_judgments_count_for_both(query_set: EvaluationQuerySet, runs: tuple[EvaluationRun, EvaluationRun]) -> None:
    judgments.judge(query_set.queries.get(external_id="same"), "b", 0)
    judgments.judge(query_set.queries.get(external_id="worse"), "x", 1)
    found = compare(*runs)
    assert {query.text for query in found.queries} == {"better", "worse"}
    assert len(scores_of(runs[0])) == 3


def test_runs_of_two_sets_cannot_be_compared(
    query_set: EvaluationQuerySet, runs: tuple[EvaluationRun, EvaluationRun]
) -> None:
    other = EvaluationQuerySet.objects.create(collection=query_set.collection, name="other")
    with pytest.raises(ValueError, match="two different sets"):
        compare(runs[0], _run(other, {}))


def test_only_metrics_that_both_have_are_compared(
    query_set: EvaluationQuerySet, runs: tuple[EvaluationRun, EvaluationRun]
) -> None:
    shallow = _run(query_set, {"better": "a"}, k=20)
    names = [metric.name for metric in compare(runs[0], shallow).metrics]
    assert "recall@100" not in names and metrics.NDCG in names
