"""The cast of the API's tests: a visitor, an outsider with an account, a member of a group, staff, a curator."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from django.contrib.auth.models import Group, Permission, User
from rest_framework.test import APIClient

from search.models import IndexVersion
from search.retrieval.open_index import open_version
from search.retrieval.query_vectors import query_vector

Client = APIClient
MakeUser = Callable[..., User]

CURATOR = (
    "add_document", "change_document", "delete_document", "view_document",
    "add_collection", "change_collection", "delete_collection", "view_collection",
    "view_indexversion", "change_indexversion", "delete_indexversion",
    "view_importjob", "add_importjob", "delete_importjob",
    "view_evaluationqueryset", "change_evaluationqueryset", "delete_evaluationqueryset",
    *(f"{action}_{kind}" for action in ("view", "add", "change", "delete") for kind in ("curationrule", "synonymset")),
)  # fmt: skip


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """Make a user with the named permissions."""

    def make(name: str, *permissions: str, **fields: Any) -> User:
        user = User.objects.create_user(name, password="a-long-password", **fields)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    return make


def client_of(user: User) -> Client:
    """Return a client that is logged in as `user`."""
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def visitor(db: None) -> Client:
    """Somebody without an account."""
    return APIClient()


@pytest.fixture
def outsider(make_user: MakeUser) -> Client:
    """Somebody with an account and no permission."""
    return client_of(make_user("outsider"))


@pytest.fixture
def staff(make_user: MakeUser) -> Client:
    """Somebody of the staff without any model permission."""
    return client_of(make_user("staff", is_staff=True))


@pytest.fixture
def member(make_user: MakeUser) -> Client:
    """A member of the group `sales`."""
    user = make_user("member")
    user.groups.add(Group.objects.create(name="sales"))
    return client_of(user)


@pytest.fixture
def curator(make_user: MakeUser) -> Client:
    """Somebody with every permission that the API asks for."""
    return client_of(make_user("curator", *CURATOR))


def load_versions() -> None:
    """Load what a web process loads when it starts, on the test's own connection."""
    for version in IndexVersion.objects.active().select_related("collection"):
        open_version(version)
        query_vector(version, "warm up")


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is this problem, whole, and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = cast(dict[str, Any], response.json())
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["request_id"] == response["X-Request-ID"]
    assert problem["type"] == f"urn:semsearch:problem:{code}"
    assert problem["status"] == status
    assert problem["detail"]
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    """Return which parts of the input a problem names."""
    return [error["pointer"] for error in problem["errors"]]
