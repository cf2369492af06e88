"""The workbench: sets are filled and judged, runs are started and compared, by those who may."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from search.evaluation import runner
from search.models import Collection, Document, EvaluationQuery, EvaluationQuerySet, EvaluationRun, Judgment

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES = "Who keeps the lamp?\nWho bakes the bread?\n"


@pytest.fixture
def query_set(collection: Collection, indexed: Callable[[], int], admin_client: Client) -> EvaluationQuerySet:
    """A set of two queries on three documents, made by the form."""
    bodies = {"keeper": "The keeper keeps the lamp.", "baker": "The baker bakes the bread.", "organ": "An organ plays."}
    for key, body in bodies.items():
        Document.objects.create(collection=collection, external_id=key, title=key, body=body)
    indexed()
    values = {"collection": collection.pk, "name": "Island", "description": "", "new_queries": QUERIES}
    answer = admin_client.post(reverse("admin:search_evaluationqueryset_add"), values)
    assert answer.status_code == 302, answer.content.decode()
    return EvaluationQuerySet.objects.get()


@pytest.fixture
def first(query_set: EvaluationQuerySet) -> EvaluationQuery:
    """Its first query."""
    found = query_set.queries.order_by("pk").first()
    assert found is not None
    return found


def page(client: Client, name: str, *args: object, **query: str) -> str:
    """Return a page of the admin that must be there."""
    answer = client.get(reverse(f"admin:search_{name}", args=args), query, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def grade(client: Client, query: EvaluationQuery, document: str, value: str, **headers: str) -> Any:
    """Judge a document."""
    address = reverse("admin:search_evaluationquery_grade", args=[query.pk])
    return client.post(address, {"document": document, "grade": value}, headers=headers)


def measured(client: Client, query_set: EvaluationQuerySet, **values: str) -> EvaluationRun:
    """Start a run by the form and do the worker's part."""
    answer = client.post(reverse("admin:search_evaluationrun_new", args=[query_set.pk]), {"mode": "hybrid", **values})
    assert answer.status_code == 302, answer.content.decode()
    run = EvaluationRun.objects.latest("pk")
    runner.work(run.pk)
    run.refresh_from_db()
    return run


def upload(client: Client, query_set: EvaluationQuerySet, **files: tuple[str, str]) -> str:
    """Send files, each by its field as name and text, and return the page that follows."""
    sent = {field: SimpleUploadedFile(name, text.encode()) for field, (name, text) in files.items()}
    address = reverse("admin:search_evaluationqueryset_change", args=[query_set.pk])
    values = {"name": query_set.name, "description": "", "new_queries": "", **sent}
    return client.post(address, values, follow=True).content.decode()


def test_trec_topics_and_their_qrels_fill_a_set(query_set: EvaluationQuerySet, admin_client: Client) -> None:
    upload(admin_client, query_set, file=("topics.txt", "7\tlighthouse\n"), qrels=("qrels.txt", "7 0 doc-1 2\n"))

    query = query_set.queries.get(external_id="7")
    assert (query.text, list(query.judgments.values_list("external_id", "grade"))) == ("lighthouse", [("doc-1", 2)])


def test_a_file_that_cannot_be_read_is_named_and_stores_nothing(
    query_set: EvaluationQuerySet, admin_client: Client
) -> None:
    before = query_set.queries.count()

    alone = upload(admin_client, query_set, file=("my-topics.txt", "<top><num>7<title>x</top>"))
    wrong = upload(admin_client, query_set, file=("t.txt", "7\tx\n"), qrels=("my-qrels.txt", "7 0 a 1\n7 0 b high\n"))
    without = upload(admin_client, query_set, qrels=("q.txt", "7 0 doc-1 1\n"))

    assert "my-topics.txt has queries without judgments" in alone
    assert "Line 2 of my-qrels.txt" in wrong
    assert "choose the file with the queries, too" in without
    assert query_set.queries.count() == before


def test_lines_become_queries_once(query_set: EvaluationQuerySet, admin_client: Client) -> None:
    values = {"name": "Island", "description": "", "new_queries": QUERIES + "\n Who tunes  the organ?\n"}
    admin_client.post(reverse("admin:search_evaluationqueryset_change", args=[query_set.pk]), values)
    texts = list(query_set.queries.order_by("pk").values_list("text", flat=True))
    assert texts == ["Who keeps the lamp?", "Who bakes the bread?", "Who tunes the organ?"]


