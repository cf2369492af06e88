"""A filter on a key of the metadata that only differs in upper and lower case from one that documents have.

Keys are told apart by case, so such a filter finds nothing and nobody sees why. Looks only at documents that the
visitor may see, and only where nothing was found.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from search.models import Document
from search.retrieval.filtering.filters import METADATA

from .asking import Asked

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from search.models import Collection

_LOOKED_AT = 500


def respelled(
    asked: Asked,
    filters: Sequence[str],
    collections: Sequence["Collection"],
    user: "AbstractBaseUser | AnonymousUser | None",
) -> tuple[str, Asked] | None:
    """Return the key as documents have it and the search with it, for the first of `filters` that misses it by case."""
    wanted = [text.lstrip("-")[len(METADATA) :].partition(":")[0] for text in filters if _is_of_metadata(text)]
    if not wanted:
        return None
    documents = Document.objects.visible_to(user).filter(collection__in=collections).order_by("-pk")
    known = {key for metadata in documents.values_list("metadata", flat=True)[:_LOOKED_AT] for key in metadata}
    for key in wanted:
        meant = sorted(other for other in known if other != key and other.casefold() == key.casefold())
        if meant and key not in known:
            return meant[0], _with_key(asked, key, meant[0])
    return None


def _is_of_metadata(text: str) -> bool:
    return text.lstrip("-").startswith(METADATA)


def _with_key(asked: Asked, key: str, meant: str) -> Asked:
    old, new = f"{METADATA}{key}:", f"{METADATA}{meant}:"
    filters = tuple(text.replace(old, new, 1) for text in asked.filters)
    return replace(asked, query=asked.query.replace(old, new), filters=filters, cursor="")
