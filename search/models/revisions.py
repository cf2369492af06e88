"""What documents were before they were changed. The database's triggers write the rows (triggers.py), whoever changes
a document and by whatever way; the application signs them afterwards (search/authorship.py)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .corpus import Document
from .triggers import KEPT as FIELDS


class DocumentRevision(models.Model):
    """A document until somebody changed it: the values that were replaced. Null is what was left as it was.

    `revision` is the document's before the change, `at` the moment of the change. `how` is empty where it went past the
    application, by plain SQL.
    """

    class How(models.TextChoices):
        ADMIN = "admin", _("in the admin")
        API = "api", _("by the API")
        IMPORT = "import", _("by an import")
        BULK = "bulk", _("by a bulk change")
        PROGRAM = "program", _("by a command or a program")
        UNKNOWN = "", _("past the application")

    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="revisions",
        verbose_name=_("document"),
    )
    revision = models.BigIntegerField(_("revision"))
    at = models.DateTimeField(_("changed"))
    how = models.CharField(_("how"), max_length=10, choices=How.choices, blank=True, default="", db_default="")
    detail = models.CharField(_("detail"), max_length=200, blank=True, default="", db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("by")
    )
    # In these, null is "left as it was", and the empty text a value like others.
    title = models.TextField(null=True)  # noqa: DJ001
    body = models.TextField(null=True)  # noqa: DJ001
    url = models.TextField(null=True)  # noqa: DJ001
    language = models.TextField(null=True)  # noqa: DJ001
    metadata = models.JSONField(null=True)
    state = models.CharField(max_length=10, null=True)  # noqa: DJ001
    visibility = models.CharField(max_length=10, null=True)  # noqa: DJ001

    class Meta:
        ordering = ["-id"]
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        indexes = [
            models.Index(fields=["document", "id"], name="search_revision_of_document"),
            models.Index(fields=["at"], name="search_revision_by_time"),
            models.Index(fields=["id"], name="search_revision_unsigned", condition=Q(how="")),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}@{self.revision}"

    @property
    def replaced(self) -> dict[str, Any]:
        """The values that the change replaced, by field."""
        values = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in values.items() if value is not None}
