"""The admin: one module for each group of models. Django imports this package, and that registers them."""

from . import accounts, api_tokens
from .corpus import bulk_change_list, collections, documents, duplicates
from .curation import curation_rules, search_log, synonyms
from .evaluation import evaluation_runs, query_sets
from .imports import import_jobs
from .versions import index_versions, pending_changes

__all__ = [
    "accounts",
    "api_tokens",
    "bulk_change_list",
    "collections",
    "curation_rules",
    "documents",
    "duplicates",
    "evaluation_runs",
    "import_jobs",
    "index_versions",
    "pending_changes",
    "query_sets",
    "search_log",
    "synonyms",
]
