"""Progress of many collections at once says the same as progress of one."""

from collections.abc import Callable

import pytest

from search.indexing.progress import collection_progress, collection_progresses
from search.models import Collection, Document, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def test_each_collection_has_the_progress_that_it_has_alone(
    collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document()
    make_document(state=Document.State.DRAFT)
    indexed()
    make_document()
    failed = make_document()
    PendingChange.objects.filter(document=failed.pk).update(quarantined=True)
    waiting = Collection.objects.create(slug="waiting", name="Waiting", last_error="No encoder.")
    Document.objects.create(collection=waiting, title="Elsewhere")
    empty = Collection.objects.create(slug="empty", name="Empty")

    together = collection_progresses([collection, waiting, empty])

    assert together == {made.pk: collection_progress(made) for made in (collection, waiting, empty)}
    assert (together[collection.pk].pending, together[collection.pk].failed) == (1, 1)
