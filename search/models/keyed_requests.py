"""Requests that were sent with an Idempotency-Key, and how they were answered. Kept for a day."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class KeyedRequest(models.Model):
    """One request under one key of one user; without an answer while it is worked on."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    key = models.CharField(max_length=255)
    request_sha256 = models.CharField(max_length=64)
    rights_sha256 = models.CharField(max_length=64)
    begun_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)

    class Meta:
        verbose_name = _("request with an idempotency key")
        verbose_name_plural = _("requests with an idempotency key")
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="search_keyedrequest_unique")]

    def __str__(self) -> str:
        return self.key
