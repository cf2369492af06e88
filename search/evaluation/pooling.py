"""What is laid before a person who judges: the best of several systems, in an order that betrays none of them.

Who sees ranks and scores judges what is on top as good. So documents of all systems are mixed; the order is random, and
the same whenever the same person comes back to the same query. Nothing here is stored.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search import query_service
from search.conf import conf
from search.datatypes import SearchResult, Snippet
from search.models import Document, EvaluationQuery, EvaluationQuerySet, EvaluationRun, IndexVersion, RunQuery

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

DEPTH = 10  # results of each system: as far as the metrics look
_RUNS = 5  # newest finished runs of the set whose rankings are judged, too
_SNIPPET_CHARS = 300


@dataclass(frozen=True, slots=True)
class System:
    """A way to search, as `query_service.search` takes it."""

    mode: str = "hybrid"
    options: Mapping[str, Any] = field(default_factory=dict)


SYSTEMS = (System(), System("dense"), System("lexical"), System(options={"fusion": "rrf"}))


@dataclass(frozen=True, slots=True)
class PooledDocument:
    """A document to be judged; `grade` is what is thought of it so far, None where nobody has judged it."""

    external_id: str
    document_id: int
    title: str
    url: str
    snippet: Snippet
    grade: int | None


def pool(
    query: EvaluationQuery, *, user: "AbstractBaseUser", systems: Sequence[System] = SYSTEMS, depth: int = DEPTH
) -> list[PooledDocument]:
    """Return what `user` may see of the first `depth` results of every system and of the newest runs, mixed.

    Judged documents that no system finds any more are in it, too. Raises NotReady where the collection cannot be
    searched just now.
    """
    grades = dict(query.judgments.values_list("external_id", "grade"))
    found = _searched(query, user, systems, depth)
    others = (_ranked_by_runs(query, depth) | grades.keys()) - found.keys()
    visible = Document.objects.visible_to(user).filter(collection=query.query_set.collection_id)
    rows = visible.filter(external_id__in=sorted(others)).only("external_id", "title", "url", "body")
    pooled = [
        PooledDocument(key, hit.document_id, hit.title, hit.url, hit.snippet, grades.get(key))
        for key, hit in found.items()
    ]
    pooled += [
        PooledDocument(
            row.external_id, row.pk, row.title, row.url, Snippet(row.body[:_SNIPPET_CHARS]), grades.get(row.external_id)
        )
        for row in rows
    ]
    pooled.sort(key=lambda document: document.external_id)
    random.Random(f"{query.pk}:{user.pk}").shuffle(pooled)  # noqa: S311 - it is no secret
    return pooled


def next_to_judge(query_set: EvaluationQuerySet, *, after: int = 0) -> EvaluationQuery | None:
    """Return the next query, by its key, of which nothing is judged yet; from the beginning again after the last."""
    unjudged = EvaluationQuery.objects.filter(query_set=query_set, judgments=None).exclude(pk=after).order_by("pk")
    return unjudged.filter(pk__gt=after).first() or unjudged.first()


def _searched(
    query: EvaluationQuery, user: "AbstractBaseUser", systems: Sequence[System], depth: int
) -> dict[str, SearchResult]:
    version = _live(query)
    text = query.text.strip()[: conf().MAX_QUERY_CHARS]
    found: dict[str, SearchResult] = {}
    for system in systems:
        response = query_service.search(
            text, user=user, k=depth, mode=system.mode, options=system.options, version=version, log=False
        )
        for result in response.results:
            found.setdefault(result.external_id, result)
    return found


def _live(query: EvaluationQuery) -> IndexVersion:
    versions = IndexVersion.objects.active().select_related("collection")
    version = versions.filter(collection=query.query_set.collection_id).first()
    if version is None:
        raise query_service.NotReady("The first index version of this collection is about to be made by the worker.")
    return version


def _ranked_by_runs(query: EvaluationQuery, depth: int) -> set[str]:
    runs = EvaluationRun.objects.finished().filter(query_set=query.query_set_id).order_by("-pk")[:_RUNS]
    rows = RunQuery.objects.filter(query=query, run__in=list(runs.values_list("pk", flat=True)))
    return {external_id for row in rows for external_id in row.external_ids[:depth]}
