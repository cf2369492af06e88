"""One process at a time works on a run: a lease in the run's row, with a token that fences off who lost it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from search.models import EvaluationRun, row_leases


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
        return bool(held.update(expires_at=row_leases.expiry(), changed_at=timezone.now(), **values))


@contextlib.contextmanager
def hold(run_id: int) -> Iterator[RunLease]:
    """Hold the run for the length of the block. Raises RunBusy, and EvaluationRun.DoesNotExist."""
    run = EvaluationRun.objects.get(pk=run_id)
    token = row_leases.take(run)
    if token is None:
        raise RunBusy(f"Run {run_id} is being worked on by {run.holder or 'another process'}.")
    try:
        yield RunLease(run_id, token)
    finally:
        row_leases.release(run, token)
