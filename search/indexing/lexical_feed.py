"""Keeps a version's lexical index in step with its chunk rows.

What it has not followed yet is known from the rows themselves: everything added or removed after
`lexical_generation`. Doing it twice does no harm, so a crash costs only the repetition.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from search.failpoints import failpoint
from search.fingerprints import content_hash
from search.indexing.leases import Lease
from search.lexical.analysis import RECIPE, language_of
from search.lexical.languages import detect
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
    if last is None or is_behind(version):
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


def is_behind(version: IndexVersion) -> bool:
    """Tell whether there is no lexical index of the version's generation by today's analysis of words."""
    other = version.lexical_files.get("recipe") != RECIPE
    return not version.lexical_files or other or version.lexical_generation < version.generation


def _publish(version: IndexVersion, lease: Lease, last: Publication | None) -> Publication:
    writer = LexicalWriter(version.folder / "lexical")
    chunks = Chunk.objects.filter(version=version)
    try:
        if last is not None:
            removed = chunks.filter(removed_generation__gt=version.lexical_generation)
            added = _added_since(version, version.lexical_generation)
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
    publication = writer.apply(
        generation=version.generation, removed=(), added=_entries(_everything(version), lease), last=None
    )
    _note_changed(version, lease)
    return publication


def _note_changed(version: IndexVersion, lease: Lease) -> None:
    """Have every chunk of a document fed again when its change is applied, if its text is not the one it is cut from.

    What was just built has the text of today at the places of yesterday; a chunk that turns out to stay would keep it.
    """
    held = IndexedDocument.objects.filter(version=version).order_by("pk")
    documents = Document.objects.filter(pk=OuterRef("document_id"))
    changed = held.exclude(Exists(documents.filter(revision=OuterRef("revision"))))
    after = 0
    while rows := list(changed.filter(pk__gt=after).values_list("pk", "document_id", "content_hash")[:_BLOCK_ROWS]):
        lease.renew()
        texts = Document.objects.in_bulk({row[1] for row in rows})
        other = [
            pk
            for pk, document_id, digest in rows
            if (document := texts.get(document_id)) and content_hash(document.title, document.body) != digest
        ]
        IndexedDocument.objects.filter(pk__in=other).update(content_hash="")
        after = rows[-1][0]


def _added_since(version: IndexVersion, generation: int) -> Iterator["ChunkQuerySet"]:
    """Yield blocks of the live chunks that are newer than a generation.

    Their ids come first, in the order of the index on generations: asked to page through them by id, SQLite reads
    through every live chunk of the version.
    """
    live = Chunk.objects.filter(version=version).live()
    ids = list(live.filter(added_generation__gt=generation).order_by("added_generation").values_list("pk", flat=True))
    for at in range(0, len(ids), _BLOCK_ROWS):
        yield Chunk.objects.filter(pk__in=ids[at : at + _BLOCK_ROWS])


def _everything(version: IndexVersion) -> Iterator["ChunkQuerySet"]:
    """Yield blocks of all live chunks."""
    after = 0
    live = Chunk.objects.filter(version=version).live().order_by("pk")
    while ids := list(live.filter(pk__gt=after).values_list("pk", flat=True)[:_BLOCK_ROWS]):
        yield live.filter(pk__range=(ids[0], ids[-1]))
        after = ids[-1]


def _entries(blocks: Iterable["ChunkQuerySet"], lease: Lease) -> Iterator[LexicalEntry]:
    """Yield title and text of chunks whose document still exists; the others are about to be removed anyway."""
    for block in blocks:
        lease.renew()
        rows = list(block.values_list("pk", "document_id", "start", "end"))
        texts = Document.objects.in_bulk({row[1] for row in rows})
        languages = {pk: _language(document) for pk, document in texts.items()}
        for chunk_id, document_id, start, end in rows:
            if document := texts.get(document_id):
                language = languages[document_id]
                yield LexicalEntry(chunk_id, document.title, document.body[start:end], language, document_id)


def _language(document: Document) -> str:
    return language_of(document.language) or detect(f"{document.title}\n{document.body}")
