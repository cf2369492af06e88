"""The comparison that runs by itself: in slices, when it is due, keeping its figure and mending files only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from search.indexing import drift
from search.indexing.sweep import sweep
from search.models import Collection, Document, IndexVersion, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


@pytest.fixture
def version(collection: Collection, make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """Three documents, applied; nothing is being compared."""
    drift._running.clear()
    for _ in range(3):
        make_document()
    indexed()
    version = collection.active_version()
    assert version is not None
    return version


def test_a_sweep_compares_a_version_that_has_applied_everything_and_keeps_the_figure(version: IndexVersion) -> None:
    sweep()
    version.refresh_from_db()
    assert version.drift == 0
    assert version.checked_at is not None
    assert (version.drift_report["clean"], version.drift_report["documents"]) == (True, 3)


def test_drift_is_a_figure_and_a_list_and_nothing_is_changed(version: IndexVersion) -> None:
    Document.objects.update(body="changed")
    PendingChange.objects.all().delete()
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.drift == 3
    assert version.drift_report["stale"]["count"] == 3
    assert not PendingChange.objects.exists()


def test_a_version_that_was_compared_lately_is_left_alone(version: IndexVersion) -> None:
    lately = timezone.now() - timedelta(hours=1)
    IndexVersion.objects.update(checked_at=lately)
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.checked_at == lately


def test_a_version_that_was_compared_long_ago_is_compared_again(version: IndexVersion) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    IndexVersion.objects.update(checked_at=long_ago)
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.checked_at is not None
    assert version.checked_at > long_ago


def test_nothing_is_compared_where_the_setting_is_zero(version: IndexVersion, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "CHECK_SECONDS": 0.0}
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.checked_at is None


def test_a_first_comparison_waits_until_everything_is_applied(version: IndexVersion) -> None:
    Document.objects.update(body="changed")
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.checked_at is None


def test_a_comparison_that_does_not_fit_goes_on_at_the_next_sweep(version: IndexVersion) -> None:
    drift.step(budget_seconds=0)
    [(_begun, steps)] = drift._running.values()
    next(steps)
    drift.step(budget_seconds=0)
    assert [kept for _begun, kept in drift._running.values()] == [steps]
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert (version.drift, drift._running) == (0, {})


def test_a_damaged_file_that_a_comparison_finds_is_written_again(version: IndexVersion) -> None:
    published = version.folder / "lexical" / "published" / version.lexical_files["folder"]
    for path in published.glob("*.store"):
        path.write_bytes(b"x" + path.read_bytes()[1:])
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.drift == 1
    assert version.lexical_files == {}
    sweep()
    IndexVersion.objects.update(checked_at=None)
    drift.step(budget_seconds=60)
    version.refresh_from_db()
    assert version.drift == 0
