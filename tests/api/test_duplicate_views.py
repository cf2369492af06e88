"""Pairs of duplicates over HTTP: looked for, listed, decided, each by whoever may."""

import pytest

from search.models import Collection, Document, DuplicatePair, DuplicateScan
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of

pytestmark = pytest.mark.django_db
LIST = "/api/v1/duplicates/"


@pytest.fixture
def viewer(make_user: MakeUser) -> Client:
    return client_of(make_user("viewer", "view_duplicatepair"))


@pytest.fixture
def editor(make_user: MakeUser) -> Client:
    return client_of(make_user("editor", "view_duplicatepair", "change_document"))


@pytest.fixture
def pair(collection: Collection, make_document: MakeDocument) -> DuplicatePair:
    first, second = make_document(external_id="a"), make_document(external_id="b")
    return DuplicatePair.objects.create(
        collection=collection, first=first, second=second, second_external_id="b", kind="exact", similarity=1
    )


def test_open_pairs_are_listed(viewer: Client, pair: DuplicatePair) -> None:
    (row,) = viewer.get(LIST, {"state": "open", "collection": "docs"}).json()["results"]

    assert (row["first"], row["second"], row["kind"]) == (pair.first_id, pair.second_id, "exact")
    assert viewer.get(LIST, {"state": "kept"}).json()["results"] == []


def test_deciding_archives_the_second_document(editor: Client, pair: DuplicatePair) -> None:
    answer = editor.patch(f"{LIST}{pair.pk}/", {"state": "linked"}, format="json")

    assert answer.json()["state"] == "linked"
    second = Document.objects.get(external_id="b")
    assert (second.state, second.duplicate_of_id) == (Document.State.ARCHIVED, pair.first_id)


def test_deciding_needs_to_change_documents_and_looking_the_list(
    viewer: Client, outsider: Client, pair: DuplicatePair
) -> None:
    assert_problem(outsider.get(LIST), 403, "permission-denied")
    assert_problem(viewer.patch(f"{LIST}{pair.pk}/", {"state": "kept"}, format="json"), 403, "permission-denied")
    assert DuplicatePair.objects.get().state == "open"


def test_looking_for_duplicates_is_left_to_the_worker(viewer: Client, collection: Collection) -> None:
    answer = viewer.post("/api/v1/collections/docs/duplicates/", {"threshold": 0.9}, format="json")

    assert (answer.status_code, answer.json()["threshold"]) == (202, 0.9)
    assert DuplicateScan.objects.get().collection_id == collection.pk
