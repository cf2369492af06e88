"""The rows that are the truth: corpus and index versions."""

from .corpus import Collection, Document, corpus_changed
from .index_versions import (
    Chunk,
    Embedding,
    IndexedDocument,
    IndexLease,
    IndexVersion,
    MissingEmbedding,
    PendingChange,
    Segment,
)

__all__ = [
    "Chunk",
    "Collection",
    "Document",
    "Embedding",
    "IndexLease",
    "IndexVersion",
    "IndexedDocument",
    "MissingEmbedding",
    "PendingChange",
    "Segment",
    "corpus_changed",
]
