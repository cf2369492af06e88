"""The admin's documents: list, form and actions."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from search.indexing import requests
from search.models import Collection, Document, PendingChange
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_document_changelist")
ADD = reverse("admin:search_document_add")
Indexed = Callable[[], int]


def change_url(document: Document) -> str:
    return reverse("admin:search_document_change", args=[document.pk])


def form_of(document: Document, **changes: Any) -> dict[str, Any]:
    """Return what a browser posts for a document, with some fields changed."""
    return {
        "collection": document.collection_id,
        "external_id": document.external_id,
        "title": document.title,
        "body": document.body,
        "url": document.url,
        "language": document.language,
        "metadata": "{}",
        "state": document.state,
        "visibility": document.visibility,
        **changes,
    }


def quarantine(document: Document, reason: str) -> None:
    PendingChange.objects.filter(document=document.pk).update(quarantined=True, attempts=3, last_error=reason)


def test_the_list_shows_title_state_and_indexing(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="How to ask for holidays")
    indexed()
    make_document(title="Not seen by the worker yet")

    page = admin_client.get(LIST).content.decode()

    assert "How to ask for holidays" in page
    assert "Published" in page
    assert "Indexed" in page
    assert "Queued" in page


def test_the_list_shows_why_a_document_failed(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    quarantine(make_document(), "The text is 11,000,000 characters long.")

    page = admin_client.get(LIST).content.decode()

    assert "Failed" in page
    assert "The text is 11,000,000 characters long." in page


def test_hostile_text_is_escaped_in_list_and_form(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    Collection.objects.filter(pk=collection.pk).update(name=hostile.TEXT)
    indexed()
    document = make_document(title=hostile.TEXT, body=hostile.TEXT, url=hostile.TEXT, metadata={"note": hostile.TEXT})
    indexed()
    failed = make_document(title=hostile.TEXT)
    quarantine(failed, hostile.TEXT)

    for url in (LIST, change_url(document), change_url(failed)):
        page = admin_client.get(url).content.decode()
        assert hostile.SCRIPT not in page
        assert hostile.ESCAPED in page


def test_the_list_needs_no_more_queries_for_more_documents(
    count_queries: CountQueries, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document()
    indexed()
    few = count_queries(LIST)
    for number in range(20):
        make_document(title=f"Document {number}")
    other = Collection.objects.create(slug="other", name="Other")
    Document.objects.create(collection=other, title="Elsewhere")

    assert count_queries(LIST) == few


def test_the_list_does_not_read_the_texts(admin_client: Client, make_document: MakeDocument) -> None:
    make_document()
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(LIST)

    assert [query["sql"] for query in queries if '"search_document"."body"' in query["sql"]] == []


@pytest.mark.parametrize("words", ["holidays", "HR-7"])
def test_documents_are_searched_by_title_and_external_id(
    admin_client: Client, make_document: MakeDocument, words: str
) -> None:
    make_document(title="How to ask for holidays", external_id="HR-7")
    make_document(title="Something else", external_id="HR-8")

    page = admin_client.get(LIST, {"q": words}).content.decode()

    assert "How to ask for holidays" in page
    assert "Something else" not in page


def test_the_form_shows_the_chunks_of_an_indexed_document(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document(body="Ask your manager two weeks before.")
    indexed()

    page = admin_client.get(change_url(document)).content.decode()

    assert "1 chunk in the index" in page
    assert "0–34" in page
    assert "Ask your manager two weeks before." in page


def test_the_form_says_when_the_index_holds_an_older_revision(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document()
    indexed()
    Document.objects.filter(pk=document.pk).update(body="A new text.")

    page = admin_client.get(change_url(document)).content.decode()

    assert "The index holds revision 1; this is revision 2." in page


def test_the_form_links_a_published_document_to_the_search_page(
    admin_client: Client, make_document: MakeDocument
) -> None:
    document = make_document(title="Holidays & sick days")

    page = admin_client.get(change_url(document)).content.decode()

    assert 'href="/?q=Holidays+%26+sick+days&amp;collection=docs"' in page


def test_the_form_offers_no_search_for_what_cannot_be_found(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(state=Document.State.DRAFT)

    assert "Find it on the search page" not in admin_client.get(change_url(document)).content.decode()


def test_the_empty_form_chooses_the_only_collection(admin_client: Client, collection: Collection) -> None:
    assert admin_client.get(ADD).context["adminform"].form["collection"].value() == collection.pk


def test_the_empty_form_leaves_the_choice_between_collections(admin_client: Client, collection: Collection) -> None:
    Collection.objects.create(slug="other", name="Other")

    assert admin_client.get(ADD).context["adminform"].form["collection"].value() is None


def test_a_document_added_in_the_admin_is_queued(
    admin_client: Client, collection: Collection, indexed: Indexed
) -> None:
    indexed()
    new = Document(collection=collection, external_id="HR-7", title="Holidays", body="Ask your manager.")

    answer = admin_client.post(ADD, form_of(new))

    assert answer.status_code == 302
    document = Document.objects.get(external_id="HR-7")
    assert PendingChange.objects.get(document=document.pk).revision == document.revision


def test_an_edit_in_the_admin_raises_the_revision_and_queues_it(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document()
    indexed()

    answer = admin_client.post(change_url(document), form_of(document, title="A better title"))

    assert answer.status_code == 302
    document.refresh_from_db()
    assert (document.title, document.revision) == ("A better title", 2)
    assert PendingChange.objects.get(document=document.pk).revision == 2


def test_groups_are_chosen_in_the_form(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document()
    sales = Group.objects.create(name="Sales")

    admin_client.post(change_url(document), form_of(document, visibility="groups", groups=[sales.pk]))

    assert list(Document.objects.get().groups.all()) == [sales]


def test_metadata_that_is_no_object_is_refused(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(metadata={"team": "sales"})

    answer = admin_client.post(change_url(document), form_of(document, metadata="[1, 2]"))

    assert "Metadata must be a JSON object" in answer.content.decode()
    assert Document.objects.get().metadata == {"team": "sales"}


def test_broken_metadata_is_refused_with_the_place(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document()

    answer = admin_client.post(change_url(document), form_of(document, metadata='{"a": 1,\n "b" 2}'))

    assert "line 2, column 6" in answer.content.decode()
    assert "&quot;b&quot; 2}" in answer.content.decode()


def test_an_external_id_that_is_taken_is_refused(admin_client: Client, make_document: MakeDocument) -> None:
    make_document(external_id="HR-7")
    document = make_document(external_id="HR-8")

    answer = admin_client.post(change_url(document), form_of(document, external_id="HR-7"))

    assert "already has a document with this external id" in answer.content.decode()


def test_who_may_only_look_sees_the_form_but_cannot_save(sign_in: SignIn, make_document: MakeDocument) -> None:
    document = make_document()
    client = sign_in("view_document")

    assert client.get(change_url(document)).status_code == 200
    assert client.post(change_url(document), form_of(document, title="Mine")).status_code == 403
    assert Document.objects.get().title == document.title


def test_staff_without_permission_are_refused(sign_in: SignIn, make_document: MakeDocument) -> None:
    document = make_document()
    client = sign_in()

    assert client.get(LIST).status_code == 403
    assert client.get(change_url(document)).status_code == 403
    assert client.get(ADD).status_code == 403


def test_strangers_are_sent_to_sign_in(client: Client, make_document: MakeDocument) -> None:
    answer = client.get(change_url(make_document()))

    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def test_a_deleted_document_leaves_its_change_for_the_worker(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    document = make_document()
    indexed()

    admin_client.post(reverse("admin:search_document_delete", args=[document.pk]), {"post": "yes"})

    assert not Document.objects.exists()
    assert PendingChange.objects.get().document_id == document.pk


def test_a_form_of_a_document_without_active_version_renders(admin_client: Client, make_document: MakeDocument) -> None:
    page = admin_client.get(change_url(make_document())).content.decode()

    assert "Not in the index." in page


def test_a_document_queued_again_from_quarantine_is_not_failed_any_more(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    document = make_document()
    quarantine(document, "The disk is full.")
    requests.retry_failed(PendingChange.objects.all())

    assert "The disk is full." not in admin_client.get(change_url(document)).content.decode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language": "english"}, "“english” is no language tag"),
        ({"url": "ftp://example.org"}, "“ftp://example.org” is no address"),
        ({"visibility": "groups"}, "no group is named"),
    ],
)
def test_the_form_refuses_what_the_api_and_imports_refuse(
    admin_client: Client, make_document: MakeDocument, changes: dict[str, str], message: str
) -> None:
    document = make_document()

    page = admin_client.post(change_url(document), form_of(document, **changes)).content.decode()

    assert message in page
    document.refresh_from_db()
    assert (document.language, document.url, document.visibility) == ("", "", "public")


def test_a_document_with_nothing_to_find_is_no_more_than_a_draft(
    admin_client: Client, make_document: MakeDocument
) -> None:
    document = make_document()
    empty = form_of(document, title=" ", body="")

    refused = admin_client.post(change_url(document), empty)
    kept = admin_client.post(change_url(document), {**empty, "state": "draft"})

    assert "Write a text, or at least a title" in refused.content.decode()
    assert kept.status_code == 302
    document.refresh_from_db()
    assert (document.title, document.state) == ("", "draft")
