"""Rows and files that somebody changed behind our back: found by the check, mended by the repair, encoding nothing."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection

from search import registry
from search.indexing import lifecycle, reconcile, requests, segments
from search.indexing.checking import check
from search.indexing.drift_report import DriftReport
from search.indexing.leases import hold
from search.models import Chunk, Collection, Document, Embedding, IndexedDocument, IndexVersion, PendingChange, Segment
from search.query_service import search
from search.retrieval import open_index
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


def text(number: int) -> str:
    """A text of mostly its own words."""
    return f"penguin number{number} " + " ".join(f"{letter}{number}" for letter in "abcdefgh")


def calls() -> int:
    """How many texts the encoder has encoded as documents in this process."""
    return int(registry.encoder("").calls)  # type: ignore[attr-defined]


def found(query: str) -> list[str]:
    """What a process that has just been started finds."""
    open_index.close_all()
    response = search(query, k=100)
    assert not response.degraded
    return [result.external_id for result in response.results]


def sql(statement: str, *parameters: Any) -> None:
    """Run one statement as another program would."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def version(settings: Any, collection: Collection, make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """30 documents in three segments, 5 more in the tail."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 10, "MERGE_FANOUT": 9, "APPLY_BATCH_DOCUMENTS": 10}
    for number in range(35):
        make_document(external_id=f"d{number}", body=text(number))
        if number in (9, 19, 29):
            indexed()
    indexed()
    version = collection.active_version()
    assert version is not None
    assert version.segments.count() == 3
    assert Chunk.objects.tail(version).count() == 5
    assert check(version).clean
    return version


def mended(version: IndexVersion, encoded: int = 0) -> None:
    """Repair the version; fail unless it is clean, finds all 35 and encoded no more texts than `encoded`."""
    before = calls()
    report = reconcile.repair_version(version)
    assert report.clean, report
    assert calls() - before == encoded
    assert sorted(found("penguin")) == sorted(f"d{number}" for number in range(35))
    for number in (3, 13, 23, 33):
        assert found(f"number{number}")[0] == f"d{number}"
    version.refresh_from_db()
    assert (version.chunks, version.documents) == (35, 35)


def chunk_of(external_id: str) -> Chunk:
    return Chunk.objects.get(document__external_id=external_id)


def test_a_deleted_vector_is_found_and_encoded_again_alone(version: IndexVersion) -> None:
    chunk = chunk_of("d3")
    sql("DELETE FROM search_embedding WHERE text_hash = %s", chunk.text_hash)
    assert check(version).chunks_without_vector == [chunk.pk]
    mended(version, encoded=1)


def test_a_spoiled_vector_is_found_and_encoded_again_alone(version: IndexVersion) -> None:
    chunk = chunk_of("d33")
    Embedding.objects.filter(text_hash=chunk.text_hash).update(vector=b"\0" * 128)
    assert check(version).chunks_without_vector == [chunk.pk]
    mended(version, encoded=1)


@pytest.mark.parametrize("external_id", ["d13", "d33"], ids=["in a segment", "in the tail"])
def test_a_deleted_chunk_row_leaves_a_ghost_that_nobody_sees_and_the_check_finds(
    version: IndexVersion, external_id: str
) -> None:
    chunk = chunk_of(external_id)
    sql("DELETE FROM search_chunk WHERE id = %s", chunk.pk)
    assert external_id not in found("penguin")
    report = check(version)
    assert report.stale == [chunk.document_id]
    assert report.chunks_only_lexical == [chunk.pk]
    assert report.chunks_only_dense == ([chunk.pk] if external_id == "d13" else [])
    mended(version)


def test_a_deleted_note_of_a_document_is_found(version: IndexVersion) -> None:
    document = Document.objects.get(external_id="d3")
    sql("DELETE FROM search_indexeddocument WHERE document_id = %s", document.pk)
    assert check(version).missing == [document.pk]
    mended(version)


