"""Which files of a mirrored folder a collection's documents came from: how moved and deleted files are recognised.

Rows name documents by external id and not by key, so that a document which somebody deleted is noticed and made anew.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableCharField


class SourceFile(models.Model):
    """One file of a folder that is mirrored, as it was when it was last looked at."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    root = StorableCharField(_("folder"), max_length=4096)
    path = StorableCharField(_("path"), max_length=1000)
    label = StorableCharField(
        _("path at first sight"), max_length=1000, help_text=_("What its documents are named by.")
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    stamp = models.CharField(
        max_length=100,
        blank=True,
        default="",
        help_text=_("Size and times; empty where they are too young to prove it."),
    )
    read_with = models.CharField(
        max_length=32, blank=True, default="", help_text=_("With which settings it was read; empty until it was.")
    )
    read_by = models.BigIntegerField(null=True, help_text=_("The last import that saw every row of it."))
    moved_by = models.BigIntegerField(null=True, help_text=_("The last import that found it in another place."))
    gone = models.BooleanField(_("gone"), default=False)

    class Meta:
        verbose_name = _("file of a mirrored folder")
        verbose_name_plural = _("files of mirrored folders")
        constraints = [
            models.UniqueConstraint(fields=["collection", "root", "path"], name="search_sourcefile_path_unique"),
            models.UniqueConstraint(fields=["collection", "root", "label"], name="search_sourcefile_label_unique"),
        ]

    def __str__(self) -> str:
        return self.path


class SourceDocument(models.Model):
    """One document of such a file, and the last import that found it there."""

    file = models.ForeignKey(SourceFile, on_delete=models.CASCADE, related_name="documents")
    external_id = StorableCharField(_("external id"), max_length=500)
    seen_by = models.BigIntegerField()
    refused = models.BooleanField(
        default=False, help_text=_("Another file had a document of this id before; it is that one's.")
    )

    class Meta:
        verbose_name = _("document of a mirrored folder")
        verbose_name_plural = _("documents of mirrored folders")
        constraints = [
            models.UniqueConstraint(fields=["file", "external_id"], name="search_sourcedocument_unique"),
        ]
        indexes = [models.Index(fields=["external_id"], name="search_sourcedocument_by_id")]

    def __str__(self) -> str:
        return self.external_id
