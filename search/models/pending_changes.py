"""Work that is waiting: the queue, the retry counter and the quarantine of indexing, as rows.

And who is encoding parts of it ahead of the one writer, so that nothing is encoded twice.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Document
from .index_versions import IndexVersion


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    """Pending work by what may be done with it."""

    def due(self, now: datetime) -> Self:
        """Work to be done now: not waiting for a retry, not in quarantine.

        A change that was not tried yet is due whatever the database's clock wrote into `not_before`.
        """
        return self.filter(Q(attempts=0) | Q(not_before__lte=now), quarantined=False)

    def untried(self) -> Self:
        """Work that nobody has begun. Written so that an index gives it from either end of the queue."""
        return self.filter(quarantined=False, attempts=0)

    def urgent(self) -> Self:
        """Untried work that somebody saved by itself.

        Written so that databases look among the urgent changes: by `attempts = 0` SQLite reads the whole queue.
        """
        tries = self.alias(tries=F("attempts") + 0)
        return tries.filter(urgent=True, tries=0, quarantined=False)

    def hurry(self, document_ids: Iterable[int]) -> int:
        """Let these documents' changes go before what was queued in bulk; return how many."""
        return self.filter(document__in=list(document_ids)).update(urgent=True)

    def failed(self) -> Self:
        """Documents in quarantine, each with its reason."""
        return self.filter(quarantined=True)

    def waiting(self) -> Self:
        """Work that will be done without anybody's help."""
        return self.filter(quarantined=False)


class PendingChange(models.Model):
    """A change that one version has not applied yet: outbox, queue, retry counter and quarantine in one row.

    Triggers write it in the transaction of the change. Each further change replaces the row, so its id
    stands for exactly one state of the document and the applier removes rows by id.
    """

    version = models.ForeignKey(  # no index of its own: it would be taken instead of those below
        IndexVersion,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="pending_changes",
        verbose_name=_("index version"),
    )
    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="pending_changes",
        verbose_name=_("document"),
    )
    revision = models.BigIntegerField(_("revision"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    quarantined = models.BooleanField(_("in quarantine"), default=False, db_default=False)
    last_error = models.TextField(_("reason"), blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    urgent = models.BooleanField(
        _("urgent"), default=False, db_default=False, editable=False, help_text=_("Somebody saved this one by itself.")
    )

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("pending change")
        verbose_name_plural = _("pending changes")
        constraints = [
            models.UniqueConstraint(fields=["version", "document"], name="search_pendingchange_unique"),
        ]
        indexes = [
            models.Index(fields=["version", "attempts", "id"], name="search_pending_by_attempts"),
            models.Index(fields=["version", "id"], name="search_pending_urgent", condition=Q(urgent=True)),
            models.Index(fields=["document"], name="search_pending_by_document"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.document_id}@{self.revision}"


class EncodingClaim(models.Model):
    """A stretch of one version's queue, by the ids of its pending rows, whose texts a helper encodes ahead.

    The writer leaves untried changes in it alone while it is held. Given back (no holder), or its helper gone, it is
    the stretch that the writer takes next: most of it needs no encoding any more.
    """

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="encoding_claims", verbose_name=_("index version")
    )
    first_id = models.BigIntegerField(_("first pending id"))
    last_id = models.BigIntegerField(_("last pending id"))
    holder = models.CharField(_("holder"), max_length=300, blank=True, default="")
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        ordering = ["first_id"]
        verbose_name = _("encoding claim")
        verbose_name_plural = _("encoding claims")
        constraints = [
            models.CheckConstraint(condition=Q(last_id__gte=F("first_id")), name="search_encodingclaim_ids_ordered"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.first_id}-{self.last_id}"
