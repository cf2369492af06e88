"""Clears away retired and failed versions beyond what is to be kept, in short steps. Never one that is in use.

What a version was and what was measured on it stays as a row; its chunks, its files and vectors that no version
uses any more go.
"""

import shutil
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from search.conf import conf
from search.failpoints import failpoint
from search.files import folder_bytes
from search.models import (
    Chunk,
    Collection,
    Embedding,
    IndexedDocument,
    IndexVersion,
    PendingChange,
    SearchLog,
    Segment,
    VersionEvent,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_ROWS_A_STEP = 2_000
_OUT_OF_SERVICE = (IndexVersion.State.RETIRED, IndexVersion.State.FAILED)


class CannotPrune(Exception):
    """The version is in use, or has been pruned already."""


def prune(version: IndexVersion, *, by: "AbstractBaseUser | None" = None, reason: str = "") -> None:
    """Give a version up for good; the sweep then clears it away. Raises CannotPrune."""
    with transaction.atomic():
        current = IndexVersion.objects.select_for_update().get(pk=version.pk)
        if current.state not in _OUT_OF_SERVICE or current.pruned_at is not None:
            state = "pruned" if current.pruned_at else current.get_state_display()
            raise CannotPrune(f"{current} is {state}; only retired and failed versions can be pruned.")
        IndexVersion.objects.filter(pk=current.pk).update(pruned_at=timezone.now())
        VersionEvent.objects.record(current, VersionEvent.Kind.PRUNED, by=by, reason=reason)
    failpoint("prune.committed")
    version.refresh_from_db()


def superfluous(collection: Collection) -> list[tuple[IndexVersion, str]]:
    """Return versions that need not be kept, with the reason: beyond the last N, or beyond the disk budget."""
    settings = conf()
    late_enough = Q(retired_at__lt=timezone.now() - timedelta(seconds=settings.PRUNE_AFTER_SECONDS))
    old = collection.index_versions.filter(late_enough, state__in=_OUT_OF_SERVICE, pruned_at=None)
    failed = [(version, "It failed and holds nothing that was ever live.") for version in old.filter(activated_at=None)]
    retired = list(old.exclude(activated_at=None).order_by("-retired_at"))
    kept, beyond = retired[: settings.KEEP_VERSIONS], retired[settings.KEEP_VERSIONS :]
    result = failed + [(version, f"Only the last {settings.KEEP_VERSIONS} are kept.") for version in beyond]
    budget = settings.INDEX_DISK_MB * 2**20
    if budget:
        used = folder_bytes(settings.index_dir) - sum(folder_bytes(version.folder) for version, _ in result)
        while used > budget and kept:
            oldest = kept.pop()
            used -= folder_bytes(oldest.folder)
            result.append((oldest, f"Index files take more than {settings.INDEX_DISK_MB} MB."))
    return result


def clear_away(*, budget_seconds: float) -> bool:
    """Prune what is superfluous and delete what pruned versions left behind; False when nothing is left to do."""
    deadline = time.monotonic() + budget_seconds
    for collection in Collection.objects.all():
        for version, reason in superfluous(collection):
            prune(version, reason=reason)
    for version in IndexVersion.objects.filter(pruned_at__isnull=False):
        if not _delete_rows(version, deadline):
            return True
        shutil.rmtree(version.folder, ignore_errors=True)
    return not (_delete_unused_embeddings(deadline) and _forget_old_searches(deadline))


def _delete_rows(version: IndexVersion, deadline: float) -> bool:
    """Delete a pruned version's rows; False when the time was not enough."""
    for model in (PendingChange, Chunk, IndexedDocument, Segment):
        if not _delete(model._default_manager.filter(version=version), deadline):
            return False
    return True


def _delete_unused_embeddings(deadline: float) -> bool:
    """Delete the vectors of encoders that no version uses any more."""
    used = set(IndexVersion.objects.filter(pruned_at=None).values_list("encoder_fingerprint", flat=True))
    stored: set[str] = set()
    newest = ""
    while fingerprint := _next_fingerprint(newest):
        stored.add(fingerprint)
        newest = fingerprint
    return all(_delete(Embedding.objects.filter(encoder_fingerprint=name), deadline) for name in sorted(stored - used))


def _next_fingerprint(after: str) -> str | None:
    """Return the next fingerprint by the index, without reading every row."""
    later = Embedding.objects.filter(encoder_fingerprint__gt=after).order_by("encoder_fingerprint")
    return later.values_list("encoder_fingerprint", flat=True).first()


def _forget_old_searches(deadline: float) -> bool:
    oldest = timezone.now() - timedelta(days=conf().LOG_SEARCHES_DAYS)
    return _delete(SearchLog.objects.filter(at__lt=oldest), deadline)


def _delete(rows: "QuerySet[Model]", deadline: float) -> bool:
    """Delete rows in small transactions until none is left or the time is up; tell whether none is left."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:_ROWS_A_STEP]):
        if time.monotonic() > deadline:
            return False
        for at in range(0, len(batch), 500):
            rows.model._default_manager.filter(pk__in=batch[at : at + 500]).delete()
        failpoint("prune.deleted")
    return True
