"""No query waits for large files: they are opened beside the queries, which go on with what is open."""

from collections.abc import Callable
from typing import Any

import pytest

from search import index_state
from search.embedding.fake import FakeEncoder
from search.indexing import lifecycle, requests
from search.models import Collection, IndexVersion
from search.query_service import search
from search.retrieval import open_index
from tests.conftest import MakeDocument

Indexed = Callable[[], int]
Waiting = list[Callable[[], None]]


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Let the smallest file count as large, look for candidates at every query, and seal every three chunks."""
    monkeypatch.setattr(open_index, "_AT_ONCE_BYTES", 0)
    monkeypatch.setattr(open_index, "_LOOK_AHEAD_SECONDS", 0.0)
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 3, "MERGE_FANOUT": 2}


@pytest.fixture
def live(make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """A live version of three documents in one segment, open in this process."""
    for number in range(3):
        make_document(title=f"Old {number}", body=f"thread {number}")
    indexed()
    assert answered_by() == 1
    return IndexVersion.objects.get()


def answered_by() -> int:
    """Return the number of the version that answers a query, which must do so with both legs."""
    answer = search("thread", k=100)
    assert answer.degraded == ()
    return answer.index_version


def titles(mode: str = "dense") -> list[str]:
    return sorted(result.title for result in search("thread", mode=mode, k=100).results)


def run_all(waiting: Waiting) -> None:
    """Run what waits to be done beside the queries."""
    while waiting:
        waiting.pop(0)()


def candidate(collection: Collection, indexed: Indexed) -> IndexVersion:
    """Build a candidate up to where it could go live."""
    requests.request_rebuild(collection, activate_when_ready=False)
    indexed()
    return collection.index_versions.get(state=IndexVersion.State.READY)


def test_after_a_switch_queries_go_on_with_the_version_before_until_the_new_one_is_open(
    live: IndexVersion, collection: Collection, indexed: Indexed, beside_queries: Waiting
) -> None:
    lifecycle.activate(candidate(collection, indexed))
    assert [answered_by(), answered_by()] == [1, 1]

    run_all(beside_queries)

    assert answered_by() == 2


def test_a_document_that_was_deleted_meanwhile_is_not_found_in_the_version_before(
    live: IndexVersion, collection: Collection, indexed: Indexed, beside_queries: Waiting
) -> None:
    lifecycle.activate(candidate(collection, indexed))
    collection.documents.get(title="Old 0").delete()

    assert answered_by() == 1
    assert titles() == ["Old 1", "Old 2"]


def test_a_ready_candidate_is_opened_before_it_goes_live(
    live: IndexVersion, collection: Collection, indexed: Indexed, beside_queries: Waiting
) -> None:
    found = candidate(collection, indexed)
    answered_by()
    run_all(beside_queries)
    lifecycle.activate(found)

    assert answered_by() == 2


def test_a_candidate_whose_encoder_is_not_loaded_does_not_keep_the_first_query_waiting(
    live: IndexVersion,
    collection: Collection,
    indexed: Indexed,
    beside_queries: Waiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lifecycle.activate(candidate(collection, indexed))
    monkeypatch.setattr(open_index, "_AT_ONCE_BYTES", 1 << 30)
    monkeypatch.setattr(FakeEncoder, "is_loaded", property(lambda self: False))
    assert answered_by() == 1

    run_all(beside_queries)

    assert answered_by() == 2


def test_candidates_that_were_opened_ahead_never_push_out_the_version_that_is_searched(
    live: IndexVersion, collection: Collection, indexed: Indexed, beside_queries: Waiting
) -> None:
    for _ in range(3):
        newest = candidate(collection, indexed)
        answered_by()
        run_all(beside_queries)

    assert set(open_index.loaded_versions()) == {live.pk, newest.pk}


def test_a_version_that_cannot_be_opened_is_met_by_the_queries_and_not_hidden_for_ever(
    live: IndexVersion, collection: Collection, indexed: Indexed, beside_queries: Waiting
) -> None:
    found = candidate(collection, indexed)
    lifecycle.activate(found)
    for segment in found.segments.all():
        (found.folder / "segments" / segment.path).unlink()
    answered_by()

    run_all(beside_queries)

    answer = search("thread")
    assert (answer.index_version, len(answer.degraded)) == (2, 1)


def test_while_a_new_segment_is_being_opened_every_change_is_found(
    live: IndexVersion, make_document: MakeDocument, indexed: Indexed, beside_queries: Waiting
) -> None:
    for number in range(3):
        make_document(title=f"New {number}", body="thread")
    indexed()
    segments = tuple(live.segments.values_list("pk", flat=True))
    everything = ["New 0", "New 1", "New 2", "Old 0", "Old 1", "Old 2"]
    assert titles() == everything
    assert opened_segments(live) != segments

    make_document(title="Newest", body="thread")
    live.collection.documents.get(title="Old 1").delete()
    indexed()
    assert titles() == ["New 0", "New 1", "New 2", "Newest", "Old 0", "Old 2"]

    run_all(beside_queries)

    assert opened_segments(live) == segments
    assert titles() == ["New 0", "New 1", "New 2", "Newest", "Old 0", "Old 2"]


def test_segments_that_come_while_others_are_being_opened_are_opened_too(
    live: IndexVersion,
    make_document: MakeDocument,
    indexed: Indexed,
    beside_queries: Waiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_document(title="New", body="thread")
    for number in range(2):
        make_document(title=f"More {number}", body="thread")
    indexed()
    titles()
    read_state = index_state.read_state

    def seal_meanwhile(version: IndexVersion) -> Any:
        state = read_state(version)
        monkeypatch.setattr(open_index, "read_state", read_state)
        for number in range(3):
            make_document(title=f"Late {number}", body="thread")
        indexed()
        return state

    monkeypatch.setattr(open_index, "read_state", seal_meanwhile)

    run_all(beside_queries)

    assert opened_segments(live) == tuple(live.segments.values_list("pk", flat=True))
    assert len(titles()) == 9


def opened_segments(version: IndexVersion) -> tuple[int, ...]:
    """Return the rows of the segments that this process searches."""
    return open_index.open_version(IndexVersion.objects.get(pk=version.pk)).segment_ids
