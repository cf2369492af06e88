"""Imports as rows: what was asked for, how far it is, and every row that did not get in.

A job's counts, its files' cursors and the documents that they count are written in one transaction each, so that
a job which was killed goes on exactly where it was. Nothing here reads a file.
"""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .corpus import Collection
from .fields import StorableCharField, StorableJSONField, StorableTextField

COUNTS = ("read", "created", "updated", "unchanged", "failed", "duplicates", "moved", "deleted", "left_out")


def place_in(format_name: str, number: int, place: str = "") -> str:
    """Return in words where a record stands, as people count in files of its format."""
    words = {"xlsx": gettext("row %s"), "json": gettext("item %s")}.get(format_name, gettext("line %s"))
    return place or words % f"{number:,}"


class ImportJobQuerySet(models.QuerySet["ImportJob"]):
    """Jobs by what may be done with them."""

    def unfinished(self) -> Self:
        """Jobs that a worker has to take up."""
        return self.filter(status__in=(ImportJob.Status.QUEUED, ImportJob.Status.RUNNING))


class ImportJob(models.Model):
    """One import into one collection, from the upload to the last row."""

    class Source(models.TextChoices):
        UPLOAD = "upload", _("Upload")
        API = "api", _("API")
        FOLDER = "folder", _("Folder")
        STREAM = "stream", _("Stream")
        RETRY = "retry", _("Mended rows")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Duplicates(models.TextChoices):
        KEEP = "keep", _("Keep both")
        SKIP = "skip", _("Skip the new one")
        LINK = "link", _("Keep the new one archived, linked to the first")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="import_jobs", verbose_name=_("collection")
    )
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    name = StorableCharField(_("name"), max_length=500)
    folder = StorableCharField(_("folder"), max_length=4096, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    dry_run = models.BooleanField(_("dry run"), default=False, help_text=_("Count what would happen; write nothing."))
    mapping = StorableJSONField(_("columns → fields"), default=dict, blank=True)
    key_column = StorableCharField(
        _("key column"),
        max_length=500,
        blank=True,
        default="",
        help_text=_("The column whose value identifies a row when no column is mapped to the external id."),
    )
    defaults = StorableJSONField(
        _("defaults"), default=dict, blank=True, help_text=_('For example {"state": "draft", "language": "en"}.')
    )
    duplicates_policy = models.CharField(
        _("same content under another id"), max_length=4, choices=Duplicates.choices, default=Duplicates.KEEP
    )
    encoding = models.CharField(
        _("encoding"),
        max_length=40,
        blank=True,
        default="",
        help_text=_("Of texts that do not declare theirs. Empty: found out for each file."),
    )
    mirror = models.BooleanField(
        _("mirror"), default=False, help_text=_("Delete documents whose file or row is no longer there.")
    )
    delete_most = models.BooleanField(
        _("delete most"),
        default=False,
        help_text=_("Mirror also where more than half of the files are gone, as after an unmount."),
    )
    # How far it is
    read = models.PositiveBigIntegerField(_("read"), default=0)
    created = models.PositiveBigIntegerField(_("created"), default=0)
    updated = models.PositiveBigIntegerField(_("updated"), default=0)
    unchanged = models.PositiveBigIntegerField(_("unchanged"), default=0)
    failed = models.PositiveBigIntegerField(_("failed"), default=0)
    duplicates = models.PositiveBigIntegerField(_("duplicates"), default=0)
    moved = models.PositiveBigIntegerField(_("moved"), default=0)
    deleted = models.PositiveBigIntegerField(_("deleted"), default=0)
    left_out = models.PositiveBigIntegerField(
        _("left out"), default=0, help_text=_("Files that hold no text, such as pictures and styles.")
    )
    files_total = models.PositiveIntegerField(_("files"), default=0)
    files_done = models.PositiveIntegerField(_("files done"), default=0)
    bytes_total = models.PositiveBigIntegerField(_("bytes"), default=0)
    bytes_done = models.PositiveBigIntegerField(_("bytes done"), default=0)
    current_file = StorableCharField(_("current file"), max_length=1000, blank=True, default="")
    rows_per_second = models.FloatField(_("rows a second"), null=True, blank=True)
    error = StorableTextField(_("reason"), blank=True, default="")
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    # Who works on it
    holder = models.CharField(max_length=300, blank=True, default="")
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    # Where it comes from
    made_collection = models.BooleanField(
        default=False, help_text=_("The collection was made for this import, and goes with it while it is empty.")
    )
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries", verbose_name=_("retry of")
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=255, blank=True, default="")
    request_sha256 = models.CharField(max_length=64, blank=True, default="")
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
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last change"), default=timezone.now)

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="search_importjob_idempotency_unique",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "queued", "running", "finished", "failed", "cancelled"]),
                name="search_importjob_status_known",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="search_importjob_by_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more by itself."""
        return self.status in (self.Status.FINISHED, self.Status.FAILED, self.Status.CANCELLED)

    @property
    def counts(self) -> dict[str, int]:
        """What became of its rows so far, by name."""
        return {name: getattr(self, name) for name in COUNTS}

    def remaining_seconds(self, now: datetime) -> float | None:
        """Return how long it will still take at the speed so far, by bytes; None while nobody can tell."""
        if self.status != self.Status.RUNNING or self.started_at is None or not self.bytes_done:
            return None
        spent = (now - self.started_at).total_seconds()
        return max(0.0, spent / self.bytes_done * (self.bytes_total - self.bytes_done))


