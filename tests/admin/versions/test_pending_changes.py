"""The admin's pending changes: what waits, what failed and why, and trying again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from search.admin import labels
from search.models import Document, PendingChange
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_pendingchange_changelist")


def change_url(change: PendingChange) -> str:
    return reverse("admin:search_pendingchange_change", args=[change.pk])


@pytest.fixture
def queued(indexed: Callable[[], int], make_document: MakeDocument) -> Document:
    """A document with a pending change."""
    indexed()
    return make_document(title="Waiting for its turn")


@pytest.fixture
def failed(queued: Document, make_document: MakeDocument) -> PendingChange:
    """A change in quarantine, beside one that waits."""
    document = make_document(title="Given up")
    PendingChange.objects.filter(document=document.pk).update(quarantined=True, attempts=3, last_error="Disk full.")
    return PendingChange.objects.get(document=document.pk)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "Queued"),
        ({"attempts": 1}, "Encoding"),
        ({"attempts": 2, "last_error": "Disk full."}, "Retrying"),
        ({"attempts": 3, "last_error": "Disk full.", "quarantined": True}, "Failed"),
    ],
)
def test_the_state_is_that_of_the_work(failed: PendingChange, values: dict[str, Any], state: str) -> None:
    for name, value in {"quarantined": False, "attempts": 0, "last_error": "", **values}.items():
        setattr(failed, name, value)

    assert state in labels.pending_label(failed)


def test_the_list_shows_documents_with_state_attempts_and_reason(admin_client: Client, failed: PendingChange) -> None:
    page = admin_client.get(LIST).content.decode()

    for text in ("Waiting for its turn", "Queued", "Given up", "Failed", "Disk full."):
        assert text in page


def test_the_quarantine_can_be_shown_alone(admin_client: Client, failed: PendingChange) -> None:
    assert list(admin_client.get(LIST, {"quarantined__exact": 1}).context["cl"].queryset) == [failed]


def test_a_change_of_a_deleted_document_is_still_shown(admin_client: Client, queued: Document) -> None:
    pk = queued.pk
    queued.delete()

    assert f"deleted document {pk}" in admin_client.get(LIST).content.decode()
    assert f"deleted document {pk}" in admin_client.get(change_url(PendingChange.objects.get())).content.decode()


def test_hostile_text_is_escaped(admin_client: Client, failed: PendingChange) -> None:
    Document.objects.filter(pk=failed.document_id).update(title=hostile.TEXT)
    PendingChange.objects.update(last_error=hostile.TEXT)

    for url in (LIST, change_url(PendingChange.objects.earliest("id"))):
        page = admin_client.get(url).content.decode()
        assert hostile.SCRIPT not in page
        assert hostile.ESCAPED in page


def test_the_list_needs_no_more_queries_for_more_changes(
    count_queries: CountQueries, queued: Document, make_document: MakeDocument
) -> None:
    few = count_queries(LIST)
    for number in range(20):
        make_document(title=f"Document {number}")

    assert count_queries(LIST) == few


def test_retrying_takes_the_failed_ones_out_of_quarantine(admin_client: Client, failed: PendingChange) -> None:
    everything = list(PendingChange.objects.values_list("pk", flat=True))

    page = admin_client.post(
        LIST, {"action": "retry_failed", "_selected_action": everything}, follow=True
    ).content.decode()

    assert "1 document is queued again." in page
    failed.refresh_from_db()
    assert (failed.quarantined, failed.attempts, failed.last_error) == (False, 0, "")


def test_who_may_only_look_cannot_retry(sign_in: SignIn, failed: PendingChange) -> None:
    client = sign_in("view_pendingchange")

    assert client.get(LIST).status_code == 200
    assert client.get(change_url(failed)).status_code == 200
    client.post(LIST, {"action": "retry_failed", "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    assert failed.quarantined


def test_who_may_change_pending_changes_can_retry(sign_in: SignIn, failed: PendingChange) -> None:
    client = sign_in("view_pendingchange", "change_pendingchange")

    client.post(LIST, {"action": "retry_failed", "_selected_action": [failed.pk]})

    failed.refresh_from_db()
    assert not failed.quarantined


def test_nobody_edits_adds_or_deletes_a_change(admin_client: Client, failed: PendingChange) -> None:
    assert admin_client.get(reverse("admin:search_pendingchange_add")).status_code == 403
    assert admin_client.post(change_url(failed), {"attempts": 0}).status_code == 403
    delete = reverse("admin:search_pendingchange_delete", args=[failed.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert PendingChange.objects.filter(pk=failed.pk).exists()


def test_staff_without_permission_are_refused(sign_in: SignIn, failed: PendingChange) -> None:
    assert sign_in().get(LIST).status_code == 403
    assert sign_in().get(change_url(failed)).status_code == 403
