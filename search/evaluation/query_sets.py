"""What people do with query sets: make them, rename them, let one guard the gate. Judging is `ingestion.judgments`."""

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from search.models import Collection, EvaluationQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class BadQuerySet(ValueError):
    """The query set cannot be stored as it is; the message says why."""


def create(
    collection: Collection, name: str, *, description: str = "", by: "AbstractBaseUser | None" = None
) -> EvaluationQuerySet:
    """Return a new, empty set. Raises BadQuerySet."""
    made = EvaluationQuerySet(collection=collection, name=name, description=description)
    made.created_by_id = by.pk if by is not None else None
    return _saved(made)


def change(
    query_set: EvaluationQuerySet,
    *,
    name: str | None = None,
    description: str | None = None,
    guards_gate: bool | None = None,
) -> EvaluationQuerySet:
    """Change what is given. The set that guards the gate takes that over from any other. Raises BadQuerySet."""
    query_set.name = query_set.name if name is None else name
    query_set.description = query_set.description if description is None else description
    query_set.guards_gate = query_set.guards_gate if guards_gate is None else guards_gate
    with transaction.atomic():
        take_over_gate(query_set)
        return _saved(query_set)


def take_over_gate(query_set: EvaluationQuerySet) -> None:
    """Release the set that guards the gate so far, where this one is to do it once it is saved."""
    if query_set.guards_gate:
        others = EvaluationQuerySet.objects.filter(collection=query_set.collection_id, guards_gate=True)
        others.exclude(pk=query_set.pk).update(guards_gate=False)


def _saved(query_set: EvaluationQuerySet) -> EvaluationQuerySet:
    try:
        with transaction.atomic():
            query_set.save()
    except IntegrityError as error:
        raise BadQuerySet(
            _("Collection %(slug)s already has a query set %(name)r.")
            % {"slug": query_set.collection.slug, "name": query_set.name}
        ) from error
    return query_set
