"""One change to many documents: which ones, what becomes of them, and how far it is. The rows are the job."""

import zlib
from collections.abc import Iterable
from typing import Self

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection, Document
from .fields import StorableJSONField


def pack_ids(ids: Iterable[int]) -> bytes:
    """Return ids in few bytes, in their order: a million of neighbours take some kilobytes."""
    steps = np.diff(np.fromiter(ids, dtype=np.int64), prepend=np.int64(0))
    return zlib.compress(steps.tobytes())


def unpack_ids(packed: bytes | memoryview) -> list[int]:
    """Return what `pack_ids` was given."""
    steps = np.frombuffer(zlib.decompress(packed), dtype=np.int64)
    return [int(pk) for pk in np.cumsum(steps)]


class BulkChangeQuerySet(models.QuerySet["BulkChange"]):
    """Changes by whether there is work left."""

    def unfinished(self) -> Self:
        """Changes that are not over."""
        return self.filter(status__in=(BulkChange.Status.QUEUED, BulkChange.Status.RUNNING))


class BulkChange(models.Model):
    """A change that somebody confirmed, of exactly the documents that they confirmed it for.

    `documents` are their ids, taken down at that moment: what matches later is left alone. `next` is the place of the
    first that was not looked at yet. `collection` is null where they lie in several.
    """

    class Action(models.TextChoices):
        PUBLISH = "publish", _("Publish")
        DRAFT = "draft", _("Make drafts")
        ARCHIVE = "archive", _("Archive")
        AUDIENCE = "audience", _("Change who can find them")
        REINDEX = "reindex", _("Index again")
        DELETE = "delete", _("Delete")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    visibility = models.CharField(
        _("visible to"), max_length=10, choices=Document.Visibility.choices, blank=True, default=""
    )
    groups = StorableJSONField(_("groups"), default=list, blank=True, help_text=_("Ids of groups."))
    collection = models.ForeignKey(
        Collection, null=True, on_delete=models.CASCADE, related_name="bulk_changes", verbose_name=_("collection")
    )
    documents = models.BinaryField(editable=False)
    total = models.PositiveIntegerField(_("documents"))
    next = models.PositiveIntegerField(_("looked at"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(_("reason"), blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    holder = models.CharField(max_length=300, blank=True, default="", editable=False)
    token = models.BigIntegerField(default=0, editable=False)
    expires_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = BulkChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        constraints = [
            models.CheckConstraint(condition=Q(next__lte=models.F("total")), name="search_bulkchange_next_in_total"),
        ]
        indexes = [models.Index(fields=["status", "id"], name="search_bulkchange_by_status")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.next}/{self.total}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def percent(self) -> int:
        """How much of it is done; 100 only when all of it is."""
        return 100 * self.next // self.total if self.total else 100
