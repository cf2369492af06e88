"""What is left of imports: jobs whose process is gone, and files that nobody will ask for any more."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from search.conf import conf
from search.ingestion import uploads
from search.models import ImportJob
from search.processes import may_live


def abandoned() -> list[int]:
    """Return the unfinished jobs that nobody is working on."""
    return [job.pk for job in _without_holder(~Q(source=ImportJob.Source.STREAM))]


def give_up_streams() -> int:
    """Fail the streams whose request is gone: only their sender can send them again. Return how many."""
    reason = _("The request ended before its last line. Send it again under the same Idempotency-Key.")
    now = timezone.now()
    count = 0
    for job in _without_holder(Q(source=ImportJob.Source.STREAM)):
        still = ImportJob.objects.unfinished().filter(pk=job.pk, token=job.token)
        count += still.update(status=ImportJob.Status.FAILED, error=reason, finished_at=now, changed_at=now, holder="")
    return count


def clear_away() -> int:
    """Remove the files of imports that were over, or never started, long ago; return of how many."""
    before = timezone.now() - timedelta(days=conf().IMPORT_KEEP_DAYS)
    old = ImportJob.objects.exclude(pk__in=ImportJob.objects.unfinished()).filter(changed_at__lt=before)
    count = 0
    for job in old:
        if uploads.folder_of(job).exists():
            uploads.remove_all(job.pk)
            count += 1
    return count


def _without_holder(which: Q) -> list[ImportJob]:
    now = timezone.now()
    return [
        job
        for job in ImportJob.objects.unfinished().filter(which)
        if not job.holder or job.expires_at is None or job.expires_at < now or not may_live(job.holder)
    ]
