"""Index versions and their segments: which index is live, and of which files it consists.

The files below the index folder are copies that these rows describe and can rebuild.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from search.conf import conf

from .corpus import Collection
from .fields import StorableJSONField

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


_STEP_CHARS = 20


class IndexVersionQuerySet(models.QuerySet["IndexVersion"]):
    """Versions by their place in the life cycle."""

    def active(self) -> Self:
        return self.filter(state=IndexVersion.State.ACTIVE)

    def fed(self) -> Self:
        """Versions that every change must reach: the live one and candidates."""
        return self.filter(state__in=IndexVersion.FED_STATES)


class IndexVersion(models.Model):
    """One generation of a collection's index. Encoder, chunking and engine are fixed at its creation."""

    class State(models.TextChoices):
        BUILDING = "building", _("Building")
        READY = "ready", _("Ready")
        ACTIVE = "active", _("Active")
        RETIRED = "retired", _("Retired")
        FAILED = "failed", _("Failed")

    FED_STATES = (State.BUILDING, State.READY, State.ACTIVE)

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="index_versions", verbose_name=_("collection")
    )
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.BUILDING)
    encoder_name = models.CharField(_("encoder"), max_length=500)
    encoder_revision = models.CharField(_("encoder revision"), max_length=100, blank=True, default="")
    encoder_runtime = models.CharField(_("encoder runtime"), max_length=50)
    encoder_fingerprint = models.CharField(_("encoder fingerprint"), max_length=32)
    dimension = models.PositiveIntegerField(_("dimension"))
    chunking = StorableJSONField(_("chunking options"), default=dict)
    chunking_fingerprint = models.CharField(_("chunking fingerprint"), max_length=32)
    engine = models.CharField(_("engine"), max_length=50)
    engine_options = StorableJSONField(_("engine options"), default=dict)
    filled_to = models.BigIntegerField(
        _("filled to"),
        null=True,
        default=0,
        editable=False,
        help_text=_("The build has queued every document up to this id; empty once it has queued all."),
    )
    activate_when_ready = models.BooleanField(_("activate when ready"), default=True)
    generation = models.BigIntegerField(_("generation"), default=0)
    lexical_generation = models.BigIntegerField(_("lexical generation"), default=0)
    lexical_files = models.JSONField(_("lexical files"), default=dict, editable=False)
    documents = models.BigIntegerField(_("documents"), default=0)
    chunks = models.BigIntegerField(_("chunks"), default=0)
    encoded_chunks = models.BigIntegerField(_("chunks encoded"), default=0)
    last_error = models.TextField(_("last error"), blank=True, default="")
    # Segments hold every live chunk with an id up to here; the tail is what is newer.
    sealed_to = models.BigIntegerField(_("sealed to"), default=0, editable=False)
    sealed_at = models.DateTimeField(_("sealed"), null=True, blank=True)
    removed_chunks = models.BigIntegerField(_("removed chunks"), default=0, editable=False)
    # How far the step at hand is, and how fast documents are applied.
    step = models.CharField(_("step"), max_length=_STEP_CHARS, blank=True, default="")
    step_done = models.BigIntegerField(_("step done"), default=0)
    step_total = models.BigIntegerField(_("step total"), default=0)
    step_since = models.DateTimeField(_("step since"), null=True, blank=True)
    steps_cut_short = models.PositiveSmallIntegerField(
        _("steps cut short"),
        default=0,
        editable=False,
        help_text=_("How often the worker ended in the middle of a step of this build."),
    )
    documents_per_second = models.FloatField(_("documents a second"), null=True, blank=True)
    # What was measured on the finished index.
    recall = models.FloatField(_("recall@10"), null=True, blank=True, help_text=_("Against exact search."))
    recall_target = models.FloatField(_("recall asked for"), null=True, blank=True)
    median_us = models.FloatField(_("median microseconds a query"), null=True, blank=True)
    p95_us = models.FloatField(_("95th percentile microseconds a query"), null=True, blank=True)
    bytes_per_vector = models.FloatField(_("bytes a vector"), null=True, blank=True)
    build_seconds = models.FloatField(_("build seconds"), null=True, blank=True)
    peak_memory_mb = models.FloatField(_("peak memory in MB"), null=True, blank=True)
    measured_at = models.DateTimeField(_("measured"), null=True, blank=True)
    measurements = models.JSONField(_("measurements"), default=dict, blank=True, editable=False)
    disk_bytes = models.BigIntegerField(_("bytes on disk"), default=0)
    calibration = models.JSONField(_("calibration"), default=dict, blank=True, editable=False)
    gate = models.JSONField(_("gate"), default=dict, blank=True, editable=False)
    # The last comparison of this version with the database.
    drift = models.BigIntegerField(_("drift"), null=True, blank=True, help_text=_("Differences found; 0 is clean."))
    drift_report = models.JSONField(_("drift report"), default=dict, blank=True, editable=False)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    check_requested_at = models.DateTimeField(_("check asked for"), null=True, blank=True, editable=False)
    repair_requested_at = models.DateTimeField(_("repair asked for"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last change"), null=True, blank=True)
    pruned_at = models.DateTimeField(_("pruned"), null=True, blank=True)

    objects = IndexVersionQuerySet.as_manager()
    if TYPE_CHECKING:
        segments: RelatedManager["Segment"]

    class Meta:
        ordering = ["collection", "-number"]
        verbose_name = _("index version")
        verbose_name_plural = _("index versions")
        permissions = [("override_gate", _("Can activate an index version that its gate refuses"))]
        constraints = [
            models.UniqueConstraint(fields=["collection", "number"], name="search_indexversion_number_unique"),
            models.UniqueConstraint(
                fields=["collection"], condition=Q(state="active"), name="search_indexversion_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["building", "ready", "active", "retired", "failed"]),
                name="search_indexversion_state_known",
            ),
            models.CheckConstraint(condition=Q(dimension__gt=0), name="search_indexversion_dimension_positive"),
            models.CheckConstraint(
                condition=Q(lexical_generation__lte=models.F("generation")),
                name="search_indexversion_lexical_not_ahead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection.slug} v{self.number}"

    def note_step(self, name: str, done: int, total: int) -> None:
        """Write down how far the step at hand is, and since when it is at hand; an empty name when there is none."""
        name = name[:_STEP_CHARS]
        if name != self.step:
            self.step_since = timezone.now() if name else None
        self.step, self.step_done, self.step_total = name, done, total
        self.save(update_fields=["step", "step_done", "step_total", "step_since"])

    @property
    def folder(self) -> Path:
        """The folder of all of this version's files; it can be deleted and rebuilt from the rows."""
        return conf().index_dir / f"version-{self.pk}"


class Segment(models.Model):
    """An immutable, content-addressed part of a version's dense index. The rows are the manifest.

    It holds the vectors of the chunks that were live at `generation` among the ids from `first_id` to `last_id`;
    the intervals of a version's segments do not overlap.
    """

    class State(models.TextChoices):
        LIVE = "live", _("Live")
        DAMAGED = "damaged", _("Damaged")

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="segments", verbose_name=_("index version")
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    ids_sha256 = models.CharField(_("SHA-256 of the ids"), max_length=64)
    path = models.CharField(_("path"), max_length=300, help_text=_("Below the version's folder."))
    ids_path = models.CharField(_("path of the ids"), max_length=300)
    first_id = models.BigIntegerField(_("first chunk id"))
    last_id = models.BigIntegerField(_("last chunk id"))
    generation = models.BigIntegerField(_("generation"))
    index_type = models.CharField(_("index type"), max_length=200, default="Flat")
    parameters = models.JSONField(_("search parameters"), default=dict, blank=True)
    measured = models.JSONField(_("measured"), default=dict, blank=True)
    rows = models.BigIntegerField(_("rows"))
    size_bytes = models.BigIntegerField(_("bytes"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.LIVE)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        ordering = ["first_id"]
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(fields=["version", "sha256"], name="search_segment_sha256_unique"),
            models.UniqueConstraint(fields=["version", "first_id"], name="search_segment_first_id_unique"),
            models.CheckConstraint(condition=Q(rows__gt=0), name="search_segment_rows_positive"),
            models.CheckConstraint(condition=Q(last_id__gte=models.F("first_id")), name="search_segment_ids_ordered"),
            models.CheckConstraint(condition=Q(state__in=["live", "damaged"]), name="search_segment_state_known"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class IndexLease(models.Model):
    """Who may write a collection's index right now. `token` rises with every change of hands (fencing)."""

    collection = models.OneToOneField(
        Collection, on_delete=models.CASCADE, related_name="lease", verbose_name=_("collection")
    )
    holder = models.CharField(_("holder"), max_length=300, blank=True, default="")
    token = models.BigIntegerField(_("token"), default=0)
    expires_at = models.DateTimeField(_("expires"), default=timezone.now)

    class Meta:
        verbose_name = _("index lease")
        verbose_name_plural = _("index leases")

    def __str__(self) -> str:
        return f"{self.collection_id}: {self.holder or '-'}"
