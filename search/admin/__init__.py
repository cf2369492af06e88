"""The admin: one module for each group of models. Django imports this package, and that registers them."""

from . import accounts, collections, documents, duplicates, import_jobs, index_versions, pending_changes

__all__ = ["accounts", "collections", "documents", "duplicates", "import_jobs", "index_versions", "pending_changes"]
