"""How far the work on a version is: which phase, how much of it, how fast, how long yet."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from search.indexing import lifecycle
from search.indexing.version_progress import Phase, version_progress, version_progresses
from search.models import Collection, IndexVersion, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(collection: Collection, make_document: MakeDocument) -> IndexVersion:
    """A version that has applied 6 of 10 documents, 4 of them waiting, at 2 a second until just now."""
    ids = [make_document().pk for _ in range(10)]
    version = lifecycle.create_version(collection)
    PendingChange.objects.bulk_create(PendingChange(version=version, document_id=pk, revision=1) for pk in ids[6:])
    now_at(version, filled_to=None, documents=6, documents_per_second=2.0, changed_at=timezone.now())
    return version


def now_at(version: IndexVersion, **columns: Any) -> None:
    """Write what the worker would have written."""
    IndexVersion.objects.filter(pk=version.pk).update(**columns)
    version.refresh_from_db()


def test_while_documents_wait_they_are_what_is_counted(version: IndexVersion) -> None:
    progress = version_progress(version)

    assert (progress.phase, progress.done, progress.total, progress.waiting) == (Phase.DOCUMENTS, 6, 10, 4)
    assert progress.percent == 60
    assert progress.moving


def test_what_is_left_takes_as_long_as_the_rate_says(version: IndexVersion) -> None:
    progress = version_progress(version)

    assert (progress.per_second, progress.remaining_seconds) == (2.0, 2.0)


def test_a_rate_from_before_a_standstill_promises_nothing(version: IndexVersion) -> None:
    now_at(version, changed_at=timezone.now() - timedelta(minutes=5))

    progress = version_progress(version)

    assert (progress.per_second, progress.remaining_seconds) == (None, None)


def test_before_everything_is_queued_every_document_counts_as_waiting(version: IndexVersion) -> None:
    now_at(version, filled_to=0, documents=0)

    progress = version_progress(version)

    assert (progress.phase, progress.done, progress.total, progress.waiting) == (Phase.QUEUEING, 0, 10, 10)
    assert not progress.all_queued


def test_failed_documents_are_not_waited_for(version: IndexVersion) -> None:
    PendingChange.objects.update(quarantined=True)

    progress = version_progress(version)

    assert (progress.waiting, progress.failed) == (0, 4)


@pytest.mark.parametrize(
    ("step", "phase", "words"),
    [
        ("compacting: training", Phase.COMPACTING, "Building the vector index: training"),
        ("compacting: measurin", Phase.COMPACTING, "Building the vector index: trying parameters"),
        ("sealing: adding", Phase.SEALING, "Writing new vectors into a file: adding vectors"),
        ("measuring: truth", Phase.MEASURING, "Measuring recall and speed: searching exactly, to compare with"),
    ],
)
def test_a_step_is_told_with_its_own_figures(version: IndexVersion, step: str, phase: Phase, words: str) -> None:
    PendingChange.objects.all().delete()
    now_at(version, step=step, step_done=30, step_total=120)

    progress = version_progress(version)

    assert (progress.phase, progress.words) == (phase, words)
    assert (progress.done, progress.total, progress.percent) == (30, 120, 25)
    assert progress.remaining_seconds is None


def test_a_candidate_that_has_applied_everything_waits_for_its_checks(version: IndexVersion) -> None:
    PendingChange.objects.all().delete()
    now_at(version, state=IndexVersion.State.READY)

    assert version_progress(version).phase is Phase.CHECKING


@pytest.mark.parametrize("state", ["active", "retired", "failed"])
def test_a_version_without_work_is_idle(version: IndexVersion, state: str) -> None:
    PendingChange.objects.all().delete()
    now_at(version, state=state)

    progress = version_progress(version)

    assert (progress.phase, progress.moving, progress.percent) == (Phase.IDLE, False, 100)


def test_many_versions_take_no_more_queries_than_one(version: IndexVersion) -> None:
    with CaptureQueriesContext(connection) as alone:
        version_progresses([version])
    others = [lifecycle.create_version(Collection.objects.create(slug=f"c{n}", name="C")) for n in range(4)]

    with CaptureQueriesContext(connection) as together:
        version_progresses([version, *others])

    assert len(together) == len(alone)
