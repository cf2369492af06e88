"""Tokens in the admin: made and shown once, seen by their owners, rotated, revoked."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection
from tests.admin.conftest import SignIn

pytestmark = pytest.mark.django_db

ADD = "/admin/search/apitoken/add/"
LIST = "/admin/search/apitoken/"
ALL = ("view_apitoken", "add_apitoken", "change_apitoken")
CONFIRMED = {"_form_submitted": "True"}


def secret_in(page: str) -> str:
    found = re.search(r"sems_[0-9a-f]{16}_[0-9a-f]{64}", page)
    assert found is not None
    return found[0]


def answer_to(secret: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return int(client.get("/api/v1/collections/").status_code)


def press(client: Client, name: str, token: ApiToken) -> str:
    """Press a button of a token's page and confirm; returns the page that follows."""
    response = client.post(reverse(f"admin:search_apitoken_{name}", args=[token.pk]), CONFIRMED, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_token_is_made_and_its_secret_is_shown_once_and_works(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in(*ALL)
    posted = {"name": "intranet", "scopes": ["search:read"], "limits": [collection.pk], "lives": "30"}

    answer = client.post(ADD, posted)

    secret = secret_in(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert answer_to(secret) == 200
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.collections_limited) == ("intranet", ["search:read"], True)
    assert token.expires_at is not None
    page = client.get(reverse("admin:search_apitoken_change", args=[token.pk])).content.decode()
    assert secret.rpartition("_")[2] not in page
    assert "search:read" in page


def test_a_token_without_a_scope_is_refused(sign_in: SignIn) -> None:
    page = sign_in(*ALL).post(ADD, {"name": "x", "lives": ""}).content.decode()

    assert "This field is required" in page
    assert not ApiToken.objects.exists()


def test_people_see_their_own_tokens_and_cannot_make_some_for_others(sign_in: SignIn, admin_user: User) -> None:
    client = sign_in(*ALL)
    theirs = tokens.issue(admin_user, "theirs", [Scope.SEARCH_READ]).token

    client.post(ADD, {"name": "mine", "owner": admin_user.pk, "scopes": ["search:read"], "lives": ""})

    assert ApiToken.objects.get(name="mine").owner != admin_user
    page = client.get(LIST).content.decode()
    assert "mine" in page and "theirs" not in page
    assert client.get(reverse("admin:search_apitoken_change", args=[theirs.pk])).status_code == 302
    assert client.post(reverse("admin:search_apitoken_revoke", args=[theirs.pk]), CONFIRMED).status_code == 404


def test_a_superuser_makes_one_in_anothers_name(admin_client: Client) -> None:
    ada = User.objects.create_user("ada")

    admin_client.post(ADD, {"name": "hers", "owner": ada.pk, "scopes": ["search:read"], "lives": ""})

    assert ApiToken.objects.get().owner == ada
    assert "hers" in admin_client.get(LIST).content.decode()


def test_without_the_permission_there_is_nothing(sign_in: SignIn) -> None:
    client = sign_in("view_document")

    assert client.get(LIST).status_code == 403
    assert client.get(ADD).status_code == 403


def test_a_rotated_token_has_another_secret_and_the_old_one_works_for_a_day(sign_in: SignIn) -> None:
    client = sign_in(*ALL)
    old = secret_in(client.post(ADD, {"name": "x", "scopes": ["search:read"], "lives": ""}).content.decode())

    new = secret_in(press(client, "rotate", ApiToken.objects.get()))

    assert new != old
    assert (answer_to(old), answer_to(new)) == (200, 200)
    rotated = ApiToken.objects.order_by("pk").first()
    assert rotated is not None and rotated.expires_at is not None
    assert timedelta(hours=23) < rotated.expires_at - timezone.now() <= tokens.ROTATION_GRACE


def test_a_revoked_token_opens_nothing_and_cannot_be_rotated(sign_in: SignIn) -> None:
    client = sign_in(*ALL)
    secret = secret_in(client.post(ADD, {"name": "x", "scopes": ["search:read"], "lives": ""}).content.decode())

    assert "The token is revoked." in press(client, "revoke", ApiToken.objects.get())

    assert answer_to(secret) == 401
    assert "make a new one" in press(client, "rotate", ApiToken.objects.get())
    assert ApiToken.objects.count() == 1


def test_using_a_token_is_noted_once_a_minute(admin_user: User) -> None:
    issued = tokens.issue(admin_user, "x", [Scope.SEARCH_READ])
    first = timezone.now()

    for seconds, expected in ((0, 0), (30, 0), (61, 61)):
        tokens.authenticate(issued.text, first + timedelta(seconds=seconds))
        issued.token.refresh_from_db()
        assert issued.token.last_used_at == first + timedelta(seconds=expected)
