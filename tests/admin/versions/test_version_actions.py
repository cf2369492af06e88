"""The buttons on an index version's page: offered where they can work, asked about first, and recorded."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from search.models import IndexVersion, VersionEvent
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt, refused

pytestmark = pytest.mark.django_db

BUTTONS = ("activate", "override", "roll_back", "cancel_build", "prune")
CONFIRMED = {"_form_submitted": "True"}
Kind = VersionEvent.Kind


def change_url(version: IndexVersion) -> str:
    return reverse("admin:search_indexversion_change", args=[version.pk])


def button(name: str, version: IndexVersion) -> str:
    return reverse(f"admin:search_indexversion_{name}", args=[version.pk])


def offered(client: Client, version: IndexVersion) -> set[str]:
    """Return which buttons the version's page has."""
    page = client.get(change_url(version)).content.decode()
    return {name for name in BUTTONS if f'"{button(name, version)}"' in page}


def state(version: IndexVersion) -> str:
    version.refresh_from_db()
    return version.state


def test_each_state_offers_what_can_work(admin_client: Client, retired: IndexVersion) -> None:
    candidate = rebuilt(retired.collection, live=False)
    active = retired.collection.active_version()
    assert active is not None

    assert offered(admin_client, active) == set()
    assert offered(admin_client, candidate) == {"activate", "cancel_build"}
    assert offered(admin_client, retired) == {"roll_back", "prune"}
    assert offered(admin_client, refused(candidate)) == {"override", "cancel_build"}


def test_a_pruned_version_offers_nothing(admin_client: Client, retired: IndexVersion) -> None:
    IndexVersion.objects.filter(pk=retired.pk).update(pruned_at=timezone.now())

    assert offered(admin_client, retired) == set()


def test_a_version_with_changes_waiting_can_be_wanted_once(
    admin_client: Client, ready: IndexVersion, make_document: MakeDocument
) -> None:
    make_document()
    assert offered(admin_client, ready) == {"activate", "cancel_build"}

    page = admin_client.post(button("activate", ready), CONFIRMED, follow=True).content.decode()

    assert "goes live by itself once the worker has judged it" in page
    assert state(ready) == "ready"
    assert offered(admin_client, ready) == {"cancel_build"}


def test_confirming_makes_a_ready_version_live(admin_client: Client, live: IndexVersion, ready: IndexVersion) -> None:
    answer = admin_client.post(button("activate", ready), CONFIRMED, follow=True)

    assert "docs v2 is live." in answer.content.decode()
    assert (state(live), state(ready)) == ("retired", "active")
    event = ready.events.get(kind=Kind.ACTIVATED)
    assert event.by is not None
    assert event.by.get_username() == "admin"


@pytest.mark.parametrize("name", ["activate", "cancel_build"])
def test_looking_at_a_dialog_changes_nothing(admin_client: Client, ready: IndexVersion, name: str) -> None:
    assert admin_client.get(button(name, ready)).status_code == 200

    assert state(ready) == "ready"


def test_what_has_become_impossible_is_refused_with_the_reason(
    admin_client: Client, ready: IndexVersion, make_document: MakeDocument
) -> None:
    refused(ready)

    page = admin_client.post(button("activate", ready), CONFIRMED, follow=True).content.decode()

    assert "1 could not be indexed" in page
    assert state(ready) == "ready"


def test_activating_against_the_gate_wants_a_reason(admin_client: Client, ready: IndexVersion) -> None:
    refused(ready)

    dialog = admin_client.post(button("override", ready), {**CONFIRMED, "reason": " "}).content.decode()

    assert "This field is required" in dialog
    assert "1 could not be indexed" in dialog
    assert state(ready) == "ready"


def test_activating_against_the_gate_records_who_and_why(admin_client: Client, ready: IndexVersion) -> None:
    refused(ready)

    answer = admin_client.post(button("override", ready), {**CONFIRMED, "reason": "The demo is at noon."}, follow=True)

    assert "against its gate" in answer.content.decode()
    assert state(ready) == "active"
    event = ready.events.get(kind=Kind.OVERRIDDEN)
    assert event.by is not None
    assert (event.reason, event.by.get_username()) == ("The demo is at noon.", "admin")
    assert "The demo is at noon." in admin_client.get(change_url(ready)).content.decode()


def test_activating_against_the_gate_needs_its_own_permission(sign_in: SignIn, ready: IndexVersion) -> None:
    refused(ready)
    client = sign_in("view_indexversion", "change_indexversion")

    assert offered(client, ready) == {"cancel_build"}
    assert client.post(button("override", ready), {**CONFIRMED, "reason": "I want to."}).status_code == 403
    assert state(ready) == "ready"


def test_the_dialog_of_a_rollback_says_first_what_was_missed(
    admin_client: Client, retired: IndexVersion, make_document: MakeDocument
) -> None:
    make_document()
    retired.collection.documents.order_by("pk")[:1].get().delete()

    dialog = admin_client.get(button("roll_back", retired)).content.decode()

    assert "It has missed 2 documents." in dialog
    assert "new or changed: 1" in dialog
    assert "deleted or no longer published: 1" in dialog
    assert state(retired) == "retired"


def test_a_rollback_that_missed_something_applies_it_first(
    admin_client: Client, retired: IndexVersion, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()

    page = admin_client.post(button("roll_back", retired), CONFIRMED, follow=True).content.decode()

    assert "Taking docs v1 back: it applies 1 change that it missed" in page
    assert state(retired) == "building"
    indexed()
    assert state(retired) == "active"
    assert retired.documents == 2


def test_a_rollback_that_missed_nothing_is_live_again(admin_client: Client, ready: IndexVersion) -> None:
    admin_client.post(button("activate", ready), CONFIRMED)
    rebuilt(ready.collection)

    page = admin_client.post(button("roll_back", ready), CONFIRMED, follow=True).content.decode()

    assert "docs v2 is live again. It had missed nothing." in page
    assert state(ready) == "active"


def test_a_build_is_cancelled(admin_client: Client, live: IndexVersion, ready: IndexVersion) -> None:
    page = admin_client.post(button("cancel_build", ready), CONFIRMED, follow=True).content.decode()

    assert "docs v2 is cancelled." in page
    assert (state(live), state(ready)) == ("active", "failed")


def test_pruning_is_for_good(admin_client: Client, retired: IndexVersion) -> None:
    page = admin_client.post(button("prune", retired), CONFIRMED, follow=True).content.decode()

    assert "docs v1 is pruned" in page
    retired.refresh_from_db()
    assert retired.pruned_at is not None
    assert offered(admin_client, retired) == set()


@pytest.mark.parametrize(
    ("permissions", "buttons"),
    [
        (["view_indexversion"], set()),
        (["view_indexversion", "change_indexversion"], {"roll_back"}),
        (["view_indexversion", "delete_indexversion"], {"prune"}),
    ],
)
def test_each_button_needs_its_permission(
    sign_in: SignIn, retired: IndexVersion, permissions: list[str], buttons: set[str]
) -> None:
    client = sign_in(*permissions)

    assert offered(client, retired) == buttons
    for name in {"roll_back", "prune"} - buttons:
        assert client.post(button(name, retired), CONFIRMED).status_code == 403
    retired.refresh_from_db()
    assert (retired.state, retired.pruned_at) == ("retired", None)
