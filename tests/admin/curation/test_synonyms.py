"""Synonyms in the admin."""

from collections.abc import Callable

from django.test import Client

from search import query_service
from search.models import Collection, SynonymSet
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

LIST = "/admin/search/synonymset/"


def test_a_set_is_saved_and_listed(admin_client: Client, collection: Collection) -> None:
    values = {"collection": collection.pk, "words": "PTO, holiday", "finds": "", "enabled": "on", "note": ""}

    assert admin_client.post(f"{LIST}add/", values).status_code == 302

    assert SynonymSet.objects.get().word_list == ["PTO", "holiday"]
    assert "PTO, holiday" in admin_client.get(LIST).content.decode()


def test_a_set_that_adds_nothing_is_refused_beside_its_field(admin_client: Client, collection: Collection) -> None:
    values = {"collection": collection.pk, "words": "PTO", "finds": "", "enabled": "on", "note": ""}

    page = admin_client.post(f"{LIST}add/", values)

    assert "words" in page.context["adminform"].form.errors
    assert not SynonymSet.objects.exists()


def test_a_set_is_tried_without_being_saved_and_then_saved(
    admin_client: Client, collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document(title="Annual leave", body="How annual leave is asked for.")
    make_document(title="PTO form", body="This is the form.")
    indexed()
    values = {"collection": collection.pk, "words": "PTO, annual leave", "finds": "", "enabled": "on", "note": ""}

    def found() -> list[str]:
        return [result.title for result in query_service.search("pto", collection="docs", mode="lexical").results]

    page = admin_client.post(f"{LIST}try/", values).content.decode()
    assert "PTO form" in page and "Annual leave" in page
    assert not SynonymSet.objects.exists()
    assert found() == ["PTO form"]

    admin_client.post(f"{LIST}add/", values)
    assert sorted(found()) == ["Annual leave", "PTO form"]


def test_only_who_may_write_synonyms_tries_new_ones(sign_in: SignIn, collection: Collection) -> None:
    values = {"collection": collection.pk, "words": "PTO, holiday"}

    assert sign_in("view_synonymset").post(f"{LIST}try/", values).status_code == 403
