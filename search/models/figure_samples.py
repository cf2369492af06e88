"""Figures of the installation at moments in time, so that a line can be drawn through them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FigureSample(models.Model):
    """What was counted in one span of time, and how things stood at its end."""

    class Span(models.IntegerChoices):
        """Seconds that a sample is for. Older ones are put together into longer spans."""

        MINUTE = 60, _("Minute")
        HOUR = 3_600, _("Hour")
        DAY = 86_400, _("Day")

    taken_at = models.DateTimeField(_("taken"))
    span = models.PositiveIntegerField(_("span"), choices=Span.choices, default=Span.MINUTE)
    searches = models.PositiveIntegerField(_("searches"), default=0)
    zero_results = models.PositiveIntegerField(_("searches without results"), default=0)
    buckets = models.JSONField(default=list)
    """Searches of the span by their time: [upper bound in seconds or null, how many took no longer]."""
    documents = models.PositiveIntegerField(_("documents in the index"), default=0)
    pending = models.PositiveIntegerField(_("waiting"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    lag_seconds = models.FloatField(_("lag in seconds"), default=0)
    disk_free = models.BigIntegerField(_("free bytes"), default=0)
    counted = models.JSONField(default=dict)
    """The sums of all processes up to this moment, which the next sample takes its differences from."""

    class Meta:
        verbose_name = _("sample of figures")
        verbose_name_plural = _("samples of figures")
        constraints = [models.UniqueConstraint(fields=["span", "taken_at"], name="search_figuresample_unique")]

    def __str__(self) -> str:
        return f"{self.taken_at:%Y-%m-%d %H:%M} / {self.span} s"
