"""From the log to judgments: queries that went wrong become queries to be judged, with what people said by then.

A thumb is a judgment, a click half of one. Neither ever replaces what somebody judged by hand or imported.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from search.models import Collection, Document, EvaluationQuery, EvaluationQuerySet, Judgment, SearchReaction

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

HELPFUL = 2
OPENED = 1
NOT_HELPFUL = 0
ENOUGH_CLICKS = 2  # one click says that a title looked good


def log_query_set(collection: Collection, *, by: "AbstractBaseUser | None" = None) -> EvaluationQuerySet:
    """Return the collection's query set of logged queries; the first time it is made."""
    existing = collection.query_sets.filter(source=EvaluationQuerySet.Source.LOG).order_by("pk").first()
    if existing is not None:
        return existing
    made, _is_new = EvaluationQuerySet.objects.get_or_create(
        collection=collection,
        name=_("From the search log"),
        defaults={"source": EvaluationQuerySet.Source.LOG, "created_by_id": by.pk if by else None},
    )
    return made


def to_be_judged(
    collection: Collection, texts: Iterable[str], *, by: "AbstractBaseUser | None" = None
) -> list[EvaluationQuery]:
    """Put queries into the set of logged queries, each once, with the judgments that reactions to them make."""
    query_set = log_query_set(collection, by=by)
    with transaction.atomic():
        return [_query(query_set, text) for text in texts]


def reactions_to(collection: Collection, text: str) -> dict[int, Counter[str]]:
    """Return document → how often each kind of reaction came to a query's searches."""
    reactions = SearchReaction.objects.filter(search__collection=collection, search__text=text)
    counts: dict[int, Counter[str]] = {}
    for document_id, kind in reactions.values_list("document_id", "kind"):
        counts.setdefault(document_id, Counter())[kind] += 1
    return counts


def judgments_of_reactions(collection: Collection, text: str) -> dict[str, tuple[int, str]]:
    """Return external id → (grade, source) as the reactions to a query's searches say.

    More thumbs up than down: 2; more down than up: 0; opened twice or more, and no thumbs: 1.
    """
    counts = reactions_to(collection, text)
    names = dict(Document.objects.filter(collection=collection, pk__in=counts).values_list("pk", "external_id"))
    judged = ((names[pk], _judgment(count)) for pk, count in counts.items() if pk in names)
    return {external_id: judgment for external_id, judgment in judged if judgment is not None}


def _query(query_set: EvaluationQuerySet, text: str) -> EvaluationQuery:
    name = "log-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    query, _is_new = query_set.queries.get_or_create(external_id=name, defaults={"text": text})
    for external_id, (grade, source) in judgments_of_reactions(query_set.collection, text).items():
        judgment, is_new = query.judgments.get_or_create(
            external_id=external_id, defaults={"grade": grade, "source": source}
        )
        if not is_new and judgment.source in (Judgment.Source.CLICK, Judgment.Source.THUMB):
            judgment.grade, judgment.source = grade, source
            judgment.save(update_fields=["grade", "source"])
    return query


def _judgment(count: Counter[str]) -> tuple[int, str] | None:
    kinds, thumb = SearchReaction.Kind, Judgment.Source.THUMB
    if count[kinds.UP] != count[kinds.DOWN]:
        return (HELPFUL, thumb) if count[kinds.UP] > count[kinds.DOWN] else (NOT_HELPFUL, thumb)
    return (OPENED, Judgment.Source.CLICK) if count[kinds.CLICK] >= ENOUGH_CLICKS else None
