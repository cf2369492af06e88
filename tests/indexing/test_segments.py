"""Sealing and merging in short steps: saves and deletes in between are neither delayed nor lost."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from search import failpoints
from search.indexing import applier, lifecycle, reconcile, segments
from search.indexing.leases import hold
from search.indexing.sweep import sweep
from search.models import Chunk, Collection, Document, IndexVersion
from search.query_service import search
from search.retrieval import open_index

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]


@pytest.fixture
def merging(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, settings: Any
) -> tuple[IndexVersion, segments.Interval]:
    """A version of three segments of ten documents, and a merge of them that is due and has not begun."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 10, "MERGE_FANOUT": 4}
    for number in range(30):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
        if number % 10 == 9:
            indexed()
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MERGE_FANOUT": 3}
    version = collection.active_version()
    assert version is not None
    interval = segments.due(version)
    assert interval is not None and interval.step == "merging"
    return version, interval


def step(collection: Collection) -> bool:
    """Do one step of what is due for the live version."""
    version = collection.active_version()
    assert version is not None
    with hold(collection.pk) as lease:
        return segments.step(version, lease)


def found(word: str) -> list[str]:
    """Return what a search for a word brings by its vector, in a process that has just begun."""
    open_index.close_all()
    return sorted(result.external_id for result in search(word, k=100, mode="dense").results)


def test_a_delete_while_a_merge_runs_is_not_lost(
    collection: Collection, merging: tuple[IndexVersion, segments.Interval], indexed: Indexed
) -> None:
    assert step(collection)  # the snapshot is taken
    Document.objects.filter(external_id="d3").delete()
    applied = applier.drain(collection.pk, budget_seconds=0)
    assert applied.applied == 1
    indexed()
    version = collection.active_version()
    assert version is not None
    assert [segment.rows for segment in version.segments.all()] == [30]
    assert Chunk.objects.dead(version).count() == 1
    assert len(found("penguin")) == 29
    assert reconcile.check(collection).clean


def test_a_save_while_a_merge_runs_is_applied_before_its_next_step(
    collection: Collection, merging: tuple[IndexVersion, segments.Interval], make_document: MakeDocument
) -> None:
    assert step(collection)
    make_document(external_id="new", body="elephant")
    applier.drain(collection.pk, budget_seconds=0)
    version = collection.active_version()
    assert version is not None
    assert version.segments.count() == 3  # the merge has not ended yet
    assert found("elephant")[:1] and "new" in found("elephant")


def test_chunk_rows_are_not_touched_by_a_merge(
    collection: Collection, merging: tuple[IndexVersion, segments.Interval], indexed: Indexed
) -> None:
    before = list(Chunk.objects.order_by("pk").values())
    indexed()
    assert list(Chunk.objects.order_by("pk").values()) == before
    assert IndexVersion.objects.get().segments.count() == 1


def test_a_merge_that_was_killed_begins_again(
    collection: Collection,
    merging: tuple[IndexVersion, segments.Interval],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, "seal.before_commit=error")
    assert step(collection)
    with pytest.raises(RuntimeError), hold(collection.pk) as lease:
        segments.run(merging[0], lease)
    monkeypatch.delenv(failpoints.VARIABLE)
    segments.drop_jobs([merging[0].pk])  # what the process knew is gone with it
    assert len(found("penguin")) == 30
    sweep()
    assert IndexVersion.objects.get().segments.count() == 1
    assert len(found("penguin")) == 30
    assert reconcile.check(collection).clean


def test_a_job_whose_segments_were_replaced_by_another_worker_is_given_up(
    collection: Collection, merging: tuple[IndexVersion, segments.Interval], indexed: Indexed
) -> None:
    version, _ = merging
    assert step(collection)
    job = segments._jobs.pop(version.pk)
    indexed()  # the other worker, which knows nothing of this one's job
    segments._jobs[version.pk] = job
    step(collection)
    assert version.pk not in segments._jobs
    assert len(found("penguin")) == 30
    assert reconcile.check(collection).clean


def test_the_work_on_a_cancelled_candidate_is_forgotten(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguin")
    indexed()
    candidate = lifecycle.create_version(collection)
    applier.drain(collection.pk, budget_seconds=0)
    with hold(collection.pk) as lease:
        while candidate.pk not in segments._jobs:
            applier._advance(IndexVersion.objects.get(pk=candidate.pk), lease)
    lifecycle.cancel(candidate)
    indexed()
    assert candidate.pk not in segments._jobs
    assert search("penguin").index_version == 1


def test_a_short_tail_is_sealed_when_it_is_old(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    make_document(body="penguin")
    indexed()
    assert not IndexVersion.objects.get().segments.exists()
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_SECONDS": 0.0}
    sweep()
    assert IndexVersion.objects.get().segments.count() == 1


def test_a_segment_with_many_removed_rows_is_written_again_without_them(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 20}
    for number in range(20):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    before = IndexVersion.objects.get().segments.get()
    Document.objects.filter(external_id__in=[f"d{n}" for n in range(6)]).delete()
    indexed()
    version = IndexVersion.objects.get()
    after = version.segments.get()
    assert (before.rows, after.rows) == (20, 14)
    assert not Chunk.objects.dead(version).exists()
    assert version.removed_chunks == 0
    assert len(found("penguin")) == 14


def test_files_that_nobody_names_go_and_those_of_unfinished_builds_stay_for_a_day(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguin")
    indexed()
    version = IndexVersion.objects.get()
    folder = version.folder / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    for name, hours in (("orphan.faiss", 1), ("new.faiss", 0), ("building-a.note", 1), ("building-b.note", 30)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - hours * 3600,) * 2)
    segments.remove_orphans(version)
    assert sorted(path.name for path in folder.iterdir()) == ["building-a.note", "new.faiss"]
