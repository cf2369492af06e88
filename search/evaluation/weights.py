"""Puts a learned weight to use: one option of the collection changes, and searches rank by it from the next one on."""

from django.db import transaction

from search.models import Collection


def use(collection: Collection, weight: float) -> None:
    """Rank the collection by the weight; its other retrieval options stay as they are now."""
    with transaction.atomic():
        current = Collection.objects.select_for_update().get(pk=collection.pk)
        current.retrieval = {**current.retrieval, "dense_weight": weight}
        current.save(update_fields=["retrieval"])
    collection.retrieval = current.retrieval
