"""Asks the queries of a set exactly as people ask them, and keeps what was found and what it is worth.

A run is a row; what is done of it are rows, too. Whatever kills the process, the next one goes on with the queries
that are left. Nothing here ranks: every answer comes from `query_service.search`.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from search import query_service
from search.conf import conf
from search.datatypes import SearchResponse
from search.evaluation import metrics, statistics
from search.evaluation.comparison import scores_of
from search.evaluation.judged import grades_of
from search.evaluation.run_leases import RunBusy, RunLease, hold
from search.models import EvaluationQuery, EvaluationQuerySet, EvaluationRun, IndexVersion, RunQuery
from search.query_service import InvalidQuery, NotReady, UnknownCollection
from search.retrieval_options import problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractBaseUser

_AT_ONCE = 20  # queries whose answers are stored together
_OPENING_SECONDS = 20.0
_RETRY_SECONDS = 0.2
GATE_LABEL = "gate"
GOOD_MATCH = "good_match"
TOOK = "took_ms"


class BadRun(ValueError):
    """The run makes no sense; the message says why, and what would do."""


class _Stopped(Exception):
    """The run cannot go on; the message is for people."""


def create(
    query_set: EvaluationQuerySet,
    *,
    version: IndexVersion | None = None,
    mode: str = EvaluationRun.Mode.HYBRID,
    options: Mapping[str, Any] | None = None,
    label: str = "",
    most: int = 0,
    k: int = query_service.MAX_K,
    by: "AbstractBaseUser | None" = None,
) -> EvaluationRun:
    """Return a queued run of a set on a version, by default the live one of that moment; `most` queries of it, or all.

    Raises BadRun.
    """
    measurable = EvaluationQuery.objects.filter(query_set=query_set).measurable().count()
    problem = problem_of(options or {})
    if not measurable:
        problem = _("No query of %s has a relevant document yet; judge some first.") % query_set
    if mode not in query_service.MODES:
        problem = _("mode is %(mode)s; known: %(known)s.") % {"mode": mode, "known": ", ".join(query_service.MODES)}
    if not metrics.CUTOFF <= k <= query_service.MAX_K:
        problem = _("k is %(k)d; it must be from %(least)d to %(most)d.") % {
            "k": k, "least": metrics.CUTOFF, "most": query_service.MAX_K,
        }  # fmt: skip
    if version is not None and version.collection_id != query_set.collection_id:
        problem = _("%(version)s is not of the collection of %(set)s.") % {"version": version, "set": query_set}
    if problem:
        raise BadRun(problem)
    return EvaluationRun.objects.create(
        query_set=query_set,
        index_version=version,
        version_number=version.number if version else None,
        label=label[:200],
        mode=mode,
        options=dict(options or {}),
        k=k,
        queries_total=min(most, measurable) if most > 0 else measurable,
        created_by_id=by.pk if by else None,
    )


def work(run_id: int, *, budget_seconds: float | None = None) -> bool:
    """Go on with a run for a while; return whether it wants to go on at once.

    Does nothing where another process is at it, and where it is over or gone. A collection that cannot be searched
    just now leaves the run as it is, for the worker's next sweep.
    """
    deadline = None if budget_seconds is None else time.monotonic() + budget_seconds
    try:
        with hold(run_id) as lease:
            return _go_on(EvaluationRun.objects.select_related("query_set__collection").get(pk=run_id), lease, deadline)
    except (RunBusy, EvaluationRun.DoesNotExist):
        return False


def unfinished() -> list[int]:
    """Return the runs that a worker has to take up; those of the gate are worked on by whoever builds the version."""
    waiting = EvaluationRun.objects.unfinished().exclude(label=GATE_LABEL)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def cancel(run: EvaluationRun) -> None:
    """Stop a run, with what it has done so far left to be looked at."""
    waiting = EvaluationRun.objects.unfinished().filter(pk=run.pk)
    waiting.update(state=EvaluationRun.State.CANCELLED, finished_at=timezone.now())


def fail(run: EvaluationRun, why: str) -> None:
    """End a run that is not over; what it has done so far can be looked at."""
    waiting = EvaluationRun.objects.unfinished().filter(pk=run.pk)
    waiting.update(state=EvaluationRun.State.FAILED, error=why, finished_at=timezone.now())


def _go_on(run: EvaluationRun, lease: RunLease, deadline: float | None) -> bool:
    if run.is_over:
        return False
    try:
        version = _begin(run, lease)
        left = _left(run)
        for at in range(0, len(left), _AT_ONCE):
            if not lease.write(queries_done=run.queries_total - len(left) + at):
                return False  # cancelled, or another process has taken it over
            if deadline is not None and time.monotonic() > deadline:
                return True
            _ask(run, version, left[at : at + _AT_ONCE])
        _sum_up(run, lease)
    except NotReady:
        return False
    except (_Stopped, InvalidQuery, UnknownCollection) as error:
        lease.write(state=EvaluationRun.State.FAILED, error=str(error), finished_at=timezone.now())
    return False


def _begin(run: EvaluationRun, lease: RunLease) -> IndexVersion:
    """Return the version that the whole run asks, however often the live one changes meanwhile."""
    version = run.index_version
    if version is None and run.version_number is not None:
        raise _Stopped(_("Index version %d is gone.") % run.version_number)
    if version is None:
        version = run.query_set.collection.active_version()
        if version is None:
            raise NotReady(_("The first index version of this collection is about to be made by the worker."))
    run.index_version = version
    lease.write(
        index_version=version,
        version_number=version.number,
        state=EvaluationRun.State.RUNNING,
        started_at=run.started_at or timezone.now(),
    )
    return version


def _left(run: EvaluationRun) -> "Sequence[EvaluationQuery]":
    queries = EvaluationQuery.objects.filter(query_set=run.query_set_id).measurable().order_by("pk")
    done = set(RunQuery.objects.filter(run=run).values_list("query_id", flat=True))
    return [query for query in queries[: run.queries_total] if query.pk not in done]


def _ask(run: EvaluationRun, version: IndexVersion, queries: "Sequence[EvaluationQuery]") -> None:
    grades = grades_of(query.pk for query in queries)
    rows = []
    for query in queries:
        response = _answer(run, version, query.text)
        ranked = [[result.external_id, round(result.score, 6)] for result in response.results]
        values = metrics.of_query([result.external_id for result in response.results], grades[query.pk], run.k)
        values[GOOD_MATCH] = float(response.good_match)
        rows.append(RunQuery(run=run, query=query, ranked=ranked, metrics=values, took_ms=response.took_ms.total))
    RunQuery.objects.bulk_create(rows, ignore_conflicts=True)


def _answer(run: EvaluationRun, version: IndexVersion, text: str) -> SearchResponse:
    """Ask one query of exactly that version, with every leg that it asks for. Raises _Stopped where that cannot be."""
    until = time.monotonic() + _OPENING_SECONDS
    while True:
        current = IndexVersion.objects.select_related("collection").filter(pk=version.pk, pruned_at=None).first()
        if current is None:
            raise _Stopped(_("Index version %d is gone.") % version.number)
        response = query_service.search(
            text.strip()[: conf().MAX_QUERY_CHARS],
            user=everybody(),
            k=run.k,
            mode=run.mode,
            version=current,
            options=run.options,
            log=False,
        )
        if response.degraded:
            raise _Stopped(response.degraded[0])
        if response.index_version == version.number:
            return response
        if time.monotonic() > until:
            raise _Stopped(_("Index version %d cannot be opened.") % version.number)
        time.sleep(_RETRY_SECONDS)  # it is being opened beside the queries, which go on with another one


def everybody() -> "AbstractBaseUser":
    """Return somebody who may see every published document: the ranking is measured, not who may see what."""
    return get_user_model()(is_superuser=True, is_active=True)


def rescore(run: EvaluationRun) -> None:
    """Work a finished run's metrics out anew, by the judgments as they are now; its rankings stay. Raises BadRun."""
    if run.state != EvaluationRun.State.FINISHED:
        raise BadRun(_("%s is not finished.") % run)
    rows = list(RunQuery.objects.filter(run=run))
    scores = scores_of(run)
    for row in rows:
        row.metrics = {**row.metrics, **scores.get(row.query_id, {})}
    judged = [row for row in rows if row.query_id in scores]
    with transaction.atomic():
        RunQuery.objects.bulk_update(judged, ["metrics"], batch_size=_AT_ONCE)
        EvaluationRun.objects.filter(pk=run.pk).update(
            metrics={**run.metrics, **_summary(run.k, [row.metrics for row in judged])}, changed_at=timezone.now()
        )


def _sum_up(run: EvaluationRun, lease: RunLease) -> None:
    rows = list(RunQuery.objects.filter(run=run).values_list("metrics", "took_ms"))
    summary = _summary(run.k, [values for values, _took in rows])
    took = sorted(took for _values, took in rows)
    times = {"p50": took[len(took) // 2], "p95": took[int(len(took) * 0.95)], "count": len(took)} if took else {}
    lease.write(
        state=EvaluationRun.State.FINISHED,
        metrics={**summary, TOOK: times},
        queries_done=len(rows),
        finished_at=timezone.now(),
    )


def _summary(k: int, values: "Sequence[Mapping[str, float]]") -> dict[str, dict[str, float]]:
    """Return the means of what all queries have been measured by; a run of an older release may lack a metric."""
    names = [name for name in (*metrics.names(k), GOOD_MATCH) if all(name in each for each in values)]
    return {name: statistics.mean([each[name] for each in values]).as_json() for name in names}
