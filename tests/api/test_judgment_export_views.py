"""A query set as files: what a bundle has of it, and qrels that the reader of qrels understands."""

from pathlib import Path

import pytest

from search.evaluation.datasets import read_qrels
from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet

from .conftest import Client

GRADES = {"leave policy": 3, "a\tb\nc": 1}


@pytest.fixture
def query_set(collection: Collection) -> EvaluationQuerySet:
    made = EvaluationQuerySet.objects.create(collection=collection, name="Pages")
    judgments.store(made, [JudgedQuery("q 1", "leave", GRADES), JudgedQuery("q2", "fax")])
    return made


def content(client: Client, query_set: EvaluationQuerySet, ending: str) -> bytes:
    answer = client.get(f"/api/v1/evaluation/query-sets/{query_set.pk}/judgments.{ending}")
    assert answer.status_code == 200
    assert f"queries-{query_set.pk}.{ending}" in answer["Content-Disposition"]
    return b"".join(answer)


def test_the_lines_make_the_same_set_elsewhere(curator: Client, query_set: EvaluationQuerySet) -> None:
    elsewhere = Collection.objects.create(slug="elsewhere", name="Elsewhere")

    judgments.take_in(elsewhere, content(curator, query_set, "jsonl").splitlines())

    query = EvaluationQuerySet.objects.get(collection=elsewhere, name="Pages").queries.get(external_id="q 1")
    assert dict(query.judgments.values_list("external_id", "grade")) == GRADES


def test_qrels_are_read_as_they_were_judged(curator: Client, query_set: EvaluationQuerySet, tmp_path: Path) -> None:
    (tmp_path / "a.qrels").write_bytes(content(curator, query_set, "qrels"))

    assert read_qrels(tmp_path / "a.qrels") == {"q 1": {"leave policy": 3, "a b c": 1}}


def test_it_needs_the_right_to_see_query_sets(outsider: Client, query_set: EvaluationQuerySet) -> None:
    assert outsider.get(f"/api/v1/evaluation/query-sets/{query_set.pk}/judgments.qrels").status_code == 403
