"""Runs: the same code that people's queries run, what it is worth, and going on after a break."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from search import query_service, tasks
from search.evaluation import metrics, runner
from search.evaluation.judged import grades_of
from search.evaluation.run_leases import hold
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet, EvaluationRun, RunQuery, SearchLog
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture
def query_set(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> EvaluationQuerySet:
    """Thirty pages, each with a query that names it; one more query that nobody has judged."""
    found = EvaluationQuerySet.objects.create(collection=collection, name="pages")
    for number in range(30):
        make_document(external_id=f"d{number}", title=f"Page {number}", body=f"word{number} stands on page{number}")
    queries = [JudgedQuery(f"q{number}", f"word{number}", {f"d{number}": 1}) for number in range(30)]
    judgments.store(found, [*queries, JudgedQuery("open", "word1 word2")])
    indexed()
    return found


def test_a_run_keeps_rankings_metrics_and_times(query_set: EvaluationQuerySet) -> None:
    run = _done(runner.create(query_set, mode="lexical"))
    assert run.state == EvaluationRun.State.FINISHED
    assert run.metrics[metrics.NDCG]["mean"] == pytest.approx(1.0)
    assert run.metrics["recall@100"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "count": 30}
    assert run.metrics[runner.TOOK]["p50"] > 0
    assert run.version_number == 1 and run.queries_done == 30
    first = run.run_queries.select_related("query").earliest("query_id")
    assert first.query.external_id == "q0" and first.external_ids[0] == "d0"


def test_a_run_finds_what_a_search_finds(query_set: EvaluationQuerySet) -> None:
    run = _done(runner.create(query_set, mode="hybrid", k=50))
    for row in run.run_queries.select_related("query")[:5]:
        answer = query_service.search(row.query.text, collection="docs", k=50)
        assert row.external_ids == [result.external_id for result in answer.results]


def test_documents_that_only_staff_may_see_are_measured_too(
    query_set: EvaluationQuerySet, collection: Collection, indexed: Callable[[], int]
) -> None:
    collection.documents.update(visibility="staff")
    indexed()
    assert _done(runner.create(query_set, mode="lexical", most=5)).metrics["recall@100"]["mean"] == 1.0


def test_queries_of_a_run_do_not_come_into_the_log(query_set: EvaluationQuerySet, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    _done(runner.create(query_set, mode="lexical", most=3))
    assert not SearchLog.objects.exists()


def test_a_run_goes_on_where_it_was(query_set: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runner.create(query_set, mode="lexical")
    asked: list[str] = []
    search = query_service.search

    def counted(text: str, **given: Any) -> Any:
        if len(asked) == 25:
            asked.append("killed")
            raise KeyboardInterrupt
        asked.append(text)
        return search(text, **given)

    monkeypatch.setattr(query_service, "search", counted)
    with pytest.raises(KeyboardInterrupt):
        runner.work(run.pk)
    assert RunQuery.objects.filter(run=run).count() == 20
    run = _done(run)
    assert run.state == EvaluationRun.State.FINISHED
    assert asked[26:] == [f"word{number}" for number in range(20, 30)]


def test_a_budget_that_is_spent_leaves_the_rest_for_the_next_message(query_set: EvaluationQuerySet) -> None:
    run = runner.create(query_set, mode="lexical")
    assert runner.work(run.pk, budget_seconds=-1) is True
    run.refresh_from_db()
    assert run.state == EvaluationRun.State.RUNNING and runner.unfinished() == [run.pk]


def test_two_processes_never_work_on_one_run(query_set: EvaluationQuerySet) -> None:
    run = runner.create(query_set, mode="lexical")
    with hold(run.pk):
        assert runner.work(run.pk) is False
    assert not RunQuery.objects.filter(run=run).exists()


def test_a_cancelled_run_stops_and_stays_cancelled(
    query_set: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner.create(query_set, mode="lexical")
    search = query_service.search

    def cancelling(text: str, **given: Any) -> Any:
        runner.cancel(run)
        return search(text, **given)

    monkeypatch.setattr(query_service, "search", cancelling)
    assert _done(run).state == EvaluationRun.State.CANCELLED
    assert RunQuery.objects.filter(run=run).count() == 20


def test_options_are_those_of_the_run_over_those_of_the_collection(query_set: EvaluationQuerySet) -> None:
    query_set.collection.retrieval = {"fusion": "rrf", "dense_weight": 1}
    query_set.collection.save()
    by_meaning = _done(runner.create(query_set, options={"fusion": "convex"}))
    by_words = _done(runner.create(query_set, options={"fusion": "convex", "dense_weight": 0}))
    assert by_words.metrics[metrics.NDCG]["mean"] > by_meaning.metrics[metrics.NDCG]["mean"]


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"mode": "guess"}, "mode is guess"),
        ({"k": 5}, "k is 5; it must be from 10 to 100"),
        ({"options": {"dense_weight": 3}}, "dense_weight is 3"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(
    query_set: EvaluationQuerySet, asked: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(runner.BadRun, match=complaint):
        runner.create(query_set, **asked)


def test_a_set_without_a_relevant_document_cannot_be_measured(collection: Collection) -> None:
    empty = EvaluationQuerySet.objects.create(collection=collection, name="empty")
    judgments.store(empty, [JudgedQuery("q", "something", {"d": 0})])
    with pytest.raises(runner.BadRun, match="judge some first"):
        runner.create(empty)


def test_a_run_that_would_go_without_a_leg_fails_and_says_so(query_set: EvaluationQuerySet) -> None:
    run = runner.create(query_set)
    query_set.collection.index_versions.update(encoder_fingerprint="another")
    found = _done(run)
    assert found.state == EvaluationRun.State.FAILED and "meaning is off" in found.error


def test_a_collection_without_an_index_leaves_the_run_waiting(collection: Collection) -> None:
    waiting = EvaluationQuerySet.objects.create(collection=collection, name="early")
    judgments.store(waiting, [JudgedQuery("q", "something", {"d": 1})])
    collection.index_versions.all().delete()
    run = runner.create(waiting)
    assert runner.work(run.pk) is False
    assert runner.unfinished() == [run.pk]


def test_new_judgments_are_applied_to_an_old_run(query_set: EvaluationQuerySet) -> None:
    run = _done(runner.create(query_set, mode="lexical"))
    first, second = query_set.queries.order_by("pk")[:2]
    judgments.judge(first, "gone", 3)
    second.judgments.update(grade=0)
    runner.rescore(run)
    run.refresh_from_db()
    assert run.metrics[metrics.NDCG]["mean"] < 1 and run.metrics[metrics.NDCG]["count"] == 29
    assert run.run_queries.get(query=first).metrics["recall@100"] == 0.5
    assert run.metrics[runner.TOOK]["count"] == 30
    with pytest.raises(runner.BadRun, match="is not finished"):
        runner.rescore(runner.create(query_set))


def test_the_worker_finds_runs_that_no_message_announced(
    query_set: EvaluationQuerySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = runner.create(query_set, mode="lexical")
    runner.create(query_set, mode="lexical", label=runner.GATE_LABEL)
    sent: list[object] = []
    monkeypatch.setattr(tasks, "_send", lambda task, **ids: sent.append((task.name, ids)))
    tasks.sweep()
    assert sent == [("search.run_evaluation", {"run_id": waiting.pk})]
    tasks.run_evaluation(run_id=waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == EvaluationRun.State.FINISHED


def test_grades_are_read_by_query(query_set: EvaluationQuerySet) -> None:
    query = query_set.queries.get(external_id="q3")
    judgments.judge(query, "d4", 3)
    query.judgments.filter(external_id="d3").update(at=timezone.now(), grade=0)
    assert grades_of([query.pk, 10**9]) == {query.pk: {"d3": 0, "d4": 3}, 10**9: {}}


def _done(run: EvaluationRun) -> EvaluationRun:
    assert runner.work(run.pk) is False
    run.refresh_from_db()
    return run
