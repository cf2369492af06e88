"""What was done with an index version, by whom and why: a log that nothing changes afterwards."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .fields import StorableTextField
from .index_versions import IndexVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class VersionEventManager(models.Manager["VersionEvent"]):
    """Writes events."""

    def record(
        self,
        version: IndexVersion,
        kind: "VersionEvent.Kind",
        *,
        by: "AbstractBaseUser | None" = None,
        reason: str = "",
        **details: Any,
    ) -> "VersionEvent":
        """Add an event to a version's history."""
        user_id = by.pk if by is not None else None
        return self.create(version=version, kind=kind, by_id=user_id, reason=reason, details=details)


class VersionEvent(models.Model):
    """One event in the life of an index version."""

    class Kind(models.TextChoices):
        CREATED = "created", _("Created")
        READY = "ready", _("Ready")
        WANTED = "wanted", _("Activation asked for")
        ACTIVATED = "activated", _("Activated")
        OVERRIDDEN = "overridden", _("Activated against its gate")
        RETIRED = "retired", _("Retired")
        ROLLBACK = "rollback", _("Rollback asked for")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")
        PRUNED = "pruned", _("Pruned")

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="events", verbose_name=_("index version")
    )
    kind = models.CharField(_("event"), max_length=12, choices=Kind.choices)
    at = models.DateTimeField(_("at"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    reason = StorableTextField(_("reason"), blank=True, default="")
    details = models.JSONField(_("details"), default=dict, blank=True)

    objects = VersionEventManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("version event")
        verbose_name_plural = _("version events")

    def __str__(self) -> str:
        return f"{self.version}: {self.get_kind_display()}"