class ImportFile(models.Model):
    """One file of a job; an archive's entries are files of their own."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        LEFT_OUT = "left_out", _("Left out")
        CANCELLED = "cancelled", _("Cancelled")

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="files", verbose_name=_("job"))
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="entries", verbose_name=_("archive")
    )
    depth = models.PositiveSmallIntegerField(_("depth"), default=0, help_text=_("How many archives it was in."))
    name = StorableCharField(_("name"), max_length=1000, help_text=_("Its path in the upload, folder or archive."))
    stored_at = StorableCharField(_("stored at"), max_length=4096, blank=True, default="")
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, default="")
    format = models.CharField(_("format"), max_length=20, blank=True, default="")
    tabular = models.BooleanField(_("has rows"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    cursor = models.PositiveBigIntegerField(_("records done"), default=0)
    encoding = models.CharField(_("encoding"), max_length=40, blank=True, default="")
    warnings = StorableJSONField(
        _("warnings"), default=list, blank=True, help_text=_("What may not be as it was meant, though it was read.")
    )
    error = StorableTextField(_("reason"), blank=True, default="")

    class Meta:
        ordering = ["id"]
        verbose_name = _("import file")
        verbose_name_plural = _("import files")
        constraints = [
            models.UniqueConstraint(
                fields=["job", "name"],
                name="search_importfile_name_unique",
                violation_error_message=_("This import already has a file of this name."),
            )
        ]
        indexes = [models.Index(fields=["job", "status", "id"], name="search_importfile_by_status")]

    def __str__(self) -> str:
        return self.name


class ImportIdentity(models.Model):
    """One identity that an unfinished import has written, and where it stood: the same again is no row of its own.

    In the database and not in memory, which must not grow with the file; removed when the import is over.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, db_index=False, related_name="identities")
    external_id = StorableCharField(max_length=500)
    file = models.ForeignKey(
        ImportFile, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )
    line = models.PositiveBigIntegerField()
    place = StorableCharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("identity in an import")
        verbose_name_plural = _("identities in imports")
        constraints = [
            models.UniqueConstraint(fields=["job", "external_id"], name="search_importidentity_unique"),
        ]

    def __str__(self) -> str:
        return self.external_id


class ImportFailure(models.Model):
    """One row, or one whole file, that did not get in: where it stands, why, and what it was."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        SENT = "sent", _("Sent again")
        DISMISSED = "dismissed", _("Dismissed")

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="failures", verbose_name=_("job"))
    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="failures", verbose_name=_("file"))
    line = models.PositiveBigIntegerField(_("line"), null=True, help_text=_("Empty for a whole file."))
    place = StorableCharField(
        _("place"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("Where the line's number alone does not say it."),
    )
    external_id = StorableCharField(_("external id"), max_length=500, blank=True, default="")
    field = models.CharField(_("field"), max_length=500, blank=True, default="")
    reason = StorableTextField(_("reason"))
    original = StorableTextField(_("original"), blank=True, default="")
    values = StorableJSONField(_("values"), null=True, help_text=_("Its fields, as far as they could be read."))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)

    class Meta:
        ordering = ["id"]
        verbose_name = _("import failure")
        verbose_name_plural = _("import failures")
        indexes = [models.Index(fields=["job", "state", "id"], name="search_importfailure_by_state")]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.line}"

    @property
    def where(self) -> str:
        """Return in words where it stands in its file; "" for a whole file."""
        return "" if self.line is None else place_in(self.file.format, self.line, self.place)
