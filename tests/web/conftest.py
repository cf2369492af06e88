"""What the page tests share: visitors, and hand-made answers for states that a real search reaches only in trouble."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from search.datatypes import SearchResponse, SearchResult, Snippet, Timings
from search.models import Collection
from search.web.answering import answered
from search.web.asking import Asked
from search.web.views import render_answer

MakeResult = Callable[..., SearchResult]
ShowResponse = Callable[..., HttpResponse]


@pytest.fixture
def staff(db: None) -> User:
    """A curator."""
    return User.objects.create_user("curator", is_staff=True)


@pytest.fixture
def outsider(db: None) -> User:
    """Somebody with an account and no rights."""
    return User.objects.create_user("outsider")


@pytest.fixture
def make_result() -> MakeResult:
    """Make a search result; keywords override its fields."""

    def make(**fields: Any) -> SearchResult:
        values = {
            "rank": 1,
            "score": 0.8,
            "dense_score": 0.6,
            "lexical_score": 4.0,
            "document_id": 1,
            "external_id": "doc-1",
            "title": "A title",
            "url": "",
            "metadata": {},
            "chunk_id": 1,
            "chunk_start": 0,
            "chunk_end": 10,
            "snippet": Snippet("Some text."),
            **fields,
        }
        return SearchResult(**values)

    return make


@pytest.fixture
def request_by_anonymous() -> HttpRequest:
    """A request as the middleware leaves it."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    return request


@pytest.fixture
def show(collection: Collection, request_by_anonymous: HttpRequest) -> ShowResponse:
    """Render the page for a hand-made response with these results; keywords override the response's fields."""

    def render(*results: SearchResult, asked: Asked | None = None, **fields: Any) -> HttpResponse:
        values = {
            "query": "words",
            "mode": "hybrid",
            "collection": collection.slug,
            "index_version": 1,
            "total": len(results),
            "total_relation": "eq",
            "took_ms": Timings(total=12.3),
            "results": results,
            **fields,
        }
        asked = asked or Asked("words")
        answer = answered(asked, (collection,), collection, SearchResponse(**values))
        return render_answer(request_by_anonymous, answer)

    return render
