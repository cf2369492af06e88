"""Pairs of documents that say the same, as an import or the duplicates report found them."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection, Document
from .fields import StorableCharField
from .imports import ImportJob


class DuplicatePairQuerySet(models.QuerySet["DuplicatePair"]):
    """Pairs by whether somebody has to look at them."""

    def open(self) -> Self:
        """Pairs of which nobody has decided what becomes of them."""
        return self.filter(state=DuplicatePair.State.OPEN)


class DuplicatePair(models.Model):
    """Two documents with the same or nearly the same content; `second` is the newer one.

    Rows refer to documents without a database constraint, so that a plain SQL `DELETE` of a document always works.
    """

    class Kind(models.TextChoices):
        EXACT = "exact", _("Same content")
        NEAR = "near", _("Nearly the same")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        KEPT = "kept", _("Both kept")
        ARCHIVED = "archived", _("Second archived")
        LINKED = "linked", _("Second linked to the first")
        SKIPPED = "skipped", _("Second not imported")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="duplicate_pairs", verbose_name=_("collection")
    )
    first = models.ForeignKey(
        Document, on_delete=models.CASCADE, db_constraint=False, related_name="+", verbose_name=_("first")
    )
    second = models.ForeignKey(
        Document, null=True, on_delete=models.CASCADE, db_constraint=False, related_name="+", verbose_name=_("second")
    )
    second_external_id = StorableCharField(_("external id of the second"), max_length=500)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    similarity = models.FloatField(_("similarity"), help_text=_("Cosine of their chunks; 1 for the same content."))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    job = models.ForeignKey(
        ImportJob, null=True, on_delete=models.SET_NULL, related_name="duplicate_pairs", verbose_name=_("found by")
    )
    found_at = models.DateTimeField(_("found"), default=timezone.now)

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        ordering = ["-similarity", "id"]
        verbose_name = _("pair of duplicates")
        verbose_name_plural = _("duplicates")
        constraints = [
            models.UniqueConstraint(fields=["first", "second_external_id"], name="search_duplicatepair_unique"),
            models.CheckConstraint(condition=Q(kind__in=["exact", "near"]), name="search_duplicatepair_kind_known"),
        ]
        indexes = [models.Index(fields=["collection", "state", "-similarity"], name="search_duplicatepair_open")]

    def __str__(self) -> str:
        return f"{self.first_id} ~ {self.second_external_id}"


class DuplicateScan(models.Model):
    """The search for near duplicates in one collection: asked for by a curator, done by the worker in steps."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")

    collection = models.OneToOneField(
        Collection, on_delete=models.CASCADE, related_name="duplicate_scan", verbose_name=_("collection")
    )
    threshold = models.FloatField(_("least similarity"), default=0.95)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    next_document = models.BigIntegerField(default=0)
    done = models.PositiveIntegerField(_("documents compared"), default=0)
    total = models.PositiveIntegerField(_("documents"), default=0)
    found = models.PositiveIntegerField(_("pairs found"), default=0)
    error = models.TextField(_("reason"), blank=True, default="")
    requested_at = models.DateTimeField(_("asked for"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("search for duplicates")
        verbose_name_plural = _("searches for duplicates")

    def __str__(self) -> str:
        return f"{self.collection_id}: {self.done}/{self.total}"
