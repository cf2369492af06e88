"""What people searched for and what they did with the answer, when the installation keeps a log.

It holds no user and no address. Rows refer to documents without a database constraint, so that a plain SQL
`DELETE` of a document always works.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableTextField


class SearchLog(models.Model):
    """One search that was answered, and the first of its results."""

    class Source(models.TextChoices):
        PAGE = "page", _("Search page")
        API = "api", _("API")
        OTHER = "", _("Unknown")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="search_logs", verbose_name=_("collection")
    )
    key = models.UUIDField(_("key"), null=True, unique=True, default=None, editable=False)
    text = StorableTextField(_("query"))
    mode = models.CharField(_("mode"), max_length=10)
    index_version = models.PositiveIntegerField(_("index version"), default=0)
    source = models.CharField(_("asked by"), max_length=5, choices=Source.choices, blank=True, default=Source.OTHER)
    total = models.PositiveIntegerField(_("total"))
    good_match = models.BooleanField(_("good match"))
    shown = models.JSONField(
        _("shown"), default=list, blank=True, help_text=_("The documents shown, best first: [[id, score], …].")
    )
    took_ms = models.FloatField(_("milliseconds"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    followed_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="follows", verbose_name=_("followed by")
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("logged search")
        verbose_name_plural = _("logged searches")
        indexes = [
            models.Index(fields=["at"], name="search_searchlog_by_time"),
            models.Index(fields=["collection", "at"], name="search_searchlog_of_place"),
        ]

    def __str__(self) -> str:
        return self.text

    @staticmethod
    def new_key() -> uuid.UUID:
        """Return the key of a search that is about to be logged."""
        return uuid.uuid4()


class SearchReaction(models.Model):
    """What somebody did with one result of a logged search: opened it, or said that it is good or bad."""

    class Kind(models.TextChoices):
        CLICK = "click", _("Opened")
        UP = "up", _("Helpful")
        DOWN = "down", _("Not helpful")

    search = models.ForeignKey(
        SearchLog, on_delete=models.CASCADE, related_name="reactions", verbose_name=_("logged search")
    )
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    document_id = models.BigIntegerField(_("document"))
    rank = models.PositiveSmallIntegerField(_("rank"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("reaction to a result")
        verbose_name_plural = _("reactions to results")
        constraints = [
            models.UniqueConstraint(fields=["search", "document_id", "kind"], name="search_searchreaction_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["click", "up", "down"]), name="search_searchreaction_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.document_id}"
