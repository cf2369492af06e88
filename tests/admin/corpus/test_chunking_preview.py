"""The preview shows what the options in the unsaved form would make of a text, to those who may see it."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from search import registry
from search.embedding.base import EncoderUnavailable
from search.indexing import chunk_preview
from search.models import Collection, Document
from tests.admin import hostile
from tests.admin.conftest import SignIn
from tests.admin.corpus.test_collections import ADD, change_url, form_with
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

NEW = reverse("admin:search_collection_preview_new")
WORDS = " ".join(f"w{number}" for number in range(1, 61))


def url(collection: Collection) -> str:
    return reverse("admin:search_collection_preview", args=[collection.pk])


def cut(client: Client, address: str, **values: Any) -> Any:
    """Ask for the preview of a text with a plain collection's options, with some values changed."""
    return client.post(address, {**form_with(), "preview_do": "text", "preview_text": WORDS, **values})


def said(answer: HttpResponse) -> str:
    """Return an answer with each run of white space as one space."""
    return " ".join(answer.content.decode().split())


def test_the_panel_is_below_the_form(admin_client: Client, collection: Collection) -> None:
    assert f'hx-post="{NEW}"' in admin_client.get(ADD).content.decode()

    page = admin_client.get(change_url(collection)).content.decode()

    assert page.count(f'hx-post="{url(collection)}"') == 3
    assert "search/admin/chunking.css" in page


def test_a_collection_that_is_not_filled_in_yet_can_be_previewed(admin_client: Client) -> None:
    """A browser holds a request back while a field that it includes is required and empty, unless told not to."""
    page = admin_client.get(ADD).content.decode()

    assert '<form id="sem-preview-text" novalidate ' in page


def test_a_pasted_text_is_cut_with_the_options_of_the_unsaved_form(admin_client: Client) -> None:
    answer = cut(admin_client, NEW, max_tokens="20", overlap_tokens="5", preview_title="Title")

    chunks = answer.context["preview"].chunks
    assert [chunk.tokens for chunk in chunks] == [20, 20, 20, 19]
    assert [chunk.carried for chunk in chunks] == [("Title",)] * 4
    assert (chunks[1].repeated, chunks[1].text[:5]) == ("w15 w16 w17 w18 w19", " w20 ")
    page = said(answer)
    assert "4 chunks, 79 tokens, 100 % of the text" in page
    assert "<mark>w15 w16 w17 w18 w19</mark> w20 " in page
    assert "The encoder reads 40 tokens at once." in page
    assert not Collection.objects.exists()


def test_headings_above_a_chunk_are_shown(admin_client: Client) -> None:
    text = f"# Guide\n## Install\n{WORDS}"

    page = said(cut(admin_client, NEW, chunker="heading", title_share="0.5", preview_text=text))

    assert page.count("Guide &gt; Install") == 3


def test_an_option_that_cannot_be_used_is_named(admin_client: Client) -> None:
    assert "max_tokens is 3; it must be" in said(cut(admin_client, NEW, max_tokens="3"))
    assert "Chunker: Select a valid choice" in said(cut(admin_client, NEW, chunker="magic"))


def test_what_is_wrong_elsewhere_in_the_form_does_not_matter(admin_client: Client) -> None:
    assert "100 % of the text" in said(cut(admin_client, NEW, slug="", engine_options="{", recall="7"))


def test_an_encoder_that_is_not_there_is_said_to_be(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: Any) -> None:
        raise EncoderUnavailable("Encoder 'x' is not on this machine yet.")

    monkeypatch.setattr(registry, "encoder", missing)

    assert "is not on this machine yet." in said(cut(admin_client, NEW))


def test_a_document_is_found_by_its_external_id(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(external_id="a/1", title="First", body="Body of the first.")
    make_document(external_id="a/12", title="a/1 second")

    answer = cut(admin_client, url(document.collection), preview_do="find", preview_find="a/1")

    assert "Body of the first." in said(answer)
    assert f'name="preview_shown" value="pick:{document.pk}"' in said(answer)


def test_several_documents_are_offered_to_choose_from(admin_client: Client, make_document: MakeDocument) -> None:
    first, second = make_document(title="Leave"), make_document(title="Parental leave")
    other = Collection.objects.create(slug="other", name="Other")
    Document.objects.create(collection=other, title="Leave elsewhere")

    offered = said(cut(admin_client, url(first.collection), preview_do="find", preview_find="leave"))
    chosen = cut(admin_client, url(first.collection), preview_do=f"pick:{second.pk}")

    assert "Leave elsewhere" not in offered
    assert f'value="pick:{first.pk}"' in offered
    assert "Parental leave" in said(chosen)
    assert "1 chunk, " in said(chosen)


def test_a_changed_option_shows_again_what_was_shown(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(body=WORDS)
    shown = {"preview_do": "", "preview_shown": f"pick:{document.pk}", "max_tokens": "16", "overlap_tokens": "0"}

    assert "5 chunks" in said(cut(admin_client, url(document.collection), **shown))
    assert cut(admin_client, NEW, preview_do="").status_code == 204


def test_of_a_long_document_the_beginning_is_cut_and_that_is_said(
    admin_client: Client, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_preview, "_SHOWN_CHUNKS", 2)
    document = make_document(body="word " * 30_000)

    page = said(cut(admin_client, url(document.collection), preview_do=f"pick:{document.pk}"))

    assert "The preview cuts the first 100,000 of 150,000 characters." in page
    assert page.count("· repeats ") == 1
    assert "100 % of the text" in page


def test_hostile_text_is_escaped(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document(title=hostile.TEXT, body=hostile.TEXT)

    page = said(cut(admin_client, url(document.collection), preview_do=f"pick:{document.pk}"))

    assert hostile.SCRIPT not in page
    assert hostile.ESCAPED in page


def test_who_may_only_look_previews_the_stored_options(sign_in: SignIn, collection: Collection) -> None:
    Collection.objects.update(chunking={"max_tokens": 16, "overlap_tokens": 0})
    client = sign_in("view_collection")

    assert "4 chunks" in said(cut(client, url(collection), max_tokens="40"))
    assert client.get(change_url(collection)).content.decode().count("hx-post") == 2, "there is no choice of documents"


def test_documents_are_shown_only_to_those_who_may_see_them(sign_in: SignIn, make_document: MakeDocument) -> None:
    document = make_document(body="Secret")
    pick = {"preview_do": f"pick:{document.pk}"}

    answer = cut(sign_in("view_collection"), url(document.collection), **pick)

    assert answer.status_code == 403
    assert "Secret" in said(cut(sign_in("view_collection", "view_document"), url(document.collection), **pick))


def test_a_document_of_another_collection_is_not_shown(admin_client: Client, make_document: MakeDocument) -> None:
    document = make_document()
    other = Collection.objects.create(slug="other", name="Other")

    assert cut(admin_client, url(other), preview_do=f"pick:{document.pk}").status_code == 404
    assert cut(admin_client, NEW, preview_do=f"pick:{document.pk}").status_code == 403
    assert cut(admin_client, url(other), preview_do="pick:no").status_code == 403


def test_staff_without_permission_are_refused(sign_in: SignIn, collection: Collection) -> None:
    client = sign_in("view_document")

    assert cut(client, url(collection)).status_code == 403
    assert cut(client, NEW).status_code == 403
