"""Helpers encode ahead of the writer: everything once, everything visible, whoever is killed."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.indexing import applier, claiming, encoding_claims, fan_out
from search.indexing.leases import hold
from search.models import (
    Chunk,
    Collection,
    Document,
    Embedding,
    EncodingClaim,
    IndexedDocument,
    IndexVersion,
    PendingChange,
)

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 360


@pytest.fixture(autouse=True)
def short_stretches(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 20 documents, so that a queue of some hundred is a long one."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "APPLY_BATCH_DOCUMENTS": 20, "APPLY_BATCH_CHARS": 6_000}
    monkeypatch.setattr(fan_out, "_LONG", 20)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text has been encoded."""
    counted: Counter[str] = Counter()
    real = FakeEncoder.encode_documents

    def encode(self: FakeEncoder, texts: Any) -> Any:
        counted.update(texts)
        return real(self, texts)

    monkeypatch.setattr(FakeEncoder, "encode_documents", encode)
    return counted


@pytest.fixture
def version(collection: Collection, indexed: Callable[[], int]) -> IndexVersion:
    """The empty live version of `docs`."""
    indexed()
    return collection.index_versions.get()


def fill(collection: Collection, count: int) -> None:
    """Queue so many documents at once, as an import does."""
    Document.objects.bulk_create(
        Document(collection=collection, external_id=f"d{number}", title="", body=f"text number {number} of many")
        for number in range(count)
    )


def help_once(collection: Collection, calls: list[int] | None = None) -> int:
    """Take one stretch as a helper."""
    calls = [] if calls is None else calls
    return fan_out.encode_ahead(collection.pk, budget_seconds=0.0001, call_another=lambda: calls.append(1))


