"""More like this and suggestions over HTTP: who gets what, and what a bad request is told."""

from collections.abc import Callable

import pytest

from search.models import Document
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem, pointers

TEXT = "/api/v1/search/similar/"
SUGGEST = "/api/v1/search/suggest/"


@pytest.fixture
def bees(make_document: MakeDocument, indexed: Callable[[], int]) -> Document:
    """Two documents on bees, of which one is for the staff."""
    make_document(external_id="secret", title="Bees of the board", body="Bees make honey.", visibility="staff")
    first = make_document(external_id="bees", title="Bees", body="Bees make honey.")
    make_document(external_id="ships", title="Ships", body="Ships carry grain.")
    indexed()
    return first


def found(response: object) -> list[str]:
    return [each["document"]["external_id"] for each in response.json()["results"]]  # type: ignore[attr-defined]


def test_what_is_hidden_is_in_neither_list_and_cannot_be_asked_about(
    visitor: Client, staff: Client, bees: Document
) -> None:
    url = f"/api/v1/documents/{bees.pk}/similar/"
    assert found(visitor.get(url)) == ["ships"]
    assert found(staff.get(url)) == ["secret", "ships"]
    assert found(visitor.post(TEXT, {"text": "Bees make honey.", "k": 1})) == ["bees"]
    hidden = Document.objects.get(external_id="secret").pk
    assert_problem(visitor.get(f"/api/v1/documents/{hidden}/similar/"), 404, "not-found")
    assert [each["text"] for each in visitor.get(SUGGEST, {"q": "bee"}).json()["suggestions"]] == ["Bees"]
    assert len(staff.get(SUGGEST, {"q": "bee"}).json()["suggestions"]) == 2


def test_a_bad_request_is_told_what_is_wrong(visitor: Client, bees: Document) -> None:
    assert pointers(assert_problem(visitor.get(SUGGEST, {}), 400, "invalid")) == ["#/q"]
    assert pointers(assert_problem(visitor.post(TEXT, {"text": "x", "kk": 1}), 400, "invalid")) == ["#/kk"]
    response = visitor.get(f"/api/v1/documents/{bees.pk}/similar/", {"filter": "colour:red"})
    assert "colour" in assert_problem(response, 400, "invalid")["errors"][0]["detail"]
    assert_problem(visitor.get(SUGGEST, {"q": "x", "collection": "none"}), 404, "unknown-collection")
