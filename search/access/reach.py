"""The collections that a request may touch: the one rule behind every way out of the API. Changes nothing.

The limit is a column of its own: a token whose last collection was deleted reaches nothing, not everything.
"""

from django.db.models import QuerySet

from search.models import ApiToken, Collection


def reachable_collections(token: ApiToken | None) -> QuerySet[Collection]:
    """Return the collections that `token` reaches; all of them for a request without a token."""
    if token is None or not token.collections_limited:
        return Collection.objects.all()
    return token.collections.all()


def reaches(token: ApiToken | None, slug: str) -> bool:
    """Tell whether `token` reaches the collection of this slug."""
    limited = token is not None and token.collections_limited
    return not limited or reachable_collections(token).filter(slug=slug).exists()
