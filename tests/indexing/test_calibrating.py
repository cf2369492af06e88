"""A version learns how near its chunks are to questions that it cannot answer."""

from collections.abc import Callable

import numpy as np
import pytest

from search import registry
from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.index_state import read_state
from search.indexing import calibrating
from search.indexing.background_queries import BACKGROUND_QUERIES
from search.indexing.leases import hold
from search.models import Collection, Document, IndexVersion
from search.retrieval.calibration import Calibration

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


def live(collection: Collection) -> IndexVersion:
    version = collection.active_version()
    assert version is not None
    return version


def write(collection: Collection, first: int, count: int) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, title="", body=f"text number{number} about subject{number % 7} and trams")
        for number in range(first, first + count)
    )


def test_a_version_knows_the_median_of_its_nearest_cosines_once_it_is_indexed(
    collection: Collection, indexed: Indexed
) -> None:
    write(collection, 0, 60)
    indexed()

    version = live(collection)

    vectors = read_state(version).tail_vectors
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    nearest = [(vectors @ encoder.encode_query(text)).max() for text in BACKGROUND_QUERIES]
    assert len(vectors) == 60
    assert version.calibration["background"] == pytest.approx(float(np.median(nearest)), abs=1e-3)
    assert (version.calibration["chunks"], version.calibration["queries"]) == (60, len(BACKGROUND_QUERIES))


def test_a_version_knows_the_mean_of_its_vectors(collection: Collection, indexed: Indexed) -> None:
    write(collection, 0, 60)
    indexed()

    version = live(collection)

    calibration = Calibration.from_json(version.calibration)
    assert calibration is not None and calibration.centre is not None
    assert calibration.centre == pytest.approx(read_state(version).tail_vectors.mean(axis=0), abs=1e-3)


def test_one_that_was_measured_before_centres_were_kept_is_measured_again(
    collection: Collection, indexed: Indexed
) -> None:
    write(collection, 0, 60)
    indexed()
    IndexVersion.objects.update(calibration={"background": 0.5, "chunks": 60, "queries": 90})

    assert calibrating.wanted(live(collection))
    indexed()

    assert "centre" in live(collection).calibration


def test_it_is_measured_again_when_the_collection_has_grown_by_half_and_not_before(
    collection: Collection, indexed: Indexed
) -> None:
    write(collection, 0, 60)
    indexed()
    write(collection, 100, 20)
    indexed()
    assert live(collection).calibration["chunks"] == 60

    write(collection, 200, 10)
    indexed()
    assert live(collection).calibration["chunks"] == 90


def test_a_small_collection_has_no_background(collection: Collection, indexed: Indexed) -> None:
    write(collection, 0, 10)
    indexed()

    version = live(collection)

    assert (version.calibration, calibrating.wanted(version)) == ({}, False)


def test_without_its_encoder_a_version_stays_as_it_is(
    collection: Collection, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(collection, 0, 60)
    indexed()
    IndexVersion.objects.update(calibration={})

    def missing(self: FakeEncoder, text: str) -> None:
        raise EncoderUnavailable("no weights")

    monkeypatch.setattr(FakeEncoder, "encode_query", missing)
    with hold(collection.pk) as lease:
        assert not calibrating.step(live(collection), lease)
    assert live(collection).calibration == {}


def test_a_version_knows_how_far_the_nearest_of_its_chunks_is_ahead(collection: Collection, indexed: Indexed) -> None:
    write(collection, 0, 60)
    indexed()

    version = live(collection)

    vectors = read_state(version).tail_vectors
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    cosines = -np.sort(-np.stack([vectors @ encoder.encode_query(text) for text in BACKGROUND_QUERIES]), axis=1)
    leads = cosines[:, 0] - cosines[:, 49]
    known = Calibration.from_json(version.calibration)
    assert known is not None and known.leads is not None
    assert known.leads.over == 50
    assert known.leads.usual == pytest.approx(float(np.median(leads)), abs=1e-3)
    assert float((leads > known.leads.high).mean()) == pytest.approx(0.07, abs=0.02)
