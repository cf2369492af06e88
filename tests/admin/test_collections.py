"""The admin's collections: progress, options and the rebuild."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from search.models import Collection, Document, IndexVersion, PendingChange
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_collection_changelist")
ADD = reverse("admin:search_collection_add")
Indexed = Callable[[], int]


def change_url(collection: Collection) -> str:
    return reverse("admin:search_collection_change", args=[collection.pk])


def rebuild_url(collection: Collection) -> str:
    return reverse("admin:search_collection_rebuild", args=[collection.pk])


def form_with(**changes: Any) -> dict[str, Any]:
    """Return what a browser posts for a plain collection, with some fields changed."""
    plain = {"slug": "docs", "name": "Docs", "description": "", "encoder_name": "", "encoder_revision": ""}
    options = {"encoder_runtime": "", "engine": "faiss", "chunking": "{}", "engine_options": "", "retrieval": ""}
    return {**plain, **options, **changes}


def test_the_list_shows_the_progress_of_each_collection(
    admin_client: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    for _ in range(3):
        make_document()
    indexed()
    make_document()

    page = admin_client.get(LIST).content.decode()

    assert "v1" in page
    assert "75 %, 1 waiting" in page


def test_the_list_links_failures_to_the_failed_documents(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    make_document(title="Too long")
    PendingChange.objects.update(quarantined=True)
    url = f"{reverse('admin:search_document_changelist')}?collection__id__exact={collection.pk}&indexing=failed"

    assert url.replace("&", "&amp;") in admin_client.get(LIST).content.decode()
    assert "Too long" in admin_client.get(url).content.decode()


def test_hostile_text_is_escaped_in_list_and_form(admin_client: Client) -> None:
    collection = Collection.objects.create(slug="docs", name=hostile.TEXT, last_error=hostile.TEXT)

    for url in (LIST, change_url(collection)):
        page = admin_client.get(url).content.decode()
        assert hostile.SCRIPT not in page
        assert hostile.ESCAPED in page


def test_the_list_needs_no_more_queries_for_more_collections(
    count_queries: CountQueries, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document()
    indexed()
    few = count_queries(LIST)
    for number in range(10):
        other = Collection.objects.create(slug=f"other{number}", name=f"Other {number}")
        Document.objects.create(collection=other, title="Elsewhere")

    assert count_queries(LIST) == few


def test_the_form_shows_progress_last_error_and_the_search_page(
    admin_client: Client, collection: Collection, make_document: MakeDocument
) -> None:
    make_document()
    Collection.objects.update(last_error="The encoder's files are missing.")

    page = admin_client.get(change_url(collection)).content.decode()

    assert "1 document, no index yet" in page
    assert "The encoder&#x27;s files are missing." in page
    assert 'href="/?collection=docs"' in page


def test_a_collection_is_added_with_default_options(admin_client: Client) -> None:
    answer = admin_client.post(ADD, form_with())

    assert answer.status_code == 302
    collection = Collection.objects.get()
    assert (collection.chunking, collection.engine_options, collection.retrieval) == ({}, {}, {})


def test_good_options_are_saved(admin_client: Client) -> None:
    admin_client.post(ADD, form_with(retrieval='{"fusion": "rrf"}', chunking='{"max_tokens": 100}', engine="exact"))

    collection = Collection.objects.get()
    assert (collection.retrieval, collection.engine) == ({"fusion": "rrf"}, "exact")
    assert collection.chunking == {"max_tokens": 100}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("retrieval", '{"fusion": "magic"}', "fusion is &#x27;magic&#x27;"),
        ("retrieval", "[]", "not a JSON object"),
        ("chunking", '{"max_tokens": -4}', "max_tokens is -4"),
        ("chunking", '{"max_tokens": ', "not valid JSON"),
        ("engine_options", '{"speed": "warp"}', "speed"),
        ("engine", "quantum", "Select a valid choice"),
        ("encoder_runtime", "steam", "Select a valid choice"),
        ("slug", "my docs", "valid “slug”"),
    ],
)
def test_options_that_would_not_work_are_refused_beside_their_field(
    admin_client: Client, field: str, value: str, message: str
) -> None:
    answer = admin_client.post(ADD, form_with(**{field: value}))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert message in answer.content.decode()
    assert not Collection.objects.exists()


def test_rebuilding_selected_collections_asks_the_worker(admin_client: Client, collection: Collection) -> None:
    posted = {"action": "rebuild_selected", "_selected_action": [collection.pk]}

    page = admin_client.post(LIST, posted, follow=True).content.decode()

    assert "Asked the worker to rebuild 1 index." in page
    collection.refresh_from_db()
    assert collection.rebuild_requested_at is not None
    assert collection.rebuild_requested_by is not None


def test_looking_at_the_rebuild_dialog_changes_nothing(admin_client: Client, collection: Collection) -> None:
    page = admin_client.get(rebuild_url(collection)).content.decode()

    assert "Rebuild the index?" in page
    collection.refresh_from_db()
    assert collection.rebuild_requested_at is None


def test_confirming_the_rebuild_dialog_asks_the_worker(admin_client: Client, collection: Collection) -> None:
    answer = admin_client.post(rebuild_url(collection), {"_form_submitted": "True"}, headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == change_url(collection)
    collection.refresh_from_db()
    assert collection.rebuild_requested_at is not None
    assert not IndexVersion.objects.exists(), "a version is created by the worker, never in a request"


def test_the_rebuild_dialog_works_without_scripts(admin_client: Client, collection: Collection) -> None:
    answer = admin_client.post(rebuild_url(collection), {"_form_submitted": "True"})

    assert answer.status_code == 302
    assert answer["Location"] == change_url(collection)


def test_who_may_only_look_cannot_rebuild(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in("view_collection")

    assert client.get(LIST).status_code == 200
    assert client.post(rebuild_url(collection), {"_form_submitted": "True"}).status_code == 403
    client.post(LIST, {"action": "rebuild_selected", "_selected_action": [collection.pk]})
    collection.refresh_from_db()
    assert collection.rebuild_requested_at is None


def test_who_may_only_look_sees_the_form(sign_in: SignIn, collection: Collection) -> None:
    assert sign_in("view_collection").get(change_url(collection)).status_code == 200


def test_staff_without_permission_are_refused(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in()

    assert client.get(LIST).status_code == 403
    assert client.get(change_url(collection)).status_code == 403


def test_deleting_a_collection_takes_its_documents_and_index_with_it(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="One of its documents")
    indexed()
    url = reverse("admin:search_collection_delete", args=[collection.pk])

    question = admin_client.get(url).content.decode()
    admin_client.post(url, {"post": "yes"})

    assert "Documents: 1" in question
    assert "One of its documents" not in question
    assert not Collection.objects.exists()
    assert not Document.objects.exists()
    assert not IndexVersion.objects.exists()


def test_who_may_not_delete_documents_cannot_delete_them_with_their_collection(
    sign_in: SignIn, collection: Collection, make_document: MakeDocument
) -> None:
    make_document()
    client = sign_in("view_collection", "delete_collection")

    answer = client.post(reverse("admin:search_collection_delete", args=[collection.pk]), {"post": "yes"})

    assert answer.status_code == 403
    assert Collection.objects.exists()
