"""Work that is waiting: the queue, the retry counter and the quarantine of indexing, as rows."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
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

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="pending_changes", verbose_name=_("index version")
    )
    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="pending_changes",
        verbose_name=_("document"),
    )
    revision = models.BigIntegerField(_("revision"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    quarantined = models.BooleanField(_("in quarantine"), default=False, db_default=False)
    last_error = models.TextField(_("reason"), blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("pending change")
        verbose_name_plural = _("pending changes")
        constraints = [
            models.UniqueConstraint(fields=["version", "document"], name="search_pendingchange_unique"),
        ]
        indexes = [
            models.Index(fields=["version", "quarantined", "not_before", "id"], name="search_pending_due"),
            models.Index(fields=["document"], name="search_pending_by_document"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.document_id}@{self.revision}"
