"""Which changes come next: single saves soon, bulk in its order, and nothing waits for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from search.conf import conf
from search.indexing import claiming
from search.indexing.leases import hold
from search.models import Collection, Document, IndexVersion, PendingChange

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 16


@pytest.fixture
def version(collection: Collection, indexed: Callable[[], int], settings: Any) -> IndexVersion:
    """The live version of `docs` with 100 documents queued in bulk, and batches of 16."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "APPLY_BATCH_DOCUMENTS": BATCH}
    indexed()
    Document.objects.bulk_create(
        Document(collection=collection, external_id=f"d{number}", body="words") for number in range(100)
    )
    return collection.index_versions.get()


def claimed(version: IndexVersion) -> list[int]:
    """Take a batch; return its documents' ids."""
    with hold(version.collection_id) as lease:
        return [row.document_id for row in claiming.claim(version, lease).rows]


def save(collection: Collection, name: str) -> Document:
    """Save one document as a curator does."""
    return Document.objects.create(collection=collection, external_id=name, body="words")


def test_a_single_save_is_in_the_next_batch_however_much_was_queued_before_and_after_it(
    collection: Collection, version: IndexVersion
) -> None:
    document = save(collection, "mine")
    Document.objects.bulk_create(
        Document(collection=collection, external_id=f"later{number}", body="words") for number in range(100)
    )
    assert document.pk in claimed(version)


def test_an_edit_by_sql_is_soon_taken_from_the_newest_end(collection: Collection, version: IndexVersion) -> None:
    last = Document.objects.order_by("pk")[50]
    Document.objects.filter(pk=last.pk).update(body="other words")
    assert last.pk in claimed(version)


def test_single_saves_without_end_leave_half_of_each_batch_to_the_rest(
    collection: Collection, version: IndexVersion
) -> None:
    oldest = list(Document.objects.order_by("pk").values_list("pk", flat=True)[:100])
    for number in range(4 * BATCH):
        save(collection, f"s{number}")
    taken = claimed(version)
    assert len(taken) == BATCH
    assert oldest[: BATCH // 2 - BATCH // 8] == sorted(set(taken) & set(oldest))


def test_a_batch_takes_the_oldest_first_and_no_more_than_its_size(version: IndexVersion) -> None:
    ids = list(Document.objects.order_by("pk").values_list("pk", flat=True))
    taken = claimed(version)
    assert taken == ids[:14] + ids[-2:]


def test_a_batch_is_bounded_by_its_text_but_has_at_least_one_document(
    collection: Collection, indexed: Callable[[], int], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "APPLY_BATCH_CHARS": 2_000}
    indexed()
    Document.objects.bulk_create(
        Document(collection=collection, external_id=f"d{number}", body="x" * size)
        for number, size in enumerate([5_000, 900, 700, 900, 5_000])
    )
    version = collection.index_versions.get()
    sizes = []
    while version.pending_changes.untried().exists():
        rows = claimed(version)
        sizes.append(sorted(len(document.body) for document in Document.objects.filter(pk__in=rows)))
    assert sizes == [[5_000], [700, 900], [900], [5_000]]


def test_every_attempt_is_counted_before_the_work(version: IndexVersion) -> None:
    taken = claimed(version)
    assert set(version.pending_changes.filter(attempts=1).values_list("document_id", flat=True)) == set(taken)


def test_what_was_tried_before_comes_alone_and_last(version: IndexVersion) -> None:
    PendingChange.objects.update(attempts=1)
    first = claimed(version)
    assert len(first) == 1


def test_batches_grow_to_what_this_machine_does_in_their_time(version: IndexVersion) -> None:
    pace = claiming.Pace()
    first = pace.chars(version)
    pace.note(version, first, claiming.BATCH_SECONDS / 10)
    assert pace.chars(version) == 2 * first  # not at once: what comes next may be slower
    pace.note(version, 2 * first, claiming.BATCH_SECONDS * 4)
    assert pace.chars(version) == first // 2
    for _ in range(20):
        pace.note(version, pace.chars(version), 0.01)
    assert pace.chars(version) == conf().APPLY_BATCH_CHARS


def test_a_small_batch_says_nothing_of_the_pace(version: IndexVersion) -> None:
    pace = claiming.Pace()
    first = pace.chars(version)
    pace.note(version, 300, 0.1)
    pace.note(version, 0, 10.0)
    assert pace.chars(version) == first