def test_the_judging_page_shows_documents_without_their_ranks(admin_client: Client, first: EvaluationQuery) -> None:
    shown = page(admin_client, "evaluationqueryset_unjudged", first.query_set_id)
    assert "Who keeps the lamp?" in shown and "The keeper keeps the" in re.sub("<[^>]+>", "", shown)
    assert "BM25" not in shown and "hybrid" not in shown.lower()


def test_a_grade_is_stored_at_once_and_can_be_taken_back(admin_client: Client, first: EvaluationQuery) -> None:
    assert grade(admin_client, first, "keeper", "3").status_code == 302
    assert Judgment.objects.get().grade == 3
    assert grade(admin_client, first, "keeper", "1", accept="application/json").json()["grade"] == "1"
    assert Judgment.objects.get().grade == 1
    grade(admin_client, first, "keeper", "")
    assert not Judgment.objects.exists()


def test_another_grade_is_refused(admin_client: Client, first: EvaluationQuery) -> None:
    assert grade(admin_client, first, "keeper", "9").status_code == 400
    assert not Judgment.objects.exists()


def test_who_may_only_look_cannot_judge_or_measure(client: Client, first: EvaluationQuery) -> None:
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    assert client.get(reverse("admin:search_evaluationquery_judge", args=[first.pk])).status_code == 403
    assert grade(client, first, "keeper", "3").status_code == 403
    assert client.get(reverse("admin:search_evaluationrun_new", args=[first.query_set_id])).status_code == 403
    assert "Who keeps the lamp?" in page(client, "evaluationqueryset_change", first.query_set_id)


def test_a_set_without_judgments_cannot_be_measured(admin_client: Client, query_set: EvaluationQuerySet) -> None:
    answer = admin_client.post(reverse("admin:search_evaluationrun_new", args=[query_set.pk]), {"mode": "hybrid"})
    assert "has a relevant document yet" in answer.content.decode()


def test_a_run_shows_what_it_measured_and_is_compared(admin_client: Client, first: EvaluationQuery) -> None:
    grade(admin_client, first, "keeper", "3")
    one = measured(admin_client, first.query_set, label="before")
    two = measured(admin_client, first.query_set, label="words only", mode="lexical")
    assert "nDCG@10" in page(admin_client, "evaluationrun_change", one.pk)
    compared = page(admin_client, "evaluationrun_compare", first=str(one.pk), second=str(two.pk))
    assert "before" in compared and "words only" in compared and "ndcg@10" in compared
    history = page(admin_client, "evaluationqueryset_change", first.query_set_id)
    assert history.count("<circle") == 2


def test_options_that_are_none_are_said(admin_client: Client, first: EvaluationQuery) -> None:
    grade(admin_client, first, "keeper", "3")
    address = reverse("admin:search_evaluationrun_new", args=[first.query_set_id])
    answer = admin_client.post(address, {"mode": "hybrid", "options": '{"dense_weight": 7}'})
    assert "dense_weight is 7" in answer.content.decode()
    assert not EvaluationRun.objects.exists()


def test_a_weight_is_learned_and_applied_when_told(admin_client: Client, first: EvaluationQuery) -> None:
    address = reverse("admin:search_evaluationqueryset_learning", args=[first.query_set_id])
    assert "at least 20 are needed" in admin_client.post(address).content.decode()
    for number in range(24):
        query = EvaluationQuery.objects.create(query_set=first.query_set, external_id=f"q{number}", text="bread lamp")
        Judgment.objects.create(query=query, external_id="keeper", grade=2)
    learned = admin_client.post(address).content.decode()
    offer = re.search(r'name="apply" value="([^"]+)"', learned)
    assert offer, "no weight is offered"

    admin_client.post(address, {"apply": "made up"})
    assert "dense_weight" not in Collection.objects.get().retrieval
    admin_client.post(address, {"apply": offer[1]})
    assert 0 <= Collection.objects.get().retrieval["dense_weight"] <= 1
