"""The life of an index version: candidates, the gate, activation, rollback and cancelling."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from search import failpoints
from search.indexing import gate, lifecycle, requests
from search.models import Collection, Document, IndexVersion, PendingChange, VersionEvent
from search.query_service import search

pytestmark = pytest.mark.django_db(transaction=True)

MakeDocument = Callable[..., Document]
Indexed = Callable[[], int]
Kind = VersionEvent.Kind


def active(collection: Collection) -> IndexVersion:
    version = collection.active_version()
    assert version is not None
    return version


def kinds(version: IndexVersion) -> list[str]:
    """Return what happened to a version, oldest first."""
    return list(version.events.order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def two_versions(collection: Collection, make_document: MakeDocument, indexed: Indexed) -> tuple[IndexVersion, ...]:
    """A retired version 1 with small chunks, and an active version 2 with large ones."""
    Collection.objects.update(chunking={"max_tokens": 16})
    for number in range(6):
        make_document(external_id=f"d{number}", title=f"Note {number}", body=f"penguin number{number} " + "word " * 40)
    indexed()
    Collection.objects.update(chunking={})
    requests.request_rebuild(collection)
    indexed()
    first, second = IndexVersion.objects.order_by("number")
    assert (first.state, second.state) == ("retired", "active")
    return first, second


def quarantine(document: Document) -> None:
    """Let every version give a document up."""
    PendingChange.objects.filter(document=document).update(quarantined=True, last_error="It cannot be read.")


# --- A build that cannot be finished


def test_a_build_that_ends_its_worker_again_and_again_is_given_up_and_saves_go_on(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(body="penguins")
    indexed()
    requests.request_rebuild(collection)
    monkeypatch.setenv(failpoints.VARIABLE, "measure.step=error")
    for number in range(20):
        with pytest.raises(RuntimeError):
            indexed()
        make_document(external_id=f"late{number}", body="elephants")
    indexed()

    candidate = IndexVersion.objects.get(number=2)
    assert candidate.state == "failed"
    assert "20 times in the middle of this build" in candidate.last_error
    assert kinds(candidate) == [Kind.CREATED, Kind.FAILED]
    assert active(collection).number == 1
    assert search("elephants", mode="lexical").total == 20


def test_a_failing_disk_does_not_give_a_build_up(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(body="penguins")
    indexed()
    requests.request_rebuild(collection)
    monkeypatch.setenv(failpoints.VARIABLE, "seal.before_write=enospc")
    for _ in range(25):
        indexed()
    assert IndexVersion.objects.get(number=2).state == "building"

    monkeypatch.delenv(failpoints.VARIABLE)
    indexed()
    assert active(collection).number == 2


# --- The gate


def test_a_candidate_is_measured_and_judged_before_it_goes_live(
    collection: Collection, two_versions: tuple[IndexVersion, ...]
) -> None:
    candidate = two_versions[1]
    report = gate.GateReport.from_json(candidate.gate)
    assert report is not None
    assert report.passed
    assert [check.name for check in report.checks] == ["coverage", "recall", "files", "smoke"]
    assert (candidate.recall, candidate.recall_target) == (1.0, 0.98)
    assert candidate.median_us and candidate.p95_us and candidate.bytes_per_vector and candidate.disk_bytes
    assert candidate.measurements["queries"] == candidate.chunks
    assert kinds(candidate) == [Kind.CREATED, Kind.READY, Kind.ACTIVATED]
    assert kinds(two_versions[0]) == [Kind.CREATED, Kind.ACTIVATED, Kind.RETIRED]


def test_a_candidate_below_its_recall_does_not_go_live(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    indexed()
    IndexVersion.objects.filter(pk=candidate.pk).update(recall=0.97, activate_when_ready=True, gate={})
    make_document(external_id="late", body="elephants")
    indexed()
    candidate.refresh_from_db()
    assert candidate.state == "ready"
    assert candidate.last_error == "It may not go live: Recall@10 is 0.9700; 0.98 was asked for."
    assert search("penguins").index_version == 1


def test_a_candidate_that_could_not_index_a_document_does_not_go_live(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    make_document(body="penguins")
    indexed()
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10, "MAX_ATTEMPTS": 1}
    make_document(external_id="long", body="elephants and more")
    requests.request_rebuild(collection)
    indexed()
    candidate = IndexVersion.objects.get(number=2)
    assert candidate.state == "ready"
    assert "1 of 2 documents are in it. 1 could not be indexed" in candidate.last_error
    with pytest.raises(lifecycle.CannotActivate, match="1 of 2 documents"):
        lifecycle.activate(candidate)


def test_an_override_needs_a_reason_and_is_recorded(
    collection: Collection, make_document: MakeDocument, indexed: Indexed, settings: Any, db: None
) -> None:
    curator = User.objects.create_user("curator")
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10, "MAX_ATTEMPTS": 1}
    make_document(external_id="long", body="elephants and more")
    make_document(external_id="short", body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    indexed()
    with pytest.raises(lifecycle.CannotActivate):
        lifecycle.activate(candidate, by=curator, override_reason="  ")
    lifecycle.activate(candidate, by=curator, override_reason="The long one is to be split.")
    event = candidate.events.get(kind=Kind.OVERRIDDEN)
    assert (event.by, event.reason) == (curator, "The long one is to be split.")
    assert event.details["gate"]["passed"] is False
    assert search("penguins").index_version == 2


def test_no_override_lets_a_version_go_live_that_has_changes_waiting(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    indexed()
    make_document(body="penguins")
    with pytest.raises(lifecycle.CannotActivate, match="changes waiting"):
        lifecycle.activate(candidate, override_reason="I want it now.")


def test_a_damaged_file_is_refused_and_not_repaired_by_the_gate(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    indexed()
    candidate.refresh_from_db()
    segment = candidate.segments.get()
    path = candidate.folder / "segments" / segment.path
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    damaged = path.read_bytes()
    report = gate.assess(candidate)
    assert [check.name for check in report.checks if not check.passed] == ["files", "smoke"]
    assert path.read_bytes() == damaged
    segment.refresh_from_db()
    assert segment.state == "live"


def test_a_version_that_changed_since_it_was_judged_waits_for_a_new_judgment(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection, activate_when_ready=False)
    indexed()
    IndexVersion.objects.filter(pk=candidate.pk).update(generation=99)
    with pytest.raises(lifecycle.CannotActivate, match="yet to be judged"):
        lifecycle.activate(candidate, override_reason="I want it now.")
    assert not lifecycle.activate(candidate, by=User.objects.create_user("olga"))
    assert (candidate.state, candidate.activate_when_ready) == ("ready", True)
    event = candidate.events.get(kind=Kind.WANTED)
    assert event.by is not None
    assert event.by.get_username() == "olga"
    indexed()
    candidate.refresh_from_db()
    assert candidate.state == "active"


# --- Rollback


def test_a_rollback_that_missed_nothing_is_live_at_once(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    for _ in range(2):
        requests.request_rebuild(collection)
        indexed()
    found = lifecycle.roll_back(IndexVersion.objects.get(number=2))
    assert found.total == 0
    assert search("penguins").index_version == 2
    assert IndexVersion.objects.get(number=3).state == "retired"


def test_a_rollback_to_damaged_files_is_not_live_before_they_are_mended(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    for _ in range(2):
        requests.request_rebuild(collection)
        indexed()
    second = IndexVersion.objects.get(number=2)
    path = second.folder / "segments" / second.segments.get().path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)
    assert lifecycle.roll_back(second).total == 0
    assert active(collection).number == 3
    indexed()
    assert active(collection).number == 2
    assert gate.files_sound(active(collection))


def test_a_rollback_first_applies_what_it_missed(
    collection: Collection,
    two_versions: tuple[IndexVersion, ...],
    make_document: MakeDocument,
    indexed: Indexed,
) -> None:
    first, second = two_versions
    Document.objects.filter(external_id="d0").update(body="elephant " + "word " * 40)
    Document.objects.filter(external_id="d1").delete()
    Document.objects.filter(external_id="d2").update(state="archived")
    make_document(external_id="new", body="giraffe " + "word " * 40)
    indexed()
    assert lifecycle.missed(first) == lifecycle.Missed(changed=2, gone=2)
    assert lifecycle.roll_back(first) == lifecycle.Missed(changed=2, gone=2)
    assert active(collection) == second
    indexed()
    assert active(collection) == first
    response = search("penguin elephant giraffe", mode="lexical", k=10)
    assert response.index_version == 1
    assert sorted(r.external_id for r in response.results) == ["d0", "d3", "d4", "d5", "new"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.chunks > second.chunks
    assert lifecycle.missed(first).total == 0


def test_a_save_during_a_rollback_reaches_both_versions(
    collection: Collection,
    two_versions: tuple[IndexVersion, ...],
    make_document: MakeDocument,
    indexed: Indexed,
) -> None:
    first, second = two_versions
    make_document(external_id="before", body="elephant")
    indexed()
    lifecycle.roll_back(first)
    make_document(external_id="during", body="elephant")
    waiting = PendingChange.objects.filter(document__external_id="during")
    assert set(waiting.values_list("version", flat=True)) == {first.pk, second.pk}
    indexed()
    assert sorted(r.external_id for r in search("elephant", mode="lexical").results) == ["before", "during"]
    assert active(collection) == first


def test_a_cancelled_rollback_leaves_the_version_retired_and_the_other_live(
    collection: Collection, two_versions: tuple[IndexVersion, ...], make_document: MakeDocument, indexed: Indexed
) -> None:
    first, second = two_versions
    make_document(external_id="new", body="elephant")
    lifecycle.roll_back(first)
    lifecycle.cancel(first)
    indexed()
    first.refresh_from_db()
    assert first.state == "retired"
    assert active(collection) == second
    assert lifecycle.missed(first).total == 1


def test_only_a_retired_version_is_rolled_back(two_versions: tuple[IndexVersion, ...]) -> None:
    with pytest.raises(lifecycle.CannotRollBack, match="is Active"):
        lifecycle.roll_back(two_versions[1])


# --- Cancelling


def test_a_cancelled_build_fails_with_that_reason_and_is_not_fed_any_more(
    collection: Collection, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(body="penguins")
    indexed()
    candidate = lifecycle.create_version(collection)
    lifecycle.cancel(candidate)
    make_document(external_id="late", body="elephants")
    assert not candidate.pending_changes.exists()
    indexed()
    candidate.refresh_from_db()
    assert (candidate.state, candidate.last_error) == ("failed", "Cancelled.")
    assert kinds(candidate) == [Kind.CREATED, Kind.FAILED, Kind.CANCELLED]


def test_the_live_version_cannot_be_cancelled(collection: Collection, indexed: Indexed) -> None:
    indexed()
    with pytest.raises(lifecycle.CannotCancel, match="is Active"):
        lifecycle.cancel(active(collection))
