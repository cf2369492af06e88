"""Fixtures for every test: a data folder of its own, the fake encoder, and short ways to a searchable corpus."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from search import registry
from search.indexing import applier, segments
from search.models import Collection, Document, IndexVersion
from search.retrieval import beside, open_index, query_vectors
from tests.index_versions import rebuilt

MakeDocument = Callable[..., Document]


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An empty data folder and the fake encoder; nothing stays open or cached from another test."""
    settings.SEMSEARCH = {**django_settings.SEMSEARCH, "DATA_DIR": tmp_path, "ENCODER_RUNTIME": "fake"}
    yield tmp_path
    registry.forget_encoders()
    open_index.close_all()
    segments.drop_jobs([*segments._jobs])  # ids come again in the next test
    query_vectors.forget()


@pytest.fixture(autouse=True)
def beside_queries(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What would run in a thread beside the queries waits in this list: a thread would not see the test's rows."""
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(beside, "start", lambda name, job: waiting.append(job))
    return waiting


@pytest.fixture
def collection(db: None) -> Collection:
    """The collection `docs`, empty and without an index version."""
    return Collection.objects.create(slug="docs", name="Docs")


@pytest.fixture
def make_document(collection: Collection) -> MakeDocument:
    """Make a published document in `docs`; keywords override its fields."""

    def make(**fields: Any) -> Document:
        values = {"collection": collection, "title": "A title", "body": "A body with some words.", **fields}
        return Document.objects.create(**values)

    return make


@pytest.fixture
def indexed(collection: Collection) -> Callable[[], int]:
    """Apply everything pending in `docs`, in this process; returns how many changes were applied."""
    return lambda: applier.drain(collection.pk, budget_seconds=60).applied


@pytest.fixture
def live(make_document: MakeDocument, indexed: Callable[[], int]) -> IndexVersion:
    """The active version of `docs` with one document."""
    make_document()
    indexed()
    return IndexVersion.objects.get()


@pytest.fixture
def ready(live: IndexVersion) -> IndexVersion:
    """A second version that passed its gate and waits to be made live."""
    return rebuilt(live.collection, live=False)


@pytest.fixture
def retired(live: IndexVersion) -> IndexVersion:
    """The first of two versions, of which the second is live."""
    rebuilt(live.collection)
    live.refresh_from_db()
    return live


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case of bytes by their number: packed files have the time in them, and processes must agree on names."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None
