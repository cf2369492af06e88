"""Each document's way into the index: queued, encoding, indexed, visible, with the moments of each."""

from collections.abc import Callable

import pytest

from search.indexing import requests
from search.indexing.status import DocumentStatus, Stage, document_statuses
from search.models import Document, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

Indexed = Callable[[], int]


def status_of(document: Document) -> DocumentStatus:
    document.refresh_from_db()
    return document_statuses([document])[document.pk]


def test_a_saved_document_is_queued_since_its_save(
    collection: object, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    document = make_document()

    status = status_of(document)

    assert status.stage is Stage.QUEUED
    assert status.way.queued_at == PendingChange.objects.get().created_at
    assert (status.way.encoded_at, status.way.indexed_at, status.way.visible_at) == (None, None, None)


def test_a_document_that_the_worker_has_taken_is_being_encoded(make_document: MakeDocument, indexed: Indexed) -> None:
    indexed()
    document = make_document()
    PendingChange.objects.update(attempts=1)

    assert status_of(document).stage is Stage.ENCODING


def test_a_document_whose_attempt_failed_is_retried_with_the_reason(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    document = make_document()
    PendingChange.objects.update(attempts=1, last_error="No such luck.")

    status = status_of(document)

    assert (status.stage, status.reason) == (Stage.RETRYING, "No such luck.")


def test_an_indexed_document_has_passed_every_place_in_order(make_document: MakeDocument, indexed: Indexed) -> None:
    indexed()
    document = make_document()
    indexed()

    status = status_of(document)

    assert status.stage is Stage.INDEXED
    way = status.way
    assert way.queued_at and way.encoded_at and way.indexed_at and way.visible_at
    assert way.queued_at <= way.encoded_at <= way.indexed_at <= way.visible_at
    assert way.seconds == (way.visible_at - way.queued_at).total_seconds()


def test_an_edit_begins_a_new_way(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document()
    indexed()
    before = status_of(document).way
    document.body = "Other words."
    document.save()

    way = status_of(document).way

    assert before.visible_at is not None
    assert way.queued_at is not None
    assert way.queued_at > before.visible_at
    assert way.visible_at is None


def test_indexing_again_begins_a_new_way(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document()
    indexed()
    requests.reindex(Document.objects.all())

    assert status_of(document).way.visible_at is None


def test_a_change_of_metadata_alone_encodes_nothing(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document()
    indexed()
    document.metadata = {"team": "hr"}
    document.save()
    indexed()

    way = status_of(document).way

    assert way.encoded_at is None
    assert way.visible_at is not None
