"""What the index consists of, as rows: versions, segments, chunks, vectors and pending work.

The files below the index folder are copies that these rows describe and can rebuild. Rows that outlive
their document (PendingChange, Chunk, IndexedDocument) refer to it without a database constraint, so that
a plain SQL `DELETE` of a document always works.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from search.conf import conf
from search.datatypes import Vectors

from .corpus import Collection, Document
from .fields import StorableJSONField

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

_SQL_PARAMETERS = 500


class IndexVersionQuerySet(models.QuerySet["IndexVersion"]):
    """Versions by their place in the life cycle."""

    def active(self) -> Self:
        return self.filter(state=IndexVersion.State.ACTIVE)

    def fed(self) -> Self:
        """Versions that every change must reach: the live one and candidates."""
        return self.filter(state__in=IndexVersion.FED_STATES)


class IndexVersion(models.Model):
    """One generation of a collection's index. Encoder, chunking and engine are fixed at its creation."""

    class State(models.TextChoices):
        BUILDING = "building", _("Building")
        READY = "ready", _("Ready")
        ACTIVE = "active", _("Active")
        RETIRED = "retired", _("Retired")
        FAILED = "failed", _("Failed")

    FED_STATES = (State.BUILDING, State.READY, State.ACTIVE)

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="index_versions", verbose_name=_("collection")
    )
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.BUILDING)
    encoder_name = models.CharField(_("encoder"), max_length=500)
    encoder_revision = models.CharField(_("encoder revision"), max_length=100, blank=True, default="")
    encoder_runtime = models.CharField(_("encoder runtime"), max_length=50)
    encoder_fingerprint = models.CharField(_("encoder fingerprint"), max_length=32)
    dimension = models.PositiveIntegerField(_("dimension"))
    chunking = StorableJSONField(_("chunking options"), default=dict)
    chunking_fingerprint = models.CharField(_("chunking fingerprint"), max_length=32)
    engine = models.CharField(_("engine"), max_length=50)
    engine_options = StorableJSONField(_("engine options"), default=dict)
    filled_to = models.BigIntegerField(
        _("filled to"),
        null=True,
        default=0,
        editable=False,
        help_text=_("The build has queued every document up to this id; empty once it has queued all."),
    )
    activate_when_ready = models.BooleanField(_("activate when ready"), default=True)
    generation = models.BigIntegerField(_("generation"), default=0)
    lexical_generation = models.BigIntegerField(_("lexical generation"), default=0)
    lexical_files = models.JSONField(_("lexical files"), default=dict, editable=False)
    documents = models.BigIntegerField(_("documents"), default=0)
    chunks = models.BigIntegerField(_("chunks"), default=0)
    encoded_chunks = models.BigIntegerField(_("chunks encoded"), default=0)
    last_error = models.TextField(_("last error"), blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last change"), null=True, blank=True)

    objects = IndexVersionQuerySet.as_manager()
    if TYPE_CHECKING:
        segments: RelatedManager["Segment"]

    class Meta:
        ordering = ["collection", "-number"]
        verbose_name = _("index version")
        verbose_name_plural = _("index versions")
        constraints = [
            models.UniqueConstraint(fields=["collection", "number"], name="search_indexversion_number_unique"),
            models.UniqueConstraint(
                fields=["collection"], condition=Q(state="active"), name="search_indexversion_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["building", "ready", "active", "retired", "failed"]),
                name="search_indexversion_state_known",
            ),
            models.CheckConstraint(condition=Q(dimension__gt=0), name="search_indexversion_dimension_positive"),
            models.CheckConstraint(
                condition=Q(lexical_generation__lte=models.F("generation")),
                name="search_indexversion_lexical_not_ahead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection.slug} v{self.number}"

    @property
    def folder(self) -> Path:
        """The folder of all of this version's files; it can be deleted and rebuilt from the rows."""
        return conf().index_dir / f"version-{self.pk}"


class Segment(models.Model):
    """An immutable, content-addressed part of a version's dense index. The rows are the manifest."""

    class State(models.TextChoices):
        LIVE = "live", _("Live")
        DAMAGED = "damaged", _("Damaged")

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="segments", verbose_name=_("index version")
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    ids_sha256 = models.CharField(_("SHA-256 of the ids"), max_length=64)
    path = models.CharField(_("path"), max_length=300, help_text=_("Below the version's folder."))
    ids_path = models.CharField(_("path of the ids"), max_length=300)
    rows = models.BigIntegerField(_("rows"))
    size_bytes = models.BigIntegerField(_("bytes"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.LIVE)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        ordering = ["id"]
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(fields=["version", "sha256"], name="search_segment_sha256_unique"),
            models.CheckConstraint(condition=Q(rows__gt=0), name="search_segment_rows_positive"),
            models.CheckConstraint(condition=Q(state__in=["live", "damaged"]), name="search_segment_state_known"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class ChunkQuerySet(models.QuerySet["Chunk"]):
    """Chunks by where their vectors are."""

    def live(self) -> Self:
        """Chunks that belong to the index as it is now."""
        return self.filter(removed_generation__isnull=True)

    def tail(self) -> Self:
        """Live chunks that no segment holds yet."""
        return self.live().filter(segment__isnull=True)

    def dead(self) -> Self:
        """Removed chunks whose vectors are still inside a segment."""
        return self.filter(removed_generation__isnull=False, segment__isnull=False)


class Chunk(models.Model):
    """The unit that is encoded and indexed; its primary key is the vector id in every index.

    `start` and `end` are character offsets into the document's body. A chunk that leaves the index keeps
    its row, with `removed_generation`, until no segment holds its vector any more.
    """

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="chunk_rows", verbose_name=_("index version")
    )
    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="chunks",
        verbose_name=_("document"),
    )
    ordinal = models.PositiveIntegerField(_("ordinal"))
    start = models.PositiveIntegerField(_("start"))
    end = models.PositiveIntegerField(_("end"))
    tokens = models.PositiveIntegerField(_("tokens"))
    text_hash = models.CharField(_("text hash"), max_length=32)
    segment = models.ForeignKey(
        Segment,
        null=True,
        on_delete=models.SET_NULL,
        related_name="chunks",
        verbose_name=_("segment"),
        db_index=False,
    )
    added_generation = models.BigIntegerField(_("added in generation"))
    removed_generation = models.BigIntegerField(_("removed in generation"), null=True)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        # No default ordering: by document it would join the document's row, and lose chunks whose document is gone.
        verbose_name = _("chunk")
        verbose_name_plural = _("chunks")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "document", "ordinal"],
                condition=Q(removed_generation__isnull=True),
                name="search_chunk_ordinal_unique",
            ),
            models.CheckConstraint(condition=Q(end__gte=models.F("start")), name="search_chunk_offsets_ordered"),
        ]
        indexes = [
            models.Index(fields=["version", "added_generation"], name="search_chunk_by_added"),
            models.Index(
                fields=["version", "removed_generation"],
                name="search_chunk_by_removed",
                condition=Q(removed_generation__isnull=False),
            ),
            models.Index(
                fields=["version", "id"],
                name="search_chunk_tail",
                condition=Q(removed_generation__isnull=True, segment__isnull=True),
            ),
            models.Index(fields=["segment", "id"], name="search_chunk_by_segment"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}#{self.ordinal}"


class EmbeddingManager(models.Manager["Embedding"]):
    """Vectors by text hash: what has been encoded once is never encoded again."""

    def known(self, fingerprint: str, hashes: Iterable[str]) -> set[str]:
        """Return those of `hashes` that have a vector of this encoder."""
        wanted = list(dict.fromkeys(hashes))
        found: set[str] = set()
        for at in range(0, len(wanted), _SQL_PARAMETERS):
            rows = self.filter(encoder_fingerprint=fingerprint, text_hash__in=wanted[at : at + _SQL_PARAMETERS])
            found.update(rows.values_list("text_hash", flat=True))
        return found

    def vectors(self, fingerprint: str, hashes: Sequence[str], dimension: int) -> Vectors:
        """Return the float32 vectors of `hashes`, in their order, shape (len(hashes), dimension).

        Raises MissingEmbedding when one has no vector or a vector of another length.
        """
        result = np.empty((len(hashes), dimension), dtype=np.float32)
        wanted = list(dict.fromkeys(hashes))
        rows: dict[str, bytes] = {}
        for at in range(0, len(wanted), _SQL_PARAMETERS):
            found = self.filter(encoder_fingerprint=fingerprint, text_hash__in=wanted[at : at + _SQL_PARAMETERS])
            rows.update((text_hash, bytes(vector)) for text_hash, vector in found.values_list("text_hash", "vector"))
        for position, text_hash in enumerate(hashes):
            vector = rows.get(text_hash)
            if vector is None or len(vector) != dimension * 4:
                size = "none" if vector is None else f"{len(vector) // 4} numbers"
                raise MissingEmbedding(
                    f"Chunk text {text_hash} should have a vector of {dimension} numbers of encoder {fingerprint} "
                    f"and has {size}. Run `manage.py check_index --repair`."
                )
            result[position] = np.frombuffer(vector, dtype="<f4")
        return result


class MissingEmbedding(Exception):
    """A chunk's vector is not in the database, or has the wrong length."""


class Embedding(models.Model):
    """The vector of one chunk text by one encoder: little-endian float32, L2-normalised."""

    encoder_fingerprint = models.CharField(_("encoder fingerprint"), max_length=32)
    text_hash = models.CharField(_("text hash"), max_length=32)
    vector = models.BinaryField(_("vector"))

    objects = EmbeddingManager()

    class Meta:
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        constraints = [
            models.UniqueConstraint(fields=["encoder_fingerprint", "text_hash"], name="search_embedding_text_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.encoder_fingerprint}:{self.text_hash}"


class IndexedDocument(models.Model):
    """What a version holds of one document: the revision and content that were last applied."""

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="indexed_documents", verbose_name=_("index version")
    )
    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="indexed_in",
        verbose_name=_("document"),
    )
    revision = models.BigIntegerField(_("revision"))
    content_hash = models.CharField(_("content hash"), max_length=32)
    chunk_count = models.PositiveIntegerField(_("chunks"))
    indexed_at = models.DateTimeField(_("indexed"), default=timezone.now)

    class Meta:
        verbose_name = _("indexed document")
        verbose_name_plural = _("indexed documents")
        constraints = [
            models.UniqueConstraint(fields=["version", "document"], name="search_indexeddocument_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.document_id}@{self.revision}"


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    """Pending work by what may be done with it."""

    def due(self, now: datetime) -> Self:
        """Work to be done now: not waiting for a retry, not in quarantine."""
        return self.filter(not_before__lte=now, quarantined=False)

    def failed(self) -> Self:
        """Documents in quarantine, each with its reason."""
        return self.filter(quarantined=True)

    def waiting(self) -> Self:
        """Work that will be done without anybody's help."""
        return self.filter(quarantined=False)


class PendingChange(models.Model):
    """A change that one version has not applied yet: outbox, queue, retry counter and quarantine in one row.

    Triggers write it in the transaction of the change. Each further change replaces the row, so its id
    stands for exactly one state of the document and the applier removes rows by id.
    """

    version = models.ForeignKey(
        IndexVersion, on_delete=models.CASCADE, related_name="pending_changes", verbose_name=_("index version")
    )
    document = models.ForeignKey(
        Document,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="pending_changes",
        verbose_name=_("document"),
    )
    revision = models.BigIntegerField(_("revision"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    quarantined = models.BooleanField(_("in quarantine"), default=False, db_default=False)
    last_error = models.TextField(_("reason"), blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("pending change")
        verbose_name_plural = _("pending changes")
        constraints = [
            models.UniqueConstraint(fields=["version", "document"], name="search_pendingchange_unique"),
        ]
        indexes = [
            models.Index(fields=["version", "quarantined", "not_before", "id"], name="search_pending_due"),
            models.Index(fields=["document"], name="search_pending_by_document"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.document_id}@{self.revision}"


class IndexLease(models.Model):
    """Who may write a collection's index right now. `token` rises with every change of hands (fencing)."""

    collection = models.OneToOneField(
        Collection, on_delete=models.CASCADE, related_name="lease", verbose_name=_("collection")
    )
    holder = models.CharField(_("holder"), max_length=300, blank=True, default="")
    token = models.BigIntegerField(_("token"), default=0)
    expires_at = models.DateTimeField(_("expires"), default=timezone.now)

    class Meta:
        verbose_name = _("index lease")
        verbose_name_plural = _("index leases")

    def __str__(self) -> str:
        return f"{self.collection_id}: {self.holder or '-'}"
