"""Keeps a version's lexical index in step with its chunk rows.

What it has not followed yet is known from the rows themselves: everything added or removed after
`lexical_generation`. Doing it twice does no harm, so a crash costs only the repetition.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from search.failpoints import failpoint
from search.indexing.leases import Lease
from search.lexical.tantivy_index import LexicalDamaged, LexicalEntry, LexicalWriter, Publication
from search.models import Chunk, Document, IndexedDocument, IndexVersion, PendingChange

if TYPE_CHECKING:
    from search.models.chunks import ChunkQuerySet

logger = logging.getLogger(__name__)

_BLOCK_ROWS = 500


def catch_up(version: IndexVersion, lease: Lease, *, done: Mapping[int, int] | None = None) -> None:
    """Publish a lexical index of the version's newest generation and remove the pending rows `done` (id → document).

    An index that is missing or damaged is built anew from the database. Raises LeaseLost and OSError.
    """
    version.refresh_from_db()
    last = Publication.from_json(version.lexical_files)
    if last is None or version.lexical_generation < version.generation:
        last = _publish(version, lease, last)
    with transaction.atomic():
        lease.renew()
        IndexVersion.objects.filter(pk=version.pk).update(
            lexical_generation=version.generation, lexical_files=last.as_json(), last_error=""
        )
        PendingChange.objects.filter(version=version, pk__in=list(done or {})).delete()
        found = IndexedDocument.objects.filter(version=version, document__in=list((done or {}).values()))
        found.filter(visible_at=None).update(visible_at=timezone.now())
    failpoint("lexical.committed")
    version.refresh_from_db()


def _publish(version: IndexVersion, lease: Lease, last: Publication | None) -> Publication:
    writer = LexicalWriter(version.folder / "lexical")
    chunks = Chunk.objects.filter(version=version)
    try:
        if last is not None:
            removed = chunks.filter(removed_generation__gt=version.lexical_generation)
            added = chunks.live().filter(added_generation__gt=version.lexical_generation)
            publication = writer.apply(
                generation=version.generation,
                removed=removed.values_list("pk", flat=True).iterator(),
                added=_entries(added, lease),
                last=last,
            )
            writer.remove_unused(publication, last)
            return publication
    except LexicalDamaged as error:
        logger.warning("Building the lexical index of %s anew: %s", version, error)
    return writer.apply(generation=version.generation, removed=(), added=_entries(chunks.live(), lease), last=None)


def _entries(chunks: "ChunkQuerySet", lease: Lease) -> Iterator[LexicalEntry]:
    """Yield title and text of chunks whose document still exists; the others are about to be removed anyway."""
    after = 0
    while rows := list(
        chunks.filter(pk__gt=after).order_by("pk").values_list("pk", "document_id", "start", "end")[:_BLOCK_ROWS]
    ):
        lease.renew()
        texts = Document.objects.in_bulk({row[1] for row in rows})
        for chunk_id, document_id, start, end in rows:
            if document := texts.get(document_id):
                yield LexicalEntry(chunk_id, document.title, document.body[start:end])
        after = rows[-1][0]
