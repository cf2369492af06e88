"""Alarms: each fault is one sentence with a cure, the worst first, and a healthy installation has none."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from search.models import Collection, FigureSample, ImportJob, IndexVersion, PendingChange
from search.status.alarms import Alarm, Severity, alarms
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def codes() -> list[str]:
    return [alarm.code for alarm in alarms(timezone.now())]


def only(code: str) -> Alarm:
    [alarm] = alarms(timezone.now())
    assert alarm.code == code
    assert alarm.title
    assert alarm.what_to_do
    return alarm


def test_a_healthy_installation_has_none(live: IndexVersion) -> None:
    FigureSample.objects.create(taken_at=timezone.now())

    assert codes() == []


def test_an_empty_installation_has_none(db: None) -> None:
    assert codes() == []


def test_documents_that_nobody_finds(make_document: MakeDocument) -> None:
    make_document()

    assert only("no-index-version").severity is Severity.CRITICAL


def test_a_collection_of_drafts_needs_no_version(make_document: MakeDocument) -> None:
    make_document(state="draft")

    assert codes() == []


def test_what_a_collection_could_not_do(live: IndexVersion) -> None:
    Collection.objects.update(last_error="The encoder is not there.")

    assert only("collection-error").reasons == ("The encoder is not there.",)


def test_a_worker_that_is_silent(live: IndexVersion) -> None:
    FigureSample.objects.create(taken_at=timezone.now() - timedelta(minutes=6))
    IndexVersion.objects.update(changed_at=timezone.now() - timedelta(minutes=7))

    assert only("worker-silent").severity is Severity.CRITICAL


def test_a_worker_that_applies_is_not_silent(live: IndexVersion) -> None:
    FigureSample.objects.create(taken_at=timezone.now() - timedelta(minutes=6))
    IndexVersion.objects.update(changed_at=timezone.now())

    assert codes() == []


def test_a_disk_that_is_nearly_full(live: IndexVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.status.alarms.shutil.disk_usage", lambda path: SimpleNamespace(free=50 << 20))

    assert "50 MB" in only("disk-nearly-full").title


def test_a_version_that_is_stopped(live: IndexVersion) -> None:
    IndexVersion.objects.update(last_error="No space left on device")

    assert only("index-stopped").about == live


def test_a_long_queue(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document()
    PendingChange.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    IndexVersion.objects.update(changed_at=timezone.now() - timedelta(minutes=2))

    assert "the oldest for 10 min" in only("lag").title


def test_a_long_queue_that_gets_shorter_is_none(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document()
    PendingChange.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    IndexVersion.objects.update(changed_at=timezone.now())

    assert codes() == []


def test_a_short_wait_is_none(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document()

    assert codes() == []


def test_documents_that_could_not_be_indexed(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document()
    PendingChange.objects.update(quarantined=True)

    assert only("failed-documents").title == "Docs: 1 document could not be indexed"


def test_an_import_that_failed_lately(live: IndexVersion) -> None:
    job = ImportJob.objects.create(collection=live.collection, status="failed", error="The file is gone.")

    assert only("import-failed").about == job
    ImportJob.objects.update(changed_at=timezone.now() - timedelta(days=2))
    assert codes() == []


def test_the_worst_comes_first(live: IndexVersion, make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    IndexVersion.objects.update(drift=2, last_error="No space left on device")

    assert codes() == ["index-stopped", "drift"]
