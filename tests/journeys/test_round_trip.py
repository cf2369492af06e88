"""A collection that is carried to an empty installation answers every question as it did at home."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from search import query_service
from search.indexing import applier
from search.models import Collection, Document, Embedding, ImportJob
from search.sample.stdlib_reader import read_entries
from tests.ingestion.test_export import make_odd, stored

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

QUERIES = 50


@pytest.fixture(autouse=True)
def with_the_real_encoder(settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "ENCODER_RUNTIME": "torch"}


def answers(queries: list[str]) -> list[list[tuple[Any, ...]]]:
    """Return what every query finds, with everything that people see of it."""
    collection = Collection.objects.get()
    applier.drain(collection.pk, budget_seconds=200)
    found = []
    for query in queries:
        response = query_service.search(query, collection=collection.slug, k=10)
        assert not response.degraded
        found.append([(hit.external_id, hit.title, hit.snippet, round(hit.score, 4)) for hit in response.results])
    return found


def test_fifty_queries_find_the_same_after_the_journey(collection: Collection, tmp_path: Path) -> None:
    collection.retrieval = {"snippet_ms": 0}  # what a sentence says is looked at as far as the time allows
    collection.save()
    entries = read_entries(QUERIES)
    Document.objects.bulk_create(
        Document(collection=collection, external_id=entry.name, title=entry.title, body=entry.body[:600], url=entry.url)
        for entry in entries
    )
    make_odd(collection)
    Document.objects.filter(body__contains="x" * 1_000).delete()  # long, and nothing that anybody asks for
    queries = [f"how to {entry.body.split('.')[0][:80]}" for entry in entries]
    before, documents = answers(queries), stored(collection)
    call_command("export_collection", collection.slug, to=str(tmp_path / "carried.zip"))
    for model in (Collection, Embedding, Group, ImportJob):
        model.objects.all().delete()
    assert not Document.objects.exists()

    call_command("import_collection", str(tmp_path / "carried.zip"))

    assert stored(Collection.objects.get()) == documents
    after = answers(queries)
    assert len(queries) == QUERIES and all(before)
    assert after == before
