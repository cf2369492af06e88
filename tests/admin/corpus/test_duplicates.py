"""Duplicates in the admin: asked for, compared side by side, decided."""

from collections.abc import Callable

import pytest
from django.test import Client

from search.models import Collection, Document, DuplicatePair, DuplicateScan
from search.retrieval import near_duplicates
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

LIST = "/admin/search/duplicatepair/"
TEXT = "The ferry leaves at seven in the morning and comes back at noon, every day but Sunday."


@pytest.fixture
def pair(make_document: MakeDocument, indexed: Callable[[], int], collection: Collection) -> DuplicatePair:
    make_document(external_id="old", title="Ferry", body=TEXT)
    make_document(external_id="new", title="Ferry", body=TEXT.replace("noon", "three"))
    indexed()
    near_duplicates.request(collection, threshold=0.7)
    near_duplicates.run(collection.pk, budget_seconds=60)
    return DuplicatePair.objects.get()


def test_duplicates_are_asked_for_on_the_collection(admin_client: Client, collection: Collection) -> None:
    url = f"/admin/search/collection/{collection.pk}/duplicates/"

    answer = admin_client.post(url, {"_form_submitted": "True", "threshold": "0.9"})

    scan = DuplicateScan.objects.get()
    assert (answer.status_code, scan.threshold, scan.status) == (302, 0.9, "queued")
    assert "0 of 0 documents compared" in admin_client.get(LIST).content.decode()


def test_a_threshold_out_of_range_asks_for_nothing(admin_client: Client, collection: Collection) -> None:
    url = f"/admin/search/collection/{collection.pk}/duplicates/"

    admin_client.post(url, {"_form_submitted": "True", "threshold": "3"})

    assert not DuplicateScan.objects.exists()


def test_the_list_names_both_documents(admin_client: Client, pair: DuplicatePair) -> None:
    page = admin_client.get(LIST).content.decode()

    assert f"/admin/search/document/{pair.first_id}/change/" in page
    assert f"/admin/search/document/{pair.second_id}/change/" in page
    assert "2 documents compared" in page


def test_what_differs_is_marked_on_both_sides(admin_client: Client, pair: DuplicatePair) -> None:
    page = admin_client.get(f"{LIST}{pair.pk}/change/").content.decode()

    assert "<mark>noon</mark>" in page
    assert "<mark>three</mark>" in page
    assert "<mark>ferry</mark>" not in page


def test_texts_are_escaped(admin_client: Client, make_document: MakeDocument, collection: Collection) -> None:
    first = make_document(external_id="a", body="<script>alert(1)</script>")
    second = make_document(external_id="b", body="<script>alert(2)</script>")
    pair = DuplicatePair.objects.create(
        collection=collection, first=first, second=second, second_external_id="b", kind="near", similarity=0.9
    )

    assert "<script>alert" not in admin_client.get(f"{LIST}{pair.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("address", "state", "document_state", "linked"),
    [
        ("archive", "archived", "archived", False),
        ("link", "linked", "archived", True),
        ("keep", "kept", "published", False),
    ],
)
def test_a_pair_is_decided(
    admin_client: Client, pair: DuplicatePair, address: str, state: str, document_state: str, linked: bool
) -> None:
    answer = admin_client.post(f"{LIST}{pair.pk}/{address}/", {"_form_submitted": "True"})

    pair.refresh_from_db()
    second = Document.objects.get(external_id="new")
    assert (answer.status_code, pair.state) == (302, state)
    assert (second.state, second.duplicate_of is not None) == (document_state, linked)


def test_several_pairs_are_decided_at_once(admin_client: Client, pair: DuplicatePair) -> None:
    admin_client.post(LIST, {"action": "archive_second", "_selected_action": [pair.pk]})

    assert Document.objects.get(external_id="new").state == "archived"


def test_only_who_may_change_documents_decides(sign_in: SignIn, pair: DuplicatePair) -> None:
    client = sign_in("view_duplicatepair")

    assert client.get(LIST).status_code == 200
    assert client.post(f"{LIST}{pair.pk}/archive/", {"_form_submitted": "True"}).status_code == 403
    client.post(LIST, {"action": "archive_second", "_selected_action": [pair.pk]})

    assert Document.objects.get(external_id="new").state == "published"
    assert sign_in("view_document").get(LIST).status_code == 403


def test_the_list_costs_the_same_however_many_pairs_there_are(
    count_queries: CountQueries, pair: DuplicatePair, make_document: MakeDocument, collection: Collection
) -> None:
    before = count_queries(LIST)
    for number in range(5):
        other = make_document(external_id=f"x{number}")
        DuplicatePair.objects.create(
            collection=collection, first=pair.first, second=other, second_external_id=f"x{number}", kind="near",
            similarity=0.9,
        )  # fmt: skip

    assert count_queries(LIST) == before
