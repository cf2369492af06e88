"""What waits for the index over HTTP: who sees it, and trying again."""

import pytest

from search.models import Collection, Document, PendingChange
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt

from .conftest import Client, MakeUser, assert_problem, client_of

pytestmark = pytest.mark.django_db
LIST, RETRY = "/api/v1/pending-changes/", "/api/v1/pending-changes/retry/"


@pytest.fixture
def operator(make_user: MakeUser) -> Client:
    return client_of(make_user("operator", "view_pendingchange", "change_pendingchange"))


@pytest.fixture
def failed(collection: Collection, make_document: MakeDocument) -> Document:
    """One document that was given up, beside one that waits."""
    rebuilt(collection)
    document = make_document(external_id="bad")
    make_document(external_id="good")
    pending = PendingChange.objects.filter(document=document.pk)
    assert pending.update(quarantined=True, attempts=5, last_error="Too odd.") == 1
    return document


def test_what_failed_is_listed_with_its_reason(operator: Client, failed: Document) -> None:
    everything, only_failed = (operator.get(LIST, query).json()["results"] for query in ({}, {"failed": "true"}))

    assert len(everything) == 2
    assert [(row["document"], row["reason"], row["failed"]) for row in only_failed] == [(failed.pk, "Too odd.", True)]


def test_retrying_queues_the_failed_documents_that_are_named(operator: Client, failed: Document) -> None:
    others = operator.post(RETRY, {"documents": [failed.pk + 1]}, format="json")
    this = operator.post(RETRY, {"collection": "docs", "documents": [failed.pk]}, format="json")

    assert (others.json(), this.json()) == ({"queued": 0}, {"queued": 1})
    assert not PendingChange.objects.failed().exists()


def test_seeing_and_retrying_need_their_permissions(outsider: Client, make_user: MakeUser, failed: Document) -> None:
    viewer = client_of(make_user("viewer", "view_pendingchange"))

    assert_problem(outsider.get(LIST), 403, "permission-denied")
    assert_problem(viewer.post(RETRY, {}, format="json"), 403, "permission-denied")
    assert PendingChange.objects.failed().count() == 1
