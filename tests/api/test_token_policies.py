"""What a token reaches: its scopes, its collections, and nothing once it is over."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection
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


def test_an_address_without_a_policy_takes_no_token(owner: User) -> None:
    client = client_with(tokens.issue(owner, "all", list(Scope)).text)

    assert_problem(client.get("/api/v1/import-jobs/"), 403, "permission-denied")


def test_another_collection_is_absent_and_a_list_over_all_is_refused(
    owner: User, collection: Collection, make_document: MakeDocument
) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    make_document(external_id="a")
    client = client_with(tokens.issue(owner, "other", list(Scope), collections=[other]).text)

    assert client.get("/api/v1/collections/other/").status_code == 200
    assert_problem(client.get("/api/v1/collections/docs/documents/a/"), 404, "not-found")
    assert_problem(client.get("/api/v1/documents/"), 403, "permission-denied")
    other.delete()
    assert_problem(client.get("/api/v1/collections/docs/"), 404, "not-found")


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
