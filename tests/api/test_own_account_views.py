"""Who one is, and one's own token: told, rotated, ended; never more than its owner may."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection, KeyedRequest

from .conftest import Client, MakeUser, assert_problem

ME, TOKEN, ROTATE = "/api/v1/me/", "/api/v1/me/token/", "/api/v1/me/token/rotate/"


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    """Somebody who may make and end tokens."""
    return make_user("owner", "add_apitoken", "change_apitoken", "view_document")


def bearer(owner: User, **limits: Any) -> Client:
    client = Client()
    text = tokens.issue(owner, "connector", [Scope.SEARCH_READ], **limits).text
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def test_a_token_says_whose_it_is_and_what_it_opens(owner: User, collection: Collection) -> None:
    found = bearer(owner, collections=[collection]).get(ME).json()

    assert found["username"] == "owner"
    assert "search.view_document" in found["permissions"]
    assert (found["token"]["name"], found["token"]["scopes"]) == ("connector", ["search:read"])
    assert (found["token"]["collections"], found["token"]["expires_at"]) == (["docs"], None)


def test_a_token_without_limits_has_null_and_one_whose_collections_are_gone_has_none(
    owner: User, collection: Collection
) -> None:
    limited = bearer(owner, collections=[collection])
    collection.delete()

    assert limited.get(ME).json()["token"]["collections"] == []
    assert bearer(owner).get(ME).json()["token"]["collections"] is None


def test_a_password_has_no_token(curator: Client) -> None:
    assert curator.get(ME).json()["token"] is None


def test_a_visitor_is_nobody(visitor: Client) -> None:
    assert_problem(visitor.get(ME), 401, "not-authenticated")


def test_a_rotated_token_has_a_new_secret_which_no_key_keeps(owner: User) -> None:
    client = bearer(owner)

    made = client.post(ROTATE, headers={"Idempotency-Key": "once"})

    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made.json()['text']}")
    assert client.get(ME).json()["token"]["public_id"] == made.json()["token"]["public_id"]
    assert ApiToken.objects.exclude(expires_at=None).count() == 1
    assert not KeyedRequest.objects.exists()


def test_a_revoked_token_opens_nothing(owner: User) -> None:
    client = bearer(owner)

    assert client.delete(TOKEN).status_code == 204
    assert_problem(client.get(ME), 401, "authentication-failed")


def test_ending_and_rotating_need_what_the_admin_asks_for(make_user: MakeUser) -> None:
    client = bearer(make_user("reader"))

    assert (client.delete(TOKEN).status_code, client.post(ROTATE).status_code) == (403, 403)
    assert client.get(ME).status_code == 200


def test_without_a_token_there_is_nothing_to_end(owner: User) -> None:
    client = Client()
    client.force_login(owner)

    assert "Bearer" in assert_problem(client.delete(TOKEN), 409, "conflict")["detail"]
    assert "Bearer" in assert_problem(client.post(ROTATE), 409, "conflict")["detail"]
