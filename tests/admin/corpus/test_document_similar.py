"""What is like a document, in its form: asked for by a click, and only of what the asker may find."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from search.models import Document
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def similar(document: Document) -> str:
    return reverse("admin:search_document_similar", args=[document.pk])


@pytest.fixture
def three(make_document: MakeDocument, indexed: Callable[[], int]) -> list[Document]:
    made = [
        make_document(title="Ladders", body="Ladders need three metres."),
        make_document(title="Ladders & ropes", body="Ladders need three metres and ropes."),
        make_document(title="Board papers", body="Ladders need three metres, says the board.", visibility="groups"),
    ]
    indexed()
    return made


def test_the_form_offers_it_and_shows_it_on_a_click(admin_client: Client, three: list[Document]) -> None:
    form = admin_client.get(reverse("admin:search_document_change", args=[three[0].pk])).content.decode()
    assert f'hx-get="{similar(three[0])}"' in form
    assert "Ladders &amp; ropes" not in form

    piece = admin_client.get(similar(three[0]), headers={"HX-Request": "true"}).content.decode()

    assert "Ladders &amp; ropes" in piece
    assert f'href="{reverse("admin:search_document_change", args=[three[1].pk])}"' in piece
    assert "<html" not in piece


def test_without_scripts_it_is_a_page(admin_client: Client, three: list[Document]) -> None:
    page = admin_client.get(similar(three[0])).content.decode()

    assert "<html" in page and "Ladders &amp; ropes" in page


def test_it_shows_nothing_that_the_asker_may_not_find(sign_in: SignIn, three: list[Document]) -> None:
    page = sign_in("view_document").get(similar(three[0])).content.decode()

    assert "Ladders &amp; ropes" in page
    assert "Board papers" not in page
    assert sign_in("view_collection").get(similar(three[0])).status_code == 403


def test_a_collection_without_an_index_says_so(admin_client: Client, make_document: MakeDocument) -> None:
    page = admin_client.get(similar(make_document())).content.decode()

    assert "Nothing of this collection is indexed yet." in page
