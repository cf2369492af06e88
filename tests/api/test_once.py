"""Idempotency keys of ordinary POST requests: done once, answered alike, to the same rights, and never a refusal."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import URLPattern, URLResolver, get_resolver

from search.access import keyed_requests, tokens
from search.access.scopes import Scope
from search.api.once import Once
from search.models import Collection, Document, KeyedRequest

from .conftest import CURATOR, Client, MakeUser, assert_problem, client_of

KEY = {"Idempotency-Key": "order-7"}
DOCUMENTS = "/api/v1/documents/"
FAX = {"collection": "docs", "title": "Fax"}
OTHERWISE = {
    "search", "search-similar", "curation-rules-try", "curation-rule-try", "synonym-groups-try", "synonym-group-try",
    "chunks-preview", "bulk", "import-jobs", "import-job-files", "my-token-rotate",
}  # fmt: skip
"""Names of addresses whose POST changes nothing, or which have keys of their own, or take files one
after another; a new secret is not to be kept for a key."""


@pytest.fixture(autouse=True)
def docs(collection: Collection) -> None:
    """The collection exists."""


def test_a_request_that_is_sent_twice_is_done_once_and_answered_alike(curator: Client) -> None:
    first, second = (curator.post(DOCUMENTS, FAX, headers=KEY) for _ in range(2))

    assert Document.objects.count() == 1
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert {name: second.headers.get(name) for name in ("Content-Type", "ETag")} == {
        name: first.headers.get(name) for name in ("Content-Type", "ETag")
    }


def test_another_request_under_the_key_is_refused(curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)

    assert_problem(curator.post(DOCUMENTS, {**FAX, "title": "Phone"}, headers=KEY), 409, "conflict")
    assert_problem(curator.post("/api/v1/collections/", FAX, headers=KEY), 409, "conflict")
    assert Document.objects.count() == 1


def test_what_was_refused_is_looked_at_again(curator: Client) -> None:
    assert_problem(curator.post(DOCUMENTS, {"collection": "docs", "url": "no address"}, headers=KEY), 400, "invalid")
    assert not KeyedRequest.objects.exists()

    assert curator.post(DOCUMENTS, FAX, headers=KEY).status_code == 201


def test_what_failed_in_the_server_is_looked_at_again(curator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    curator.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("search.api.document_views.DocumentsView.post", lambda *arguments, **named: 1 / 0)
        assert curator.post(DOCUMENTS, FAX, headers=KEY).status_code == 500

    assert curator.post(DOCUMENTS, FAX, headers=KEY).status_code == 201


def test_a_request_that_is_being_worked_on_is_to_be_sent_again_in_a_moment(curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    KeyedRequest.objects.update(status=None)

    answer = curator.post(DOCUMENTS, FAX, headers=KEY)

    assert_problem(answer, 409, "conflict")
    assert int(answer.headers["Retry-After"]) > 0


def test_of_a_request_that_broke_off_it_is_said_that_nobody_knows(curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    KeyedRequest.objects.update(status=None, begun_at=KeyedRequest.objects.get().begun_at - timedelta(minutes=6))

    problem = assert_problem(curator.post(DOCUMENTS, FAX, headers=KEY), 409, "conflict")

    assert "ended without an answer" in problem["detail"]


def test_keys_belong_to_users(curator: Client, make_user: MakeUser) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    other = client_of(make_user("other", *CURATOR))

    assert "Idempotency-Replayed" not in other.post(DOCUMENTS, FAX, headers=KEY).headers
    assert Document.objects.count() == 2


@pytest.mark.parametrize("change", ["group", "permission", "staff"])
def test_nothing_is_repeated_to_other_rights(curator: Client, change: str) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    user = User.objects.get(username="curator")
    if change == "group":
        user.groups.add(Group.objects.create(name="sales"))
    elif change == "permission":
        user.user_permissions.remove(Permission.objects.get(codename="view_indexversion"))
    else:
        User.objects.filter(pk=user.pk).update(is_staff=True)

    answer = curator.post(DOCUMENTS, FAX, headers=KEY)

    assert "your rights have changed" in assert_problem(answer, 409, "conflict")["detail"]
    assert Document.objects.count() == 1


def test_who_may_not_any_more_is_told_so_first(curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    User.objects.get(username="curator").user_permissions.clear()

    assert curator.post(DOCUMENTS, FAX, headers=KEY).status_code == 403


def test_a_token_is_not_told_what_its_owner_was(make_user: MakeUser, curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    owner, elsewhere = User.objects.get(username="curator"), Collection.objects.create(slug="other", name="Other")
    token = tokens.issue(owner, "limited", [Scope.DOCUMENTS_WRITE], collections=[elsewhere]).text

    answer = Client().post(DOCUMENTS, FAX, headers={**KEY, "Authorization": f"Bearer {token}"})

    assert answer.status_code == 409
    assert b"Fax" not in answer.content


def test_a_key_that_is_none_is_refused(curator: Client) -> None:
    assert_problem(curator.post(DOCUMENTS, FAX, headers={"Idempotency-Key": "a b"}), 400, "invalid")


def test_keys_are_forgotten_after_a_day(curator: Client) -> None:
    curator.post(DOCUMENTS, FAX, headers=KEY)
    assert keyed_requests.forget_old() == 0
    KeyedRequest.objects.update(begun_at=KeyedRequest.objects.get().begun_at - timedelta(days=1, seconds=1))

    assert keyed_requests.forget_old() == 1


def addresses(entries: Any = None) -> Iterator[tuple[str, Any]]:
    """Every address of the API with the class of its view."""
    for entry in get_resolver().url_patterns if entries is None else entries:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns)
        elif isinstance(entry, URLPattern) and str(entry.pattern).startswith("v1/"):
            yield str(entry.name), entry.callback.view_class  # type: ignore[attr-defined]


def test_every_address_that_is_posted_to_takes_keys() -> None:
    posted = {name: view for name, view in addresses() if hasattr(view, "post")}

    assert len(posted) > 25
    assert {name for name, view in posted.items() if not issubclass(view, Once)} == OTHERWISE
