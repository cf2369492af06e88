"""The admin's first page and its menu."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from search.admin import addresses
from search.indexing import lifecycle
from search.models import Collection, IndexVersion, PendingChange, SearchLog, Segment
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt, refused

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")


def test_each_collection_has_a_card_with_its_progress(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    make_document()

    page = admin_client.get(INDEX).content.decode()

    assert "Docs" in page
    assert "50 %, 1 waiting" in page
    assert 'href="/?collection=docs"' in page


def test_failures_lead_to_the_failed_documents(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    indexed()
    make_document()
    PendingChange.objects.update(quarantined=True)

    page = admin_client.get(INDEX).content.decode()

    assert f"?collection__id__exact={collection.pk}&amp;indexing=failed" in page


def test_the_last_error_of_a_collection_is_shown_and_escaped(admin_client: Client) -> None:
    Collection.objects.create(slug="docs", name=hostile.TEXT, last_error=hostile.TEXT)

    page = admin_client.get(INDEX).content.decode()

    assert hostile.ESCAPED in page
    assert hostile.SCRIPT not in page


def test_without_a_collection_the_way_to_the_first_one_is_shown(admin_client: Client) -> None:
    page = admin_client.get(INDEX).content.decode()

    assert "No collection yet" in page
    assert reverse("admin:search_collection_first_steps") in page


def test_the_page_needs_no_more_queries_for_more_collections(
    count_queries: CountQueries, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    few = count_queries(INDEX)
    for number in range(10):
        lifecycle.create_version(Collection.objects.create(slug=f"other{number}", name=f"Other {number}"))

    assert count_queries(INDEX) == few


def test_a_card_shows_what_was_measured_and_compared_of_the_live_version(
    admin_client: Client, collection: Collection, indexed: Callable[[], int]
) -> None:
    indexed()
    IndexVersion.objects.update(recall=0.9876, median_us=234, disk_bytes=3 * 2**20, drift=0, checked_at=timezone.now())

    page = admin_client.get(INDEX).content.decode()

    assert "0.9876" in page
    assert "234 µs" in page
    assert "3.0\xa0MB" in page
    assert "0\xa0minutes ago" in page


def test_a_refused_candidate_is_an_alarm_that_leads_to_it(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    candidate = refused(rebuilt(collection, live=False))

    page = admin_client.get(INDEX)

    [alarm] = page.context["alarms"]
    assert alarm.title == "docs v2 is ready and may not go live"
    assert "1 could not be indexed" in alarm.reasons[0]
    assert alarm.url == reverse("admin:search_indexversion_change", args=[candidate.pk])
    assert alarm.url in page.content.decode()


def test_a_candidate_that_may_go_live_is_no_alarm(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    rebuilt(collection, live=False)

    assert admin_client.get(INDEX).context["alarms"] == []


def test_drift_and_damaged_files_are_alarms(
    admin_client: Client, collection: Collection, indexed: Callable[[], int]
) -> None:
    indexed()
    version = IndexVersion.objects.get()
    IndexVersion.objects.update(drift=3)
    Segment.objects.create(
        version=version, sha256="a" * 64, ids_sha256="b" * 64, path="p", ids_path="i", rows=5, size_bytes=7,
        first_id=1, last_id=9, generation=1, state="damaged",
    )  # fmt: skip

    titles = [alarm.title for alarm in admin_client.get(INDEX).context["alarms"]]

    assert titles == [
        "docs v1: a file is damaged",
        "docs v1: 3 differences between database and index",
    ]


def test_what_is_being_built_is_shown_and_asked_for_again(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    lifecycle.create_version(collection)

    page = admin_client.get(INDEX).content.decode()
    piece = admin_client.get(reverse("admin:search_indexversion_running")).content.decode()

    assert f'hx-get="{reverse("admin:search_indexversion_running")}"' in page
    assert "Listing the documents" in page
    assert "docs v2" in piece


def test_saves_that_the_live_version_applies_are_no_build(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    make_document()

    assert admin_client.get(INDEX).context["running"] == []


def test_versions_are_shown_only_to_those_who_may_see_them(
    sign_in: SignIn, collection: Collection, indexed: Callable[[], int]
) -> None:
    indexed()
    IndexVersion.objects.update(drift=3)

    page = sign_in("view_collection").get(INDEX)

    assert (page.context["alarms"], page.context["running"]) == ([], [])
    assert "Live version" not in page.content.decode()


def test_collections_are_shown_only_to_those_who_may_see_them(sign_in: SignIn, collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(name="Secret plans")

    assert "Secret plans" not in sign_in("view_document").get(INDEX).content.decode()
    assert "Secret plans" in sign_in("view_collection").get(INDEX).content.decode()


def test_what_was_asked_in_vain_is_shown_with_the_way_to_its_report(
    admin_client: Client, collection: Collection
) -> None:
    def asked(text: str, **how: Any) -> None:
        SearchLog.objects.create(collection=collection, text=text, took_ms=1, **{"total": 0, "good_match": False} | how)

    asked("parking permit")
    asked("parking permit", total=3)
    asked(hostile.TEXT)
    asked("holidays", total=2, good_match=True)
    asked("long ago", at=timezone.now() - timedelta(days=2))

    page = admin_client.get(INDEX)

    assert [(one.text, one.searches) for one, _ in page.context["in_vain"]] == [
        ("parking permit", 2),
        (hostile.TEXT, 1),
    ]
    assert addresses.query_reports(collection) in page.content.decode()
    assert hostile.SCRIPT not in page.content.decode()


def test_queries_are_shown_only_to_those_who_may_see_the_log(sign_in: SignIn, collection: Collection) -> None:
    SearchLog.objects.create(collection=collection, text="somebody's question", total=0, good_match=False, took_ms=1)

    assert "somebody" not in sign_in("view_collection", "view_indexversion").get(INDEX).content.decode()
    assert "somebody" in sign_in("view_collection", "view_searchlog").get(INDEX).content.decode()


def test_the_menu_offers_what_a_person_may_open(sign_in: SignIn) -> None:
    page = sign_in("view_document").get(INDEX).content.decode()

    assert reverse("admin:search_document_changelist") in page
    assert reverse("admin:search_collection_changelist") not in page
    assert reverse("admin:auth_user_changelist") not in page


def test_every_entry_of_the_menu_opens(admin_client: Client) -> None:
    menu = admin_client.get(INDEX).context["sidebar_navigation"]
    links = [str(item["link"]) for group in menu for item in group["items"] if str(item["link"]).startswith("/admin/")]

    assert len(links) == 15
    assert [(link, admin_client.get(link).status_code) for link in links] == [(link, 200) for link in links]
