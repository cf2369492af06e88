"""The admin: one module for each group of models. Django imports this package, and that registers them."""

from . import (
    accounts,
    collections,
    curation_rules,
    documents,
    duplicates,
    evaluation_runs,
    import_jobs,
    index_versions,
    pending_changes,
    query_sets,
    search_log,
    synonyms,
)

__all__ = [
    "accounts",
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
