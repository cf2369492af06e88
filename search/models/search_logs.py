"""What people searched for, when the installation keeps a log. It holds no user and no address."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableTextField


class SearchLog(models.Model):
    """One search that was answered."""

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="search_logs", verbose_name=_("collection")
    )
    text = StorableTextField(_("query"))
    mode = models.CharField(_("mode"), max_length=10)
    total = models.PositiveIntegerField(_("total"))
    good_match = models.BooleanField(_("good match"))
    took_ms = models.FloatField(_("milliseconds"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("logged search")
        verbose_name_plural = _("search log")
        indexes = [models.Index(fields=["at"], name="search_searchlog_by_time")]

    def __str__(self) -> str:
        return self.text
