"""What good answers are, and how good the answers were: query sets, judgments, runs and their rankings.

Documents are named by their external id, not by a foreign key: a judgment outlives the deletion and the next import
of what it judges, and a plain SQL `DELETE` of a document always works. Nothing here searches or computes a metric.
"""

from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableCharField, StorableJSONField, StorableTextField
from .index_versions import IndexVersion

HIGHEST_GRADE = 100  # imported judgments keep their scale; people judge from 0 to 3


class EvaluationQuerySet(models.Model):
    """A named set of queries of one collection, with judgments. Not a Django QuerySet."""

    class Source(models.TextChoices):
        HAND = "hand", _("Made by hand")
        LOG = "log", _("From the query log")
        IMPORT = "import", _("Imported")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="query_sets", verbose_name=_("collection")
    )
    name = StorableCharField(_("name"), max_length=200)
    description = StorableTextField(_("description"), blank=True, default="")
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.HAND)
    guards_gate = models.BooleanField(
        _("guards the gate"),
        default=False,
        help_text=_("A new index version goes live only if its answers to this set are not worse."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        ordering = ["collection", "name"]
        verbose_name = _("query set")
        verbose_name_plural = _("query sets")
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "name"],
                name="search_queryset_name_unique",
                violation_error_message=_("This collection already has a query set of this name."),
            ),
            models.UniqueConstraint(
                fields=["collection"],
                condition=Q(guards_gate=True),
                name="search_queryset_one_guard",
                violation_error_message=_("Another query set of this collection already guards the gate."),
            ),
            models.CheckConstraint(
                condition=Q(source__in=["hand", "log", "import"]), name="search_queryset_source_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EvaluationQueryQuerySet(models.QuerySet["EvaluationQuery"]):
    """Queries by what is known about them."""

    def measurable(self) -> Self:
        """Queries with at least one relevant document: the others say nothing about a ranking."""
        return self.filter(pk__in=Judgment.objects.relevant().values("query_id"))

    def with_counts(self) -> Self:
        """Annotate `judged` and `relevant`."""
        relevant = Count("judgments", filter=Q(judgments__grade__gt=0))
        return self.annotate(judged=Count("judgments"), relevant=relevant)


class EvaluationQuery(models.Model):
    """One query of a set; `external_id` is its name in the file that it came from."""

    query_set = models.ForeignKey(
        EvaluationQuerySet, on_delete=models.CASCADE, related_name="queries", verbose_name=_("query set")
    )
    external_id = StorableCharField(_("id in the set"), max_length=500)
    text = StorableTextField(_("query"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = EvaluationQueryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("evaluation query")
        verbose_name_plural = _("evaluation queries")
        constraints = [
            models.UniqueConstraint(
                fields=["query_set", "external_id"],
                name="search_evaluationquery_unique",
                violation_error_message=_("This set already has a query with this id."),
            )
        ]

    def __str__(self) -> str:
        return self.text[:100]


class JudgmentQuerySet(models.QuerySet["Judgment"]):
    """Judgments by what they say."""

    def relevant(self) -> Self:
        """Judgments that call their document relevant, however much."""
        return self.filter(grade__gt=0)


class Judgment(models.Model):
    """How relevant one document is to one query: 0 not, 1 somewhat, 2 relevant, 3 exactly what was wanted."""

    class Source(models.TextChoices):
        HAND = "hand", _("Judged by hand")
        CLICK = "click", _("Clicked")
        THUMB = "thumb", _("Thumb up or down")
        IMPORT = "import", _("Imported")

    query = models.ForeignKey(
        EvaluationQuery, on_delete=models.CASCADE, related_name="judgments", verbose_name=_("query")
    )
    external_id = StorableCharField(_("external id of the document"), max_length=500)
    grade = models.PositiveSmallIntegerField(_("grade"), validators=[MaxValueValidator(HIGHEST_GRADE)])
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.HAND)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        ordering = ["query", "-grade", "external_id"]
        verbose_name = _("judgment")
        verbose_name_plural = _("judgments")
        constraints = [
            models.UniqueConstraint(
                fields=["query", "external_id"],
                name="search_judgment_unique",
                violation_error_message=_("This document is judged for this query already."),
            ),
            models.CheckConstraint(condition=Q(grade__lte=HIGHEST_GRADE), name="search_judgment_grade_known"),
            models.CheckConstraint(
                condition=Q(source__in=["hand", "click", "thumb", "import"]), name="search_judgment_source_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.grade}"


class EvaluationRunQuerySet(models.QuerySet["EvaluationRun"]):
    """Runs by what has to be done with them."""

    def unfinished(self) -> Self:
        """Runs that a worker has to take up."""
        return self.filter(state__in=(EvaluationRun.State.QUEUED, EvaluationRun.State.RUNNING))

    def finished(self) -> Self:
        """Runs whose metrics are there."""
        return self.filter(state=EvaluationRun.State.FINISHED)


class EvaluationRun(models.Model):
    """One set asked of one index version with one configuration: the rankings, and what they are worth."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Mode(models.TextChoices):
        HYBRID = "hybrid", _("Hybrid")
        DENSE = "dense", _("Dense only")
        LEXICAL = "lexical", _("Lexical only")

    query_set = models.ForeignKey(
        EvaluationQuerySet, on_delete=models.CASCADE, related_name="runs", verbose_name=_("query set")
    )
    index_version = models.ForeignKey(
        IndexVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="evaluation_runs",
        verbose_name=_("index version"),
    )
    version_number = models.PositiveIntegerField(
        _("number of the index version"), null=True, blank=True, help_text=_("Stays when the version is deleted.")
    )
    label = StorableCharField(_("label"), max_length=200, blank=True, default="")
    mode = models.CharField(_("mode"), max_length=7, choices=Mode.choices, default=Mode.HYBRID)
    options = StorableJSONField(
        _("retrieval options"), default=dict, blank=True, help_text=_("Over those of the collection.")
    )
    k = models.PositiveSmallIntegerField(_("results asked for"), default=100)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.QUEUED)
    error = StorableTextField(_("reason"), blank=True, default="")
    queries_total = models.PositiveIntegerField(_("queries"), default=0)
    queries_done = models.PositiveIntegerField(_("queries done"), default=0)
    metrics = StorableJSONField(
        _("metrics"), default=dict, blank=True, help_text=_("By name: mean, low and high of the 95 % interval.")
    )
    # Who works on it
    holder = models.CharField(max_length=300, blank=True, default="", editable=False)
    token = models.BigIntegerField(default=0, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last change"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = EvaluationRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("evaluation run")
        verbose_name_plural = _("evaluation runs")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "finished", "failed", "cancelled"]),
                name="search_evaluationrun_state_known",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["hybrid", "dense", "lexical"]), name="search_evaluationrun_mode_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "id"], name="search_evaluationrun_by_state")]

    def __str__(self) -> str:
        return self.label or f"{self.query_set} #{self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more by itself."""
        return self.state in (self.State.FINISHED, self.State.FAILED, self.State.CANCELLED)


class RunQuery(models.Model):
    """One query of a run: what it found, best first, and what that is worth by the judgments of the moment."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="run_queries", verbose_name=_("run"))
    query = models.ForeignKey(
        EvaluationQuery, on_delete=models.CASCADE, related_name="run_queries", verbose_name=_("query")
    )
    ranked = StorableJSONField(_("results"), default=list, help_text=_("[external id, score] each, best first."))
    metrics = StorableJSONField(_("metrics"), default=dict, help_text=_("By name."))
    took_ms = models.FloatField(_("took, ms"), default=0.0)

    class Meta:
        ordering = ["query"]
        verbose_name = _("query of a run")
        verbose_name_plural = _("queries of a run")
        constraints = [models.UniqueConstraint(fields=["run", "query"], name="search_runquery_unique")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.query_id}"

    @property
    def external_ids(self) -> list[str]:
        """The documents found, best first."""
        ranked: list[list[Any]] = self.ranked
        return [external_id for external_id, _score in ranked]
