"""Learning the weight of meaning over HTTP: says what it is worth, and changes the collection only for the better."""

from dataclasses import replace

import pytest

from search.evaluation.learning import LearnedWeight
from search.evaluation.statistics import Difference
from search.models import Collection, EvaluationQuerySet

from .conftest import Client, MakeUser, assert_problem, client_of

BETTER = LearnedWeight(0.35, 0.6, 40, (0.8,), (0.7,), Difference(0.1, 0.05, 0.15, 0.001, 20, 15, 5))


@pytest.fixture
def address(collection: Collection) -> str:
    """Of a query set."""
    made = EvaluationQuerySet.objects.create(collection=collection, name="Pages")
    return f"/api/v1/evaluation/query-sets/{made.pk}/learn-weights/"


def learned(monkeypatch: pytest.MonkeyPatch, outcome: LearnedWeight) -> None:
    monkeypatch.setattr("search.api.learning_views.learn_dense_weight", lambda query_set: outcome)


def test_it_measures_and_changes_nothing(curator: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learned(monkeypatch, BETTER)

    found = curator.post(address, {}).json()

    assert (found["dense_weight"], found["is_better"], found["applied"]) == (0.35, True, False)
    assert Collection.objects.get().retrieval == {}


def test_what_is_better_is_applied_when_told_to(curator: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learned(monkeypatch, BETTER)

    assert curator.post(address, {"apply": True}).json()["applied"] is True
    assert Collection.objects.get().retrieval == {"dense_weight": 0.35}


def test_what_may_be_chance_is_not_applied(curator: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learned(monkeypatch, replace(BETTER, change=replace(BETTER.change, p_value=0.4)))

    assert curator.post(address, {"apply": True}).json()["applied"] is False
    assert Collection.objects.get().retrieval == {}


def test_what_cannot_be_learned_is_a_conflict_that_says_why(curator: Client, address: str) -> None:
    assert "no live index version" in assert_problem(curator.post(address, {}), 409, "conflict")["detail"]


def test_it_needs_the_right_to_change_the_collection(make_user: MakeUser, address: str) -> None:
    judge = client_of(make_user("judge", "view_evaluationqueryset", "change_evaluationqueryset"))

    assert judge.post(address, {"apply": True}).status_code == 403
