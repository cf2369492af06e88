"""Documents that came in by plain SQL take part when the same content is looked for."""

import pytest
from django.db import connection

from search import tasks
from search.models import Collection, Document, PendingChange

pytestmark = pytest.mark.django_db


def test_the_sweep_hashes_what_was_written_past_the_orm_and_changes_nothing_else(collection: Collection) -> None:
    document = Document.objects.create(collection=collection, external_id="a", title="T", body="the same")
    expected = document.content_hash
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_document SET content_hash = ''")
    pending = list(PendingChange.objects.values_list("document_id", "revision"))

    tasks.sweep()

    document.refresh_from_db()
    assert (document.content_hash, document.revision) == (expected, 1)
    assert list(PendingChange.objects.values_list("document_id", "revision")) == pending
