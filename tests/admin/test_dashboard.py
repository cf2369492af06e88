"""The admin's first page and its menu."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from search.models import Collection, PendingChange
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

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
    assert reverse("admin:search_collection_add") in page


def test_the_page_needs_no_more_queries_for_more_collections(
    count_queries: CountQueries, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    indexed()
    few = count_queries(INDEX)
    for number in range(10):
        Collection.objects.create(slug=f"other{number}", name=f"Other {number}")

    assert count_queries(INDEX) == few


def test_collections_are_shown_only_to_those_who_may_see_them(sign_in: SignIn, collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(name="Secret plans")

    assert "Secret plans" not in sign_in("view_document").get(INDEX).content.decode()
    assert "Secret plans" in sign_in("view_collection").get(INDEX).content.decode()


def test_the_menu_offers_what_a_person_may_open(sign_in: SignIn) -> None:
    page = sign_in("view_document").get(INDEX).content.decode()

    assert reverse("admin:search_document_changelist") in page
    assert reverse("admin:search_collection_changelist") not in page
    assert reverse("admin:auth_user_changelist") not in page


def test_every_entry_of_the_menu_opens(admin_client: Client) -> None:
    menu = admin_client.get(INDEX).context["sidebar_navigation"]
    links = [str(item["link"]) for group in menu for item in group["items"] if str(item["link"]).startswith("/admin/")]

    assert len(links) == 7
    assert [(link, admin_client.get(link).status_code) for link in links] == [(link, 200) for link in links]
