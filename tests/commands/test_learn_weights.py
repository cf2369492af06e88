"""`learn_weights`: says what it has learned and what that is worth; changes a collection only when told and better."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from search.ingestion import judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, EvaluationQuerySet
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

PAGES = 24


@pytest.fixture
def words_matter(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> EvaluationQuerySet:
    """Queries that words answer and meaning does not; the collection goes by meaning alone."""
    for number in range(PAGES):
        filler = " ".join(f"filler{number}{letter}" for letter in "abcdefgh")
        make_document(external_id=f"d{number}", title="", body=f"code{number}x {filler}")
        make_document(external_id=f"e{number}", title="", body=f"asked about what code {number}")
    found = EvaluationQuerySet.objects.create(collection=collection, name="codes")
    judgments.store(found, [JudgedQuery(f"q{n}", f"asked about what code{n}x", {f"d{n}": 1}) for n in range(PAGES)])
    indexed()
    Collection.objects.update(retrieval={"dense_weight": 1, "title_weight": 0.2})
    return found


def learned(*arguments: str) -> dict[str, Any]:
    """Return what the command says as JSON."""
    out = io.StringIO()
    given = ["--collection", "docs", "--query-set", "codes", "--format", "json", *arguments]
    call_command("learn_weights", *given, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_it_says_what_is_learned_and_changes_nothing(words_matter: EvaluationQuerySet) -> None:
    found = learned()
    assert found["baseline"] == 1 and found["dense_weight"] < 1 and found["queries"] == PAGES
    assert found["is_better"] and found["ndcg"] > found["baseline_ndcg"] and not found["applied"]
    assert Collection.objects.get().retrieval["dense_weight"] == 1


def test_told_to_it_changes_that_option_and_no_other(words_matter: EvaluationQuerySet) -> None:
    found = learned("--apply")
    assert found["applied"]
    assert Collection.objects.get().retrieval == {"dense_weight": found["dense_weight"], "title_weight": 0.2}


def test_what_may_be_chance_is_not_applied(words_matter: EvaluationQuerySet) -> None:
    best = learned()["dense_weight"]
    Collection.objects.update(retrieval={"dense_weight": best})
    out = io.StringIO()
    call_command("learn_weights", "--collection", "docs", "--query-set", "codes", "--apply", stdout=out)
    assert "nothing was changed" in out.getvalue()
    assert Collection.objects.get().retrieval == {"dense_weight": best}


def test_what_cannot_be_learned_from_says_why(words_matter: EvaluationQuerySet) -> None:
    words_matter.queries.exclude(external_id="q1").delete()
    with pytest.raises(CommandError, match="1 queries with a relevant document; at least 20"):
        learned()
    with pytest.raises(CommandError, match="has no query set 'others'; it has: codes"):
        call_command("learn_weights", "--collection", "docs", "--query-set", "others")
