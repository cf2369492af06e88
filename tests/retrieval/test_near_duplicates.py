"""Documents that say nearly the same are found in pairs; what a curator decided of them stays decided."""

from collections.abc import Callable

import pytest

from search.ingestion import deduplication
from search.models import Collection, Document, DuplicatePair, DuplicateScan
from search.retrieval import near_duplicates
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

LONG = " ".join(f"Sentence number {number} tells of item{number} and thing{number}." for number in range(120))


def scanned(collection: Collection, threshold: float = 0.9) -> list[tuple[str, str, str]]:
    near_duplicates.request(collection, threshold=threshold)
    assert not near_duplicates.run(collection.pk, budget_seconds=60)
    assert DuplicateScan.objects.get().status == DuplicateScan.Status.FINISHED
    return [
        (pair.first.external_id, pair.second_external_id, pair.kind)
        for pair in DuplicatePair.objects.open().order_by("first__external_id")
    ]


@pytest.fixture
def corpus(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    make_document(external_id="long", title="Items", body=LONG)
    make_document(external_id="near", title="Items", body=LONG.replace("item7 ", "piece7 "))
    make_document(external_id="part", title="Items", body=LONG[:400])
    make_document(external_id="other", title="Weather", body="Rain in the north, sun in the south.")
    make_document(external_id="same", title="Weather", body="Rain in the north, sun in the south.")
    indexed()


@pytest.mark.usefixtures("corpus")
def test_pairs_are_found_and_a_part_of_a_text_is_none(collection: Collection) -> None:
    assert scanned(collection) == [("long", "near", "near"), ("other", "same", "exact")]


@pytest.mark.usefixtures("corpus")
def test_a_search_goes_on_in_steps(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_DOCUMENTS", 1)
    near_duplicates.request(collection, threshold=0.9)

    near_duplicates._step(collection.duplicate_scan)

    scan = DuplicateScan.objects.get()
    assert (scan.status, scan.done, scan.total) == ("running", 1, 5)
    assert near_duplicates.unfinished() == [collection.pk]
    near_duplicates.run(collection.pk, budget_seconds=60)
    assert DuplicatePair.objects.count() == 2


@pytest.mark.usefixtures("corpus")
def test_what_was_decided_stays_decided(collection: Collection) -> None:
    scanned(collection)
    deduplication.decide(DuplicatePair.objects.filter(kind="near"), DuplicatePair.State.KEPT)

    assert scanned(collection) == [("other", "same", "exact")]
    assert DuplicatePair.objects.get(kind="near").state == DuplicatePair.State.KEPT


@pytest.mark.usefixtures("corpus")
def test_a_pair_that_is_none_any_more_goes(collection: Collection, indexed: Callable[[], int]) -> None:
    scanned(collection)
    Document.objects.filter(external_id="near").update(body="Something else altogether.")
    indexed()

    assert scanned(collection) == [("other", "same", "exact")]


@pytest.mark.usefixtures("corpus")
def test_linking_takes_the_second_out_of_the_search(collection: Collection, indexed: Callable[[], int]) -> None:
    scanned(collection)

    deduplication.decide(DuplicatePair.objects.filter(kind="exact"), DuplicatePair.State.LINKED)
    indexed()

    second = Document.objects.get(external_id="same")
    assert second.duplicate_of is not None
    assert (second.state, second.duplicate_of.external_id) == (Document.State.ARCHIVED, "other")
    assert scanned(collection) == [("long", "near", "near")]


def test_a_collection_without_an_index_says_so(collection: Collection) -> None:
    near_duplicates.request(collection)

    near_duplicates.run(collection.pk, budget_seconds=60)

    scan = DuplicateScan.objects.get()
    assert (scan.status, "indexed yet" in scan.error) == ("failed", True)


@pytest.mark.parametrize("threshold", [0.2, 1.1])
def test_a_threshold_that_makes_no_sense_is_refused(collection: Collection, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"from 0\.5 to 1"):
        near_duplicates.request(collection, threshold=threshold)