def test_chunks_of_no_document_are_ghosts(version: IndexVersion) -> None:
    document_id = Document.objects.get(external_id="d3").pk
    IndexedDocument.objects.filter(document=document_id).delete()
    Document.objects.filter(pk=document_id).delete()
    PendingChange.objects.all().delete()
    report = check(version)
    assert (report.missing, report.ghosts) == ([], [document_id])
    assert reconcile.repair_version(version).clean
    assert "d3" not in found("penguin")


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_deleted_segment_row_is_found_and_its_vectors_come_back(version: IndexVersion, position: int) -> None:
    segment = version.segments.order_by("first_id")[position]
    lost = list(Chunk.objects.filter(pk__range=(segment.first_id, segment.last_id)).values_list("pk", flat=True))
    sql("DELETE FROM search_segment WHERE id = %s", segment.pk)
    assert check(version).chunks_not_dense == lost
    mended(version)


def test_every_segment_row_deleted_is_found_and_all_comes_back(version: IndexVersion) -> None:
    sql("DELETE FROM search_segment")
    assert len(check(version).chunks_not_dense) == 30
    mended(version)


@pytest.mark.parametrize("sealed_to", [0, 1_000_000_000])
def test_a_tail_that_begins_at_the_wrong_place_is_found(version: IndexVersion, sealed_to: int) -> None:
    sql("UPDATE search_indexversion SET sealed_to = %s", sealed_to)
    assert not check(version).clean
    mended(version)


def test_two_segment_files_in_each_others_place_are_found_by_their_hashes(version: IndexVersion) -> None:
    one, other, _ = version.segments.all()
    folder = version.folder / "segments"
    (folder / one.path).rename(folder / "aside")
    (folder / other.path).rename(folder / one.path)
    (folder / "aside").rename(folder / other.path)
    assert check(version).damaged_files == [f"{one.path}: damaged", f"{other.path}: damaged"]
    mended(version)


def test_two_segment_rows_with_each_others_files_are_found_by_their_ids(version: IndexVersion) -> None:
    one, other, _ = version.segments.all()
    mixed_up(one, other, ("sha256", "path", "ids_sha256", "ids_path"))
    assert len(check(version).problems) == 2
    mended(version)


def test_vectors_under_the_ids_of_others_are_found_though_every_hash_is_right(version: IndexVersion) -> None:
    one, other, _ = version.segments.all()
    mixed_up(one, other, ("sha256", "path"))
    report = check(version)
    assert all("its vectors are not those of its ids" in problem for problem in report.problems)
    assert len(report.problems) == 2
    mended(version)


def test_segments_that_overlap_are_written_anew_as_one(version: IndexVersion) -> None:
    last = version.segments.order_by("first_id").last()
    assert last is not None
    sql("UPDATE search_segment SET first_id = first_id - 3 WHERE id = %s", last.pk)
    assert "inside the one before it" in check(version).problems[0]
    mended(version)


def test_a_shortened_ids_file_whose_row_agrees_is_found(version: IndexVersion) -> None:
    segment = version.segments.all()[0]
    sql("UPDATE search_segment SET rows = 7 WHERE id = %s", segment.pk)
    assert "7 different ones belong there" in check(version).problems[0]
    mended(version)


def test_a_content_that_changed_without_a_new_revision_is_stale(version: IndexVersion) -> None:
    document = Document.objects.get(external_id="d3")
    IndexedDocument.objects.filter(document=document.pk).update(content_hash="0" * 32)
    assert check(version).stale == [document.pk]
    mended(version)


def test_the_index_folder_deleted_comes_back_for_live_and_retired_versions_without_encoding(
    version: IndexVersion, collection: Collection, indexed: Indexed
) -> None:
    requests.request_rebuild(collection)
    indexed()
    live = collection.active_version()
    assert live is not None
    assert live.number == 2
    shutil.rmtree(version.folder.parent)
    before = calls()
    assert not check(version).clean
    assert [report.clean for report in reconcile.repair_all(collection)] == [True]
    assert [report.clean for report in reconcile.repair_all(collection, number=1)] == [True]
    assert calls() == before
    assert sorted(found("penguin")) == sorted(f"d{number}" for number in range(35))


