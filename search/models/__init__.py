"""The rows that are the truth: corpus and index versions."""

from .chunks import Chunk, Embedding, IndexedDocument, MissingEmbedding
from .corpus import Collection, Document, corpus_changed, index_damaged
from .duplicates import DuplicatePair
from .imports import ImportFailure, ImportFile, ImportJob, SourceDocument
from .index_versions import IndexLease, IndexVersion, Segment
from .pending_changes import PendingChange
from .search_logs import SearchLog
from .version_events import VersionEvent

__all__ = [
    "Chunk",
    "Collection",
    "Document",
    "DuplicatePair",
    "Embedding",
    "ImportFailure",
    "ImportFile",
    "ImportJob",
    "IndexLease",
    "IndexVersion",
    "IndexedDocument",
    "MissingEmbedding",
    "PendingChange",
    "SearchLog",
    "Segment",
    "SourceDocument",
    "VersionEvent",
    "corpus_changed",
    "index_damaged",
]
