"""Collections over HTTP, with how far their indexes are."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.indexing.progress import collection_progress
from search.models import Collection, PendingChange
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/collections/"
DOCS = "/api/v1/collections/docs/"


def test_a_collection_has_exactly_the_documented_shape(
    visitor: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()

    answer = visitor.get(DOCS).json()

    assert answer.pop("created_at")
    assert answer == {
        "slug": "docs", "name": "Docs", "description": "", "encoder_name": "", "encoder_revision": "",
        "encoder_runtime": "", "chunking": {}, "engine": "faiss", "engine_options": {}, "retrieval": {},
        "progress": {
            "documents": 1, "indexed": 1, "pending": 0, "failed": 0, "active_version": 1, "up_to_date": True,
            "oldest_pending_since": None, "last_error": "",
        },
    }  # fmt: skip


def test_the_list_shows_every_collection(visitor: Client, collection: Collection) -> None:
    Collection.objects.create(slug="other", name="Other")

    listed = visitor.get(URL).json()

    assert set(listed) == {"next", "previous", "results"}
    assert [item["slug"] for item in listed["results"]] == ["docs", "other"]
    assert listed["results"][0] == visitor.get(DOCS).json()


def test_progress_is_what_the_admin_shows(
    curator: Client, visitor: Client, make_document: MakeDocument, indexed: Callable[[], int], collection: Collection
) -> None:
    for number in range(4):
        make_document(external_id=str(number))
    indexed()
    for document in collection.documents.order_by("pk")[:3]:
        document.title = "Changed"
        document.save()
    PendingChange.objects.filter(document__external_id="0").update(quarantined=True)

    expected = collection_progress(collection)

    for client in (curator, visitor):  # all of these documents are public
        progress = client.get(DOCS).json()["progress"]
        assert (progress["documents"], progress["indexed"], progress["pending"], progress["failed"]) == (
            expected.documents, expected.indexed, expected.pending, expected.failed,
        ) == (4, 1, 2, 1)  # fmt: skip
        assert progress["up_to_date"] is False
        assert progress["oldest_pending_since"]


def test_a_collection_without_a_version_says_so(
    visitor: Client, make_document: MakeDocument, collection: Collection
) -> None:
    make_document()

    progress = visitor.get(DOCS).json()["progress"]

    assert (progress["active_version"], progress["pending"], progress["up_to_date"]) == (None, 1, False)


def test_a_collection_is_created_changed_and_deleted(curator: Client, make_document: MakeDocument) -> None:
    created = curator.post(URL, {"slug": "new", "name": "New", "chunking": {"max_tokens": 100}})
    changed = curator.patch(f"{URL}new/", {"name": "Newer"})
    replaced = curator.put(DOCS, {"slug": "docs", "name": "Documents"})
    deleted = curator.delete(f"{URL}new/")

    assert (created.status_code, created.json()["chunking"]) == (201, {"max_tokens": 100})
    assert (changed.status_code, changed.json()["name"]) == (200, "Newer")
    assert (replaced.status_code, replaced.json()["name"]) == (200, "Documents")
    assert deleted.status_code == 204
    assert [collection.slug for collection in Collection.objects.all()] == ["docs"]


def test_deleting_a_collection_deletes_its_documents(
    curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document()
    indexed()

    assert curator.delete(DOCS).status_code == 204
    assert_problem(curator.get(f"/api/v1/documents/{document.pk}/"), 404, "not-found")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"slug": "docs"}, "#/slug"),
        ({"slug": "a b"}, "#/slug"),
        ({"slug": "x" * 81}, "#/slug"),
        ({"slug": None}, "#/slug"),
        ({"name": ""}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"chunking": []}, "#/chunking"),
        ({"retrieval": 7}, "#/retrieval"),
        ({"engine": "magic"}, "#/engine"),
        ({"encoder_runtime": "magic"}, "#/encoder_runtime"),
        ({"chunkin": {}}, "#/chunkin"),
    ],
)
def test_what_is_wrong_with_a_collection_is_named(
    curator: Client, collection: Collection, fields: dict[str, Any], pointer: str
) -> None:
    response = curator.post(URL, {"slug": "new", "name": "New", **fields})

    assert pointers(assert_problem(response, 400, "invalid")) == [pointer]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_collection_is_404_and_says_where_the_known_ones_are(curator: Client, method: str) -> None:
    body: dict[str, Any] = {"data": {}} if method in ("put", "patch") else {}

    problem = assert_problem(getattr(curator, method)(f"{URL}nowhere/", **body), 404, "not-found")

    assert URL in problem["detail"]


@pytest.mark.parametrize("name", ["visitor", "curator"])
def test_the_number_of_queries_does_not_grow_with_the_collections(
    request: pytest.FixtureRequest, make_document: MakeDocument, indexed: Callable[[], int], name: str
) -> None:
    client: Client = request.getfixturevalue(name)
    make_document()
    indexed()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(URL)
        return len(captured)

    alone = queries()
    for number in range(10):
        Collection.objects.create(slug=f"c{number}", name=f"C{number}")
    assert queries() == alone
