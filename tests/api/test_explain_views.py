"""Explanations over HTTP are about documents that their asker may read, and about no others."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import MakeDocument

from .conftest import Client, assert_problem

URL = "/api/v1/search/explain/"


def explained(client: Client, q: str, document: int) -> Any:
    """Ask why."""
    return client.get(URL, {"q": q, "document": str(document)})


def test_a_hidden_document_is_absent_for_those_who_may_not_read_it(
    visitor: Client, staff: Client, curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    hidden = make_document(external_id="secret", title="Secret", body="Bees make honey.", visibility="staff")
    shown = make_document(external_id="bees", title="Bees", body="Bees make honey.")
    indexed()
    assert_problem(explained(visitor, "bees", hidden.pk), 404, "not-found")
    assert explained(staff, "bees", hidden.pk).json()["stage"] == "shown"
    assert explained(curator, "bees", hidden.pk).json()["stage"] == "not_visible"
    answer = explained(visitor, "bees", shown.pk).json()
    assert (answer["stage"], answer["rank"], answer["found"]) == ("shown", 1, 1)
    assert answer["lexical"]["terms"][0]["term"] == "bee"


@pytest.mark.django_db
def test_a_bad_request_is_told_what_is_wrong(visitor: Client, make_document: MakeDocument) -> None:
    assert_problem(visitor.get(URL, {"q": "bees"}), 400, "invalid")
    assert_problem(explained(visitor, "bees", 999), 404, "not-found")


def test_a_search_explains_each_of_its_results_when_asked(
    visitor: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    for name in ("bees", "wasps"):
        make_document(external_id=name, title=name, body=f"The {name} make honey.")
    indexed()
    asked = {"q": "bees", "explain": "true", "rerank": "maxsim"}
    first, second = visitor.get("/api/v1/search/", asked).json()["results"]
    assert (first["explanation"]["stage"], first["explanation"]["rank"]) == ("shown", 1)
    assert first["explanation"]["lexical"]["terms"][0]["term"] == "bee"
    assert second["explanation"]["rank"] == 2 and second["explanation"]["dense"]["rank"] == 2
    alone = explained(visitor, "bees", second["document"]["id"]).json()
    assert {**second["explanation"], "rerank": None} == alone
    assert "explanation" not in visitor.get("/api/v1/search/", {"q": "bees"}).json()["results"][0]


def test_what_cannot_be_explained_is_refused(visitor: Client, make_document: MakeDocument, indexed: Any) -> None:
    for name in ("bees", "wasps"):
        make_document(external_id=name, title=name)
    indexed()
    cursor = visitor.get("/api/v1/search/", {"q": "bees", "k": "1"}).json()["next_cursor"]
    assert_problem(
        visitor.get("/api/v1/search/", {"q": "bees", "k": "1", "cursor": cursor, "explain": "1"}), 400, "invalid"
    )
