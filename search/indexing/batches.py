"""One batch of changes on its way: what each asks for now, and the chunks of those whose text has changed.

Reads documents and writes nothing; the writer and its helpers share it, so that both see the same texts.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from search import registry
from search.conf import conf
from search.datatypes import TextChunk
from search.embedding.base import EncoderUnavailable
from search.fingerprints import content_hash
from search.indexing.plan import DocumentNow, Outcome, decide
from search.models import Document, IndexedDocument, IndexVersion, PendingChange

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """One pending change on its way through a batch."""

    pending: PendingChange
    document: Document | None
    outcome: Outcome
    content_hash: str = ""
    encoded_at: datetime | None = None
    chunks: list[TextChunk] = field(default_factory=list)
    error: str = ""
    again: bool = False  # whatever the indexes hold of it is not to be relied on


def planned(version: IndexVersion, claimed: Sequence[PendingChange]) -> list[Work]:
    """Return what each change asks for, judged by the document as it is now."""
    ids = [row.document_id for row in claimed]
    documents = Document.objects.in_bulk(ids)
    held = dict(
        IndexedDocument.objects.filter(version=version, document__in=ids).values_list("document_id", "content_hash")
    )
    batch = []
    for row in claimed:
        document = documents.get(row.document_id)
        digest = content_hash(document.title, document.body) if document else ""
        published = document is not None and document.state == Document.State.PUBLISHED
        now = DocumentNow(document.collection_id, published, digest) if document else None
        outcome = decide(now, collection_id=version.collection_id, held_content_hash=held.get(row.document_id))
        batch.append(Work(row, document, outcome, digest, again=held.get(row.document_id) == ""))
    return batch


def chunk(version: IndexVersion, content: Iterable[Work]) -> None:
    """Split the documents; one that cannot be split has its error instead. Raises EncoderUnavailable."""
    chunker = None
    for work in content:
        if chunker is None:
            encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
            chunker = registry.chunker_for(encoder, version.chunking)
        if work.document is None:
            continue
        most = conf().MAX_DOCUMENT_CHARS
        if len(work.document.body) > most:
            work.error = f"The text has {len(work.document.body):,} characters; at most {most:,} are indexed."
            continue
        try:
            work.chunks = chunker.split(work.document.title, work.document.body)
        except EncoderUnavailable:
            raise
        except Exception as error:  # one bad document must not stop the others
            logger.exception("Chunking of document %s failed", work.pending.document_id)
            work.error = f"Chunking failed: {type(error).__name__}: {error}"


def texts_of(works: Iterable[Work]) -> dict[str, str]:
    """Return what is to be encoded for these: text hash → text."""
    return {chunk.text_hash: chunk.encoded_text for work in works for chunk in work.chunks}
