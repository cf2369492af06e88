"""Evaluation over HTTP: sets and judgments in, runs and comparisons out, for those who may."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from search.evaluation import runner
from search.models import Collection, EvaluationQuerySet, EvaluationRun
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

SETS = "/api/v1/evaluation/query-sets/"
RUNS = "/api/v1/evaluation/runs/"


@pytest.fixture
def judge(make_user: MakeUser) -> Client:
    """Somebody who may do all of this."""
    rights = [f"{action}_evaluationqueryset" for action in ("view", "change", "delete")]
    return client_of(make_user("judge", *rights, is_staff=True))


@pytest.fixture
def query_set(judge: Client, make_document: MakeDocument, indexed: Callable[[], int]) -> int:
    """The id of a set with three queries on ten pages."""
    for number in range(10):
        make_document(external_id=f"d{number}", title=f"Page {number}", body=f"word{number} on page{number}")
    indexed()
    pk: int = judge.post(SETS, {"collection": "docs", "name": "Pages"}, format="json").json()["id"]
    queries = [
        {"external_id": f"q{number}", "text": f"word{number}", "judgments": {f"d{number}": 3}} for number in range(3)
    ]
    stored = judge.post(f"{SETS}{pk}/queries/", {"queries": queries}, format="json")
    assert stored.json() == {"queries": 3, "judgments": 3}
    return pk


def done(judge: Client, query_set: int, **wanted: object) -> int:
    """Ask for a run, do it as the worker would, and return its id."""
    answer = judge.post(RUNS, {"query_set": query_set, "mode": "lexical", **wanted}, format="json")
    assert answer.status_code == 202, answer.content
    runner.work(answer.json()["id"])
    pk: int = answer.json()["id"]
    return pk


def test_a_set_has_exactly_the_documented_shape(judge: Client, query_set: int) -> None:
    answer = judge.get(f"{SETS}{query_set}/").json()
    assert answer.pop("created_at")
    assert answer == {
        "id": query_set, "collection": "docs", "name": "Pages", "description": "", "source": "hand",
        "guards_gate": False, "queries": 3, "created_by": "judge",
    }  # fmt: skip
    assert [item["id"] for item in judge.get(SETS, {"collection": "docs"}).json()["results"]] == [query_set]


def test_one_set_at_a_time_guards_the_gate(judge: Client, query_set: int) -> None:
    other = judge.post(SETS, {"collection": "docs", "name": "Others"}, format="json").json()["id"]
    for pk in (query_set, other):
        assert judge.patch(f"{SETS}{pk}/", {"guards_gate": True}, format="json").json()["guards_gate"]
    assert list(EvaluationQuerySet.objects.filter(guards_gate=True).values_list("pk", flat=True)) == [other]


def test_two_sets_of_a_collection_cannot_have_the_same_name(judge: Client, query_set: int) -> None:
    answer = judge.post(SETS, {"collection": "docs", "name": "Pages"}, format="json")
    assert "already has a query set" in assert_problem(answer, 409, "conflict")["detail"]


def test_a_document_is_judged_and_a_judgment_taken_back(judge: Client, query_set: int) -> None:
    query = judge.get(f"{SETS}{query_set}/queries/").json()["results"][0]
    address = f"/api/v1/evaluation/queries/{query['id']}/judgments/"
    judged = judge.put(address, {"external_id": "d5", "grade": 2}, format="json").json()
    assert (judged["grade"], judged["source"], judged["by"]) == (2, "hand", "judge")
    assert judge.put(address, {"external_id": "d0", "grade": None}, format="json").status_code == 204
    assert [
        (item["external_id"], item["grade"])
        for item in judge.get(f"{SETS}{query_set}/queries/").json()["results"][0]["judgments"]
    ] == [("d5", 2)]
    assert pointers(
        assert_problem(judge.put(address, {"external_id": "d", "grade": 101}, format="json"), 400, "invalid")
    )


def test_the_pool_shows_documents_without_rank_and_score(judge: Client, query_set: int) -> None:
    query = judge.get(f"{SETS}{query_set}/queries/").json()["results"][0]
    pooled = judge.get(f"/api/v1/evaluation/queries/{query['id']}/pool/").json()
    assert set(pooled[0]) == {"external_id", "document_id", "title", "url", "text", "grade"}
    assert {item["external_id"]: item["grade"] for item in pooled}["d0"] == 3


def test_a_run_tells_what_came_out(judge: Client, query_set: int) -> None:
    pk = done(judge, query_set, label="words only")
    answer = judge.get(f"{RUNS}{pk}/").json()
    assert set(answer) == {
        "id", "query_set", "index_version", "version_number", "label", "mode", "options", "k", "state", "error",
        "queries_total", "queries_done", "metrics", "took_ms", "created_by", "created_at", "started_at", "finished_at",
    }  # fmt: skip
    assert (answer["state"], answer["label"], answer["queries_done"]) == ("finished", "words only", 3)
    assert answer["metrics"]["ndcg@10"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "count": 3}
    assert set(answer["took_ms"]) == {"p50", "p95", "count"}
    first = judge.get(f"{RUNS}{pk}/queries/").json()["results"][0]
    assert first["ranked"][0][0] == "d0" and first["metrics"]["mrr@10"] == 1.0


def test_a_request_for_a_run_wakes_the_worker(
    judge: Client,
    query_set: int,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[object] = []
    monkeypatch.setattr("search.tasks._send", lambda task, **ids: sent.append((task.name, ids)))
    with django_capture_on_commit_callbacks(execute=True):
        pk = judge.post(RUNS, {"query_set": query_set}, format="json").json()["id"]
    assert sent == [("search.run_evaluation", {"run_id": pk})]


def test_two_runs_are_compared_query_by_query(judge: Client, query_set: int) -> None:
    first, second = done(judge, query_set), done(judge, query_set)
    found = judge.get(f"{RUNS}{first}/compare/{second}/").json()
    assert found["metrics"][0]["name"] == "ndcg@10" and found["metrics"][0]["ties"] == 3
    assert {query["change"] for query in found["queries"]} == {0.0}


def test_runs_are_cancelled_and_deleted(judge: Client, query_set: int) -> None:
    pk = judge.post(RUNS, {"query_set": query_set}, format="json").json()["id"]
    assert judge.post(f"{RUNS}{pk}/cancel/").json()["state"] == "cancelled"
    assert judge.delete(f"{RUNS}{pk}/").status_code == 204
    assert judge.delete(f"{SETS}{query_set}/").status_code == 204
    assert not EvaluationRun.objects.exists() and Collection.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query_set": 10**30}, 400),
        ({"index_version": 7}, 400),
        ({"mode": "guess"}, 400),
        ({"k": 1}, 400),
        ({"options": {"dense_weight": 9}}, 409),
        ({"wrong": 1}, 400),
    ],
)
def test_a_run_that_makes_no_sense_is_a_problem(
    judge: Client, query_set: int, body: dict[str, object], status: int
) -> None:
    answer = judge.post(RUNS, {"query_set": query_set, **body}, format="json")
    assert_problem(answer, status, "conflict" if status == 409 else "invalid")


@pytest.mark.parametrize("address", [f"{SETS}99/", f"{SETS}99/queries/", f"{RUNS}99/", f"{RUNS}1/compare/2/"])
def test_what_is_not_there_is_not_found(judge: Client, address: str) -> None:
    assert_problem(judge.get(address), 404, "not-found")


def test_only_who_may_sees_and_changes_sets(
    query_set: int, outsider: Client, visitor: Client, make_user: MakeUser
) -> None:
    viewer = client_of(make_user("viewer", "view_evaluationqueryset"))
    assert viewer.get(SETS).status_code == 200
    for client, status in ((viewer, 403), (outsider, 403), (visitor, 401)):
        assert client.patch(f"{SETS}{query_set}/", {"name": "x"}, format="json").status_code == status
        assert client.delete(f"{SETS}{query_set}/").status_code == status
        assert client.post(RUNS, {"query_set": query_set}, format="json").status_code == status
    assert outsider.get(f"{SETS}{query_set}/queries/").status_code == 403
