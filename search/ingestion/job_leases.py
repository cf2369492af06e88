"""One process at a time works on an import: a lease in the job's row, with a token that fences off who lost it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from search.models import ImportJob, row_leases


class JobBusy(Exception):
    """Another process is working on this import."""


class JobLost(Exception):
    """Another process has taken this import over, or it is gone; nothing more may be written for it."""


@dataclass(frozen=True, slots=True)
class JobLease:
    """The right to work on one import."""

    job_id: int
    token: int

    def write(self, **values: Any) -> None:
        """Change the job's row and extend the lease; in a transaction this locks it until the end. Raises JobLost."""
        held = ImportJob.objects.filter(pk=self.job_id, token=self.token).exclude(holder="")
        if not held.update(expires_at=row_leases.expiry(), changed_at=timezone.now(), **values):
            raise JobLost(f"Import {self.job_id} went to another process.")


@contextlib.contextmanager
def hold(job_id: int) -> Iterator[JobLease]:
    """Hold the job for the length of the block. Raises JobBusy, and ImportJob.DoesNotExist."""
    job = ImportJob.objects.get(pk=job_id)
    token = row_leases.take(job)
    if token is None:
        raise JobBusy(f"Import {job_id} is being worked on by {job.holder or 'another process'}.")
    try:
        yield JobLease(job_id, token)
    finally:
        row_leases.release(job, token)
