"""Celery tasks: ids in, one call each. Messages are hints; the pending rows are the work."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
from django.db import DatabaseError, transaction
from django.utils import timezone

from search.access import keyed_requests
from search.conf import conf
from search.evaluation import runner as evaluation
from search.indexing import fan_out, lifecycle, requests
from search.indexing import sweep as sweeping
from search.ingestion import bulk_changes, deduplication, failures, housekeeping, jobs, revisions, runner
from search.models import BulkChange, Collection, EvaluationQuerySet, EvaluationRun, ImportJob, IndexVersion
from search.retrieval import near_duplicates
from search.status import samples

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from search.models.corpus import DocumentQuerySet
    from search.models.pending_changes import PendingChangeQuerySet

logger = logging.getLogger(__name__)

_BROKER_PAUSE_SECONDS = 5.0
_SLICE_SECONDS = 5.0  # of work that waits for nobody, before saves get their turn
_AT_ONCE_SECONDS = 1.0  # of a change that somebody waits for
_held: ContextVar[set[int] | None] = ContextVar("held", default=None)
_broker_down_until = 0.0


@shared_task(name="search.index_pending")
def index_pending(*, collection_id: int) -> None:
    """Apply what is pending, this collection's changes first; a long queue goes on in another message."""
    if fan_out.is_wanted(collection_id):
        _call_helper(collection_id)
    for unfinished in sweeping.serve(collection_id).unfinished:
        wake(unfinished)
    _keep_figures()  # a sweep may wait long behind a large import


@shared_task(name="search.encode_ahead")
def encode_ahead(*, collection_id: int) -> None:
    """Encode what a collection's writer will come to, and call one more worker; with one worker there is no writer."""
    another = partial(_call_helper, collection_id)
    if fan_out.encode_ahead(collection_id, budget_seconds=_SLICE_SECONDS, call_another=another):
        wake(collection_id)


@shared_task(name="search.run_import")
def run_import(*, job_id: int) -> None:
    """Work on an import for a while; a long one goes on in another message, so that saves get their turn."""
    with _one_wake_each():
        more = runner.run(job_id, budget_seconds=_SLICE_SECONDS)
    if more:
        wake_import(job_id)


@shared_task(name="search.run_bulk_change")
def run_bulk_change(*, change_id: int) -> None:
    """Go on with a change of many documents; a long one goes on in another message."""
    if work_on_bulk_change(change_id, budget_seconds=_SLICE_SECONDS):
        _send(run_bulk_change, change_id=change_id)


@shared_task(name="search.find_duplicates")
def find_duplicates(*, collection_id: int) -> None:
    """Go on with the search for near duplicates; a long one goes on in another message."""
    if near_duplicates.run(collection_id, budget_seconds=_SLICE_SECONDS):
        _send(find_duplicates, collection_id=collection_id)


@shared_task(name="search.run_evaluation")
def run_evaluation(*, run_id: int) -> None:
    """Ask some queries of an evaluation run; a long one goes on in another message."""
    if evaluation.work(run_id, budget_seconds=_SLICE_SECONDS):
        _send(run_evaluation, run_id=run_id)


@shared_task(name="search.sweep")
def sweep() -> None:
    """Find and do work that no message announced."""
    _keep_figures()
    for run_id in evaluation.unfinished():
        _send(run_evaluation, run_id=run_id)
    for job_id in housekeeping.abandoned():
        wake_import(job_id)
    for change_id in bulk_changes.unfinished():
        _send(run_bulk_change, change_id=change_id)
    housekeeping.give_up_streams()
    housekeeping.clear_away()
    keyed_requests.forget_old()
    revisions.forget_old()
    for collection_id in Collection.objects.values_list("pk", flat=True):
        deduplication.fill_hashes(collection_id)
    for collection_id in near_duplicates.unfinished():
        _send(find_duplicates, collection_id=collection_id)
    for unfinished in sweeping.sweep().unfinished:
        wake(unfinished)


def _keep_figures() -> None:
    """Take the sample of this minute. What it counts is worth nothing beside the work that waits."""
    try:
        now = timezone.now()
        if samples.take(now) is not None:
            samples.thin_out(now)
    except DatabaseError as error:
        logger.warning("No sample of figures was taken (%s).", type(error).__name__)


def wake(collection_id: int) -> None:
    """Tell the worker that a collection has work. Never raises and never waits long: the sweep finds it anyway."""
    held = _held.get()
    if held is not None:
        held.add(collection_id)
        return
    _send(index_pending, collection_id=collection_id)


@contextmanager
def _one_wake_each() -> Iterator[None]:
    """Wake for each collection once, at the end, however many batches were written to it."""
    held: set[int] = set()
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
        for collection_id in held:
            wake(collection_id)


