"""Holds two runs of a set against each other, query by query, by the judgments as they are now. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from search.evaluation import metrics, statistics
from search.evaluation.judged import grades_of
from search.models import EvaluationRun, RunQuery


@dataclass(frozen=True, slots=True)
class QueryChange:
    """What became of one query: its nDCG in both runs."""

    query_id: int
    text: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """Positive where the second run did better."""
        return self.second - self.first


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One metric over all queries that both runs have asked."""

    name: str
    first: float
    second: float
    difference: statistics.Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side: every metric, and every query with the worst losses first."""

    metrics: tuple[MetricChange, ...]
    queries: tuple[QueryChange, ...]

    @property
    def ndcg(self) -> MetricChange:
        """The metric that decides."""
        return self.metrics[0]


def compare(first: EvaluationRun, second: EvaluationRun) -> Comparison:
    """Compare two runs of one set on the queries that both have asked. Raises ValueError for runs of two sets."""
    if first.query_set_id != second.query_set_id:
        raise ValueError(f"Runs {first.pk} and {second.pk} asked two different sets of queries.")
    before, after = scores_of(first), scores_of(second)
    common = sorted(before.keys() & after.keys())
    names = [name for name in metrics.names(second.k) if name in metrics.names(first.k)]
    texts = dict(first.query_set.queries.filter(pk__in=common).values_list("pk", "text")) if common else {}
    changes = [QueryChange(pk, texts.get(pk, ""), before[pk][metrics.NDCG], after[pk][metrics.NDCG]) for pk in common]
    return Comparison(
        tuple(
            _metric_change(name, [before[pk][name] for pk in common], [after[pk][name] for pk in common])
            for name in names
        ),
        tuple(sorted(changes, key=lambda query: (query.change, query.query_id))),
    )


def scores_of(run: EvaluationRun) -> Mapping[int, Mapping[str, float]]:
    """Return query id → metrics of a run's rankings by the judgments of now; queries without a relevant one are out."""
    rows = list(RunQuery.objects.filter(run=run))
    grades = grades_of(row.query_id for row in rows)
    return {
        row.query_id: metrics.of_query(row.external_ids, grades[row.query_id], run.k)
        for row in rows
        if any(grade > 0 for grade in grades[row.query_id].values())
    }


def _metric_change(name: str, first: list[float], second: list[float]) -> MetricChange:
    count = len(first) or 1
    return MetricChange(name, sum(first) / count, sum(second) / count, statistics.compare(first, second))
