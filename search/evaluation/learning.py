"""Learns from judgments how much meaning is to count beside words in a collection, and says honestly what it is worth.

What a weight is worth is told by cross-validation: each fifth of the queries is measured with the weight that is best
for the other four. Changes no collection; whoever asks decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from search.conf import conf
from search.evaluation import metrics, statistics
from search.evaluation.judged import grades_of
from search.evaluation.runner import everybody
from search.evaluation.statistics import Difference
from search.models import Chunk, EvaluationQuery, EvaluationQuerySet, IndexVersion
from search.retrieval import candidates, fusion, pipeline
from search.retrieval.open_index import open_version
from search.retrieval.query import Asked
from search.retrieval.trace import Trace
from search.retrieval_options import RetrievalOptions

WEIGHTS = tuple(round(0.05 * step, 2) for step in range(21))
_FOLDS = 5
_LEAST_QUERIES = 20
_MOST_QUERIES = 500


class CannotLearn(ValueError):
    """There is nothing to learn from, or nothing to learn; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One query's candidates by both legs (chunk id → score), the document of each, and the documents' grades."""

    dense: Mapping[int, float]
    lexical: Mapping[int, float]
    document_of: Mapping[int, str]
    grades: Mapping[str, int]
    words_worth: float = 1.0  # the share of their weight that words have in this query


@dataclass(frozen=True, slots=True)
class LearnedWeight:
    """The weight that is best for all queries; what learning is worth for queries that were not learned from.

    `baseline` is the weight that the collection has now. `change` compares the held-out queries one by one.
    """

    value: float
    baseline: float
    queries: int
    ndcg_by_fold: tuple[float, ...]
    baseline_by_fold: tuple[float, ...]
    change: Difference

    @property
    def ndcg(self) -> float:
        """nDCG@10 of the held-out queries with the weights learned from the others."""
        return float(np.mean(self.ndcg_by_fold))

    @property
    def baseline_ndcg(self) -> float:
        """nDCG@10 of the same queries with the weight that the collection has now."""
        return float(np.mean(self.baseline_by_fold))

    @property
    def is_better(self) -> bool:
        """True when the gain on held-out queries is hardly chance."""
        return self.ndcg > self.baseline_ndcg and self.change.significant


def learn_dense_weight(query_set: EvaluationQuerySet) -> LearnedWeight:
    """Ask up to 500 of a set's judged queries of the live version, once each. Changes nothing. Raises CannotLearn."""
    version = IndexVersion.objects.active().select_related("collection").filter(collection=query_set.collection).first()
    if version is None:
        raise CannotLearn(_("%s has no live index version to ask.") % query_set.collection)
    options = RetrievalOptions.over_defaults(version.collection.retrieval)
    if options.fusion == "rrf":
        raise CannotLearn(_("Fusion is rrf, which has no weight; choose standardised or convex."))
    queries = list(EvaluationQuery.objects.filter(query_set=query_set).measurable().order_by("pk"))
    if len(queries) < _LEAST_QUERIES:
        raise CannotLearn(
            _("%(set)s has %(have)d queries with a relevant document; at least %(least)d are needed.")
            % {"set": query_set, "have": len(queries), "least": _LEAST_QUERIES}
        )
    chosen = np.random.default_rng(query_set.pk).permutation(len(queries))[:_MOST_QUERIES]
    grades = grades_of(queries[at].pk for at in chosen)
    scored = [scored_by_both(version, options, queries[at].text, grades[queries[at].pk]) for at in chosen]
    return cross_validated(scored, method=options.fusion, baseline=options.dense_weight)


def cross_validated(scored: Sequence[Scored], *, method: str, baseline: float) -> LearnedWeight:
    """Return the best weight for all queries, and its worth; queries are in no order that means anything."""
    worth = np.array([[ndcg_of(each, method, weight) for weight in WEIGHTS] for each in scored])
    now = np.array([ndcg_of(each, method, baseline) for each in scored])
    fold_of = np.arange(len(scored)) % _FOLDS
    held_out = np.empty(len(scored))
    for fold in range(_FOLDS):
        held_out[fold_of == fold] = worth[fold_of == fold, _best(worth[fold_of != fold], baseline)]
    return LearnedWeight(
        value=WEIGHTS[_best(worth, baseline)],
        baseline=baseline,
        queries=len(scored),
        ndcg_by_fold=tuple(float(held_out[fold_of == fold].mean()) for fold in range(_FOLDS)),
        baseline_by_fold=tuple(float(now[fold_of == fold].mean()) for fold in range(_FOLDS)),
        change=statistics.compare(now.tolist(), held_out.tolist()),
    )


def _best(worth: NDArray[np.float64], baseline: float) -> int:
    """Return which weight has the highest mean; of equal ones the nearest to what the collection has."""
    means = np.round(worth.mean(axis=0), 6)
    return min(range(len(WEIGHTS)), key=lambda at: (-means[at], abs(WEIGHTS[at] - baseline)))


def ndcg_of(scored: Scored, method: str, weight: float) -> float:
    """Return nDCG@10 of one query's candidates, joined by a method of `fusion`; a document counts by its best chunk."""
    in_query = candidates.dense_weight(weight, scored.words_worth)
    hits = fusion.fuse(scored.dense, scored.lexical, method=method, dense_weight=in_query)
    documents = dict.fromkeys(scored.document_of[hit.chunk_id] for hit in hits if hit.chunk_id in scored.document_of)
    return metrics.ndcg(list(documents), scored.grades, metrics.CUTOFF)


def scored_by_both(version: IndexVersion, options: RetrievalOptions, text: str, grades: Mapping[str, int]) -> Scored:
    """Ask one query as people do, and keep what both legs said of every candidate."""
    trace = Trace()
    asked = Asked(text.strip()[: conf().MAX_QUERY_CHARS], user=everybody())
    found = pipeline.run(asked, opened=open_version(version), options=options, trace=trace)
    if found.degraded or trace.query is None:
        raise CannotLearn(" ".join(found.degraded) or _("The query could not be asked."))
    dense, lexical = candidates.nearness(trace.query), trace.query.lexical.scores
    chunks = Chunk.objects.filter(version=version, pk__in=[*dense, *lexical]).live()
    document_of = dict(chunks.values_list("pk", "document__external_id"))
    return Scored(dense, lexical, document_of, grades, candidates.words_worth(trace.query))
