"""The admin's index versions: facts, and making a ready one live."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from search.indexing import lifecycle
from search.models import Collection, IndexVersion, PendingChange, Segment
from tests.admin import hostile
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LIST = reverse("admin:search_indexversion_changelist")


def change_url(version: IndexVersion) -> str:
    return reverse("admin:search_indexversion_change", args=[version.pk])


def activate_url(version: IndexVersion) -> str:
    return reverse("admin:search_indexversion_activate", args=[version.pk])


@pytest.fixture
def live(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> IndexVersion:
    """The active version of a collection with one document."""
    make_document()
    indexed()
    return IndexVersion.objects.get()


@pytest.fixture
def ready(live: IndexVersion) -> IndexVersion:
    """A second version that is complete and waits to be made live."""
    version = lifecycle.create_version(live.collection, activate_when_ready=False)
    PendingChange.objects.filter(version=version).delete()
    IndexVersion.objects.filter(pk=version.pk).update(state=IndexVersion.State.READY, filled_to=None)
    version.refresh_from_db()
    return version


def test_the_list_shows_each_version_with_its_work(
    admin_client: Client, live: IndexVersion, make_document: MakeDocument
) -> None:
    make_document()

    page = admin_client.get(LIST).content.decode()

    assert "docs v1" in page
    assert "Active" in page
    assert re.search(r'class="[^"]*field-waiting[^>]*>\s*1\s*<', page)


def test_the_list_needs_no_more_queries_for_more_versions(count_queries: CountQueries, ready: IndexVersion) -> None:
    few = count_queries(LIST)
    for number in range(3, 13):
        ready.pk, ready.number = None, number
        ready.save(force_insert=True)

    assert count_queries(LIST) == few


def test_the_facts_show_segments_and_error(admin_client: Client, live: IndexVersion) -> None:
    Segment.objects.create(
        version=live,
        sha256="ab" * 32,
        ids_sha256="cd" * 32,
        path="dense/x",
        ids_path="dense/y",
        rows=7,
        size_bytes=2048,
    )
    IndexVersion.objects.update(last_error=hostile.TEXT)

    page = admin_client.get(change_url(live)).content.decode()

    assert "ababab" in page
    assert "2.0\xa0KB" in page
    assert hostile.ESCAPED in page
    assert hostile.SCRIPT not in page


def test_nobody_edits_adds_or_deletes_a_version(admin_client: Client, live: IndexVersion) -> None:
    assert admin_client.get(reverse("admin:search_indexversion_add")).status_code == 403
    assert admin_client.post(change_url(live), {"state": "failed"}).status_code == 403
    delete = reverse("admin:search_indexversion_delete", args=[live.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert IndexVersion.objects.get().state == IndexVersion.State.ACTIVE


def test_confirming_the_dialog_makes_a_ready_version_live(
    admin_client: Client, live: IndexVersion, ready: IndexVersion
) -> None:
    answer = admin_client.post(activate_url(ready), {"_form_submitted": "True"}, follow=True)

    assert "docs v2 is live." in answer.content.decode()
    live.refresh_from_db()
    ready.refresh_from_db()
    assert (live.state, ready.state) == (IndexVersion.State.RETIRED, IndexVersion.State.ACTIVE)


def test_looking_at_the_dialog_changes_nothing(admin_client: Client, ready: IndexVersion) -> None:
    assert "Make this version live?" in admin_client.get(activate_url(ready)).content.decode()

    ready.refresh_from_db()
    assert ready.state == IndexVersion.State.READY


@pytest.mark.parametrize("state", ["building", "retired", "failed"])
def test_a_version_that_is_not_ready_stays_as_it_is(
    admin_client: Client, live: IndexVersion, ready: IndexVersion, state: str
) -> None:
    IndexVersion.objects.filter(pk=ready.pk).update(state=state)

    answer = admin_client.post(activate_url(ready), {"_form_submitted": "True"}, follow=True)

    assert "docs v2 is not ready" in answer.content.decode()
    ready.refresh_from_db()
    assert ready.state == state


def test_a_ready_version_with_changes_waiting_is_refused_with_the_reason(
    admin_client: Client, ready: IndexVersion, make_document: MakeDocument
) -> None:
    make_document()

    page = admin_client.post(
        LIST, {"action": "activate_selected", "_selected_action": [ready.pk]}, follow=True
    ).content.decode()

    assert "has changes waiting" in page
    ready.refresh_from_db()
    assert ready.state == IndexVersion.State.READY


def test_the_button_is_offered_only_where_it_can_work(
    admin_client: Client, live: IndexVersion, ready: IndexVersion
) -> None:
    assert activate_url(ready) in admin_client.get(change_url(ready)).content.decode()
    assert activate_url(live) not in admin_client.get(change_url(live)).content.decode()


def test_who_may_only_look_cannot_make_a_version_live(sign_in: SignIn, ready: IndexVersion) -> None:
    client = sign_in("view_indexversion")

    assert client.get(LIST).status_code == 200
    assert activate_url(ready) not in client.get(change_url(ready)).content.decode()
    assert client.post(activate_url(ready), {"_form_submitted": "True"}).status_code == 403
    client.post(LIST, {"action": "activate_selected", "_selected_action": [ready.pk]})
    ready.refresh_from_db()
    assert ready.state == IndexVersion.State.READY


def test_staff_without_permission_are_refused(sign_in: SignIn, live: IndexVersion) -> None:
    assert sign_in().get(LIST).status_code == 403
    assert sign_in().get(change_url(live)).status_code == 403
