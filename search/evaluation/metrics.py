"""What one ranking is worth by its judgments. Pure: lists and numbers in, numbers out; no Django, no search.

The definitions are those of trec_eval, so that figures can be compared with anybody's: a document without a judgment
counts as not relevant, gains are linear in the grade, and nothing is left out because it was not judged.
"""

import math
from collections.abc import Mapping, Sequence

Ranked = Sequence[str]
Grades = Mapping[str, int]

CUTOFF = 10  # what people look at
NDCG, MRR, PRECISION, JUDGED = f"ndcg@{CUTOFF}", f"mrr@{CUTOFF}", f"precision@{CUTOFF}", f"judged@{CUTOFF}"


def names(k: int) -> tuple[str, ...]:
    """Return the metrics of a run that asked for `k` results, the most telling first."""
    return (NDCG, f"recall@{k}", MRR, PRECISION, JUDGED)


def of_query(ranked: Ranked, grades: Grades, k: int) -> dict[str, float]:
    """Return every metric of one query that has at least one relevant document, by name."""
    values = (
        ndcg(ranked, grades, CUTOFF),
        recall(ranked, grades, k),
        reciprocal_rank(ranked, grades, CUTOFF),
        precision(ranked, grades, CUTOFF),
        judged(ranked, grades, CUTOFF),
    )
    return dict(zip(names(k), values, strict=True))


def ndcg(ranked: Ranked, grades: Grades, k: int) -> float:
    """Return nDCG@k, from 0 to 1, with linear gains and log2 discounts (Järvelin and Kekäläinen, 2002)."""
    best = _dcg(sorted(grades.values(), reverse=True)[:k])
    return _dcg([grades.get(document, 0) for document in ranked[:k]]) / best if best else 0.0


def recall(ranked: Ranked, grades: Grades, k: int) -> float:
    """Return the share of the relevant documents that are among the first `k`."""
    relevant = _relevant(grades)
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def precision(ranked: Ranked, grades: Grades, k: int) -> float:
    """Return the share of the first `k` places that hold a relevant document; empty places count as wrong ones."""
    return len(_relevant(grades).intersection(ranked[:k])) / k


def reciprocal_rank(ranked: Ranked, grades: Grades, k: int) -> float:
    """Return 1 / rank of the first relevant document, 0 where it is not among the first `k` (MRR is its mean)."""
    relevant = _relevant(grades)
    return next((1 / rank for rank, document in enumerate(ranked[:k], 1) if document in relevant), 0.0)


def judged(ranked: Ranked, grades: Grades, k: int) -> float:
    """Return the share of the first `k` results that somebody has judged: how far the other figures can be trusted."""
    shown = ranked[:k]
    return sum(document in grades for document in shown) / len(shown) if shown else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(at + 2) for at, grade in enumerate(grades) if grade > 0)


def _relevant(grades: Grades) -> set[str]:
    return {document for document, grade in grades.items() if grade > 0}
