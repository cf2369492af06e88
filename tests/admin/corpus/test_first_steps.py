"""First steps: a collection by its name, and steps that tick themselves off by what is there."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from search.models import Collection
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db
BEGIN = reverse("admin:search_collection_first_steps")


def steps(collection: Collection) -> str:
    return reverse("admin:search_collection_steps", args=[collection.pk])


def test_a_name_makes_a_collection_and_leads_on(admin_client: Client) -> None:
    answer = admin_client.post(BEGIN, {"name": "Our Handbook", "description": ""})

    made = Collection.objects.get()
    assert (made.slug, made.name) == ("our-handbook", "Our Handbook")
    assert answer.headers["Location"] == steps(made)


@pytest.mark.parametrize(("name", "why"), [("", "required"), ("図書館", "Latin alphabet"), ("Docs", "already")])
def test_a_name_that_will_not_do_says_why(admin_client: Client, collection: Collection, name: str, why: str) -> None:
    page = admin_client.post(BEGIN, {"name": name}).content.decode()

    assert why in page
    assert Collection.objects.count() == 1


def test_an_empty_collection_is_offered_ways_to_fill_it(admin_client: Client, collection: Collection) -> None:
    page = admin_client.get(steps(collection)).content.decode()

    assert f"{reverse('admin:search_importjob_add')}?collection={collection.pk}" in page
    assert f"{reverse('admin:search_document_add')}?collection={collection.pk}" in page
    assert "Nothing has arrived yet." in page
    assert "hx-trigger" in page


def test_what_has_arrived_can_be_searched(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    waiting = admin_client.get(steps(collection)).content.decode()
    indexed()
    arrived = admin_client.get(steps(collection)).content.decode()

    assert "As soon as the first document has arrived." in waiting
    assert 'name="q"' in arrived
    assert arrived.count("Done") == 3
    assert 'id="first-steps">' in arrived  # nothing more to wait for


def test_the_first_page_leads_here(admin_client: Client, collection: Collection, make_document: MakeDocument) -> None:
    index = reverse("admin:index")
    assert steps(collection) in admin_client.get(index).content.decode()
    make_document()
    page = admin_client.get(index).content.decode()

    assert steps(collection) not in page
    assert BEGIN in page


def test_it_is_for_those_who_may(sign_in: SignIn, collection: Collection) -> None:
    assert sign_in("view_collection").get(BEGIN).status_code == 403
    assert sign_in("view_document").get(steps(collection)).status_code == 403
    page = sign_in("view_collection").get(steps(collection)).content.decode()
    assert reverse("admin:search_importjob_add") not in page
