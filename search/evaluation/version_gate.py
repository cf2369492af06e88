"""Never ship a worse version: a candidate answers the queries of the set that guards the gate, beside the live one.

Both runs are made once for each candidate, in short steps of the worker, and are rows like any other run. Nothing here
activates anything.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from search.evaluation import runner
from search.evaluation.comparison import compare
from search.evaluation.statistics import Difference
from search.indexing import gate_checks
from search.models import EvaluationQuerySet, EvaluationRun, IndexVersion

NAME = "answers"
LABEL = runner.GATE_LABEL
TOLERANCE = 0.01  # of nDCG@10; less is nothing that people notice
_STEP_SECONDS = 2.0
_BUSY_SECONDS = 0.5
_RETRY_AFTER = timedelta(minutes=10)


def register() -> None:
    """Make the gate ask."""
    gate_checks.register(NAME, gate_checks.MeasuredCheck(step=step, judge=judge))


def step(candidate: IndexVersion) -> bool:
    """Ask some more queries of the live version or of the candidate; return False when both have answered all."""
    for run in _runs(candidate):
        if not run.is_over:
            if not runner.work(run.pk, budget_seconds=_STEP_SECONDS):
                _look_after(run)
            return True
    return False


def judge(candidate: IndexVersion) -> gate_checks.Judged | None:
    """Compare the two by the judgments as they are now; None where no set guards the gate or nothing is live yet."""
    runs = _runs(candidate)
    if not runs:
        return None
    for run in runs:
        if run.state != EvaluationRun.State.FINISHED:
            why = run.error or run.get_state_display()
            return False, _("%(set)s could not be measured: %(why)s") % {"set": run.query_set, "why": why}
    live, mine = runs
    comparison = compare(live, mine)
    if not comparison.queries:  # what was judged then is not any more
        return None
    found = comparison.ndcg
    words = _("nDCG@10 on %(set)s is %(mine).4f, that of the live version %(live).4f (%(low)+.4f to %(high)+.4f).")
    difference = found.difference
    return not is_worse(difference), words % {
        "set": live.query_set, "mine": found.second, "live": found.first,
        "low": difference.low, "high": difference.high,
    }  # fmt: skip


def is_worse(difference: Difference) -> bool:
    """Tell whether the answers have become worse by more than the tolerance, and by more than chance would do."""
    return difference.difference < -TOLERANCE and difference.high < 0


def _runs(candidate: IndexVersion) -> list[EvaluationRun]:
    """Return the runs of the live version and of the candidate since that was ready, made now if need be.

    None for a version that was live before: taking one back is what people do when the newer one disappoints.
    """
    live = candidate.collection.active_version()
    guard = EvaluationQuerySet.objects.filter(collection=candidate.collection_id, guards_gate=True).first()
    if guard is None or live is None or live.pk == candidate.pk or candidate.activated_at is not None:
        return []
    try:
        with transaction.atomic():
            return [_run(guard, version, candidate) for version in (live, candidate)]
    except runner.BadRun:  # nothing in it is judged yet
        return []


def _run(guard: EvaluationQuerySet, version: IndexVersion, candidate: IndexVersion) -> EvaluationRun:
    """Return the run that counts; one that failed counts for a while, after which it is worth another attempt."""
    since = candidate.ready_at or candidate.created_at
    runs = EvaluationRun.objects.filter(query_set=guard, index_version=version, label=LABEL, created_at__gte=since)
    failed = Q(state__in=(EvaluationRun.State.FAILED, EvaluationRun.State.CANCELLED))
    made = runs.exclude(failed & Q(finished_at__lt=timezone.now() - _RETRY_AFTER)).select_related("query_set").first()
    return made or runner.create(guard, version=version, label=LABEL)


def _look_after(run: EvaluationRun) -> None:
    """End a run that cannot go on: the gate says why, and a person decides. One that another process works on can."""
    run.refresh_from_db()
    if run.holder:
        time.sleep(_BUSY_SECONDS)
    elif not run.is_over:
        runner.fail(run, _("The version could not be searched."))
