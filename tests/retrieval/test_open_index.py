"""Every process sees each committed state at its next query, and goes on without what is damaged."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.embedding.fake import FakeEncoder
from search.engines.faiss_engine import FaissReader
from search.indexing import lifecycle, requests
from search.indexing.applier import drain
from search.indexing.sweep import sweep
from search.models import Collection, Document, Embedding, IndexVersion, Segment
from search.query_service import NotReady, search
from search.retrieval import open_index, query_vectors
from tests.conftest import MakeDocument

Indexed = Callable[[], int]


@pytest.fixture
def sealing(settings: Any) -> None:
    """Let every five chunks become a segment, and three segments be merged."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 5, "MERGE_FANOUT": 3}


@pytest.fixture
def sealed(sealing: None, make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """An index with one segment of six documents."""
    for number in range(6):
        make_document(title=f"Thread {number}", body=f"Wait for thread number {number}.")
    indexed()
    version = IndexVersion.objects.get()
    assert version.segments.count() == 1
    return version


def titles(mode: str = "hybrid", query: str = "thread", k: int = 100) -> list[str]:
    """Return the titles that a query finds, sorted."""
    return sorted(result.title for result in search(query, mode=mode, k=k).results)


def flip(path: Path) -> None:
    """Turn one bit of a file over, without touching other links to it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)


def segment_path(version: IndexVersion, name: str = "path") -> Path:
    """Return a file of the version's first segment."""
    return version.folder / "segments" / str(getattr(version.segments.all()[0], name))


def publication(version: IndexVersion) -> Path:
    """Return the folder of the version's lexical publication."""
    version.refresh_from_db()
    return version.folder / "lexical" / "published" / str(version.lexical_files["folder"])


# --- Newer states


@pytest.mark.parametrize("mode", ["dense", "lexical"])
def test_a_process_with_the_index_open_sees_an_addition_at_its_next_query(
    make_document: MakeDocument, indexed: Indexed, mode: str
) -> None:
    make_document(title="One", body="thread")
    indexed()
    assert titles(mode) == ["One"]

    make_document(title="Two", body="thread")
    indexed()

    assert titles(mode) == ["One", "Two"]


def test_vectors_are_found_before_the_lexical_index_has_followed(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(title="One", body="thread")
    indexed()
    titles()
    make_document(title="Two", body="thread")
    monkeypatch.setenv("SEMSEARCH_TEST_FAILPOINT", "apply.committed=error")
    with pytest.raises(RuntimeError, match="apply.committed"):
        indexed()

    assert (titles("dense"), titles("lexical")) == (["One", "Two"], ["One"])


def test_edits_and_removals_reach_an_open_index(make_document: MakeDocument, indexed: Indexed) -> None:
    gone, edited = make_document(title="Gone", body="thread"), make_document(title="Edited", body="thread")
    indexed()
    assert titles("lexical") == ["Edited", "Gone"]

    gone.delete()
    edited.body = "zebra"
    edited.save()
    indexed()

    assert (titles("lexical"), titles("lexical", "zebra")) == ([], ["Edited"])
    assert _dense_size() == 1


def test_an_unchanged_index_is_not_opened_again(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(body="thread")
    indexed()

    first, second = (open_index.open_version(IndexVersion.objects.get()) for _ in range(2))

    assert first is second


@pytest.mark.usefixtures("sealing")
def test_sealing_and_merging_beside_an_open_index_lose_and_double_nothing(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    expected = []
    segments = set()
    for number in range(40):
        make_document(title=f"Thread {number:02}", body=f"Wait for thread number {number}.")
        expected.append(f"Thread {number:02}")
        if number % 3 == 0:
            indexed()
            segments.add(Segment.objects.count())
            assert titles("dense") == expected
            assert _dense_size() == len(expected)

    assert len(segments) > 1  # it was sealed
    assert Segment.objects.count() <= 3  # and merged


def test_a_fresh_process_opens_what_an_old_one_has_followed(
    sealed: IndexVersion, make_document: MakeDocument, indexed: Indexed
) -> None:
    titles()
    Document.objects.filter(title="Thread 3").delete()
    make_document(title="Thread 9", body="thread")
    indexed()
    followed = (titles("dense"), _dense_ids())

    open_index.close_all()

    assert (titles("dense"), _dense_ids()) == followed


def test_the_open_parts_of_a_segment_are_taken_over_and_not_opened_again(
    sealed: IndexVersion, make_document: MakeDocument, indexed: Indexed
) -> None:
    titles()
    before = _dense().segments[0].layers.index
    for number in range(6):
        make_document(title=f"More {number}", body="thread")
    indexed()

    titles()

    assert len(_dense().segments) == 2
    assert _dense().segments[0].layers.index is before


def test_a_candidate_is_not_searched_before_it_is_active(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="One", body="thread")
    indexed()
    lifecycle.create_version(collection, activate_when_ready=False)
    indexed()

    assert search("thread").index_version == 1
    assert IndexVersion.objects.get(number=2).state == IndexVersion.State.READY


def test_many_collections_stay_open_side_by_side(db: None) -> None:
    collections = [Collection.objects.create(slug=f"c{number}", name="C") for number in range(8)]
    for collection in collections:
        Document.objects.create(collection=collection, title="One", body="thread")
        drain(collection.pk, budget_seconds=60)
    versions = [collection.active_version() for collection in collections]
    opened = [open_index.open_version(version) for version in versions if version]

    again = [open_index.open_version(version) for version in versions if version]

    assert len(opened) == 8
    assert all(one is other for one, other in zip(opened, again, strict=True))


def test_versions_that_were_replaced_do_not_stay_open(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="thread")
    for _ in range(4):
        requests.request_rebuild(collection)
        indexed()
        titles()

    newest = IndexVersion.objects.active().get()
    assert len(open_index.loaded_versions()) == 2
    assert newest.pk in open_index.loaded_versions()


def test_what_is_open_is_reported(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(body="thread")
    indexed()
    version = IndexVersion.objects.get()
    assert open_index.loaded_versions() == {}

    titles()

    assert open_index.loaded_versions() == {version.pk: version.generation}


def _dense() -> FaissReader:
    opened = open_index.open_version(IndexVersion.objects.active().get())
    assert isinstance(opened.dense, FaissReader)
    return opened.dense


def _dense_size() -> int:
    return _dense().size


def _dense_ids() -> list[int]:
    return [int(pk) for pk in _dense().ids()]


# --- Damage


@pytest.mark.parametrize("which", ["path", "ids_path"])
@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped", "missing"])
def test_with_a_damaged_segment_words_still_answer_and_the_answer_says_so(
    sealed: IndexVersion, which: str, damage: Callable[[Path], None]
) -> None:
    damage(segment_path(sealed, which))

    for mode in ("hybrid", "dense"):
        response = search("thread number 3", mode=mode)
        assert response.results[0].title == "Thread 3"
        assert len(response.degraded) == 1 and "meaning" in response.degraded[0]
    assert search("thread", mode="lexical").degraded == ()
    assert Segment.objects.get().state == Segment.State.DAMAGED


def test_a_process_that_has_a_segment_open_goes_on_when_its_file_is_lost(sealed: IndexVersion) -> None:
    expected = titles("dense")

    segment_path(sealed).unlink()

    assert titles("dense") == expected
    assert search("thread", mode="dense").degraded == ()


def test_the_worker_restores_a_damaged_segment_and_the_next_query_uses_it(sealed: IndexVersion) -> None:
    flip(segment_path(sealed))
    assert search("thread", mode="dense").degraded != ()

    sweep()

    response = search("thread", mode="dense")
    assert (response.degraded, len(response.results)) == ((), 6)


@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped", "missing"])
@pytest.mark.parametrize("suffix", ["meta.json", ".term", ".fast", ".idx"])
def test_with_a_damaged_lexical_index_meaning_still_answers_and_the_answer_says_so(
    sealed: IndexVersion, suffix: str, damage: Callable[[Path], None]
) -> None:
    damage(next(path for path in publication(sealed).iterdir() if path.name.endswith(suffix)))

    for mode in ("hybrid", "lexical"):
        response = search("thread number 3", mode=mode)
        assert response.results[0].title == "Thread 3"
        assert len(response.degraded) == 1 and "words" in response.degraded[0]
    assert search("thread", mode="dense").degraded == ()


def test_the_worker_rebuilds_a_damaged_lexical_index_and_the_next_query_uses_it(
    sealed: IndexVersion, indexed: Indexed
) -> None:
    flip(publication(sealed) / "meta.json")
    assert search("thread", mode="lexical").degraded != ()

    indexed()

    response = search("thread", mode="lexical")
    assert (response.degraded, len(response.results)) == ((), 6)


def test_with_both_parts_damaged_a_search_is_not_ready(sealed: IndexVersion) -> None:
    flip(segment_path(sealed))
    flip(publication(sealed) / "meta.json")

    with pytest.raises(NotReady):
        search("thread")


def test_a_deleted_index_folder_loses_and_encodes_nothing(sealed: IndexVersion, indexed: Indexed) -> None:
    encoder = registry.encoder("")
    assert isinstance(encoder, FakeEncoder)
    encoded = encoder.calls
    shutil.rmtree(sealed.folder)
    with pytest.raises(NotReady):
        search("thread")

    sweep()

    response = search("thread")
    assert (response.degraded, len(response.results), encoder.calls) == ((), 6, encoded)


def test_a_missing_vector_turns_the_dense_part_off_and_says_so(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="One", body="thread")
    indexed()
    Embedding.objects.all().delete()

    response = search("thread")

    assert len(response.degraded) == 1
    assert [result.title for result in response.results] == ["One"]


def test_an_engine_that_settings_no_longer_know_turns_the_dense_part_off(
    make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(title="One", body="thread")
    indexed()
    IndexVersion.objects.update(engine="gone")

    response = search("thread")

    assert len(response.degraded) == 1
    assert [result.title for result in response.results] == ["One"]


def test_a_damaged_file_is_not_hashed_again_at_every_query(
    sealed: IndexVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(segment_path(sealed))
    search("thread")
    opened: list[object] = []
    monkeypatch.setattr("search.engines.faiss_engine.open_segment", opened.append)
    monkeypatch.setattr(open_index, "_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: 10.0**12)

    search("thread")

    assert opened == []


# --- The encoder


class Broken(FakeEncoder):
    """An encoder whose files are gone, or that gives no finite vector."""

    error: Exception = EncoderUnavailable("the files are gone")

    def encode_query(self, text: str) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [EncoderUnavailable("gone"), EncodingFailed("not finite", 0)])
@pytest.mark.parametrize("mode", ["hybrid", "dense"])
def test_without_the_encoder_words_still_answer_and_the_answer_says_so(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch, mode: str, error: Exception
) -> None:
    make_document(title="One", body="thread")
    indexed()
    monkeypatch.setattr(Broken, "error", error)
    monkeypatch.setattr(registry, "encoder", lambda *recipe: Broken())

    response = search("thread", mode=mode)

    assert [result.title for result in response.results] == ["One"]
    assert len(response.degraded) == 1 and "meaning" in response.degraded[0]
    assert response.results[0].dense_score is None


def test_a_query_is_never_encoded_by_another_encoder_than_the_version_s(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(title="One", body="thread")
    indexed()
    other = FakeEncoder(name="other weights")
    monkeypatch.setattr(registry, "encoder", lambda *recipe: other)

    response = search("thread", mode="dense")

    assert len(response.degraded) == 1
    assert response.results[0].dense_score is None


def test_the_same_query_is_encoded_once(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document()
    indexed()
    asked: list[str] = []
    original = FakeEncoder.encode_query

    def counted(self: FakeEncoder, text: str) -> Any:
        asked.append(text)
        return original(self, text)

    monkeypatch.setattr(FakeEncoder, "encode_query", counted)

    for query in ("one", "two", "one"):
        search(query)
    search("one", mode="lexical")

    assert asked == ["one", "two"]


def test_only_the_newest_queries_are_remembered(make_document: MakeDocument, indexed: Indexed, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "QUERY_CACHE_SIZE": 2}
    make_document()
    indexed()

    for query in ("one", "two", "one", "three"):
        search(query)

    assert [text for _, text in query_vectors._cache] == ["one", "three"]
