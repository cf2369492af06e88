"""The roles that an installation begins with: made once, complete, and enough for a day's work."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from search.access.roles import CURATOR, OPERATOR, ROLES, VIEWER, ensure_roles
from search.models import Collection, Document, IndexVersion

pytestmark = pytest.mark.django_db
LISTS = {
    VIEWER: {
        "apitoken", "collection", "curationrule", "document", "evaluationqueryset", "evaluationrun", "indexversion",
        "synonymset",
    },
    CURATOR: {"bulkchange", "duplicatepair", "importjob", "pendingchange", "searchlog"},
    OPERATOR: set(),
}  # fmt: skip
NOBODYS = frozenset(
    {
        "segment", "indexlease", "chunk", "embedding", "indexeddocument", "importfile", "importidentity",
        "importfailure", "duplicatescan", "runquery", "encodingclaim", "searchreaction", "sourcefile",
        "sourcedocument", "versionevent", "keyedrequest", "figuresample", "documentrevision",
    }
)  # fmt: skip
"""Models whose rows are written by the product alone, or seen with those of another model."""
SignInAs = Callable[[str], Client]


@pytest.fixture
def sign_in_as() -> SignInAs:
    """Sign in somebody who has one of the roles, and nothing else."""

    def made(role: str) -> Client:
        ensure_roles("default")
        user = User.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return made


def test_migrating_makes_the_roles_and_leaves_what_was_changed() -> None:
    Group.objects.filter(name__in=ROLES).delete()
    call_command("migrate", verbosity=0)
    for name, granted in ROLES.items():
        assert set(Group.objects.get(name=name).permissions.values_list("codename", flat=True)) == granted

    Group.objects.get(name=VIEWER).permissions.clear()
    call_command("migrate", verbosity=0)
    assert not Group.objects.get(name=VIEWER).permissions.exists()


def test_every_permission_is_of_a_role_or_of_nobody() -> None:
    of_roles = frozenset[str]().union(*ROLES.values())
    known = set(Permission.objects.filter(content_type__app_label="search").values_list("codename", flat=True))
    left = {name for name in known - of_roles if name.partition("_")[2] not in NOBODYS}

    assert of_roles <= known
    assert left == {"add_duplicatepair", "delete_duplicatepair", "add_searchlog", "change_searchlog"} | {
        *(f"{action}_pendingchange" for action in ("add", "delete")),
        *(f"{action}_bulkchange" for action in ("add", "change", "delete")),
    }


def test_each_role_may_all_that_the_one_before_may() -> None:
    assert ROLES[VIEWER] < ROLES[CURATOR] < ROLES[OPERATOR]


def test_each_role_sees_the_lists_of_its_work_and_no_others(sign_in_as: SignInAs, live: IndexVersion) -> None:
    ours = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "search"}
    expected: set[str] = set()
    for role in (VIEWER, CURATOR, OPERATOR):
        expected |= LISTS[role]
        client = sign_in_as(role)
        seen = {name for name in ours if client.get(reverse(f"admin:search_{name}_changelist")).status_code == 200}
        assert seen == expected, role
        for name in ("auth_user", "auth_group"):
            assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403


def test_a_viewer_changes_nothing(sign_in_as: SignInAs, live: IndexVersion) -> None:
    client, document = sign_in_as(VIEWER), Document.objects.get()

    assert client.get(reverse("admin:search_document_change", args=[document.pk])).status_code == 200
    assert client.post(reverse("admin:search_document_change", args=[document.pk]), {"title": "x"}).status_code == 403
    assert client.get(reverse("admin:search_document_add")).status_code == 403
    assert client.post(f"/api/v1/collections/{live.collection.slug}/index-versions/").status_code == 403


def test_a_curator_writes_documents_and_an_operator_makes_collections(
    sign_in_as: SignInAs, collection: Collection
) -> None:
    curator, operator = sign_in_as(CURATOR), sign_in_as(OPERATOR)
    body = {"collection": "docs", "external_id": "a", "title": "A", "body": "a"}

    assert curator.post("/api/v1/documents/", body, content_type="application/json").status_code == 201
    new = {"slug": "more", "name": "More"}
    assert curator.post("/api/v1/collections/", new, content_type="application/json").status_code == 403
    assert operator.post("/api/v1/collections/", new, content_type="application/json").status_code == 201


def test_every_model_is_somebodys_or_nobodys() -> None:
    models = {model._meta.model_name for model in apps.get_app_config("search").get_models()}
    assert models - NOBODYS == {model._meta.model_name for model in admin.site._registry if model in _ours()} | {
        "evaluationquery",
        "judgment",
    }


def _ours() -> set[type]:
    return set(apps.get_app_config("search").get_models())
