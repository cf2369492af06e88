"""The list's actions: nothing happens before somebody has seen what would, and only who may can."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from search.ingestion import bulk_changes
from search.models import BulkChange, Document, IndexedDocument, PendingChange
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_document_changelist")
ACTIONS = ("publish", "make_drafts", "archive", "change_audience", "index_again", "delete_documents")


def ask(client: Client, action: str, *documents: Document, query: str = "", **more: str | list[int]) -> str:
    """Choose an action for documents, and return the page that follows."""
    chosen = {"action": action, "_selected_action": [document.pk for document in documents], **more}
    return client.post(LIST + query, chosen, follow=True).content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_happens_before_it_is_confirmed(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int], action: str
) -> None:
    document = make_document(title="Ladders & ropes", state="draft")
    indexed()

    page = ask(admin_client, action, document)

    assert "Ladders &amp; ropes" in page
    assert "No, take me back" in page
    document.refresh_from_db()
    assert (document.state, document.revision, BulkChange.objects.count()) == ("draft", 1, 0)
    assert not PendingChange.objects.exists()


def test_a_confirmed_change_says_what_it_did(admin_client: Client, make_document: MakeDocument) -> None:
    draft, published = make_document(state="draft"), make_document()
    assert "1 of them is like that already" in ask(admin_client, "publish", draft, published)

    page = ask(admin_client, "publish", draft, published, expected="2")

    assert "1 document published; it can be found as soon as it is indexed. 1 was like that already." in page
    assert set(Document.objects.values_list("state", "revision")) == {("published", 2), ("published", 1)}
    assert BulkChange.objects.get().created_by.username == "admin"  # type: ignore[union-attr]


def test_index_again_queues_what_was_selected(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    first, second = make_document(), make_document()
    indexed()

    page = ask(admin_client, "index_again", first, expected="1")

    assert "1 document is queued to be indexed again." in page
    assert list(PendingChange.objects.values_list("document", flat=True)) == [first.pk]
    assert IndexedDocument.objects.get(document=second.pk).content_hash != ""


def test_all_that_a_filter_finds_can_be_chosen(admin_client: Client, make_document: MakeDocument) -> None:
    chosen = [make_document(language="de") for _ in range(3)]
    make_document(language="en")
    german = "?language=de"
    assert "Archive 3 documents?" in ask(admin_client, "archive", chosen[0], query=german, select_across="1")

    ask(admin_client, "archive", chosen[0], query=german, select_across="1", expected="3")

    assert Document.objects.filter(state="archived", language="de").count() == 3
    assert Document.objects.get(language="en").state == "published"


def test_another_number_than_was_seen_is_shown_again(admin_client: Client, make_document: MakeDocument) -> None:
    first = make_document()
    make_document()

    page = ask(admin_client, "archive", first, expected="1", select_across="1")

    assert "Meanwhile it is 2 documents instead of 1." in page
    assert "Archive 2 documents?" in page
    assert 'name="expected" value="2"' in page
    assert Document.objects.published().count() == 2


def test_deleting_asks_for_more_than_a_click(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document()

    assert "cannot be undone" in ask(admin_client, "delete_documents", document, expected="1")
    assert Document.objects.exists()

    assert "1 document deleted." in ask(admin_client, "delete_documents", document, expected="1", sure="on")
    assert not Document.objects.exists()


def test_an_audience_is_chosen_on_the_page(admin_client: Client, make_document: MakeDocument) -> None:
    document, group = make_document(), Group.objects.create(name="Board")
    assert "no group is named" in ask(admin_client, "change_audience", document, expected="1", visibility="groups")

    ask(admin_client, "change_audience", document, expected="1", visibility="groups", groups=[group.pk])

    document.refresh_from_db()
    assert (document.visibility, list(document.groups.all())) == ("groups", [group])


def test_a_long_change_goes_on_in_the_worker_and_shows_its_way(
    admin_client: Client, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.tasks._AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr("search.tasks._send", lambda *args, **kwargs: None)
    monkeypatch.setattr(bulk_changes, "_SLICE", 2)
    documents = [make_document() for _ in range(5)]

    page = ask(admin_client, "archive", *documents, expected="5")

    assert "2 of 5 documents looked at, 2 changed." in page
    assert "the worker goes on" in page
    change = BulkChange.objects.get()
    stop = reverse("admin:search_bulkchange_cancel", args=[change.pk])
    assert "Stop this change?" in admin_client.get(stop).content.decode()
    admin_client.post(stop, {"_form_submitted": "True"})
    change.refresh_from_db()
    assert change.status == BulkChange.Status.CANCELLED
    assert "Cancelled" in admin_client.get(reverse("admin:search_bulkchange_changelist")).content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_only_look_can_run_no_action(
    sign_in: SignIn, make_document: MakeDocument, indexed: Callable[[], int], action: str
) -> None:
    document = make_document(state="draft")
    indexed()
    client = sign_in("view_document")

    ask(client, action, document, expected="1", sure="on", visibility="staff")

    document.refresh_from_db()
    assert (document.state, document.revision, BulkChange.objects.count()) == ("draft", 1, 0)
    assert client.get(reverse("admin:search_bulkchange_changelist")).status_code == 403


def test_who_may_change_may_not_delete(sign_in: SignIn, make_document: MakeDocument) -> None:
    document = make_document()
    client = sign_in("view_document", "change_document")

    ask(client, "delete_documents", document, expected="1", sure="on")

    assert Document.objects.filter(pk=document.pk).exists()


@pytest.mark.parametrize("address", ["0", "x", "99999999999999999999", "%F0"])
def test_a_change_that_is_not_there(admin_client: Client, address: str) -> None:
    answer = admin_client.get(f"/admin/search/bulkchange/{address}/change/")

    assert answer.status_code in (302, 404)