def wake_import(job_id: int) -> None:
    """Tell the worker that an import has work; else as `wake`."""
    _send(run_import, job_id=job_id)


def start_import(job: ImportJob, *, dry_run: bool = False) -> None:
    """Queue an import and wake the worker. Raises BadImport."""
    jobs.start(job, dry_run=dry_run)
    transaction.on_commit(lambda: wake_import(job.pk))


def resume_import(job: ImportJob) -> None:
    """Go on with an import that failed as a whole, and wake the worker. Raises BadImport."""
    jobs.resume(job)
    transaction.on_commit(lambda: wake_import(job.pk))


def retry_import(job: ImportJob, *, by: "AbstractBaseUser | None" = None) -> ImportJob:
    """Send the failed rows and files of an import again, as a new one, and wake the worker. Raises BadImport."""
    again = failures.retry(job, by=by)
    transaction.on_commit(lambda: wake_import(again.pk))
    return again


def start_bulk_change(
    documents: "DocumentQuerySet",
    wanted: bulk_changes.Wanted,
    *,
    by: "AbstractBaseUser | None",
    expected: int | None = None,
) -> BulkChange:
    """Change documents: a few at once, the rest by the worker, which is told. Raises bulk_changes.BadChange."""
    change = bulk_changes.request(documents, wanted, by=by, expected=expected)
    if work_on_bulk_change(change.pk, budget_seconds=_AT_ONCE_SECONDS):
        transaction.on_commit(lambda: _send(run_bulk_change, change_id=change.pk))
    change.refresh_from_db()
    return change


def work_on_bulk_change(change_id: int, *, budget_seconds: float) -> bool:
    """Work on a change of many documents for a while; return whether there is more to do."""
    with _one_wake_each():
        return bulk_changes.run(change_id, reindex=reindex, budget_seconds=budget_seconds)


def start_evaluation(query_set: EvaluationQuerySet, **wanted: Any) -> EvaluationRun:
    """Queue a run of a set, as `evaluation.runner.create` takes it, and wake the worker. Raises BadRun."""
    run = evaluation.create(query_set, **wanted)
    transaction.on_commit(lambda: _send(run_evaluation, run_id=run.pk))
    return run


def request_duplicates(collection: Collection, *, threshold: float) -> None:
    """Ask for a search for near duplicates, and wake the worker. Raises ValueError."""
    near_duplicates.request(collection, threshold=threshold)
    transaction.on_commit(lambda: _send(find_duplicates, collection_id=collection.pk))


def _call_helper(collection_id: int) -> None:
    """Tell a worker that has nothing else to do; the message is worth nothing any more once the writer has gone on."""
    _send(encode_ahead.signature(expires=conf().TASK_BUDGET_SECONDS), collection_id=collection_id)


def _send(task: Any, **ids: int) -> None:
    global _broker_down_until
    if time.monotonic() < _broker_down_until:
        return
    try:
        task.apply_async(kwargs=ids, retry=False)
    except Exception as error:  # whatever the broker's client raises, the save has succeeded
        _broker_down_until = time.monotonic() + _BROKER_PAUSE_SECONDS
        logger.warning("The broker cannot be reached (%s); the worker's sweep will find the change.", error)


def reindex(documents: "DocumentQuerySet") -> int:
    """Queue documents to be applied again from nothing, and wake the worker; return how many."""
    collections = sorted(set(documents.order_by().values_list("collection_id", flat=True)))
    count = requests.reindex(documents)
    for collection_id in collections:
        wake(collection_id)
    return count


def retry_failed(pending: "PendingChangeQuerySet") -> int:
    """Take documents out of quarantine, and wake the worker; return how many."""
    failed = pending.failed().order_by()
    collections = sorted(set(failed.values_list("version__collection_id", flat=True)))
    count = requests.retry_failed(pending)
    for collection_id in collections:
        wake(collection_id)
    return count


def save_collection(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> bool:
    """Save a collection; where its recipe has changed, wake the worker for a candidate and return True."""
    asked = requests.save_collection(collection, user=user, activate_when_ready=activate_when_ready)
    if asked:
        transaction.on_commit(lambda: wake(collection.pk))
    return asked


def request_rebuild(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> None:
    """Ask for a new version of a collection, built beside the live one, and wake the worker."""
    requests.request_rebuild(collection, user=user, activate_when_ready=activate_when_ready)
    transaction.on_commit(lambda: wake(collection.pk))


def roll_back(version: IndexVersion, *, by: "AbstractBaseUser | None" = None) -> lifecycle.Missed:
    """Take a retired version back, and wake the worker for what it has missed."""
    found = lifecycle.roll_back(version, by=by)
    transaction.on_commit(lambda: wake(version.collection_id))
    return found
