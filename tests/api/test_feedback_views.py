"""Reactions to results over HTTP."""

from typing import Any

import pytest

from search.analytics import recording
from search.datatypes import SearchResponse, Timings
from search.models import Document, IndexVersion, SearchLog, SearchReaction
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/search/feedback/"


@pytest.fixture
def query_id(live: IndexVersion, settings: Any) -> str:
    """The id of a logged search of `docs`."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    answer = SearchResponse("words", "hybrid", "docs", 1, total=1, total_relation="eq", took_ms=Timings())
    return recording.record(answer, version=live, source="api")


@pytest.mark.parametrize("kind", ["click", "up", "down"])
def test_a_reaction_is_noted(visitor: Client, query_id: str, kind: str) -> None:
    document = Document.objects.get()

    answer = visitor.post(URL, {"query_id": query_id, "document": document.pk, "kind": kind}, format="json")

    assert answer.status_code == 204
    assert SearchReaction.objects.get().kind == kind


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"kind": "love"}, "#/kind"),
        ({"document": 0}, "#/document"),
        ({"document": 2**63}, "#/document"),
        ({"query_id": None}, "#/query_id"),
        ({"who": "me"}, "#/who"),
    ],
)
def test_what_makes_no_sense_is_refused(visitor: Client, query_id: str, sent: dict[str, Any], pointer: str) -> None:
    whole = {"query_id": query_id, "document": Document.objects.get().pk, "kind": "up", **sent}

    assert pointers(assert_problem(visitor.post(URL, whole, format="json"), 400, "invalid")) == [pointer]
    assert not SearchReaction.objects.exists()


def test_an_unknown_search_and_a_hidden_document_are_not_found(
    visitor: Client, query_id: str, make_document: MakeDocument
) -> None:
    document, hidden = Document.objects.get(), make_document(visibility="staff")

    for asked in ({"query_id": "made up", "document": document.pk}, {"query_id": query_id, "document": hidden.pk}):
        assert_problem(visitor.post(URL, {**asked, "kind": "up"}, format="json"), 404, "not-found")


def test_where_searching_is_not_public_reacting_is_not(visitor: Client, query_id: str, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}

    answer = visitor.post(URL, {"query_id": query_id, "document": 1, "kind": "up"}, format="json")

    assert answer.status_code == 401
    assert SearchLog.objects.exists() and not SearchReaction.objects.exists()
