"""Applying changes: what is encoded, what is kept, what happens to documents that fail."""

from collections.abc import Callable
from typing import Any

import pytest

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.embedding.fake import FakeEncoder
from search.indexing import applier, reconcile, requests
from search.indexing.status import Stage, document_statuses
from search.models import Chunk, Collection, Document, Embedding, IndexedDocument, IndexVersion, PendingChange
from search.query_service import search

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]


def encoder() -> FakeEncoder:
    """The fake encoder of this process."""
    found = registry.encoder("")
    assert isinstance(found, FakeEncoder)
    return found


def found(query: str) -> list[str]:
    return [result.external_id for result in search(query, mode="lexical").results]


def long_text(*words: str) -> str:
    """Paragraphs that each fill a chunk of the fake encoder's window, one for each word."""
    return "\n\n".join(f"{word} " * 30 for word in words)


def test_the_first_version_is_active_at_once(collection: Collection, indexed: Indexed) -> None:
    indexed()
    version = collection.active_version()
    assert version is not None
    assert (version.number, version.dimension, version.documents) == (1, 32, 0)


def test_documents_saved_before_the_first_version_are_indexed(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(external_id="a", body="penguins")
    indexed()
    assert found("penguins") == ["a"]


def test_an_edit_replaces_the_old_text(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(external_id="a", body="penguins")
    indexed()
    document.body = "elephants"
    document.save()
    indexed()
    assert found("penguins") == []
    assert found("elephants") == ["a"]


def test_an_unchanged_chunk_is_not_encoded_again(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(title="", body=long_text("one", "two", "three"))
    indexed()
    before, ids = encoder().calls, set(Chunk.objects.live().values_list("pk", flat=True))
    document.body = long_text("zero", "one", "two", "three")
    document.save()
    indexed()
    assert encoder().calls == before + 1
    assert ids < set(Chunk.objects.live().values_list("pk", flat=True))


def test_a_metadata_change_encodes_nothing_and_keeps_the_chunks(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document()
    indexed()
    before, ids = encoder().calls, list(Chunk.objects.live().values_list("pk", flat=True))
    generation = IndexVersion.objects.get().generation
    Document.objects.filter(pk=document.pk).update(metadata={"team": "sales"}, url="https://example.org")
    assert indexed() == 1
    assert encoder().calls == before
    assert list(Chunk.objects.live().values_list("pk", flat=True)) == ids
    assert IndexVersion.objects.get().generation == generation
    assert IndexedDocument.objects.get().revision == 2


def test_publishing_again_encodes_nothing(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(external_id="a", body="penguins")
    indexed()
    Document.objects.filter(pk=document.pk).update(state="draft")
    indexed()
    assert found("penguins") == []
    before = encoder().calls
    Document.objects.filter(pk=document.pk).update(state="published")
    indexed()
    assert found("penguins") == ["a"]
    assert encoder().calls == before


def test_chunks_that_change_places_keep_their_ids(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(title="", body=long_text("one", "two", "three"))
    indexed()
    ids = set(Chunk.objects.live().values_list("pk", flat=True))
    document.body = long_text("three", "two", "one")
    document.save()
    indexed()
    assert set(Chunk.objects.live().values_list("pk", flat=True)) == ids
    assert found("three") == [document.external_id]


def test_a_document_that_moves_leaves_its_old_collection(make_document: MakeDocument, indexed: Indexed) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    document = make_document(external_id="a", body="penguins")
    indexed()
    Document.objects.filter(pk=document.pk).update(collection=other)
    indexed()
    applier.drain(other.pk)
    assert search("penguins", collection="docs", mode="lexical").results == ()
    assert [r.external_id for r in search("penguins", collection="other", mode="lexical").results] == ["a"]


def test_a_document_without_text_is_indexed_with_no_chunk(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document(title="", body=" \n ")
    indexed()
    status = document_statuses([document])[document.pk]
    assert status.stage is Stage.INDEXED
    assert status.chunks == 0
    assert "nothing to find" in status.reason


def test_the_change_made_during_the_work_is_not_lost(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = make_document(external_id="a", body="penguins")
    real = FakeEncoder.encode_documents

    def edit_meanwhile(self: FakeEncoder, texts: Any) -> Any:
        Document.objects.filter(pk=document.pk, body="penguins").update(body="elephants")
        return real(self, texts)

    monkeypatch.setattr(FakeEncoder, "encode_documents", edit_meanwhile)
    indexed()
    assert found("elephants") == ["a"]
    assert found("penguins") == []


def fail_for(monkeypatch: pytest.MonkeyPatch, word: str, error: Callable[[int], Exception]) -> None:
    """Make the encoder fail for texts with `word`."""
    real = FakeEncoder.encode_documents

    def encode(self: FakeEncoder, texts: Any) -> Any:
        for position, text in enumerate(texts):
            if word in text:
                raise error(position)
        return real(self, texts)

    monkeypatch.setattr(FakeEncoder, "encode_documents", encode)


@pytest.mark.parametrize(
    "error", [lambda at: EncodingFailed("not finite", at), lambda at: RuntimeError("boom")], ids=["known", "unknown"]
)
def test_a_bad_document_fails_alone_and_ends_in_quarantine(
    make_document: MakeDocument,
    indexed: Indexed,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[int], Exception],
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "RETRY_SECONDS": 0}
    fail_for(monkeypatch, "poison", error)
    good = [make_document(external_id=f"good{n}", body=f"penguin {n}") for n in range(5)]
    bad = make_document(body="poison")
    assert indexed() == 5
    assert len(found("penguin")) == len(good)
    row = PendingChange.objects.get()
    assert (row.document_id, row.quarantined, row.attempts) == (bad.pk, True, 3)
    status = document_statuses([bad])[bad.pk]
    assert status.stage is Stage.FAILED
    assert str(error(0)) in status.reason


def test_retry_failed_indexes_a_document_that_can_be_indexed_again(
    make_document: MakeDocument, indexed: Indexed, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "RETRY_SECONDS": 0}
    with monkeypatch.context() as patch:
        fail_for(patch, "poison", lambda at: RuntimeError("boom"))
        make_document(external_id="a", body="poison")
        indexed()
    assert indexed() == 0
    assert requests.retry_failed(PendingChange.objects.all()) == 1
    assert indexed() == 1
    assert found("poison") == ["a"]


def test_an_unavailable_encoder_is_nobodys_fault(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = make_document(external_id="kept", body="penguins")
    gone = make_document(external_id="gone", body="penguins")
    indexed()
    with monkeypatch.context() as patch:
        fail_for(patch, "", lambda at: EncoderUnavailable("no model here"))
        make_document(external_id="new", body="penguins in the snow")
        gone.delete()
        for _ in range(5):
            indexed()
        assert found("penguins") == ["kept"]
        row = PendingChange.objects.get()
        assert (row.quarantined, row.attempts) == (False, 0)
        assert "no model here" in IndexVersion.objects.get().last_error
    indexed()
    assert sorted(found("penguins")) == ["kept", "new"]
    assert IndexVersion.objects.get().last_error == ""
    assert kept.pk


def test_documents_of_a_killed_batch_are_tried_one_by_one(
    make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        make_document(external_id=f"d{number}", body="poison" if number == 3 else "penguins")

    class Killed(BaseException):
        """Stands for SIGKILL: nothing of the applier's own handling runs for it."""

    fail_for(monkeypatch, "poison", lambda at: Killed())  # type: ignore[arg-type,return-value]
    for _ in range(10):
        try:
            indexed()
        except Killed:
            continue
    assert len(found("penguins")) == 5
    row = PendingChange.objects.get()
    assert row.quarantined
    assert "worker stopped" in row.last_error


def test_a_document_over_the_limit_is_refused_with_the_reason(
    make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10, "MAX_ATTEMPTS": 1}
    make_document(body="more than ten characters")
    indexed()
    assert "at most 10" in PendingChange.objects.get().last_error


def test_a_changed_encoder_is_refused_until_a_rebuild(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(external_id="a", body="penguins")
    indexed()
    IndexVersion.objects.update(encoder_fingerprint="0" * 32)
    make_document(external_id="b", body="elephants")
    indexed()
    assert "Rebuild" in IndexVersion.objects.get().last_error
    requests.request_rebuild(collection)
    indexed()
    assert found("elephants") == ["b"]
    assert reconcile.check(collection).clean


def test_equal_texts_share_one_vector(make_document: MakeDocument, indexed: Indexed) -> None:
    for _ in range(3):
        make_document(title="same", body="the same text")
    indexed()
    assert Embedding.objects.count() == 1
    assert Chunk.objects.live().count() == 3
    assert search("the same text").total == 3


def test_reindex_applies_documents_again_without_encoding(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(body="penguins")
    indexed()
    before = encoder().calls
    assert requests.reindex(Document.objects.all()) == 1
    assert indexed() == 1
    assert encoder().calls == before


def test_a_document_that_waits_for_a_missing_encoder_says_so(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    Collection.objects.update(encoder_runtime="quantum")
    document = make_document(body="penguins")
    indexed()
    status = document_statuses([document])[document.pk]
    assert status.stage is Stage.WAITING
    assert "No encoder runtime is called 'quantum'" in status.reason
    Collection.objects.update(encoder_runtime="")
    assert indexed() == 1


def test_a_candidate_goes_on_while_saves_never_let_the_live_version_rest(
    collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document(body="penguin")
    indexed()
    requests.request_rebuild(collection, activate_when_ready=False)
    for number in range(12):
        document.body = f"penguin {number}"
        document.save()
        applier.drain(collection.pk, budget_seconds=0)
    candidate = collection.index_versions.get(number=2)

    assert candidate.filled_to is None
    assert candidate.documents == 1
