"""What a token reaches: its scopes, its collections, and nothing once it is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection, IndexVersion
from tests.conftest import MakeDocument

from .conftest import CURATOR, MakeUser, assert_problem


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    return make_user("owner", *CURATOR)


def client_with(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def test_a_scope_admits_what_it_names_and_nothing_else(owner: User, collection: Collection) -> None:
    client = client_with(tokens.issue(owner, "reader", [Scope.DOCUMENTS_READ]).text)

    assert client.get("/api/v1/documents/").status_code == 200
    refused = assert_problem(client.post("/api/v1/documents/", {}), 403, "permission-denied")
    assert "documents:write" in refused["detail"]


def test_another_collection_is_absent_wherever_one_is_named_or_listed(
    owner: User, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    document = make_document(external_id="a", body="penguins")
    indexed()
    client = client_with(tokens.issue(owner, "other", list(Scope), collections=[other]).text)

    assert client.get("/api/v1/collections/other/").status_code == 200
    assert [entry["slug"] for entry in client.get("/api/v1/collections/").json()["results"]] == ["other"]
    for address in (
        "/api/v1/collections/docs/documents/a/",
        f"/api/v1/documents/{document.pk}/",
        f"/api/v1/documents/{document.pk}/similar/",
        "/api/v1/search/?q=penguins&collection=docs",
        "/api/v1/search/?q=penguins&collection=other,docs",
        "/api/v1/search/suggest/?q=peng&collection=docs",
        f"/api/v1/search/explain/?q=penguins&document={document.pk}",
        f"/api/v1/index-versions/{IndexVersion.objects.get().pk}/",
    ):
        assert_problem(client.get(address), 404, "not-found")
    assert client.get("/api/v1/documents/").json()["results"] == []
    assert client.get("/api/v1/index-versions/").json()["results"] == []
    sent = {"collection": "docs", "external_id": "b", "title": "B", "body": "b"}
    assert_problem(client.post("/api/v1/documents/", sent, format="json"), 404, "not-found")
    assert_problem(client.post("/api/v1/collections/", {"slug": "x", "name": "X"}), 403, "permission-denied")
    other.delete()
    assert client.get("/api/v1/collections/").json()["results"] == []


def test_a_token_for_one_collection_searches_it_without_naming_it(
    owner: User, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int], settings: Any
) -> None:
    Collection.objects.create(slug="other", name="Other")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "DEFAULT_COLLECTION": "other"}
    make_document(external_id="a", body="penguins")
    indexed()
    client = client_with(tokens.issue(owner, "docs", [Scope.SEARCH_READ], collections=[collection]).text)

    assert client.get("/api/v1/search/?q=penguins").json()["collection"] == "docs"


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive", "forged", "empty"])
def test_a_token_that_is_over_is_nobody_not_even_a_visitor(owner: User, collection: Collection, end: str) -> None:
    issued = tokens.issue(owner, "reader", [Scope.SEARCH_READ])
    text = {"forged": issued.text[:-64] + "0" * 64, "empty": ""}.get(end, issued.text)
    if end == "revoked":
        tokens.revoke(issued.token)
    elif end == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "inactive":
        User.objects.filter(pk=owner.pk).update(is_active=False)

    answer = client_with(text).get("/api/v1/collections/")

    assert_problem(answer, 401, "authentication-failed")
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_the_secret_is_not_stored(owner: User) -> None:
    issued = tokens.issue(owner, "reader", [Scope.SEARCH_READ])

    secret = issued.text.rpartition("_")[2]
    assert secret not in repr(ApiToken.objects.values().get())
    assert secret not in repr(issued)
