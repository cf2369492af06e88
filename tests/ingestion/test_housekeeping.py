"""Imports whose process is gone are found, and the files of old ones are removed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from search.ingestion import housekeeping, job_leases, jobs, uploads
from search.models import Collection, ImportJob
from tests.ingestion.imports import draft

pytestmark = pytest.mark.django_db


def test_a_queued_job_that_nobody_took_is_found(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one"})
    jobs.start(job)

    assert housekeeping.abandoned() == [job.pk]


def test_a_job_that_is_being_worked_on_is_left_alone(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one"})
    jobs.start(job)

    with job_leases.hold(job.pk):
        assert housekeeping.abandoned() == []


def test_a_job_whose_process_was_killed_is_found_at_once(collection: Collection) -> None:
    job = draft(collection, {"a.txt": "one"})
    jobs.start(job)
    with job_leases.hold(job.pk):
        holder = ImportJob.objects.get().holder
    host, _, started, tail = holder.rsplit(":", 3)
    later = timezone.now() + timedelta(hours=1)
    ImportJob.objects.update(holder=f"{host}:999999999:{started}:{tail}", expires_at=later)

    assert housekeeping.abandoned() == [job.pk]


def test_drafts_and_finished_jobs_are_no_work(collection: Collection) -> None:
    draft(collection, {"a.txt": "one"})

    assert housekeeping.abandoned() == []


def test_the_files_of_old_imports_are_removed(collection: Collection) -> None:
    old, young, running = (draft(collection, {"a.txt": "one"}) for _ in range(3))
    jobs.start(running)
    before = timezone.now() - timedelta(days=31)
    ImportJob.objects.filter(pk__in=[old.pk, running.pk]).update(changed_at=before)

    assert housekeeping.clear_away() == 1

    assert [uploads.folder_of(job).exists() for job in (old, young, running)] == [False, True, True]


def test_a_stream_whose_request_is_gone_is_shown_as_failed(collection: Collection) -> None:
    gone = jobs.create(collection, source=ImportJob.Source.STREAM, name="gone")
    alive = jobs.create(collection, source=ImportJob.Source.STREAM, name="alive")
    ImportJob.objects.update(status=ImportJob.Status.RUNNING)

    with job_leases.hold(alive.pk):
        assert housekeeping.give_up_streams() == 1

    gone.refresh_from_db()
    alive.refresh_from_db()
    assert (gone.status, alive.status) == (ImportJob.Status.FAILED, ImportJob.Status.RUNNING)
    assert "same Idempotency-Key" in gone.error
    assert housekeeping.abandoned() == []
    with pytest.raises(jobs.BadImport, match="send it again"):
        jobs.resume(gone)
