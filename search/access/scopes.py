"""What a token can be allowed to do. A scope never adds to what its owner may do."""

from enum import StrEnum


class Scope(StrEnum):
    """The kinds of use that a token is made for; each view names the one that each of its methods needs."""

    SEARCH_READ = "search:read"
    """Searching, suggestions, similar documents; reading collections."""

    DOCUMENTS_READ = "documents:read"
    """Reading documents, exports."""

    DOCUMENTS_WRITE = "documents:write"
    """Writing documents, one or many."""

    INDEX_MANAGE = "index:manage"
    """Writing collections, asking for a rebuild."""
