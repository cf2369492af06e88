"""What an import's page shows: how far it is, in figures and in a sentence, and what became of it. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from search.admin import addresses, figures
from search.indexing.progress import CollectionProgress, collection_progress
from search.models import ImportFailure, ImportFile, ImportJob

_PATIENCE_SECONDS = 20  # of a job that no worker takes up
_SHOWN_FILES = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the counts; `tone` is bad where somebody should look."""

    name: str
    value: str
    tone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ImportPanel:
    """How far an import is."""

    job: ImportJob
    moving: bool
    percent: int | None
    sentence: str
    hint: str
    figures: tuple[Figure, ...]
    rate: float | None
    elapsed: str
    remaining: str
    indexing: CollectionProgress | None
    open_failures: int
    warned_files: int
    rows: str
    bytes: str
    said: str  # changes only when there is something worth saying aloud

    @property
    def seen(self) -> str:
        """What the rest of the page depends on; when it changes, the page is loaded anew."""
        return f"{self.job.status}-{self.job.dry_run:d}-{self.job.cancel_requested:d}"


def import_panel(job: ImportJob) -> ImportPanel:
    """Return the panel of one import."""
    now = timezone.now()
    moving = job.status in (ImportJob.Status.QUEUED, ImportJob.Status.RUNNING)
    percent = _percent(job)
    elapsed = _elapsed(job, now)
    still_open = job.failures.filter(state=ImportFailure.State.OPEN).count() if job.failed else 0
    sentence = _sentence(job, still_open)
    return ImportPanel(
        job=job,
        moving=moving,
        percent=percent,
        sentence=sentence,
        hint=_hint(job, now),
        figures=_figures(job, still_open),
        rate=job.read / elapsed if elapsed and job.read else None,
        elapsed=_about(elapsed) if moving else took(job),
        remaining=_about(job.remaining_seconds(now)),
        indexing=_indexing(job),
        open_failures=still_open,
        warned_files=job.files.exclude(warnings=[]).count() if job.is_over else 0,
        rows=ngettext("%s row", "%s rows", job.read) % figures.whole(job.read),
        bytes=_("%(done)s of %(total)s")
        % {"done": figures.size(min(job.bytes_done, job.bytes_total)), "total": figures.size(job.bytes_total)}
        if job.bytes_total
        else "",
        said=_said(sentence, percent) if moving else sentence,
    )


def took(job: ImportJob) -> str:
    """Return how long an import that is over has worked; "" for one that never began."""
    elapsed = _elapsed(job, timezone.now())
    return "" if elapsed is None else figures.seconds(elapsed)


def shown_files(job: ImportJob) -> tuple[list[ImportFile], int]:
    """Return the files as far as they fit on a page, and how many more there are.

    First those that failed, then those with warnings, also in archives; then the others as they were sent.
    """
    bad = Q(status=ImportFile.Status.FAILED)
    wanting = bad | ~Q(warnings=[])
    first = list(job.files.filter(wanting).order_by(Case(When(bad, then=0), default=1), "pk")[:_SHOWN_FILES])
    others = job.files.filter(parent=None).exclude(wanting)
    shown = first + list(others[: _SHOWN_FILES - len(first)])
    return shown, max(0, job.files.filter(wanting).count() + others.count() - len(shown))


def _elapsed(job: ImportJob, now: datetime) -> float | None:
    return max(0.0, ((job.finished_at or now) - job.started_at).total_seconds()) if job.started_at else None


def _about(seconds: float | None) -> str:
    """Return a length of time that changes as one looks at it: without fractions of a second."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    return _("%d s") % round(seconds) if seconds < 90 else figures.seconds(seconds)


def _percent(job: ImportJob) -> int | None:
    if job.status == ImportJob.Status.FINISHED:
        return 100
    done, total = (job.bytes_done, job.bytes_total) if job.bytes_total else (job.files_done, job.files_total)
    return min(99, 100 * done // total) if total else None


def _sentence(job: ImportJob, still_open: int) -> str:
    status = ImportJob.Status
    if job.cancel_requested and not job.is_over:
        return _("Stopping after the rows at hand…")
    if job.status == status.FINISHED and job.dry_run:
        return _tried(job.failed)
    if job.status == status.FINISHED and job.failed:
        return _done_but(still_open)
    return {
        status.DRAFT: _("Being prepared; nothing has been read yet."),
        status.QUEUED: _("Waiting for the worker…"),
        status.RUNNING: _("Trying it out; nothing is written…") if job.dry_run else _("Importing…"),
        status.FINISHED: _("Done: everything got in."),
        status.FAILED: _("It could not go on."),
        status.CANCELLED: _("Cancelled. What was in by then stays in.") if not job.dry_run else _("Cancelled."),
    }[status(job.status)]


def _tried(failed: int) -> str:
    if not failed:
        return _("Tried: everything would get in. Nothing was written.")
    text = ngettext("Tried: %s row would not get in.", "Tried: %s rows would not get in.", failed)
    return text % figures.whole(failed) + " " + _("Nothing was written.")


def _done_but(still_open: int) -> str:
    if not still_open:
        return _("Done; what did not get in at first has been taken care of.")
    text = ngettext("Done, but %s row did not get in.", "Done, but %s rows did not get in.", still_open)
    return text % figures.whole(still_open)


def _hint(job: ImportJob, now: datetime) -> str:
    if job.status == ImportJob.Status.QUEUED and (now - job.changed_at).total_seconds() > _PATIENCE_SECONDS:
        return _("No worker has taken it up yet: it may be busy with another import, or not be running.")
    return ""


def _said(sentence: str, percent: int | None) -> str:
    return sentence if percent is None else f"{sentence} {percent // 10 * 10} %"


def _figures(job: ImportJob, still_open: int) -> tuple[Figure, ...]:
    """Return the counts; of what failed only what is still open, and beside it what has been taken care of since."""
    names = {
        "read": _("Read"),
        "created": _("New"),
        "updated": _("Changed"),
        "unchanged": _("Unchanged"),
        "failed": _("Failed"),
        "duplicates": _("Duplicates"),
        "moved": _("Moved"),
        "deleted": _("Deleted"),
    }
    always = ("read", "created", "updated", "unchanged", "failed")
    counts = {**job.counts, "failed": still_open if job.is_over else job.failed}
    shown = [
        Figure(
            name,
            figures.whole(counts[key]),
            "bad" if key == "failed" and counts[key] else "",
            addresses.import_failures(job) if key == "failed" and counts[key] else "",
        )
        for key, name in names.items()
        if key in always or counts[key]
    ]
    since = job.failed - counts["failed"]
    if since > 0:
        shown.append(Figure(_("Taken care of since"), figures.whole(since), "", addresses.import_step(job, "failures")))
    return tuple(shown)


def _indexing(job: ImportJob) -> CollectionProgress | None:
    """Return how far the collection's index is, once an import has written something."""
    written = job.created + job.updated + job.moved + job.deleted
    return collection_progress(job.collection) if written and not job.dry_run else None
