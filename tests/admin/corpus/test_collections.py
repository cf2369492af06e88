"""The admin's collections: progress, options and the rebuild."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from search.admin.corpus import engine_fields
from search.engines import faiss_types
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
    index = {"index_type": "auto", "factory_string": "", "recall": "", "memory_mb": "", "activate_when_ready": "on"}
    return {**plain, **options, **index, **changes}


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
    admin_client.post(ADD, form_with(retrieval='{"fusion": "rrf"}', max_tokens="100", engine="exact"))

    collection = Collection.objects.get()
    assert (collection.retrieval, collection.engine) == ({"fusion": "rrf"}, "exact")
    assert collection.chunking == {"max_tokens": 100}


@pytest.mark.parametrize(
    ("chosen", "stored"),
    [
        ({}, {}),
        ({"index_type": "HNSW"}, {"index_type": "HNSW"}),
        ({"index_type": "rule", "engine_options": '{"nprobe": 16}'}, {"index_type": "rule", "nprobe": 16}),
        ({"index_type": "other", "factory_string": " IVF64,SQ8 "}, {"index_type": "IVF64,SQ8"}),
        ({"recall": "0.95", "memory_mb": "200"}, {"recall": 0.95, "memory_mb": 200}),
    ],
)
def test_what_is_chosen_for_the_vector_index_is_stored_as_engine_options(
    admin_client: Client, chosen: dict[str, str], stored: dict[str, Any]
) -> None:
    answer = admin_client.post(ADD, form_with(**chosen))

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Collection.objects.get().engine_options == stored


def test_stored_engine_options_are_shown_in_their_fields(admin_client: Client, collection: Collection) -> None:
    options = {"index_type": "IVF64,SQ8", "recall": 0.9, "nprobe": 4}
    Collection.objects.filter(pk=collection.pk).update(engine_options=options)

    form = admin_client.get(change_url(collection)).context["adminform"].form

    shown = {name: form[name].value() for name in ("index_type", "factory_string", "recall", "memory_mb")}
    assert shown == {"index_type": "other", "factory_string": "IVF64,SQ8", "recall": 0.9, "memory_mb": None}
    assert form.initial["engine_options"] == {"nprobe": 4}


def test_every_index_type_that_has_a_name_can_be_chosen() -> None:
    offered = {name for name, _label in engine_fields.INDEX_TYPES}

    assert offered - {engine_fields.OTHER} == {faiss_types.AUTO, faiss_types.RULE, *faiss_types.NAMED}


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("factory_string", {"index_type": "other", "factory_string": "Swift"}, "Swift"),
        ("factory_string", {"index_type": "other"}, "index_type is"),
        ("factory_string", {"index_type": "other", "factory_string": "PQ48"}, "IndexPQ cannot be"),
        ("recall", {"recall": "3"}, "less than or equal to 1"),
        ("recall", {"engine": "exact", "recall": "0.9"}, "has no options"),
        ("engine_options", {"engine_options": '{"recall": 0.9}'}, "recall has a field of its own"),
        ("engine_options", {"engine_options": '{"nprobe": 4}'}, "nprobe"),
    ],
)
def test_a_choice_that_would_not_work_is_refused_beside_its_field(
    admin_client: Client, field: str, values: dict[str, str], message: str
) -> None:
    answer = admin_client.post(ADD, form_with(**values))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert message in answer.content.decode()
    assert not Collection.objects.exists()


def test_a_type_that_does_not_fit_the_encoder_is_refused(
    admin_client: Client, collection: Collection, indexed: Indexed
) -> None:
    indexed()

    answer = admin_client.post(change_url(collection), form_with(index_type="other", factory_string="IVF64,PQ48"))

    assert list(answer.context["adminform"].form.errors) == ["factory_string"]
    assert "PQ48 does not divide the 32 numbers" in answer.content.decode()


def test_a_changed_recipe_makes_a_candidate_and_says_so(
    admin_client: Client, collection: Collection, indexed: Indexed
) -> None:
    indexed()

    answer = admin_client.post(change_url(collection), form_with(index_type="Flat"), follow=True)

    assert "then it goes live by itself" in answer.content.decode()
    indexed()
    states = IndexVersion.objects.order_by("number").values_list("state", "engine_options")
    assert list(states) == [("retired", {}), ("active", {"index_type": "Flat"})]


def test_a_candidate_can_be_made_to_wait(admin_client: Client, collection: Collection, indexed: Indexed) -> None:
    indexed()
    form = form_with(max_tokens="20")
    del form["activate_when_ready"]

    answer = admin_client.post(change_url(collection), form, follow=True)

    assert "until somebody activates it" in answer.content.decode()
    indexed()
    assert list(IndexVersion.objects.order_by("number").values_list("state", flat=True)) == ["active", "ready"]


def test_the_form_says_when_the_live_version_was_made_otherwise(
    admin_client: Client, collection: Collection, indexed: Indexed
) -> None:
    indexed()
    said = "was made with other options"
    assert said not in admin_client.get(change_url(collection)).content.decode()

    Collection.objects.update(engine_options={"index_type": "Flat"})

    assert said in admin_client.get(change_url(collection)).content.decode()


def test_a_change_of_anything_else_builds_nothing(
    admin_client: Client, collection: Collection, indexed: Indexed
) -> None:
    indexed()

    admin_client.post(change_url(collection), form_with(name="Papers", retrieval='{"fusion": "rrf"}'))

    collection.refresh_from_db()
    assert (collection.name, collection.rebuild_requested_at) == ("Papers", None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("retrieval", '{"fusion": "magic"}', "fusion is &#x27;magic&#x27;"),
        ("retrieval", "[]", "not a JSON object"),
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


@pytest.mark.parametrize(("ticked", "goes_live"), [({"activate_when_ready": "on"}, True), ({}, False)])
def test_the_rebuild_dialog_asks_whether_it_goes_live(
    admin_client: Client, collection: Collection, ticked: dict[str, str], goes_live: bool
) -> None:
    admin_client.post(rebuild_url(collection), {"_form_submitted": "True", **ticked})

    collection.refresh_from_db()
    assert collection.rebuild_activates is goes_live


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