def test_a_retired_version_is_not_blamed_for_what_it_has_missed(
    version: IndexVersion, collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    requests.request_rebuild(collection)
    indexed()
    make_document(external_id="new", body="elephants")
    Document.objects.filter(external_id="d3").update(body="elephants")
    Document.objects.filter(external_id="d4").delete()
    indexed()
    version.refresh_from_db()
    assert version.state == "retired"
    assert check(version).clean
    assert [report.clean for report in reconcile.check_all(collection)] == [True]


def test_a_rollback_to_a_version_whose_files_are_gone_brings_them_back(
    version: IndexVersion, collection: Collection, indexed: Indexed
) -> None:
    requests.request_rebuild(collection)
    indexed()
    shutil.rmtree(version.folder)
    before = calls()
    lifecycle.roll_back(version)
    assert found("penguin")
    indexed()
    version.refresh_from_db()
    assert version.state == "active", (version.gate, version.last_error)
    assert calls() == before
    mended(version)


def test_a_rollback_to_a_version_whose_files_are_damaged_mends_them(
    version: IndexVersion, collection: Collection, indexed: Indexed
) -> None:
    requests.request_rebuild(collection)
    indexed()
    for path in (version.folder / "segments").iterdir():
        path.write_bytes(b"x" + path.read_bytes()[1:])
    IndexVersion.objects.filter(pk=version.pk).update(gate={})
    lifecycle.roll_back(version)
    indexed()
    version.refresh_from_db()
    assert version.state == "active"
    mended(version)


def test_a_candidate_whose_file_is_damaged_before_it_is_measured_is_mended_and_goes_live(
    version: IndexVersion, collection: Collection, indexed: Indexed
) -> None:
    candidate = lifecycle.create_version(collection)
    indexed_so_far(candidate)
    for path in (candidate.folder / "segments").glob("*.faiss"):
        path.write_bytes(b"x" + path.read_bytes()[1:])
    indexed()
    candidate.refresh_from_db()
    assert candidate.state == "active"
    mended(candidate)


def test_the_check_changes_nothing_while_documents_wait(version: IndexVersion, make_document: MakeDocument) -> None:
    make_document(external_id="new", body="elephants")
    Document.objects.filter(external_id="d3").update(body="elephants")
    Document.objects.filter(external_id="d4").delete()
    before = list(PendingChange.objects.values())
    report = check(version)
    assert report.clean, report
    assert report.pending == 3
    assert list(PendingChange.objects.values()) == before


def test_quarantined_documents_are_listed_and_are_no_drift(version: IndexVersion) -> None:
    document = Document.objects.get(external_id="d3")
    Document.objects.filter(pk=document.pk).update(body="elephants")
    PendingChange.objects.update(quarantined=True)
    report = check(version)
    assert (report.failed, report.clean) == ([document.pk], True)


def test_the_check_of_a_collection_without_versions_says_so(
    collection: Collection, make_document: MakeDocument
) -> None:
    make_document()
    [report] = reconcile.check_all(collection)
    assert report.problems == ["There is no active index version."]


def test_the_check_works_in_short_steps(version: IndexVersion) -> None:
    from search.indexing.checking import check_steps

    steps = check_steps(version)
    count = 0
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as finished:
            report: DriftReport = finished.value
            break
    assert count >= 6
    assert (report.documents, report.chunks, report.clean) == (35, 35, True)


def mixed_up(one: Segment, other: Segment, columns: tuple[str, ...]) -> None:
    """Give each segment's row the other's values."""
    mine = {name: getattr(one, name) for name in columns}
    yours = {name: getattr(other, name) for name in columns}
    Segment.objects.filter(pk=one.pk).update(**{name: f"{value[1:]}-" for name, value in mine.items()})
    Segment.objects.filter(pk=other.pk).update(**mine)
    Segment.objects.filter(pk=one.pk).update(**yours)


def indexed_so_far(candidate: IndexVersion) -> None:
    """Apply everything and compact, and stop before measuring."""
    from search.indexing import applier, builder, claiming

    with hold(candidate.collection_id) as lease:
        while True:
            candidate.refresh_from_db()
            if builder.fill(candidate, lease):
                continue
            claimed = claiming.claim(candidate, lease)
            if not claimed.rows:
                break
            applier._apply(candidate, claimed, lease)
        segments.run(candidate, lease, everything=True)
    assert np.all([segment.rows == 35 for segment in candidate.segments.all()])
