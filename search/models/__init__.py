"""The rows that are the truth: corpus and index versions."""

from .api_tokens import ApiToken
from .bulk_changes import BulkChange
from .chunks import Chunk, Embedding, IndexedDocument, MissingEmbedding
from .corpus import Collection, Document, corpus_changed, index_damaged
from .curation import CurationRule, SynonymSet
from .duplicates import DuplicatePair, DuplicateScan
from .evaluation import EvaluationQuery, EvaluationQuerySet, EvaluationRun, Judgment, RunQuery
from .figure_samples import FigureSample
from .imports import ImportFailure, ImportFile, ImportIdentity, ImportJob
from .index_versions import IndexLease, IndexVersion, Segment
from .keyed_requests import KeyedRequest
from .pending_changes import EncodingClaim, PendingChange
from .revisions import DocumentRevision
from .search_logs import SearchLog, SearchReaction
from .sources import SourceDocument, SourceFile
from .version_events import VersionEvent

__all__ = [
    "ApiToken",
    "BulkChange",
    "Chunk",
    "Collection",
    "CurationRule",
    "Document",
    "DocumentRevision",
    "DuplicatePair",
    "DuplicateScan",
    "Embedding",
    "EncodingClaim",
    "EvaluationQuery",
    "EvaluationQuerySet",
    "EvaluationRun",
    "FigureSample",
    "ImportFailure",
    "ImportFile",
    "ImportIdentity",
    "ImportJob",
    "IndexLease",
    "IndexVersion",
    "IndexedDocument",
    "Judgment",
    "KeyedRequest",
    "MissingEmbedding",
    "PendingChange",
    "RunQuery",
    "SearchLog",
    "SearchReaction",
    "Segment",
    "SourceDocument",
    "SourceFile",
    "SynonymSet",
    "VersionEvent",
    "corpus_changed",
    "index_damaged",
]
