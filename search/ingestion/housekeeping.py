"""What is left of imports: jobs whose process is gone, and files that nobody will ask for any more."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from search.conf import conf
from search.ingestion import uploads
from search.models import ImportJob
from search.processes import may_live


def abandoned() -> list[int]:
    """Return the unfinished jobs that nobody is working on."""
    rows = ImportJob.objects.unfinished().filter(~Q(source=ImportJob.Source.STREAM))
    now = timezone.now()
    return [
        job.pk
        for job in rows
        if not job.holder or job.expires_at is None or job.expires_at < now or not may_live(job.holder)
    ]


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
