"""Which documents somebody means: by their ids, or by what they have in common. Reads nothing by itself."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from search.models.corpus import DocumentQuerySet

_LOOKUPS = {
    "ids": "pk__in",
    "external_ids": "external_id__in",
    "state": "state",
    "visibility": "visibility",
    "language": "language",
    "updated_since": "updated_at__gte",
    "updated_before": "updated_at__lt",
}
ALL, TEXT = "all", "text"
CONDITIONS = (*_LOOKUPS, TEXT, ALL)


class BadSelection(ValueError):
    """Nothing says which documents are meant."""


def selected(documents: DocumentQuerySet, conditions: Mapping[str, Any]) -> DocumentQuerySet:
    """Return those documents that fulfil all conditions; `text` is a piece of the title or of the external id.

    Raises BadSelection where there is none: all documents are meant only where `all` says so.
    """
    if not conditions.get(ALL) and not any(name in conditions for name in (*_LOOKUPS, TEXT)):
        raise BadSelection(_("Say which documents: %s.") % ", ".join(CONDITIONS))
    found = documents.filter(**{lookup: conditions[name] for name, lookup in _LOOKUPS.items() if name in conditions})
    if TEXT in conditions:
        found = found.filter(Q(title__icontains=conditions[TEXT]) | Q(external_id__icontains=conditions[TEXT]))
    return found
