"""The admin's first page: each collection with its progress, its failures and the way to them. Reads only."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from search.admin import addresses
from search.indexing.progress import CollectionProgress, collection_progresses
from search.models import Collection

MAX_CARDS = 60


@dataclass(frozen=True, slots=True)
class Card:
    """One collection on the first page."""

    collection: Collection
    progress: CollectionProgress
    url: str
    documents_url: str
    failed_url: str
    search_url: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the cards of the collections that the user may see to the first page's context."""
    context = {**context, "title": _("Overview")}
    if not request.user.has_perm("search.view_collection"):
        return {**context, "cards": [], "may_see_collections": False}
    collections = list(Collection.objects.order_by("name")[:MAX_CARDS])
    progresses = collection_progresses(collections)
    cards = [
        Card(
            collection=collection,
            progress=progresses[collection.pk],
            url=addresses.collection(collection),
            documents_url=addresses.documents(collection),
            failed_url=addresses.documents(collection, indexing="failed"),
            search_url=addresses.search_page(collection),
        )
        for collection in collections
    ]
    return {
        **context,
        "cards": cards,
        "may_see_collections": True,
        "may_add_collection": request.user.has_perm("search.add_collection"),
    }
