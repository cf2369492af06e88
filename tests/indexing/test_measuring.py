"""What is measured on a version: recall against brute force, and which queries it is measured with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from search import registry
from search.datatypes import Ids, Vectors
from search.engines.base import Neighbours
from search.engines.exact_engine import ExactReader
from search.indexing import measuring, requests
from search.indexing.leases import hold
from search.models import Chunk, Collection, Document, Embedding, IndexVersion, MissingEmbedding, SearchLog

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]


def measure(collection: Collection) -> IndexVersion:
    """Measure the live version once more, whatever has been measured."""
    IndexVersion.objects.update(measured_at=None)
    version = collection.active_version()
    assert version is not None
    with hold(collection.pk) as lease:
        while measuring.step(version, lease):
            pass
    return version


@pytest.fixture
def forty(collection: Collection, make_document: MakeDocument, indexed: Indexed) -> Collection:
    """A collection of forty different texts, indexed."""
    for number in range(40):
        make_document(external_id=f"d{number}", title="", body=f"text number{number} about subject{number % 7}")
    indexed()
    return collection


class Forgetful(ExactReader):
    """Finds everything but the second of what is nearest."""

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Neighbours]:
        answers = super().search(queries, k, allowed=allowed)
        return [Neighbours(np.delete(a.ids, 1), np.delete(a.distances, 1)) for a in answers]


def test_an_exact_index_has_a_recall_of_one(forty: Collection) -> None:
    version = measure(forty)
    assert (version.recall, version.measurements["queries"], version.measurements["k"]) == (1.0, 40, 10)
    assert version.median_us is not None and version.p95_us is not None
    assert 0 < version.median_us <= version.p95_us


def test_an_index_that_misses_one_of_ten_has_a_recall_of_nine_tenths(
    forty: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        recall_target = 0.98

        def wider(self, parameters: dict[str, float]) -> None:
            return None

        def open(self, state: Any) -> Forgetful:
            return Forgetful(state.generation, state.dimension, state.tail_ids, state.tail_vectors)

    monkeypatch.setattr(registry, "engine_for", lambda name, options: Engine())
    version = measure(forty)
    assert version.recall == pytest.approx(0.9)


def test_a_neighbour_as_near_as_the_true_one_counts(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(40):
        make_document(external_id=f"d{number}", title="", body="the same text everywhere")
    indexed()
    assert measure(collection).recall == 1.0


def test_what_people_searched_for_is_measured_too(forty: Collection) -> None:
    for text in ("subject1", "subject2", "subject1"):
        SearchLog.objects.create(collection=forty, text=text, mode="hybrid", total=1, good_match=True, took_ms=1)
    version = measure(forty)
    assert (version.measurements["chunk_queries"], version.measurements["logged_queries"]) == (40, 2)


def test_a_version_is_measured_again_only_when_its_main_segment_is_another_one(
    forty: Collection, indexed: Indexed, make_document: MakeDocument, settings: Any
) -> None:
    version = IndexVersion.objects.get()
    first = version.measured_at
    assert first is not None
    make_document(external_id="new", body="another text")
    indexed()
    version.refresh_from_db()
    assert version.measured_at == first
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 41}
    indexed()
    version.refresh_from_db()
    assert version.segments.count() == 1
    assert version.measured_at is not None and version.measured_at > first


def test_an_empty_version_is_measured_without_a_figure(collection: Collection, indexed: Indexed) -> None:
    indexed()
    requests.request_rebuild(collection)
    indexed()
    version = collection.active_version()
    assert version is not None
    assert (version.number, version.recall) == (2, None)
    assert version.measured_at is not None


def test_a_version_whose_chunks_are_gone_is_measured_once_and_not_for_ever(forty: Collection) -> None:
    version = IndexVersion.objects.get()
    Chunk.objects.filter(version=version).delete()
    IndexVersion.objects.update(measured_at=None, recall=None, measurements={})
    version.refresh_from_db()
    assert version.chunks == 40  # the count is wrong until check_index --repair

    with hold(forty.pk) as lease:
        steps = [measuring.step(version, lease) for _ in range(3)]

    assert steps == [True, False, False]
    IndexVersion.objects.update(generation=version.generation + 1)
    version.refresh_from_db()
    assert measuring.wanted(version)


def test_a_vector_that_is_missing_is_said_and_nothing_is_measured(forty: Collection) -> None:
    Embedding.objects.all()[:1].get().delete()
    with pytest.raises(MissingEmbedding):
        measure(forty)
