"""What is kept of versions that have left service, and what is cleared away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from search.indexing import lifecycle, requests, retention
from search.indexing.sweep import sweep
from search.models import Chunk, Collection, Document, Embedding, IndexedDocument, IndexVersion, SearchLog
from search.query_service import search

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]


@pytest.fixture
def four_versions(collection: Collection, make_document: MakeDocument, indexed: Indexed) -> list[IndexVersion]:
    """Three retired versions and a live one, all out of service for an hour."""
    make_document(external_id="a", body="penguins")
    indexed()
    for _ in range(3):
        requests.request_rebuild(collection)
        indexed()
    for version in IndexVersion.objects.all():
        IndexVersion.objects.filter(pk=version.pk, state="retired").update(
            retired_at=timezone.now() - timedelta(hours=10 - version.number)
        )
    return list(IndexVersion.objects.order_by("number"))


def pruned() -> list[int]:
    """Return the numbers of the versions that are marked as pruned."""
    return list(
        IndexVersion.objects.filter(pruned_at__isnull=False).order_by("number").values_list("number", flat=True)
    )


def test_only_the_last_retired_versions_are_kept(four_versions: list[IndexVersion]) -> None:
    sweep()
    assert pruned() == [1]
    oldest = four_versions[0]
    assert not oldest.folder.exists()
    assert not Chunk.objects.filter(version=oldest).exists()
    assert not IndexedDocument.objects.filter(version=oldest).exists()
    assert oldest.events.filter(kind="pruned", reason="Only the last 2 are kept.").exists()
    assert search("penguins").index_version == 4


def test_a_version_that_has_just_left_service_is_kept_whatever_the_limit(
    four_versions: list[IndexVersion], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "KEEP_VERSIONS": 0}
    IndexVersion.objects.filter(number=3).update(retired_at=timezone.now())
    sweep()
    assert pruned() == [1, 2]


def test_the_disk_budget_takes_the_oldest_first_and_never_the_live_one(
    four_versions: list[IndexVersion], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "KEEP_VERSIONS": 10, "INDEX_DISK_MB": 1}
    live = four_versions[3]
    for version in four_versions:
        (version.folder / "ballast").write_bytes(b"x" * 400_000)
    sweep()
    assert pruned() == [1, 2]
    assert live.folder.exists()
    (live.folder / "ballast").write_bytes(b"x" * 4_000_000)
    sweep()
    assert pruned() == [1, 2, 3]
    assert search("penguins").index_version == 4


def test_a_pruned_version_cannot_be_taken_back(four_versions: list[IndexVersion]) -> None:
    retention.prune(four_versions[0])
    with pytest.raises(lifecycle.CannotRollBack, match="was pruned"):
        lifecycle.roll_back(four_versions[0])


def test_the_live_version_and_candidates_cannot_be_pruned(
    collection: Collection, four_versions: list[IndexVersion]
) -> None:
    candidate = lifecycle.create_version(collection)
    for version in (four_versions[3], candidate):
        with pytest.raises(retention.CannotPrune):
            retention.prune(version)


def test_a_version_being_taken_back_is_not_pruned(
    four_versions: list[IndexVersion], make_document: MakeDocument, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "KEEP_VERSIONS": 0}
    make_document(external_id="b", body="elephants")
    lifecycle.roll_back(four_versions[0])
    sweep()
    assert pruned() == [2, 3]
    assert search("elephants").index_version == 1


def test_vectors_of_an_encoder_that_no_version_uses_go_and_the_others_stay(
    four_versions: list[IndexVersion],
) -> None:
    used = four_versions[3].encoder_fingerprint
    Embedding.objects.create(encoder_fingerprint="old", text_hash="h", vector=b"1234")
    sweep()
    assert set(Embedding.objects.values_list("encoder_fingerprint", flat=True)) == {used}


def test_what_is_left_of_a_prune_that_was_interrupted_goes_later(
    four_versions: list[IndexVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.prune(four_versions[0])
    assert retention.clear_away(budget_seconds=-1)
    assert Chunk.objects.filter(version=four_versions[0]).exists()
    assert not retention.clear_away(budget_seconds=10)
    assert not Chunk.objects.filter(version=four_versions[0]).exists()


def test_old_searches_are_forgotten(collection: Collection) -> None:
    for days in (1, 100):
        at = timezone.now() - timedelta(days=days)
        SearchLog.objects.create(
            collection=collection, text=f"{days}", mode="hybrid", total=0, good_match=False, took_ms=1, at=at
        )
    retention.clear_away(budget_seconds=10)
    assert list(SearchLog.objects.values_list("text", flat=True)) == ["1"]
