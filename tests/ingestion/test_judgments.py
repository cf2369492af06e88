"""Queries with judgments: stored by batches, judged one at a time, carried in a bundle."""

import json
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from search.ingestion import bundles, judgments
from search.ingestion.judgments import BadJudgments, JudgedQuery
from search.models import Collection, EvaluationQuery, EvaluationQuerySet, Judgment
from tests.ingestion.test_bundles import taken_in, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def query_set(collection: Collection) -> EvaluationQuerySet:
    """A set that guards the gate, with two queries."""
    found = EvaluationQuerySet.objects.create(collection=collection, name="Früh", guards_gate=True, source="hand")
    queries = [JudgedQuery("q1", "pumps", {"a/1": 3, "b": 0}, {"a/1": "click"}), JudgedQuery("q2", "nothing yet")]
    judgments.store(found, queries)
    return found


def test_more_queries_than_fit_into_a_batch_are_all_stored(query_set: EvaluationQuerySet) -> None:
    stored = judgments.store(query_set, (JudgedQuery(f"n{n}", f"text {n}", {"d": 1, "e": 2}) for n in range(1_100)))
    assert stored == judgments.Stored(1_100, 2_200)
    assert query_set.queries.count() == 1_102


def test_storing_again_replaces_what_is_named_and_keeps_the_rest(query_set: EvaluationQuerySet) -> None:
    before = query_set.queries.get(external_id="q1").pk
    judgments.store(query_set, [JudgedQuery("q1", "blue pumps", {"b": 2, "c": 1})])
    query = query_set.queries.get(external_id="q1")
    assert (query.pk, query.text) == (before, "blue pumps")
    assert dict(query.judgments.values_list("external_id", "grade")) == {"a/1": 3, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        (JudgedQuery("q", "text", {"d": 101}), "grade of document d for query q is 101"),
        (JudgedQuery("q", "text", {"d": -1}), "is -1"),
        (JudgedQuery("q", "text", {"": 1}), "by 0 characters"),
        (JudgedQuery("", "text"), "has 0 characters"),
        (JudgedQuery("q", " "), "Query q has no text"),
    ],
)
def test_what_makes_no_sense_is_named_and_nothing_of_its_batch_stored(
    query_set: EvaluationQuerySet, query: JudgedQuery, complaint: str
) -> None:
    with pytest.raises(BadJudgments, match=complaint):
        judgments.store(query_set, [JudgedQuery("new", "fine"), query])
    assert not query_set.queries.filter(external_id="new").exists()


def test_ids_with_what_no_database_stores_are_mended_the_same_everywhere(query_set: EvaluationQuerySet) -> None:
    judgments.store(query_set, [JudgedQuery("a\x00b", "t\x00ext", {"d\x00": 1})])
    query = query_set.queries.get(external_id="a b")
    assert query.text == "t ext" and query.judgments.get().external_id == "d "


def test_the_newest_word_of_a_person_counts(query_set: EvaluationQuerySet) -> None:
    person = User.objects.create_user("ann")
    query = query_set.queries.get(external_id="q1")
    judgments.judge(query, "a/1", 0, by=person)
    judged = query.judgments.get(external_id="a/1")
    assert (judged.grade, judged.source, judged.by) == (0, Judgment.Source.HAND, person)
    with pytest.raises(BadJudgments, match="is 101"):
        judgments.judge(query, "a/1", 101)


def test_only_queries_with_a_relevant_document_are_measurable(query_set: EvaluationQuerySet) -> None:
    assert [query.external_id for query in EvaluationQuery.objects.measurable()] == ["q1"]
    counted = EvaluationQuery.objects.with_counts().get(external_id="q1")
    assert (counted.judged, counted.relevant) == (2, 1)  # type: ignore[attr-defined]


def test_a_bundle_carries_query_sets_and_judgments(query_set: EvaluationQuerySet, tmp_path: Path) -> None:
    path = written(query_set.collection, tmp_path / "docs.zip")
    before = b"".join(judgments.jsonl(query_set.collection))
    Collection.objects.all().delete()
    taken_in(path)
    collection = Collection.objects.get()
    assert b"".join(judgments.jsonl(collection)) == before
    assert EvaluationQuerySet.objects.get().guards_gate


def test_a_bundle_with_broken_judgments_is_refused_whole(query_set: EvaluationQuerySet, tmp_path: Path) -> None:
    path = written(query_set.collection, tmp_path / "docs.zip")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**parts, "judgments.jsonl": b'{"set": "s"}\n{"query": 1}\n'}.items():
            archive.writestr(name, data)
    Collection.objects.all().delete()
    with pytest.raises(bundles.BadBundle, match=r"judgments.jsonl: Line 2 of the judgments"):
        bundles.take_in(path)
    assert not Collection.objects.exists()


def test_a_second_set_that_would_guard_the_gate_is_taken_in_as_one_that_does_not(
    query_set: EvaluationQuerySet,
) -> None:
    lines = [json.dumps({"set": "Other", "guards_gate": True}).encode()]
    judgments.take_in(query_set.collection, lines)
    assert not EvaluationQuerySet.objects.get(name="Other").guards_gate
