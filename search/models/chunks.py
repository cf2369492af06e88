"""Chunks, their vectors, and which revision of each document a version holds.

Rows that outlive their document refer to it without a database constraint, so that a plain SQL `DELETE` of a
document always works.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from search.datatypes import Vectors

from .corpus import Document
from .index_versions import IndexVersion

_SQL_PARAMETERS = 500
_NORM_TOLERANCE = 1e-3


class ChunkQuerySet(models.QuerySet["Chunk"]):
    """Chunks by where their vectors are. Ids ascend within a version, because only its lease's holder adds chunks."""

    def live(self) -> Self:
        """Chunks that belong to the index as it is now."""
        return self.filter(removed_generation__isnull=True)

    def tail(self, version: IndexVersion) -> Self:
        """Live chunks of a version that no segment holds yet."""
        return self.filter(version=version, pk__gt=version.sealed_to).live()

    def dead(self, version: IndexVersion) -> Self:
        """Removed chunks of a version whose vectors may still be inside a segment.

        Written so that databases look among the removed chunks: by `id <= …` SQLite reads every chunk of the version.
        """
        removed = self.filter(version=version, removed_generation__gte=0)
        return removed.alias(place=F("pk") + 0).filter(place__lte=version.sealed_to)


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
                name="search_chunk_live",
                condition=Q(removed_generation__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}#{self.ordinal}"


class EmbeddingManager(models.Manager["Embedding"]):
    """Vectors by text hash: what has been encoded once is never encoded again."""

    def known(self, fingerprint: str, hashes: Iterable[str], dimension: int) -> set[str]:
        """Return those of `hashes` that have a usable vector of this encoder: right length, finite, norm 1."""
        found: set[str] = set()
        for text_hash, data in self._stored(fingerprint, hashes):
            if len(data) == dimension * 4:
                norm = float(np.linalg.norm(np.frombuffer(data, dtype="<f4")))
                if abs(norm - 1.0) <= _NORM_TOLERANCE:  # also false for a norm that is not a number
                    found.add(text_hash)
        return found

    def vectors(self, fingerprint: str, hashes: Sequence[str], dimension: int) -> Vectors:
        """Return the float32 vectors of `hashes`, in their order, shape (len(hashes), dimension).

        Raises MissingEmbedding when one has no vector or a vector of another length.
        """
        result = np.empty((len(hashes), dimension), dtype=np.float32)
        rows = dict(self._stored(fingerprint, hashes))
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

    def _stored(self, fingerprint: str, hashes: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(dict.fromkeys(hashes))
        for at in range(0, len(wanted), _SQL_PARAMETERS):
            rows = self.filter(encoder_fingerprint=fingerprint, text_hash__in=wanted[at : at + _SQL_PARAMETERS])
            for text_hash, vector in rows.values_list("text_hash", "vector"):
                yield text_hash, bytes(vector)


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
    tokens = models.PositiveIntegerField(_("tokens"), null=True, blank=True)  # of all chunks, with what they share
    coverage = models.FloatField(_("coverage"), null=True, blank=True)  # chunking/coverage.py
    # Its way: when it was queued, when its texts had vectors, and when every search could find it.
    queued_at = models.DateTimeField(_("queued"), null=True, blank=True)
    encoded_at = models.DateTimeField(_("encoded"), null=True, blank=True)
    indexed_at = models.DateTimeField(_("indexed"), default=timezone.now)
    visible_at = models.DateTimeField(_("visible"), null=True, blank=True)

    class Meta:
        verbose_name = _("indexed document")
        verbose_name_plural = _("indexed documents")
        constraints = [
            models.UniqueConstraint(fields=["version", "document"], name="search_indexeddocument_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}:{self.document_id}@{self.revision}"
