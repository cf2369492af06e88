"""A document's history in the admin: who changed what, and the way back."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from search.models import Document, DocumentRevision
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def history(document: Document) -> str:
    return reverse("admin:search_document_history", args=[document.pk])


def revision(document: Document, number: int = 1) -> str:
    return reverse("admin:search_document_revision", args=[document.pk, number])


@pytest.fixture
def changed(admin_client: Client, make_document: MakeDocument) -> Document:
    """A document whose body was changed in the admin."""
    document = make_document(title="Leave", body="Ask two weeks ahead.\n<b>Always.</b>")
    url = reverse("admin:search_document_change", args=[document.pk])
    form = {
        "collection": document.collection_id, "external_id": document.external_id, "title": "Leave",
        "body": "Ask three weeks ahead.\n<b>Always.</b>", "url": "", "language": "", "metadata": "{}",
        "state": "published", "visibility": "public",
    }  # fmt: skip
    assert admin_client.post(url, form).status_code == 302
    document.refresh_from_db()
    return document


def test_the_page_says_who_changed_what(admin_client: Client, changed: Document) -> None:
    page = admin_client.get(history(changed)).content.decode()

    assert "admin, in the admin" in page
    assert "Ask <del>two</del><ins>three</ins> weeks ahead." in page
    assert "&lt;b&gt;" in page and "<b>Always" not in page
    assert revision(changed) in page


def test_going_back_is_shown_first_and_then_done(admin_client: Client, changed: Document) -> None:
    page = admin_client.get(revision(changed))
    assert "Ask <del>three</del><ins>two</ins> weeks ahead." in page.content.decode()
    changed.refresh_from_db()
    assert changed.revision == 2

    after = admin_client.post(revision(changed), {"seen": page.context["seen"]}, follow=True).content.decode()

    changed.refresh_from_db()
    assert (changed.body, changed.revision) == ("Ask two weeks ahead.\n<b>Always.</b>", 3)
    assert "again as it was at revision 1" in after
    assert DocumentRevision.objects.filter(document=changed.pk, how="admin").count() == 2


def test_a_change_that_was_not_seen_is_not_overwritten(admin_client: Client, changed: Document) -> None:
    seen = admin_client.get(revision(changed)).context["seen"]
    Document.objects.filter(pk=changed.pk).update(title="Meanwhile")

    for tag in (seen, ""):
        page = admin_client.post(revision(changed), {"seen": tag}, follow=True).content.decode()
        assert "somebody else changed the document meanwhile" in page
    changed.refresh_from_db()
    assert changed.title == "Meanwhile"


def test_a_state_without_an_audience_is_not_restored(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(visibility="groups")
    document.groups.add(Group.objects.create(name="Board"))
    Document.objects.update(visibility="public")
    document.groups.clear()
    seen = admin_client.get(revision(document)).context["seen"]

    page = admin_client.post(revision(document), {"seen": seen}, follow=True).content.decode()

    assert "Name a group in its form first" in page
    document.refresh_from_db()
    assert document.visibility == "public"


def test_who_may_only_look_cannot_go_back(sign_in: SignIn, changed: Document) -> None:
    viewer = sign_in("view_document")

    assert viewer.get(history(changed)).status_code == 200
    page = viewer.get(revision(changed))
    assert "Go back to this" not in page.content.decode()
    assert viewer.post(revision(changed), {"seen": page.context["seen"]}).status_code == 403
    changed.refresh_from_db()
    assert changed.revision == 2


def test_who_may_not_look_sees_nothing(sign_in: SignIn, changed: Document) -> None:
    stranger = sign_in("view_collection")

    assert stranger.get(history(changed)).status_code == 403
    assert stranger.get(revision(changed)).status_code == 403


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_revision_that_is_not_kept_is_not_there(admin_client: Client, changed: Document, number: int) -> None:
    assert admin_client.get(revision(changed, number)).status_code == 404


def test_a_document_that_nobody_changed(admin_client: Client, make_document: MakeDocument) -> None:
    assert "No change is kept." in admin_client.get(history(make_document())).content.decode()
    assert admin_client.get("/admin/search/document/x/history/").status_code == 404