def test_several_workers_encode_every_text_once_and_all_of_it_becomes_visible(
    collection: Collection, version: IndexVersion, encoded: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever one of them encodes, others do what they find to do, as they would beside it."""
    fill(collection, MANY)
    counting = FakeEncoder.encode_documents
    depth, by_helpers = 0, 0

    def beside(self: FakeEncoder, texts: Any) -> Any:
        nonlocal depth, by_helpers
        depth += 1
        if depth < 4:
            by_helpers += help_once(collection)
            applier.drain(collection.pk, budget_seconds=60)  # finds the lease taken
        depth -= 1
        return counting(self, texts)

    monkeypatch.setattr(FakeEncoder, "encode_documents", beside)
    for _ in range(5):
        applier.drain(collection.pk, budget_seconds=60)
    assert by_helpers >= 3
    assert (len(encoded), set(encoded.values())) == (MANY, {1})
    assert Chunk.objects.live().count() == Embedding.objects.count() == MANY
    assert IndexedDocument.objects.filter(visible_at__isnull=False).count() == MANY
    assert not PendingChange.objects.exists()


def test_the_writer_leaves_alone_what_a_helper_holds_and_takes_it_once_it_is_given_back(
    collection: Collection, version: IndexVersion, encoded: Counter[str]
) -> None:
    fill(collection, 100)
    held = list(version.pending_changes.order_by("pk")[:30])
    stretch = encoding_claims.take(version, held[0].pk, held[-1].pk)
    assert applier.drain(collection.pk, budget_seconds=60) == applier.DrainReport(70, more=False)
    stretch.give_back()
    assert applier.drain(collection.pk, budget_seconds=60).applied == 30
    assert set(encoded.values()) == {1}


def test_what_a_helper_has_encoded_is_applied_next_and_without_encoding(
    collection: Collection, version: IndexVersion, encoded: Counter[str]
) -> None:
    fill(collection, MANY)
    with hold(collection.pk) as lease:
        first = claiming.claim(version, lease)  # what the writer is at meanwhile
        assert help_once(collection) == 1
        assert encoded.total() > 0
        assert not set(encoded) & {document.body for document in bodies(first.rows)}
        ready = {document.body for document in bodies(claiming.claim(version, lease).rows)}
    assert len(ready & set(encoded)) >= 10


def bodies(rows: list[PendingChange]) -> list[Document]:
    return list(Document.objects.filter(pk__in=[row.document_id for row in rows]))


@pytest.mark.parametrize("end", ["killed", "silent"])
def test_the_stretch_of_a_helper_that_is_gone_goes_to_the_writer_and_to_no_helper(
    collection: Collection, version: IndexVersion, encoded: Counter[str], end: str
) -> None:
    fill(collection, MANY)
    rows = list(version.pending_changes.order_by("pk"))
    encoding_claims.take(version, rows[0].pk, rows[29].pk)
    claim = EncodingClaim.objects.get()
    if end == "killed":
        host, _, _, suffix = claim.holder.rsplit(":", 3)
        EncodingClaim.objects.update(holder=f"{host}:999999999:1.00:{suffix}")
    else:
        EncodingClaim.objects.update(expires_at=claim.expires_at.replace(year=2000))
    with hold(collection.pk):
        assert help_once(collection) == 1
    assert not set(encoded) & {document.body for document in bodies(rows[:30])}
    assert applier.drain(collection.pk, budget_seconds=60).applied == MANY
    assert set(encoded.values()) == {1}


def test_nobody_is_helped_where_nobody_writes(collection: Collection, version: IndexVersion) -> None:
    fill(collection, MANY)
    assert help_once(collection) == 0


def test_a_short_queue_is_left_to_the_writer(collection: Collection, version: IndexVersion) -> None:
    fill(collection, 20)
    with hold(collection.pk):
        assert help_once(collection) == 0
    assert not fan_out.is_wanted(collection.pk)


def test_a_helper_calls_another_once(collection: Collection, version: IndexVersion) -> None:
    fill(collection, MANY)
    calls: list[int] = []
    with hold(collection.pk):
        fan_out.encode_ahead(collection.pk, budget_seconds=30, call_another=lambda: calls.append(1))
        assert help_once(collection, calls) == 0
    assert calls == [1]


def test_a_helper_without_an_encoder_gives_its_stretch_back(
    collection: Collection, version: IndexVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(collection, MANY)

    def unavailable(self: FakeEncoder, texts: Any) -> Any:
        raise EncoderUnavailable("no model here")

    monkeypatch.setattr(FakeEncoder, "encode_documents", unavailable)
    with hold(collection.pk):
        assert help_once(collection) == 1
    assert EncodingClaim.objects.get().holder == ""
    assert not PendingChange.objects.exclude(attempts=0).exists()


def test_forgotten_stretches_leave_no_rows(collection: Collection, version: IndexVersion) -> None:
    fill(collection, 60)
    rows = list(version.pending_changes.order_by("pk"))
    encoding_claims.take(version, rows[0].pk, rows[9].pk).give_back()
    applier.drain(collection.pk, budget_seconds=60)
    fill_one = Document.objects.create(collection=collection, title="", body="one more")
    applier.drain(collection.pk, budget_seconds=60)
    assert fill_one.pk
    assert not EncodingClaim.objects.exists()


def test_only_the_first_version_of_an_encoder_is_helped(collection: Collection, version: IndexVersion) -> None:
    fill(collection, MANY)
    candidate = IndexVersion.objects.get(pk=version.pk)
    candidate.pk, candidate.number, candidate.state = None, 2, IndexVersion.State.BUILDING
    candidate.save(force_insert=True)
    pending = [PendingChange(version=candidate, document_id=row.document_id, revision=1)
               for row in version.pending_changes.all()]  # fmt: skip
    PendingChange.objects.bulk_create(pending)
    with hold(collection.pk):
        fan_out.encode_ahead(collection.pk, budget_seconds=30, call_another=lambda: None)
    assert set(EncodingClaim.objects.values_list("version", flat=True)) == {version.pk}


def test_the_queue_is_read_by_an_index_from_either_end(collection: Collection, version: IndexVersion) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL scans a table that is this small")
    queue = encoding_claims.of(version)
    for rows, index in (
        (queue.untaken().order_by("pk"), "search_pending_by_attempts"),
        (queue.untaken().order_by("-pk"), "search_pending_by_attempts"),
        (queue.urgent().order_by("pk"), "search_pending_urgent"),
    ):
        plan = rows[:20].explain()
        assert f"USING INDEX {index}" in plan
        assert "TEMP B-TREE" not in plan
