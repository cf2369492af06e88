"""One process at a time works on an import: a lease in the job's row, with a token that fences off who lost it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from search.conf import conf
from search.models import ImportJob
from search.processes import may_live, new_holder


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
        if not held.update(expires_at=_expiry(), changed_at=timezone.now(), **values):
            raise JobLost(f"Import {self.job_id} went to another process.")


@contextlib.contextmanager
def hold(job_id: int) -> Iterator[JobLease]:
    """Hold the job for the length of the block. Raises JobBusy, and ImportJob.DoesNotExist."""
    job = ImportJob.objects.get(pk=job_id)
    free = Q(holder="") | Q(expires_at__lt=timezone.now())
    if job.holder and not may_live(job.holder):
        free |= Q(holder=job.holder)
    free &= Q(pk=job_id, token=job.token)
    if not ImportJob.objects.filter(free).update(holder=new_holder(), token=F("token") + 1, expires_at=_expiry()):
        raise JobBusy(f"Import {job_id} is being worked on by {job.holder or 'another process'}.")
    lease = JobLease(job_id, job.token + 1)
    try:
        yield lease
    finally:
        ImportJob.objects.filter(pk=job_id, token=lease.token).update(holder="")


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=conf().LEASE_SECONDS)
