"""The admin's list and page of index versions: what they show, to whom, and what moves by itself."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from search.models import IndexVersion, PendingChange, Segment
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument
from tests.index_versions import newest, rebuilt, refused

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_indexversion_changelist")


def change_url(version: IndexVersion) -> str:
    return reverse("admin:search_indexversion_change", args=[version.pk])


def progress_url(version: IndexVersion) -> str:
    return reverse("admin:search_indexversion_progress", args=[version.pk])


@pytest.fixture
def ready(live: IndexVersion) -> IndexVersion:
    """A second version with smaller chunks, which passed its gate and waits to be made live."""
    return rebuilt(live.collection, live=False, chunking={"max_tokens": 20})


def test_the_list_shows_state_recall_and_what_is_being_done(
    admin_client: Client, live: IndexVersion, make_document: MakeDocument
) -> None:
    IndexVersion.objects.update(recall=0.98765, median_us=234.4)
    make_document()

    page = admin_client.get(LIST).content.decode()

    assert "docs v1" in page
    assert "Active" in page
    assert "0.9877" in page
    assert "234 µs" in page
    assert "Encoding and indexing documents" in page
    assert "1 / 2" in page


def test_the_list_marks_what_was_pruned(admin_client: Client, live: IndexVersion) -> None:
    IndexVersion.objects.update(state="retired", pruned_at=timezone.now())

    assert "Pruned" in admin_client.get(LIST).content.decode()


def test_the_list_needs_no_more_queries_for_more_versions(count_queries: CountQueries, ready: IndexVersion) -> None:
    few = count_queries(LIST)
    for number in range(3, 13):
        ready.pk, ready.number = None, number
        ready.save(force_insert=True)

    assert count_queries(LIST) == few


def test_the_page_shows_segments_with_type_parameters_and_recall(admin_client: Client, live: IndexVersion) -> None:
    Segment.objects.create(
        version=live, sha256="ab" * 32, ids_sha256="cd" * 32, path="x", ids_path="y", rows=7, size_bytes=2048,
        first_id=1, last_id=9, generation=1, index_type="HNSW32,SQ8", parameters={"efSearch": 48},
        measured={"recall": 0.9912},
    )  # fmt: skip

    page = admin_client.get(change_url(live)).content.decode()

    assert "ababab" in page
    assert "2.0\xa0KB" in page
    assert "HNSW32,SQ8" in page
    assert "efSearch 48" in page
    assert "0.9912" in page


def test_hostile_text_is_escaped(admin_client: Client, live: IndexVersion) -> None:
    IndexVersion.objects.update(last_error=hostile.TEXT)
    live.events.update(reason=hostile.TEXT)

    page = admin_client.get(change_url(live)).content.decode()

    assert page.count(hostile.ESCAPED) >= 2
    assert hostile.SCRIPT not in page


def test_nobody_edits_adds_or_deletes_a_version(admin_client: Client, live: IndexVersion) -> None:
    assert admin_client.get(reverse("admin:search_indexversion_add")).status_code == 403
    assert admin_client.post(change_url(live), {"state": "failed"}).status_code == 403
    delete = reverse("admin:search_indexversion_delete", args=[live.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert IndexVersion.objects.get().state == IndexVersion.State.ACTIVE


def test_a_candidate_stands_beside_the_live_version_with_what_differs(
    admin_client: Client, live: IndexVersion, ready: IndexVersion
) -> None:
    page = admin_client.get(change_url(ready))

    comparison = page.context["panel"].comparison
    assert (comparison.here, comparison.there) == (ready, live)
    assert [(row.name, row.here, row.there) for row in comparison.recipe] == [
        ("Chunking", "max_tokens 20", "defaults"),
    ]
    assert "Side by side" in page.content.decode()
    assert "Measured on " in page.content.decode()


def test_the_checks_of_the_gate_are_listed_as_passed(admin_client: Client, ready: IndexVersion) -> None:
    page = admin_client.get(change_url(ready))

    assert [check.passed for check in page.context["panel"].gate.checks] == [True] * 4
    assert "1 of 1 documents are in it." in page.content.decode()


def test_a_refused_check_leads_to_where_it_can_be_mended(admin_client: Client, ready: IndexVersion) -> None:
    refused(ready)
    failed = reverse("admin:search_pendingchange_changelist") + f"?version__id__exact={ready.pk}&quarantined__exact=1"

    page = admin_client.get(change_url(ready)).content.decode()

    assert "1 could not be indexed; retry or correct them." in page
    assert failed.replace("&", "&amp;") in page


def test_the_history_tells_what_happened_and_why(admin_client: Client, live: IndexVersion) -> None:
    rebuilt(live.collection)

    page = admin_client.get(change_url(live)).content.decode()

    assert "Retired" in page
    assert "Replaced by docs v2." in page
    assert "The collection&#x27;s first version." in page


def test_the_progress_is_asked_for_again_by_itself(admin_client: Client, live: IndexVersion) -> None:
    page = admin_client.get(change_url(live)).content.decode()

    assert f'hx-get="{progress_url(live)}?seen=' in page


def test_the_piece_that_moves_shows_how_far_the_version_is(
    admin_client: Client, live: IndexVersion, make_document: MakeDocument
) -> None:
    url = admin_client.get(change_url(live)).context["panel"].progress_url
    make_document()

    piece = admin_client.get(url)

    assert "1 / 2" in piece.content.decode()
    assert "HX-Refresh" not in piece


def test_the_page_is_loaded_anew_once_the_state_has_changed(admin_client: Client, ready: IndexVersion) -> None:
    url = admin_client.get(change_url(ready)).context["panel"].progress_url
    IndexVersion.objects.filter(pk=ready.pk).update(state="failed")

    assert admin_client.get(url)["HX-Refresh"] == "true"


def test_a_version_that_failed_shows_its_reason(admin_client: Client, live: IndexVersion) -> None:
    IndexVersion.objects.update(state="failed", last_error="The disk is full.")

    assert "The disk is full." in admin_client.get(change_url(live)).content.decode()


def test_failed_documents_of_a_version_are_linked(
    admin_client: Client, live: IndexVersion, make_document: MakeDocument
) -> None:
    make_document()
    PendingChange.objects.update(quarantined=True)

    assert "1 document failed" in admin_client.get(change_url(newest(live.collection))).content.decode()


def test_staff_without_permission_are_refused(sign_in: SignIn, live: IndexVersion) -> None:
    client = sign_in()

    for url in (LIST, change_url(live), progress_url(live), reverse("admin:search_indexversion_running")):
        assert client.get(url).status_code == 403, url


@pytest.mark.parametrize("address", ["abc", "7/nonsense", "1e3", "٣"])
def test_an_address_that_is_no_number_is_no_error(admin_client: Client, live: IndexVersion, address: str) -> None:
    answer = admin_client.get(f"/admin/search/indexversion/{address}/change/", follow=True)
    assert answer.status_code in (200, 404)


def test_who_may_only_look_sees_the_page(sign_in: SignIn, live: IndexVersion) -> None:
    assert sign_in("view_indexversion").get(change_url(live)).status_code == 200
