"""The blind pool: all systems' best, in an order that tells nothing, of what the judge may see."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from search import query_service
from search.evaluation import pooling, runner
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, Document, EvaluationQuery, EvaluationQuerySet
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture
def query(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> EvaluationQuery:
    """A query on thirty pages of which ten have its word."""
    for number in range(30):
        body = f"page{number} " + ("shows a lighthouse" if number < 10 else "is about something else")
        make_document(external_id=f"d{number:02}", title=f"Page {number}", body=body)
    query_set = EvaluationQuerySet.objects.create(collection=collection, name="lights")
    judgments.store(query_set, [JudgedQuery("q1", "lighthouse"), JudgedQuery("q2", "page3"), JudgedQuery("q3", "x")])
    indexed()
    return query_set.queries.get(external_id="q1")


@pytest.fixture
def judge() -> User:
    """Somebody who may see everything."""
    return User.objects.create_superuser("judge")


def test_the_pool_is_what_any_of_the_systems_finds_each_once(query: EvaluationQuery, judge: User) -> None:
    other = query.query_set.queries.get(external_id="q2")
    pooled = [document.external_id for document in pooling.pool(other, user=judge, depth=3)]
    found = set()
    for system in pooling.SYSTEMS:
        answer = query_service.search("page3", user=judge, k=3, mode=system.mode, options=system.options)
        found |= {result.external_id for result in answer.results}
    assert len(pooled) == len(set(pooled)) and set(pooled) == found


def test_the_order_is_the_same_for_the_same_person_and_not_that_of_any_system(
    query: EvaluationQuery, judge: User
) -> None:
    lexical = (pooling.System("lexical"),)
    pooled = [document.external_id for document in pooling.pool(query, user=judge, systems=lexical)]
    assert pooled == [document.external_id for document in pooling.pool(query, user=judge, systems=lexical)]
    assert sorted(pooled) != pooled
    colleague = User.objects.create_superuser("colleague")
    assert pooled != [document.external_id for document in pooling.pool(query, user=colleague, systems=lexical)]


def test_what_runs_have_found_and_what_is_judged_is_there_too(query: EvaluationQuery, judge: User) -> None:
    judgments.judge(query, "d29", 2)
    run = runner.create(query.query_set, mode="lexical")
    runner.work(run.pk)
    run.run_queries.filter(query=query).update(ranked=[["d20", 1.0], ["gone", 0.5]])
    pooled = {item.external_id: item for item in pooling.pool(query, user=judge, systems=[pooling.System("lexical")])}
    assert pooled["d29"].grade == 2 and pooled["d20"].grade is None
    assert "gone" not in pooled and pooled["d20"].snippet.text.startswith("page20")


def test_what_the_judge_may_not_see_is_not_there(query: EvaluationQuery) -> None:
    Document.objects.filter(external_id__in=["d03", "d29"]).update(visibility="staff")
    judgments.judge(query, "d29", 2)
    person = User.objects.create_user("reader")
    pooled = {item.external_id for item in pooling.pool(query, user=person)}
    assert not {"d03", "d29"} & pooled


def test_the_next_query_is_one_that_nobody_has_judged(query: EvaluationQuery) -> None:
    second, third = query.query_set.queries.exclude(pk=query.pk).order_by("pk")
    assert pooling.next_to_judge(query.query_set, after=query.pk) == second
    judgments.judge(second, "d01", 0)
    assert pooling.next_to_judge(query.query_set, after=query.pk) == third
    assert pooling.next_to_judge(query.query_set, after=third.pk) == query
    judgments.judge(query, "d01", 1)
    judgments.judge(third, "d01", 1)
    assert pooling.next_to_judge(query.query_set) is None
