"""The steps that a document's panel shows: how far it is, and the seconds that each step took."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from search.admin.corpus.document_panel import way_steps
from search.indexing.status import DocumentStatus, Stage, Way
from search.models import Document, IndexedDocument, PendingChange
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def way_url(document: Document) -> str:
    return reverse("admin:search_document_way", args=[document.pk])


def test_a_document_that_is_found_shows_the_seconds_of_each_step() -> None:
    way = Way(START, later(0.5), later(2.75), later(3))

    steps = way_steps(DocumentStatus(Stage.INDEXED, version=4, way=way))

    assert [step.name for step in steps] == ["Queued", "Encoded", "Indexed in version 4", "Visible"]
    assert [step.state for step in steps] == ["done"] * 4
    assert [step.took for step in steps] == ["", "+0.50 s", "+2.25 s", "+0.25 s"]


def test_the_step_after_the_last_one_that_is_done_is_next() -> None:
    steps = way_steps(DocumentStatus(Stage.ENCODING, version=4, way=Way(START)))

    assert [step.state for step in steps] == ["done", "now", "todo", "todo"]


def test_a_failed_document_is_stuck_at_a_step() -> None:
    steps = way_steps(DocumentStatus(Stage.FAILED, version=4, way=Way(START)))

    assert [step.state for step in steps] == ["done", "stuck", "todo", "todo"]


def test_where_nothing_had_to_be_encoded_the_time_counts_from_the_queue() -> None:
    steps = way_steps(DocumentStatus(Stage.INDEXED, version=4, way=Way(START, None, later(1), later(1.5))))

    assert [step.took for step in steps] == ["", "nothing to encode", "+1.00 s", "+0.50 s"]
    assert [step.state for step in steps] == ["done"] * 4


def test_a_draft_has_no_way() -> None:
    assert way_steps(DocumentStatus(Stage.UNPUBLISHED, version=4)) == ()


@pytest.mark.django_db
def test_a_queued_document_asks_for_its_way_again_until_it_is_found(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    indexed()
    document = make_document()
    url = way_url(document)
    assert f'hx-get="{url}"' in admin_client.get(url).content.decode()
    indexed()

    piece = admin_client.get(url).content.decode()

    assert "hx-get" not in piece
    assert "Indexed in version 1" in piece
    assert "from the save to being found" in piece


@pytest.mark.django_db
def test_the_way_of_a_failed_document_shows_the_reason(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    indexed()
    document = make_document()
    PendingChange.objects.update(quarantined=True, last_error="It is not a text.")

    piece = admin_client.get(way_url(document)).content.decode()

    assert "It is not a text." in piece
    assert "did not work" in piece


@pytest.mark.django_db
def test_the_way_is_shown_only_to_those_who_may_see_documents(sign_in: SignIn, make_document: MakeDocument) -> None:
    document = make_document()

    assert sign_in("view_collection").get(way_url(document)).status_code == 403
    assert sign_in("view_document").get(way_url(document)).status_code == 200


@pytest.mark.django_db
def test_the_panel_shows_chunks_tokens_and_coverage(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document(title="Words", body=" ".join(["word"] * 50))
    indexed()

    piece = " ".join(admin_client.get(way_url(document)).content.decode().split())

    # 50 words in a window of 40, of which the title takes one in each chunk, and 19 come again.
    assert "2 chunks, 71 tokens, 100 % of the text" in piece


@pytest.mark.django_db
def test_a_document_of_which_a_part_is_in_no_chunk_shows_it(
    admin_client: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document()
    indexed()
    IndexedDocument.objects.update(coverage=0.99999)

    assert "99.99 % of the text" in admin_client.get(way_url(document)).content.decode()
