"""Segments, merges and rebuilds: nothing is encoded again, nothing is lost, the live version is left alone."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from search import registry, tasks
from search.indexing import applier, gate, lifecycle, reconcile, requests, segments
from search.indexing import sweep as sweeping
from search.indexing.leases import hold
from search.indexing.sweep import collections_with_work, sweep
from search.models import Chunk, Collection, Document, Embedding, IndexVersion, PendingChange, Segment
from search.query_service import NotReady, search
from search.retrieval import open_index

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]


@pytest.fixture
def small_tail(settings: Any) -> None:
    """Seal every ten rows, merge three segments of similar size."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 10, "MERGE_FANOUT": 3, "APPLY_BATCH_DOCUMENTS": 10}


def active(collection: Collection) -> IndexVersion:
    version = collection.active_version()
    assert version is not None
    return version


def test_a_long_tail_becomes_segments_and_many_segments_become_one(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    seen = set()
    for number in range(60):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
        if number % 10 == 9:
            indexed()
            seen.add(active(collection).segments.count())
            assert search(f"number{number}", k=1).results[0].external_id == f"d{number}"
    assert max(seen) <= 4
    assert len(seen) > 2
    assert reconcile.check(collection).clean
    assert search("penguin", k=100, mode="dense").total == 60


def test_removed_rows_leave_the_segments_at_a_merge(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(20):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    Document.objects.filter(external_id__in=[f"d{n}" for n in range(15)]).delete()
    indexed()
    assert search("penguin", k=100, mode="dense").total == 5
    with hold(collection.pk) as lease:
        segments.run(active(collection), lease, everything=True)
    assert not Chunk.objects.dead(active(collection)).exists()
    assert search("penguin", k=100, mode="dense").total == 5
    assert reconcile.check(collection).clean


def test_a_rebuild_encodes_nothing_and_goes_live(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(external_id="a", body="penguins")
    indexed()
    requests.request_rebuild(collection)
    indexed()
    versions = IndexVersion.objects.order_by("number").values_list("number", "state", "encoded_chunks", "documents")
    assert list(versions) == [(1, "retired", 1, 1), (2, "active", 0, 1)]
    assert search("penguins").index_version == 2
    assert not PendingChange.objects.exists()


def test_writes_during_a_build_reach_both_versions(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    edited = make_document(external_id="edited", body="penguins")
    deleted = make_document(external_id="deleted", body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    Document.objects.filter(pk=edited.pk).update(body="elephants")
    deleted.delete()
    make_document(external_id="new", body="elephants")
    indexed()
    candidate.refresh_from_db()
    assert (candidate.state, candidate.documents) == ("ready", 2)
    assert sorted(r.external_id for r in search("elephants", mode="lexical").results) == ["edited", "new"]
    make_document(external_id="late", body="elephants")
    assert not lifecycle.activate(candidate)
    indexed()
    response = search("elephants", mode="lexical")
    assert response.index_version == 2
    assert sorted(r.external_id for r in response.results) == ["edited", "late", "new"]
    assert reconcile.check(collection).clean


def test_changed_chunking_makes_new_chunks_in_the_new_version_only(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="word " * 100)
    indexed()
    before = active(collection).chunks
    Collection.objects.update(chunking={"max_tokens": 16})
    requests.request_rebuild(collection)
    indexed()
    assert active(collection).chunks > before
    assert reconcile.check(collection).clean


def test_a_newer_build_supersedes_an_older_one(collection: Collection, indexed: Indexed) -> None:
    indexed()
    older = lifecycle.create_version(collection)
    lifecycle.create_version(collection)
    older.refresh_from_db()
    assert (older.state, older.last_error) == ("failed", "Superseded by version 3.")


def test_bad_options_are_said_and_leave_the_live_version_alone(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(external_id="a", body="penguins")
    indexed()
    Collection.objects.update(chunking={"max_tokens": -1})
    requests.request_rebuild(collection)
    indexed()
    collection.refresh_from_db()
    assert "max_tokens is -1" in collection.last_error
    assert search("penguins").index_version == 1


def test_deleting_every_index_file_loses_nothing_and_encodes_nothing(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(25):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    calls = registry.encoder("").calls  # type: ignore[attr-defined]
    shutil.rmtree(active(collection).folder.parent)
    open_index.close_all()
    report = reconcile.check(collection)
    assert not report.clean
    assert len(report.damaged_files) == active(collection).segments.count() + 1
    assert reconcile.repair(collection).clean
    assert registry.encoder("").calls == calls  # type: ignore[attr-defined]
    assert search("number7", k=1).results[0].external_id == "d7"


def test_the_sweep_mends_what_a_reader_found_damaged(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(12):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    for path in (active(collection).folder / "segments").glob("*.faiss"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    open_index.close_all()
    response = search("number7")
    assert response.degraded
    assert response.results[0].external_id == "d7"
    assert Segment.objects.filter(state="damaged").exists()
    sweep()
    open_index.close_all()
    assert not search("number7").degraded
    assert reconcile.check(collection).clean


def test_repair_finds_what_bypassed_the_triggers(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    missing = make_document(external_id="missing", body="penguins")
    stale = make_document(external_id="stale", body="penguins")
    ghost = make_document(external_id="ghost", body="penguins")
    indexed()
    new = make_document(external_id="new", body="elephants")
    Document.objects.filter(pk=stale.pk).update(body="elephants")
    ghost_id = ghost.pk
    ghost.delete()
    PendingChange.objects.all().delete()
    report = reconcile.check(collection)
    assert (report.missing, report.stale, report.ghosts) == ([new.pk], [stale.pk], [ghost_id])
    assert reconcile.repair(collection).clean
    assert sorted(r.external_id for r in search("elephants", mode="lexical").results) == ["new", "stale"]
    assert missing.pk


def test_the_sweep_knows_which_collections_have_work(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    assert collections_with_work() == [collection.pk]
    indexed()
    assert collections_with_work() == []
    make_document()
    assert collections_with_work() == [collection.pk]
    assert sweep().applied == 1
    assert collections_with_work() == []


def test_a_second_worker_leaves_the_first_alone(collection: Collection, make_document: MakeDocument) -> None:
    make_document()
    with hold(collection.pk):
        assert applier.drain(collection.pk).applied == 0
    assert applier.drain(collection.pk).applied == 1


@pytest.mark.parametrize(
    "vector", [b"", b"\0" * 4, np.full(32, np.nan, "<f4").tobytes(), np.ones(32, "<f4").tobytes()],
    ids=["empty", "wrong dimension", "not a number", "wrong norm"],
)  # fmt: skip
def test_an_unusable_vector_is_noticed_and_encoded_again(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, vector: bytes
) -> None:
    spoiled = make_document(external_id="spoiled", body="penguins")
    make_document(external_id="fine", body="elephants")
    indexed()
    chunk = Chunk.objects.get(document=spoiled.pk)
    Embedding.objects.filter(text_hash=chunk.text_hash).update(vector=vector)
    open_index.close_all()
    response = search("penguins")
    assert response.degraded
    assert [result.external_id for result in response.results] == ["spoiled"]
    assert reconcile.check(collection).chunks_without_vector == [chunk.pk]
    assert reconcile.repair(collection).clean
    open_index.close_all()
    assert not search("penguins").degraded


def test_an_unusable_vector_stops_a_seal_with_a_reason_and_loses_nothing(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(external_id="a", body="penguins")
    indexed()
    Embedding.objects.update(vector=b"")
    requests.request_rebuild(collection)
    indexed()
    assert active(collection).number == 2
    assert reconcile.check(collection).clean


def test_only_small_segments_are_merged_while_an_index_grows(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    sizes = []
    for number in range(12):
        Document.objects.bulk_create(
            [Document(collection=collection, title="t", body=f"penguin {number} {part}") for part in range(10)]
        )
        indexed()
        sizes.append(sorted(active(collection).segments.values_list("rows", flat=True)))
    assert max(len(rows) for rows in sizes) <= 4
    assert sum(sizes[-1]) == 120
    assert len(sizes[-1]) > 1
    assert reconcile.check(collection).clean


def test_rows_of_chunks_that_left_the_tail_do_not_pile_up(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_REMEMBERED_GENERATIONS", 3)
    document = make_document(external_id="a", body="penguins")
    for number in range(10):
        Document.objects.filter(pk=document.pk).update(body=f"penguins number{number}")
        indexed()
        assert search(f"number{number}", mode="lexical").total == 1
    assert Chunk.objects.count() <= 5
    assert reconcile.check(collection).clean


def test_a_few_saves_do_not_wait_for_another_collections_bulk(
    small_tail: None, collection: Collection, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_TURN_SECONDS", 0)
    other = Collection.objects.create(slug="other", name="Other")
    Document.objects.bulk_create(
        [Document(collection=collection, body=f"penguin {number}") for number in range(200)]
    )  # fmt: skip
    Document.objects.create(collection=other, external_id="single", body="elephants")
    report = sweeping.serve(collection.pk, budget_seconds=0)
    while not other.index_versions.filter(documents=1).exists():
        report = sweeping.serve(collection.pk, budget_seconds=0)
    assert report.more
    assert PendingChange.objects.filter(version__collection=collection).count() > 100
    assert [r.external_id for r in search("elephants", collection="other").results] == ["single"]


def test_work_that_cannot_be_done_does_not_keep_the_worker_busy(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    make_document(body="penguins")
    IndexVersion.objects.update(encoder_fingerprint="0" * 32)
    assert sweeping.serve(budget_seconds=60) == applier.DrainReport(0)
    with hold(collection.pk):
        assert sweeping.serve(budget_seconds=60) == applier.DrainReport(0)


@pytest.mark.parametrize("part", ["segments", "lexical", ""])
def test_the_sweep_restores_files_that_somebody_deleted(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed, part: str
) -> None:
    for number in range(12):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    shutil.rmtree(active(collection).folder / part)
    sweep()
    assert reconcile.check(collection).clean


def test_a_reader_that_finds_damage_wakes_the_worker(
    small_tail: None, collection: Collection, make_document: MakeDocument, indexed: Indexed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in range(12):
        make_document(external_id=f"d{number}", body=f"penguin number{number}")
    indexed()
    woken: list[int] = []
    monkeypatch.setattr(tasks, "wake", woken.append)
    shutil.rmtree(active(collection).folder)
    open_index.close_all()
    with pytest.raises(NotReady):
        search("penguin")
    assert woken == [collection.pk, collection.pk]


def test_a_collection_whose_first_documents_are_on_their_way_is_not_empty_but_not_ready(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    assert search("penguins").total == 0
    make_document(body="penguins")
    with pytest.raises(NotReady, match="first documents"):
        search("penguins")
    indexed()
    assert search("penguins").total == 1


def test_a_candidate_that_a_save_kept_from_going_live_goes_live_after_it(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(body="penguins")
    indexed()
    requests.request_rebuild(collection)
    real = gate.assess

    def save_meanwhile(version: IndexVersion) -> gate.GateReport:
        if not Document.objects.filter(external_id="late").exists():
            make_document(external_id="late", body="elephants")
        return real(version)

    with monkeypatch.context() as patch:
        patch.setattr(gate, "assess", save_meanwhile)
        indexed()
    indexed()
    assert active(collection).number == 2
    assert [result.external_id for result in search("elephants", k=1).results] == ["late"]
