"""One process at a time works on a run: a lease in the run's row, with a token that fences off who lost it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from search.conf import conf
from search.models import EvaluationRun
from search.processes import may_live, new_holder


class RunBusy(Exception):
    """Another process is working on this run."""


@dataclass(frozen=True, slots=True)
class RunLease:
    """The right to work on one run."""

    run_id: int
    token: int

    def write(self, **values: Any) -> bool:
        """Change the run's row and extend the lease; False where it was lost, or the run was cancelled."""
        held = EvaluationRun.objects.unfinished().filter(pk=self.run_id, token=self.token)
        return bool(held.update(expires_at=_expiry(), changed_at=timezone.now(), **values))


@contextlib.contextmanager
def hold(run_id: int) -> Iterator[RunLease]:
    """Hold the run for the length of the block. Raises RunBusy, and EvaluationRun.DoesNotExist."""
    run = EvaluationRun.objects.get(pk=run_id)
    free = Q(holder="") | Q(expires_at__lt=timezone.now())
    if run.holder and not may_live(run.holder):
        free |= Q(holder=run.holder)
    free &= Q(pk=run_id, token=run.token)
    if not EvaluationRun.objects.filter(free).update(holder=new_holder(), token=F("token") + 1, expires_at=_expiry()):
        raise RunBusy(f"Run {run_id} is being worked on by {run.holder or 'another process'}.")
    lease = RunLease(run_id, run.token + 1)
    try:
        yield lease
    finally:
        EvaluationRun.objects.filter(pk=run_id, token=lease.token).update(holder="")


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=conf().LEASE_SECONDS)
