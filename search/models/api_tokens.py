"""Tokens that let other systems use the REST API as a user, with less than the user may. Never holds a secret.

Of the secret only its SHA-256 digest is stored: it has 256 random bits, so that a slow hash would add nothing.
"""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableCharField


class ApiToken(models.Model):
    """What one system may do in the name of one user."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("owner")
    )
    name = StorableCharField(_("name"), max_length=200)
    public_id = models.CharField(_("public id"), max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    collections_limited = models.BooleanField(_("limited to collections"), default=False)
    collections = models.ManyToManyField(Collection, blank=True, related_name="+", verbose_name=_("collections"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [models.CheckConstraint(condition=~Q(digest=""), name="search_apitoken_digest_not_empty")]

    def __str__(self) -> str:
        return f"{self.name} (sems_{self.public_id}_…)"

    def shown_scopes(self) -> str:
        """Return the scopes in one line."""
        return ", ".join(self.scopes)

    def works_at(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
